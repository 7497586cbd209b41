"""Loads older tasks for a page before its cursor reaches them."""

from collections.abc import Iterable

from tui.tasks.store_errors import StoreError
from tui.tasks.task import NEWEST, Task
from tui.widgets.messages import LoadOlder


class OlderTasks:
    """Loads older tasks, some at a time; true as long as there may be more."""

    def __init__(self, load: LoadOlder | None) -> None:
        self.load = load
        self._loading = False

    def __bool__(self) -> bool:
        return self.load is not None

    async def next(self, known: Iterable[str]) -> list[Task] | None:
        """Returns the next tasks, older than those with the ids `known`.

        Returns None while others are being loaded, or where the queue file can't be
        read now: the next move of the cursor tries again.
        """
        if self.load is None or self._loading:
            return None
        self._loading = True
        try:
            tasks = await self.load(min(known, default=NEWEST))
        except StoreError:
            return None
        finally:
            self._loading = False
        if not tasks:
            self.load = None
        return tasks
