"""Asks for one line: tags, or a path."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from tui.screens.modal import Modal
from tui.text import one_line
from tui.widgets.footer import Footer


class LinePromptScreen(Modal[str | None]):
    """Ends with the line once enter is pressed, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape",
            "dismiss(None)",
            "Back",
            id="line-back",
            tooltip="Change nothing",
        ),
    ]

    def __init__(self, title: str, value: str, hint: str) -> None:
        super().__init__()
        self._heading = title
        self._hint = hint
        self._input = Input(one_line(value), compact=True, id="line")
        self._input.cursor_blink = False

    def compose(self) -> ComposeResult:
        with Vertical(id="line-box", classes="frame -always") as box:
            box.border_title = Content(self._heading)
            yield self._input
            yield Static(Content(self._hint), classes="hint", markup=False)
        yield Footer()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        if self.is_current:  # a second enter may wait behind the first
            self.dismiss(event.value)
