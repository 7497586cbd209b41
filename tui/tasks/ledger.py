"""What was spent: each task's cost, and the sums. Whole micro-dollars, local days."""

import time
from collections.abc import Callable
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from msgspec import Struct

from tui.tasks.task import SENT, Status, Task
from tui.text import dollars

DAYS = 30
"""Days that a report lists one by one."""
_MOST = 10**12
"""A task counts for no more, so that no sum leaves SQLite's integers."""
_MADE = {*SENT, Status.COMPLETED, Status.EXPIRED}


class CostSource(StrEnum):
    """Where a task's cost is known from. The values are in the queue file."""

    BILLED = "said"
    """The server reported it."""
    ESTIMATED = "guessed"
    """The task was made, or maybe made, and the server never reported a cost."""
    LIVE = "live"
    """The task is on its way, and its cost is not reported yet."""
    IMPORTED = "imported"
    """A file said so, or another program has paid it: it is shown, and counts for no
    limit.
    """


class TaskCost(NamedTuple):
    """What one task costs."""

    at: float
    """When it was paid."""
    source: CostSource | None
    """None where nothing was paid."""
    micro: int | None
    """None where the cost is unknown, or nothing was paid."""


def cost_of(task: Task) -> TaskCost:
    """Returns a task's cost, from the best source there is."""
    at = task.sent_at or task.created_at
    if task.imported or task.adopted:
        return _imported_cost(task, at)
    if task.cost_micro is not None:
        return TaskCost(at, CostSource.BILLED, limited(task.cost_micro))
    if task.live:
        source = CostSource.LIVE
    elif task.made_at or task.status in _MADE:
        source = CostSource.ESTIMATED
    else:
        return TaskCost(at, None, None)
    if task.estimate_micro is None:
        return TaskCost(at, source, None)
    return TaskCost(at, source, limited(task.estimate_micro))


def limited(micro: int) -> int:
    """Returns an amount that a sum can hold; none makes a sum smaller."""
    return max(0, min(micro, _MOST))


def _imported_cost(task: Task, at: float) -> TaskCost:
    micro = task.cost_micro
    if micro is None and (task.made_at or task.status in _MADE):
        micro = task.estimate_micro
    if micro is None:
        return TaskCost(at, None, None)
    return TaskCost(at, CostSource.IMPORTED, limited(micro))


class CostSum(Struct, frozen=True):
    """What some tasks cost together. Unknown costs are counted, not taken for 0."""

    tasks: int = 0
    micro: int = 0
    estimated: int = 0
    """The part of `micro` that is estimated."""
    unknown: int = 0
    """Tasks of unknown cost: in `tasks`, not in `micro`."""
    imported: int = 0
    """The part of `micro` that only an imported file says, or that others have paid."""

    def __add__(self, other: "CostSum") -> "CostSum":
        return CostSum(
            self.tasks + other.tasks,
            self.micro + other.micro,
            self.estimated + other.estimated,
            self.unknown + other.unknown,
            self.imported + other.imported,
        )

    def __str__(self) -> str:
        parts = []
        if self.estimated:
            parts.append(f"{dollars(self.estimated)} estimated")
        if self.imported:
            parts.append(f"{dollars(self.imported)} imported")
        ending = f" ({', '.join(parts)})" if parts else ""
        if not self.unknown:
            return f"{dollars(self.micro)}{ending}"
        if not self.micro:
            return f"{self.unknown:,} of unknown price{ending}"
        return f"{dollars(self.micro)} and {self.unknown:,} of unknown price{ending}"

    @property
    def average(self) -> int | None:
        """Micro-dollars per task of known cost; None if there is none."""
        known = self.tasks - self.unknown
        if not known:
            return None
        return (self.micro + known // 2) // known


class CurrentSpending(Struct, frozen=True, kw_only=True):
    """What was spent lately, at one base URL unless said otherwise."""

    today: CostSum
    month: CostSum
    live: CostSum
    """Estimates for tasks on their way."""
    day: CostSum = CostSum()
    """What counts towards the day's ceiling, at all base URLs of the queue file."""


class SpendingReport(CurrentSpending, frozen=True, kw_only=True):
    """Everything that is known about the spending at one base URL."""

    total: CostSum
    days: tuple[tuple[date, CostSum], ...]
    """The last `DAYS`, oldest first."""
    models: tuple[tuple[str, CostSum], ...]
    """Per model, the most expensive first."""


Read = Callable[..., list[Any]]
"""Returns the rows for a query and its values."""

_SUMS = "bill, count(*), count(bill_micro), coalesce(sum(bill_micro), 0)"
_FROM = "from tasks indexed by tasks_billed where base_url = ?"
_PAID = f"{_FROM} and bill in ('said', 'guessed')"
_REPORTED = f"{_FROM} and bill in ('said', 'guessed', 'imported')"
_LIVE = f"{_FROM} and bill = 'live'"


def current_spending(
    read: Read, base_url: str, now: float | None = None
) -> CurrentSpending:
    """Returns the recent spending. It is quick: it reads no more than this month."""
    day = date.fromtimestamp(time.time() if now is None else now)
    return CurrentSpending(
        today=_between(read, base_url, day, day),
        month=_between(read, base_url, day.replace(day=1), day),
        live=_sum(read(f"select {_SUMS} {_LIVE} group by bill", base_url)),
    )


def spending_report(
    read: Read, base_url: str, now: float | None = None
) -> SpendingReport:
    """Returns the whole spending, by day and by model, with what was imported."""
    now = time.time() if now is None else now
    current = current_spending(read, base_url, now)
    today = date.fromtimestamp(now)
    days = [today - timedelta(days=ago) for ago in reversed(range(DAYS))]
    models: dict[str, CostSum] = {}
    query = f"select model, {_SUMS} {_REPORTED} group by model, bill"
    for model, *row in read(query, base_url):
        models[model] = models.get(model, CostSum()) + _sum([row])
    return SpendingReport(
        today=current.today,
        month=current.month,
        live=current.live,
        total=sum(models.values(), CostSum()),
        days=tuple((day, _on_day(read, base_url, day)) for day in days),
        models=tuple(sorted(models.items(), key=_most_expensive_first)),
    )


def _most_expensive_first(item: tuple[str, CostSum]) -> tuple[int, int, str]:
    model, cost = item
    return -cost.micro, -cost.tasks, model


def _between(read: Read, base_url: str, first: date, last: date) -> CostSum:
    """Returns what was paid from the first to the last day, both included."""
    query = f"select {_SUMS} {_PAID} and spent_at >= ? and spent_at < ? group by bill"
    return _sum(read(query, base_url, *_bounds(first, last)))


def _on_day(read: Read, base_url: str, day: date) -> CostSum:
    """Returns what was paid on a day, with what was imported."""
    during = "and spent_at >= ? and spent_at < ? group by bill"
    return _sum(
        read(f"select {_SUMS} {_REPORTED} {during}", base_url, *_bounds(day, day))
    )


def _bounds(first: date, last: date) -> tuple[float, float]:
    """Returns when the first day begins, and when the last one has ended."""
    begin = time.mktime(first.timetuple())
    return begin, time.mktime((last + timedelta(days=1)).timetuple())


def _sum(rows: list[Any]) -> CostSum:
    total = CostSum()
    for source, tasks, known, micro in rows:
        imported = micro if source == CostSource.IMPORTED else 0
        is_known = source in (CostSource.BILLED, CostSource.IMPORTED)
        estimated = 0 if is_known else micro
        total += CostSum(tasks, micro, estimated, tasks - known, imported)
    return total
