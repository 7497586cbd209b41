"""Asks for one line: tags, a name, or a path."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from tui.screens.modal import Modal
from tui.text import one_line
from tui.widgets.footer import Footer

Use = Callable[[str], Awaitable[str]]
"""Uses a line; returns why it can't be used, or ""."""


async def _use_any(line: str) -> str:
    return ""


class LinePromptScreen(Modal[str | None]):
    """Ends with the line once enter is pressed, or None.

    A line that can't be used stays, with the reason.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape",
            "dismiss(None)",
            "Back",
            id="line-back",
            tooltip="Change nothing",
        ),
    ]

    def __init__(self, title: str, value: str, hint: str, use: Use = _use_any) -> None:
        super().__init__()
        self._heading = title
        self._use = use
        self._is_used = False
        self._hint = Static(Content(hint), classes="hint", markup=False)
        self._input = Input(one_line(value), compact=True, id="line")
        self._input.cursor_blink = False

    def compose(self) -> ComposeResult:
        with Vertical(id="line-box", classes="frame -always") as box:
            box.border_title = Content(self._heading)
            yield self._input
            yield self._hint
        yield Footer()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        if self.is_current and not self._is_used:  # a second enter may wait behind
            self._is_used = True
            self._enter(event.value)

    @work(exit_on_error=False)
    async def _enter(self, line: str) -> None:
        reason = await self._use(line)
        if reason:
            self._is_used = False
            self._hint.update(Content.styled(one_line(reason, 400), "$text-error"))
        else:
            self.dismiss(line)
