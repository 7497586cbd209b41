"""A job as a table: its pictures under headings, by what varies in them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import chain
from textwrap import wrap
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from tui.screens.grid import Item, ManyPictures, cell_bindings, items_of, key
from tui.tasks.task import Task
from tui.text import one_line
from tui.widgets.footer import Footer
from tui.widgets.task_actions import QUEUE_ORDER, TaskAction
from tui.widgets.taskrow import fit
from tui.widgets.view_context import ViewContext

if TYPE_CHECKING:
    from tui.exchange.task_sheet import Arranged

_LEAST_WIDTH = 16
"""Columns of the terminal in which a picture and its heading can be seen."""
_LONGEST_HEADING = 24
"""Cells of the headings of rows."""

_APART = " · "
"""Between the values of a heading."""

Numbers = Mapping[tuple[str, int], int]
"""The numbers of pictures, by the task's id and the result's index."""
Save = Callable[[Sequence[Task], Numbers], Awaitable[None]]


class SheetScreen(ManyPictures):
    """Has the values of one parameter as rows, those of another as columns."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q",
            "back",
            "Back",
            id="sheet-back",
            tooltip="To the previous page",
        ),
        Binding(
            "w",
            "save",
            "Save a copy",
            id="sheet-save",
            tooltip="Save the table as a PNG image",
        ),
        *cell_bindings(
            frozenset(TaskAction)
            - QUEUE_ORDER
            - {TaskAction.TABLE, TaskAction.SAVE_COPY}
        ),
    ]

    def __init__(
        self, context: ViewContext, tasks: Sequence[Task], start: Task, save: Save
    ) -> None:
        """Shows `tasks`, the newest first, with the cursor on `start`.

        `save` saves the table as an image.
        """
        super().__init__(context, tasks, start)
        self._save = save
        self._table: Arranged | None = None
        """Where the pictures stand; None until that is known."""
        self._keys: set[tuple[str, int]] = set()
        """The pictures for which the table was made."""
        self._numbers: dict[tuple[str, int], int] = {}
        self._heading = Static(id="table-title", markup=False)
        self._columns_line = Static(id="table-columns", markup=False)
        self._rows_column = Static(id="table-rows", markup=False)

    def compose(self) -> ComposeResult:
        yield self._heading
        yield self._columns_line
        with Horizontal(id="table"):
            yield self._rows_column
            yield self._box
        yield self._line
        yield Footer()

    def on_mount(self) -> None:
        self._heading.update(Content("Arranging the table …"))

    @property
    def _across(self) -> int:
        return len(self._table.lines[0]) if self._table and self._table.lines else 1

    def _usual_columns(self, width: int) -> int:
        return min(self._across, width // _LEAST_WIDTH)

    def _arranged(self, tasks: list[Task]) -> list[Item | None]:
        """Returns the pictures in the places of the table, and makes one if it's old."""
        present = {key(item): item for item in items_of(tasks)}
        self._numbers = {each: number for number, each in enumerate(present, 1)}
        if present.keys() != self._keys:
            self._keys = set(present)
            self._make_table(tasks)
        if self._table is None:
            return []
        return [
            present.get((place.task.id, place.index or 0)) if place else None
            for line in self._table.lines
            for place in line
        ]

    @work(exclusive=True, group="table", exit_on_error=False)
    async def _make_table(self, tasks: list[Task]) -> None:
        """Finds out what varies in the tasks, and where each stands then."""
        from tui.exchange.task_sheet import arranged

        oldest_first = sorted(tasks, key=lambda task: task.id)
        is_first = self._table is None
        table = await asyncio.to_thread(arranged, oldest_first)
        self._table = self._with_titles(table)
        self._show_titles(self._table)
        self._refresh_items()
        if is_first:
            self._cursor = self._index_of(self._first, default=0)
        self.call_after_refresh(self._lay_out)

    def _with_titles(self, table: "Arranged") -> "Arranged":
        """Returns a table whose headings have the names of models as they are known."""
        names = {
            one_line(task.model): self._view.title_of(task)
            for task in self._tasks.values()
        }

        def named(text: str) -> str:
            return _APART.join(names.get(part, part) for part in text.split(_APART))

        return table._replace(
            row_titles=tuple(map(named, table.row_titles)),
            column_titles=tuple(map(named, table.column_titles)),
            note=named(table.note),
        )

    def _show_titles(self, table: "Arranged") -> None:
        title = " · ".join(filter(None, (table.title, table.note)))
        self._heading.update(Content(one_line(title, 400)))
        values = [value for each in table.row_titles for value in each.split(_APART)]
        widest = max(map(cell_len, values), default=0)
        self._rows_column.display = bool(table.row_titles)
        self._rows_column.styles.width = min(widest, _LONGEST_HEADING) + 2
        self._columns_line.display = bool(table.column_titles)

    def _fill(self) -> None:
        super()._fill()
        table = self._table
        if table is None or not self._box.size.width:
            return
        width = self._box.size.width // self._columns
        shown = table.column_titles[self._left : self._left + self._columns]
        # Above the pictures, which have a frame
        titles = "".join(fit(f" {title}", width) for title in shown)
        margin = self._box.region.x
        self._columns_line.update(Content(" " * margin + titles), layout=False)
        height = self._box.size.height // self._rows
        lines: list[str] = []
        for title in table.row_titles[self._top : self._top + self._rows]:
            room = max(1, self._rows_column.size.width)
            wrapped = [wrap(value, room) for value in title.split(_APART)]
            lines += ["", *chain(*wrapped), *[""] * height][:height]
        self._rows_column.update(Content("\n".join(lines)), layout=False)

    def _number(self, index: int) -> int:
        item = self._items[index]
        return self._numbers.get(key(item), 0) if item else 0

    def _own_words(self, task: Task) -> str:
        axes = self._table.axes if self._table else []
        words = [self._variations.of(task, self._view.title_of, axes)]
        if self._table and not self._table.title and "prompt" not in axes:
            words.append(task.prompt)
        return " · ".join(filter(None, words))

    def _nothing(self) -> str:
        if self._table is None:
            return "Arranging the table …"
        return f"Nothing was asked for here: {self._headings()}"

    def _where(self) -> str:
        count = f"{self._number(self._cursor):,} of {len(self._present):,}"
        return " · ".join(filter(None, (count, self._headings())))

    def _headings(self) -> str:
        """Returns the headings of the row and the column of the cursor."""
        if self._table is None:
            return ""
        row, column = divmod(self._cursor, self._across)
        found = [
            titles[place]
            for titles, place in (
                (self._table.row_titles, row),
                (self._table.column_titles, column),
            )
            if place < len(titles)
        ]
        return " · ".join(found)

    def action_move(self, step: int) -> None:
        """Moves along the rows, over gaps."""
        index = self._cursor + step
        while abs(step) == 1 and 0 <= index < len(self._items):
            if self._items[index]:
                break
            index += step
        self._go(index)

    @work(exclusive=True, group="save", exit_on_error=False)
    async def action_save(self) -> None:
        tasks = sorted(self._listed(), key=lambda task: task.id)
        await self._save(tasks, self._numbers)
