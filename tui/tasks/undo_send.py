"""Which new tasks wait so that the user can take them back."""

import time
from collections.abc import Collection, Iterable

from tui.tasks.task import Status, Task

_ONE_MOMENT = 1.0
"""Seconds in which the tasks of a job are submitted; a retry comes later."""


def seconds_left(task: Task, window: float) -> float:
    """Returns for how long a task can still be taken back.

    `window` is how many seconds a new task waits.
    """
    if task.status is not Status.HELD:
        return 0
    left = task.created_at + window - time.time()
    return left if 0 < left <= window else 0


def newest_job(waiting: Iterable[Task], known: Collection[Task]) -> list[Task]:
    """Returns all of the `known` tasks that were submitted with the newest waiting one.

    What a probe has set aside is among them, and what was sent meanwhile.
    """
    newest = max(waiting, key=lambda task: task.id, default=None)
    if newest is None:
        return []
    return [task for task in known if task is newest or _is_together(task, newest)]


def _is_together(task: Task, newest: Task) -> bool:
    is_of_job = task.job == newest.job != ""
    return is_of_job and abs(task.created_at - newest.created_at) < _ONE_MOMENT
