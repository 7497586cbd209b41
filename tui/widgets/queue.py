"""The queue: one row per task, newest first, jobs folded.

Draws only the rows in sight, however many tasks there are.
"""

from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import AwaitMount, Widget
from textual.widgets import Static

from tui.tasks.scheduler import Turn
from tui.tasks.task import Task
from tui.text import one_line
from tui.widgets.job import Job
from tui.widgets.messages import (
    Browsing,
    GridRequested,
    QueueActionRequested,
    TaskActionRequested,
)
from tui.widgets.task_actions import (
    QueueAction,
    TaskAction,
    allowed_actions,
    queue_bindings,
    task_bindings,
)
from tui.widgets.taskrow import (
    Row,
    column_widths,
    elapsed,
    fit,
    is_waiting,
    made,
    row,
)

RowKey = tuple[str, str]
"""Job and task id, by which rows are sorted; a single task is its own job.

A job's title sorts after its tasks, so that it is above them: the newest is on top.
"""
_TITLE = "~"
FILM_ROWS = 40
"""Rows of a terminal from which a queue of `_HIGH` rows has a film strip."""
_HIGH = 12


class QueueTable(ScrollView, can_focus=True):
    """The rows of tasks and jobs, and the keys that act on the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "move(-1000000)", "Newest", show=False),
        Binding("end,G", "move(1000000)", "Oldest", show=False),
        Binding(
            "space",
            "fold",
            "Fold",
            id="fold",
            tooltip="Show or hide a job's tasks",
            show=False,
        ),
        Binding("right", "fold(False)", show=False),
        Binding("left", "fold(True)", show=False),
        *task_bindings(),
        Binding(
            "v",
            "grid",
            "Grid",
            id="grid",
            tooltip="Show many images at once",
            show=False,
        ),
        *queue_bindings(),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "queue--held",
        "queue--live",
        "queue--done",
        "queue--failed",
        "queue--dim",
        "queue--cursor",
    }

    cursor: reactive[int] = reactive(0)

    @dataclass
    class Selected(Message):
        """The cursor is on another task, or that task has changed."""

        task: Task

    def __init__(
        self, id: str, title_of: Callable[[Task], str], *, jobs: bool = True
    ) -> None:
        """`title_of` returns the name of a task's model.

        With `jobs`, a job is one row, cleared tasks are left out, and the time column
        has the time that a task takes. Without, it has the time of its creation.
        """
        super().__init__(id=id)
        self._title_of = title_of
        self._by_job = jobs
        self._tasks: dict[str, Task] = {}
        self._jobs: dict[str, Job] = {}
        self._unfolded: set[str] = set()
        self._order: list[RowKey] = []  # the newest is last
        self._waiting: list[Turn] = []
        self._ticking: set[str] = set()
        self._allowed: set[TaskAction] = set()
        self._announcing = False
        self._grown = False
        self._shift = 0
        self._announced: tuple[Task | None, bool] = (None, False)
        self.empty_text = ""
        """Shown while there is no task."""

    def on_mount(self) -> None:
        self._clock = self.set_interval(1, self._tick, pause=True)

    @property
    def selected(self) -> Task | None:
        """The task under the cursor, or the one that represents the job."""
        key = self._key_at(self.cursor)
        if key is None:
            return None
        job = self._job_under_cursor
        return job.face if job else self._tasks[key[1]]

    @property
    def _job_under_cursor(self) -> Job | None:
        """The job whose title the cursor is on."""
        key = self._key_at(self.cursor)
        return self._jobs[key[0]] if key and key[1] == _TITLE else None

    @property
    def chosen(self) -> list[Task]:
        """The task under the cursor, or all of the job."""
        key = self._key_at(self.cursor)
        if key is None:
            return []
        job = self._job_under_cursor
        return list(job.tasks.values()) if job else [self._tasks[key[1]]]

    def tasks_allowing(self, action: TaskAction) -> list[Task]:
        """Returns the chosen tasks that allow an action."""
        job = self._job_under_cursor
        if job:
            return job.tasks_allowing(action)
        return [task for task in self.chosen if action in allowed_actions(task)]

    @property
    def tasks(self) -> dict[str, Task]:
        """All tasks of the table, by id."""
        return self._tasks

    @property
    def listed(self) -> list[Task]:
        """All tasks in the order of the table, with those of folded jobs."""
        return sorted(self._tasks.values(), key=self._key, reverse=True)

    def update(self, task: Task) -> None:
        """Shows a task's latest snapshot."""
        before = self._tasks.get(task.id)
        self._count(before, task)
        if task.deleted or (task.cleared and self._by_job):
            self._remove(task)
            return
        self._tasks[task.id] = task
        key = self._key(task)
        title = (key[0], _TITLE)
        in_job = self._by_job and bool(task.job)
        if in_job:
            job = self._jobs.setdefault(task.job, Job(task.job))
            job.update(task)
            self._insert(title)
            self._refresh_row(title)
        if not in_job or task.job in self._unfolded:
            self._insert(key)
            self._refresh_row(key)
        if before is None or self._key_at(self.cursor) in (key, title):
            self._announce_soon()

    def browsing(self) -> Browsing:
        """Returns what a page steps through that is opened from here."""
        return Browsing(self.listed, on_back=self.select)

    def step_picture(self, by: int) -> bool:
        """Moves to the next row with an image; returns False if there is none."""
        row_number = self.cursor + by
        while key := self._key_at(row_number):
            if self._has_picture(key):
                self.cursor = row_number
                return True
            row_number += by
        return False

    def _has_picture(self, key: RowKey) -> bool:
        if key[1] != _TITLE:
            return bool(self._tasks[key[1]].files)
        # The tasks of an unfolded job have rows of their own.
        return key[0] not in self._unfolded and bool(self._jobs[key[0]].face.files)

    def show(self, tasks: list[Task]) -> None:
        """Shows these tasks and no others."""
        self._tasks.clear()
        self._jobs.clear()
        self._order.clear()
        self._waiting.clear()
        self._ticking.clear()
        self.set_reactive(QueueTable.cursor, 0)
        for task in sorted(tasks, key=lambda task: task.id):
            self.update(task)
        self.scroll_to(0, 0, animate=False)
        self._resize()
        self._announce_soon()

    def select(self, task_id: str) -> None:
        """Moves the cursor to a task, or to its folded job."""
        task = self._tasks.get(task_id)
        if task:
            key = self._key(task)
            if not self._has(key):
                key = (task.job, _TITLE)
            self.cursor = self._row_of(key)

    def _key(self, task: Task) -> RowKey:
        job_id = task.job if self._by_job else ""
        return job_id or task.id, task.id

    def _insert(self, key: RowKey) -> None:
        if self._has(key):
            return
        insort(self._order, key)
        # A new task gets the cursor, unless the user has moved it to look at an older
        # one.
        row = self._row_of(key)
        if 0 < self.cursor < len(self._order) - 1 and row <= self.cursor:
            self.set_reactive(QueueTable.cursor, self.cursor + 1)
            self._shift += 1  # so that the task stays where it is on the screen
        self._grown = True
        self._announce_soon()

    def _remove(self, task: Task) -> None:
        self._tasks.pop(task.id, None)
        keys = [self._key(task)]
        job = self._jobs.get(task.job)
        if job:
            job.remove(task.id)
            if not job.tasks:
                del self._jobs[job.id]
                keys.append((job.id, _TITLE))
        for key in keys:
            if not self._has(key):
                continue
            if self._row_of(key) < self.cursor:
                self.set_reactive(QueueTable.cursor, self.cursor - 1)
                self._shift -= 1
            del self._order[bisect_left(self._order, key)]
        last_row = max(0, len(self._order) - 1)
        self.cursor = min(self.cursor, last_row)
        self._grown = True
        self._announce_soon()

    def _count(self, before: Task | None, task: Task) -> None:
        """Updates what is derived from all tasks, by the change of one."""
        if before and is_waiting(before):
            index = bisect_left(self._waiting, before.turn)
            if self._waiting[index : index + 1] == [before.turn]:
                del self._waiting[index]
                self.refresh()
        if is_waiting(task):
            insort(self._waiting, task.turn)
            self.refresh()
        if task.live and task.sent_at:
            self._ticking.add(task.id)
        else:
            self._ticking.discard(task.id)
        self._run_clock()

    def render_line(self, y: int) -> Strip:
        row_number = self.scroll_offset.y + y
        key = self._key_at(row_number)
        width = self.scrollable_content_region.width
        base = self.rich_style
        dim = self.get_component_rich_style("queue--dim", partial=True)
        if key is None:
            is_first = not self._order and y == 0
            text = f" {self.empty_text}" if is_first else ""
            return Strip([Segment(fit(text, width), base + dim)], width)
        if row_number == self.cursor:
            partial = not self.has_focus
            base += self.get_component_rich_style("queue--cursor", partial=partial)
            dim = Style()
        content = self._row_content(key)
        kind = f"queue--{content.kind}"
        state = base + self.get_component_rich_style(kind, partial=True)
        in_job = key[0] in self._jobs and key[1] != _TITLE
        inset = "  " if in_job else " "
        status, model, prompt, time, cost = column_widths(width)
        segments = [
            Segment(fit(f"{inset}{content.glyph} {content.word}", status), state),
            Segment(fit(content.model, model), base),
            *_prompt_segments(content, prompt, base, state),
            Segment(fit(content.time, time, right=True), base + dim),
            Segment(fit(content.cost, cost, right=True), base + dim),
        ]
        return Strip(segments, width).adjust_cell_length(width, base)

    def _row_content(self, key: RowKey) -> Row:
        if key[1] == _TITLE:
            job = self._jobs[key[0]]
            number = self._queue_number(job.waiting[0]) if job.waiting else 0
            return job.row(self._title_of(job.face), job.id in self._unfolded, number)
        task = self._tasks[key[1]]
        title = self._title_of(task)
        if not self._by_job:
            return row(task, title, made(task))
        if is_waiting(task):
            return row(task, title, f"#{self._queue_number(task.turn)}")
        return row(task, title, elapsed(task))

    def _queue_number(self, turn: Turn) -> int:
        return bisect_left(self._waiting, turn) + 1

    def watch_cursor(self, old: int, new: int) -> None:
        for row_number in (old, new):
            y = row_number - self.scroll_offset.y
            self.refresh(Region(0, y, self.size.width, 1))
        self.scroll_to_region(Region(0, new, 1, 1), animate=False, force=True)
        self._announce_soon()

    def validate_cursor(self, cursor: int) -> int:
        last_row = len(self._order) - 1
        return max(0, min(last_row, cursor))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Returns whether an action makes sense for what is under the cursor."""
        if action == "task":
            return parameters[0] in self._allowed
        if action == "queue":
            return self._by_job or parameters[0] == QueueAction.UNDO
        return True

    def action_move(self, step: int) -> None:
        self.cursor += step

    def action_page(self, step: int) -> None:
        self.cursor += step * max(1, self.size.height - 1)

    def action_task(self, name: str) -> None:
        """Requests an action on the tasks under the cursor."""
        action = TaskAction(name)
        if action is TaskAction.VIEW and self._job_under_cursor:
            self.action_fold()
            return
        tasks = self.tasks_allowing(action)
        if tasks:
            is_view = action is TaskAction.VIEW
            browsing = self.browsing() if is_view else Browsing()
            self.post_message(TaskActionRequested(action, tasks, browsing=browsing))

    def action_grid(self) -> None:
        """Shows the images of the job under the cursor, or of all tasks."""
        if not self.selected:
            return
        if self._job_under_cursor:
            tasks = self.chosen
        elif self._by_job:
            tasks = [task for task in self._tasks.values() if task.files or task.live]
        else:
            tasks = list(self._tasks.values())
        self.post_message(GridRequested(tasks, self.selected))

    def action_queue(self, name: str) -> None:
        """Requests an action on the whole queue."""
        self.post_message(QueueActionRequested(QueueAction(name)))

    def action_fold(self, folded: bool | None = None) -> None:
        """Hides or shows the tasks of the job under the cursor; toggles for None."""
        key = self._key_at(self.cursor)
        job = self._jobs.get(key[0]) if key else None
        if job is None:
            return
        is_folded = job.id not in self._unfolded
        if folded is is_folded:
            return
        rows = {(job.id, task_id) for task_id in job.tasks}
        if is_folded:
            self._unfolded.add(job.id)
            self._order = sorted(rows.union(self._order))
        else:
            self._unfolded.discard(job.id)
            self._order = [known for known in self._order if known not in rows]
        self.cursor = self._row_of((job.id, _TITLE))
        self._resize()

    def on_click(self, event: events.Click) -> None:
        point = event.get_content_offset(self)
        if point is None:
            return
        row_number = self.scroll_offset.y + point.y
        if self._key_at(row_number):
            self.cursor = row_number
            if event.chain == 2:
                self.action_task(TaskAction.VIEW)

    def on_resize(self) -> None:
        self._resize()

    def _resize(self) -> None:
        self._grown = False
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._order))
        if self._shift:
            y = self.scroll_offset.y + self._shift
            self.scroll_to(y=y, animate=False, immediate=True)
            self._shift = 0
        self.refresh()

    def _announce_soon(self) -> None:
        if not self._announcing:
            self._announcing = True  # once for all changes of this turn
            self.call_later(self._announce)

    def _announce(self) -> None:
        self._announcing = False
        if self._grown:
            self._resize()
        selected = self.selected
        job = self._job_under_cursor
        announced, was_job = self._announced
        if selected and (selected is not announced or bool(job) is not was_job):
            self.post_message(self.Selected(selected))
        self._announced = (selected, bool(job))
        allowed: set[TaskAction] = set()
        if job:
            allowed = job.allowed
        elif selected:
            allowed = allowed_actions(selected)
        if allowed != self._allowed:
            self._allowed = allowed
            self.refresh_bindings()

    def _tick(self) -> None:
        for y in range(self.size.height):
            key = self._key_at(self.scroll_offset.y + y)
            if key and key[1] in self._ticking:
                self._refresh_row(key)

    def _run_clock(self) -> None:
        """Runs the clock while something is live: an idle app writes nothing."""
        if self._ticking:
            self._clock.resume()
        else:
            self._clock.pause()

    def _key_at(self, row: int) -> RowKey | None:
        return self._order[-1 - row] if 0 <= row < len(self._order) else None

    def _has(self, key: RowKey) -> bool:
        index = bisect_left(self._order, key)
        return self._order[index : index + 1] == [key]

    def _row_of(self, key: RowKey) -> int:
        return len(self._order) - 1 - bisect_left(self._order, key)

    def _refresh_row(self, key: RowKey) -> None:
        y = self._row_of(key) - self.scroll_offset.y
        self.refresh(Region(0, y, self.size.width, 1))


def _prompt_segments(row: Row, room: int, base: Style, state: Style) -> list[Segment]:
    """Returns the prompt, and what is wrong beside it, in `room` cells."""
    if not row.problem:
        return [Segment(fit(row.prompt, room), base)]
    problem = one_line(row.problem)
    problem_room = min(cell_len(problem) + 1, room * 2 // 3)
    prompt_room = min(cell_len(row.prompt) + 2, room - problem_room)
    return [
        Segment(fit(row.prompt, prompt_room - 1) + " ", base),
        Segment(fit(problem, room - prompt_room), state),
    ]


class Queue(Vertical):
    """The table under its column titles, or a hint while the queue is empty."""

    def __init__(self, id: str, title_of: Callable[[Task], str]) -> None:
        super().__init__(id=id, classes="-empty")
        self.table = QueueTable("tasks", title_of)
        self.table.empty_text = (
            "The queue is empty. Press z to undo, or / to search the history."
        )
        self._problem = ""
        self._empty = Static(
            "No tasks yet. Describe an image and press ctrl+j.",
            id="no-tasks",
            markup=False,
        )

    def mount_content(self, *below: Widget) -> AwaitMount:
        """Mounts the widgets within the frame, and others at its bottom."""
        return self.mount(Titles("time"), self.table, self._empty, *below)

    def on_resize(self) -> None:
        is_high = self.app.size.height >= FILM_ROWS and self.size.height >= _HIGH
        self.set_class(is_high, "-film")

    def show_message(self, sentence: str) -> None:
        """Shows a sentence instead of the queue."""
        self._problem = sentence
        self.add_class("-empty")
        self.table.display = False
        self._empty.update(sentence)

    def show_table(self) -> None:
        """Shows the table even if it is empty: its keys undo a clear or a delete."""
        if not self._problem:
            self.remove_class("-empty")
            self.table.display = True  # at once, so that it can have the focus

    def update(self, task: Task) -> None:
        self.table.update(task)
        if self.table.tasks:
            self.show_table()


class Titles(Widget):
    """The titles of the columns; that of the time is `time`."""

    def __init__(self, time: str) -> None:
        super().__init__()
        self._time = time

    def render(self) -> Content:
        status, model, prompt, time, cost = column_widths(self.size.width)
        cells = (
            fit("  status", status),
            fit("model", model),
            fit("prompt", prompt),
            fit(self._time, time, right=True),
            fit("cost", cost, right=True),
        )
        return Content("".join(cells))
