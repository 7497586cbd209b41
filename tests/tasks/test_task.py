"""How a task's status may change, and its id."""

import time
from pathlib import Path

import pytest

from tui.catalog.load import bundled
from tui.tasks.draft import draft
from tui.tasks.task import LIVE, NEXT, SENT, Problem, Result, Status, Task, new_id

S = Status


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return draft(
        bundled().find("z-image"),
        {"prompt": "a fox"},
        base_url="https://runapi.ai",
        out_dir=tmp_path,
    )


def at(task: Task, status: Status) -> Task:
    """The task in any state, by a way that is allowed."""
    ways = {
        S.HELD: [],
        S.SUBMITTING: [S.SUBMITTING],
        S.PENDING: [S.SUBMITTING, S.PENDING],
        S.PROCESSING: [S.SUBMITTING, S.PROCESSING],
        S.FETCHING: [S.SUBMITTING, S.PENDING, S.FETCHING],
        S.COMPLETED: [S.SUBMITTING, S.PENDING, S.PROCESSING, S.FETCHING, S.COMPLETED],
        S.FAILED: [S.SUBMITTING, S.PENDING, S.FAILED],
        S.EXPIRED: [S.SUBMITTING, S.PENDING, S.EXPIRED],
        S.REJECTED: [S.SUBMITTING, S.REJECTED],
        S.DROPPED: [S.DROPPED],
    }
    for step in ways[status]:
        task = task.change(step)
    return task


@pytest.mark.parametrize("before", list(Status))
@pytest.mark.parametrize("after", list(Status))
def test_only_what_the_table_allows(task: Task, before: Status, after: Status) -> None:
    task = at(task, before)
    if after is before or after in NEXT[before]:
        assert task.change(after).status is after
    else:
        with pytest.raises(ValueError, match=f"a {before} task can't become {after}"):
            task.change(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (S.HELD, S.DROPPED),
        (S.SUBMITTING, S.HELD),
        (S.SUBMITTING, S.REJECTED),
        (S.PROCESSING, S.PENDING),
        (S.FAILED, S.FETCHING),
        (S.EXPIRED, S.PENDING),
        (S.EXPIRED, S.FETCHING),
    ],
)
def test_ways_that_must_exist(before: Status, after: Status) -> None:
    assert after in NEXT[before]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        *((sent, S.DROPPED) for sent in sorted(SENT)),
        *(
            (billed, S.HELD)
            for billed in (S.PENDING, S.PROCESSING, S.FETCHING, S.COMPLETED, S.FAILED)
        ),
        *(
            (billed, S.SUBMITTING)
            for billed in (S.PENDING, S.PROCESSING, S.FETCHING, S.COMPLETED, S.REJECTED)
        ),
        (S.HELD, S.PENDING),
        (S.PENDING, S.COMPLETED),
        (S.COMPLETED, S.FAILED),
    ],
)
def test_what_was_billed_is_never_dropped_nor_sent_again(
    before: Status, after: Status
) -> None:
    assert after not in NEXT[before]


def test_every_status_has_its_place_in_the_table() -> None:
    assert set(NEXT) == set(Status)
    assert SENT < LIVE
    assert all(NEXT[status] for status in LIVE)


def test_a_change_is_a_new_snapshot(task: Task) -> None:
    sent = task.change(S.SUBMITTING, note="On its way.")
    assert (task.status, task.note) == (S.HELD, "")
    assert (sent.status, sent.note, sent.id, sent.body, sent.key) == (
        S.SUBMITTING,
        "On its way.",
        task.id,
        task.body,
        task.key,
    )
    assert sent.updated_at >= task.updated_at


def test_a_change_of_fields_keeps_the_status(task: Task) -> None:
    completed = at(task, S.COMPLETED)
    assert completed.change(note="x").status is S.COMPLETED
    assert completed.change(note="x").finished_at == completed.finished_at


@pytest.mark.parametrize("end", [status for status in Status if status not in LIVE])
def test_an_end_has_a_time(task: Task, end: Status) -> None:
    before = time.time()
    assert before <= at(task, end).finished_at <= time.time()


@pytest.mark.parametrize("status", sorted(LIVE))
def test_what_goes_on_has_no_end(task: Task, status: Status) -> None:
    assert at(task, status).finished_at == 0


def test_the_time_of_the_end_can_be_set(task: Task) -> None:
    assert at(task, S.PENDING).change(S.FAILED, finished_at=5.0).finished_at == 5.0


def test_what_is_carried_on_by_itself(task: Task) -> None:
    assert task.live
    assert not task.change(error=Problem("validation", "No.")).live
    assert at(task, S.PENDING).change(error=Problem("network", "Hm.")).live
    assert not at(task, S.PENDING).change(watched=False).live
    assert not any(at(task, status).live for status in Status if status not in LIVE)


def test_files_are_those_that_were_saved(task: Task) -> None:
    results = (
        Result(url="a", path="/a.png"),
        Result(url="b"),
        Result(url="c", path="/c.png"),
    )
    assert task.change(results=results).files == ("/a.png", "/c.png")
    assert task.prompt == "a fox"


def test_ids_are_unique_and_sort_as_they_were_made() -> None:
    ids = [new_id() for _ in range(20_000)]
    assert len(set(ids)) == len(ids)
    assert ids == sorted(ids)


def test_ids_sort_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = []
    for moment in (
        1_700_000_000_000,
        1_700_000_000_001,
        1_800_000_000_000,
        4_000_000_000_000,
    ):
        monkeypatch.setattr(time, "time_ns", lambda moment=moment: moment * 1_000_000)
        ids.append(new_id())
    assert ids == sorted(ids)


def test_an_id_is_short_and_plain() -> None:
    assert len(new_id()) == 14
    assert new_id().isalnum()
    assert new_id().islower()
