"""What was cleared is out of sight and no more than that: a new start knows it, as a
new profile does.
"""

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.app import TestApp, past
from tests.pty_app import pty_app
from tui.screens.chooser import ChooserScreen
from tui.screens.past_prompts import PastPromptsScreen
from tui.screens.sources import SourcesScreen
from tui.tasks.task import Result, Status, Task


def cleared(tmp_path: Path) -> list[Task]:
    """What earlier runs have left, of the demo and of another profile; all of it
    cleared.
    """
    Image.new("RGB", (64, 64), "red").save(tmp_path / "fox.png")
    result = (Result(url="", path=str(tmp_path / "fox.png")),)
    elsewhere: dict[str, Any] = {
        "base_url": "https://elsewhere.example",
        "profile": "work",
    }
    return [
        past("an owl", cleared=True, model="z-image", service="z_image", **elsewhere),
        past(
            "a red fox",
            results=result,
            cleared=True,
            model="imagen-4",
            service="imagen_4",
        ),
        past("a secret", deleted=True, model="qwen-2-text-to-image"),
    ]


async def test_a_cleared_queue_is_remembered_after_a_restart(tmp_path: Path) -> None:
    app = TestApp()
    app.remember(*cleared(tmp_path))
    async with app.running(150, 45) as pilot:
        await app.sees("↺ Imagen 4", "The queue is empty. Press z here to undo")
        assert app.main
        assert app.main._recent() == [
            ("text_to_image", "imagen-4"),
            ("text_to_image", "z-image"),
        ]
        await pilot.press("ctrl+r")
        await app.until(lambda: isinstance(app.screen, PastPromptsScreen))
        await app.sees("an owl", "a red fox", without="a secret")
        await pilot.press("enter")
        await app.until(lambda: app.screen is app.main)
        await pilot.pause()
        assert app.main.form.values()["prompt"] == "a red fox"
        await app.main.show_model(app.session.catalog.find("flux-2-pro-remix-image"))
        app.main.form._focus_field("source_image_urls")
        await pilot.pause()
        await pilot.press("ctrl+g")
        await app.until(lambda: isinstance(app.screen, SourcesScreen))
        await app.sees("Results", "a red fox")


async def test_tasks_of_former_runs_are_offered_where_a_model_asks_for_one() -> None:
    app = TestApp()
    catalog = app.session.catalog
    model, param = next(
        (model, param)
        for model in catalog.models
        for route in model.routes.values()
        for param in route.params
        if param.kind == "task" and param.tasks
    )
    done = past(
        "a map",
        cleared=True,
        action=param.tasks[0],
        service=model.service,
        remote_id="tsk_9",
    )
    app.remember(
        done,
        past(
            "a globe",
            Status.FAILED,
            cleared=True,
            action=param.tasks[0],
            service=model.service,
        ),
    )
    async with app.running(150, 45) as pilot:
        assert app.main
        await app.main.show_model(model)
        app.main.form._focus_field(param.name)
        await pilot.pause()
        await pilot.press("ctrl+g")
        await app.until(lambda: isinstance(app.screen, ChooserScreen))
        await app.sees("a map", without="a globe")


async def test_the_key_of_the_queue_works_with_nothing_in_sight() -> None:
    app = TestApp()
    app.remember(past("a fox", cleared=True))
    async with app.running(100, 30) as pilot:
        assert app.main
        await app.sees("The queue is empty. Press z here to undo")
        await pilot.press("ctrl+t")
        assert app.focused is app.main.queue.table
        await pilot.press("z")
        await app.until(lambda: app.told)


async def test_old_prompts_are_found_behind_many_without_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tui.tasks.past_prompts.AT_ONCE", 20)
    app = TestApp()
    app.remember(
        past("the first of all", cleared=True),
        *(past("", cleared=True) for _ in range(70)),
    )
    async with app.running(100, 30) as pilot:
        await pilot.press("ctrl+r")
        await app.until(lambda: isinstance(app.screen, PastPromptsScreen))
        await app.sees("the first of all")


async def test_a_busy_disk_does_not_hold_the_keys(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    app = TestApp()
    app.remember(past("a fox"), *cleared(tmp_path))
    async with app.running(100, 30) as pilot:
        await app.sees("a fox")
        assert app.engine
        assert app.main
        known = app.main._past
        await app.until(lambda: len(known.newest) == 3)
        monkeypatch.setattr("tui.screens.past.LONGEST_READ", 0.05)

        async def never(*args: object) -> list[Task]:
            await asyncio.Event().wait()
            return []

        monkeypatch.setattr(app.engine.queue, "search", never)
        monkeypatch.setattr(app.engine.queue, "prompts", never)
        await pilot.press("ctrl+r")
        await app.until(lambda: isinstance(app.screen, PastPromptsScreen))
        await app.sees("Searching …")
        await pilot.press("escape")
        assert app.screen is app.main
        await app.main.show_model(app.session.catalog.find("flux-2-pro-remix-image"))
        app.main.form._focus_field("source_image_urls")
        await pilot.pause()
        await pilot.press("ctrl+g")
        await app.until(lambda: isinstance(app.screen, SourcesScreen))
        await app.sees("Results", "a red fox")


def test_what_was_typed_outlives_a_kill_but_for_its_last_second(home: Path) -> None:
    def has(text: str) -> bool:
        return any(text in file.read_text() for file in home.rglob("screen.json"))

    with pty_app() as app:
        app.type(b"a red fox")
        app.until(lambda: has("a red fox"), "the draft on the disk")
        app.type(b"\r")
        app.type("im Schnee 雪".encode())
        app.until(lambda: has("im Schnee 雪"), "its end, too")
        app.signal(signal.SIGKILL)
        app.until_ended()
    with pty_app() as app:
        app.until_seen("im Schnee 雪")


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_what_was_typed_outlives_an_end_from_outside(
    home: Path, number: signal.Signals
) -> None:
    with pty_app() as app:
        app.type(b"an owl")
        app.until_seen("an owl")
        app.signal(number)
        app.until_ended()
    with pty_app() as app:
        app.until_seen("an owl")
