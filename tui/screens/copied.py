"""The page that keeps a copied text where the terminal itself can select it."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Static

from tui.widgets.footer import Footer
from tui.widgets.paged_text import PagedText


class CopiedScreen(Screen[None]):
    """Shows a text alone on its lines: nothing beside it gets into a selection."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q",
            "dismiss",
            "Back",
            id="copied-back",
            tooltip="To the previous page",
        )
    ]
    AUTO_FOCUS = "#copied"

    def __init__(self, text: str, hint: str = "") -> None:
        """`hint` says why the text may not be in the clipboard."""
        super().__init__()
        self._text = text
        self._hint = hint

    def compose(self) -> ComposeResult:
        select = "Hold shift while you drag over the text to select it in the terminal."
        yield Static(f"{self._hint}\n{select}".strip(), id="copied-hint", markup=False)
        with PagedText(id="copied"):
            yield Static(self._text, id="copied-text", markup=False)
        yield Footer()
