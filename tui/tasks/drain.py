"""Runs any number of tasks to their end, a window of them at a time.

The tasks outside the window stay on disk.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import suppress
from itertools import islice

from tui.service.errors import ServiceError
from tui.tasks.engine import Engine
from tui.tasks.store_errors import LeasedError, StoreError
from tui.tasks.task import Task

AHEAD = 4
"""Tasks in the window per place at the service: one is ready for each free place."""
CHECK_PAUSE = 0.5
"""Seconds between looks at tasks that another process runs."""
RESTARTS = 3
"""Restarts of a task that stopped without ending or being given up."""
DISK_PATIENCE = 30.0
"""Seconds in which a queue file that can't be used is tried again."""


async def to_the_end(
    engine: Engine, ids: Iterable[str], set_aside: Collection[str] = ()
) -> AsyncIterator[Task]:
    """Runs tasks in the order of `ids`; yields each when it stops (see `Engine.wait`).

    A task of another process is waited for, and adopted if that process ends. Tasks in
    `set_aside` are resumed at their turn. Raises StoreError if the queue file can't be
    used for long.
    """
    window = _Window(engine, ids, set(set_aside))
    try:
        while window.fill():
            for task in await window.check_elsewhere():
                yield task
            for task in await window.wait_for_stopped():
                yield task
    finally:
        window.release()


class _Window:
    """Holds the tasks that are followed now, run here or by other processes."""

    def __init__(self, engine: Engine, ids: Iterable[str], set_aside: set[str]) -> None:
        self._engine = engine
        self._waiting = iter(ids)
        self._set_aside = set_aside
        self._here: dict[asyncio.Task[Task], str] = {}
        self._elsewhere: set[str] = set()
        """Tasks of other processes, and those that were not adopted yet."""
        self._restarts: Counter[str] = Counter()
        self._disk_failed_at: float | None = None

    def fill(self) -> bool:
        """Adds the next tasks if there is room; returns False when none is left."""
        size = AHEAD * self._engine.state.limit
        room = size - len(self._here) - len(self._elsewhere)
        # Several at a time: each fill reads the queue file.
        if room >= size / 2:
            self._elsewhere.update(islice(self._waiting, room))
        return bool(self._here or self._elsewhere)

    async def check_elsewhere(self) -> list[Task]:
        """Adopts the tasks that no process has; returns those that ended elsewhere.

        Raises StoreError if the queue file can't be used for long.
        """
        if not self._elsewhere:
            return []
        try:
            ended = await self._adopt()
        except StoreError:
            now = time.monotonic()
            self._disk_failed_at = self._disk_failed_at or now
            if now - self._disk_failed_at > DISK_PATIENCE:
                raise
            return []
        self._disk_failed_at = None
        return ended

    async def _adopt(self) -> list[Task]:
        await self._engine.adopt(list(self._elsewhere))
        for task_id in list(self._elsewhere):
            if self._engine.is_running(task_id):
                self._follow_here(task_id)
        ended = []
        tasks = await self._engine.queue.named(list(self._elsewhere))
        # A damaged file may have lost one.
        self._elsewhere.intersection_update(task.id for task in tasks)
        for task in tasks:
            if task.live:
                continue
            if task.id in self._set_aside:
                await self._resume(task.id)
            else:
                self._elsewhere.remove(task.id)
                ended.append(task)
        return ended

    async def _resume(self, task_id: str) -> None:
        # Where another process has it, the next check shows the outcome.
        with suppress(LeasedError):
            try:
                await self._engine.watch(task_id)
            except ValueError as error:  # it can't be continued here
                self._engine.gave_up[task_id] = ServiceError(str(error))
            self._set_aside.discard(task_id)
            if self._engine.is_running(task_id):
                self._follow_here(task_id)

    def _follow_here(self, task_id: str) -> None:
        self._elsewhere.remove(task_id)
        end = asyncio.create_task(self._engine.wait(task_id))
        self._here[end] = task_id

    async def wait_for_stopped(self) -> list[Task]:
        """Waits for a change; returns the tasks that were run here and have stopped."""
        if self._here:
            limit = CHECK_PAUSE if self._elsewhere else None
            await asyncio.wait(
                self._here, timeout=limit, return_when=asyncio.FIRST_COMPLETED
            )
        elif self._elsewhere:
            await asyncio.sleep(CHECK_PAUSE)
        stopped = []
        for end in [end for end in self._here if end.done()]:
            task_id = self._here.pop(end)
            task = end.result()
            if self._may_restart(task_id, task):
                self._restarts[task_id] += 1
                self._elsewhere.add(task_id)
            else:
                stopped.append(task)
        return stopped

    def _may_restart(self, task_id: str, task: Task) -> bool:
        """Returns whether a task stopped for another process, or for a full disk."""
        if not task.live or task_id in self._engine.gave_up:
            return False
        return self._restarts[task_id] < RESTARTS

    def release(self) -> None:
        """Cancels all waits; the tasks themselves go on."""
        for end in self._here:
            end.cancel()
