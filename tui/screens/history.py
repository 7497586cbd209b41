"""The history page: searches all tasks while the user types, in several orders."""

from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static
from textual.widgets.input import Selection

from tui.screens.past import Search
from tui.tasks.search import HELP, in_order, order_of, unknown_filters
from tui.tasks.search_order import Order
from tui.tasks.store_errors import StoreError
from tui.tasks.task import Task
from tui.text import one_line
from tui.widgets.footer import Footer
from tui.widgets.messages import GridRequested, OlderTasks, TaskActionRequested
from tui.widgets.preview import Preview, result_bindings
from tui.widgets.queue import Titles
from tui.widgets.queue_table import QueueTable
from tui.widgets.task_actions import TaskAction
from tui.widgets.view_context import ViewContext

PAGE = 120
"""Tasks that are read at once; the next ones when the cursor reaches the end."""


_TITLES = {
    Order.DATE: "History",
    Order.COST: "History by cost",
    Order.RATING: "History by rating",
    Order.MODEL: "History by model",
}


class HistoryScreen(Screen[None]):
    """Searches all tasks, and shows the image of the chosen one.

    The newest come first unless the search sorts them. Deleted tasks aren't found,
    cleared ones are.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape",
            "back",
            "Back",
            id="history-back",
            tooltip="To the search, then to the previous page",
        ),
        Binding(
            "slash",
            "filter",
            "Search",
            id="history-filter",
            tooltip="Change the search",
        ),
        Binding(
            "greater_than_sign",
            "sort",
            "Sort",
            id="history-sort",
            tooltip="By cost, by rating, by model, or the newest first",
        ),
        Binding(
            "F,alt+s",
            "app.searches",
            "Searches",
            id="searches",
            tooltip="Use or delete saved searches, or save this one",
        ),
        Binding("down", "results", show=False),
        *result_bindings(),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]
    AUTO_FOCUS = "#history-filter"

    def __init__(
        self,
        context: ViewContext,
        search: Search,
        line: str = "",
    ) -> None:
        """`search` finds tasks; `line` is what is searched for first."""
        super().__init__()
        self._find = search
        self._view = context
        self._last: Task | None = None
        """The last task of the pages that were read, unless there is no other page."""
        self._more = False
        self._marked = 0
        self._listed: set[str] = set()
        self._filter = Input(
            line,
            placeholder="Type to search",
            select_on_focus=False,
            id="history-filter",
            compact=True,
        )
        self._note = Static(id="history-note", markup=False)
        """What was found: at the top, for messages lie over what stands at the foot."""
        self.table = QueueTable("history-tasks", context.title_of, jobs=False)
        self._box = Vertical(id="history", classes="frame")
        self.preview = Preview(context, "history-preview")
        self.preview.browsing = self.table.browsing

    def compose(self) -> ComposeResult:
        with Horizontal():
            with self._box:
                yield self._filter
                yield self._note
                yield Titles("made", self.table)
                yield self.table
                yield Static(HELP, id="history-help", markup=False)
            yield self.preview
        yield Footer(first=("history-back", "history-sort", "searches"))

    async def on_mount(self) -> None:
        await self.preview.mount_content()
        self._view.changes.subscribe(self, self._changed, immediate=True)
        self._search(self.line)

    def on_unmount(self) -> None:
        self._view.changes.unsubscribe(self)  # or it would hold this page for ever

    @property
    def line(self) -> str:
        """What is searched for."""
        return self._filter.value

    def search_for(self, line: str) -> None:
        """Searches for something else."""
        self._filter.value = line
        self._filter.cursor_position = len(line)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._search(event.value)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_results()

    @work(exclusive=True, group="history", exit_on_error=False)
    async def _search(self, query: str, last: Task | None = None) -> None:
        """Lists what a query finds; a later search cancels this one."""
        is_first_page = last is None
        order = order_of(query)
        try:
            tasks = await self._find(query, PAGE, last)
        except StoreError as error:
            self._note.update(Content.styled(one_line(error), "$text-error"))
            self._more = not is_first_page  # the next move tries again
            return
        if is_first_page:
            self._listed.clear()
            self._box.border_title = Content(_TITLES[order])
            self.table.show(tasks, keep_order=order is not Order.DATE)
        else:
            self.table.add(tasks)
        self._listed.update(task.id for task in tasks)
        self._more = len(tasks) == PAGE
        self._last = tasks[-1] if self._more else None
        if query:
            self.table.empty_text = "No matches."
        else:
            self.table.empty_text = (
                "No tasks yet. Every task that you send is listed here."
            )
        self._update_summary()

    def _update_summary(self) -> None:
        count = len(self.table.tasks)
        found = f"{count:,} found"
        first = f"the first {count:,}, more below"
        if order_of(self.line) is Order.DATE:
            first = f"the newest {count:,}, more below"
        parts = [first if self._more else found]
        if self._marked:
            parts.append(f"{self._marked:,} marked")
        unknown = unknown_filters(self.line)
        if unknown:
            parts.append(f"not a filter: {one_line(' '.join(unknown), 40)}")
        style = "$text-warning" if unknown else "$text-muted"
        self._note.update(Content.styled(" · ".join(parts), style))
        self.preview.visible = count > 0

    @on(QueueTable.Selected)
    def _selected(self, event: QueueTable.Selected) -> None:
        self.preview.show(event.task)
        if self._more and self.table.cursor >= len(self.table.tasks) - 2:
            self._more = False
            self._search(self.line, self._last)

    @on(TaskActionRequested)
    def _browse_on(self, event: TaskActionRequested) -> None:
        event.browsing.older = self._older()
        if event.action is TaskAction.COMPARE:
            event.browsing.on_back = self._show_compared
        self.preview.follow(event, self.table.step_picture)

    def _show_compared(self, task_id: str, index: int | None) -> None:
        """Shows the picture at which a comparison was left."""
        self.preview.choose((task_id, index or 0))
        self.table.select(task_id)

    @on(QueueTable.MarksChanged)
    def _count_marks(self, event: QueueTable.MarksChanged) -> None:
        self._marked = event.count
        self._update_summary()

    @on(GridRequested)
    def _show_older(self, event: GridRequested) -> None:
        event.older = self._older()

    def _older(self) -> OlderTasks | None:
        """Returns the tasks below those that were found."""
        if self._last is None:
            return None
        return OlderTasks(partial(self._find, self.line, PAGE), self._last)

    def _changed(self, task: Task) -> None:
        """Updates a task that was found, also when its deletion is undone.

        A new task is added where there is no query, or else by the next search.
        """
        is_new = not self.line and (self._last is None or task.id >= self._last.id)
        if task.id in self._listed or (is_new and not task.deleted):
            self._listed.add(task.id)
            self.table.update(task)
            self._update_summary()

    def action_step_result(self, by: int) -> None:
        """Shows the next result of the selected task, or of the one next to it."""
        self.preview.step(by, self.table.step_picture)

    def action_filter(self) -> None:
        """Goes to the search; what is typed replaces its words, and keeps the order."""
        self._filter.focus()
        order = order_of(self.line)
        if order is not Order.DATE:
            self.search_for(in_order(self.line, order))
        words = len(in_order(self.line, Order.DATE))
        self._filter.selection = Selection(len(self.line) - words, len(self.line))

    def action_sort(self) -> None:
        """Searches for the same in the next order."""
        self.search_for(in_order(self.line, order_of(self.line).following))

    def action_results(self) -> None:
        if self.table.tasks:
            self.table.focus()

    def action_back(self) -> None:
        if self.table.has_focus and self.line:
            self.action_filter()
        else:
            self.dismiss()
