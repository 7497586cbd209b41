"""The history: whatever was ever asked for is found again, and used."""

import re
import time
from pathlib import Path

import pytest
from PIL import Image
from textual.widgets import Input

from tests.app import TestApp, past
from tui.screens import history
from tui.screens.grid import GridScreen
from tui.screens.history import HistoryScreen
from tui.screens.line_prompt import LinePromptScreen
from tui.screens.main import MainScreen
from tui.screens.viewer import ViewerScreen
from tui.tasks import actions
from tui.tasks.store import Store
from tui.tasks.task import REJECTED, Problem, Result, Status, Task

LONG_AGO = time.mktime((2025, 7, 23, 12, 0, 0, 0, 0, -1))


def found(app: TestApp) -> list[str]:
    """The prompts in sight."""
    lines = app.text().splitlines()
    first = next(at for at, line in enumerate(lines) if "  status  " in line)
    column = lines[first].find("prompt")
    return [
        line[column:].split("  ")[0].strip()
        for line in lines[first + 1 :]
        if re.match(r"[○◔●✗–!]", line.strip("│┃ "))
    ]


async def until_found(app: TestApp, wanted: list[str]) -> None:
    await app.until(lambda: found(app) == wanted)


async def until_focused(app: TestApp, wanted: str) -> None:
    await app.until(lambda: app.focused and app.focused.id == wanted)


def look_for(app: TestApp, query: str) -> None:
    app.screen.query_one("#history-filter", Input).value = query


async def test_it_is_filtered_as_one_types() -> None:
    app = TestApp()
    app.remember(
        past("a lighthouse", created_at=LONG_AGO, cost_micro=90_000),
        past("a red fox", favourite=True, cleared=True),
        past(
            "an owl", Status.FAILED, error=Problem("failed", "No picture came of it.")
        ),
        past(
            "a wolf in the snow",
            model="z-image",
            action="text_to_image",
            cost_micro=10_000,
        ),
        past("nothing to see", deleted=True),
    )
    async with app.running(100, 24) as pilot:
        await app.sees("an owl")
        await pilot.press("ctrl+t", "slash")
        await app.sees("4 found", "a lighthouse", "2025-07", "♥ a red fox", "Z Image")
        assert "nothing to see" not in app.text()
        for typed, wanted in (
            ("fox", ["♥ a red fox"]),
            ("SNOW wolf", ["a wolf in the snow"]),
            ("model:flux", ["an owl", "♥ a red fox", "a lighthouse"]),
            ("status:failed", ["an owl"]),
            ("on:2025-07-23", ["a lighthouse"]),
            ("on:today model:z", ["a wolf in the snow"]),
            ("cost>0.06", ["a lighthouse"]),
            ("is:favourite", ["♥ a red fox"]),
            ("is:favourite status:", ["♥ a red fox"]),
            ("nothing to see", []),
        ):
            look_for(app, typed)
            await until_found(app, wanted)
        await app.sees("No matches.", "0 found", "words  model:flux")
        await pilot.press("enter", "down")  # nothing to go down into
        look_for(app, "")
        await pilot.press(*"owl")
        await app.sees("an owl", "1 found")


async def test_it_is_read_page_by_page_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(history, "PAGE", 500)
    app = TestApp()
    tasks = [past(f"fox {number:04}", cleared=number < 600) for number in range(1200)]
    app.remember(*tasks)
    async with app.running(80, 24) as pilot:
        await app.sees("fox 1199")
        await pilot.press("f9")
        await app.sees("the newest 500, more below", "fox 1199")
        assert app.engine
        # Far below: it must tear no hole.
        await actions.toggle_favourite(app.engine, [tasks[3]])
        await pilot.press("enter", "end")
        await app.sees("the newest 1,000, more below", "fox 0700")
        await pilot.press("end")
        await app.sees("1,200 found")
        assert isinstance(app.screen, HistoryScreen)
        assert set(app.screen.table.tasks) == {task.id for task in tasks}
        await pilot.press("end", "up")
        await app.sees("♥ fox 0003", "fox 0000")
        await app.screen.table.run_action("move(-1000000)")
        await app.sees("fox 1199", without="fox 0000")


async def test_one_goes_into_it_and_out_again_a_step_at_a_time() -> None:
    app = TestApp()
    folder = app.session.folders.output
    folder.mkdir(parents=True)
    Image.new("RGB", (64, 64), "red").save(folder / "fox.png")
    app.remember(
        past("a red fox", results=(Result(url="", path=str(folder / "fox.png")),))
    )
    async with app.running(80, 24) as pilot:
        await app.sees("a red fox")
        await pilot.press("ctrl+t", "slash", *"red")
        await app.sees("1 found")
        await pilot.press("enter", "enter")
        await app.until(lambda: isinstance(app.screen, ViewerScreen))
        for wanted in ("history-tasks", "history-filter", "tasks"):
            await pilot.press("escape")
            await until_focused(app, wanted)
        assert isinstance(app.screen, MainScreen)
        await pilot.press("slash")
        await app.sees("1 found")
        await pilot.press("down", "u")
        await app.until(lambda: isinstance(app.screen, MainScreen))
        await app.sees("a red fox")
        assert app.main
        assert app.main.form.values()["prompt"] == "a red fox"
        assert app.focused
        assert app.focused.id != "tasks"


async def test_what_is_deleted_there_comes_back_there() -> None:
    app = TestApp()
    app.remember(past("a red fox"), past("a blue fox", cleared=True), past("an owl"))
    async with app.running(150, 45) as pilot:
        await app.sees("an owl")
        await pilot.press("ctrl+t", "slash", *"fox")
        await app.sees("2 found")
        await pilot.press("down", "x")
        await app.sees("1 found", without="a blue fox")
        await pilot.press("x")
        await app.sees("0 found", "No matches.")
        await pilot.press("z")
        await app.sees("1 found", "a red fox")
        await pilot.press("z")
        await app.sees("2 found", "a blue fox")


async def test_what_happens_elsewhere_is_seen() -> None:
    app = TestApp(poll_seconds=5, delay=3600)
    theirs = past("their fox", Status.PENDING, remote_id="tsk_1")
    async with app.running(80, 24) as pilot:
        await pilot.press("f9")
        await app.sees("No tasks yet.", "0 found")
        store = Store(app.session.folders.queue)
        store.save(theirs.change(), owner="another process")
        await app.sees("◔ pending", "their fox", "1 found")
        store.save(
            theirs.change(Status.FETCHING).change(Status.COMPLETED),
            owner="another process",
        )
        await app.sees("● completed", "their fox", "1 found")
        store.close()


async def test_hostile_prompts_are_inert() -> None:
    app = TestApp()
    prompt = "[/red][@click=app.quit]x[/] \x1b]52;c;aGk=\x07\x1b[2J\u202eevil\nsecond line 雪"
    app.remember(
        past(prompt),
        past("a fox", Status.FAILED, error=Problem("failed", f"{prompt} [bold]")),
    )
    async with app.running(220, 24) as pilot:
        await pilot.press("f9", *"evil", "enter")
        await app.sees("[/red][@click=app.quit]x[/] evil", "1 found")
        look_for(app, "status:failed [/red] \x1b[")
        await app.sees("0 found")
        look_for(app, "status:failed")
        await app.sees("1 found", "[/red][@click=app.quit]x[/] evil", "[bold]")
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", app.text())


SORTED = {
    "History": ["fox 4", "fox 3", "★★★★★ fox 2", "✗ fox 1", "fox 0"],
    "History by cost": ["✗ fox 1", "★★★★★ fox 2", "fox 0", "fox 4", "fox 3"],
    "History by rating": ["★★★★★ fox 2", "fox 4", "fox 3", "fox 0", "✗ fox 1"],
    "History by model": ["fox 3", "★★★★★ fox 2", "fox 0", "fox 4", "✗ fox 1"],
}
"""What is found, from top to bottom, by the title of the page."""
SORT = ["greater_than_sign"]
"""The key that sorts."""


def foxes(folder: Path) -> list[Task]:
    """Tasks that each order sorts in another way."""
    folder.mkdir(parents=True, exist_ok=True)
    tasks = []
    for number, (model, cost, rating) in enumerate(
        (
            ("imagen-4", 20_000, 0),
            ("z-image", 90_000, REJECTED),
            ("imagen-4", 50_000, 5),
            ("flux-2-pro-text-to-image", None, 0),
            ("z-image", 10_000, 0),
        )
    ):
        file = folder / f"{number}.png"
        Image.new("RGB", (64, 64), (40 * number, 90, 90)).save(file)
        result = Result(url="", path=str(file), rating=rating)
        tasks.append(
            past(f"fox {number}", model=model, cost_micro=cost, results=(result,))
        )
    return tasks


async def test_one_key_sorts_in_turn_and_the_search_says_how() -> None:
    app = TestApp()
    app.remember(*foxes(app.session.folders.output), past("an owl"))
    async with app.running(100, 24) as pilot:
        await pilot.press("f9", *"fot")
        await app.sees("0 found")  # it types in the search
        await pilot.press("backspace", "x", "enter")
        for title in (*SORTED, "History"):
            await app.sees(f" {title} ", "5 found")
            await until_found(app, SORTED[title])
            await pilot.press(*SORT)
        await app.sees("sort:cost fox")
        await pilot.press("slash", *"model:imagen")  # takes the words' place
        await app.sees("sort:cost model:imagen", "History by cost", "2 found")
        await pilot.press("enter", *SORT * 3)
        await app.sees(" History ", "2 found", without=" sort:cost model")


async def test_each_order_is_read_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "PAGE", 50)
    app = TestApp()
    tasks = [past(f"fox {n:03}", cost_micro=n * 7 % 120 * 1000) for n in range(120)]
    app.remember(*tasks)
    async with app.running(80, 24) as pilot:
        await pilot.press("f9", *"sort:cost", "enter")
        await app.sees("the first 50, more below", "fox 017", "History by cost")
        assert app.engine
        await actions.toggle_favourite(app.engine, [tasks[0]])  # far below
        await pilot.press("end")
        await app.sees("the first 100, more below")
        await pilot.press("end")
        await app.sees("120 found")
        assert isinstance(app.screen, HistoryScreen)
        costs = [task.cost_micro for task in app.screen.table.listed]
        assert costs == [number * 1000 for number in reversed(range(120))]


async def test_a_task_that_is_rated_stays_where_it_is() -> None:
    app = TestApp()
    app.remember(*foxes(app.session.folders.output))
    async with app.running(100, 24) as pilot:
        await pilot.press("f9", *"sort:rating", "enter")
        await until_found(app, SORTED["History by rating"])
        await pilot.press("0")
        await until_found(app, ["fox 2", "fox 4", "fox 3", "fox 0", "✗ fox 1"])
        await pilot.press("x")
        await until_found(app, ["fox 4", "fox 3", "fox 0", "✗ fox 1"])
        await pilot.press("z")
        await until_found(app, ["fox 2", "fox 4", "fox 3", "fox 0", "✗ fox 1"])
        await pilot.press("z", *SORT * 4)
        await until_found(app, SORTED["History by rating"])


async def test_grid_and_viewer_have_the_order_of_the_history(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(history, "PAGE", 3)
    app = TestApp()
    app.remember(*foxes(app.session.folders.output))
    async with app.running(100, 24) as pilot:
        await pilot.press("f9", *"sort:cost", "enter")
        await app.sees("the first 3, more below", "fox 1")
        await pilot.press("v")
        await app.until(lambda: isinstance(app.screen, GridScreen))
        for place, prompt in enumerate(SORTED["History by cost"], 1):
            await app.sees(f"{place}  {prompt}", f"{place} of 5")
            await pilot.press("right")
        await pilot.press("home", "enter")
        await app.until(lambda: isinstance(app.screen, ViewerScreen))
        for prompt in ("fox 1", "fox 2", "fox 0", "fox 4", "fox 3"):
            await app.sees(prompt)
            await pilot.press("right_square_bracket")


async def test_searches_are_saved_used_and_deleted() -> None:
    app = TestApp()
    app.remember(past("a red fox", cost_micro=10_000), past("a blue fox"), past("owl"))
    file = app.session.folders.config / "searches.txt"
    async with app.running(100, 30) as pilot:
        await pilot.press("f9", "alt+s")
        await app.sees("There are none yet: type a search")
        await pilot.press("x", "enter", "escape", *"fox", "enter", *SORT, "F")
        await app.sees("Save this search as …")
        await pilot.press("enter")
        await app.until(lambda: isinstance(app.screen, LinePromptScreen))
        await pilot.press(*"a b", "enter")
        await app.sees("The name of a search has letters, digits, - and _ alone", "a b")
        assert isinstance(app.screen, LinePromptScreen)  # what was typed isn't lost
        await pilot.press("ctrl+u", *"foxes", "enter")
        await app.sees("Saved: foxes: sort:cost fox")
        assert file.read_text() == "foxes: sort:cost fox\n"

        await pilot.press("escape", "escape")
        await app.until(lambda: app.screen is app.main)
        await pilot.press("ctrl+p", *"saved s", "enter")
        await app.sees("foxes: sort:cost fox", without="Save this search")
        await pilot.press("enter")
        await app.sees("History by cost", "2 found")
        await until_found(app, ["a blue fox", "a red fox"])

        look_for(app, "owl")
        await app.sees("1 found")
        await pilot.press("alt+s", "down", "enter")
        await app.sees("2 found")
        await pilot.press("alt+s", "x")  # nothing to delete
        await app.sees("foxes: sort:cost fox")
        await pilot.press("down", "x")
        await app.sees("Deleted: foxes: sort:cost fox")
        assert file.read_text() == ""
        await pilot.press("escape")
        await app.sees("2 found")


async def test_a_message_hides_neither_the_count_nor_what_is_no_filter() -> None:
    app = TestApp()
    app.remember(past("a red fox"))
    async with app.running(80, 24) as pilot:
        await pilot.press("f9", *"fox ratd:4")
        await app.sees("0 found · not a filter: ratd:4")
        app.notify("A message of two lines. " * 5)
        await app.sees("A message of two lines.", "0 found · not a filter: ratd:4")


async def test_searches_that_others_wrote_are_inert() -> None:
    app = TestApp()
    app.remember(past("a fox"))
    file = app.session.folders.config / "searches.txt"
    file.parent.mkdir(parents=True)
    file.write_text("evil: [/red][@click=app.quit]fox[/] \x1b]52;c;aGk=\x07\u202e x\n")
    async with app.running(100, 24) as pilot:
        await pilot.press("f9", "alt+s")
        await app.sees("evil: [/red][@click=app.quit]fox[/]")
        await pilot.press("enter")
        await app.sees("0 found", "[/red][@click=app.quit]fox[/]")
        file.write_bytes(b"\xff")
        await pilot.press("alt+s")
        await app.sees("searches.txt is not UTF-8")
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", app.text())
