"""How long tasks usually take, learned from those that were completed."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from tui.tasks.task import Status, Task

LEARNED = 500
"""Completed tasks that are read of earlier runs."""
_LATEST = 50
"""Tasks of a kind that count; older ones may be of a slower service."""
_LEAST = 3
"""Tasks of a kind from which something can be said."""
_OUTLIERS = 10
"""One in so many at each end is left out."""
_LONGEST = 3600.0
"""Seconds; one that took longer was waiting for this program to be started again."""
_DETAILS = (
    "output_resolution",
    "output_quality",
    "quality",
    "rendering_speed",
    "output_count",
)
"""Names of values that make one task of a model slower than another."""
_MINUTE = 60

_Kind = tuple[object, ...]


class Span(NamedTuple):
    """The seconds that most tasks of a kind take."""

    low: float
    high: float

    @property
    def short(self) -> str:
        """The span for a narrow place: `9–14 s`."""
        low, high, unit = self._rounded()
        return f"{high} {unit}" if low == high else f"{low}–{high} {unit}"

    def __str__(self) -> str:
        low, high, unit = self._rounded()
        return f"{high} {unit}" if low == high else f"{low} to {high} {unit}"

    def _rounded(self) -> tuple[int, int, str]:
        low = max(1, math.floor(self.low + 0.5))
        high = max(low, math.floor(self.high + 0.5))
        if high < 2 * _MINUTE:
            return low, high, "s"
        return max(1, low // _MINUTE), -(-high // _MINUTE), "min"


class Durations:
    """Collects what completed tasks took, by model and by what makes one slower."""

    def __init__(self) -> None:
        self._taken: dict[_Kind, dict[str, float]] = {}

    def learn(self, tasks: Iterable[Task]) -> None:
        """Adds the tasks of earlier runs."""
        for task in tasks:
            self.note(task)

    def note(self, task: Task) -> None:
        """Adds a task's latest snapshot, if it is completed."""
        taken = task.finished_at - task.sent_at
        is_elsewhere = task.imported or task.adopted
        is_timed = task.sent_at > 0 and 0 < taken < _LONGEST and not is_elsewhere
        if task.status is not Status.COMPLETED or not is_timed:
            return
        for kind in _kinds(task):
            known = self._taken.setdefault(kind, {})
            known[task.id] = taken
            if len(known) > _LATEST:
                del known[min(known)]  # ids sort in the order of their making

    def usual(self, task: Task) -> Span | None:
        """Returns how long such a task usually takes; None while that is unknown."""
        for kind in _kinds(task):
            taken = sorted(self._taken.get(kind, {}).values())
            if len(taken) >= _LEAST:
                outliers = len(taken) // _OUTLIERS
                return Span(taken[outliers], taken[-1 - outliers])
        return None


def _kinds(task: Task) -> tuple[_Kind, _Kind]:
    """Returns what a task is an example of, the most exact first."""
    model = (task.action, task.model)
    details = tuple(str(task.values.get(name, "")) for name in _DETAILS)
    return (*model, *details), model
