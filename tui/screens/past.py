"""Tasks of this run and of earlier ones, to choose results from."""

import asyncio
from collections.abc import Awaitable, Callable

from tui.tasks.store_errors import StoreError
from tui.tasks.task import Task

Search = Callable[[str, int, Task | None], Awaitable[list[Task]]]
"""Returns the first tasks for a query, a number at most, or those below the last one
of a page. Raises StoreError.
"""
LONGEST_READ = 1.0
"""Seconds to wait for a busy disk; after that, only tasks of this run are offered."""
_PAGE = 500
"""Tasks that are read at once."""
_MOST_READ = 5_000
"""Tasks that are read before a choice counts as complete."""


class Past:
    """Finds tasks among those of this run and those that are only in the history.

    The history also has cleared tasks, those of other profiles, and old ones.
    """

    def __init__(self, search: Search) -> None:
        self._search = search
        self._known: dict[str, Task] = {}

    def update(self, task: Task) -> bool:
        """Stores a task's latest snapshot; returns whether the task is new."""
        is_new = task.id not in self._known
        self._known[task.id] = task
        return is_new

    def __bool__(self) -> bool:
        """Whether any task was read yet."""
        return bool(self._known)

    @property
    def newest(self) -> list[Task]:
        """The tasks that were read, newest first, without deleted ones."""
        return _newest_first(self._known)

    async def load(self) -> None:
        """Reads the latest tasks of earlier runs."""
        for task in await self._page("", None):
            self._known.setdefault(task.id, task)

    async def find(
        self, query: str, fits: Callable[[Task], object], most: int
    ) -> list[Task]:
        """Returns the newest tasks that a query finds and that fit, at most `most`.

        Tasks of this run only have to fit.
        """
        found = {task.id: task for task in self._known.values() if fits(task)}
        last: Task | None = None
        fitting = 0
        for _ in range(_MOST_READ // _PAGE):
            page = await self._page(query, last)
            for task in page:
                latest = self._known.get(task.id, task)
                if fits(latest):
                    found[task.id] = latest
                    fitting += 1
            if len(page) < _PAGE or fitting >= most:
                break
            last = page[-1]
        return _newest_first(found)[:most]

    async def _page(self, query: str, last: Task | None) -> list[Task]:
        try:
            async with asyncio.timeout(LONGEST_READ):
                return await self._search(query, _PAGE, last)
        except (StoreError, TimeoutError):
            return []


def _newest_first(tasks: dict[str, Task]) -> list[Task]:
    # Ids sort in the order in which tasks were made.
    newest = sorted(tasks.items(), reverse=True)
    return [task for _, task in newest if not task.deleted]
