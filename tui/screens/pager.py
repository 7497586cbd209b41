"""Loads older tasks for a page before its cursor reaches them."""

from dataclasses import replace

from tui.tasks.store_errors import StoreError
from tui.tasks.task import Task
from tui.widgets.messages import OlderTasks


class Pager:
    """Loads older tasks, some at a time; true as long as there may be more."""

    def __init__(self, rest: OlderTasks | None) -> None:
        self.rest = rest
        """Those that aren't loaded yet."""
        self._loading = False

    def __bool__(self) -> bool:
        return self.rest is not None

    async def next(self) -> list[Task] | None:
        """Returns the next tasks, below those that are known.

        Returns None while others are being loaded, or where the queue file can't be
        read now: the next move of the cursor tries again.
        """
        if self.rest is None or self._loading:
            return None
        self._loading = True
        try:
            tasks = await self.rest.load(self.rest.last)
        except StoreError:
            return None
        finally:
            self._loading = False
        self.rest = replace(self.rest, last=tasks[-1]) if tasks else None
        return tasks
