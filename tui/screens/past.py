"""Tasks of this run and of earlier ones, for recalling prompts and picking results."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from tui.tasks.store_errors import StoreError
from tui.tasks.task import Task

Search = Callable[[str, int, str], Awaitable[list[Task]]]
"""Returns the latest tasks for a search line: so many at most, of ids below the given
one. May raise StoreError.
"""
LONGEST_READ = 1.0
"""Seconds to wait for a busy disk; after that, what this run knows has to do."""
_PAGE = 500
"""Tasks that are read at once."""
_MOST_READ = 5_000
"""Tasks that are read before a choice counts as complete."""
_NEWEST = "~"
"""Sorts after every id."""


class Past:
    """The tasks of this run, and behind them those of all others.

    The others are cleared ones, those of another profile, and those of long ago.
    """

    def __init__(self, search: Search) -> None:
        self._search = search
        self._known: dict[str, Task] = {}

    def update(self, task: Task) -> bool:
        """Remembers a task's latest snapshot; returns whether the task is new."""
        new = task.id not in self._known
        self._known[task.id] = task
        return new

    def __bool__(self) -> bool:
        """Whether there ever was a task, as far as was read."""
        return bool(self._known)

    @property
    def newest(self) -> list[Task]:
        """What is known without reading, newest first; nothing that was deleted."""
        return _newest_first(self._known)

    async def load(self) -> None:
        """Reads the latest tasks of earlier runs."""
        for task in await self._page("", _NEWEST):
            self._known.setdefault(task.id, task)

    async def find(
        self, query: str, fits: Callable[[Task], object], most: int
    ) -> list[Task]:
        """Returns the latest tasks that a search line finds and that fit, newest first.

        Tasks of this run only have to fit.
        """
        found = {task.id: task for task in self._known.values() if fits(task)}
        before = _NEWEST
        fitting = 0
        for _ in range(_MOST_READ // _PAGE):
            page = await self._page(query, before)
            for task in page:
                latest = self._known.get(task.id, task)
                if fits(latest):
                    found[task.id] = latest
                    fitting += 1
            if len(page) < _PAGE or fitting >= most:
                break
            before = page[-1].id
        return _newest_first(found)[:most]

    async def _page(self, query: str, before: str) -> list[Task]:
        try:
            async with asyncio.timeout(LONGEST_READ):
                return await self._search(query, _PAGE, before)
        except (StoreError, TimeoutError):
            return []


def _newest_first(tasks: dict[str, Task]) -> list[Task]:
    # Ids sort as tasks were made.
    newest = sorted(tasks.items(), reverse=True)
    return [task for _, task in newest if not task.deleted]


def prompts(tasks: Iterable[Task]) -> list[str]:
    """Returns the prompts of tasks, each once."""
    return list(dict.fromkeys(task.prompt for task in tasks if task.prompt))
