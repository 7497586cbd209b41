"""The queue: a row a task, newest first. Draws the rows that are in sight, whatever the number of tasks."""

import time
from bisect import insort
from collections.abc import Callable
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
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

from tui.tasks.task import SENT, Status, Task
from tui.text import duration, money, one_line

# State is never colour alone: a glyph, a word, and the component class that colours them.
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
_COLUMNS = ("status", "model", "prompt", "time", "cost")


def look(task: Task) -> tuple[str, str, str]:
    """Glyph, word and component class of a task's state."""
    glyph, word, kind = _LOOKS[task.status]
    if task.status is Status.HELD and task.error:
        return "!", "needs you", "failed"
    if not task.watched and kind == "live":
        return "◇", "unwatched", "held"
    if task.status is Status.COMPLETED and task.error:
        return "●", "no picture", "failed"
    return glyph, task.progress or word if kind == "live" else word, kind


def elapsed(task: Task) -> str:
    """How long the task has taken, or is taking."""
    if task.status is Status.HELD or not (task.sent_at or task.finished_at):
        return ""
    return duration((task.finished_at or time.time()) - (task.sent_at or task.created_at))


def asks(task: Task) -> set[str]:
    """What can be done with a task now."""
    able = {"view", "reuse"}
    if task.status is Status.HELD:
        able.add("drop")
    elif task.status in SENT:
        able.add("stop")
    elif task.status is not Status.COMPLETED or task.error:
        able.add("retry")
    return able | {"copy"} if task.files else able


class QueueTable(ScrollView, can_focus=True):
    """All tasks. Arrows move; keys ask for something to be done with the task under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "move(-1000000)", "Newest", show=False),
        Binding("end,G", "move(1000000)", "Oldest", show=False),
        Binding("enter", "ask('view')", "View", id="view", tooltip="The image on a whole page"),
        Binding("u", "ask('reuse')", "Use again", id="reuse", tooltip="Put these values back into the form"),
        Binding("r", "ask('retry')", "Retry", id="retry", tooltip="Save what was made, or send a failed task anew"),
        Binding("d", "ask('drop')", "Drop", id="drop", tooltip="Take back a task that was not sent: free"),
        Binding(
            "s",
            "ask('stop')",
            "Stop",
            id="stop",
            tooltip="Stop watching, or watch again; it stays billed either way",
        ),
        Binding("y", "ask('copy')", "Copy path", id="copy-path", tooltip="Copy the file's path", show=False),
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

    class Selected(Message):
        """The cursor is on another task, or that task has changed."""

        def __init__(self, task: Task) -> None:
            super().__init__()
            self.task = task

    class Requested(Message):
        """The user wants something done with a task: view, reuse, retry, drop, stop or copy."""

        def __init__(self, what: str, task: Task) -> None:
            super().__init__()
            self.what = what
            self.task = task

    def __init__(self, id: str, title_of: Callable[[Task], str]) -> None:
        """`title_of` says what a task's model is called."""
        super().__init__(id=id)
        self._title_of = title_of
        self._tasks: dict[str, Task] = {}
        self._order: list[str] = []  # ids sort as they were made; the newest is last
        self._ticking = False

    def on_mount(self) -> None:
        self._clock = self.set_interval(1, self._tick, pause=True)

    @property
    def selected(self) -> Task | None:
        return self._at(self.cursor)

    def put(self, task: Task) -> None:
        """Show a task's latest snapshot."""
        known = task.id in self._tasks
        self._tasks[task.id] = task
        if known:
            self._refresh_row(self._row(task.id))
        else:
            insort(self._order, task.id)
            # A new task gets the cursor, unless the user has moved it to look at an older one.
            if 0 < self.cursor < len(self._order) - 1:
                self.set_reactive(QueueTable.cursor, self.cursor + 1)
            self.virtual_size = Size(self.size.width, len(self._order))
            self.refresh()
        if self.selected and (self.selected.id == task.id or not known):
            self._say_selected()
        self._run_clock()

    def select(self, task_id: str) -> None:
        """Put the cursor on a task."""
        if task_id in self._tasks:
            self.cursor = self._row(task_id)

    def render_line(self, y: int) -> Strip:
        task = self._at(self.scroll_offset.y + y)
        width = self.scrollable_content_region.width
        if task is None:
            return Strip.blank(width, self.rich_style)
        dim = self.get_component_rich_style("queue--dim", partial=True)
        base = self.rich_style
        if self.scroll_offset.y + y == self.cursor:
            base += self.get_component_rich_style("queue--cursor", partial=self.has_focus is False)
            dim = Style()
        glyph, word, kind = look(task)
        state = self.get_component_rich_style(f"queue--{kind}", partial=True)
        told = one_line(task.prompt or task.model, 400)
        problem = task.error.message if task.error else task.note if task.live else ""
        texts = (f" {glyph} {word}", self._title_of(task), told, elapsed(task), _cost(task))
        styles = (state, Style(), Style(), dim, dim)
        segments = []
        for name, text, style, room in zip(_COLUMNS, texts, styles, column_widths(width), strict=True):
            if name == "prompt" and problem:
                said = min(cell_len(told), room // 3)
                segments += [Segment(fit(told, said), base + style), Segment("  ", base)]
                segments.append(Segment(fit(problem, room - said - 2), base + state))
            else:
                segments.append(Segment(fit(text, room, right=name in ("time", "cost")), base + style))
        return Strip(segments, width).adjust_cell_length(width, base)

    def watch_cursor(self, old: int, new: int) -> None:
        self._refresh_row(old)
        self._refresh_row(new)
        self.scroll_to_region(Region(0, new, 1, 1), animate=False, force=True)
        self._say_selected()

    def validate_cursor(self, row: int) -> int:
        return max(0, min(len(self._order) - 1, row))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what makes sense for the task under the cursor is offered."""
        if action != "ask":
            return True
        task = self.selected
        return task is not None and parameters[0] in asks(task)

    def action_move(self, step: int) -> None:
        self.cursor += step

    def action_page(self, step: int) -> None:
        self.cursor += step * max(1, self.size.height - 1)

    def action_ask(self, what: str) -> None:
        if self.selected:
            self.post_message(self.Requested(what, self.selected))

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset(self)
        if at is not None and self._at(self.scroll_offset.y + at.y):
            self.cursor = self.scroll_offset.y + at.y
            if event.chain == 2:
                self.action_ask("view")

    def on_resize(self) -> None:
        self.virtual_size = Size(self.size.width, len(self._order))

    def _say_selected(self) -> None:
        if self.selected:
            self.post_message(self.Selected(self.selected))
            if self.has_focus:
                self.refresh_bindings()

    def _tick(self) -> None:
        for row in range(self.scroll_offset.y, self.scroll_offset.y + self.size.height):
            task = self._at(row)
            if task and task.live and task.sent_at:
                self._refresh_row(row)

    def _run_clock(self) -> None:
        """Elapsed time ticks only while something is live: an idle app writes nothing."""
        live = any(task.live and task.sent_at for task in self._tasks.values())
        if live != self._ticking:
            self._ticking = live
            if live:
                self._clock.resume()
            else:
                self._clock.pause()

    def _at(self, row: int) -> Task | None:
        if not 0 <= row < len(self._order):
            return None
        return self._tasks[self._order[-1 - row]]

    def _row(self, task_id: str) -> int:
        return len(self._order) - 1 - self._order.index(task_id)

    def _refresh_row(self, row: int) -> None:
        self.refresh(Region(0, row - self.scroll_offset.y, self.size.width, 1))


class Queue(Vertical):
    """The queue table under its column titles, or what to do while there is nothing in it."""

    def __init__(self, id: str, title_of: Callable[[Task], str]) -> None:
        super().__init__(id=id, classes="-empty")
        self.table = QueueTable("tasks", title_of)
        self._empty = Static("Nothing yet. Describe a picture and press ctrl+j.", id="no-tasks", markup=False)

    def furnish(self) -> AwaitMount:
        """Mount what stands in the frame."""
        return self.mount(_Titles(id="titles"), self.table, self._empty)

    def say(self, sentence: str) -> None:
        """Why there is no queue to be shown."""
        self.add_class("-empty")
        self._empty.update(sentence)

    def put(self, task: Task) -> None:
        self.remove_class("-empty")
        self.table.put(task)


class _Titles(Widget):
    def render(self) -> Content:
        names = ("  status", *_COLUMNS[1:])
        cells = zip(_COLUMNS, names, column_widths(self.size.width), strict=True)
        return Content("".join(fit(text, room, right=name in ("time", "cost")) for name, text, room in cells))


def column_widths(width: int) -> tuple[int, ...]:
    """Cells for status, model, prompt, time and cost in a row of `width`."""
    status, time_, cost = 14, 8, 8
    model = 22 if width >= 100 else 16
    return status, model, max(8, width - status - model - time_ - cost), time_, cost


def fit(text: str, room: int, right: bool = False) -> str:
    """`text` in exactly `room` cells, the last one free: cut with an ellipsis, or filled up."""
    space = max(0, room - 1)
    size = cell_len(text)
    if size > space:
        text = set_cell_size(text, max(0, space - 1)) + "…" * (space > 0)
        size = cell_len(text)
    filling = " " * (space - size)
    return (filling + text if right else text + filling) + " " * (room > 0)


def _cost(task: Task) -> str:
    if task.cost_micro is not None:
        return money(task.cost_micro)
    if task.status in (Status.REJECTED, Status.DROPPED, Status.FAILED):
        return "–"
    return "~" + money(task.estimate_micro) if task.estimate_micro is not None else "?"
