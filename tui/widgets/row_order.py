"""The order of the queue's rows: a sorted list that knows where each row is."""

from bisect import bisect_left, insort
from collections.abc import Mapping

RowKey = tuple[str, str]
"""Job and task id; a single task is its own job, and `TITLE` stands for a job's title."""
TITLE = "~"
"""Sorts after all ids."""
Rank = tuple[float, str, float, str]
"""What rows are sorted by: turn of the job and its id, turn of the task and its id."""

_FEW = 20
"""Rows that are moved one by one; more are sorted with all the others."""


class RowOrder:
    """Rows by rank; the row of the highest rank is the first one."""

    def __init__(self) -> None:
        self._ranks: list[tuple[Rank, RowKey]] = []
        self._rank_of: dict[RowKey, Rank] = {}

    def __len__(self) -> int:
        return len(self._ranks)

    def __contains__(self, key: RowKey) -> bool:
        return key in self._rank_of

    def rank(self, key: RowKey) -> Rank | None:
        """Returns what a row is sorted by now."""
        return self._rank_of.get(key)

    def place(self, ranks: Mapping[RowKey, Rank]) -> bool:
        """Adds or moves rows; returns whether anything has changed."""
        changed = {
            key: rank for key, rank in ranks.items() if self._rank_of.get(key) != rank
        }
        if len(changed) > _FEW:
            self._rank_of.update(changed)
            self._ranks = sorted((rank, key) for key, rank in self._rank_of.items())
            return True
        for key, rank in changed.items():
            self.remove(key)
            self._rank_of[key] = rank
            insort(self._ranks, (rank, key))
        return bool(changed)

    def remove(self, key: RowKey) -> None:
        """Removes a row, if it is there."""
        rank = self._rank_of.pop(key, None)
        if rank is not None:
            del self._ranks[bisect_left(self._ranks, (rank, key))]

    def clear(self) -> None:
        self._ranks.clear()
        self._rank_of.clear()

    def at(self, row: int) -> RowKey | None:
        """Returns the row of a number, from 0 on top."""
        return self._ranks[-1 - row][1] if 0 <= row < len(self._ranks) else None

    def number(self, key: RowKey) -> int | None:
        """Returns where a row stands, from 0 on top."""
        rank = self._rank_of.get(key)
        if rank is None:
            return None
        return len(self._ranks) - 1 - bisect_left(self._ranks, (rank, key))
