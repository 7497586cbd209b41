"""How long a task usually takes is what the latest ones of its kind took."""

import time
from pathlib import Path
from typing import Any

import pytest

from tests.app import past
from tui.tasks.durations import Durations, Span
from tui.tasks.store import Store
from tui.tasks.task import Status, Task, new_id

NOW = time.time()


def took(seconds: float, **fields: Any) -> Task:
    return past("a fox", sent_at=NOW, finished_at=NOW + seconds, **fields)


def learned(*seconds: float, **fields: Any) -> Durations:
    durations = Durations()
    durations.learn(took(each, **fields) for each in seconds)
    return durations


def running(**fields: Any) -> Task:
    return past("an owl", Status.PROCESSING, sent_at=NOW, **fields)


def test_three_tasks_are_enough_and_two_are_not() -> None:
    assert learned(9, 14).usual(running()) is None
    assert learned(9, 14, 11).usual(running()) == Span(9, 14)


def test_the_slowest_and_the_quickest_tenth_do_not_count() -> None:
    assert learned(1, 500, *range(9, 17)).usual(running()) == Span(9, 16)


def test_only_the_latest_fifty_count() -> None:
    assert learned(*[100] * 50, *[10] * 50).usual(running()) == Span(10, 10)


def test_the_order_of_reading_does_not_matter() -> None:
    tasks = [*(took(100) for _ in range(50)), *(took(10) for _ in range(50))]
    durations = Durations()
    durations.learn(reversed(tasks))
    assert durations.usual(running()) == Span(10, 10)


def test_a_model_says_nothing_of_another() -> None:
    durations = learned(9, 10, 11)
    assert durations.usual(running(model="z-image")) is None
    assert durations.usual(running(action="edit_image")) is None


def test_the_same_resolution_says_more_than_the_model() -> None:
    large = {"prompt": "a fox", "output_resolution": "2k"}
    durations = learned(5, 5, 5)
    durations.learn(took(20, values=large) for _ in range(2))
    assert durations.usual(running(values=large)) == Span(5, 20)
    durations.note(took(22, values=large))
    assert durations.usual(running(values=large)) == Span(20, 22)
    assert durations.usual(running()) == Span(5, 5)


@pytest.mark.parametrize(
    "fields",
    [
        {"status": Status.FAILED},
        {"imported": True},
        {"sent_at": 0},
        {"finished_at": NOW + 90_000},
        {"finished_at": NOW - 5},
    ],
)
def test_what_says_nothing_is_left_out(fields: dict[str, Any]) -> None:
    durations = Durations()
    known: dict[str, Any] = {"sent_at": NOW, "finished_at": NOW + 5} | fields
    durations.learn(past("a fox", **known) for _ in range(5))
    assert durations.usual(running()) is None


def test_a_task_counts_once_however_often_it_changes() -> None:
    durations = Durations()
    task = took(9)
    for _ in range(5):
        durations.note(task.change(favourite=True))
    assert durations.usual(running()) is None


def test_a_history_is_learned_by_what_the_queue_finds(tmp_path: Path) -> None:
    store = Store(tmp_path / "queue.db")
    tasks = [took(seconds, id=new_id(), cleared=True) for seconds in (4, 5, 6)]
    store.add_missing((task, []) for task in tasks)
    durations = Durations()
    durations.learn(store.search("status:completed"))
    store.close()
    assert durations.usual(running()) == Span(4, 6)


@pytest.mark.parametrize(
    ("span", "long", "short"),
    [
        (Span(9.4, 13.6), "9 to 14 s", "9–14 s"),
        (Span(5, 5.2), "5 s", "5 s"),
        (Span(0.1, 0.2), "1 s", "1 s"),
        (Span(60, 119), "60 to 119 s", "60–119 s"),
        (Span(65, 125), "1 to 3 min", "1–3 min"),
        (Span(20, 170), "1 to 3 min", "1–3 min"),
        (Span(600, 600), "10 min", "10 min"),
    ],
)
def test_a_span_in_words(span: Span, long: str, short: str) -> None:
    assert str(span) == long
    assert span.short == short
