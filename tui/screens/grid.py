"""Many pictures at once."""

from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path
from typing import ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static

from tui.screens.pager import OlderTasks
from tui.tasks.task import Status, Task
from tui.text import one_line
from tui.widgets.footer import Footer
from tui.widgets.messages import (
    Browsing,
    LoadOlder,
    QueueActionRequested,
    TaskActionRequested,
)
from tui.widgets.picture import Picture
from tui.widgets.preview import placeholder
from tui.widgets.task_actions import (
    QueueAction,
    TaskAction,
    allowed_actions,
    queue_bindings,
    task_bindings,
)
from tui.widgets.taskrow import cost, made, status_style
from tui.widgets.view_context import ViewContext

REST = 0.12
"""Seconds without a move after which pictures are drawn as well as the terminal can."""
_LEAST_WIDTH = 16
_USUAL_WIDTH = {0: 26, 120: 38}
"""Cells that a picture gets at least, by the width of the screen."""

Item = tuple[Task, int]
"""A task, and which of its images."""


class Cell(Vertical):
    """A picture over a line that says what it is of."""

    def __init__(self, context: ViewContext) -> None:
        super().__init__()
        self.picture = Picture(context.terminal, swift=True)
        self._caption = Static(classes="caption", markup=False)
        self._shrink = context.shrink
        self._file = ""
        self.item: Item | None = None
        self.place = 0

    def compose(self) -> ComposeResult:
        yield self.picture
        yield self._caption

    def show(self, item: Item | None) -> None:
        """Show what is in this place now."""
        if item == self.item:
            return
        if item is None or self.item is None or key(item) != key(self.item):
            self.picture.show(None)  # never another's picture over this one's caption
            self._file = ""
        self.item = item
        task, index = item or (None, 0)
        file = task.results[index].path if task and task.saved else ""
        if file and file != self._file:
            self.picture.show(Path(file), shrink=self._shrink)
        elif task and not file:
            self.picture.show(None, placeholder(task))
        self._file = file
        self._caption.update(
            Content(_caption(task, index) if task else ""), layout=False
        )


def key(item: Item) -> tuple[str, int]:
    """What stays the same as a task goes on."""
    return item[0].id, item[1]


def _caption(task: Task, index: int) -> str:
    glyph, word, _ = status_style(task)
    count = len(task.results)
    parts = (
        f"{glyph} {word}" if task.status is not Status.COMPLETED or task.error else "",
        "★" if task.favourite else "",
        f"{index + 1}/{count}" if count > 1 else "",
        task.prompt or task.model,
    )
    return one_line(" ".join(part for part in parts if part))


ACTIONS = (
    TaskAction.VIEW,
    TaskAction.REUSE,
    TaskAction.RETRY,
    TaskAction.COPY_PATH,
    TaskAction.OPEN,
    TaskAction.COPY_LINK,
    TaskAction.INSPECT,
    TaskAction.FAVOURITE,
    TaskAction.DELETE,
)
"""What can be done with the task under the cursor."""
SHOWN = (
    TaskAction.VIEW,
    TaskAction.REUSE,
    TaskAction.RETRY,
    TaskAction.FAVOURITE,
    TaskAction.DELETE,
)
"""What the footer shows of that."""


class GridScreen(Screen[None]):
    """Rows and columns of pictures. There are as many cells as are in sight; to scroll
    is to say which task each of them shows, so that nothing else is ever read, drawn or
    kept.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q",
            "dismiss",
            "Back",
            id="grid-back",
            tooltip="To the previous page",
        ),
        *task_bindings("grid-", ACTIONS, footer=SHOWN),
        *queue_bindings("grid-", [QueueAction.UNDO]),
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
        Binding(
            "pagedown,space", "page(1)", "Page down", id="grid-page-down", show=False
        ),
        Binding("home,g", "move(-1000000)", "Newest", id="grid-newest", show=False),
        Binding("end,G", "move(1000000)", "Oldest", id="grid-oldest", show=False),
    ]

    def __init__(
        self,
        context: ViewContext,
        tasks: Sequence[Task],
        start: Task,
        older: LoadOlder | None = None,
    ) -> None:
        """Shows `tasks`, and `older` ones below them, with the cursor on `start`."""
        super().__init__()
        self._view = context
        self._older = OlderTasks(older)
        self._tasks = {task.id: task for task in tasks}
        self._items: list[Item] = []
        self._cursor = 0
        self._first = start.id
        self._top = 0
        self._columns = self._rows = 1
        self._chosen_columns = 0
        self._cells: list[Cell] = []
        self._rest: Timer | None = None
        self._stale = False
        self._allowed: set[TaskAction] = set()
        self._box = Container(id="cells")
        self._line = Static(id="grid-line", markup=False)

    def compose(self) -> ComposeResult:
        yield self._box
        yield self._line
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self._view.changes.subscribe(self, self._changed, immediate=True)
        self._collect()
        self._cursor = next(
            (at for at, (task, _) in enumerate(self._items) if task.id == self._first),
            0,
        )

    def on_unmount(self) -> None:
        self._view.changes.unsubscribe(self)  # or it would hold this page for ever

    @property
    def chosen(self) -> Item | None:
        """What the cursor is on."""
        return self._items[self._cursor] if self._items else None

    def on_resize(self) -> None:
        self.call_after_refresh(self._lay_out)

    async def _lay_out(self) -> None:
        """As many cells as there is room for, all of one size, or a picture would be
        drawn anew in each row.
        """
        width, height = self._box.size
        if not width or not height:
            return
        usual = next(
            least for room, least in reversed(_USUAL_WIDTH.items()) if width >= room
        )
        self._columns = max(
            1, min(self._chosen_columns or width // usual, width // _LEAST_WIDTH)
        )
        across = width // self._columns
        cell = self._view.terminal.cell or (10, 20)
        self._rows = max(1, round(height / (across * cell[0] / cell[1] + 1)))
        self._box.styles.grid_size_columns = self._columns
        self._box.styles.grid_columns = str(across)
        self._box.styles.grid_rows = str(height // self._rows)
        count = self._columns * self._rows
        more = [Cell(self._view) for _ in range(count - len(self._cells))]
        less = self._cells[count:]
        self._cells = [*self._cells, *more][:count]
        async with self.batch():
            await self._box.mount_all(more)
            await self._box.remove_children(less)
        self._move()
        self._go(self._cursor)

    def action_zoom(self, step: int) -> None:
        self._chosen_columns = max(
            1, min(self._columns + step, self._box.size.width // _LEAST_WIDTH)
        )
        self.call_later(self._lay_out)

    def action_move(self, step: int) -> None:
        self._go(self._cursor + step)

    def action_row(self, step: int) -> None:
        if 0 <= self._cursor // self._columns + step <= self._last_row:
            self._go(self._cursor + step * self._columns)

    def action_page(self, step: int) -> None:
        top = self._top + step * self._rows
        row, column = divmod(self._cursor, self._columns)
        self._go(
            max(0, min(row + step * self._rows, self._last_row)) * self._columns
            + column,
            top,
        )

    @property
    def _last_row(self) -> int:
        return max(0, len(self._items) - 1) // self._columns

    def _go(self, at: int, top: int | None = None) -> None:
        """Moves the cursor to an item; scrolls no further than needed, or to `top`."""
        self._cursor = max(0, min(at, len(self._items) - 1))
        row = self._cursor // self._columns
        wanted = (
            self._top
            if top is None
            else max(0, min(top, self._last_row - self._rows + 1))
        )
        self._top = max(0, row - self._rows + 1, min(wanted, row))
        self._fill()
        if self._older and self._last_row < self._top + 3 * self._rows:
            self._load_older()

    def _fill(self) -> None:
        """Each cell shows what belongs there; a cell that shows it already is moved."""
        first = self._top * self._columns
        shown = self._items[first : first + len(self._cells)]
        wanted = {key(item) for item in shown}
        known = {
            key(cell.item): cell
            for cell in self._cells
            if cell.item and key(cell.item) in wanted
        }
        spare = [cell for cell in self._cells if cell not in known.values()]
        cells = [
            known[key(item)] if key(item) in known else spare.pop(0) for item in shown
        ] + spare
        with self.app.batch_update():
            if any(not item or key(item) not in known for item in shown):
                self._move()
            for place, cell in enumerate(cells):
                cell.show(shown[place] if place < len(shown) else None)
                cell.place = place
                cell.set_class(
                    first + place == self._cursor and place < len(shown), "-chosen"
                )
            if cells != self._cells:
                self._cells = cells
                self._box.sort_children(key=attrgetter("place"))
                self._move()
        self._update_line()

    def _move(self) -> None:
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
        """Says in one line what the cursor is on."""
        if not self.chosen:
            return "No pictures yet."
        task, _ = self.chosen
        glyph, word, _ = status_style(task)
        more = "+" if self._older else ""
        parts = [
            f"{self._cursor + 1:,} of {len(self._items):,}{more}",
            f"{glyph} {word}",
            self._view.title_of(task),
            made(task),
            cost(task),
            task.prompt,
        ]
        return " · ".join(one_line(part) for part in parts if part)

    def _update_line(self) -> None:
        self._line.update(Content(self._summary()), layout=False)
        allowed = allowed_actions(self.chosen[0]) if self.chosen else set()
        if allowed != self._allowed:
            self._allowed = allowed
            self.refresh_bindings()

    @work(exit_on_error=False)
    async def _load_older(self) -> None:
        """Loads older tasks before the cursor comes to them."""
        if (tasks := await self._older.next(self._tasks)) is not None:
            self._tasks.update((task.id, task) for task in tasks)
            self._refresh_items()

    def _changed(self, task: Task) -> None:
        if task.id in self._tasks or task.retry_of in self._tasks:
            self._tasks[task.id] = task
            if not self._stale:
                self._stale = True  # once for all that change together
                self.call_later(self._refresh_items)

    def _refresh_items(self) -> None:
        """Shows what is known now; the cursor stays on its task."""
        before = self.chosen
        self._collect()
        places = {key(item): at for at, item in enumerate(self._items)}
        self._go(
            places.get(key(before), places.get((before[0].id, 0), self._cursor))
            if before
            else 0
        )

    def _collect(self) -> None:
        self._stale = False
        self._items = [
            (task, index) for task in self._newest() for index in task.saved or [0]
        ]

    def _newest(self) -> list[Task]:
        return sorted(
            (t for t in self._tasks.values() if not t.deleted),
            key=lambda t: t.id,
            reverse=True,
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "task" or parameters[0] in self._allowed

    def action_task(self, name: str) -> None:
        """Asks for an action on the task under the cursor."""
        if self.chosen:
            task, index = self.chosen
            browsing = Browsing(self._newest(), self._older.load, self._seek)
            self.post_message(
                TaskActionRequested(TaskAction(name), [task], index, browsing)
            )

    def _seek(self, task_id: str) -> None:
        """Moves to the task that was viewed last."""
        self._go(
            next(
                (at for at, (task, _) in enumerate(self._items) if task.id == task_id),
                self._cursor,
            )
        )

    def action_queue(self, name: str) -> None:
        """Asks for an action on the whole queue."""
        self.post_message(QueueActionRequested(QueueAction(name)))

    def on_click(self, event: events.Click) -> None:
        cell = next(
            (
                cell
                for cell in self._cells
                if cell.region.contains(*event.screen_offset)
            ),
            None,
        )
        if cell and cell.item:
            self._go(self._top * self._columns + cell.place, self._top)
            if event.chain == 2:
                self.action_task(TaskAction.VIEW)

    def on_mouse_scroll_down(self) -> None:
        self._roll(1)

    def on_mouse_scroll_up(self) -> None:
        self._roll(-1)

    def _roll(self, rows: int) -> None:
        """Other rows, the cursor kept in sight."""
        top = max(0, min(self._top + rows, self._last_row - self._rows + 1))
        row, column = divmod(self._cursor, self._columns)
        self._go(max(top, min(row, top + self._rows - 1)) * self._columns + column, top)
