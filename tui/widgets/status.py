"""One line that says where tasks go, how many are on their way, and what is left to spend."""

from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from tui.text import money


class StatusLine(Static):
    """Service, live tasks, balance."""

    place: reactive[str] = reactive("")
    live: reactive[int] = reactive(0)
    balance: reactive[int | None] = reactive(None)
    trouble: reactive[str] = reactive("")
    drawn: reactive[str] = reactive("")

    def render(self) -> Content:
        parts = [f" {self.place}"]
        if self.live:
            parts.append(f"◑ {self.live} on the way")
        if self.trouble:
            parts.append(f"! {self.trouble}")
        if self.balance is not None:
            parts.append(f"balance {money(self.balance)}")
        return Content("  ·  ".join([*parts, f"images: {self.drawn}"]))
