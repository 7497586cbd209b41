"""The history: every task that there ever was, found as one types."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from tui.tasks.search import HELP
from tui.tasks.store_errors import StoreError
from tui.tasks.task import Task
from tui.text import one_line
from tui.widgets.footer import Footer
from tui.widgets.messages import GridRequested, LoadOlder, TaskActionRequested
from tui.widgets.preview import Preview
from tui.widgets.queue import QueueTable, Titles
from tui.widgets.view_context import ViewContext

PAGE = 120
"""Tasks that are read at once; the next ones when the cursor comes to the end."""


class HistoryScreen(Screen[None]):
    """A search line over the tasks that it finds, newest first, and the image of the
    one under the cursor.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape",
            "back",
            "Back",
            id="history-back",
            tooltip="To the filter, then to the previous page",
        ),
        Binding(
            "slash",
            "filter",
            "Filter",
            id="history-filter",
            tooltip="Change what is looked for",
        ),
        Binding("down", "results", show=False),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]
    AUTO_FOCUS = "#history-filter"

    def __init__(
        self,
        context: ViewContext,
        search: Callable[[str, int, str], Awaitable[list[Task]]],
    ) -> None:
        """`search` returns the latest tasks for a search line.

        It is asked for so many at most, of ids below the given one.
        """
        super().__init__()
        self._search = search
        self._view = context
        self._oldest = "~"
        self._more = False
        self._met: set[str] = set()
        self._filter = Input(
            placeholder="Type to find", id="history-filter", compact=True
        )
        self.table = QueueTable("history-tasks", context.title_of, jobs=False)
        self._box = Vertical(id="history")
        self._box.border_title = "History"
        self.preview = Preview(context, "history-preview")

    def compose(self) -> ComposeResult:
        with Horizontal():
            with self._box:
                yield self._filter
                yield Titles("made")
                yield self.table
                yield Static(HELP, id="history-help", markup=False)
            yield self.preview
        yield Footer(show_command_palette=False, compact=True)

    async def on_mount(self) -> None:
        await self.preview.mount_content()
        self._view.changes.subscribe(self, self._changed, immediate=True)
        self._look("")

    def on_unmount(self) -> None:
        self._view.changes.unsubscribe(self)  # or it would hold this page for ever

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._look(event.value)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_results()

    @work(exclusive=True, group="history", exit_on_error=False)
    async def _look(self, query: str, before: str = "~") -> None:
        """Each key asks anew; what an earlier one has asked is not shown any more."""
        try:
            tasks = await self._search(query, PAGE, before)
        except StoreError as error:
            self._box.border_subtitle = Content(one_line(error))
            self._more = before != "~"  # the next move tries again
            return
        if before == "~":
            self._met.clear()
            self.table.show(tasks)
        for task in () if before == "~" else tasks:
            self.table.update(task)
        self._met.update(task.id for task in tasks)
        self._more = len(tasks) == PAGE
        self._oldest = tasks[-1].id if self._more else ""
        self.table.empty_text = (
            "Nothing matches."
            if query
            else "Nothing yet: what is sent will be found here."
        )
        self._tell()

    def _tell(self) -> None:
        count = len(self.table.tasks)
        self._box.border_subtitle = (
            f"the newest {count:,}, more below" if self._more else f"{count:,} found"
        )
        self.preview.visible = count > 0

    @on(QueueTable.Selected)
    def _selected(self, event: QueueTable.Selected) -> None:
        self.preview.show(event.task)
        if self._more and self.table.cursor >= len(self.table.tasks) - 2:
            self._more = False
            self._look(self._filter.value, self._oldest)

    @on(TaskActionRequested)
    def _browse_on(self, event: TaskActionRequested) -> None:
        event.browsing.older = self._older()

    @on(GridRequested)
    def _show_older(self, event: GridRequested) -> None:
        event.older = self._older()

    def _older(self) -> LoadOlder:
        """Returns what loads the tasks below those that were found."""
        query = self._filter.value
        return lambda before: self._search(query, PAGE, before)

    def _changed(self, task: Task) -> None:
        """What was found is kept up to date, also once its deletion is undone. What is
        new comes at once while nothing is looked for, or else with the next search.
        """
        new = not self._filter.value and task.id >= self._oldest
        if task.id in self._met or (new and not task.deleted):
            self._met.add(task.id)
            self.table.update(task)
            self._tell()

    def action_filter(self) -> None:
        self._filter.focus()

    def action_results(self) -> None:
        if self.table.tasks:
            self.table.focus()

    def action_back(self) -> None:
        if self.table.has_focus and self._filter.value:
            self._filter.focus()
        else:
            self.dismiss()
