"""The tasks before those that a page knows, read before one comes there."""

from collections.abc import Iterable

from tui.tasks.store_errors import StoreError
from tui.tasks.task import Task
from tui.widgets.queue import Older


class Before:
    """Asks for them a page at a time; true as long as there may be more."""

    def __init__(self, older: Older | None) -> None:
        self.older = older
        self._reading = False

    def __bool__(self) -> bool:
        return self.older is not None

    async def read(self, known: Iterable[str]) -> list[Task] | None:
        """The next ones before those ids. None, and nothing has changed, while others
        are being read or where they can't be: then the next move asks again.
        """
        if self.older is None or self._reading:
            return None
        self._reading = True
        try:
            tasks = await self.older(min(known, default="~"))
        except StoreError:
            return None
        finally:
            self._reading = False
        if not tasks:
            self.older = None
        return tasks
