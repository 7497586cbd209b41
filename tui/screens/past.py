"""What was asked for before: read from the queue file, for the memory of this run knows
the latest tasks alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from tui.tasks.store_errors import StoreError
from tui.tasks.task import Task

Search = Callable[[str, int, str], Awaitable[list[Task]]]
"""The latest tasks for a search line: at most so many, of ids below the given one. May
raise StoreError.
"""
PATIENCE = 1.0
"""Seconds for which a busy disk is waited for; then what this run knows has to do."""
_READ = 500
"""Tasks that are read at once."""
_DEEPEST = 5_000
"""Tasks that are looked at before a choice counts as complete."""


class Past:
    """The tasks of this run, and behind them those of all others: cleared, of another
    profile, of long ago.
    """

    def __init__(self, search: Search) -> None:
        self._search = search
        self._known: dict[str, Task] = {}

    def update(self, task: Task) -> bool:
        """Take a task's latest snapshot; whether the task is a new one."""
        new = task.id not in self._known
        self._known[task.id] = task
        return new

    def __bool__(self) -> bool:
        """Whether there ever was a task, as far as was read."""
        return bool(self._known)

    @property
    def newest(self) -> list[Task]:
        """What is known without reading, the newest first; nothing that was deleted."""
        return _newest(self._known)

    async def load(self) -> None:
        """Read what former runs have left last."""
        for task in await self._page("", "~"):
            self._known.setdefault(task.id, task)

    async def find(
        self, query: str, fits: Callable[[Task], object], most: int
    ) -> list[Task]:
        """The latest tasks of a search line that also fit, and those of this run that
        do; the newest first.
        """
        found = {task.id: task for task in self._known.values() if fits(task)}
        before, seen, count = "~", 0, 0
        while count < most and seen < _DEEPEST:
            page = await self._page(query, before)
            fitting = [task for task in page if fits(self._known.get(task.id, task))]
            found |= {task.id: self._known.get(task.id, task) for task in fitting}
            count, seen = count + len(fitting), seen + len(page)
            if len(page) < _READ:
                break
            before = page[-1].id
        return _newest(found)[:most]

    async def _page(self, query: str, before: str) -> list[Task]:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._search(query, _READ, before)
        except (StoreError, TimeoutError):
            return []


def _newest(tasks: dict[str, Task]) -> list[Task]:
    # Ids sort as tasks were made.
    return [task for _, task in sorted(tasks.items(), reverse=True) if not task.deleted]


def prompts(tasks: Iterable[Task]) -> list[str]:
    """Their prompts, each once."""
    return list(dict.fromkeys(task.prompt for task in tasks if task.prompt))
