"""One line that says where tasks go, how many are on their way, and what is left to spend."""

import time

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from tui.tasks.state import State
from tui.text import clock, money


class StatusLine(Static):
    """Service, live tasks, balance."""

    place: reactive[str] = reactive("")
    live: reactive[int] = reactive(0)
    balance: reactive[int | None] = reactive(None)
    drawn: reactive[str] = reactive("")
    state: reactive[State] = reactive(State())

    def render(self) -> Content:
        parts = [f" {self.place}"]
        if self.live:
            parts.append(f"◑ {self.live} on the way")
        if self.state.paused:
            parts.append("‖ paused (p)")
        if self.state.offline and self.live:
            parts.append("! offline, going on by itself")
        if self.state.rest_until > time.time():
            parts.append(f"! rate limit until {clock(self.state.rest_until)}")
        if self.state.refused:
            parts.append("! key refused (F4)")
        if self.balance is not None:
            parts.append(f"balance {money(self.balance)}")
        whole = "  ·  ".join([*parts, f"images: {self.drawn}"])
        return Content(whole if cell_len(whole) <= self.size.width else "  ·  ".join(parts))
