"""What a key in the queue means for the engine, and the sentence that tells how it
went.
"""

import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import date

from tui.tasks.engine import Engine, RetriedError
from tui.tasks.store_errors import LeasedError
from tui.tasks.task import SENT, URL_LIVES, SetAside, Status, Task
from tui.text import counted

DAY = 86400.0


class PartlyDoneError(Exception):
    """Something was done with some of the tasks; the text says with how many, and why
    not with the others.
    """


async def carry_out(engine: Engine, what: str, tasks: list[Task]) -> str:
    """Do it with all of `tasks`. Raises what the engine raises: taken by another
    process, a full disk.
    """
    match what:
        case "drop":
            return await _drop(engine, [task.id for task in tasks])
        case "stop":
            await _each(tasks, lambda task: engine.stop(task.id))
        case "watch":
            await _each(tasks, lambda task: engine.watch(task.id))
        case "send":
            return (
                f"{_tasks(await _each(tasks, lambda task: engine.watch(task.id)))}"
                " queued to be sent."
            )
        case "retry":
            return await _retry(engine, tasks)
        case "favour":
            for task in tasks:
                await engine.favour(task.id, not tasks[0].favourite)
        case "delete":
            count = len(await engine.delete(tasks))
            if not count:
                raise LeasedError
            return (
                f"{_tasks(count)} deleted, files and all: z brings"
                f" {'it' if count == 1 else 'them'} back."
            )
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
            count = len(
                await engine.clear(
                    await engine.queue.search_all("is:shown status:ended")
                )
            )
            return (
                f"{_tasks(count)} cleared: / finds them, z brings them back."
                if count
                else "Nothing has ended yet."
            )
        case "undo":
            count = await engine.undo()
            return (
                f"{_tasks(count)} brought back."
                if count
                else "There is nothing to bring back."
            )
    return ""


def unsaved(tasks: Iterable[Task]) -> list[Task]:
    """Return what was made and paid, is not saved and not being saved, while it may
    still be had; what ends first comes first.
    """
    now = time.time()
    ours = [
        task
        for task in tasks
        if task.set_aside is not SetAside.IMPORTED and not task.deleted
    ]
    lost = [task for task in ours if not task.live and _is_at_service(task)]
    return sorted((task for task in lost if _ends(task) > now), key=_ends)


def _is_at_service(task: Task) -> bool:
    """Whether the service has something of the task that is not saved here, or may have
    by now.
    """
    at_work = task.status in (Status.PENDING, Status.PROCESSING, Status.FETCHING)
    return at_work or task.lacks_picture


def _ends(task: Task) -> float:
    """When the pictures can't be had any more, as far as that is known."""
    return task.expires_at or task.updated_at + URL_LIVES


async def rescue(engine: Engine) -> tuple[list[Task], list[str]]:
    """Follow and fetch all that was paid and can still be had. Return the tasks, and
    why others can't be taken up.

    The service is asked again wherever a picture is missing. Nothing is sent that could
    be paid.
    """
    since = date.fromtimestamp(time.time() - URL_LIVES - DAY)
    found = [
        *await engine.queue.search_all("status:sent"),
        # Whenever it was written: it may have waited long to be sent
        *await engine.queue.search_all("status:unsaved"),
        *await engine.queue.search_all(f"status:completed after:{since}"),
    ]
    by_id = {task.id: task for task in found}
    ours = [task for task in by_id.values() if engine.belongs_here(task)]
    paid = [task for task in ours if task.live and task.status is not Status.SUBMITTING]
    tasks = {task.id: task for task in paid if _is_at_service(task)}
    await engine.adopt(list(tasks))
    problems: list[str] = []
    for task in unsaved(by_id.values()):
        try:
            tasks[task.id] = await engine.watch(task.id)
        except (LeasedError, ValueError) as error:  # another process, another service
            problems.append(f"{task.id}: {error}")
    return list(tasks.values()), problems


def is_free(task: Task) -> bool:
    """Whether trying again costs nothing: what was made and paid is fetched, never made
    again.
    """
    return task.lacks_picture


async def _retry(engine: Engine, tasks: list[Task]) -> str:
    """Send each task again, once: one that was retried since the user saw it is left
    alone.
    """
    free = [task for task in tasks if is_free(task)]
    paid = [task for task in tasks if not is_free(task)]
    await _each(free, lambda task: engine.watch(task.id))
    sent = await _each(
        paid, lambda task: engine.retry(task, again=bool(task.retried_by))
    )
    return f"{_tasks(sent)} sent again." if sent else ""


async def _each(tasks: list[Task], do: Callable[[Task], Awaitable[object]]) -> int:
    """Do something with each task, whatever becomes of the others. Return with how many
    it was done.

    Raises what went wrong with the first where it was done with none; else says how
    many were left alone, and why.
    """
    done = 0
    problems: list[Exception] = []
    for task in tasks:
        try:
            await do(task)
        except RetriedError:
            continue
        except Exception as error:
            problems.append(error)
        else:
            done += 1
    if problems and not done:
        raise problems[0]
    if problems:
        raise PartlyDoneError(
            f"{_tasks(done)} done; {len(problems):,} left alone: {problems[0]}"
        )
    return done


async def _drop(engine: Engine, ids: list[str]) -> str:
    dropped = await engine.drop(ids)
    now = [engine.tasks[task_id].status for task_id in ids if task_id in engine.tasks]
    late = sum(status in SENT for status in now)
    if not (dropped or late) and (Status.HELD in now or not now):
        raise LeasedError
    told = (
        f"{_tasks(len(dropped))} taken back, free of charge."
        if dropped and len(ids) > 1
        else ""
    )
    if late:
        told += (
            f" {_tasks(late)} at the service can't be called back, and"
            f" {'is' if late == 1 else 'are'} billed."
        )
    return told.strip()


def _tasks(count: int) -> str:
    return counted(count, "task")
