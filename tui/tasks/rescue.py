"""Finds what was paid for and is not saved, and fetches it while it can still be had."""

import time
from collections.abc import Iterable
from datetime import date

from tui.tasks.engine import Engine
from tui.tasks.store_errors import LeasedError
from tui.tasks.task import URL_LIVES, SetAside, Status, Task

DAY = 86400.0


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
