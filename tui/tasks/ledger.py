"""What was spent: each task's part of the bill, and the sums. Whole micro-dollars,
local days.
"""

import time
from collections.abc import Callable
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct

from tui.tasks.task import SENT, Status, Task
from tui.text import money

DAYS = 30
"""How many days the books tell one by one."""
_MOST = 10**12
"""No task counts for more, so that no sum leaves SQLite's integers."""


class Bill(StrEnum):
    """On whose word a task counts."""

    SAID = "said"  # the server's
    GUESSED = "guessed"  # made, or maybe made, and the server never said for how much
    LIVE = "live"  # on its way, its cost not said yet


def bill(task: Task) -> tuple[float, Bill | None, int | None]:
    """When a task was paid, on whose word (None where nothing was), and how much (None
    where nobody knows).
    """
    at = task.sent_at or task.created_at
    if task.cost_micro is not None:
        return at, Bill.SAID, min(task.cost_micro, _MOST)
    if task.live:
        kind = Bill.LIVE
    elif task.made_at or task.status in (*SENT, Status.COMPLETED, Status.EXPIRED):
        kind = Bill.GUESSED
    else:
        return at, None, None
    return (
        at,
        kind,
        None if task.estimate_micro is None else min(task.estimate_micro, _MOST),
    )


class Total(Struct, frozen=True):
    """What some tasks have cost together. An unknown price is counted as that, never as
    nothing.
    """

    tasks: int = 0
    micro: int = 0
    estimated: int = 0
    """The part of `micro` that no server has said."""
    unknown: int = 0
    """Tasks whose price nobody knows: in `tasks`, not in `micro`."""

    def __add__(self, other: "Total") -> "Total":
        return Total(
            self.tasks + other.tasks,
            self.micro + other.micro,
            self.estimated + other.estimated,
            self.unknown + other.unknown,
        )

    def __str__(self) -> str:
        told = [] if self.unknown and not self.micro else [money(self.micro)]
        if self.unknown:
            told.append(f"{self.unknown:,} of unknown price")
        return " and ".join(told) + (
            f" ({money(self.estimated)} estimated)" if self.estimated else ""
        )

    @property
    def average(self) -> int | None:
        """Of the tasks whose price is known; None where there is none."""
        known = self.tasks - self.unknown
        return (self.micro + known // 2) // known if known else None


class SpendingPart(Struct, frozen=True, kw_only=True):
    """Where one stands today."""

    today: Total
    month: Total
    live: Total
    """Estimates of what is on its way."""


class Spending(SpendingPart, frozen=True, kw_only=True):
    """Everything that is known of the spending at one base URL."""

    total: Total
    days: tuple[tuple[date, Total], ...]
    """The last `DAYS`, oldest first."""
    models: tuple[tuple[str, Total], ...]
    """What each model has cost, the dearest first."""


Read = Callable[..., list[Any]]
"""Rows for a query and its values."""

_SUMS = "bill, count(*), count(bill_micro), coalesce(sum(bill_micro), 0)"
_PAID = "from tasks indexed by tasks_billed where base_url = ? and bill in ('said', 'guessed')"
_LIVE = "from tasks indexed by tasks_billed where base_url = ? and bill = 'live'"


def spent(read: Read, base_url: str, now: float | None = None) -> SpendingPart:
    """Where one stands; quick, for it reads no more than this month."""
    day = date.fromtimestamp(time.time() if now is None else now)
    return SpendingPart(
        today=_between(read, base_url, day, day),
        month=_between(read, base_url, day.replace(day=1), day),
        live=_sum(read(f"select {_SUMS} {_LIVE} group by bill", base_url)),
    )


def books(read: Read, base_url: str, now: float | None = None) -> Spending:
    """All of it, by day and by model."""
    now = time.time() if now is None else now
    standing = spent(read, base_url, now)
    days = [
        date.fromtimestamp(now) - timedelta(days=ago) for ago in range(DAYS - 1, -1, -1)
    ]
    models: dict[str, Total] = {}
    for model, *row in read(
        f"select model, {_SUMS} {_PAID} group by model, bill", base_url
    ):
        models[model] = models.get(model, Total()) + _sum([row])
    return Spending(
        today=standing.today,
        month=standing.month,
        live=standing.live,
        total=sum(models.values(), Total()),
        days=tuple((day, _between(read, base_url, day, day)) for day in days),
        models=tuple(
            sorted(
                models.items(),
                key=lambda item: (-item[1].micro, -item[1].tasks, item[0]),
            )
        ),
    )


def _between(read: Read, base_url: str, first: date, last: date) -> Total:
    """What was paid from the first to the last day, both included."""
    begin, end = (
        time.mktime(day.timetuple()) for day in (first, last + timedelta(days=1))
    )
    query = f"select {_SUMS} {_PAID} and spent_at >= ? and spent_at < ? group by bill"
    return _sum(read(query, base_url, begin, end))


def _sum(rows: list[Any]) -> Total:
    sums = (
        Total(tasks, micro, 0 if kind == Bill.SAID else micro, tasks - known)
        for kind, tasks, known, micro in rows
    )
    return sum(sums, Total())
