"""Which new tasks wait so that the user can take them back."""

import time
from collections.abc import Collection, Iterable

from tui.tasks.task import Status, Task

_ONE_MOMENT = 1.0
"""Seconds in which the tasks of a job are submitted; a retry comes later."""


class SendClock:
    """Knows for how long each new task still waits, so that it can be taken back."""

    def __init__(self, window: float) -> None:
        """`window` is how many seconds a new task waits."""
        self.window = window
        self._since: dict[str, float] = {}
        """By task, when its wait began. Tasks of other processes are not among them."""

    def begin(self, task: Task) -> None:
        """Notes a task that waits from its creation on, unless it is known."""
        if self.window:
            self._since.setdefault(task.id, task.created_at)

    def restart(self, task: Task) -> None:
        """Has a task wait the whole time from now on, as after a change."""
        if self.window:
            self._since[task.id] = time.time()

    def stop(self, task_id: str) -> None:
        """Ends a task's wait: it is sent as soon as its turn comes."""
        self._since.pop(task_id, None)

    def left(self, task: Task) -> float:
        """Returns for how many seconds a task can still be taken back."""
        since = self._since.get(task.id)
        if since is None or task.status is not Status.HELD or not task.live:
            return 0
        left = since + self.window - time.time()
        return left if 0 < left <= self.window else 0


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
