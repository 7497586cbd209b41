"""The history: whatever was ever asked for is found again, and used."""

import re
import time

import pytest
from PIL import Image
from textual.widgets import Input

from tests.app import TestApp, past
from tui.screens import history
from tui.screens.history import HistoryScreen
from tui.screens.main import MainScreen
from tui.screens.viewer import ViewerScreen
from tui.tasks import actions
from tui.tasks.store import Store
from tui.tasks.task import Problem, Result, Status

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
