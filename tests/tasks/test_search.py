"""What a search line finds, whatever is typed."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.tasks import schema, search
from tui.tasks.search_order import Order
from tui.tasks.store import Store
from tui.tasks.task import REJECTED, Result, Status, Task

NEW_YORK = "EST5EDT,M3.2.0,M11.1.0"


def make(name: str, prompt: str = "", **fields: Any) -> Task:
    return Task(
        **{
            "id": name,
            "action": "z_image/text_to_image",
            "model": "z-image",
            "service": "z_image",
            "base_url": "https://runapi.ai",
            "route": "unified",
            "values": {"prompt": prompt},
            "created_at": 1.0,
            **fields,
        }
    )


HISTORY = [
    make(
        "fox",
        "A red FOX, in the snow",
        status=Status.COMPLETED,
        cost_micro=30_000,
        favourite=True,
        job="j1",
        tags=("cover art", "fox"),
        values={"prompt": "A red FOX, in the snow", "seed": 4711},
        results=(Result(url="", rating=REJECTED), Result(url="", rating=4)),
    ),
    make(
        "cup",
        "Éclair und Straße",
        model="flux-2-pro",
        status=Status.FAILED,
        cost_micro=50_000,
        tags=("cover",),
        results=(Result(url="", rating=REJECTED),),
        job="j1",
    ),
    make(
        "cjk",
        "雪の中の狐、静か",
        model="flux-kontext-max",
        status=Status.PENDING,
        cleared=True,
    ),
    make(
        "odd",
        "100% \"x\" a_b \\ it's 'q'; drop table tasks;-- nul\0led model:",
        remote_id="tsk_X9",
    ),
    make("two", "in  the\nsnow: two foxes", status=Status.EXPIRED, cost_micro=0),
    make("del", "a fox that was deleted", deleted=True, favourite=True),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store(tmp_path_factory.mktemp("search") / "queue.db")
    store.add_missing((task, []) for task in HISTORY)
    yield store
    store.close()


@pytest.fixture
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", NEW_YORK)
    time.tzset()
    yield
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def names(tasks: list[Task]) -> str:
    return " ".join(sorted(task.id for task in tasks))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "cjk cup fox odd two"),
        ("   \t ", "cjk cup fox odd two"),
        # words: all of them, in any order, in prompt, model and ids
        ("fox", "fox two"),
        ("snow RED", "fox"),
        ("fox flux", ""),
        ("flux", "cjk cup"),
        ("TSK_x9", "odd"),
        # quotes
        ('"in the snow"', "fox"),
        ('"red fox', "fox"),
        ('""', "cjk cup fox odd two"),
        # letters of all kinds
        ("éclair", "cup"),
        ("ÉCLAIR", "cup"),
        ("strasse", "cup"),
        ("STRASSE", "cup"),
        ("STRAẞE", "cup"),
        ("eclair", ""),
        ("狐", "cjk"),
        ("雪の 静か", "cjk"),
        # the terms
        ("model:flux", "cjk cup"),
        ("MODEL:Flux-2", "cup"),
        ("model:flux -pro", "cup"),
        ("status:failed", "cup"),
        ("status:LIVE", "cjk odd"),
        ("status:sent", "cjk"),
        ("status:unsaved", "cup two"),
        ("status:nosuch", ""),
        ("job:j1", "cup fox"),
        ("job:j", ""),
        ("is:favourite", "fox"),
        ("is:favorite", "fox"),
        ("is:fav", "fox"),
        ("cost>0.03", "cup"),
        ("cost>$0.0299", "cup fox"),
        ("cost<0.03", "two"),
        ("cost<1 cost>0.04", "cup"),
        ('model:"flux-2" status:"failed"', "cup"),
        ("rated:4", "fox"),
        ("rated:>3", "fox"),
        ("RATED>=4", "fox"),
        ("rated<0", "cup"),
        ("rated:<=0", "cjk cup odd two"),
        ("is:rated", "fox"),
        ("is:rejected", "cup"),
        ("tag:fox", "fox"),
        ("tag:FO", ""),
        ('tag:"Cover art"', "fox"),
        ("tag:cover", "cup"),
        ("seed:4711", "fox"),
        ("seed:471", ""),
        # the order finds nothing else, and may be typed to its end
        ("fox sort:cost", "fox two"),
        ("SORT:Rating fox", "fox two"),
        ("fox sort:c", "fox two"),
        ("fox sort:", "fox two"),
        ("fox sort:size", ""),
        # still being typed
        ("fox model:", "fox two"),
        ("fox status:", "fox two"),
        ('fox status:"', "fox two"),
        ('fox job:""', "fox two"),
        ("fox is: on: before: after: cost> cost< job:", "fox two"),
        # what isn't understood is a plain word
        ("snow:", "two"),
        ("colour:red", ""),
        ("model>flux", ""),
        ("cost>much", ""),
        ("cost>nan", ""),
        ("cost>1e30", ""),
        ("cost<1e999999", ""),
        ("on:someday", ""),
        ("date:2026-13", ""),
        ("date:2026-01-01..", ""),
        ("rated:9", ""),
        ("rated:>", ""),
        ("is:nice", ""),
        ('"model:"', "odd"),
        ("' or 1=1 --", ""),
        ("'q'; drop table", "odd"),
        ("%", "odd"),
        ("0% a_b \\", "odd"),
        ("a_d", ""),
        ("nul\0led", "odd"),
        ("\0", "odd"),
        ("fox\ud800", ""),
        ("x" * 10_000, ""),
        ("fox " * 2_500, "fox two"),
        ('"' * 10_000, "cjk cup fox odd two"),
        ("model:" * 2_000, ""),
    ],
)
def test_a_line_finds(store: Store, query: str, found: str) -> None:
    assert names(store.search(query)) == found


def test_a_filter_that_is_none_is_named() -> None:
    query = (
        'fox rting:3 model:flux rated:9 rated:>3 sort:cost is: 12:30 "a:b" on:someday'
    )
    unknown = ["rting:3", "rated:9", "on:someday"]
    assert search.unknown_filters(query) == unknown


def test_words_far_behind_in_a_prompt_are_found(store: Store) -> None:
    store.save(make("far", "grass " * 600 + "needle", deleted=False))
    assert names(store.search("NEEDLE")) == "far"
    store.save(make("far", deleted=True))


@pytest.mark.usefixtures("new_york")
def test_days_begin_and_end_where_the_user_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first of November 2026 has 25 hours in New York."""
    summer, winter = timezone(timedelta(hours=-4)), timezone(timedelta(hours=-5))
    moments = {
        "a": datetime(2026, 10, 31, 23, 59, 59, tzinfo=summer),
        "b": datetime(2026, 11, 1, 0, 0, 0, tzinfo=summer),
        "c": datetime(2026, 11, 1, 23, 59, 59, tzinfo=winter),
        "d": datetime(2026, 11, 2, 0, 0, 0, tzinfo=winter),
    }
    store = Store(tmp_path / "queue.db")
    store.add_missing(
        (make(name, created_at=moment.timestamp()), [])
        for name, moment in moments.items()
    )
    monkeypatch.setattr(
        time, "time", lambda: datetime(2026, 11, 2, 0, 30, tzinfo=winter).timestamp()
    )
    for query, found in {
        "on:2026-11-01": "b c",
        "on:today": "d",
        "on:Yesterday": "b c",
        "after:2026-11-01": "b c d",
        "after:today": "d",
        "before:2026-11-01": "a",
        "before:today": "a b c",
        "after:2026-11-01 before:2026-11-02": "b c",
        "date:2026-11-01": "b c",
        "date:2026-10": "a",
        "date:2026-11": "b c d",
        "date:2026-10-31..2026-11-01": "a b c",
        "date:yesterday..today": "b c d",
        "after:2026-10": "a b c d",
        "on:9999-12-31": "",
        "on:2026-02-30": "",
        "on:2026": "",
    }.items():
        assert names(store.search(query)) == found, query
    store.close()


@pytest.mark.parametrize("query", ["", "even"])
def test_the_newest_come_first_and_pages_leave_none_out(
    tmp_path: Path, query: str
) -> None:
    store = Store(tmp_path / "queue.db")
    tasks = [
        make(f"{number * 7919 % 1000:04}", "even" if number % 2 else "EVEN odd")
        for number in range(50)
    ]
    store.add_missing((task, []) for task in tasks)
    whole = [task.id for task in store.search(query)]
    assert whole == sorted((task.id for task in tasks), reverse=True)
    assert [task.id for task in store.search(query, limit=3)] == whole[:3]
    assert store.search(query, limit=0) == []
    paged: list[str] = []
    last: Task | None = None
    while page := store.search(query, limit=7, last=last):
        last = page[-1]
        assert len(page) <= 7
        assert len(paged) < len(whole)
        paged += [task.id for task in page]
        store.save(make(f"9{len(paged):03}", "even, and made meanwhile"))
    assert paged == whole
    store.close()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "two odd fox cup cjk"),
        ("sort:cost", "cup fox two odd cjk"),
        ("sort:rating", "fox two odd cjk cup"),
        ("sort:model", "cup cjk two odd fox"),
        ("sort:date", "two odd fox cup cjk"),
        ("model:flux sort:cost", "cup cjk"),
        ("sort:cost sort:model", "cup cjk two odd fox"),
        ('sort:"cost"', "cup fox two odd cjk"),
    ],
)
def test_a_line_is_sorted(store: Store, query: str, found: str) -> None:
    assert [task.id for task in store.search(query)] == found.split()


@pytest.mark.parametrize("query", ["sort:cost", "sort:rating", "sort:model", "even"])
def test_pages_of_an_order_leave_none_out_whatever_changes(
    tmp_path: Path, query: str
) -> None:
    store = Store(tmp_path / "queue.db")
    store.add_missing(
        (
            make(
                f"{number:04}",
                "even",
                model=f"model-{number % 4}",
                cost_micro=[None, 0, 10_000, 50_000][number % 4],
                results=(Result(url="", rating=number % 7 - 1),),
            ),
            [],
        )
        for number in range(60)
    )
    whole = [task.id for task in store.search(query)]
    assert len(whole) == 60
    paged: list[str] = []
    last: Task | None = None
    while page := store.search(query, limit=7, last=last):
        paged += [task.id for task in page]
        last = page[-1]
        # It becomes the first one, or the last one, which is then found once more.
        store.save(
            last.change(
                model=f"model-{len(paged) % 2 * 9}",
                cost_micro=len(paged) % 2 * 90_000,
                results=(Result(url="", rating=len(paged) % 2 * 5),),
            )
        )
        assert len(paged) <= 2 * len(whole)
    assert list(dict.fromkeys(paged)) == whole
    store.close()


@pytest.mark.parametrize(
    ("query", "order", "line"),
    [
        ("", Order.COST, "sort:cost "),
        ("fox", Order.RATING, "sort:rating fox"),
        ("sort:rating fox", Order.MODEL, "sort:model fox"),
        ("fox  sort:c snow", Order.DATE, "fox snow"),
        ("sort: fox", Order.COST, "sort:cost fox"),
        ('sort:cost "in  the snow', Order.MODEL, 'sort:model "in  the snow'),
        ("sort:size", Order.COST, "sort:cost sort:size"),
        ('"sort:cost"', Order.COST, 'sort:cost "sort:cost"'),
    ],
)
def test_an_order_is_put_into_a_line(query: str, order: Order, line: str) -> None:
    assert search.in_order(query, order) == line
    assert search.order_of(line) is order


_PIECES = st.sampled_from(
    [*search.HELP.split(), *search._FIELDS, *"<:\"'%$ \0"]
) | st.sampled_from(
    ["live", "9999-12-31", "0001-01-01", "1e99", "-1", "inf", "snan", "?1"]
)
_ANYTHING = st.text(st.characters(categories=["L", "M", "N", "P", "S", "Z", "C"]))


@settings(deadline=None)
@given(st.lists(_PIECES | _ANYTHING, max_size=300).map("".join))
def test_nothing_that_is_typed_breaks_it(query: str) -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        schema.prepare(db)
        for now in (None, 0.0, 1.8e9):
            wanted, values = search.conditions(query, now)
            assert (
                db.execute(f"select id from tasks where {wanted}", values).fetchall()
                == []
            )


@settings(deadline=None)
@given(
    _ANYTHING.map(lambda text: text.encode(errors="replace").decode().replace('"', "")),
    st.data(),
)
def test_any_part_of_a_prompt_finds_it(prompt: str, data: st.DataObject) -> None:
    begin, end = sorted(data.draw(st.tuples(*[st.integers(0, len(prompt))] * 2)))
    with closing(sqlite3.connect(":memory:")) as db:
        schema.prepare(db)
        db.execute(
            f"insert into tasks values ({', '.join('?' * schema.COLUMNS)})",
            schema.row(make("it", prompt)),
        )
        for part in (
            prompt[begin:end],
            prompt[begin:end].swapcase() if prompt.isascii() else prompt,
        ):
            wanted, values = search.conditions(f'"{part}"')
            assert db.execute(
                f"select id from tasks where {wanted}", values
            ).fetchall() == [("it",)]
