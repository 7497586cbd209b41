"""The queue's pane: a title that counts, the table under its headings, and a strip."""

from collections.abc import Callable

from textual import on
from textual.containers import Vertical
from textual.content import Content
from textual.widget import AwaitMount, Widget
from textual.widgets import Static

from tui.tasks.durations import Span
from tui.tasks.engine_state import EngineState
from tui.tasks.task import SENT, Status, Task
from tui.widgets.key_texts import key_text, untyped_key_text
from tui.widgets.queue_table import QueueTable
from tui.widgets.taskrow import column_widths, fit, is_waiting

FILM_ROWS = 40
"""Rows of a terminal from which a queue of `_HIGH` rows has a film strip."""
_HIGH = 12
_ONE_TASK = 2
"""Rows within the frame in which a task is worth more than headings."""
_LOST = (Status.FAILED, Status.EXPIRED, Status.REJECTED)


class TaskCounts:
    """How many tasks run, wait and have failed."""

    def __init__(self) -> None:
        self.running: set[str] = set()
        self.waiting: set[str] = set()
        self.failed: set[str] = set()

    def update(self, task: Task) -> None:
        """Counts a task's latest snapshot."""
        is_listed = not (task.deleted or task.cleared)
        failed = task.status in _LOST and not task.retried_by
        for ids, counts in (
            (self.running, task.live and task.status in SENT),
            (self.waiting, is_waiting(task)),
            (self.failed, failed and is_listed),
        ):
            if counts:
                ids.add(task.id)
            else:
                ids.discard(task.id)


class Queue(Vertical):
    """The table under its headings, or a sentence while there is no task."""

    def __init__(
        self,
        id: str,
        title_of: Callable[[Task], str],
        usual: Callable[[Task], Span | None] = lambda task: None,
        until_sent: Callable[[Task], float] = lambda task: 0,
    ) -> None:
        super().__init__(id=id, classes="frame -empty")
        self.table = QueueTable("tasks", title_of, usual, until_sent)
        self.counts = TaskCounts()
        self._title = self.border_title = "Queue"
        self._problem = ""
        self._paused = False
        self._marked = 0
        self._announcing = False
        self._empty = Static(id="no-tasks", markup=False)

    def on_mount(self) -> None:
        undo = key_text(self.table, "undo")
        history = untyped_key_text(self, "history") or key_text(self, "history")
        self.table.empty_text = (
            f"The queue is empty. Press {undo} here to undo, or {history} to search"
            " the history."
        )

    def mount_content(self, *below: Widget) -> AwaitMount:
        """Mounts the widgets within the frame, and others at its bottom."""
        return self.mount(Titles("time", self.table), self.table, self._empty, *below)

    def on_resize(self) -> None:
        is_high = self.app.size.height >= FILM_ROWS and self.size.height >= _HIGH
        self.set_class(is_high, "-film")
        self.set_class(self.size.height <= _ONE_TASK, "-low")

    def show_message(self, sentence: str) -> None:
        """Shows a sentence instead of the queue."""
        self._problem = sentence
        self.add_class("-empty")
        self.table.display = False
        self._empty.update(sentence)

    def loaded(self) -> None:
        """Ends the start: the tasks of earlier runs are listed, or there are none."""
        self.table.settle()
        if not self._problem:
            self._empty.update("No tasks yet.")

    def show_table(self) -> None:
        """Shows the table even if it is empty: its keys undo a clear or a delete."""
        if not self._problem:
            self.remove_class("-empty")
            self.table.display = True  # at once, so that it can have the focus

    def update(self, task: Task) -> None:
        """Shows a task's latest snapshot."""
        self.table.update(task)
        self.counts.update(task)
        self._announce_soon()
        if self.table.tasks:
            self.show_table()

    def state_changed(self, state: EngineState) -> None:
        """Shows the state of the whole queue."""
        self._paused = state.paused
        self._announce_soon()
        self.border_subtitle = Content(f"{state.limit} at once")

    @on(QueueTable.MarksChanged)
    def _count_marks(self, event: QueueTable.MarksChanged) -> None:
        self._marked = event.count
        self._announce_soon()

    def _announce_soon(self) -> None:
        if not self._announcing:
            self._announcing = True  # once for all changes of this turn
            self.call_later(self._announce)

    def _announce(self) -> None:
        self._announcing = False
        counts = {
            "running": self.counts.running,
            "waiting": self.counts.waiting,
            "failed": self.counts.failed,
        }
        parts = ["Queue"]
        if self._paused:
            parts.append("paused")
        parts += [f"{len(ids):,} {word}" for word, ids in counts.items() if ids]
        if self._marked:
            parts.append(f"{self._marked:,} marked")
        title = " · ".join(parts)
        if title != self._title:
            self._title = title
            self.border_title = Content(title)


class Titles(Widget):
    """The headings of a table's columns; that of the time is `time`."""

    def __init__(self, time: str, table: QueueTable) -> None:
        super().__init__()
        self._time = time
        self._table = table

    def on_mount(self) -> None:
        self.watch(self._table, "needs", self._follow)

    def _follow(self) -> None:
        self.refresh()

    def render(self) -> Content:
        width = self.content_size.width
        status, model, prompt, time, cost = column_widths(width, self._table.needs)
        cells = (
            fit("  status", status),
            fit("model", model),
            fit("prompt", prompt),
            fit(self._time, time, right=True),
            fit("cost", cost, right=True),
        )
        return Content("".join(cells))
