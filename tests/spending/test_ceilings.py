"""Ceilings on spending: passed, or not; an unknown price is never taken for nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.settings.config import Config
from tui.spending import ceilings
from tui.tasks.ledger import SpendingPart, Total

PRICES = st.lists(st.none() | st.integers(0, 10**9), min_size=1, max_size=20)

OF_DAY = "of $1.00 is spent or on its way (day_usd)."


def standing(today: int = 0, live: int = 0, unknown: int = 0) -> SpendingPart:
    return SpendingPart(
        today=Total(1, today, 0, unknown), month=Total(), live=Total(1, live, live)
    )


@pytest.mark.parametrize(
    ("prices", "spent", "told"),
    [
        ([50_000], standing(), []),
        ([500_000], standing(), []),
        ([500_001], standing(), ["A job may cost $0.50 (job_usd)."]),
        (
            [None],
            standing(),
            ["A job may cost $0.50 (job_usd).", f"Today $0.00 {OF_DAY}"],
        ),
        ([200_000], standing(700_000, 100_000), []),
        ([200_001], standing(700_000, 100_000), [f"Today $0.80 {OF_DAY}"]),
        ([1], standing(0, 0, 2), [f"Today $0.00 and 2 of unknown price {OF_DAY}"]),
    ],
)
def test_ceilings(
    prices: list[int | None], spent: SpendingPart, told: list[str]
) -> None:
    config = Config(job_usd=0.5, day_usd=1.0)
    assert ceilings.exceeded(config, ceilings.estimated_total(prices), spent) == told
    assert ceilings.exceeded(Config(), ceilings.estimated_total(prices), spent) == []


def test_the_question_names_price_ceilings_and_balance() -> None:
    config = Config(job_usd=1, day_usd=1)
    wish = ceilings.estimated_total([600_000, 600_000, None])
    assert ceilings.question(config, wish, standing(800_000), 20_000).splitlines() == [
        "These 3 requests cost about $1.20 and 1 of unknown price.",
        "A job may cost $1.00 (job_usd).",
        "Today $0.80 of $1.00 is spent or on its way (day_usd).",
        "Balance $0.02, too low.",
        "Send anyway?",
    ]
    assert ceilings.question(
        config, ceilings.estimated_total([1_000] * 9), standing(800_000), 5_000_000
    ).splitlines() == [
        "Send 9 requests, about $0.009?",
        "Balance $5.00.",
        "Today's budget: $0.20 of $1.00 left (day_usd).",
    ]
    assert (
        ceilings.question(Config(), ceilings.estimated_total([None]), standing(), None)
        == "Send 1 request, an unknown sum?"
    )


@given(PRICES, st.integers(0, 10**9), st.integers(0, 10**9), st.data())
def test_what_stays_below_is_exactly_what_is_known_to(
    prices: list[int | None], today: int, ceiling: int, data: st.DataObject
) -> None:
    config, spent = Config(day_usd=ceiling / 1_000_000), standing(today)
    wish = ceilings.estimated_total(prices)
    fits = None not in prices and today + sum(price or 0 for price in prices) <= ceiling
    assert (not ceilings.exceeded(config, wish, spent)) == fits
    assert ceilings.estimated_total(data.draw(st.permutations(prices))) == wish
    assert None not in prices or "unknown" in ceilings.describe_total(wish)
