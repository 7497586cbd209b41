"""The ceilings that the user has set on spending, and what is asked above them."""

from collections.abc import Iterable, Sequence

from tui.catalog.load import Catalog
from tui.catalog.price import estimate
from tui.settings.config import Config
from tui.tasks.ceilings import Ceilings, Verdict, Wanted, describe_total
from tui.tasks.ledger import CostSum, CurrentSpending
from tui.tasks.task import Task
from tui.text import by_count, dollars


def of(config: Config) -> Ceilings:
    """Return the ceilings that are set."""
    return Ceilings(_micro(config.job_usd), _micro(config.day_usd))


def prices_again(catalog: Catalog, tasks: Iterable[Task]) -> list[int | None]:
    """Return what tasks cost if they are sent now, in micro-dollars.

    That is what the user saw when they were made; for imported ones it is the
    catalog's estimate, because a file may say anything. None stands for an unknown one.
    """
    prices: list[int | None] = []
    for task in tasks:
        model = catalog.get(task.action, task.model) if task.imported else None
        if model:
            prices.append(estimate(model, task.values).micro)
        else:
            prices.append(None if task.imported else task.estimate_micro)
    return prices


def wanted_again(catalog: Catalog, tasks: Sequence[Task]) -> list[Wanted]:
    """Return what it takes to send tasks now; an imported one belongs to no job."""
    prices = prices_again(catalog, tasks)
    return [
        Wanted("" if task.imported else task.job, task.model, price)
        for task, price in zip(tasks, prices, strict=True)
    ]


def estimated_total(prices: Sequence[int | None]) -> CostSum:
    """Add up estimates in micro-dollars; None stands for an unknown price."""
    known = sum(price for price in prices if price is not None)
    unknown = sum(price is None for price in prices)
    return CostSum(len(prices), known, known, unknown)


def describe_cost(total: CostSum) -> str:
    """Return `These 4 requests cost about $0.20`, or the like, without a full stop."""
    return by_count(
        total.tasks,
        "This request costs {cost}",
        "These {count} requests cost {cost}",
        cost=describe_total(total),
    )


def question(verdict: Verdict, balance: int | None, budget: str) -> str:
    """Return what to ask before a job is sent, with the reasons; one line each.

    `balance` is in micro-dollars, None where it is not known. `budget` is what is left
    of the day's, or "".
    """
    total = verdict.cost
    reasons = [str(passed) for passed in verdict.passed]
    if balance is not None:
        is_too_low = balance < total.micro
        amount = dollars(balance)
        reasons.append(
            f"Balance {amount}, too low." if is_too_low else f"Balance {amount}."
        )
    if verdict.passed:
        lines = [f"{describe_cost(total)}.", *reasons, "Send anyway?"]
        return "\n".join(lines)
    if budget:
        reasons.append(f"Today's budget: {budget}.")
    ask = by_count(
        total.tasks,
        "Send 1 request, {cost}?",
        "Send {count} requests, {cost}?",
        cost=describe_total(total),
    )
    return "\n".join([ask, *reasons])


def refusal(verdict: Verdict) -> str:
    """Return why a command submits nothing, and what to do."""
    reasons = " ".join(map(str, verdict.passed))
    return (
        f"{describe_cost(verdict.cost)}. {reasons} Nothing was submitted;"
        " --over-budget sends it anyway."
    )


def budget_left(config: Config, spent: CurrentSpending) -> str:
    """Return `$0.20 of $1.00 left (day_usd)`, or nothing without that ceiling."""
    day = of(config).day
    if day is None:
        return ""
    rest = dollars(max(0, day - spent.day.micro))
    if spent.day.unknown:
        return f"at most {rest} of {dollars(day)} left (day_usd)"
    return f"{rest} of {dollars(day)} left (day_usd)"


def _micro(usd: float | None) -> int | None:
    """Return dollars as micro-dollars."""
    return None if usd is None else round(usd * 1_000_000)
