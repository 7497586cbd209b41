"""The ceilings that the user has set on spending: what passes them, and what is asked."""

from collections.abc import Sequence

from tui.settings.config import Config
from tui.tasks.ledger import SpendingPart, Total
from tui.text import by_count, money


def has_ceiling(config: Config) -> bool:
    """Return whether any ceiling is set."""
    return config.job_usd is not None or config.day_usd is not None


def estimated_total(prices: Sequence[int | None]) -> Total:
    """Add up estimates in micro-dollars; None stands for an unknown price."""
    known = sum(price for price in prices if price is not None)
    unknown = sum(price is None for price in prices)
    return Total(len(prices), known, known, unknown)


def describe_total(total: Total) -> str:
    """`about $1.20`, `about $1.20 and 2 of unknown price`, `an unknown sum`."""
    if total.unknown and not total.micro:
        return "an unknown sum"
    return f"about {_sum(total)}"


def describe_cost(total: Total) -> str:
    """A sentence without its full stop, such as `These 4 requests cost about $0.20`."""
    return by_count(
        total.tasks,
        "This request costs {cost}",
        "These {count} requests cost {cost}",
        cost=describe_total(total),
    )


def exceeded(config: Config, total: Total, spent: SpendingPart) -> list[str]:
    """Return a sentence for each ceiling that a job would pass.

    An unknown price may pass any of them.
    """
    sentences = []
    job = _micro(config.job_usd)
    if job is not None and (total.unknown or total.micro > job):
        sentences.append(f"A job may cost {money(job)} (job_usd).")
    day = _micro(config.day_usd)
    today = spent.today + spent.live
    is_unknown = total.unknown or today.unknown
    if day is not None and (is_unknown or today.micro + total.micro > day):
        sentences.append(
            f"Today {_sum(today)} of {money(day)} is spent or on its way (day_usd)."
        )
    return sentences


def question(
    config: Config, total: Total, spent: SpendingPart, balance: int | None
) -> str:
    """Return what to ask before a job is sent, with the reasons; one line each.

    `balance` is in micro-dollars, None where it is not known.
    """
    passed = exceeded(config, total, spent)
    reasons = list(passed)
    if balance is not None and balance < total.micro:
        reasons.append(f"Balance {money(balance)}, too low.")
    elif balance is not None:
        reasons.append(f"Balance {money(balance)}.")
    if passed:
        return "\n".join([f"{describe_cost(total)}.", *reasons, "Send anyway?"])
    if config.day_usd is not None:
        reasons.append(f"Today's budget: {budget_left(config, spent)}.")
    ask = by_count(
        total.tasks,
        "Send 1 request, {cost}?",
        "Send {count} requests, {cost}?",
        cost=describe_total(total),
    )
    return "\n".join([ask, *reasons])


def budget_left(config: Config, spent: SpendingPart) -> str:
    """`$0.20 of $1.00 left (day_usd)`; nothing without that ceiling."""
    day = _micro(config.day_usd)
    if day is None:
        return ""
    today = spent.today + spent.live
    rest = money(max(0, day - today.micro))
    if today.unknown:
        return f"at most {rest} of {money(day)} left (day_usd)"
    return f"{rest} of {money(day)} left (day_usd)"


def _sum(total: Total) -> str:
    if total.unknown:
        return f"{money(total.micro)} and {total.unknown:,} of unknown price"
    return money(total.micro)


def _micro(usd: float | None) -> int | None:
    """Return dollars as micro-dollars, bounded so that any float can be converted."""
    return None if usd is None else round(min(usd, 1e9) * 1_000_000)
