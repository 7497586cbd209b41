"""What a key in the queue means for the engine, and the sentence that tells how it went."""

import asyncio
import time
from collections.abc import Iterable

from tui.tasks.engine import Engine
from tui.tasks.store import TakenError
from tui.tasks.task import SENT, URL_LIVES, Status, Task
from tui.text import counted


async def carry_out(engine: Engine, what: str, tasks: list[Task]) -> str:
    """Do it with all of `tasks`. Raises what the engine raises: taken by another process, a full disk."""
    match what:
        case "drop":
            return await _drop(engine, [task.id for task in tasks])
        case "stop":
            watched = tasks[0].watched
            await asyncio.gather(*(engine.stop(task.id) if watched else engine.watch(task.id) for task in tasks))
        case "retry":
            for task in tasks:
                await (engine.watch(task.id) if is_free(task) else engine.retry(task))
        case "favour":
            for task in tasks:
                await engine.favour(task.id, not tasks[0].favourite)
        case "delete":
            count = await engine.delete(tasks)
            if not count:
                raise TakenError
            return f"{_tasks(count)} deleted, files and all: z brings {'it' if count == 1 else 'them'} back."
        case "sooner" | "later":
            await engine.move(tasks[0], -1 if what == "sooner" else 1)
        case "next":
            for task in sorted(tasks, key=lambda task: task.turn, reverse=True):
                await engine.move(task, 0)
    return ""


async def grant(engine: Engine, wish: str) -> str:
    """Do what was wished of the whole queue."""
    match wish:
        case "pause":
            await engine.pause(not engine.state.paused)
        case "more" | "fewer":
            engine.limit(engine.state.limit + (1 if wish == "more" else -1))
            return f"{engine.state.limit} at once."
        case "clear":
            count = await engine.clear(await _all(engine, "is:shown status:ended"))
            return (
                f"{_tasks(count)} cleared: / finds them, z brings them back." if count else "Nothing has ended yet."
            )
        case "undo":
            count = await engine.undo()
            return f"{_tasks(count)} brought back." if count else "There is nothing to bring back."
    return ""


_UNSAVED = frozenset({Status.FETCHING, Status.FAILED, Status.EXPIRED})


def unsaved(tasks: Iterable[Task]) -> list[Task]:
    """What was made, is not saved and is not being saved, while its URLs may still live; what ends first, first."""

    def ends(task: Task) -> float:
        return task.expires_at or task.updated_at + URL_LIVES

    left = (task for task in tasks if task.status in _UNSAVED and not (task.live or task.deleted))
    lost = (task for task in left if any(not result.path for result in task.results))
    return sorted((task for task in lost if ends(task) > time.time()), key=ends)


async def rescue(engine: Engine) -> tuple[list[Task], list[str]]:
    """Fetch all that can still be had; answers the tasks, and why others can't be taken up."""
    found = await _all(engine, "status:unsaved")
    tasks = await engine.adopt([task.id for task in found if task.status is Status.FETCHING and task.live])
    problems: list[str] = []
    for task in unsaved(found):
        try:
            tasks.append(await engine.watch(task.id))
        except (TakenError, ValueError) as error:  # another process, another service
            problems.append(f"{task.id}: {error}")
    return tasks, problems


async def _all(engine: Engine, query: str) -> list[Task]:
    """Every task that a search line asks for."""
    tasks = page = await engine.search(query)
    while page:
        page = await engine.search(query, before=page[-1].id)
        tasks = tasks + page
    return tasks


def is_free(task: Task) -> bool:
    """Whether trying again costs nothing: what was made and paid is fetched, never made again."""
    return task.status is Status.EXPIRED or (task.status is Status.FAILED and bool(task.results))


async def _drop(engine: Engine, ids: list[str]) -> str:
    dropped = await engine.drop(ids)
    now = [engine.tasks[task_id].status for task_id in ids if task_id in engine.tasks]
    late = sum(status in SENT for status in now)
    if not (dropped or late) and (Status.HELD in now or not now):
        raise TakenError
    told = f"{_tasks(len(dropped))} taken back, free of charge." if dropped and len(ids) > 1 else ""
    if late:
        told += f" {_tasks(late)} at the service can't be called back, and {'is' if late == 1 else 'are'} billed."
    return told.strip()


def _tasks(count: int) -> str:
    return counted(count, "task")
