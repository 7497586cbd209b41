"""One line: the service, tasks on their way, trouble, and money."""

import time

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from tui.tasks.engine_state import EngineState
from tui.tasks.ledger import Total
from tui.text import clock, money

_BETWEEN = "  ·  "


class StatusLine(Static):
    """Service, live tasks, balance; trouble is never cut off for want of room."""

    place: reactive[str] = reactive("")
    live: reactive[int] = reactive(0)
    """Tasks at the service."""
    waiting: reactive[int] = reactive(0)
    """Tasks that wait to be sent."""
    balance: reactive[int | None] = reactive(None)
    """Micro-dollars; None while it is unknown."""
    spent: reactive[Total] = reactive(Total())
    """Today."""
    drawn: reactive[str] = reactive("")
    """How the terminal shows images."""
    state: reactive[EngineState] = reactive(EngineState())

    def render(self) -> Content:
        place = f" {self.place}"
        short_place = " demo" if self.place.startswith("demo:") else place
        tasks = self._tasks()
        balance = [] if self.balance is None else [f"balance {money(self.balance)}"]
        today = [f"today {_amount(self.spent)}"] if self.spent.tasks else []
        # The first that fits: what matters least is left out first.
        for parts in (
            [place, *tasks, *balance, *today, f"images: {self.drawn}"],
            [place, *tasks, *balance, *today],
            [place, *tasks, *balance],
            [short_place, *tasks, *balance],
            [short_place, *tasks],
        ):
            line = _BETWEEN.join(parts)
            if cell_len(line) <= self.size.width:
                return Content(line)
        if tasks:
            return Content(" " + _BETWEEN.join([*tasks, short_place.strip()]))
        return Content(short_place)

    def _tasks(self) -> list[str]:
        """Returns how many tasks are on their way, and what is wrong."""
        parts = []
        if self.live:
            parts.append(f"◑ {self.live} running")
        if self.waiting:
            parts.append(f"○ {self.waiting} waiting")
        if self.state.paused:
            parts.append("‖ paused (p)")
        if self.state.offline and (self.live or self.waiting):
            parts.append("! offline, retrying")
        if self.state.rest_until > time.time():
            parts.append(f"! rate limit until {clock(self.state.rest_until)}")
        if self.state.waits_for_disk:
            parts.append("! waiting for the queue file")
        if self.state.short:
            parts.append("! no credit")
        if self.state.refused:
            parts.append("! key refused (F4)")
        return parts


def _amount(spent: Total) -> str:
    """Returns a sum as exactly as it is known: `~$0.05 + ?`."""
    parts = []
    if spent.micro or not spent.unknown:
        about = "~" if spent.estimated else ""
        parts.append(f"{about}{money(spent.micro)}")
    if spent.unknown:
        parts.append("?")
    return " + ".join(parts)
