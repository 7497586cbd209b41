"""The ceilings that the user has set on spending: whether a job would pass one, and how
that is told.
"""

from collections.abc import Sequence

from tui.settings.config import Config
from tui.tasks.ledger import CostSum, CurrentSpending
from tui.text import counted, money


def limited(config: Config) -> bool:
    """Whether there is any ceiling."""
    return config.job_usd is not None or config.day_usd is not None


def wanted(prices: Sequence[int | None]) -> CostSum:
    """What requests of these estimates cost together."""
    known = sum(price or 0 for price in prices)
    return CostSum(len(prices), known, known, sum(price is None for price in prices))


def costs(wish: CostSum) -> str:
    """`about $1.20`, `about $1.20 and 2 of unknown price`, `an unknown sum`."""
    if wish.unknown and not wish.micro:
        return "an unknown sum"
    return f"about {money(wish.micro)}{_unknown(wish)}"


def against(config: Config, wish: CostSum, spent: CurrentSpending) -> list[str]:
    """A sentence for each ceiling that a job would pass. An unknown price may pass any."""
    told = []
    job, day = _ceiling(config.job_usd), _ceiling(config.day_usd)
    if job is not None and (wish.unknown or wish.micro > job):
        told.append(f"A job may cost {money(job)} (job_usd).")
    today = spent.today + spent.live
    if day is not None and (
        wish.unknown or today.unknown or today.micro + wish.micro > day
    ):
        told.append(
            f"Today {money(today.micro)}{_unknown(today)} of {money(day)} is spent or"
            " on its way (day_usd)."
        )
    return told


def question(
    config: Config, wish: CostSum, spent: CurrentSpending, balance: int | None
) -> str:
    """What is asked before a job is sent: its price, what stands against it, what is
    left.
    """
    ceilings = against(config, wish, spent)
    lines = [f"{describe_cost(wish)}.", *ceilings] if ceilings else []
    if balance is not None:
        lines.append(f"Balance {money(balance)}{', too low' * (balance < wish.micro)}.")
    if config.day_usd is not None and not ceilings:
        lines.append(f"Today's budget: {left(config, spent)}.")
    ask = f"Send {counted(wish.tasks, 'request')}, {costs(wish)}?"
    return "\n".join([*lines, "Send anyway?"] if ceilings else [ask, *lines])


def left(config: Config, spent: CurrentSpending) -> str:
    """`$0.20 of $1.00 left (day_usd)`; nothing without that ceiling."""
    day, today = _ceiling(config.day_usd), spent.today + spent.live
    if day is None:
        return ""
    return (
        f"{'at most ' * (today.unknown > 0)}{money(max(0, day - today.micro))} of"
        f" {money(day)} left (day_usd)"
    )


def describe_cost(wish: CostSum) -> str:
    """The beginning of a sentence, such as `These 4 requests cost about $0.20`."""
    return (
        f"{'This request costs' if wish.tasks == 1 else f'These {wish.tasks:,} requests cost'}"
        f" {costs(wish)}"
    )


def _unknown(some: CostSum) -> str:
    return f" and {some.unknown:,} of unknown price" if some.unknown else ""


def _ceiling(usd: float | None) -> int | None:
    """In micro-dollars."""
    return None if usd is None else round(min(usd, 1e9) * 1_000_000)
