"""How a task, or a job of several, reads in one row: glyph and word, model, prompt,
time, cost.
"""

import time
from bisect import bisect_left, insort
from collections import Counter
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from tui.tasks.scheduler import Turn
from tui.tasks.task import LIVE, Status, Task
from tui.text import duration, money, one_line
from tui.widgets.task_actions import TaskAction, allowed_actions_of_many

# State is never colour alone: a glyph, a word, and the component class that colours
# them.
_LOOKS: dict[Status, tuple[str, str, str]] = {
    Status.HELD: ("○", "held", "held"),
    Status.SUBMITTING: ("◌", "sending", "live"),
    Status.PENDING: ("◔", "pending", "live"),
    Status.PROCESSING: ("◑", "processing", "live"),
    Status.FETCHING: ("◕", "saving", "live"),
    Status.COMPLETED: ("●", "completed", "done"),
    Status.FAILED: ("✗", "failed", "failed"),
    Status.EXPIRED: ("✗", "expired", "failed"),
    Status.REJECTED: ("✗", "rejected", "failed"),
    Status.DROPPED: ("–", "dropped", "held"),
}
COLUMNS = ("status", "model", "prompt", "time", "cost")
_NEAR = 2 * 86400.0
"""Seconds before the end of a result's URL at which that is shown in its row."""
_COST = 9
"""Cells for the cost."""


class Row(NamedTuple):
    """What stands in the columns of a row; `problem` shares the prompt's."""

    glyph: str
    word: str
    kind: str
    """The component class that colours the state."""
    model: str
    told: str
    problem: str
    time: str
    cost: str


class Job:
    """What was submitted together: counted as its tasks change. What was retried counts
    through its retry alone.
    """

    def __init__(self, job_id: str) -> None:
        self.id = job_id
        self.tasks: dict[str, Task] = {}
        self.waiting: list[Turn] = []
        self._counts: Counter[Status] = Counter()
        self._allowed_counts: Counter[TaskAction] = Counter()
        self._retried: Counter[str] = Counter()
        self._cost = self._guessed = self._unknown = self._stars = self._aside = 0
        self._face = ""

    def update(self, task: Task) -> None:
        """Take in a task's latest snapshot."""
        before = self.tasks.get(task.id)
        self._count(before, -1)
        if before is None:
            self._retry(task, 1)
        self.tasks[task.id] = task
        self._count(task, 1)
        face = self.tasks.get(self._face)
        if face is None or (bool(face.files), face.id) <= (bool(task.files), task.id):
            self._face = task.id

    def remove(self, task_id: str) -> None:
        task = self.tasks.get(task_id)
        if task:
            self._count(task, -1)
            del self.tasks[task_id]
            self._retry(task, -1)
        if self.tasks and task_id == self._face:
            self._face = max(
                self.tasks.values(), key=lambda task: (bool(task.files), task.id)
            ).id

    def _retry(self, task: Task, sign: int) -> None:
        if task.retry_of:
            first = self.tasks.get(task.retry_of)
            self._count(first, -1)
            self._retried[task.retry_of] += sign
            self._count(first, 1)

    def _count(self, task: Task | None, sign: int) -> None:
        if task is None:
            return
        self._allowed_counts.update(dict.fromkeys(self._allowed(task), sign))
        if not self._retried[task.id]:
            self._counts[task.status] += sign
        micro = _micro(task)
        self._cost += sign * (micro or 0)
        self._unknown += sign * (micro is None)
        self._guessed += sign * bool(micro and task.cost_micro is None)
        self._stars += sign * task.favourite
        self._aside += sign * is_aside(task)
        if waits(task) and sign > 0:
            insort(self.waiting, task.turn)
        elif waits(task):
            del self.waiting[bisect_left(self.waiting, task.turn)]

    def _allowed(self, task: Task) -> set[TaskAction]:
        allowed = allowed_actions_of_many(task)
        if self._retried[task.id]:
            allowed.discard(TaskAction.RETRY)
        return allowed

    @property
    def allowed(self) -> set[TaskAction]:
        """What can be done with at least one of the tasks."""
        return {action for action, count in self._allowed_counts.items() if count}

    def allowing(self, action: TaskAction) -> list[Task]:
        """Returns the tasks that this can be done with, oldest first.

        A task that was retried is not retried once more.
        """
        tasks = [task for task in self.tasks.values() if action in self._allowed(task)]
        return sorted(tasks, key=lambda task: task.id)

    @property
    def live(self) -> int:
        return sum(self._counts[status] for status in LIVE) - self._aside

    @property
    def face(self) -> Task:
        """The task that stands for the job: the last one that has an image, or else its
        newest.
        """
        return self.tasks[self._face]

    def row(self, title: str, unfolded: bool, place: int) -> Row:
        """`place` is the number of its first task among those that wait, or 0."""
        done = self._counts[Status.COMPLETED]
        lost = sum(
            self._counts[s] for s in (Status.FAILED, Status.EXPIRED, Status.REJECTED)
        )
        kind = "live" if self.live else "failed" if lost else "done" if done else "held"
        waiting, dropped = (
            self._counts[Status.HELD] - self._aside,
            self._counts[Status.DROPPED],
        )
        parts = (
            (waiting, "held"),
            (self._aside, "set aside"),
            (self.live - waiting, "sent"),
            (lost, "failed"),
            (dropped, "dropped"),
        )
        first = next(iter(self.tasks.values()))
        star = "★ " if self._stars == len(self.tasks) else ""
        total = self._counts.total()
        told = f"{done} of {total}"
        return Row(
            glyph="▾" if unfolded else "▸",
            word=told if len(told) < 12 else f"{done}/{total}",
            kind=kind,
            model=title,
            told=star + one_line(first.prompt or first.model, 400),
            problem=" · ".join(f"{count:,} {word}" for count, word in parts if count),
            time=f"#{place}" if place else "",
            cost=self._price()
            if self.live or done or self._cost or self._unknown
            else "–",
        )

    def _price(self) -> str:
        """What its tasks cost together, as exactly as there is room for."""
        if self._unknown and not self._cost:
            return "?"
        dollars = self._cost / 1_000_000
        ways = (
            f"{'~' * bool(self._guessed)}{told}{'+?' * bool(self._unknown)}"
            for told in (money(self._cost), f"${dollars:.2f}", f"${dollars:.0f}")
        )
        return next((way for way in ways if len(way) < _COST), f"${dollars:.0f}")


def status_look(task: Task) -> tuple[str, str, str]:
    """Glyph, word and component class of a task's state."""
    glyph, word, kind = _LOOKS[task.status]
    if task.status is Status.HELD and task.error:
        return "!", "needs you", "failed"
    if is_aside(task):
        return "◇", "set aside", "held"
    if not task.watched and task.status in LIVE:
        return "◇", "unwatched", "held"
    if task.retried_by and task.status not in LIVE and not task.files:
        return "↻", "retried", "held"
    if task.status is Status.COMPLETED and task.error:
        return "●", "partly done" if task.files else "no picture", "failed"
    if task.quiet and task.status in (Status.PENDING, Status.PROCESSING):
        return "◔", "quiet", "held"
    return glyph, task.progress or word if kind == "live" else word, kind


def is_aside(task: Task) -> bool:
    """Whether it was not sent, and is sent only when asked."""
    return task.status is Status.HELD and not task.watched


def waits(task: Task) -> bool:
    """Whether it will be sent once its turn has come."""
    return task.status is Status.HELD and task.live


def elapsed(task: Task) -> str:
    """How long the task has taken, or is taking."""
    if task.status is Status.HELD or not (task.sent_at or task.finished_at):
        return ""
    return duration(
        (task.finished_at or time.time()) - (task.sent_at or task.created_at)
    )


def made(task: Task) -> str:
    """When the task was made: `14:03` today, `23 Jul` this year, `2025-07` before."""
    now, then = time.localtime(), time.localtime(task.created_at)
    form = (
        "%H:%M"
        if then[:3] == now[:3]
        else f"{then.tm_mday} %b"
        if then[0] == now[0]
        else "%Y-%m"
    )
    return time.strftime(form, then)


def expiry(task: Task) -> str:
    """How long what is not saved can still be fetched, or nothing."""
    if not task.expires_at:
        return ""
    left = task.expires_at - time.time()
    return (
        f"can be fetched for {duration(left)}" if left > 0 else "its address has ended"
    )


def row(task: Task, title: str, when: str) -> Row:
    """`title` is what the model is called; `when` stands in the column of time."""
    glyph, word, kind = status_look(task)
    problem = (
        task.error.message if task.error else task.note if task.status in LIVE else ""
    )
    if is_aside(task) and not problem:
        problem = "s sends it, d drops it"
    if task.expires_at and task.expires_at - time.time() < _NEAR:
        problem = f"{expiry(task)}. {problem}"
    star = "★ " if task.favourite else ""
    told = star + one_line(task.prompt or task.model, 400)
    return Row(glyph, word, kind, title, told, problem, when, cost(task))


def cost(task: Task) -> str:
    if task.cost_micro is not None:
        return money(task.cost_micro)
    if task.status in (Status.REJECTED, Status.DROPPED, Status.FAILED):
        return "–"
    return "~" + money(task.estimate_micro) if task.estimate_micro is not None else "?"


def _micro(task: Task) -> int | None:
    """What a task adds to its job's cost; None where that is unknown."""
    if task.cost_micro is not None:
        return task.cost_micro
    return (
        0
        if task.status in (Status.REJECTED, Status.DROPPED, Status.FAILED)
        else task.estimate_micro
    )


def column_widths(width: int) -> tuple[int, ...]:
    """Cells for status, model, prompt, time and cost in a row of `width`."""
    status, time_, cost = 15, 8, _COST
    model = 22 if width >= 100 else 16
    return status, model, max(8, width - status - model - time_ - cost), time_, cost


def fit(text: str, room: int, right: bool = False) -> str:
    """`text` in exactly `room` cells, the last one free: cut with an ellipsis, or
    filled up.
    """
    space = max(0, room - 1)
    size = cell_len(text)
    if size > space:
        text = set_cell_size(text, max(0, space - 1)).rstrip() + "…" * (space > 0)
        size = cell_len(text)
    filling = " " * (space - size)
    return (filling + text if right else text + filling) + " " * (room > 0)
