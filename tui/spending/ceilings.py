"""The ceilings that the user has set on spending, and what is asked above them."""

from collections.abc import Iterable, Sequence

from tui.catalog.load import Catalog
from tui.catalog.price import estimate
from tui.settings.config import Config
from tui.tasks.ledger import CostSum, CurrentSpending
from tui.tasks.task import Task
from tui.text import by_count, dollars


def has_ceiling(config: Config) -> bool:
    """Return whether any ceiling is set."""
    return config.job_usd is not None or config.day_usd is not None


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


def estimated_total(prices: Sequence[int | None]) -> CostSum:
    """Add up estimates in micro-dollars; None stands for an unknown price."""
    known = sum(price for price in prices if price is not None)
    unknown = sum(price is None for price in prices)
    return CostSum(len(prices), known, known, unknown)


def describe_total(total: CostSum) -> str:
    """Return `about $1.20 and 2 of unknown price`, `an unknown sum`, or the like."""
    if total.unknown and not total.micro:
        return "an unknown sum"
    return f"about {_sum(total)}"


def describe_cost(total: CostSum) -> str:
    """Return `These 4 requests cost about $0.20`, or the like, without a full stop."""
    return by_count(
        total.tasks,
        "This request costs {cost}",
        "These {count} requests cost {cost}",
        cost=describe_total(total),
    )


def exceeded(config: Config, total: CostSum, spent: CurrentSpending) -> list[str]:
    """Return a sentence for each ceiling that a job would pass.

    An unknown price may pass any of them.
    """
    sentences: list[str] = []
    job = _micro(config.job_usd)
    if job is not None and _may_exceed(total, job):
        sentences.append(f"A job may cost {dollars(job)} (job_usd).")
    day = _micro(config.day_usd)
    today = spent.today + spent.live
    if day is not None and _may_exceed(today + total, day):
        sentences.append(
            f"Today {_sum(today)} of {dollars(day)} is spent or on its way (day_usd)."
        )
    return sentences


def question(
    config: Config, total: CostSum, spent: CurrentSpending, balance: int | None
) -> str:
    """Return what to ask before a job is sent, with the reasons; one line each.

    `balance` is in micro-dollars, None where it is not known.
    """
    passed = exceeded(config, total, spent)
    reasons = list(passed)
    if balance is not None:
        is_too_low = balance < total.micro
        amount = dollars(balance)
        reasons.append(
            f"Balance {amount}, too low." if is_too_low else f"Balance {amount}."
        )
    if passed:
        lines = [f"{describe_cost(total)}.", *reasons, "Send anyway?"]
        return "\n".join(lines)
    if config.day_usd is not None:
        reasons.append(f"Today's budget: {budget_left(config, spent)}.")
    ask = by_count(
        total.tasks,
        "Send 1 request, {cost}?",
        "Send {count} requests, {cost}?",
        cost=describe_total(total),
    )
    return "\n".join([ask, *reasons])


def budget_left(config: Config, spent: CurrentSpending) -> str:
    """Return `$0.20 of $1.00 left (day_usd)`, or nothing without that ceiling."""
    day = _micro(config.day_usd)
    if day is None:
        return ""
    today = spent.today + spent.live
    rest = dollars(max(0, day - today.micro))
    if today.unknown:
        return f"at most {rest} of {dollars(day)} left (day_usd)"
    return f"{rest} of {dollars(day)} left (day_usd)"


def _may_exceed(total: CostSum, ceiling: int) -> bool:
    """Return whether a sum is above a ceiling in micro-dollars, or could be."""
    return total.unknown > 0 or total.micro > ceiling


def _sum(total: CostSum) -> str:
    """Return a sum of known and unknown prices as words."""
    if total.unknown:
        return f"{dollars(total.micro)} and {total.unknown:,} of unknown price"
    return dollars(total.micro)


def _micro(usd: float | None) -> int | None:
    """Return dollars as micro-dollars, bounded so that any float can be converted."""
    if usd is None:
        return None
    bounded = min(usd, 1e9)
    return round(bounded * 1_000_000)
