"""Any number of tasks to their end, a window of them at a time; what waits beyond it
stays on disk.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import suppress
from itertools import islice

from tui.tasks.engine import Engine
from tui.tasks.store_errors import LeasedError, StoreError
from tui.tasks.task import Task

AHEAD = 4
"""So many tasks are taken up for each place at the service: the next ones are ready
when one becomes free.
"""
LOOK = 0.5
"""Seconds between looks at tasks that another process carries."""
STUMBLES = 3
"""How often a task that was let go of without a reason to give up is taken up again."""
DISK_PATIENCE = 30.0
"""Seconds for which a queue file that can't be used is waited for."""


async def to_the_end(
    engine: Engine, ids: Iterable[str], set_aside: Collection[str] = ()
) -> AsyncIterator[Task]:
    """Carry the tasks in the order of `ids`; yield each as it ends, or once it is left
    (see `Engine.wait`).

    One that another process carries is waited for, and taken over if that process
    leaves it. Those of `set_aside` are taken up again when their turn comes. Raises
    StoreError where the queue file can't be used for long.
    """
    crowd = _Crowd(engine, iter(ids), set(set_aside))
    try:
        while await crowd.fill():
            for task in await crowd.check_others():
                yield task
            for task in await crowd.ended():
                yield task
    finally:
        crowd.release()


class _Crowd:
    """The tasks that are taken up at a moment: those carried here, and those of other
    processes.
    """

    def __init__(
        self, engine: Engine, todo: Iterable[str], set_aside: set[str]
    ) -> None:
        self._engine = engine
        self._todo = iter(todo)
        self._set_aside = set_aside
        self._ours: dict[asyncio.Task[Task], str] = {}
        self._others: set[str] = set()
        self._stumbled: Counter[str] = Counter()
        self._disk_failed_at: float | None = None

    async def fill(self) -> bool:
        """Take up the next tasks where there is room. Return whether there is anything
        left.
        """
        window = AHEAD * self._engine.state.limit
        room = window - len(self._ours) - len(self._others)
        if room >= window / 2:
            self._others.update(islice(self._todo, room))
        return bool(self._ours or self._others)

    async def check_others(self) -> list[Task]:
        """Carry those that nobody else does; return those that have ended elsewhere."""
        if not self._others:
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
        await self._engine.adopt(list(self._others))
        for task_id in [
            task_id for task_id in self._others if self._engine.carries(task_id)
        ]:
            self._carried_here(task_id)
        ended = []
        there = await self._engine.queue.named(list(self._others))
        # A damaged file may have lost one
        self._others.intersection_update(task.id for task in there)
        for task in there:
            if task.live:
                continue
            if task.id in self._set_aside:
                await self._take_up(task.id)
            else:
                self._others.remove(task.id)
                ended.append(task)
        return ended

    async def _take_up(self, task_id: str) -> None:
        with suppress(LeasedError):  # the next look shows what has become of it
            await self._engine.watch(task_id)
            self._set_aside.discard(task_id)
            if self._engine.carries(task_id):
                self._carried_here(task_id)

    def _carried_here(self, task_id: str) -> None:
        self._others.remove(task_id)
        self._ours[asyncio.create_task(self._engine.wait(task_id))] = task_id

    async def ended(self) -> list[Task]:
        """Wait for news; return those of the tasks carried here that have ended, or are
        left as they are.
        """
        if self._ours:
            limit = LOOK if self._others else None
            await asyncio.wait(
                self._ours, timeout=limit, return_when=asyncio.FIRST_COMPLETED
            )
        elif self._others:
            await asyncio.sleep(LOOK)
        ended = []
        for waited in [waited for waited in self._ours if waited.done()]:
            task_id, task = self._ours.pop(waited), waited.result()
            gave_up = task_id in self._engine.gave_up
            if task.live and not gave_up and self._stumbled[task_id] < STUMBLES:
                # Another process has it now, or the disk had no room
                self._stumbled[task_id] += 1
                self._others.add(task_id)
            else:
                ended.append(task)
        return ended

    def release(self) -> None:
        """Wait for nothing any more."""
        for waited in self._ours:
            waited.cancel()
