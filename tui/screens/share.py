"""Out of the app: a result in a viewer or by its address, a path or a request on the
terminal's clipboard.
"""

import asyncio
from typing import TYPE_CHECKING

from textual.app import App

if TYPE_CHECKING:
    from tui.exchange.snippets import SnippetRequest
    from tui.tasks.task import Task


def copy(app: App[None], text: str, told: str = "") -> None:
    """Sent, not copied: no terminal says whether it has taken it."""
    app.copy_to_clipboard(text)
    app.notify(f"Sent to the terminal's clipboard: {told or text}", markup=False)


async def copy_as(app: App[None], asked: "SnippetRequest") -> None:
    """Let the user choose a form, and copy the request in it. From a worker."""
    from tui.exchange.snippets import FORMS, written
    from tui.screens.chooser import ChooserScreen

    form = await app.push_screen_wait(ChooserScreen("Copy as", list(FORMS.items()), ""))
    if form:
        copy(app, written(asked, form), FORMS[form])


async def hand_on(
    app: App[None], what: str, task: "Task", index: int, viewer: str
) -> None:
    """`open` a result in `viewer` or the system's own, or else by its address; `fetch`
    it to the user's machine.
    """
    from textual.markup import escape

    from tui.exchange import open_external

    found = await asyncio.to_thread(open_external.ways, task, index, viewer)
    if what == "open" and found.viewer:
        try:
            await asyncio.to_thread(open_external.show, found.viewer, found.path)
        except open_external.OpenError as error:
            # The next way, then
            app.notify(str(error), severity="warning", markup=False)
        else:
            app.notify(f"{found.viewer[0]} was started for {found.path}", markup=False)
            return
    text, told = (
        found.clip("url", "scp", "path")
        if what == "open"
        else found.clip("scp", "url", "path")
    )
    app.copy_to_clipboard(text)
    app.notify(
        f'[link="{text}"]{escape(told)}[/link]' if text == found.url else escape(told),
        timeout=20,
    )
