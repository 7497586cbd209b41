"""A page that was left is gone, with all that it held."""

import asyncio
import gc
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets._footer import FooterKey

from tests.app import TestApp, past
from tui.graphics.drawing import Drawing
from tui.screens import memory
from tui.screens.batch import BatchScreen
from tui.screens.grid import GridScreen
from tui.screens.help import HelpScreen
from tui.screens.history import HistoryScreen
from tui.screens.inspect import InspectScreen
from tui.screens.main import MainScreen
from tui.screens.money import MoneyScreen
from tui.screens.past_prompts import PastPromptsScreen
from tui.screens.picker import ModelPickerScreen
from tui.screens.prompts import PromptsScreen
from tui.screens.setup import SetupScreen
from tui.screens.sources import SourcesScreen
from tui.screens.viewer import ViewerScreen
from tui.tasks.task import Problem, Result, Status
from tui.widgets.fields import Field
from tui.widgets.picture import Picture
from tui.widgets.queue_table import QueueTable

pytestmark = pytest.mark.slow

TIMES = 2


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestApp:
    """With pictures in its queue; it collects garbage soon."""
    monkeypatch.setattr(memory, "PAUSE", 0.5)
    Image.new("RGB", (64, 64), "red").save(tmp_path / "fox.png")
    app = TestApp(delay=3600)
    result = Result(url="", path=str(tmp_path / "fox.png"))
    app.remember(*(past(f"fox {number}", results=(result,)) for number in range(4)))
    return app


def living(kind: type) -> int:
    return sum(type(thing) is kind for thing in gc.get_objects())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def until_gone(*pages: "weakref.ref[Screen[object]]") -> None:
    """Until none of them is left: the app itself lets go of them, soon."""
    await until(lambda: not any(page() for page in pages))


async def visited(
    app: TestApp, pilot: Pilot[None], page: type, *keys: str
) -> "weakref.ref[Screen[object]]":
    """Open a page by keys and leave it again."""
    before = app.screen
    await pilot.press(*keys)
    await app.until(lambda: type(app.screen) is page)
    await pilot.pause()
    opened: weakref.ref[Screen[object]] = weakref.ref(app.screen)
    await pilot.press("escape")
    await app.until(lambda: app.screen is before)
    return opened


async def test_pages_that_were_left_are_gone(app: TestApp) -> None:
    async with app.running(130, 40) as pilot:
        assert app.main
        await app.sees("fox 3")
        app.session = replace(app.session, demo=False)  # the demo has no page for keys
        await pilot.press("ctrl+t")
        pictures = living(Picture)
        visits = {
            GridScreen: "v",
            HistoryScreen: "slash",
            ViewerScreen: "enter",
            InspectScreen: "i",
            MoneyScreen: "dollar_sign",
            PromptsScreen: "ctrl+l",
            HelpScreen: "f1",
            PastPromptsScreen: "ctrl+r",
            SetupScreen: "f4",
        }
        pages = [
            await visited(app, pilot, page, key)
            for page, key in visits.items()
            for _ in range(TIMES)
        ]
        await pilot.press("ctrl+t")
        pages += [
            await visited(app, pilot, BatchScreen, "ctrl+b") for _ in range(TIMES)
        ]
        await app.main.show_model(app.session.catalog.find("flux-2-pro-remix-image"))
        app.main.form._focus_field("source_image_urls")
        await pilot.pause()
        pages += [
            await visited(app, pilot, SourcesScreen, "ctrl+g") for _ in range(TIMES)
        ]
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        pages += [
            await visited(app, pilot, ModelPickerScreen, "ctrl+o") for _ in range(TIMES)
        ]
        await until_gone(*pages)
        assert {
            page.__name__: living(page)
            for page in (*visits, BatchScreen, SourcesScreen, ModelPickerScreen)
        } == dict.fromkeys(
            (
                page.__name__
                for page in (*visits, BatchScreen, SourcesScreen, ModelPickerScreen)
            ),
            0,
        )
        assert living(Picture) <= pictures


async def test_pages_over_pages_are_gone_too(app: TestApp) -> None:
    async with app.running(130, 40) as pilot:
        await app.sees("fox 3")
        await pilot.press("ctrl+t", "slash")
        await app.sees("4 found")
        await pilot.press("down", "v")
        await app.until(lambda: isinstance(app.screen, GridScreen))
        await pilot.pause()
        await pilot.press("enter")
        await app.until(lambda: isinstance(app.screen, ViewerScreen))
        pages: list[weakref.ref[Screen[object]]] = [
            weakref.ref(page) for page in app.screen_stack[-3:]
        ]
        await pilot.press("u")  # all of them at once
        await app.until(lambda: isinstance(app.screen, MainScreen))
        await until_gone(*pages)
        assert [living(page) for page in (HistoryScreen, GridScreen, ViewerScreen)] == [
            0,
            0,
            0,
        ]


async def test_a_task_that_a_page_has_begun_does_not_hold_the_page(
    app: TestApp,
) -> None:
    owl = past("an owl", Status.FAILED, error=Problem("failed", "No picture."))
    app.remember(owl)
    async with app.running(130, 40) as pilot:
        await app.sees("an owl")
        await pilot.press("f9", "enter", "down")
        await app.sees("5 found")
        page: weakref.ref[Screen[object]] = weakref.ref(app.screen)
        app.screen.query_one(QueueTable).select(owl.id)
        await app.sees("Retry")
        await pilot.press("r")
        await app.until_task(pilot, lambda task: task.prompt == "an owl" and task.live)
        assert app.engine
        assert len(app.engine._running) == 1
        await pilot.press("escape", "escape")
        await until_gone(page)
        assert len(app.engine._running) == 1


async def test_pictures_are_let_go_of_without_the_collector(app: TestApp) -> None:
    async with app.running(130, 40) as pilot:
        await app.sees("fox 3")
        await app.until(lambda: app.shown)
        before = living(Drawing)
        gc.disable()
        try:
            await pilot.press("ctrl+t", "v")
            await app.until(lambda: living(Drawing) >= before + 4)
            memory.PAUSE = 3600
            await pilot.press("escape")
            await app.until(lambda: isinstance(app.screen, MainScreen))
            await until(lambda: living(Drawing) <= before)
        finally:
            gc.enable()


async def test_fields_of_another_model_are_gone(app: TestApp) -> None:
    models = [
        app.session.catalog.find(name)
        for name in ("z-image", "imagen-4", "flux-2-pro-text-to-image")
    ]
    async with app.running(130, 40) as pilot:
        assert app.main
        for model in models * TIMES:
            await app.main.show_model(model)
            await pilot.pause()
        shown = len(app.main.form._fields)

        def fields() -> int:
            return sum(isinstance(thing, Field) for thing in gc.get_objects())

        # Those of the last switch may be in a frame yet
        await until(lambda: fields() <= 2 * shown)


async def test_keys_that_the_footer_no_longer_shows_are_gone(app: TestApp) -> None:
    async with app.running(130, 40) as pilot:
        assert app.main
        await app.sees("fox 3")
        for _ in range(6):
            await pilot.press("ctrl+t")
            await pilot.pause()
        gc.collect()
        assert living(FooterKey) <= 2 * len(app.main.query(FooterKey))
