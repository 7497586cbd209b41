"""Spending: every task counts once, by its cost or estimate, on its local day."""

import itertools
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tui.tasks import ledger, schema
from tui.tasks.ledger import CostSource, CostSum, cost_of
from tui.tasks.store import Store
from tui.tasks.task import Status, Task

URL = "https://runapi.ai"
BERLIN = ZoneInfo("Europe/Berlin")
_ids = itertools.count()


def make(**fields: Any) -> Task:
    known: dict[str, Any] = {
        "id": f"0000000000{next(_ids):04}",
        "action": "text_to_image",
        "model": "z-image",
        "service": "z_image",
        "base_url": URL,
        "route": "unified",
        "values": {"prompt": "a fox"},
        "status": Status.COMPLETED,
        "created_at": time.time(),
        "cost_micro": 10_000,
    }
    return Task(**(known | fields))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "queue.db")
    yield store
    store.close()


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


S = Status


@pytest.mark.parametrize(
    ("fields", "kind", "micro"),
    [
        ({"cost_micro": 70_000, "estimate_micro": 50_000}, CostSource.BILLED, 70_000),
        ({"cost_micro": 0, "estimate_micro": 50_000}, CostSource.BILLED, 0),
        ({"cost_micro": None, "estimate_micro": 50_000}, CostSource.ESTIMATED, 50_000),
        ({"cost_micro": None}, CostSource.ESTIMATED, None),
        ({"cost_micro": None, "estimate_micro": 0}, CostSource.ESTIMATED, 0),
        (
            {"status": S.FAILED, "cost_micro": None, "estimate_micro": 50_000},
            None,
            None,
        ),
        ({"status": S.FAILED, "cost_micro": 20_000}, CostSource.BILLED, 20_000),
        # Made, but not saved.
        (
            {
                "status": S.FAILED,
                "made_at": 5.0,
                "cost_micro": None,
                "estimate_micro": 50_000,
            },
            CostSource.ESTIMATED,
            50_000,
        ),
        (
            {"status": S.REJECTED, "cost_micro": None, "estimate_micro": 50_000},
            None,
            None,
        ),
        (
            {"status": S.DROPPED, "cost_micro": None, "estimate_micro": 50_000},
            None,
            None,
        ),
        (
            {"status": S.EXPIRED, "cost_micro": None, "estimate_micro": 50_000},
            CostSource.ESTIMATED,
            50_000,
        ),
        (
            {"status": S.HELD, "cost_micro": None, "estimate_micro": 50_000},
            CostSource.LIVE,
            50_000,
        ),
        ({"status": S.PENDING, "cost_micro": None}, CostSource.LIVE, None),
        # Set aside: billed nevertheless if it was sent.
        (
            {
                "status": S.PENDING,
                "watched": False,
                "cost_micro": None,
                "estimate_micro": 5,
            },
            CostSource.ESTIMATED,
            5,
        ),
        (
            {
                "status": S.HELD,
                "watched": False,
                "cost_micro": None,
                "estimate_micro": 5,
            },
            None,
            None,
        ),
        ({"status": S.FETCHING, "cost_micro": 30_000}, CostSource.BILLED, 30_000),
    ],
)
def test_what_a_task_counts_for(
    fields: dict[str, Any], kind: CostSource | None, micro: int | None
) -> None:
    assert cost_of(make(**fields))[1:] == (kind, micro)


def test_the_books(store: Store) -> None:
    store.add_missing(
        (task, [])
        for task in (
            make(),
            make(model="imagen-4", cost_micro=80_000, deleted=True),
            make(
                model="imagen-4", cost_micro=None, estimate_micro=80_001, cleared=True
            ),
            make(model="flux-2-max", cost_micro=None),
            make(status=S.FAILED, cost_micro=None, estimate_micro=10_000),
            make(status=S.PROCESSING, cost_micro=None, estimate_micro=10_000),
            make(status=S.HELD, cost_micro=None),
            make(base_url="http://127.0.0.1:1", cost_micro=990_000),
            make(created_at=time.time() - 400 * 86400, cost_micro=1_000_000),
        )
    )
    books = store.spending_report(URL)
    assert books.today == CostSum(4, 170_001, 80_001, 1)
    assert books.total == CostSum(5, 1_170_001, 80_001, 1)
    assert books.live == CostSum(2, 10_000, 10_000, 1)
    assert books.models == (
        ("z-image", CostSum(2, 1_010_000, 0, 0)),
        ("imagen-4", CostSum(2, 160_001, 80_001, 0)),
        ("flux-2-max", CostSum(1, 0, 0, 1)),
    )
    assert [told.average for _, told in books.models] == [505_000, 80_001, None]
    assert len(books.days) == ledger.DAYS
    assert books.days[-1][1] == books.today
    assert sum((told for _, told in books.days[:-1]), CostSum()) == CostSum()
    standing = store.spent(URL)
    assert (standing.today, standing.month, standing.live) == (
        books.today,
        books.month,
        books.live,
    )


def test_a_task_counts_as_it_stands_now(store: Store) -> None:
    task = make(status=S.PENDING, cost_micro=None, estimate_micro=50_000)
    store.save(task)
    assert (store.spent(URL).live.micro, store.spent(URL).today.tasks) == (50_000, 0)
    made = task.change(S.FETCHING, cost_micro=40_000)
    store.save(made)
    store.save(made.change(S.COMPLETED))
    assert (store.spent(URL).live.micro, store.spent(URL).today) == (
        0,
        CostSum(1, 40_000),
    )


def at(*moment: int) -> float:
    return datetime(*moment, tzinfo=BERLIN).timestamp()  # type: ignore[misc, arg-type]


def test_days_and_months_end_at_the_local_midnight(store: Store, berlin: None) -> None:
    for cost, moment in enumerate(
        [
            at(2026, 9, 30, 23, 59, 59),
            at(2026, 10, 1),
            at(2026, 10, 24, 23, 59, 59),
            at(2026, 10, 25),  # a day of 25 hours
            at(2026, 10, 25, 23, 59, 59),
            at(2026, 10, 26),
        ]
    ):
        store.save(make(created_at=moment, cost_micro=10**cost))
    # A task counts on the day on which it was sent, not queued.
    store.save(
        make(
            created_at=at(2026, 10, 24, 12),
            sent_at=at(2026, 10, 25, 12),
            cost_micro=10**7,
        )
    )
    books = ledger.spending_report(store._read, URL, at(2026, 10, 25, 12))
    assert books.today.micro == 10_011_000
    assert books.month.micro == 10_011_110
    assert books.total.micro == 10_111_111
    days = {f"{day:%m-%d}": told.micro for day, told in books.days if told.tasks}
    assert days == {"09-30": 1, "10-01": 10, "10-24": 100, "10-25": 10_011_000}
    assert (
        ledger.current_spending(store._read, URL, at(2026, 10, 26, 0, 0, 1)).today.micro
        == 100_000
    )
    assert ledger.current_spending(store._read, URL, at(2026, 11, 1)).month.micro == 0


_AMOUNTS = st.none() | st.integers(0, 10**12)
_TASKS = st.lists(
    st.builds(
        make,
        status=st.sampled_from(Status),
        cost_micro=_AMOUNTS,
        estimate_micro=_AMOUNTS,
        watched=st.booleans(),
        deleted=st.booleans(),
        model=st.sampled_from(["z-image", "imagen-4"]),
        created_at=st.integers(0, 45).map(lambda days: time.time() - days * 86400),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=40)
@given(_TASKS, st.randoms())
def test_sums_are_whole_complete_and_know_no_order(
    tasks: list[Task], chance: Any
) -> None:
    shuffled = [
        replace(task, id=f"0000000000{number:04}") for number, task in enumerate(tasks)
    ]
    chance.shuffle(shuffled)
    told = []
    for order in (tasks, shuffled):
        with closing(sqlite3.connect(":memory:")) as db:
            schema.prepare(db)
            rows = f"insert into tasks values ({', '.join('?' * schema.COLUMNS)})"
            db.executemany(rows, map(schema.row, order))
            told.append(
                ledger.spending_report(
                    lambda query, *values, db=db: db.execute(query, values).fetchall(),
                    URL,
                )
            )
    books = told[0]
    assert books == told[1]
    paid = [
        micro
        for task in tasks
        for _, kind, micro in [cost_of(task)]
        if kind in (CostSource.BILLED, CostSource.ESTIMATED)
    ]
    known = [micro for micro in paid if micro is not None]
    assert (books.total.tasks, books.total.micro) == (len(paid), sum(known))
    assert books.total.unknown == len(paid) - len(known)
    assert type(books.total.micro) is int
    assert sum((spent for _, spent in books.models), CostSum()) == books.total
    assert books.today.micro <= books.month.micro <= books.total.micro
    for some in (books.today, books.total, books.live):
        assert not some.unknown or "unknown" in str(some)
        assert not some.unknown or some.micro or "$0.00" not in str(some)


def test_no_cost_is_too_large_for_the_sum(store: Store) -> None:
    store.add_missing((make(cost_micro=10**15), []) for _ in range(3))
    assert store.spending_report(URL).total.micro == 3 * 10**12
