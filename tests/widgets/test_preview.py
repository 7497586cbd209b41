"""The picture pane on the main page and in the history."""

import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from PIL import Image

from tests.app import TestApp, past
from tui.screens.inspect import InspectScreen
from tui.screens.viewer import ViewerScreen
from tui.tasks.task import Problem, Result, Status, Task
from tui.widgets.preview import Preview
from tui.widgets.strip import FilmStrip, ThumbnailStrip
from tui.widgets.text_fields import Prompt

COLOURS = ("red", "lime", "blue", "yellow")


@pytest.fixture
def made(home: Path) -> Callable[..., Task]:
    """Makes a task with so many plain images of different colours."""

    def make(prompt: str, count: int = 1, **fields: Any) -> Task:
        results = []
        for number in range(count):
            path = home / f"{prompt}-{number}.png"
            Image.new("RGB", (64, 64), COLOURS[number]).save(path)
            result = Result(
                url="", path=str(path), format="PNG", width=64, height=64, bytes=99
            )
            results.append(result)
        return past(prompt, results=tuple(results), **fields)

    return make


def pane(app: TestApp) -> Preview:
    assert app.main
    return app.main.preview


def title(app: TestApp) -> str:
    """The upper line of the frame."""
    return frame(app)[0]


def facts(app: TestApp) -> str:
    """The lower line of the frame."""
    return frame(app)[1]


def frame(app: TestApp) -> tuple[str, str]:
    region = pane(app).region
    lines = app.text().splitlines()
    rows = (lines[region.y], lines[region.bottom - 1])
    first, last = (row[region.x : region.right].strip("╭╮╰╯─┏┓┗┛━ ") for row in rows)
    return first, last


def colour(app: TestApp) -> tuple[int, int, int]:
    """The colour in the middle of the picture."""
    picture = pane(app).picture
    x, y = picture.size.width // 2, picture.size.height // 2
    style = next(iter(picture.render_line(y).crop(x, x + 1))).style
    assert style
    assert style.bgcolor
    red, green, blue = style.bgcolor.get_truecolor()
    return red, green, blue


async def test_before_anything_was_made_it_says_how_to_begin() -> None:
    app = TestApp()
    async with app.running(120, 36):
        await app.sees(
            "Describe an image, then press ctrl+j.",
            "Press ctrl+l to choose from the prompt library.",
            "Drop an image file here to edit it.",
        )


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 36), (170, 48)])
async def test_how_to_begin_fits_at_every_size(columns: int, rows: int) -> None:
    app = TestApp()
    async with app.running(columns, rows):
        await app.sees("ctrl+j.", "ctrl+l to", "Drop an image file here")


async def test_how_to_begin_names_the_keys_of_the_user(home: Path) -> None:
    folder = home / ".config/runapi-tui"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(
        '[keys]\ngenerate = "ctrl+g"\npick = "f3"\nprompts = "alt+p"\n'
    )
    app = TestApp()
    async with app.running(120, 36):
        await app.sees("then press ctrl+g.", "Press alt+p to choose")


async def test_the_facts_of_a_result_are_one_line_of_the_frame(
    made: Callable[..., Task],
) -> None:
    app = TestApp()
    values = {"prompt": "[red]a fox[/]", "seed": 4711}
    app.remember(made("a fox", values=values, sent_at=1e9, finished_at=1e9 + 5))
    async with app.running(120, 36):
        await app.sees("5 s · $0.05 · seed 4711 · 64² PNG · saved")
        assert pane(app).picture.size.height == pane(app).size.height


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 36), (170, 48)])
async def test_the_picture_has_nearly_all_of_its_pane(
    columns: int, rows: int, made: Callable[..., Task]
) -> None:
    app = TestApp()
    app.remember(made("a fox", 4))
    async with app.running(columns, rows):
        await app.sees("1/4  $0.05")
        inside, picture = pane(app).size.area, pane(app).picture.size.area
        assert picture >= 0.8 * inside


async def test_a_task_of_several_pictures_has_a_strip_with_a_mark(
    made: Callable[..., Task],
) -> None:
    app = TestApp()
    app.remember(made("an owl"), task := made("a fox", 4), made("a wolf"))
    async with app.running(120, 36) as pilot:
        await pilot.press("ctrl+t", "down")
        await app.sees("━ 1 ━")
        for key, place, shown in (
            ("right_square_bracket", "━ 2 ━", task.files[1]),
            ("right_square_bracket", "━ 3 ━", task.files[2]),
            ("left_square_bracket", "━ 2 ━", task.files[1]),
        ):
            await pilot.press(key)
            await app.sees(place)
            await app.until(partial(app.shown.__contains__, shown))
        assert facts(app).startswith("2/4")


async def test_all_of_four_pictures_are_in_a_narrow_strip(
    made: Callable[..., Task],
) -> None:
    app = TestApp()
    app.remember(made("a fox", 4))
    async with app.running(120, 36) as pilot:
        await pilot.press("ctrl+t")
        await app.run_action("screen.layout('write')")
        await pilot.pause()
        strip = pane(app).query_one("#results")
        shown = [slot for slot in strip.children if slot.display]
        assert len(shown) == 4
        assert all(strip.region.contains_region(slot.region) for slot in shown)


async def test_a_low_pane_has_a_line_that_says_which_of_several_is_shown(
    made: Callable[..., Task],
) -> None:
    app = TestApp()
    app.remember(made("a fox", 4))
    async with app.running(80, 24) as pilot:
        await pilot.press("ctrl+t")
        await app.sees("▪1 2 3 4")
        await pilot.press("right_square_bracket")
        await app.sees("1 ▪2 3 4")


async def test_steps_go_on_with_the_tasks_beside(made: Callable[..., Task]) -> None:
    app = TestApp()
    bad = past("bad", Status.FAILED)
    app.remember(made("an owl"), bad, made("a fox", 2), made("a wolf"))
    async with app.running(120, 36) as pilot:
        await pilot.press("ctrl+t")
        preview = pane(app)

        def is_shown(wanted: str) -> bool:
            now = preview.results.shown
            return now is not None and Path(now.path).stem == wanted

        for key, wanted in (
            ("right_square_bracket", "a fox-0"),
            ("right_square_bracket", "a fox-1"),
            ("right_square_bracket", "an owl-0"),
            ("right_square_bracket", "an owl-0"),
            ("left_square_bracket", "a fox-1"),
            ("left_square_bracket", "a fox-0"),
            ("left_square_bracket", "a wolf-0"),
            ("down", "a fox-0"),
        ):
            await pilot.press(key)
            await app.until(partial(is_shown, wanted))


async def test_a_click_on_a_small_picture_shows_it(made: Callable[..., Task]) -> None:
    app = TestApp()
    task = made("a fox", 3)
    app.remember(task)
    async with app.running(120, 36) as pilot:
        await app.sees("━ 1 ━")
        strip = pane(app).query_one(ThumbnailStrip)
        await pilot.click(strip, offset=(21, 1))
        await app.sees("━ 3 ━")
        await app.until(lambda: facts(app).startswith("3/3"))


def running(prompt: str) -> Task:
    return past(prompt, Status.PROCESSING, sent_at=time.time())


def landed(task: Task, results: tuple[Result, ...]) -> Task:
    """The same task with its images."""
    return task.change(Status.FETCHING).change(Status.COMPLETED, results=results)


async def test_the_last_picture_is_dimmed_until_the_next_is_there(
    made: Callable[..., Task],
) -> None:
    app = TestApp()
    app.remember(made("a fox"))
    async with app.running(120, 36):
        await app.until(lambda: app.shown)
        bright = colour(app)
        app.shown.clear()
        app.task_changed(task := running("an owl"))
        assert app.main
        app.main.queue.table.select(task.id)
        await app.until(lambda: app.shown)
        dim = colour(app)
        assert max(bright) > 200
        assert max(dim) < 120
        assert re.match(r"◑ processing · \d+ s", facts(app))
        results = made("an owl").results
        app.task_changed(landed(task, results))
        await app.until(lambda: results[0].path in app.shown)
        await app.until(lambda: "saved" in facts(app))
        assert colour(app) == bright


async def test_a_dimmed_picture_says_how_long_it_usually_takes(
    made: Callable[..., Task],
) -> None:
    app = TestApp(delay=3600)
    times = {"sent_at": 1e9, "finished_at": 1e9 + 9}
    app.remember(*(made(f"fox {number}", cleared=True, **times) for number in range(3)))
    async with app.running(120, 36) as pilot:
        await pilot.press(*"an owl", "ctrl+j")
        await app.sees("s, usually 9 s")


async def test_what_comes_unseen_is_told_and_shown_by_a_key(
    made: Callable[..., Task],
) -> None:
    app = TestApp()
    app.remember(made("a fox"))
    async with app.running(120, 36) as pilot:
        await app.until(lambda: app.shown)
        app.task_changed(task := running("an owl"))
        await pilot.press("ctrl+t", "down")
        app.task_changed(landed(task, made("an owl").results))
        await app.sees("Result · 1 new: n", "n Newest")
        await pilot.press("n")
        await app.until(lambda: title(app) == "Result")
        assert app.main
        selected = app.main.queue.table.selected
        assert selected
        assert selected.id == task.id
        await app.until(lambda: app.shown[-1] == selected.files[0])
        await app.sees("Result", without="n Newest")


async def test_what_comes_unseen_leaves_letters_to_the_prompt(
    made: Callable[..., Task],
) -> None:
    app = TestApp()
    app.remember(made("a fox"))
    async with app.running(120, 36) as pilot:
        await app.until(lambda: app.shown)
        app.task_changed(task := running("an owl"))
        await pilot.press("ctrl+t", "down", "ctrl+t")
        app.task_changed(landed(task, made("an owl").results))
        await app.sees("Result · 1 new ", without="n Newest")
        await pilot.press("n", "o")
        assert app.main
        assert app.main.form.values()["prompt"] == "no"


async def test_what_came_unseen_is_shown_after_it_was_cleared(
    made: Callable[..., Task],
) -> None:
    app = TestApp()
    app.remember(made("a fox"))
    async with app.running(120, 36) as pilot:
        await app.until(lambda: app.shown)
        app.task_changed(task := running("an owl"))
        await pilot.press("ctrl+t", "down")
        app.task_changed(landed(task, made("an owl").results))
        await app.sees("1 new: n")
        owl = structs.replace(landed(task, made("an owl").results), cleared=True)
        app.task_changed(owl)
        await pilot.press("n")
        await app.until(lambda: app.shown[-1] == owl.files[0])
        await app.sees("Result", without="n Newest")


async def test_a_job_is_shown_as_a_whole(made: Callable[..., Task]) -> None:
    app = TestApp()
    tasks = [made(f"fox {number}", job="j" * 14) for number in range(4)]
    app.remember(*tasks)
    async with app.running(120, 36) as pilot:
        await pilot.press("ctrl+t")
        await app.sees("━ 1 ━", "1/4")
        await pilot.press("right_square_bracket")
        await app.until(lambda: tasks[2].files[0] in app.shown)
        await pilot.press("right", "down")
        await app.sees("$0.05", without="/4")


REASON = "It was refused. [/] [red]\n\n" + " ".join(
    f"because of reason {number}" for number in range(90)
)


async def test_a_failed_task_says_why_and_what_helps(made: Callable[..., Task]) -> None:
    app = TestApp()
    problem = Problem("failed", "[/] No [red]fox.")
    app.remember(made("an owl"), past("a fox", Status.FAILED, error=problem))
    async with app.running(120, 36):
        await app.sees(
            "✗ failed",
            "[/] No [red]fox.",
            "r  Save finished images, or send a failed task",
            "u  Fill the form with these values",
            "i  Show request, responses and timeline",
        )
        assert facts(app) == "✗ failed"


async def test_a_long_reason_is_scrolled_in_the_pane() -> None:
    app = TestApp()
    app.remember(past("a fox", Status.FAILED, error=Problem("failed", REASON)))
    async with app.running(80, 24) as pilot:
        await app.sees("✗ failed", without="reason 89")
        pane(app).focus()
        await pilot.press("pagedown", "down", *["pagedown"] * 9)
        await app.sees("reason 89", "i  Show request", without="│ ✗ failed")
        await pilot.press(*["pageup"] * 9)
        await app.sees("It was refused.", without="reason 89")


async def test_the_pane_has_keys_of_its_own_and_escape_leaves_it(
    made: Callable[..., Task],
) -> None:
    app = TestApp()
    app.remember(made("an owl"), task := made("a fox", 2))
    async with app.running(120, 36) as pilot:
        await app.until(lambda: app.shown)
        pane(app).focus()
        await pilot.press("right_square_bracket", "enter")
        await app.until(lambda: isinstance(app.screen, ViewerScreen))
        await app.sees("2 of 3")
        await app.until(lambda: task.files[1] in app.shown)
        await pilot.press("escape")
        assert pane(app).has_focus
        await pilot.press("i")
        await app.until(lambda: isinstance(app.screen, InspectScreen))
        await pilot.press("escape", "escape")
        await app.until(lambda: isinstance(app.focused, Prompt))


async def test_the_history_shows_results_the_same_way(
    made: Callable[..., Task],
) -> None:
    app = TestApp()
    app.remember(made("an owl", cleared=True), task := made("a fox", 2, cleared=True))
    async with app.running(120, 36) as pilot:
        await pilot.press("f9")
        await app.sees("2 found", "1/2  $0.05")
        await pilot.press("enter", "right_square_bracket")
        await app.sees("2/2  $0.05")
        await app.until(lambda: task.files[1] in app.shown)


async def test_a_cleared_queue_leaves_the_newest_picture(
    made: Callable[..., Task],
) -> None:
    app = TestApp()
    app.remember(made("an owl", cleared=True), task := made("a fox", cleared=True))
    async with app.running(120, 36):
        await app.until(lambda: app.shown == [task.files[0]])


async def test_a_high_terminal_has_a_film_strip_that_follows_the_selection(
    made: Callable[..., Task],
) -> None:
    app = TestApp()
    tasks = [made(f"fox {number}") for number in range(3)]
    app.remember(*tasks)
    async with app.running(170, 48) as pilot:
        assert app.main
        film = app.main.query_one(FilmStrip)
        await app.until(lambda: {*app.shown} >= {task.files[0] for task in tasks})

        def mark() -> int:
            line = app.text().splitlines()[film.region.bottom - 1]
            return line[film.region.x : film.region.right].find("━")

        await app.until(lambda: mark() == 0)
        await pilot.press("ctrl+t", "down")
        await app.until(lambda: mark() == 9)
        await pilot.click(film, offset=(20, 1))
        await app.until(lambda: mark() == 18)
        selected = app.main.queue.table.selected
        assert selected
        assert selected.id == tasks[0].id


async def test_a_low_terminal_has_no_film_strip(made: Callable[..., Task]) -> None:
    app = TestApp()
    app.remember(made("a fox"))
    async with app.running(120, 36):
        assert app.main
        assert not app.main.query_one(FilmStrip).display
