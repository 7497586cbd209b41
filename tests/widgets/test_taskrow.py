"""How tasks and jobs read in a row."""

import time
from typing import Any

import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from tests.app import past
from tui.tasks.durations import Span
from tui.tasks.task import LIVE, Problem, Result, SetAside, Status, Task
from tui.widgets import taskrow
from tui.widgets.job import Job
from tui.widgets.task_actions import TaskAction, allowed_actions
from tui.widgets.taskrow import (
    Needs,
    column_widths,
    fit,
    fit_name,
    made,
    progress_time,
    row,
    status_style,
)

S = Status
NOW = time.mktime((2026, 11, 21, 12, 0, 0, 0, 0, -1))
UNSAVED = (Result(url="https://x/1.png"),)
SAVED = (Result(url="https://x/1.png", path="/tmp/1.png"),)
_TOLD_APART = 12
BAD = Problem("failed", "No picture came of it.")


@pytest.mark.parametrize(
    ("task", "shown"),
    [
        (past("x", S.HELD), "○ held"),
        (past("x", S.HELD, error=BAD), "! needs you"),
        (past("x", S.PROCESSING, progress="45%"), "◑ 45%"),
        (past("x", S.PENDING, quiet=True), "◔ quiet"),
        (past("x", S.PENDING, watched=False), "◇ unwatched"),
        (past("x", S.SUBMITTING, watched=False), "◇ unwatched"),
        (past("x"), "● completed"),
        (past("x", error=Problem("empty", "No picture.")), "● no image"),
        (past("x", S.EXPIRED), "✗ expired"),
        (past("x", S.DROPPED), "– dropped"),
    ],
)
def test_a_state_is_a_glyph_and_a_word(task: Task, shown: str) -> None:
    assert " ".join(status_style(task)[:2]) == shown


@pytest.mark.parametrize("status", S)
def test_what_is_sent_is_never_dropped_and_what_lives_never_deleted(
    status: Status,
) -> None:
    for watched in (True, False):
        able = allowed_actions(past("x", status, watched=watched))
        assert ("drop" in able) is (status is S.HELD)
        assert ("delete" in able) is (status not in LIVE)
        assert "retry" not in able or status not in (*LIVE, S.COMPLETED)
        assert ("edit" in able) is (status is S.HELD and watched)


@pytest.mark.parametrize(
    ("task", "told"),
    [
        (past("x"), "$0.05"),
        (past("x", cost_micro=None), "~$0.05"),
        (past("x", S.HELD, estimate_micro=None), "?"),
        (past("x", S.REJECTED), "–"),
        (past("x", S.FAILED), "–"),
        (past("x", S.FAILED, cost_micro=20_000), "$0.02"),
        (past("x", S.EXPIRED), "~$0.05"),
    ],
)
def test_costs_are_told_as_what_they_are(task: Task, told: str) -> None:
    assert row(task, "", "").cost == told
    job = Job("job")
    job.update(task)
    assert job.row("", False, "", "").cost == told


@pytest.mark.parametrize(
    ("costs", "told"),
    [
        ([50_000, None], "$0.05+?"),
        ([None], "?"),
        ([1], "$0.00"),
        ([12_345_678], "$12.35"),
        ([123_450_000, None], "$123+?"),
        ([12_345_678_900], "$12346"),
    ],
)
def test_what_a_job_costs_fits_its_column(costs: list[int | None], told: str) -> None:
    job = Job("job")
    for cost in costs:
        job.update(past("x", cost_micro=cost, estimate_micro=None))
    assert job.row("", False, "", "").cost == told


@pytest.mark.parametrize(
    ("age", "told"),
    [
        (0, "12:00"),
        (12 * 3600, "00:00"),
        (13 * 3600, "20 Nov"),
        (20 * 86400, "1 Nov"),
        (400 * 86400, "2025-10"),
    ],
)
def test_when_a_task_was_made(
    age: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.localtime
    monkeypatch.setattr(time, "localtime", lambda moment=NOW: now(moment))
    assert made(past("x", created_at=NOW - age)) == told


def test_what_can_still_be_lost_is_told_before_anything_else() -> None:
    task = past(
        "x",
        S.FETCHING,
        results=UNSAVED,
        made_at=time.time() - 6 * 86400,
        note="The disk is full.",
    )
    assert row(task, "", "").problem.startswith("Expires in 23h 59m. The disk")
    assert row(replace(task, results=SAVED), "", "").problem == "The disk is full."


@pytest.mark.parametrize(
    ("text", "room", "shown"),
    [
        ("fox", 4, "fox "),
        ("fox", 3, "f… "),
        ("fox", 6, "fox   "),
        ("狐の森", 7, "狐の森 "),
        ("狐の森", 6, "狐の… "),
        ("狐の森", 5, "狐…  "),
        ("a fox runs", 7, "a fox… "),
        ("a fox runs", 8, "a fox… "),
        ("x", 1, " "),
        ("x", 0, ""),
        ("", 3, "   "),
        ("👩‍👩‍👧 fox", 5, None),
        ("é" * 9, 5, "ééé… "),
    ],
)
def test_a_text_fills_its_room_exactly(text: str, room: int, shown: str | None) -> None:
    fitted = fit(text, room)
    assert cell_len(fitted) == room
    if shown is not None:
        assert fitted.rstrip() == shown.rstrip()
    assert cell_len(fit(text, room, right=True)) == room


@pytest.mark.parametrize("width", [0, 20, 80, 100, 300])
def test_columns_are_as_wide_as_the_row(width: int) -> None:
    assert sum(column_widths(width)) == max(width, sum(column_widths(0)))
    longest = max(
        cell_len(f"{glyph} {word}")
        for glyph, word, _ in taskrow._STATUS_STYLES.values()
    )
    assert longest + 2 < column_widths(width)[0]  # also where it is set in


def make_job(**prompts: Any) -> tuple[Job, dict[str, Task]]:
    job, tasks = Job("job"), {}
    for name, status in prompts.items():
        tasks[name] = past(name, status, job="job")
        job.update(tasks[name])
    return job, tasks


def test_a_job_counts_its_tasks() -> None:
    job, tasks = make_job(
        red=S.HELD, blue=S.PENDING, green=S.COMPLETED, pink=S.FAILED, grey=S.DROPPED
    )
    shown = job.row("Flux", False, "#7", "")
    assert (shown.glyph, shown.word, shown.prompt, shown.time) == (
        "▸",
        "1 of 5",
        "red",
        "#7",
    )
    assert shown.problem == "1 held · 1 sent · 1 failed · 1 dropped"
    assert shown.cost == "~$0.15"
    assert job.row("Flux", True, "", "").time == ""
    job.update(tasks["red"].change(S.DROPPED))
    job.update(tasks["blue"].change(S.FETCHING).change(S.COMPLETED, cost_micro=70_000))
    shown = job.row("Flux", False, "", "")
    assert (shown.word, shown.problem, shown.cost) == (
        "2 of 5",
        "1 failed · 2 dropped",
        "$0.12",
    )


def test_a_job_tells_what_was_set_aside_from_what_waits() -> None:
    job, tasks = make_job(red=S.HELD, blue=S.HELD, green=S.PENDING)
    job.update(tasks["red"].change(watched=False, set_aside=SetAside.INTERRUPTED))
    assert job.row("Flux", False, "", "").problem == "1 held · 1 set aside · 1 sent"
    assert [task.prompt for task in job.tasks_allowing(TaskAction.SEND)] == ["red"]
    assert [task.prompt for task in job.tasks_allowing(TaskAction.STOP)] == ["green"]
    job.update(tasks["red"].change(S.DROPPED))
    assert job.row("Flux", False, "", "").problem == "1 held · 1 sent · 1 dropped"


def test_a_job_offers_what_can_be_done_with_one_of_its_tasks() -> None:
    job, tasks = make_job(red=S.HELD, blue=S.HELD, green=S.COMPLETED)
    assert job.allowed >= {"drop", "next", "delete", "favourite"}
    assert not job.allowed & {"edit", "sooner", "later", "retry", "stop"}
    assert [task.prompt for task in job.tasks_allowing(TaskAction.DROP)] == [
        "red",
        "blue",
    ]
    for name in ("red", "blue"):
        job.update(tasks[name].change(S.DROPPED))
    assert not job.allowed & {"drop", "next"}
    assert [task.prompt for task in job.tasks_allowing(TaskAction.RETRY)] == [
        "red",
        "blue",
    ]


def test_what_was_retried_counts_and_is_paid_once() -> None:
    job, tasks = make_job(red=S.FAILED, blue=S.COMPLETED)
    again = past("red", S.FAILED, job="job", retry_of=tasks["red"].id)
    for _ in range(2):
        job.update(again)
        assert job.row("", False, "", "")[1:2] + job.row("", False, "", "")[5:6] == (
            "1 of 2",
            "1 failed",
        )
        assert job.tasks_allowing(TaskAction.RETRY) == [again]
        job.remove(again.id)
        assert job.row("", False, "", "").word == "1 of 2"
        assert job.tasks_allowing(TaskAction.RETRY) == [tasks["red"]]
    job.update(again)
    job.remove(tasks["red"].id)
    assert (job.row("", False, "", "").word, job.tasks_allowing(TaskAction.RETRY)) == (
        "1 of 2",
        [again],
    )
    job.update(tasks["red"])  # undone
    assert (job.row("", False, "", "").word, job.tasks_allowing(TaskAction.RETRY)) == (
        "1 of 2",
        [again],
    )


def test_a_job_is_shown_by_its_last_image_and_waits_with_its_first_task() -> None:
    job, tasks = make_job(red=S.HELD, blue=S.HELD, green=S.HELD)
    assert job.face is tasks["green"]
    assert [turn[1] for turn in job.waiting] == [
        tasks[name].id for name in ("red", "blue", "green")
    ]
    job.update(replace(tasks["green"], rank=1.0))
    assert job.waiting[0][1] == tasks["green"].id
    done = replace(tasks["red"], status=S.COMPLETED, results=SAVED)
    job.update(done)
    assert job.face is done
    job.remove(done.id)
    assert job.face.prompt == "green"
    assert len(job.waiting) == 2


@pytest.mark.parametrize(
    ("count", "told"), [(1, "1 of 1"), (999, "999 of 999"), (10_000, "10000/10000")]
)
def test_large_jobs_fit_their_column(count: int, told: str) -> None:
    job = Job("job")
    for number in range(count):
        job.update(past("x", id=f"{number:05}", job="job"))
    shown = job.row("", False, "", "")
    assert shown.word == told
    assert cell_len(f" {shown.glyph} {shown.word}") < column_widths(80)[0]


def test_what_varies_in_a_job_is_shown_in_its_rows() -> None:
    job = Job("job")
    tasks = [
        past("a fox", values={"prompt": "a fox", "aspect_ratio": ratio, "seed": seed})
        for ratio, seed in (("1:1", 7), ("16:9", 7), ("1:1", 8))
    ]
    for task in tasks:
        job.update(task)
    assert job.variation(tasks[1]) == "16:9 · seed 7"
    assert row(tasks[1], "Flux", "", job.variation(tasks[1])).prompt == (
        "16:9 · seed 7 · a fox"
    )
    job.remove(tasks[2].id)
    assert job.variation(tasks[1]) == "16:9"


def test_several_pictures_are_counted() -> None:
    assert row(past("a fox", results=SAVED * 4), "Flux", "").prompt == "×4 a fox"
    assert row(past("a fox", results=SAVED), "Flux", "").prompt == "a fox"


def test_a_running_task_says_how_long_it_usually_takes() -> None:
    running = past("a fox", S.PROCESSING, sent_at=time.time() - 9.5)
    assert progress_time(running, Span(9, 14), 14) == "9s of 9–14 s"
    assert progress_time(running, Span(9, 14), 12) == "9s"  # the last cell is free
    assert progress_time(running, None, 14) == "9s"
    done = past("a fox", sent_at=NOW, finished_at=NOW + 5)
    assert progress_time(done, Span(9, 14), 14) == "5s"


@pytest.mark.parametrize("width", [40, 53, 66, 76, 98, 120])
@pytest.mark.parametrize("taken", [2, 61, 3599, 7300, 99 * 86400])
@pytest.mark.parametrize("span", [Span(9, 14), Span(300, 1200), None])
def test_a_time_fits_its_column(width: int, taken: int, span: Span | None) -> None:
    running = past("a fox", S.PROCESSING, sent_at=time.time() - taken)
    room = column_widths(width).time
    assert cell_len(progress_time(running, span, room)) < room


def test_columns_are_no_wider_than_what_stands_in_them() -> None:
    one = Needs(model=10, models=1, progress=False)
    several = Needs(model=10, models=2, progress=False)
    assert column_widths(76, one).model == 0  # the same in each row
    assert column_widths(76, several).model == 11
    assert column_widths(110, one).model == 11
    assert column_widths(110, Needs(model=60)).model == 22
    assert column_widths(76, one).time == 8
    assert column_widths(76, one._replace(progress=True)).time == 14


@pytest.mark.parametrize(
    ("values", "prompt"),
    [
        ({"prompt": "x"}, "x"),
        ({"prompt": "x", "+": {"style": "ink"}}, "+style · x"),
        ({"prompt": "x", "+": {"prompt": "y"}}, "+prompt · y"),
        ({"prompt": "x", "+": {}}, "not checked · x"),
    ],
)
def test_what_is_not_checked_is_marked(values: Any, prompt: str) -> None:
    assert row(past("x", values=values), "Z Image", "").prompt == prompt


@pytest.mark.parametrize("room", range(8, 24))
def test_the_ends_of_names_tell_models_apart(room: int) -> None:
    names = ["Flare", "Sunburst", "Flare Edit", "Sunburst Edit"]
    shown = {fit_name(f"GPT Image 2.5 {name}", room) for name in names}
    assert {cell_len(name) for name in shown} == {room}
    assert len(shown) == len(names) or room < _TOLD_APART
