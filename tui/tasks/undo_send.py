"""Which new tasks wait so that the user can take them back."""

import time
from collections.abc import Iterable
from typing import NamedTuple

from tui.tasks.task import Status, Task, new_id


class Submission(NamedTuple):
    """What was submitted by one press of a key."""

    tasks: list[Task]
    at: float


class _Wait(NamedTuple):
    since: float
    press: str
    """What was submitted by the same press is taken back together."""


class SendClock:
    """Knows for how long each new task still waits, so that it can be taken back."""

    def __init__(self, window: float) -> None:
        """`window` is how many seconds a new task waits."""
        self.window = window
        self._waits: dict[str, _Wait] = {}
        """By task. Tasks that others have submitted are not among them."""

    def begin(self, tasks: Iterable[Task], press: str = "") -> None:
        """Has tasks wait from now on. They are taken back together, with those that
        have the same `press`, if any.
        """
        if not self.window:
            return
        self._waits = {
            task_id: wait for task_id, wait in self._waits.items() if self._left(wait)
        }
        wait = _Wait(time.time(), press or new_id())
        self._waits.update((task.id, wait) for task in tasks)

    def stop(self, task_id: str) -> None:
        """Ends a task's wait: it is sent as soon as its turn comes."""
        self._waits.pop(task_id, None)

    def left(self, task: Task) -> float:
        """Returns for how many seconds a task can still be taken back."""
        wait = self._waits.get(task.id)
        if wait is None or task.status is not Status.HELD or not task.live:
            return 0
        return self._left(wait)

    def _left(self, wait: _Wait) -> float:
        left = wait.since + self.window - time.time()
        return left if 0 < left <= self.window else 0

    def newest(self, running: Iterable[Task], known: dict[str, Task]) -> Submission:
        """Returns all `known` tasks that were submitted with the newest waiting one.

        What a probe has set aside is among them, and what was sent meanwhile.
        """
        waits = [self._waits[task.id] for task in running if self.left(task)]
        if not waits:
            return Submission([], 0)
        newest = max(waits)
        together = [
            known[task_id]
            for task_id, wait in self._waits.items()
            if wait.press == newest.press and task_id in known
        ]
        return Submission(together, newest.since)
