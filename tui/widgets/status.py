"""One line: the service, open tasks, problems, and money."""

import time

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from tui.tasks.engine_state import EngineState
from tui.tasks.ledger import CostSum
from tui.text import clock, dollars
from tui.widgets.key_texts import key_text

_BETWEEN = "  ·  "


class StatusLine(Static):
    """Service, open tasks, balance; problems are shown however narrow the terminal."""

    place: reactive[str] = reactive("")
    live: reactive[int] = reactive(0)
    """Tasks at the service."""
    waiting: reactive[int] = reactive(0)
    """Tasks that wait to be sent."""
    balance: reactive[int | None] = reactive(None)
    """Micro-dollars; None while it is unknown."""
    spent: reactive[CostSum] = reactive(CostSum())
    """Today."""
    drawn: reactive[str] = reactive("")
    """How the terminal shows images."""
    state: reactive[EngineState] = reactive(EngineState())

    def render(self) -> Content:
        place = f" {self.place}"
        short_place = " demo" if self.place.startswith("demo:") else place
        tasks = self._tasks()
        balance = []
        if self.balance is not None:
            balance.append(f"balance {dollars(self.balance)}")
        today = []
        if self.spent.tasks:
            today.append(f"today {_amount(self.spent)}")
        images = f"images: {self.drawn}"
        # The first that fits: what matters least is left out first.
        choices = (
            [place, *tasks, *balance, *today, images],
            [place, *tasks, *balance, *today],
            [place, *tasks, *balance],
            [short_place, *tasks, *balance],
            [short_place, *tasks],
        )
        for parts in choices:
            line = _BETWEEN.join(parts)
            if cell_len(line) <= self.size.width:
                return Content(line)
        if tasks:
            return Content(" " + _BETWEEN.join([*tasks, short_place.strip()]))
        return Content(short_place)

    def _tasks(self) -> list[str]:
        """Returns the number of open tasks, and what is wrong."""
        parts = []
        if self.live:
            parts.append(f"◑ {self.live} running")
        if self.waiting:
            parts.append(f"○ {self.waiting} waiting")
        if self.state.paused:
            parts.append(f"‖ paused ({key_text(self, 'pause')} in the queue)")
        if self.state.offline and (self.live or self.waiting):
            parts.append("! offline, retrying")
        if self.state.rest_until > time.time():
            parts.append(f"! rate limit until {clock(self.state.rest_until)}")
        if self.state.waits_for_disk:
            parts.append("! waiting for the queue file")
        if self.state.short:
            parts.append("! no credit")
        if self.state.refused:
            parts.append(f"! key refused ({key_text(self, 'switch-key')})")
        return parts


def _amount(spent: CostSum) -> str:
    """Returns a sum as exactly as it is known: `~$0.05 + ?`."""
    parts = []
    if spent.micro or not spent.unknown:
        about = "~" if spent.estimated else ""
        parts.append(f"{about}{dollars(spent.micro)}")
    if spent.unknown:
        parts.append("?")
    return " + ".join(parts)
