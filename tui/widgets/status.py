"""One line that says where tasks go, how many are on their way, and what is left to
spend.
"""

import time

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from tui.tasks.engine_state import EngineState
from tui.tasks.ledger import CostSum
from tui.text import clock, money


class StatusLine(Static):
    """Service, live tasks, balance."""

    place: reactive[str] = reactive("")
    live: reactive[int] = reactive(0)
    """Tasks at the service."""
    waiting: reactive[int] = reactive(0)
    """Tasks that wait to be sent."""
    balance: reactive[int | None] = reactive(None)
    spent: reactive[CostSum] = reactive(CostSum())
    """Today."""
    drawn: reactive[str] = reactive("")
    state: reactive[EngineState] = reactive(EngineState())

    def render(self) -> Content:
        parts = [f" {self.place}"]
        if self.live:
            parts.append(f"◑ {self.live} on the way")
        if self.waiting:
            parts.append(f"○ {self.waiting} waiting")
        if self.state.paused:
            parts.append("‖ paused (p)")
        if self.state.offline and (self.live or self.waiting):
            parts.append("! offline, going on by itself")
        if self.state.rest_until > time.time():
            parts.append(f"! rate limit until {clock(self.state.rest_until)}")
        if self.state.waits_for_disk:
            parts.append("! waiting for the queue file")
        if self.state.short:
            parts.append("! no credit")
        if self.state.refused:
            parts.append("! key refused (F4)")
        if self.balance is not None:
            parts.append(f"balance {money(self.balance)}")
        today = [f"today {_short(self.spent)}"] if self.spent.tasks else []
        # What there is room for: what is the matter is never cut off.
        place = " demo" if self.place.startswith("demo:") else parts[0]
        told = parts[1 : len(parts) - (self.balance is not None)]
        ways = (
            [*parts, *today, f"images: {self.drawn}"],
            [*parts, *today],
            parts,
            [place, *parts[1:]],
            [place, *told],
        )
        lines = ("  ·  ".join(way) for way in ways)
        return Content(
            next(
                (line for line in lines if cell_len(line) <= self.size.width),
                _last(told, place),
            )
        )


def _last(told: list[str], place: str) -> str:
    """Where not even those have room: the place comes last."""
    return "  ·  ".join([f" {told[0]}", *told[1:], place.strip()]) if told else place


def _short(spent: CostSum) -> str:
    known = (
        f"{'~' * (spent.estimated > 0)}{money(spent.micro)}"
        if spent.micro or not spent.unknown
        else ""
    )
    return " + ".join(filter(None, (known, "?" * (spent.unknown > 0))))
