"""What a key in the queue means for the engine, and the sentence that tells how it went."""

import asyncio

from tui.tasks.engine import Engine
from tui.tasks.store import TakenError
from tui.tasks.task import SENT, Status, Task


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


async def grant(engine: Engine, wish: str, tasks: list[Task]) -> str:
    """Do what was wished of the whole queue, of which `tasks` are in sight."""
    match wish:
        case "pause":
            await engine.pause(not engine.state.paused)
        case "more" | "fewer":
            engine.limit(engine.state.limit + (1 if wish == "more" else -1))
            return f"{engine.state.limit} at once."
        case "clear":
            count = await engine.clear(tasks)
            return (
                f"{_tasks(count)} cleared: / finds them, z brings them back." if count else "Nothing has ended yet."
            )
        case "undo":
            count = await engine.undo()
            return f"{_tasks(count)} brought back." if count else "There is nothing to bring back."
    return ""


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
    return "1 task" if count == 1 else f"{count:,} tasks"
