"""The history: every task that there ever was, found as one types."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.signal import Signal
from textual.widgets import Footer, Input, Static

from tui.tasks.search import HELP
from tui.tasks.task import Task
from tui.terminal import Terminal
from tui.widgets.preview import Preview
from tui.widgets.queue import QueueTable, Titles

PAGE = 300
"""Tasks that are read at once; the next ones when the cursor comes to the end."""


class History(Screen[None]):
    """A search line over the tasks that it finds, newest first, and the image of the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="history-back"),
        Binding("slash", "filter", "Filter", id="history-filter", tooltip="Change what is looked for"),
        Binding("down,enter", "results", show=False),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]
    AUTO_FOCUS = "#history-filter"

    def __init__(
        self,
        search: Callable[[str, int, str], Awaitable[list[Task]]],
        terminal: Terminal,
        changes: Signal[Task],
        title_of: Callable[[Task], str],
    ) -> None:
        """`search` answers the latest tasks for a search line: at most so many, of ids below the given one."""
        super().__init__()
        self._search = search
        self._changes = changes
        self._more = False
        self._filter = Input(placeholder="Type to find", id="history-filter", compact=True)
        self.table = QueueTable("history-tasks", title_of, jobs=False)
        self._found = Static(HELP, id="history-found", markup=False)
        self.preview = Preview(terminal, id="history-preview")

    def compose(self) -> ComposeResult:
        with Horizontal():
            with Vertical(id="history") as box:
                box.border_title = "History"
                yield self._filter
                yield Titles()
                yield self.table
                yield self._found
            yield self.preview
        yield Footer(show_command_palette=False, compact=True)

    async def on_mount(self) -> None:
        await self.preview.furnish()
        self._changes.subscribe(self, self._changed, immediate=True)
        self._look("")

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._look(event.value)

    @work(exclusive=True, group="history", exit_on_error=False)
    async def _look(self, query: str) -> None:
        """Each key asks anew; what an earlier one has asked is not shown any more."""
        self._tell(await self._search(query, PAGE, "~"), anew=True)

    @work(exclusive=True, group="history", exit_on_error=False)
    async def _look_further(self) -> None:
        oldest = min(self.table.tasks)
        self._tell(await self._search(self._filter.value, PAGE, oldest), anew=False)

    def _tell(self, tasks: list[Task], *, anew: bool) -> None:
        self._more = len(tasks) == PAGE
        if anew:
            self.table.show(tasks)
        for task in () if anew else tasks:
            self.table.put(task)
        count = len(self.table.tasks)
        told = f"The newest {count:,}: type more, or go on down" if self._more else f"{count:,} found"
        self._found.update(f"{told}  ·  {HELP}" if count else f"Nothing is like that  ·  {HELP}")

    @on(QueueTable.Selected)
    def _selected(self, event: QueueTable.Selected) -> None:
        self.preview.show(event.task)
        if self._more and self.table.cursor >= len(self.table.tasks) - 2:
            self._more = False
            self._look_further()

    def _changed(self, task: Task) -> None:
        """What is shown is kept up to date; what is new comes with the next search."""
        if task.id in self.table.tasks or (not self._filter.value and not task.deleted):
            self.table.put(task)

    def action_filter(self) -> None:
        self._filter.focus()

    def action_results(self) -> None:
        self.table.focus()

    def action_back(self) -> None:
        if self.table.has_focus and self._filter.value:
            self._filter.focus()
        else:
            self.dismiss()
