"""The viewer: one image on a whole page, its pixels, and the way through all the
others.
"""

import gc
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from textual.pilot import Pilot
from textual.widgets import Input

from tests.app import TestApp, past
from tests.images.test_files import png_claiming
from tui.screens.main import MainScreen
from tui.screens.viewer import ViewerScreen
from tui.tasks.task import Result, Status, Task, new_id

SIZE = (640, 483)


@pytest.fixture
def made(home: Path) -> Callable[..., Task]:
    """Makes a task with so many images, the bytes of which may be given."""

    def make(prompt: str, count: int = 1, data: bytes = b"", **fields: Any) -> Task:
        results = []
        for number in range(count):
            path = home / f"{prompt}-{number}.png"
            if data:
                path.write_bytes(data)
            else:
                Image.linear_gradient("L").resize(SIZE).save(path)
            url = f"https://cdn.example/{path.name}"
            results.append(
                Result(
                    url=url, path=str(path), format="PNG", width=SIZE[0], height=SIZE[1]
                )
            )
        return past(prompt, results=tuple(results), **fields)

    return make


async def view(app: TestApp, pilot: Pilot[None]) -> ViewerScreen:
    """Open what is under the queue's cursor."""
    await pilot.press("ctrl+t", "enter")
    await app.until(lambda: isinstance(app.screen, ViewerScreen))
    assert isinstance(app.screen, ViewerScreen)
    return app.screen


def title(app: TestApp) -> str:
    return " ".join(app.text().splitlines()[0].split())


async def until_title(app: TestApp, wanted: str) -> None:
    try:
        await app.until(lambda: wanted in title(app))
    except TimeoutError:
        raise AssertionError(f"{wanted!r} is not in {title(app)!r}") from None


async def test_one_steps_through_all_images_of_the_queue(
    made: Callable[..., Task],
) -> None:
    app = TestApp()
    tasks = [
        made("oldest"),
        made("two", 2),
        past("failed", Status.FAILED),
        made("in a job", job=new_id()),
    ]
    app.remember(*tasks, made("newest"))
    async with app.running(80, 24) as pilot:
        await app.sees("newest", "▸ 1 of 1")
        await view(app, pilot)
        await until_title(app, "newest Flux 2 Pro 1 of 5 · 640×483 · fit")
        for key, wanted in (
            ("right_square_bracket", "in a job Flux 2 Pro 2 of 5"),
            ("right", "two Flux 2 Pro 3 of 5"),
            ("l", "two Flux 2 Pro 4 of 5"),
            ("up", "in a job Flux 2 Pro 2 of 5"),
            ("down", "two Flux 2 Pro 3 of 5"),
            ("j", "oldest Flux 2 Pro 5 of 5"),
            ("right_square_bracket", "oldest Flux 2 Pro 5 of 5"),
            ("left_square_bracket", "two Flux 2 Pro 4 of 5"),
            ("k", "in a job Flux 2 Pro 2 of 5"),
            ("G", "oldest Flux 2 Pro 5 of 5"),
            ("g", "newest Flux 2 Pro 1 of 5"),
            ("G", "oldest Flux 2 Pro 5 of 5"),
            ("left_square_bracket", "two Flux 2 Pro 4 of 5"),
        ):
            await pilot.press(key)
            await until_title(app, wanted)
        await app.until(lambda: app.shown[-1] == tasks[1].files[1])
        await pilot.press("escape")
        assert isinstance(app.screen, MainScreen)
        assert app.main
        await app.until(
            lambda: app.main and app.main.queue.table.chosen[0].id == tasks[1].id
        )


async def test_older_ones_come_as_one_steps(
    made: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.screens.history.PAGE", 4)
    app = TestApp()
    app.remember(
        made("a wolf", cleared=True),
        *(made(f"fox {number}", cleared=True) for number in range(9)),
    )
    async with app.running(120, 30) as pilot:
        await pilot.press("f9")
        app.screen.query_one("#history-filter", Input).value = "fox"
        await app.sees("the newest 4, more below")
        await pilot.press("enter", "enter")
        await until_title(app, "fox 8 Flux 2 Pro 1 of 4+")
        for wanted in (
            "fox 5 Flux 2 Pro 4 of 8+",
            "fox 1 Flux 2 Pro 8 of 9",
            "fox 0 Flux 2 Pro 9 of 9 ·",
        ):
            await pilot.press("G")
            await until_title(app, wanted)


async def test_what_was_found_in_the_history_is_stepped_through(
    made: Callable[..., Task],
) -> None:
    app = TestApp()
    app.remember(made("a red fox"), made("an owl"), made("a blue fox", cleared=True))
    async with app.running(80, 24) as pilot:
        await pilot.press("f9", *"fox")
        await app.sees("2 found")
        await pilot.press("enter", "enter")
        await until_title(app, "a blue fox Flux 2 Pro 1 of 2")
        await pilot.press("right_square_bracket")
        await until_title(app, "a red fox Flux 2 Pro 2 of 2")
        await pilot.press("u")
        await app.until(lambda: isinstance(app.screen, MainScreen))
        assert app.main
        await app.until(
            lambda: app.main and app.main.form.values()["prompt"] == "a red fox"
        )


async def test_zoom_shows_pixels_and_arrows_move_over_them(
    made: Callable[..., Task],
) -> None:
    app = TestApp()
    app.remember(made("older"), made("newer"))
    async with app.running(80, 24) as pilot:
        await view(app, pilot)
        await until_title(app, "fit")
        await pilot.press("i")  # 80×22 cells are 80 × 44 dots
        for key, wanted in (
            ("Z", "1:1, 280,220 of 640×483"),
            ("right", "1:1, 300,220 of 640×483"),
            ("k", "1:1, 300,209"),
            ("shift+up", "1:1, 300,165"),
            ("plus", "2:1, 320,176"),
            ("right_square_bracket", "older Flux 2 Pro 2 of 2 · 2:1, 320,176"),
            ("minus", "1:1, 300,165"),
            ("minus", "640×483 · fit"),
            ("minus", "640×483 · fit"),
            ("equals_sign", "1:1, 280,220"),
        ):
            await pilot.press(key)
            await until_title(app, wanted)
        await pilot.resize_terminal(100, 34)
        await until_title(app, "1:1, 270,210")
        await pilot.press(*["plus"] * 5)
        await until_title(app, "8:1")


async def test_a_decoded_image_is_let_go_of(made: Callable[..., Task]) -> None:
    def decoded() -> bool:
        return any(
            isinstance(thing, Image.Image) and thing.size == SIZE
            for thing in gc.get_objects()
        )

    app = TestApp()
    app.remember(made("a fox"))
    async with app.running(80, 24) as pilot:
        for leave in ("Z", "escape"):
            await view(app, pilot) if isinstance(app.screen, MainScreen) else None
            await pilot.press("Z")
            await until_title(app, "of 640×483")
            assert decoded()
            await pilot.press(leave)
            await app.workers.wait_for_complete()
            await pilot.pause()
            gc.disable()
            assert not decoded()
            gc.enable()


async def test_facts_come_and_go_and_a_result_is_handed_on(
    made: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "DISPLAY",
        "WAYLAND_DISPLAY",
        "SSH_CONNECTION",
        "SSH_CLIENT",
        "SSH_TTY",
    ):
        monkeypatch.delenv(name, raising=False)
    app = TestApp()
    task = made("fox", 2)
    app.remember(task)
    async with app.running(80, 24) as pilot:
        await view(app, pilot)
        await app.sees("flux-2-pro-text-to-image", without="created")
        await pilot.press("pagedown")
        await app.sees("created")
        await pilot.press("i")
        await app.sees("fox", "1 of 2", without="created")
        await pilot.press("right_square_bracket", "y")
        await app.until(lambda: app.told)
        assert (app.clipboard, app.told[-1]) == (
            task.files[1],
            f"Sent to the terminal's clipboard: {task.files[1]}",
        )
        for key in ("o", "Y"):
            app.told.clear()
            await pilot.press(key)
            await app.until(lambda: app.told)
            assert app.clipboard == "https://cdn.example/fox-1.png"


async def test_hostile_files_and_words_are_harmless(made: Callable[..., Task]) -> None:
    app = TestApp()
    words = (
        "[/red][@click=app.quit]x[/] \x1b]52;c;aGk=\x07\x1b[2J\u202eevil\nsecond line"
    )
    whole = made("last")
    cut = Path(whole.files[0]).read_bytes()[:200]
    gone = made("gone")
    os.unlink(gone.files[0])
    app.remember(
        whole,
        gone,
        made("cut", data=cut),
        made(
            "bomb",
            data=png_claiming(60_000, 60_000),
            model=words,
            values={"prompt": words},
        ),
    )
    async with app.running(80, 24) as pilot:
        await view(app, pilot)
        await until_title(app, "[/red][@click=app.quit]x[/] evil")
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", app.text())
        for zoom in ("minus", "plus"):
            await pilot.press(zoom)
            for sentence in (
                "too large",
                "cut-0.png is damaged",
                "gone-0.png is not there",
            ):
                await app.sees(sentence)
                await pilot.press("right_square_bracket")
            await until_title(
                app, f"last Flux 2 Pro 4 of 4 · {'1:1, ' if zoom == 'plus' else ''}"
            )
            await app.sees("▀")
            await pilot.press("home")


async def test_what_happens_to_tasks_is_seen(made: Callable[..., Task]) -> None:
    app = TestApp()
    other, whole = made("other"), made("coming")
    coming = past("coming", Status.FETCHING, watched=False)
    app.remember(other, coming)
    async with app.running(80, 24) as pilot:
        await view(app, pilot)
        await until_title(app, "coming Flux 2 Pro 1 of 2")
        await app.sees("◇ unwatched", without="▀")
        coming = coming.change(Status.COMPLETED, results=whole.results)
        app.changes.publish(coming)
        await app.sees("▀")
        await until_title(app, "1 of 2 · 640×483 · fit")
        app.changes.publish(coming.change(deleted=True))
        await app.sees("This task was deleted.", without="▀")
        await pilot.press("right_square_bracket")
        await until_title(app, "other Flux 2 Pro 1 of 1")
        app.changes.publish(coming)
        await until_title(app, "other Flux 2 Pro 2 of 2")
        assert app.engine
        await app.engine.marker.delete([app.engine.tasks[other.id]])
        await app.sees("This task was deleted.")
        await pilot.press("escape")
        await app.sees("coming", without="other")
