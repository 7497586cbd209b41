"""The table of tasks and jobs: what waits, then the rest, newest first.

Draws only the rows in sight, however many tasks there are.
"""

import math
from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size, clamp
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.tasks.durations import Span
from tui.tasks.scheduler import Turn
from tui.tasks.task import Status, Task
from tui.text import duration, one_line
from tui.widgets.job import Job
from tui.widgets.key_texts import key_text
from tui.widgets.marking import Marking
from tui.widgets.messages import (
    Browsing,
    GridRequested,
    QueueActionRequested,
    TaskActionRequested,
)
from tui.widgets.row_order import TITLE, Rank, RowKey, RowOrder
from tui.widgets.task_actions import (
    KEEPS_MARKS,
    QueueAction,
    TaskAction,
    allowed_actions,
    allowed_of_marked,
    marked_allowing,
    marking_bindings,
    queue_bindings,
    task_bindings,
)
from tui.widgets.taskrow import (
    Columns,
    Needs,
    Row,
    column_widths,
    fit,
    fit_name,
    is_set_aside,
    is_waiting,
    made,
    progress_time,
    row,
)

_SHORT_PROMPT = 12, 18
"""Cells of a prompt that a reason leaves, at least: in a narrow row, and in others."""
_MODEL_HEADING = len("model")
_MARK = "✓"
_SENT_TURN = 0.0
"""The turn of all that doesn't wait: it stands below what does."""


class QueueTable(ScrollView, can_focus=True):
    """The rows of tasks and jobs, and the keys that act on the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "move(-1000000)", "Newest", show=False),
        Binding("end,G", "move(1000000)", "Oldest", show=False),
        *marking_bindings(),
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
    needs: reactive[Needs] = reactive(Needs())
    """What the columns are as wide as."""

    @dataclass
    class Selected(Message):
        """The cursor is on another task, or that task has changed."""

        task: Task

    @dataclass
    class MarksChanged(Message):
        """Other tasks are marked."""

        count: int

    def __init__(
        self,
        id: str,
        title_of: Callable[[Task], str],
        usual: Callable[[Task], Span | None] = lambda task: None,
        until_sent: Callable[[Task], float] = lambda task: 0,
        *,
        jobs: bool = True,
    ) -> None:
        """`title_of` returns the name of a task's model, `usual` how long it takes,
        `until_sent` for how many seconds it can still be taken back.

        With `jobs`, a job is one row, cleared tasks are left out, and the time column
        has the time that a task takes. Without, it has the time of its creation.
        """
        super().__init__(id=id)
        self._title_of = title_of
        self._usual = usual
        self._until_sent = until_sent
        self._by_job = jobs
        self._tasks: dict[str, Task] = {}
        self._jobs: dict[str, Job] = {}
        self._by_model: dict[tuple[str, str], set[str]] = {}
        """The ids of tasks by what names their model."""
        self._unfolded: set[str] = set()
        self._order = RowOrder()
        self._keeps_order = False
        self._places: dict[str, float] = {}
        """By id, which tasks come first where it isn't the newest: the higher, the sooner.

        A task keeps its place: it doesn't run away from whoever rates it.
        """
        self._is_settled = False
        self._waiting: list[Turn] = []
        self._ticking: set[str] = set()
        self._counted_down: set[str] = set()
        """Tasks that wait so that they can be taken back: their rows show the seconds."""
        self._allowed: set[TaskAction] = set()
        self._announcing = False
        self._grown = False
        self._shift = 0
        self._announced: tuple[Task | None, bool] = (None, False)
        self._marking = Marking[str]()
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
        return self._jobs[key[0]] if key and key[1] == TITLE else None

    @property
    def marked(self) -> list[Task]:
        """The tasks that the user has marked, in the order of the table."""
        marked = [self._tasks[task_id] for task_id in self._marking.keys]
        return sorted(marked, key=self._place_of, reverse=True)

    @property
    def chosen(self) -> list[Task]:
        """The task under the cursor, or all of the job."""
        key = self._key_at(self.cursor)
        if key is None:
            return []
        job = self._job_under_cursor
        return list(job.tasks.values()) if job else [self._tasks[key[1]]]

    def tasks_allowing(self, action: TaskAction) -> list[Task]:
        """Returns the marked or else the chosen tasks that allow an action."""
        marked = self.marked
        if marked:
            return marked_allowing(action, marked)
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
        return sorted(self._tasks.values(), key=self._place_of, reverse=True)

    def _place_of(self, task: Task) -> tuple[float, RowKey]:
        return self._places.get(task.id, _SENT_TURN), self._key(task)

    def update(self, task: Task) -> None:
        """Shows a task's latest snapshot."""
        before = self._tasks.get(task.id)
        self._count(before, task)
        self._count_models(before, task)
        if task.deleted or (task.cleared and self._by_job):
            self._remove(task)
            return
        self._tasks[task.id] = task
        key = self._key(task)
        title = (key[0], TITLE)
        in_job = self._by_job and bool(task.job)
        if in_job:
            job = self._jobs.setdefault(task.job, Job(task.job))
            job.update(task)
            self._place_job(job)
            self._refresh_row(title)
        if not in_job or task.job in self._unfolded:
            self._place({key: self._rank(key)})
            self._refresh_row(key)
        if before is None or self._key_at(self.cursor) in (key, title):
            self._announce_soon()

    def browsing(self) -> Browsing:
        """Returns what a page steps through that is opened from here."""
        return Browsing(
            self.listed, on_back=lambda task_id, index: self.select(task_id)
        )

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
        if key[1] != TITLE:
            return bool(self._tasks[key[1]].files)
        # The tasks of an unfolded job have rows of their own.
        return key[0] not in self._unfolded and bool(self._jobs[key[0]].face.files)

    def show(self, tasks: list[Task], *, keep_order: bool = False) -> None:
        """Shows these tasks and no others, the newest first or in the order they have."""
        self._keeps_order = keep_order
        self._places.clear()
        self._tasks.clear()
        self._jobs.clear()
        self._by_model.clear()
        self._order.clear()
        self._waiting.clear()
        self._ticking.clear()
        self._counted_down.clear()
        self._marking.clear()
        self._is_settled = False
        self.set_reactive(QueueTable.cursor, 0)
        self.add(tasks)
        self.scroll_to(0, 0, animate=False)
        self._resize()
        self._announce_soon()

    def add(self, tasks: list[Task]) -> None:
        """Shows more tasks, below the others unless the newest are first."""
        if self._keeps_order:
            for task in tasks:
                self._places.setdefault(task.id, -float(len(self._places)))
        for task in sorted(tasks, key=self._place_of):
            self.update(task)

    def select(self, task_id: str) -> None:
        """Moves the cursor to a task, or to its folded job."""
        task = self._tasks.get(task_id)
        if task:
            key = self._key(task)
            number = self._order.number(key)
            if number is None:
                number = self._order.number((task.job, TITLE))
            self._is_settled = True
            self.cursor = number or 0

    def settle(self) -> None:
        """Ends the start: from now on the cursor stays on its task, whatever comes.

        Until then it is on the first row.
        """
        self._is_settled = True

    def _key(self, task: Task) -> RowKey:
        job_id = task.job if self._by_job else ""
        return job_id or task.id, task.id

    def _rank(self, key: RowKey) -> Rank:
        """Returns what a row is sorted by.

        What waits is on top, the next to be sent lowest; then the rest, newest first.
        """
        job_id, task_id = key
        job = self._jobs.get(job_id)
        own = _SENT_TURN
        if task_id != TITLE:
            own = self._turn(self._tasks[task_id])
        if job is None:
            return own, job_id, own, task_id
        turn = job.waiting[0][0] if job.waiting else _SENT_TURN
        return turn, job_id, own if task_id != TITLE else math.inf, task_id

    def _turn(self, task: Task) -> float:
        if self._by_job and is_waiting(task):
            return task.turn[0]
        return self._places.get(task.id, _SENT_TURN)

    def _place_job(self, job: Job) -> None:
        """Moves a job whose first waiting task is another one now, with its tasks."""
        title = (job.id, TITLE)
        ranks = {title: self._rank(title)}
        if job.id in self._unfolded and self._order.rank(title) != ranks[title]:
            for task_id in job.tasks:
                ranks[job.id, task_id] = self._rank((job.id, task_id))
        self._place(ranks)

    def _place(self, ranks: dict[RowKey, Rank]) -> None:
        """Adds or moves rows; the cursor stays on its own, at its place on the screen."""
        under_cursor = self._key_at(self.cursor)
        size = len(self._order)
        if not self._order.place(ranks):
            return
        self._follow(under_cursor)
        self._grown = self._grown or len(self._order) != size
        self._announce_soon()
        self.refresh()

    def _follow(self, key: RowKey | None) -> None:
        """Moves the cursor to where its row is by now."""
        number = self._order.number(key) if key else None
        if number is None or not self._is_settled:
            return
        self._shift += number - self.cursor
        self.set_reactive(QueueTable.cursor, number)

    def _remove(self, task: Task) -> None:
        self._tasks.pop(task.id, None)
        if task.id in self._marking:
            self._marking.toggle([task.id])
            self._marks_changed()
        under_cursor = self._key_at(self.cursor)
        self._order.remove(self._key(task))
        job = self._jobs.get(task.job)
        if job:
            job.remove(task.id)
            if job.tasks:
                self._place_job(job)
            else:
                del self._jobs[job.id]
                self._order.remove((job.id, TITLE))
        self._follow(under_cursor)
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
        was_running = task.id in self._ticking
        if task.live and task.sent_at:
            self._ticking.add(task.id)
        else:
            self._ticking.discard(task.id)
        if self._by_job and self._until_sent(task):
            self._counted_down.add(task.id)
        else:
            self._counted_down.discard(task.id)
        if was_running is not (task.id in self._ticking):
            self._announce_soon()  # the column of times may have another width
        self._run_clock()

    def _count_models(self, before: Task | None, task: Task) -> None:
        is_listed = not (task.deleted or (task.cleared and self._by_job))
        model = (task.action, task.model)
        if before:
            former = (before.action, before.model)
            if is_listed and former == model:
                return
            self._by_model[former].discard(before.id)
            if not self._by_model[former]:
                del self._by_model[former]
        if is_listed:
            self._by_model.setdefault(model, set()).add(task.id)
        self._announce_soon()

    def _update_needs(self) -> None:
        """Finds out what the columns need; the headings above follow."""
        tasks = [self._tasks[next(iter(ids))] for ids in self._by_model.values()]
        titles = {self._title_of(task) for task in tasks}
        longest = max(map(cell_len, titles), default=0)
        model = max(longest, _MODEL_HEADING)
        self.needs = Needs(model, len(titles), self._shows_progress())

    def _shows_progress(self) -> bool:
        """Returns whether a running task says how long it usually takes."""
        running = [self._tasks[key] for key in self._ticking if key in self._tasks]
        return self._by_job and any(map(self._usual, running))

    def render_line(self, y: int) -> Strip:
        row_number = self.scroll_offset.y + y
        key = self._key_at(row_number)
        width = self.scrollable_content_region.width
        base = self.rich_style
        dim = self.get_component_rich_style("queue--dim", partial=True)
        if key is None:
            is_first = not len(self._order) and y == 0
            text = f" {self.empty_text}" if is_first else ""
            return Strip([Segment(fit(text, width), base + dim)], width)
        if row_number == self.cursor:
            partial = not self.has_focus
            base += self.get_component_rich_style("queue--cursor", partial=partial)
            dim = Style()
        columns = column_widths(width, self.needs)
        content = self._row_content(key, columns)
        kind = f"queue--{content.kind}"
        state = base + self.get_component_rich_style(kind, partial=True)
        in_job = key[0] in self._jobs and key[1] != TITLE
        inset = "  " if in_job else " "
        if self._is_marked(key):
            inset = f"{inset[:-1]}{_MARK}"
        status, model, prompt, time, cost = columns
        segments = [
            Segment(fit(f"{inset}{content.glyph} {content.word}", status), state),
            Segment(fit_name(content.model, model), base),
            *_prompt_segments(content, prompt, base, state),
            Segment(fit(content.time, time, right=True), base + dim),
            Segment(fit(content.cost, cost, right=True), base + dim),
        ]
        return Strip(segments, width).adjust_cell_length(width, base)

    def _row_content(self, key: RowKey, columns: Columns) -> Row:
        job = self._jobs.get(key[0])
        if job and key[1] == TITLE:
            when, ways = "", ""
            if job.waiting:
                first = self._tasks[job.waiting[0][1]]
                when, ways = self._wait(first), self._ways(first)
            title = self._title_of(job.face)
            return job.row(title, job.id in self._unfolded, when, ways)
        task = self._tasks[key[1]]
        title = self._title_of(task)
        variation = job.variation(task) if job else ""
        if not self._by_job:
            return row(task, title, made(task), ways=self._ways(task))
        if is_waiting(task):
            when = self._wait(task)
        else:
            when = progress_time(task, self._usual(task), columns.time)
        return row(task, title, when, variation, self._ways(task))

    def _ways(self, task: Task) -> str:
        """Returns what one can do with a task that isn't sent, or "" for others."""
        if task.id in self._counted_down:
            return f"{key_text(self, 'undo')} takes it back"
        if task.status is Status.DROPPED:
            return f"{key_text(self, 'retry')} sends it again"
        if not is_set_aside(task):
            return ""
        send, drop = key_text(self, "stop"), key_text(self, "drop")
        return f"{send} sends it, {drop} drops it"

    def _wait(self, task: Task) -> str:
        """Returns what a waiting task waits for: so many seconds, or its turn."""
        left = self._until_sent(task)
        if left and task.id in self._counted_down:
            return f"in {duration(math.ceil(left))}"
        return f"#{self._queue_number(task.turn)}"

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
        return action != "unmark" or len(self._marking) > 0

    def action_move(self, step: int) -> None:
        self._is_settled = True
        self.cursor += step

    def action_page(self, step: int) -> None:
        self._is_settled = True
        self.cursor += step * max(1, self.size.height - 1)

    def action_task(self, name: str) -> None:
        """Requests an action on the tasks under the cursor."""
        action = TaskAction(name)
        is_view = action is TaskAction.VIEW
        if is_view and self._job_under_cursor:
            self.action_fold()
            return
        tasks = self.chosen if is_view else self.tasks_allowing(action)
        if tasks:
            browsing = self.browsing() if is_view else Browsing()
            pictures = {task.id: task.saved for task in tasks if self._marking}
            request = TaskActionRequested(action, tasks, pictures, browsing)
            self.post_message(request)
        if self._marking and action not in KEEPS_MARKS:
            self.action_unmark()

    def action_mark(self) -> None:
        """Marks what is under the cursor, or all of the job, and goes to the next row."""
        self._marking.toggle([task.id for task in self.chosen])
        self.action_move(1)
        self._marks_changed()

    def action_mark_range(self) -> None:
        listed = [task.id for task in self.listed]
        for task in self.chosen[-1:]:
            self._marking.extend(task.id, listed)
        self._marks_changed()

    def action_mark_all(self) -> None:
        self._marking.toggle([task.id for task in self.listed])
        self._marks_changed()

    def action_unmark(self) -> None:
        self._marking.clear()
        self._marks_changed()

    def _is_marked(self, key: RowKey) -> bool:
        if key[1] == TITLE:
            return all(task_id in self._marking for task_id in self._jobs[key[0]].tasks)
        return key[1] in self._marking

    def _marks_changed(self) -> None:
        self.post_message(self.MarksChanged(len(self._marking)))
        self._announce_soon()
        self.refresh()

    def action_grid(self) -> None:
        """Shows the images of the job under the cursor, or of all tasks."""
        if not self.selected:
            return
        tasks = self.listed
        if self._job_under_cursor:
            tasks = self.chosen
        elif self._by_job:
            tasks = [task for task in tasks if task.files or task.live]
        if self._by_job:
            tasks = sorted(tasks, key=attrgetter("id"), reverse=True)
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
            self._order.place({key: self._rank(key) for key in rows})
        else:
            self._unfolded.discard(job.id)
            for row_key in rows:
                self._order.remove(row_key)
        self.cursor = self._order.number((job.id, TITLE)) or 0
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
        row = Region(0, self.cursor, 1, 1)
        self.scroll_to_region(row, animate=False, force=True)

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
        self._update_needs()
        if self._grown:
            self._resize()
        selected = self.selected
        job = self._job_under_cursor
        announced, was_job = self._announced
        if selected and (selected is not announced or bool(job) is not was_job):
            self.post_message(self.Selected(selected))
        self._announced = (selected, bool(job))
        allowed: set[TaskAction] = set()
        if self._marking:
            allowed = allowed_of_marked(self.marked) | {TaskAction.VIEW}
        elif job:
            allowed = job.allowed
        elif selected:
            allowed = allowed_actions(selected)
        if allowed != self._allowed:
            self._allowed = allowed
            self.refresh_bindings()

    def _tick(self) -> None:
        for y in range(self.size.height):
            key = self._key_at(self.scroll_offset.y + y)
            if key and self._has_time(key):
                self._refresh_row(key)
        for task_id in list(self._counted_down):
            if not self._until_sent(self._tasks[task_id]):
                self._counted_down.discard(task_id)
        self._run_clock()

    def _has_time(self, key: RowKey) -> bool:
        """Returns whether the time in a row changes by itself."""
        job = self._jobs.get(key[0])
        if job and key[1] == TITLE:
            return bool(job.waiting) and job.waiting[0][1] in self._counted_down
        return key[1] in self._ticking or key[1] in self._counted_down

    def _run_clock(self) -> None:
        """Runs the clock while something is live: an idle app writes nothing."""
        if self._ticking or self._counted_down:
            self._clock.resume()
        else:
            self._clock.pause()

    def _key_at(self, row: int) -> RowKey | None:
        return self._order.at(row)

    def _refresh_row(self, key: RowKey) -> None:
        number = self._order.number(key)
        if number is not None:
            y = number - self.scroll_offset.y
            self.refresh(Region(0, y, self.size.width, 1))


def _prompt_segments(row: Row, room: int, base: Style, state: Style) -> list[Segment]:
    """Returns the prompt, and what is wrong beside it, in `room` cells.

    What is wrong has all the room that a short beginning of the prompt leaves.
    """
    if not row.problem:
        return [Segment(fit(row.prompt, room), base)]
    problem = one_line(row.problem)
    short = clamp(room * 2 // 5, *_SHORT_PROMPT)
    least = min(cell_len(row.prompt) + 2, max(short, room // 4))
    problem_room = min(cell_len(problem) + 1, room - least)
    prompt_room = min(cell_len(row.prompt) + 2, room - problem_room)
    return [
        Segment(fit(row.prompt, prompt_room - 1) + " ", base),
        Segment(fit(problem, room - prompt_room), state),
    ]
