"""Any number of tasks to their end, a window of them at a time; what waits beyond it stays on disk."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from itertools import islice

from tui.tasks.engine import Engine
from tui.tasks.task import Task

AHEAD = 4
"""So many tasks are taken up for each place at the service: the next ones are ready when one becomes free."""
LOOK = 0.5
"""Seconds between looks at tasks that another process carries."""

STUMBLES = 3
"""How often a task that was let go of without a reason to give up is taken up again."""


async def to_the_end(engine: Engine, ids: Iterable[str]) -> AsyncIterator[Task]:
    """Carry the tasks in the order of `ids`; each as it ends, or once it is left as it is (see `Engine.wait`).

    One that another process carries is waited for, and taken over if that process leaves it.
    """
    todo = iter(ids)
    ours: dict[asyncio.Task[Task], str] = {}
    others: set[str] = set()
    stumbled: Counter[str] = Counter()
    try:
        while True:
            window = AHEAD * engine.state.limit
            room = window - len(ours) - len(others)
            others.update(islice(todo, room if room >= window / 2 else 0))
            if not ours and not others:
                return
            if others:
                await engine.adopt(list(others))
                for task_id in [task_id for task_id in others if engine.carries(task_id)]:
                    others.remove(task_id)
                    ours[asyncio.create_task(engine.wait(task_id))] = task_id
                there = await engine.named(list(others))
                others.intersection_update(task.id for task in there)  # a damaged file may have lost one
                for task in there:
                    if not task.live:
                        others.remove(task.id)
                        yield task
            if ours:
                await asyncio.wait(ours, timeout=LOOK if others else None, return_when=asyncio.FIRST_COMPLETED)
            elif others:
                await asyncio.sleep(LOOK)
            for waited in [waited for waited in ours if waited.done()]:
                task_id, task = ours.pop(waited), waited.result()
                if task.live and task_id not in engine.gave_up and stumbled[task_id] < STUMBLES:
                    stumbled[task_id] += 1  # another process has it now, or the disk had no room
                    others.add(task_id)
                else:
                    yield task
    finally:
        for waited in ours:
            waited.cancel()
