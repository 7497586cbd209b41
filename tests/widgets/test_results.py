"""Which result the pane shows, whatever is selected, stepped to or made meanwhile."""

from typing import Any

from tests.app import past
from tui.tasks.task import Result, Status, Task
from tui.widgets.results import Results


def made(prompt: str, count: int = 1, **fields: Any) -> Task:
    results = [
        Result(url="", path=f"/tmp/{prompt}-{number}.png") for number in range(count)
    ]
    return past(prompt, results=tuple(results), **fields)


def running(prompt: str, **fields: Any) -> Task:
    return past(prompt, Status.PROCESSING, sent_at=1, **fields)


def landed(task: Task) -> Task:
    """The same task with its picture."""
    result = Result(url="", path=f"/tmp/{task.prompt}-0.png")
    return task.change(Status.FETCHING).change(Status.COMPLETED, results=(result,))


def seen(results: Results) -> str:
    """The file that is shown; in brackets if it is that of the task before."""
    shown = results.shown
    if shown is None:
        return ""
    if shown.path:
        return shown.path.removeprefix("/tmp/").removesuffix(".png")
    before = results.before
    return f"({before.path[5:-4]})" if before else f"{shown.task.prompt}?"


def test_nothing_is_shown_before_anything_was_made() -> None:
    results = Results()
    results.select_latest([])
    assert results.shown is None
    assert not results.step(1)


def test_the_newest_of_earlier_runs_is_shown_until_one_is_selected() -> None:
    results = Results()
    first, second = made("a", finished_at=1), made("b", finished_at=2)
    results.select_latest([second, first])
    assert seen(results) == "b-0"
    results.select(first)
    results.select_latest([second, first])
    assert seen(results) == "a-0"


def test_the_picture_before_stays_while_the_next_is_made() -> None:
    results = Results()
    old, new = made("old"), running("new")
    results.select(old)
    assert results.change(new) is False
    results.select(new)
    assert seen(results) == "(old-0)"
    assert not results.is_before_new
    results.change(landed(new))
    assert seen(results) == "new-0"
    assert results.news == []


def test_after_a_restart_it_is_the_newest_that_stays() -> None:
    results = Results()
    new = running("new")
    for task in (made("b", finished_at=9), made("a", finished_at=5), new):
        results.change(task)
    results.select(new)
    assert seen(results) == "(b-0)"


def test_without_any_picture_there_is_none_to_stay() -> None:
    results = Results()
    results.select(running("new"))
    assert seen(results) == "new?"


def test_what_ended_without_a_picture_is_not_hidden_behind_another() -> None:
    results = Results()
    results.select(made("old"))
    results.select(past("bad", Status.FAILED))
    assert seen(results) == "bad?"


def test_what_comes_while_another_is_looked_at_is_news_until_it_is_seen() -> None:
    results = Results()
    old, new = made("old"), running("new")
    results.change(new)
    results.select(old)
    done = landed(new)
    assert results.change(done) is True
    assert seen(results) == "old-0"
    assert results.news == [new.id]
    assert results.show_news() == done
    assert results.news == []
    results.select(done)
    assert seen(results) == "new-0"


def test_news_is_over_once_it_was_selected() -> None:
    results = Results()
    new = running("new")
    results.change(new)
    results.select(made("old"))
    results.change(landed(new))
    results.select(landed(new))
    assert results.news == []


def test_another_that_lands_first_is_shown_bright_while_one_waits() -> None:
    results = Results()
    results.select(made("old"))
    first, second = running("first"), running("second")
    results.change(first)
    results.change(second)
    results.select(second)
    results.change(landed(first))
    assert seen(results) == "(first-0)"
    assert results.is_before_new
    assert results.news == []
    third = running("third")
    results.select(third)
    assert seen(results) == "(first-0)"
    assert not results.is_before_new


def test_what_was_complete_before_is_no_news() -> None:
    results = Results()
    results.select(made("old"))
    assert results.change(made("earlier")) is False
    assert results.news == []


def test_one_steps_through_the_results_of_a_task_and_no_further() -> None:
    results = Results()
    task = made("a", 3)
    results.select(task)
    for by, wanted, moved in (
        (1, "a-1", True),
        (1, "a-2", True),
        (1, "a-2", False),
        (-1, "a-1", True),
        (-1, "a-0", True),
        (-1, "a-0", False),
    ):
        assert results.step(by) is moved
        assert seen(results) == wanted


def test_a_step_back_enters_the_next_task_at_its_end_once() -> None:
    results = Results()
    results.select(made("a"))
    results.enters_at_end = True
    results.select(made("b", 3))
    assert seen(results) == "b-2"
    results.select(made("c", 3))
    assert seen(results) == "c-0"


def test_results_that_are_not_saved_are_skipped() -> None:
    results = Results()
    task = made("a", 3)
    unsaved = Result(url="https://x/1.png")
    results.select(task.change(results=(unsaved, *task.results[1:])))
    assert seen(results) == "a-1"
    assert not results.step(-1)


def test_a_job_is_all_its_tasks_with_those_to_come() -> None:
    results = Results()
    tasks = [running(name, job="j") for name in "abcd"]
    results.select(tasks[-1], tasks)
    assert len(results.stops) == 4
    assert results.pictures == []
    first = landed(tasks[0])
    results.change(first)
    results.select(first, [first, *tasks[1:]])
    assert seen(results) == "a-0"
    assert results.stops.index((first.id, 0)) == 3
    second = landed(tasks[1])
    results.change(second)
    results.select(second, [first, second, *tasks[2:]])
    assert seen(results) == "b-0"
    assert results.step(1)
    assert seen(results) == "a-0"
    third = landed(tasks[2])
    results.change(third)
    results.select(third, [first, second, third, tasks[3]])
    assert seen(results) == "a-0"
    assert results.news == [third.id]
    results.show_news()
    assert seen(results) == "c-0"


def test_a_task_of_a_job_that_was_retried_counts_once() -> None:
    results = Results()
    again = made("a", job="j")
    bad = past("a", Status.FAILED, job="j", retried_by=again.id)
    other = made("b", job="j")
    results.select(again, [bad, other, again])
    assert len(results.stops) == 2


def test_one_picks_a_result_of_a_task_that_is_selected_next() -> None:
    results = Results()
    results.select(made("old"))
    tasks = [made(name, job="j") for name in "ab"]
    results.choose((tasks[0].id, 0))
    assert seen(results) == "old-0"
    results.select(tasks[1], tasks)
    assert seen(results) == "a-0"


def test_what_is_deleted_is_no_longer_shown_nor_kept() -> None:
    results = Results()
    old, new = made("old"), running("new")
    results.select(old)
    results.change(old.change(deleted=True))
    assert results.shown is None
    results.select(new)
    assert seen(results) == "new?"


def test_a_result_of_a_job_that_is_not_shown_is_news() -> None:
    results = Results()
    first = running("first", job="j")
    later = running("later", job="j")
    results.select(later, [first])
    later = landed(later)
    results.change(later)
    results.select(later, [first])  # as the queue does: it stands for the job
    assert results.news == []
    assert results.change(landed(first)) is True
    assert results.news == [first.id]
    assert seen(results) == "later-0"


def test_news_that_is_deleted_is_over() -> None:
    results = Results()
    new = running("new")
    results.select(made("old"))
    results.change(new)
    results.change(done := landed(new))
    assert results.news == [new.id]
    assert results.change(done.change(deleted=True)) is True
    assert results.news == []
