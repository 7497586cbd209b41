"""The facts about a task in one line: what matters least goes first."""

import time
from typing import Any

import pytest
from rich.cells import cell_len

from tests.app import past
from tui.tasks.durations import Span
from tui.tasks.task import Problem, Result, Status, Task
from tui.widgets.facts import facts_line, running_line, task_facts

NOW = time.time()
SQUARE = Result(url="", path="/tmp/a.png", format="PNG", width=1024, height=1024)
WIDE = Result(url="", path="/tmp/a.webp", format="WEBP", width=1536, height=1024)
WHOLE = "5 s · $0.05 · seed 4711 · 1024² PNG · saved"


def made(result: Result = SQUARE, **fields: Any) -> Task:
    known: dict[str, Any] = {
        "results": (result,),
        "sent_at": NOW - 60,
        "finished_at": NOW - 55,
        "values": {"prompt": "a fox", "seed": 4711},
    }
    return past("a fox", **known | fields)


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (80, WHOLE),
        (43, WHOLE),
        (42, "5 s · $0.05 · seed 4711 · 1024² PNG"),
        (34, "5 s · $0.05 · 1024² PNG"),
        (22, "5 s · $0.05 · 1024²"),
        (18, "5 s · $0.05"),
        (10, "$0.05"),
        (4, "$0.…"),
    ],
)
def test_the_line_is_cut_by_what_matters_least(width: int, line: str) -> None:
    assert facts_line(made(), 0, "", width) == line


def test_which_of_several_it_is_comes_first_and_stays() -> None:
    assert facts_line(made(), 0, "1/4", 80) == f"1/4  {WHOLE}"
    assert facts_line(made(), 0, "1/4", 18) == "1/4  5 s · $0.05"


def test_a_picture_that_is_no_square_has_both_sides() -> None:
    assert "1536×1024 WEBP" in facts_line(made(WIDE), 0, "", 80)


def test_an_unsaved_result_says_until_when_it_can_be_fetched() -> None:
    task = made(Result(url="https://x/a.png"), made_at=NOW - 86400)
    assert "expires in 5d" in facts_line(task, 0, "", 80)
    assert "saved" not in facts_line(task, 0, "", 80)
    assert "expires in" in facts_line(task, 0, "", 22)


def test_what_is_partly_done_says_why_as_far_as_there_is_room() -> None:
    task = made(error=Problem("empty", "Two of [four] images were [/] refused."))
    assert facts_line(task, 0, "", 200).startswith(
        "● partly done · Two of [four] images were [/] refused. · 5 s"
    )
    assert facts_line(task, 0, "", 24) == "● partly done · $0.05"


@pytest.mark.parametrize("width", range(60))
def test_no_line_is_longer_than_its_room(width: int) -> None:
    task = made(error=Problem("x", "夜市的霓虹燈 " * 20), made_at=NOW)
    assert cell_len(facts_line(task, 0, "", width)) <= width
    assert cell_len(running_line(running(), Span(9, 14), width)) <= width


def running(seconds: float = 9.5, **fields: Any) -> Task:
    return past("a fox", Status.PROCESSING, sent_at=time.time() - seconds, **fields)


def test_what_runs_says_how_long_it_usually_takes() -> None:
    line = running_line(running(), Span(9, 14), 60)
    assert line == "◑ 9 s, usually 9 to 14 s"
    assert running_line(running(), Span(9, 14), 20) == "◑ 9 s of 9–14 s"
    assert running_line(running(), None, 60) == "◑ processing · 9 s"
    assert running_line(running(65.5), None, 60) == "◑ processing · 1 min 05 s"


def test_what_waits_says_what_for() -> None:
    held = past("a fox", Status.HELD, note="The queue is paused.")
    assert running_line(held, Span(9, 14), 60) == "○ held · The queue is paused."
    assert running_line(held, Span(9, 14), 10) == "○ held"


def test_all_facts_are_text_without_anything_to_obey() -> None:
    task = past("a \x1b[2Jfox", values={"prompt": "a \x1b[2Jfox", "a\nb": "\x07"})
    facts = dict(task_facts(task))
    assert facts["prompt"] == "a fox"
    assert facts["a b"] == ""
