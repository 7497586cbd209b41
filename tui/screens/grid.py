"""The grid: many pictures on one page."""

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.geometry import clamp
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static

from tui.catalog.extra import short_mark
from tui.screens.pager import Pager
from tui.tasks.task import Status, Task
from tui.text import one_line
from tui.widgets.facts import placeholder
from tui.widgets.footer import Footer
from tui.widgets.marking import Marking
from tui.widgets.messages import (
    Browsing,
    OlderTasks,
    QueueActionRequested,
    TaskActionRequested,
)
from tui.widgets.picture import Picture
from tui.widgets.task_actions import (
    KEEPS_MARKS,
    MOVES_ON,
    QUEUE_ORDER,
    QueueAction,
    TaskAction,
    allowed_of_marked,
    marked_allowing,
    marking_bindings,
    queue_bindings,
    task_bindings,
)
from tui.widgets.taskrow import cost, made, stars, status_style
from tui.widgets.variations import Variations
from tui.widgets.view_context import ViewContext

REST = 0.12
"""Seconds without a move after which pictures are drawn as well as the terminal can."""
_LEAST_WIDTH = 16
_USUAL_WIDTH = 26
_USUAL_WIDTH_WHEN_WIDE = 38
"""Columns of the terminal that a picture gets at least, until the user zooms."""
_WIDE = 120
_SQUEEZE = 0.3
"""Part of a row that is squeezed in: the pictures are lower than squares then."""
_FRAME = 2
"""Cells of a frame, on both sides together."""
_CELL_PIXELS = 10, 20
"""Width and height of a terminal cell where the terminal doesn't report them."""

Item = tuple[Task, int]
"""A task, and the index of one of its images."""


class Cell(Vertical):
    """A picture above its caption."""

    def __init__(self, context: ViewContext) -> None:
        super().__init__()
        self.picture = Picture(context.terminal, swift=True)
        self._caption = Static(classes="caption", markup=False)
        self._shrink = context.shrink
        self._file = ""
        self.item: Item | None = None
        self.place = 0
        self._shown: object = None

    def compose(self) -> ComposeResult:
        yield self.picture
        yield self._caption

    def show(
        self, item: Item | None, number: int, own: str, *, marked: bool = False
    ) -> None:
        """Shows an item under its number, or an empty place.

        `own` is what is said of it beside its state.
        """
        shown = item, number, own, marked
        if shown == self._shown:
            return
        self._shown = shown
        if item is None or self.item is None or key(item) != key(self.item):
            self.picture.show(None)  # never another's picture over this one's caption
            self._file = ""
        self.item = item
        if item is None:
            self._caption.update(Content(""), layout=False)
            return
        task, index = item
        file = task.results[index].path if task.saved else ""
        if not file:
            self.picture.show(None, placeholder(task))
        elif file != self._file:
            self.picture.show(Path(file), shrink=self._shrink)
        self._file = file
        mark = "✓ " if marked else ""
        caption = f"{mark}{number:,}  {_caption(task, index, own)}"
        self._caption.update(Content(caption), layout=False)


def key(item: Item) -> tuple[str, int]:
    """Returns what stays the same while the task changes."""
    task, index = item
    return task.id, index


def items_of(tasks: Iterable[Task]) -> Iterator[Item]:
    """Yields the pictures of tasks in their order; a task without any has a place, too."""
    for task in tasks:
        yield from ((task, index) for index in task.saved or [0])


def _caption(task: Task, index: int, own: str) -> str:
    glyph, word, _ = status_style(task)
    count = len(task.results)
    parts = []
    if task.status is not Status.COMPLETED or task.error:
        parts.append(f"{glyph} {word}")
    if task.favourite:
        parts.append("♥")
    if task.results:
        parts.append(stars(task.results[index].rating))
    if count > 1:
        parts.append(f"{index + 1}/{count}")
    parts.append(own)
    return one_line(" ".join(part for part in parts if part))


SHOWN = (
    TaskAction.VIEW,
    TaskAction.AGAIN,
    TaskAction.USE_AS_SOURCE,
    TaskAction.COMPARE,
    TaskAction.RATE_5,
    TaskAction.REJECT,
    TaskAction.DELETE,
)
"""Actions that the footer shows."""


def cell_bindings(actions: Collection[TaskAction]) -> list[BindingType]:
    """Returns the keys of a page of many pictures, on which these actions are possible."""
    return [
        *task_bindings(actions, footer=SHOWN),
        *queue_bindings([QueueAction.UNDO]),
        *marking_bindings()[:3],
        Binding(
            "plus,equals_sign",
            "zoom(-1)",
            "Larger",
            id="grid-larger",
            tooltip="Fewer and larger pictures",
        ),
        Binding(
            "minus",
            "zoom(1)",
            "Smaller",
            id="grid-smaller",
            tooltip="More and smaller pictures",
        ),
        Binding("left,h", "move(-1)", "Left", id="grid-left", show=False),
        Binding("right,l", "move(1)", "Right", id="grid-right", show=False),
        Binding("up,k", "row(-1)", "Up", id="grid-up", show=False),
        Binding("down,j", "row(1)", "Down", id="grid-down", show=False),
        Binding("pageup", "page(-1)", "Page up", id="grid-page-up", show=False),
        Binding("pagedown", "page(1)", "Page down", id="grid-page-down", show=False),
        Binding("home,g", "move(-1000000)", "First", id="grid-newest", show=False),
        Binding("end,G", "move(1000000)", "Last", id="grid-oldest", show=False),
    ]


class ManyPictures(Screen[None]):
    """Shows the images of many tasks in rows and columns.

    There are only as many cells as fit the page: scrolling gives them other tasks, so
    that no image out of sight is read, drawn or held in memory.
    """

    def __init__(
        self,
        context: ViewContext,
        tasks: Sequence[Task],
        start: Task,
        older: OlderTasks | None = None,
    ) -> None:
        """Shows `tasks` in their order, with the cursor on `start`; `older` come below."""
        super().__init__()
        self._view = context
        self._older = Pager(older)
        self._tasks = {task.id: task for task in tasks}
        self._items: list[Item | None] = []
        """What stands where, along the rows; None is a gap."""
        self._variations = Variations()
        self._cursor = 0
        self._first = start.id
        self._top = 0
        self._left = 0
        self._columns = 1
        self._rows = 1
        self._chosen_columns = 0
        self._cells: list[Cell] = []
        self._rest: Timer | None = None
        self._stale = False
        self._allowed: set[TaskAction] = set()
        self._marking = Marking[tuple[str, int]]()
        self._box = Container(id="cells")
        self._line = Static(id="grid-line", markup=False)

    def compose(self) -> ComposeResult:
        yield self._box
        yield self._line
        yield Footer()

    def on_mount(self) -> None:
        self._view.changes.subscribe(self, self._changed, immediate=True)
        self._collect()
        self._cursor = self._index_of(self._first, default=0)

    def on_unmount(self) -> None:
        self._view.changes.unsubscribe(self)  # or it would hold this page for ever

    @property
    def chosen(self) -> Item | None:
        """The item under the cursor."""
        return self._items[self._cursor] if self._items else None

    def on_resize(self) -> None:
        self.call_after_refresh(self._lay_out)

    async def _lay_out(self) -> None:
        """Creates as many cells as fit the page.

        All have one size, so that a picture moves to another row without being redrawn.
        """
        width, height = self._box.size
        if not width or not height:
            return
        columns = self._chosen_columns or self._usual_columns(width)
        self._columns = max(1, min(columns, width // _LEAST_WIDTH))
        cell_columns = width // self._columns
        pixel_width, pixel_height = self._view.terminal.cell or _CELL_PIXELS
        # A square in its frame, and a row for its caption
        cell_rows = (cell_columns - _FRAME) * pixel_width / pixel_height + _FRAME + 1
        self._rows = max(1, math.ceil(height / cell_rows - _SQUEEZE))
        self._box.styles.grid_size_columns = self._columns
        self._box.styles.grid_columns = str(cell_columns)
        self._box.styles.grid_rows = str(height // self._rows)
        count = self._columns * self._rows
        added = [Cell(self._view) for _ in range(count - len(self._cells))]
        removed = self._cells[count:]
        self._cells = [*self._cells, *added][:count]
        async with self.batch():
            await self._box.mount_all(added)
            await self._box.remove_children(removed)
        self._note_move()
        self._go(self._cursor)

    def _usual_columns(self, width: int) -> int:
        """Returns how many columns there are in so many cells until the user zooms."""
        usual = _USUAL_WIDTH if width < _WIDE else _USUAL_WIDTH_WHEN_WIDE
        few = max(1, math.ceil(math.sqrt(2 * len(self._items))))  # they fill the page
        return min(width // usual, few)

    @property
    def _across(self) -> int:
        """How many items a row has, those out of sight among them."""
        return self._columns

    def action_zoom(self, step: int) -> None:
        most = self._box.size.width // _LEAST_WIDTH
        self._chosen_columns = max(1, min(self._columns + step, most))
        self.call_later(self._lay_out)

    def action_move(self, step: int) -> None:
        self._go(self._cursor + step)

    def action_row(self, step: int) -> None:
        if 0 <= self._cursor // self._across + step <= self._last_row:
            self._go(self._cursor + step * self._across)

    def action_page(self, step: int) -> None:
        top = self._top + step * self._rows
        row, column = divmod(self._cursor, self._across)
        row = clamp(row + step * self._rows, 0, self._last_row)
        self._go(row * self._across + column, top)

    @property
    def _last_row(self) -> int:
        return max(0, len(self._items) - 1) // self._across

    @property
    def _last_top(self) -> int:
        """The first row in sight when the last row is at the bottom."""
        return max(0, self._last_row - self._rows + 1)

    def _go(self, index: int, top: int | None = None) -> None:
        """Moves the cursor to an item; scrolls no further than needed, or to `top`."""
        self._cursor = max(0, min(index, len(self._items) - 1))
        row, column = divmod(self._cursor, self._across)
        top = self._top if top is None else clamp(top, 0, self._last_top)
        self._top = max(0, row - self._rows + 1, min(top, row))
        self._left = max(0, column - self._columns + 1, min(self._left, column))
        self._fill()
        if self._older and self._last_row < self._top + 3 * self._rows:
            self._load_older()

    def _fill(self) -> None:
        """Shows the items in sight; a cell that already shows one of them is moved."""
        places = self._in_sight()
        items = [self._items[index] for index in places]
        cells, are_shown = self._cells_for(items)
        with self.app.batch_update():
            if not are_shown:
                self._note_move()
            for place, cell in enumerate(cells):
                index = places[place] if place < len(items) else -1
                cell.place = place
                item = self._items[index] if index >= 0 else None
                is_marked = item is not None and key(item) in self._marking
                number, own = 0, ""
                if item:
                    number, own = self._number(index), self._own_words(item[0])
                cell.show(item, number, own, marked=is_marked)
                cell.set_class(index == self._cursor, "-chosen")
            if cells != self._cells:
                self._cells = cells
                self._box.sort_children(key=attrgetter("place"))
                self._note_move()
        self._update_line()

    def _in_sight(self) -> list[int]:
        """Returns the indexes of the items in sight, along the rows."""
        across, end = self._across, len(self._items)
        rows = range(self._top * across, end, across)[: self._rows]
        right = min(self._left + self._columns, across)
        return [
            index
            for first in rows
            for index in range(first + self._left, first + right)
            if index < end
        ]

    def _number(self, index: int) -> int:
        """Returns the number of an item."""
        return index + 1

    def _own_words(self, task: Task) -> str:
        """Returns what is said of a task beside its state: what varies in its job first."""
        variation = self._variations.of(task, self._view.title_of)
        words = (variation, short_mark(task.values), task.caption)
        return " · ".join(filter(None, words))

    def _cells_for(self, items: list[Item | None]) -> tuple[list[Cell], bool]:
        """Returns all cells, in the order of the items that they are to show.

        Spare ones come last. Also returns whether each item is shown by a cell already.
        """
        keys = {key(item) for item in items if item}
        known: dict[tuple[str, int], Cell] = {}
        spare = []
        for cell in self._cells:
            if cell.item and key(cell.item) in keys:
                known[key(cell.item)] = cell
            else:
                spare.append(cell)
        are_shown = len(known) == len(keys)
        cells = []
        for item in items:
            found = known.get(key(item)) if item else None
            cells.append(found or spare.pop(0))
        return cells + spare, are_shown

    def _note_move(self) -> None:
        """Draws quickly until the pictures in sight stay the same for a moment."""
        for cell in self._cells:
            cell.picture.moving = True
        if self._rest:
            self._rest.stop()
        self._rest = self.set_timer(REST, self._settle)

    def _settle(self) -> None:
        for cell in self._cells:
            cell.picture.moving = False

    def _summary(self) -> str:
        """Describes the task under the cursor in one line."""
        if not self.chosen:
            return self._nothing()
        task, _ = self.chosen
        glyph, word, _ = status_style(task)
        parts = [
            self._where(),
            f"{len(self._marking):,} marked" if self._marking else "",
            f"{glyph} {word}",
            self._view.title_of(task),
            made(task),
            cost(task),
            short_mark(task.values),
            task.prompt,
        ]
        return " · ".join(one_line(part) for part in parts if part)

    def _nothing(self) -> str:
        """Returns what is said where there is no picture under the cursor."""
        return "No images yet."

    def _where(self) -> str:
        """Returns which of how many is under the cursor."""
        more = "+" if self._older else ""
        return f"{self._number(self._cursor):,} of {len(self._items):,}{more}"

    def _update_line(self) -> None:
        self._line.update(Content(self._summary()), layout=False)
        marked = {task_id: self._tasks[task_id] for task_id, _ in self._marking.keys}
        chosen = [self.chosen[0]] if self.chosen else []
        allowed = allowed_of_marked(list(marked.values()) or chosen)
        if marked:
            allowed.add(TaskAction.VIEW)
        if allowed != self._allowed:
            self._allowed = allowed
            self.refresh_bindings()

    @work(exit_on_error=False)
    async def _load_older(self) -> None:
        """Loads older tasks before the cursor reaches them."""
        tasks = await self._older.next()
        if tasks is not None:
            self._tasks.update((task.id, task) for task in tasks)
            self._refresh_items()

    def _changed(self, task: Task) -> None:
        is_known = task.id in self._tasks
        if is_known or task.retry_of in self._tasks:
            if is_known:
                self._tasks[task.id] = task
            else:
                self._tasks = {task.id: task} | self._tasks
            if not self._stale:
                self._stale = True  # once for all that change together
                self.call_later(self._refresh_items)

    def _refresh_items(self) -> None:
        """Shows what is known now; the cursor stays on its task."""
        before = self.chosen
        self._collect()
        if before is None:
            self._go(self._cursor)
            return
        task, _ = before
        places = {key(item): at for at, item in enumerate(self._items) if item}
        first_of_task = places.get((task.id, 0), self._cursor)
        self._go(places.get(key(before), first_of_task))

    def _collect(self) -> None:
        self._stale = False
        listed = self._listed()
        self._variations = Variations(listed)
        self._items = self._arranged(listed)
        self._marking.keep(key(item) for item in self._present)

    def _arranged(self, tasks: list[Task]) -> list[Item | None]:
        """Returns what stands where."""
        return list(items_of(tasks))

    @property
    def _present(self) -> list[Item]:
        """The items without the gaps."""
        return [item for item in self._items if item]

    def _listed(self) -> list[Task]:
        """Returns the tasks that are shown: one without a picture, unless it is replaced."""
        return [
            task
            for task in self._tasks.values()
            if not task.deleted and (task.saved or not task.retried_by)
        ]

    def _index_of(self, task_id: str, default: int) -> int:
        """Returns where a task's first item is, or `default`."""
        for index, item in enumerate(self._items):
            if item and item[0].id == task_id:
                return index
        return default

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "task" or parameters[0] in self._allowed

    def action_task(self, name: str) -> None:
        """Asks for an action on the task under the cursor."""
        if self.chosen:
            action = TaskAction(name)
            browsing = Browsing(self._listed(), self._older.rest, self._seek)
            pictures = self._pictures(action)
            tasks = [self._tasks[task_id] for task_id in pictures]
            if not tasks:
                return
            self.post_message(TaskActionRequested(action, tasks, pictures, browsing))
            if self._marking and action not in KEEPS_MARKS:
                self.action_unmark()
            elif action in MOVES_ON:
                self.action_move(1)

    def _pictures(self, action: TaskAction) -> dict[str, list[int]]:
        """Returns the marked results that allow an action, or the one under the cursor.

        They are by task, in the order of the page.
        """
        marked = [item for item in self._present if key(item) in self._marking]
        if action is TaskAction.VIEW or not marked:
            marked = [self.chosen] if self.chosen else []
        pictures: dict[str, list[int]] = {}
        for task, index in marked:
            pictures.setdefault(task.id, []).append(index)
        tasks = [self._tasks[task_id] for task_id in pictures]
        allowing = {task.id for task in marked_allowing(action, tasks)}
        return {each: pictures[each] for each in pictures if each in allowing}

    def action_mark(self) -> None:
        """Marks the picture under the cursor, and goes to the next one."""
        if self.chosen:
            self._marking.toggle([key(self.chosen)])
            self.action_move(1)

    def action_mark_range(self) -> None:
        if self.chosen:
            keys = [key(item) for item in self._present]
            self._marking.extend(key(self.chosen), keys)
            self._fill()

    def action_mark_all(self) -> None:
        self._marking.toggle([key(item) for item in self._present])
        self._fill()

    def action_unmark(self) -> None:
        self._marking.clear()
        self._fill()

    def action_back(self) -> None:
        """Takes the marks away, or else goes to the previous page."""
        if self._marking:
            self.action_unmark()
        else:
            self.dismiss()

    def _seek(self, task_id: str, result: int | None) -> None:
        """Moves to the task that was viewed last, or to one of its results."""
        first = self._index_of(task_id, default=self._cursor)
        places = {key(item): at for at, item in enumerate(self._items) if item}
        self._go(places.get((task_id, result or 0), first))

    def action_queue(self, name: str) -> None:
        """Asks for an action on the whole queue."""
        self.post_message(QueueActionRequested(QueueAction(name)))

    def on_click(self, event: events.Click) -> None:
        for cell in self._cells:
            if cell.item and cell.region.contains(*event.screen_offset):
                self._go(self._in_sight()[cell.place], self._top)
                if event.chain == 2:
                    self.action_task(TaskAction.VIEW)
                return

    def on_mouse_scroll_down(self) -> None:
        self._scroll_rows(1)

    def on_mouse_scroll_up(self) -> None:
        self._scroll_rows(-1)

    def _scroll_rows(self, rows: int) -> None:
        """Scrolls; the cursor stays in its column and within sight."""
        top = clamp(self._top + rows, 0, self._last_top)
        row, column = divmod(self._cursor, self._across)
        row = clamp(row, top, top + self._rows - 1)
        self._go(row * self._across + column, top)


class GridScreen(ManyPictures):
    """The images of a job, of the queue or of the history, the newest first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q",
            "back",
            "Back",
            id="grid-back",
            tooltip="To the previous page",
        ),
        *cell_bindings(frozenset(TaskAction) - QUEUE_ORDER),
    ]
