"""What a service says is kept, but not without end."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tui.catalog.load import bundled
from tui.service.raw_answer import MOST_KEPT
from tui.tasks.draft import draft
from tui.tasks.event_log import (
    FIRST_ANSWERS,
    FIRST_EVENTS,
    MOST_ANSWERS,
    MOST_EVENTS,
)
from tui.tasks.store import Entry, Store
from tui.tasks.task import Task

Say = Callable[[str, str], None]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "queue.db")
    yield store
    store.close()


@pytest.fixture
def task(tmp_path: Path) -> Task:
    model = bundled().find("z-image")
    return draft(model, {"prompt": "a fox"}, base_url="", out_dir=tmp_path)


def said(store: Store, task: Task, events: list[tuple[str, str]]) -> list[str]:
    """Saves these events in one transaction; returns the answers that are kept."""
    store.save_all([Entry(task, event, raw) for event, raw in events])
    return [raw for _, _, raw in store.events(task.id)]


def test_a_long_answer_is_cut_and_says_so(store: Store, task: Task) -> None:
    (raw,) = said(store, task, [("polled", "x" * 4_000_000)])
    assert len(raw) < MOST_KEPT + 100
    assert raw.startswith("x" * MOST_KEPT)
    assert raw.endswith("\n… 3,936,000 more characters were not kept.")


def test_an_answer_of_just_that_length_is_whole(store: Store, task: Task) -> None:
    assert said(store, task, [("polled", "x" * MOST_KEPT)]) == ["x" * MOST_KEPT]


def test_the_same_answer_is_kept_once(store: Store, task: Task) -> None:
    events = [("a", "1"), ("b", "1"), ("c", ""), ("d", "1"), ("e", "2"), ("f", "1")]
    assert said(store, task, events) == ["1", "", "", "", "2", "1"]


def test_the_first_and_the_latest_answers_stay(store: Store, task: Task) -> None:
    raws = said(store, task, [(f"{at}", f"answer {at}") for at in range(50)])
    kept = [at for at, raw in enumerate(raws) if raw == f"answer {at}"]
    latest = MOST_ANSWERS - FIRST_ANSWERS
    assert kept == [*range(FIRST_ANSWERS), *range(50 - latest, 50)]
    assert len(raws) == 50


def test_the_first_and_the_latest_events_stay(store: Store, task: Task) -> None:
    number = MOST_EVENTS + 77
    said(store, task, [(f"{at}", "") for at in range(number)])
    latest = MOST_EVENTS - FIRST_EVENTS
    expected = [*range(FIRST_EVENTS), *range(number - latest, number)]
    assert [event for _, event, _ in store.events(task.id)] == [
        str(at) for at in expected
    ]


def test_a_task_that_is_talked_about_for_ever_stays_small(
    store: Store, task: Task, tmp_path: Path
) -> None:
    for round_ in range(4):
        long = "x" * 200_000
        said(store, task, [(f"{at}", f"{round_} {at} {long}") for at in range(25)])
    store.close()
    assert (tmp_path / "queue.db").stat().st_size < 4_000_000


def test_what_is_imported_is_bounded_too(store: Store, task: Task) -> None:
    events = [(float(at), f"{at}", f"{at}" + "x" * 70_000) for at in range(250)]
    store.add_missing([(task, events)])
    found = store.events(task.id)
    assert len(found) == MOST_EVENTS
    assert sum(len(raw) for _, _, raw in found) < MOST_ANSWERS * (MOST_KEPT + 100)
    assert (found[0][1], found[-1][1]) == ("0", "249")
