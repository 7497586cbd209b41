"""What was spent: today, this month, in all; by day and by model; and what the service
says of it.
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any, ClassVar

from rich.cells import cell_len
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.signal import Signal
from textual.widgets import Static

from tui.screens.detached import run_detached
from tui.service.account import Account
from tui.service.errors import ServiceError
from tui.settings.config import Config
from tui.spending import ceilings
from tui.tasks.ledger import CostSum, SpendingReport
from tui.tasks.store_errors import StoreError
from tui.tasks.task import Task
from tui.text import counted, money, one_line
from tui.widgets.footer import Footer

HIGH = 4
"""Rows of the chart."""
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_AGAIN = 1.0
"""Seconds from one look at the books to the next, at least."""


class MoneyScreen(Screen[None]):
    """Kept up to date while it is open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q",
            "dismiss",
            "Back",
            id="money-back",
            tooltip="To the previous page",
        ),
        Binding("j", "scroll('down')", show=False),
        Binding("k", "scroll('up')", show=False),
    ]
    AUTO_FOCUS = "#money"

    def __init__(
        self,
        books: Callable[[], Awaitable[SpendingReport]],
        account: Callable[[], Coroutine[Any, Any, Account]],
        config: Config,
        changes: Signal[Task],
    ) -> None:
        super().__init__()
        self._books = books
        self._ask = account
        self._config = config
        self._changes = changes
        self._account: Account | None = None
        self._due = False
        self._page = Static(markup=False)
        self._box = VerticalScroll(self._page, id="money")
        self._box.border_title = "Money"

    def compose(self) -> ComposeResult:
        yield self._box
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self._changes.subscribe(self, self._changed, immediate=True)
        self._look()

    def on_unmount(self) -> None:
        self._changes.unsubscribe(self)  # or it would hold this page for ever

    def _changed(self, _task: Task) -> None:
        if not self._due:  # once for all that comes together
            self._due = True
            self.set_timer(_AGAIN, self._look)

    @work(exclusive=True, group="money", exit_on_error=False)
    async def _look(self) -> None:
        self._due = False
        try:
            books = await self._books()
        except StoreError as error:
            self._page.update(Content(one_line(error)))
            return
        self._page.update(page(books, self._account, self._config))
        try:
            self._account = await run_detached(self._ask())
        except ServiceError as error:
            self._box.border_subtitle = Content(one_line(error, 60))
        else:
            self._box.border_subtitle = None
            self._page.update(page(books, self._account, self._config))

    def action_scroll(self, way: str) -> None:
        getattr(self._box, f"scroll_{way}")(animate=False)


def page(books: SpendingReport, account: Account | None, config: Config) -> Content:
    """The whole page; nothing on it is told by colour alone."""
    return Content("\n").join(
        [
            *_facts(books, account, config),
            Content(),
            *_chart(books),
            Content(),
            *_models(books),
        ]
    )


def _facts(
    books: SpendingReport, account: Account | None, config: Config
) -> Iterator[Content]:
    # An estimate, all of it
    live = CostSum(books.live.tasks, books.live.micro, 0, books.live.unknown)
    facts = {
        "today": f"{books.today}",
        "this month": f"{books.month}",
        "in all": f"{books.total}, {counted(books.total.tasks, 'task')}",
        "on the way": (
            f"about {live}, {counted(live.tasks, 'task')}" if live.tasks else "nothing"
        ),
    }
    if config.day_usd is not None:
        facts["today's budget"] = ceilings.budget_left(config, books)
    if account:
        today, total = money(account.spent_today), money(account.spent_total)
        facts["balance"] = money(account.balance)
        facts["service says"] = f"{today} today, {total} in all"
    for name, told in facts.items():
        yield Content.styled(f"{name:<16}", "$text-muted") + told


def _chart(books: SpendingReport) -> Iterator[Content]:
    """A column a day: a dot where nothing was spent, a question mark where nobody knows
    how much.
    """
    days = books.days
    peak = max(spent.micro for _, spent in days)
    yield Content.styled(
        f"The last {len(days)} days{f', up to {money(peak)} a day' if peak else ''}",
        "$text-muted",
    )
    heights = [-(-spent.micro * 8 * HIGH // peak) if peak else 0 for _, spent in days]
    for row in range(HIGH - 1, -1, -1):
        bars = [_EIGHTHS[min(8, max(0, height - 8 * row))] for height in heights]
        if row == 0:
            bars = [
                "·?"[spent.unknown > 0] if bar == " " else bar
                for bar, (_, spent) in zip(bars, days, strict=True)
            ]
        yield Content(" ".join(bars))
    ends = [
        f"{day.day} {day:%b}" for day, _ in (days[0], days[len(days) // 2], days[-1])
    ]
    half = len(days) // 2 * 2
    yield Content.styled(
        f"{ends[0]:<{half}}{ends[1]:<{half - len(ends[2]) - 1}}{ends[2]}", "$text-muted"
    )


def _models(books: SpendingReport) -> Iterator[Content]:
    if books.models:
        title = f"{'model':<35}{'tasks':>6}{'spent':>11}{'average':>10}"
        yield Content.styled(
            f"{title}  ~ estimated" if books.total.estimated else title, "$text-muted"
        )
    for model, spent in books.models:
        name = one_line(model, 34)
        known = money(spent.micro if spent.tasks > spent.unknown else None)
        cost = f"{'~' * (spent.estimated > 0)}{known}"
        indented = name + " " * (35 - cell_len(name))
        row = f"{indented}{spent.tasks:>6,}{cost:>11}{money(spent.average):>10}"
        yield Content(row + (f"  {spent.unknown:,} unknown" if spent.unknown else ""))
