"""The button that pays: one row with its key and the price."""

from rich.cells import cell_len
from textual.content import Content
from textual.dom import NoScreen
from textual.errors import NoWidget
from textual.reactive import reactive
from textual.widgets import Button

from tui.catalog.batch import MOST
from tui.catalog.price import Estimate
from tui.text import dollars

_LONGEST_BASIS = len("snapshot")
"""Cells of how sure a price is: it doesn't move when another word comes."""
_AROUND = 2
"""Empty cells that Textual leaves beside a label."""
_NO_PRICE = Estimate(None, "unknown")


class PayButton(Button):
    """Says what it sends, at which price; of many requests, the sum."""

    key: reactive[str] = reactive("")
    """The key that does the same."""

    def __init__(self, id: str, verb: str) -> None:
        """`verb` says what the button does, such as `Generate`."""
        super().__init__(verb, id=id, variant="primary", compact=True)
        self._verb = verb
        self._price = _NO_PRICE
        self._count = 1
        self._is_checked = True

    def show_price(
        self, price: Estimate, count: int, *, is_checked: bool = True
    ) -> None:
        """Shows the price of one request, and how many it would send."""
        shown = price, count, is_checked
        if shown != (self._price, self._count, self._is_checked):
            self._price, self._count, self._is_checked = shown
            self.refresh()
        note = "" if is_checked else ", not checked"
        self.tooltip = Content(f"{price}{note}")

    @property
    def is_seen(self) -> bool:
        """Whether what it does and its price are on the screen."""
        try:
            seen = self.screen.find_widget(self).visible_region
        except (NoScreen, NoWidget):
            return False
        least = cell_len(f"{self._action} {self._cost.rstrip()}") + _AROUND
        return seen.height > 0 and seen.width >= least

    def render(self) -> Content:
        width = self.size.width - _AROUND
        action = self._action
        price = self._cost
        if self.key and cell_len(f"{action}  {self.key}  {price.rstrip()}") <= width:
            action = f"{action}  {self.key}"
        if cell_len(f"{action}  {price}") > width:
            price = price.rstrip()
        room = width - cell_len(action) - cell_len(price)
        return Content(f"{action}{' ' * max(1, room)}{price}")

    @property
    def _action(self) -> str:
        if self._count > MOST:
            return f"{self._verb} more than {MOST:,}"
        return f"{self._verb} {self._count:,}" if self._count > 1 else self._verb

    @property
    def _cost(self) -> str:
        price = self._sum
        if self._is_checked:
            return price
        marked = f"{price.rstrip()}, not checked"
        room = self.size.width - cell_len(f"{self._action} ") - _AROUND
        return marked if cell_len(marked) <= room else f"{price.rstrip()} ?"

    @property
    def _sum(self) -> str:
        micro = self._price.micro
        if micro is None:
            return "price unknown"
        if self._count > MOST:
            return "too many"
        return f"{dollars(micro * self._count)} {self._price.basis:<{_LONGEST_BASIS}}"
