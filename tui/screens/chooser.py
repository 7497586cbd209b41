"""A list to choose from: past prompts, earlier tasks, forms to copy."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.screens.modal import Modal
from tui.text import one_line
from tui.widgets.footer import Footer


class _Choices(OptionList):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Choose", id="choose", tooltip="Choose this one"),
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
    ]


class ChooserScreen(Modal[str | None]):
    """Lets the user choose one of several values; ends with it, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape",
            "dismiss(None)",
            "Back",
            id="chooser-back",
            tooltip="Choose nothing",
        )
    ]

    def __init__(self, title: str, options: list[tuple[str, str]], empty: str) -> None:
        """Lists `options`, pairs of a value and its label, or else the text `empty`."""
        super().__init__()
        self._heading = title
        self._options = options
        self._empty = empty

    def compose(self) -> ComposeResult:
        with Vertical(id="chooser", classes="frame") as box:
            box.border_title = Content(self._heading)
            options = [
                Option(Content(one_line(label, 500))) for _, label in self._options
            ]
            if not options:
                options = [Option(Content(self._empty), disabled=True)]
            yield _Choices(*options, markup=False)
        yield Footer()

    @on(OptionList.OptionSelected)
    def _picked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if self.is_current:  # a second enter may wait behind the first
            self.dismiss(self._options[event.option_index][0])
