"""Ceilings on spending: passed, or not; an unknown price is never taken for nothing."""

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tui.settings.config import Config
from tui.spending import ceilings
from tui.tasks.ceilings import (
    CeilingError,
    Ceilings,
    Passed,
    Verdict,
    Wanted,
    describe_total,
)
from tui.tasks.ledger import CostSum, CurrentSpending
from tui.tasks.store import Store
from tui.tasks.task import Status, Task

PRICES = st.lists(st.none() | st.integers(0, 10**9), min_size=1, max_size=20)
OF_DAY = "of $1.00 is spent or on its way (day_usd)."
DAY_AGO = 86_400.0
_ids = itertools.count()


def make(**fields: Any) -> Task:
    known: dict[str, Any] = {
        "id": f"0000000000{next(_ids):04}",
        "action": "text_to_image",
        "model": "z-image",
        "service": "z_image",
        "base_url": "https://runapi.ai",
        "route": "unified",
        "values": {"prompt": "a fox"},
        "created_at": time.time(),
    }
    return Task(**(known | fields))


def paid(micro: int | None, **fields: Any) -> Task:
    return make(**{"status": Status.COMPLETED, "cost_micro": micro, **fields})


def on_its_way(micro: int | None, **fields: Any) -> Task:
    return make(**{"status": Status.PROCESSING, "estimate_micro": micro, **fields})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "queue.db")
    yield store
    store.close()


def judged(store: Store, prices: list[int | None], most: Ceilings) -> list[str]:
    """What is said of a new job of these prices."""
    wanted = [Wanted("a new job", "z-image", price) for price in prices]
    return [str(passed) for passed in store.judge(wanted, most).passed]


@pytest.mark.parametrize(
    ("prices", "spent", "told"),
    [
        ([50_000], [], []),
        ([500_000], [], []),
        ([250_000, 250_001], [], ["A job may cost $0.50 (job_usd)."]),
        ([None], [], ["A job may cost $0.50 (job_usd).", f"Today $0.00 {OF_DAY}"]),
        ([200_000], [paid(700_000), on_its_way(100_000)], []),
        ([200_001], [paid(700_000), on_its_way(100_000)], [f"Today $0.80 {OF_DAY}"]),
        (
            [1],
            [paid(None), on_its_way(None)],
            [f"Today $0.00 and 2 of unknown price {OF_DAY}"],
        ),
    ],
)
def test_ceilings(
    store: Store, prices: list[int | None], spent: list[Task], told: list[str]
) -> None:
    store.add_missing((task, []) for task in spent)
    most = ceilings.of(Config(job_usd=0.5, day_usd=1.0))
    assert judged(store, prices, most) == told
    assert judged(store, prices, ceilings.of(Config())) == []


@pytest.mark.parametrize(
    ("task", "counts"),
    [
        (paid(90_000), 90_000),
        (paid(0, estimate_micro=50_000), 0),
        (paid(None, estimate_micro=50_000), 50_000),
        (paid(90_000, deleted=True), 90_000),
        (paid(90_000, base_url="https://WWW.runapi.ai.:443/v1"), 90_000),
        (paid(90_000, profile="work"), 90_000),
        (paid(90_000, created_at=time.time() - DAY_AGO), 0),
        (paid(90_000, created_at=time.time() - DAY_AGO, sent_at=time.time()), 90_000),
        (make(status=Status.FAILED, estimate_micro=50_000), 0),
        (make(status=Status.FAILED, cost_micro=70_000), 70_000),
        (make(estimate_micro=50_000), 50_000),
        (make(estimate_micro=50_000, watched=False), 0),
        # Sent yesterday, and not ended yet
        (on_its_way(50_000, sent_at=time.time() - DAY_AGO), 50_000),
        # A charge so far is no charge for less
        (on_its_way(50_000, cost_micro=0), 50_000),
        (on_its_way(50_000, cost_micro=80_000), 80_000),
    ],
)
def test_what_counts_for_the_day(store: Store, task: Task, counts: int) -> None:
    store.add_missing([(task, [])])
    price = 10_000
    assert judged(store, [price], Ceilings(day=counts + price)) == []
    assert judged(store, [price], Ceilings(day=counts + price - 1)) != []
    assert store.spent("https://runapi.ai").day == CostSum(
        int(counts > 0 or task.cost_micro == 0), counts
    )


def test_a_job_counts_whole(store: Store) -> None:
    store.add_missing(
        (task, [])
        for task in (
            paid(30_000, job="one", created_at=1.0),
            on_its_way(20_000, job="one"),
            make(estimate_micro=10_000, job="one"),
            paid(900_000, job="two"),
            paid(900_000),
        )
    )

    def said(job: str, *prices: int) -> list[str]:
        wanted = [Wanted(job, "imagen-4", price) for price in prices]
        verdict = store.judge(wanted, Ceilings(job=100_000))
        return [str(passed) for passed in verdict.passed]

    assert said("one", 40_000) == said("", 90_000, 90_000) == []
    assert said("one", 20_000, 20_001) == [
        "This job may cost $0.10, and $0.06 is spent or on its way (job_usd)."
    ]
    assert said("", 90_000, 100_001) == ["A job may cost $0.10 (job_usd)."]


def test_a_charge_above_the_estimate_counts_for_the_rest_of_its_job(
    store: Store,
) -> None:
    store.add_missing(
        (task, [])
        for task in (
            paid(70_000, estimate_micro=10_000, job="one"),
            paid(0, estimate_micro=20_000, job="one", status=Status.FAILED),
            paid(60_000, estimate_micro=0),
        )
    )

    def cost(job: str, price: int, model: str = "z-image") -> int:
        wanted = [Wanted(job, model, price)]
        return store.judge(wanted, Ceilings(job=1, day=1)).cost.micro

    assert cost("one", 10_000) == 70_000
    assert cost("one", 20_000) == 20_000
    assert cost("one", 10_000, "imagen-4") == cost("two", 10_000) == 10_000
    # A price of 0 is no price: what was charged today for the same is one.
    assert cost("", 0) == cost("two", 0) == 60_000


def test_all_are_written_or_none_and_the_error_has_the_numbers(store: Store) -> None:
    most = Ceilings(day=20_000)
    three = [make(estimate_micro=10_000, job="one") for _ in range(3)]
    with pytest.raises(CeilingError) as error:
        store.add_missing(((task, []) for task in three), most=most)
    passed = Passed("day_usd", 20_000, CostSum())
    assert error.value.verdict == Verdict(CostSum(3, 30_000, 30_000), (passed,))
    assert store.search() == []
    assert store.add_missing(((task, []) for task in three[:2]), most=most) == 2
    with pytest.raises(CeilingError, match=r"Today \$0.02 of \$0.02"):
        store.add_missing([(make(estimate_micro=1), [])], most=most)
    agreed = make(estimate_micro=None, over_ceiling=True)
    assert store.add_missing([(agreed, [])], most=most) == 1


def test_a_job_is_read_from_indexes_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However large the history is, no task's own row is read, and no row is sorted by
    the day; the job's sums are read once for all its tasks.
    """
    asked: list[tuple[str, tuple[object, ...]]] = []
    read = store._read

    def noted(query: str, *values: object) -> list[Any]:
        asked.append((query, values))
        return read(query, *values)

    monkeypatch.setattr(store, "_read", noted)
    tasks = [make(estimate_micro=10_000, job="one") for _ in range(100)]
    store.add_missing(((task, []) for task in tasks), most=Ceilings(10**9, 10**9))
    assert len(asked) == 2
    for query, values in asked:
        plan = [row[3] for row in read(f"explain query plan {query}", *values)]
        found = [step for step in plan if "tasks" in step]
        assert found
        assert all("SEARCH tasks USING COVERING INDEX" in step for step in found), plan


def test_the_question_names_price_ceilings_and_balance() -> None:
    wish = ceilings.estimated_total([600_000, 600_000, None])
    spent = CostSum(2, 800_000)
    passed = (
        Passed("job_usd", 1_000_000, CostSum()),
        Passed("day_usd", 1_000_000, spent),
    )
    assert ceilings.question(Verdict(wish, passed), 20_000, "").splitlines() == [
        "These 3 requests cost about $1.20 and 1 of unknown price.",
        "A job may cost $1.00 (job_usd).",
        "Today $0.80 of $1.00 is spent or on its way (day_usd).",
        "Balance $0.02, too low.",
        "Send anyway?",
    ]
    standing = CurrentSpending(
        today=CostSum(), month=CostSum(), live=CostSum(), day=spent
    )
    budget = ceilings.budget_left(Config(job_usd=1, day_usd=1), standing)
    wish = ceilings.estimated_total([1_000] * 9)
    assert ceilings.question(Verdict(wish, ()), 5_000_000, budget).splitlines() == [
        "Send 9 requests, about $0.009?",
        "Balance $5.00.",
        "Today's budget: $0.20 of $1.00 left (day_usd).",
    ]
    unknown = Verdict(ceilings.estimated_total([None]), ())
    assert ceilings.question(unknown, None, "") == "Send 1 request, an unknown sum?"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PRICES, st.integers(0, 10**9), st.data())
def test_what_stays_below_is_exactly_what_is_known_to(
    store: Store, prices: list[int | None], ceiling: int, data: st.DataObject
) -> None:
    fits = None not in prices and sum(price or 0 for price in prices) <= ceiling
    most = ceilings.of(Config(day_usd=ceiling / 1_000_000))
    assert (not judged(store, prices, most)) == fits
    wish = ceilings.estimated_total(prices)
    assert ceilings.estimated_total(data.draw(st.permutations(prices))) == wish
    assert None not in prices or "unknown" in describe_total(wish)
