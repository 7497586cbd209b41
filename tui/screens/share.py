"""Shares results and requests: an external viewer, or the terminal's clipboard."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App

from tui.screens.shell import Shell
from tui.text import by_count, inert, is_inert_line, one_line

if TYPE_CHECKING:
    from tui.exchange.snippets import SnippetRequest
    from tui.tasks.task import Task

_LINK_SECONDS = 20
"""How long a message with a link is shown, so that it can be clicked."""


def copy(app: App[None], text: str, name: str = "") -> None:
    """Sends a text to the terminal's clipboard; the message shows `name` for it.

    The message says "sent": terminals don't report whether they accept the text.
    """
    send(app, text)
    app.notify(f"Sent to the terminal's clipboard: {name or text}", markup=False)


def send(app: App[Any], text: str) -> None:
    """Sends a text to the terminal's clipboard, without a message.

    Where tmux is set to keep it, a page shows it.
    """
    app.copy_to_clipboard(text)
    if isinstance(app, Shell):
        app.copied = text
        if app.terminal.multiplexer == "tmux":
            app.run_worker(_show_kept(app, text), exit_on_error=False)


async def _show_kept(shell: Shell, text: str) -> None:
    from tui.exchange import tmux_clipboard
    from tui.screens.copied import CopiedScreen

    if await asyncio.to_thread(tmux_clipboard.swallows_copies):
        await shell.push_screen(CopiedScreen(inert(text), tmux_clipboard.HINT))


def show_copied(shell: Shell) -> None:
    """Shows the text that was copied last."""
    from tui.screens.copied import CopiedScreen

    if shell.copied:
        shell.push_screen(CopiedScreen(inert(shell.copied)))
    else:
        shell.show_sentence("Nothing was copied yet.")


def copy_path(app: App[None], path: str) -> None:
    """Copies the path of a file, if it is one line."""
    if is_inert_line(path):
        copy(app, path)
    else:
        app.notify(
            "The path has line breaks or control characters, so it isn't copied.",
            severity="warning",
        )


async def copy_as(app: App[None], request: "SnippetRequest") -> None:
    """Lets the user choose a form, and copies the request in it. Runs in a worker."""
    from tui.exchange.snippets import FORMS, notes_beside, written
    from tui.screens.chooser import ChooserScreen

    chooser = ChooserScreen("Copy as", list(FORMS.items()), "")
    form = await app.push_screen_wait(chooser)
    if form:
        shown = "\n".join((FORMS[form], *notes_beside(request, form)))
        copy(app, written(request, form), shown)


async def open_result(app: App[None], task: "Task", index: int, viewer: str) -> None:
    """Opens a result in a viewer, or else copies its URL or path."""
    from tui.exchange import open_external

    found = await asyncio.to_thread(open_external.ways, task, index, viewer)
    command = found.viewer
    if not command:
        _copy_way(app, *found.clip("url", "scp", "path"))
        return
    try:
        await asyncio.to_thread(open_external.show, command, found.path)
    except open_external.OpenError as error:
        app.notify(str(error), severity="warning", markup=False)
        _copy_way(app, *found.clip("url", "scp", "path"))
    else:
        app.notify(f"Opened {found.path} with {command[0]}.", markup=False)


async def reveal(app: App[None], path: str) -> None:
    """Opens the folder of a file, or else copies the file's path."""
    from tui.exchange import open_external

    folder = os.path.dirname(await asyncio.to_thread(os.path.abspath, path))
    command = await asyncio.to_thread(open_external.folder_viewer)
    if not command:
        copy_path(app, path)
        return
    try:
        await asyncio.to_thread(open_external.show, command, folder)
    except open_external.OpenError as error:
        app.notify(str(error), severity="warning", markup=False)
        copy_path(app, path)
    else:
        app.notify(f"Opened {one_line(folder, 200)}.", markup=False)


async def copy_link(app: App[None], task: "Task", index: int) -> None:
    """Copies an scp command for a result, or else its URL or path."""
    from tui.exchange import open_external

    found = await asyncio.to_thread(open_external.ways, task, index)
    _copy_way(app, *found.clip("scp", "url", "path"))


def _copy_way(app: App[None], text: str, message: str) -> None:
    send(app, text)
    app.notify(message, timeout=_LINK_SECONDS, markup=False)


async def save_copies(shell: Shell, files: list[str], title: str) -> None:
    """Saves copies of files where the user wants them, over nothing that exists."""
    from tui.exchange import copies
    from tui.screens.line_prompt import LinePromptScreen

    saved: list[Path] = []

    async def save(target: str) -> str:
        if not target.strip():
            return ""
        try:
            saved[:] = await asyncio.to_thread(copies.save, files, target.strip())
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            return f"Not saved: {reason}."
        return ""

    hint = "A file or a folder. Nothing that exists is replaced."
    await shell.push_screen_wait(LinePromptScreen(title, "", hint, save))
    if not saved:
        return
    sentence = by_count(
        len(saved),
        "Saved: {path}",
        "{count} copies saved in {folder}",
        path=saved[0],
        folder=saved[0].parent,
    )
    shell.show_sentence(one_line(sentence, 400))
