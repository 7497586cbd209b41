"""The money page: spending by period, day and model, and the service's own figures."""

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from datetime import date
from typing import Any, ClassVar

from msgspec.structs import replace
from rich.cells import cell_len
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import clamp
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
from tui.text import counted, dollars, one_line
from tui.widgets.footer import Footer

_CHART_ROWS = 4
_WIDEST_DAY = 6
"""Columns of the chart for a day, at most."""
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_REFRESH_SECONDS = 1.0
"""Seconds between two refreshes, at least."""
_NAME_WIDTHS = 20, 90
"""Columns for a model's name, and a space: at least, and at most."""
_BESIDE_NAME = 41
"""Columns for what is said of a model beside its name."""


class MoneyScreen(Screen[None]):
    """Shows what was spent, and is refreshed while it is open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q",
            "dismiss",
            "Back",
            id="money-back",
            tooltip="To the previous page",
        ),
        Binding("j", "scroll('down')", "Down", show=False),
        Binding("k", "scroll('up')", "Up", show=False),
        Binding("space", "scroll('page_down')", "Page down", show=False),
        Binding("g", "scroll('home')", "Top", show=False),
        Binding("G", "scroll('end')", "End", show=False),
    ]
    AUTO_FOCUS = "#money"

    def __init__(
        self,
        load_report: Callable[[], Awaitable[SpendingReport]],
        fetch_account: Callable[[], Coroutine[Any, Any, Account]],
        config: Config,
        changes: Signal[Task],
        title_of: Callable[[str], str],
    ) -> None:
        """`title_of` returns the title of the model with a slug."""
        super().__init__()
        self._title_of = title_of
        self._load_report = load_report
        self._fetch_account = fetch_account
        self._config = config
        self._changes = changes
        self._account: Account | None = None
        self._report: SpendingReport | None = None
        self._is_due = False
        self._page = Static(markup=False)
        self._box = VerticalScroll(self._page, id="money", classes="frame -always")
        self._box.border_title = "Money"

    def compose(self) -> ComposeResult:
        yield self._box
        yield Footer()

    def on_mount(self) -> None:
        self._changes.subscribe(self, self._changed, immediate=True)
        self._refresh_report()

    def on_unmount(self) -> None:
        self._changes.unsubscribe(self)  # or it would hold this page for ever

    def _changed(self, _task: Task) -> None:
        if not self._is_due:  # once for all changes of a moment
            self._is_due = True
            self.set_timer(_REFRESH_SECONDS, self._refresh_report)

    @work(exclusive=True, group="money", exit_on_error=False)
    async def _refresh_report(self) -> None:
        self._is_due = False
        try:
            report = await self._load_report()
        except StoreError as error:
            self._page.update(Content(one_line(error)))
            return
        self._report = report
        self._describe()
        try:
            self._account = await run_detached(self._fetch_account())
        except ServiceError as error:
            self._box.border_subtitle = Content(one_line(error, 60))
        else:
            self._box.border_subtitle = None
            self._describe()

    def on_resize(self) -> None:
        self.call_after_refresh(self._describe)

    def _describe(self) -> None:
        width = self._box.scrollable_content_region.width
        if self._report and width:
            models = [
                (self._title_of(slug), spent) for slug, spent in self._report.models
            ]
            report = replace(self._report, models=tuple(models))
            page = describe(report, self._account, self._config, width)
            self._page.update(page)

    def action_scroll(self, way: str) -> None:
        getattr(self._box, f"scroll_{way}")(animate=False)


def describe(
    report: SpendingReport, account: Account | None, config: Config, width: int
) -> Content:
    """Returns the text of the page, `width` columns wide.

    Nothing on it depends on colour alone.
    """
    lines = [
        *_facts(report, account, config),
        Content(),
        *_chart(report, width),
        Content(),
        *_models(report, width),
    ]
    return Content("\n").join(lines)


def _facts(
    report: SpendingReport, account: Account | None, config: Config
) -> Iterator[Content]:
    facts = {
        "today": str(report.today),
        "this month": str(report.month),
        "total": f"{report.total}, {counted(report.total.tasks, 'task')}",
        "on the way": "nothing",
    }
    live = report.live
    if live.tasks:
        # All of it is estimated: "about" says so once.
        cost = CostSum(live.tasks, live.micro, 0, live.unknown)
        facts["on the way"] = f"about {cost}, {counted(live.tasks, 'task')}"
    if config.day_usd is not None:
        if report.day.micro > report.today.micro + live.micro:
            # Other base URLs count too, or the limit would hold for each spelling
            counts = dollars(report.day.micro)
            facts["counts today"] = f"about {counts}, all services together"
        facts["today's budget"] = ceilings.budget_left(config, report)
    if account:
        today = dollars(account.spent_today)
        total = dollars(account.spent_total)
        facts["balance"] = dollars(account.balance)
        facts["service reports"] = f"{today} today, {total} in total"
    for name, value in facts.items():
        yield Content.styled(f"{name:<16}", "$text-muted") + value


def _chart(report: SpendingReport, width: int) -> Iterator[Content]:
    """Yields a chart with a bar for each day, as wide as there is room for.

    A dot stands for a day without spending, a question mark for one of unknown cost.
    """
    days = report.days
    peak = max(spent.micro for _, spent in days)
    title = f"The last {len(days)} days"
    if peak:
        title = f"The last {len(days)} days, up to {dollars(peak)} a day"
    day_width = clamp(width // len(days), 2, _WIDEST_DAY)
    yield Content.styled(title, "$text-muted")
    for row in reversed(range(_CHART_ROWS)):
        bars = [_bar(spent, peak, row) * (day_width - 1) for _, spent in days]
        yield Content(" ".join(bars))
    middle = len(days) // 2
    first, half, last = (_day(days[index][0]) for index in (0, middle, -1))
    before = day_width * middle
    after = day_width * (len(days) - middle) - 1
    axis = f"{first:<{before}}{half:<{after - len(last)}}{last}"
    yield Content.styled(axis, "$text-muted")


def _bar(spent: CostSum, peak: int, row: int) -> str:
    """Returns a day's bar in one row of the chart, counted from the bottom."""
    eighths = 0
    if peak:
        # Rounded up, so that the least amount shows.
        eighths = -(-spent.micro * 8 * _CHART_ROWS // peak)
    bar = _EIGHTHS[clamp(eighths - 8 * row, 0, 8)]
    if row or bar != " ":
        return bar
    return "?" if spent.unknown else "·"


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def _models(report: SpendingReport, width: int) -> Iterator[Content]:
    """Yields a table with a row for each model."""
    name_width = clamp(width - _BESIDE_NAME, *_NAME_WIDTHS)
    if report.models:
        title = f"{'model':<{name_width}}{'tasks':>6}{'spent':>11}{'average':>10}"
        if report.total.estimated:
            title += "  ~ estimated"
        yield Content.styled(title, "$text-muted")
    for model, spent in report.models:
        name = one_line(model, name_width - 1)
        # Padded by columns: a name may have wide characters.
        name += " " * (name_width - cell_len(name))
        cost = dollars(spent.micro if spent.tasks > spent.unknown else None)
        if spent.estimated:
            cost = f"~{cost}"
        row = f"{name}{spent.tasks:>6,}{cost:>11}{dollars(spent.average):>10}"
        if spent.unknown:
            row += f"  {spent.unknown:,} unknown"
        yield Content(row)
