"""Tasks that were submitted together, as one row of the queue."""

from bisect import bisect_left, insort
from collections import Counter

from tui.tasks.scheduler import Turn
from tui.tasks.task import LIVE, Status, Task
from tui.text import dollars, one_line
from tui.widgets.task_actions import TaskAction, allowed_actions_of_many
from tui.widgets.taskrow import COST_WIDTH, Row, is_set_aside, is_waiting, known_cost
from tui.widgets.variations import varying, words

_LOST = (Status.FAILED, Status.EXPIRED, Status.REJECTED)
_LONGEST_WORD = 11
"""Cells for the state in its column."""


class Job:
    """Tasks that were submitted together, counted as they change.

    A task that was retried counts through its retry alone.
    """

    def __init__(self, job_id: str) -> None:
        self.id = job_id
        self.tasks: dict[str, Task] = {}
        self.waiting: list[Turn] = []
        self._statuses: Counter[Status] = Counter()
        self._actions: Counter[TaskAction] = Counter()
        self._retries: Counter[str] = Counter()
        self._cost_micro = 0
        self._estimated = 0
        self._unknown = 0
        self._favourites = 0
        self._set_aside = 0
        self._face = ""
        self._varying_of = 0
        self._varying_names: list[str] = []

    def update(self, task: Task) -> None:
        """Counts a task's latest snapshot."""
        before = self.tasks.get(task.id)
        if before:
            self._count(before, -1)
        else:
            self._count_retry(task, 1)
        self.tasks[task.id] = task
        self._count(task, 1)
        face = self.tasks.get(self._face)
        if face is None or _face_order(face) <= _face_order(task):
            self._face = task.id

    def remove(self, task_id: str) -> None:
        """Forgets a task."""
        task = self.tasks.get(task_id)
        if task:
            self._count(task, -1)
            del self.tasks[task_id]
            self._count_retry(task, -1)
        if self.tasks and task_id == self._face:
            self._face = max(self.tasks.values(), key=_face_order).id

    def _count_retry(self, task: Task, sign: int) -> None:
        """Counts a retry, and counts the task that it stands for differently."""
        if not task.retry_of:
            return
        first = self.tasks.get(task.retry_of)
        if first:
            self._count(first, -1)
        self._retries[task.retry_of] += sign
        if first:
            self._count(first, 1)

    def _count(self, task: Task, sign: int) -> None:
        self._actions.update(dict.fromkeys(self._allowed(task), sign))
        if not self._retries[task.id]:
            self._statuses[task.status] += sign
        self._count_cost(task, sign)
        if task.favourite:
            self._favourites += sign
        if is_set_aside(task):
            self._set_aside += sign
        if is_waiting(task):
            self._count_waiting(task, sign)

    def _count_cost(self, task: Task, sign: int) -> None:
        micro = known_cost(task)
        if micro is None:
            self._unknown += sign
            return
        self._cost_micro += sign * micro
        if micro and task.cost_micro is None:
            self._estimated += sign

    def _count_waiting(self, task: Task, sign: int) -> None:
        if sign > 0:
            insort(self.waiting, task.turn)
        else:
            del self.waiting[bisect_left(self.waiting, task.turn)]

    def _allowed(self, task: Task) -> set[TaskAction]:
        allowed = allowed_actions_of_many(task)
        if self._retries[task.id]:
            allowed.discard(TaskAction.RETRY)
        return allowed

    @property
    def allowed(self) -> set[TaskAction]:
        """What can be done with at least one of the tasks."""
        return {action for action, count in self._actions.items() if count}

    def tasks_allowing(self, action: TaskAction) -> list[Task]:
        """Returns the tasks that this can be done with, oldest first.

        A task that was retried is not retried once more.
        """
        tasks = [task for task in self.tasks.values() if action in self._allowed(task)]
        return sorted(tasks, key=lambda task: task.id)

    def variation(self, task: Task) -> str:
        """Returns the values that are different in a task from others of the job."""
        return words(task, self._varying())

    def _varying(self) -> list[str]:
        """Returns the names of values, apart from the prompt, that vary in the job."""
        if self._varying_of != len(self.tasks):
            self._varying_of = len(self.tasks)
            self._varying_names = varying(self.tasks.values())
        return self._varying_names

    @property
    def live(self) -> int:
        """How many tasks are waiting or at the service."""
        return sum(self._statuses[status] for status in LIVE) - self._set_aside

    @property
    def face(self) -> Task:
        """The task that represents the job: its last with an image, else its last."""
        return self.tasks[self._face]

    def row(self, title: str, unfolded: bool, when: str, ways: str) -> Row:
        """Returns the job's row.

        `when` says when its first task is sent, `ways` what one can do until then.
        """
        first = next(iter(self.tasks.values()))
        prompt = one_line(first.caption, 400)
        if self._favourites == len(self.tasks):
            prompt = f"♥ {prompt}"
        return Row(
            glyph="▾" if unfolded else "▸",
            word=self._progress(),
            kind=self._kind(),
            model=title,
            prompt=prompt,
            problem=" · ".join(filter(None, (self._summary(), ways))),
            time=when,
            cost=self._cost(),
        )

    @property
    def _lost(self) -> int:
        return sum(self._statuses[status] for status in _LOST)

    def _kind(self) -> str:
        if self.live:
            return "live"
        if self._lost:
            return "failed"
        return "done" if self._statuses[Status.COMPLETED] else "held"

    def _progress(self) -> str:
        done = self._statuses[Status.COMPLETED]
        total = self._statuses.total()
        words = f"{done} of {total}"
        return words if len(words) <= _LONGEST_WORD else f"{done}/{total}"

    def _summary(self) -> str:
        held = self._statuses[Status.HELD] - self._set_aside
        counts = {
            "held": held,
            "set aside": self._set_aside,
            "sent": self.live - held,
            "failed": self._lost,
            "dropped": self._statuses[Status.DROPPED],
        }
        parts = [f"{count:,} {word}" for word, count in counts.items() if count]
        return " · ".join(parts)

    def _cost(self) -> str:
        """Returns what the tasks cost together, as exactly as there is room for."""
        done = self._statuses[Status.COMPLETED]
        if not (self.live or done or self._cost_micro or self._unknown):
            return "–"
        if self._unknown and not self._cost_micro:
            return "?"
        usd = self._cost_micro / 1_000_000
        about = "~" if self._estimated else ""
        more = "+?" if self._unknown else ""
        amounts = (dollars(self._cost_micro), f"${usd:.2f}", f"${usd:.0f}")
        for amount in amounts:
            text = f"{about}{amount}{more}"
            if len(text) < COST_WIDTH:
                return text
        return f"${usd:.0f}"


def _face_order(task: Task) -> tuple[bool, str]:
    return bool(task.files), task.id
