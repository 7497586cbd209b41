"""Finds images that were paid and are not saved, and fetches them while they exist."""

import time
from collections.abc import Iterable
from datetime import date

from tui.tasks.engine import Engine
from tui.tasks.store_errors import LeasedError
from tui.tasks.task import URL_LIVES, Status, Task

DAY = 86400.0


def unsaved(tasks: Iterable[Task]) -> list[Task]:
    """Returns paid tasks that are not saved or being saved, and can still be fetched.

    Those whose images expire first come first.
    """
    now = time.time()
    found = [task for task in tasks if _may_be_lost(task) and _ends(task) > now]
    return sorted(found, key=_ends)


def _may_be_lost(task: Task) -> bool:
    """Returns whether nobody fetches a task's images, although this program paid."""
    if task.live or task.deleted or task.imported:
        return False
    return _is_at_service(task)


def _is_at_service(task: Task) -> bool:
    """Returns whether the service may have images of the task that are not saved."""
    if task.status in (Status.PENDING, Status.PROCESSING, Status.FETCHING):
        return True
    return task.lacks_picture


def _ends(task: Task) -> float:
    """Returns when the images expire, in seconds since the epoch, or an estimate."""
    return task.expires_at or task.updated_at + URL_LIVES


async def rescue(engine: Engine) -> tuple[list[Task], list[str]]:
    """Resumes all paid tasks that can still be saved; returns them, and problems.

    A problem is a sentence about a task that can't be resumed. The service is asked
    again wherever a picture is missing; nothing is sent that could be paid. Raises
    StoreError.
    """
    since = date.fromtimestamp(time.time() - URL_LIVES - DAY)
    found = [
        *await engine.queue.search_all("status:sent"),
        # Of any age: a task may have waited long to be sent.
        *await engine.queue.search_all("status:unsaved"),
        *await engine.queue.search_all(f"status:completed after:{since}"),
    ]
    by_id = {task.id: task for task in found}
    rescued: dict[str, Task] = {}
    for task in by_id.values():
        is_paid = task.live and task.status is not Status.SUBMITTING
        if is_paid and engine.belongs_here(task) and _is_at_service(task):
            rescued[task.id] = task
    await engine.adopt(list(rescued))
    problems: list[str] = []
    for task in unsaved(by_id.values()):
        try:
            rescued[task.id] = await engine.watch(task.id)
        except (LeasedError, ValueError) as error:  # another process, another service
            problems.append(f"{task.id}: {error}")
    return list(rescued.values()), problems
