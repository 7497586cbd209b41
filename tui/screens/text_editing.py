"""Lets the user edit the text of a field in an editor of their own."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator

from textual.app import SuspendNotSupported

from tui.exchange import editor
from tui.exchange.editor import EditorError
from tui.screens.shell import Shell
from tui.widgets.form import ParamForm
from tui.widgets.text_fields import TextField


class TextEditing:
    """Leaves the terminal to an editor, while tasks go on."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._busy = False

    async def edit(self, field: TextField) -> None:
        """Edits the text of a field of the form. Runs in a worker of the app."""
        shell = self._shell
        if self._busy or not shell.main:
            return  # a key that was held down
        self._busy = True
        try:
            text = await self._edited(field.area.text)
        except EditorError as error:
            shell.show_problem(str(error), "Not edited")
        except SuspendNotSupported:
            sentence = "This terminal can't be left to an editor."
            shell.show_problem(sentence, "Not edited")
        else:
            _replace(field, shell.main.form, text)
        finally:
            self._busy = False

    async def _edited(self, text: str) -> str:
        """Returns the text as the editor leaves it. Raises EditorError."""
        command = editor.command()
        folder = self._shell.session.folders.state
        with self._shell.suspend(), _interrupts_ignored():
            try:
                return await asyncio.to_thread(editor.edit, text, command, folder)
            except EditorError as error:
                problem = error  # the terminal has to be taken back first
        raise problem


def _replace(field: TextField, form: ParamForm, text: str) -> None:
    """Sets the text of a field, or of the one that has taken its place meanwhile."""
    if field.is_attached:
        field.replace_text(text)
    else:
        form.replace_text(field.param.name, text)


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Keeps ctrl+c, which is the editor's, from ending the app.

    By a handler, since programs inherit what is ignored.
    """
    numbers = (signal.SIGINT, signal.SIGQUIT)
    before = [signal.signal(number, lambda *_: None) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
