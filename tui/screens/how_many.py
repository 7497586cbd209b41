"""Asks how many variations are wanted, each number with its price."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from tui.screens.modal import Modal
from tui.widgets.footer import Footer

MOST = 9


class HowManyScreen(Modal[int | None]):
    """Ends with the number whose key was pressed, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q",
            "dismiss(None)",
            "Back",
            id="how-many-back",
            tooltip="Send nothing",
        ),
        *(
            Binding(
                str(count),
                f"choose({count})",
                f"Send {count}",
                show=False,
                tooltip="Send as many requests as the digit says",
            )
            for count in range(2, MOST + 1)
        ),
    ]

    def __init__(self, price_of: Callable[[int], str]) -> None:
        """`price_of` returns what a number of requests costs together."""
        super().__init__()
        self._price_of = price_of

    def compose(self) -> ComposeResult:
        with Vertical(id="how-many", classes="frame -always") as box:
            box.border_title = Content("How many variations?")
            lines = [
                (str(count), self._price_of(count)) for count in range(2, MOST + 1)
            ]
            text = Content("\n").join(_line(*line) for line in lines)
            yield Static(text, markup=False)
        yield Footer()

    def action_choose(self, count: int) -> None:
        if self.is_current:  # the same key may be held down
            self.dismiss(count)


def _line(key: str, price: str) -> Content:
    return Content.assemble((f" {key} ", "bold $accent"), Content(f"  {price}"))
