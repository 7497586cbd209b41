"""The queue: a row a task, newest first, jobs folded. Draws the rows in sight, whatever
the number of tasks.
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
    COLUMNS,
    Row,
    column_widths,
    elapsed,
    fit,
    is_waiting,
    made,
    row,
)

RowKey = tuple[str, str]
"""Sorts the rows as they were made: job and task, a task alone as its own job. A job's
title comes after its tasks, so that it stands above them where the newest is on top.
"""
_TITLE = "~"


class QueueTable(ScrollView, can_focus=True):
    """Tasks. Arrows move; keys ask for something to be done with the task, or the job,
    under the cursor.
    """

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
            tooltip="Show many pictures at once",
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
        """`title_of` says what a task's model is called. With `jobs`, what was
        submitted together is one row, what was cleared is left out, and time is that
        which a task takes; without, it is when the task was made.
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
        self._announced: Task | None = None
        self.nothing = ""
        """What is said while there is no task."""

    def on_mount(self) -> None:
        self._clock = self.set_interval(1, self._tick, pause=True)

    @property
    def selected(self) -> Task | None:
        """The task under the cursor, or the one that stands for the job."""
        key = self._at(self.cursor)
        if key is None:
            return None
        job = self._job_under_cursor
        return job.face if job else self._tasks[key[1]]

    @property
    def _job_under_cursor(self) -> Job | None:
        """The job whose title the cursor is on."""
        key = self._at(self.cursor)
        return self._jobs[key[0]] if key and key[1] == _TITLE else None

    @property
    def chosen(self) -> list[Task]:
        """The task under the cursor, or all of the job."""
        key = self._at(self.cursor)
        if key is None:
            return []
        job = self._job_under_cursor
        return list(job.tasks.values()) if job else [self._tasks[key[1]]]

    def allowing(self, action: TaskAction) -> list[Task]:
        """Returns those of the chosen tasks that this can be done with."""
        job = self._job_under_cursor
        if job:
            return job.allowing(action)
        return [task for task in self.chosen if action in allowed_actions(task)]

    @property
    def tasks(self) -> dict[str, Task]:
        """All that the table has, by id."""
        return self._tasks

    @property
    def listed(self) -> list[Task]:
        """All tasks as they stand in the table, those of folded jobs too."""
        return sorted(self._tasks.values(), key=self._key, reverse=True)

    def update(self, task: Task) -> None:
        """Show a task's latest snapshot."""
        before = self._tasks.get(task.id)
        self._count(before, task)
        if task.deleted or (task.cleared and self._by_job):
            self._remove(task)
            return
        self._tasks[task.id] = task
        key = self._key(task)
        if self._by_job and task.job:
            job = self._jobs.setdefault(task.job, Job(task.job))
            job.update(task)
            self._insert((job.id, _TITLE))
            self._refresh_row((job.id, _TITLE))
        if not (self._by_job and task.job) or task.job in self._unfolded:
            self._insert(key)
            self._refresh_row(key)
        at = self._at(self.cursor)
        if before is None or at in (key, (key[0], _TITLE)):
            self._announce_soon()

    def show(self, tasks: list[Task]) -> None:
        """Show these tasks and no others."""
        self._tasks, self._jobs, self._order, self._waiting = {}, {}, [], []
        self._ticking.clear()
        self.set_reactive(QueueTable.cursor, 0)
        for task in sorted(tasks, key=lambda task: task.id):
            self.update(task)
        self.scroll_to(0, 0, animate=False)
        self._resize()
        self._announce_soon()

    def select(self, task_id: str) -> None:
        """Put the cursor on a task, or on its folded job."""
        task = self._tasks.get(task_id)
        if task:
            key = self._key(task)
            self.cursor = self._row(key if self._has(key) else (task.job, _TITLE))

    def _key(self, task: Task) -> RowKey:
        return (task.job or task.id, task.id) if self._by_job else (task.id, task.id)

    def _insert(self, key: RowKey) -> None:
        if self._has(key):
            return
        insort(self._order, key)
        # A new task gets the cursor, unless the user has moved it to look at an older
        # one.
        row = self._row(key)
        if 0 < self.cursor < len(self._order) - 1 and row <= self.cursor:
            self.set_reactive(QueueTable.cursor, self.cursor + 1)
            self._shift += 1  # what is looked at stays where it is on the screen
        self._grown = True
        self._announce_soon()

    def _remove(self, task: Task) -> None:
        self._tasks.pop(task.id, None)
        gone = [self._key(task)]
        job = self._jobs.get(task.job)
        if job:
            job.remove(task.id)
            if not job.tasks:
                del self._jobs[job.id]
                gone.append((job.id, _TITLE))
        for key in gone:
            if self._has(key):
                if self._row(key) < self.cursor:
                    self.set_reactive(QueueTable.cursor, self.cursor - 1)
                    self._shift -= 1
                del self._order[bisect_left(self._order, key)]
        self.cursor = min(self.cursor, max(0, len(self._order) - 1))
        self._grown = True
        self._announce_soon()

    def _count(self, before: Task | None, task: Task) -> None:
        """Keep what is derived from all tasks up to date, without looking at all of
        them.
        """
        if before and is_waiting(before):
            at = bisect_left(self._waiting, before.turn)
            if at < len(self._waiting) and self._waiting[at] == before.turn:
                del self._waiting[at]
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
        key = self._at(self.scroll_offset.y + y)
        width = self.scrollable_content_region.width
        if key is None:
            nothing = "" if self._order or y else f" {self.nothing}"
            style = self.rich_style + self.get_component_rich_style(
                "queue--dim", partial=True
            )
            return Strip([Segment(fit(nothing, width), style)], width)
        dim = self.get_component_rich_style("queue--dim", partial=True)
        base = self.rich_style
        if self.scroll_offset.y + y == self.cursor:
            base += self.get_component_rich_style(
                "queue--cursor", partial=self.has_focus is False
            )
            dim = Style()
        shown = self._shown(key)
        state = self.get_component_rich_style(f"queue--{shown.kind}", partial=True)
        inset = "  " if key[0] in self._jobs and key[1] != _TITLE else " "
        texts = (
            f"{inset}{shown.glyph} {shown.word}",
            shown.model,
            shown.prompt,
            shown.time,
            shown.cost,
        )
        styles = (state, Style(), Style(), dim, dim)
        segments = []
        for name, text, style, room in zip(
            COLUMNS, texts, styles, column_widths(width), strict=True
        ):
            if name == "prompt" and shown.problem:
                problem = one_line(shown.problem)
                left = room - min(cell_len(problem) + 1, room * 2 // 3)
                said = min(cell_len(shown.prompt) + 2, left)
                segments.append(
                    Segment(fit(shown.prompt, said - 1) + " ", base + style)
                )
                segments.append(Segment(fit(problem, room - said), base + state))
            else:
                segments.append(
                    Segment(
                        fit(text, room, right=name in ("time", "cost")), base + style
                    )
                )
        return Strip(segments, width).adjust_cell_length(width, base)

    def _shown(self, key: RowKey) -> Row:
        if key[1] == _TITLE:
            job = self._jobs[key[0]]
            place = self._place(job.waiting[0]) if job.waiting else 0
            return job.row(self._title_of(job.face), job.id in self._unfolded, place)
        task = self._tasks[key[1]]
        when = f"#{self._place(task.turn)}" if is_waiting(task) else elapsed(task)
        return row(task, self._title_of(task), when if self._by_job else made(task))

    def _place(self, turn: Turn) -> int:
        return bisect_left(self._waiting, turn) + 1

    def watch_cursor(self, old: int, new: int) -> None:
        for line in (old, new):
            self.refresh(Region(0, line - self.scroll_offset.y, self.size.width, 1))
        self.scroll_to_region(Region(0, new, 1, 1), animate=False, force=True)
        self._announce_soon()

    def validate_cursor(self, row: int) -> int:
        return max(0, min(len(self._order) - 1, row))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what makes sense for what is under the cursor is offered."""
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
        """Asks for an action on the tasks under the cursor."""
        action = TaskAction(name)
        if action is TaskAction.VIEW and self._job_under_cursor:
            self.action_fold()
            return
        tasks = self.allowing(action)
        if tasks:
            listed = self.listed if action is TaskAction.VIEW else ()
            browsing = Browsing(listed, on_back=self.select)
            self.post_message(TaskActionRequested(action, tasks, browsing=browsing))

    def action_grid(self) -> None:
        """Shows the pictures of the job under the cursor, or of all tasks.

        In the history, all that was found is shown.
        """
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
        """Asks for an action on the whole queue."""
        self.post_message(QueueActionRequested(QueueAction(name)))

    def action_fold(self, folded: bool | None = None) -> None:
        """Hide the tasks of the job under the cursor, or show them, or whichever isn't
        so yet.
        """
        key = self._at(self.cursor)
        job = self._jobs.get(key[0]) if key else None
        if job is None or folded is (job.id not in self._unfolded):
            return
        if job.id in self._unfolded:
            self._unfolded.discard(job.id)
            self._order = [
                known
                for known in self._order
                if known[0] != job.id or known[1] == _TITLE
            ]
        else:
            self._unfolded.add(job.id)
            self._order = sorted(
                {*self._order, *((job.id, task_id) for task_id in job.tasks)}
            )
        self.cursor = self._row((job.id, _TITLE))
        self._resize()

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset(self)
        if at is not None and self._at(self.scroll_offset.y + at.y):
            self.cursor = self.scroll_offset.y + at.y
            if event.chain == 2:
                self.action_task(TaskAction.VIEW)

    def on_resize(self) -> None:
        self._resize()

    def _resize(self) -> None:
        self._grown = False
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._order))
        if self._shift:
            self.scroll_to(
                y=self.scroll_offset.y + self._shift, animate=False, immediate=True
            )
            self._shift = 0
        self.refresh()

    def _announce_soon(self) -> None:
        if not self._announcing:
            self._announcing = True  # once for all that come together
            self.call_later(self._announce)

    def _announce(self) -> None:
        self._announcing = False
        if self._grown:
            self._resize()
        selected = self.selected
        if selected and selected is not self._announced:
            self.post_message(self.Selected(selected))
        self._announced = selected
        job = self._job_under_cursor
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
            key = self._at(self.scroll_offset.y + y)
            if key and key[1] in self._ticking:
                self._refresh_row(key)

    def _run_clock(self) -> None:
        """Elapsed time ticks only while something is live: an idle app writes nothing."""
        if self._ticking:
            self._clock.resume()
        else:
            self._clock.pause()

    def _at(self, row: int) -> RowKey | None:
        return self._order[-1 - row] if 0 <= row < len(self._order) else None

    def _has(self, key: RowKey) -> bool:
        at = bisect_left(self._order, key)
        return at < len(self._order) and self._order[at] == key

    def _row(self, key: RowKey) -> int:
        return len(self._order) - 1 - bisect_left(self._order, key)

    def _refresh_row(self, key: RowKey) -> None:
        self.refresh(
            Region(0, self._row(key) - self.scroll_offset.y, self.size.width, 1)
        )


class Queue(Vertical):
    """The queue table under its column titles, or what to do while there is nothing in
    it.
    """

    def __init__(self, id: str, title_of: Callable[[Task], str]) -> None:
        super().__init__(id=id, classes="-empty")
        self.table = QueueTable("tasks", title_of)
        self.table.nothing = "The queue is empty. z undoes, / searches the history."
        self._problem = ""
        self._empty = Static(
            "Nothing yet. Describe a picture and press ctrl+j.",
            id="no-tasks",
            markup=False,
        )

    def furnish(self) -> AwaitMount:
        """Mount what stands in the frame."""
        return self.mount(Titles("time"), self.table, self._empty)

    def show_message(self, sentence: str) -> None:
        """Why there is no queue to be shown."""
        self._problem = sentence
        self.add_class("-empty")
        self.table.display = False
        self._empty.update(sentence)

    def begin(self) -> None:
        """Show the table, whatever is in it: its keys bring back what was cleared or
        deleted.
        """
        if not self._problem:
            self.remove_class("-empty")
            self.table.display = True  # at once, so that it can have the focus

    def update(self, task: Task) -> None:
        self.table.update(task)
        if self.table.tasks:
            self.begin()


class Titles(Widget):
    """What the columns hold."""

    def __init__(self, time: str) -> None:
        super().__init__()
        self._names = ("  status", "model", "prompt", time, "cost")

    def render(self) -> Content:
        cells = zip(COLUMNS, self._names, column_widths(self.size.width), strict=True)
        return Content(
            "".join(
                fit(text, room, right=name in ("time", "cost"))
                for name, text, room in cells
            )
        )
