"""A page that was left is gone, with all that it held."""

import asyncio
import gc
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from textual.pilot import Pilot
from textual.screen import Screen

import tui.app
from tests.app import TestApp, past
from tui.screens.batch import Batch
from tui.screens.chooser import Chooser
from tui.screens.grid import Grid
from tui.screens.help import HelpScreen
from tui.screens.history import History
from tui.screens.inspect import InspectScreen
from tui.screens.main import MainScreen
from tui.screens.money import Money
from tui.screens.picker import ModelPicker
from tui.screens.prompts import Prompts
from tui.screens.setup import SetupScreen
from tui.screens.sources import SourcePicker
from tui.screens.viewer import Viewer
from tui.tasks.task import Result, Status
from tui.widgets.drawing import Drawing
from tui.widgets.fields import Field
from tui.widgets.picture import Picture

TIMES = 3


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestApp:
    """With pictures in its queue; it collects garbage at once."""
    monkeypatch.setattr(tui.app, "TIDY_AFTER", 0.01)
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


async def visited(app: TestApp, pilot: Pilot[None], page: type, *keys: str) -> "weakref.ref[Screen[object]]":
    """Open a page by keys and leave it again."""
    before = app.screen
    await pilot.press(*keys)
    await app.until(lambda: type(app.screen) is page)
    await pilot.pause()
    opened: weakref.ref[Screen[object]] = weakref.ref(app.screen)
    await pilot.press("escape")
    await app.until(lambda: app.screen is before)
    return opened


@pytest.mark.parametrize(
    ("page", "keys", "size"),
    [
        (Grid, ["v"], (130, 40)),
        (History, ["slash"], (130, 40)),
        (Viewer, ["enter"], (130, 40)),
        (InspectScreen, ["i"], (130, 40)),
        (Money, ["dollar_sign"], (130, 40)),
        (Prompts, ["ctrl+l"], (130, 40)),
        (Batch, ["ctrl+b"], (130, 40)),
        (HelpScreen, ["f1"], (130, 40)),
        (Chooser, ["ctrl+r"], (130, 40)),
        (ModelPicker, ["ctrl+o"], (80, 24)),
        (SourcePicker, ["ctrl+g"], (130, 40)),
        (SetupScreen, ["f4"], (130, 40)),
    ],
)
async def test_a_page_that_was_left_is_gone(
    page: type, keys: list[str], size: tuple[int, int], app: TestApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.running(*size) as pilot:
        assert app.main
        await app.sees("fox 3")
        if page is SetupScreen:
            monkeypatch.setattr(app.session, "demo", False, raising=False)
        if page is SourcePicker:
            await app.main.show_model(app.session.catalog.find("flux-2-pro-remix-image"))
            app.main.form._go_to("source_image_urls")
            await pilot.pause()
        elif page not in (Batch, Prompts, Chooser, ModelPicker):
            await pilot.press("ctrl+t")
        pictures = living(Picture)
        pages = [await visited(app, pilot, page, *keys) for _ in range(TIMES)]
        await until_gone(*pages)
        assert living(page) == 0
        assert living(Picture) <= pictures


async def test_pages_over_pages_are_gone_too(app: TestApp) -> None:
    async with app.running(130, 40) as pilot:
        await app.sees("fox 3")
        await pilot.press("ctrl+t", "slash")
        await app.sees("4 found")
        await pilot.press("down", "v")
        await app.until(lambda: isinstance(app.screen, Grid))
        await pilot.pause()
        await pilot.press("enter")
        await app.until(lambda: isinstance(app.screen, Viewer))
        pages: list[weakref.ref[Screen[object]]] = [weakref.ref(page) for page in app.screen_stack[-3:]]
        await pilot.press("u")  # all of them at once
        await app.until(lambda: isinstance(app.screen, MainScreen))
        await until_gone(*pages)
        assert [living(page) for page in (History, Grid, Viewer)] == [0, 0, 0]


async def test_a_task_that_a_page_has_begun_does_not_hold_the_page(app: TestApp) -> None:
    app.remember(past("an owl", Status.EXPIRED, remote_id="tsk_1"))
    async with app.running(130, 40) as pilot:
        await app.sees("an owl")
        await pilot.press("ctrl+t", "v")
        await app.until(lambda: isinstance(app.screen, Grid))
        await pilot.pause()
        page: weakref.ref[Screen[object]] = weakref.ref(app.screen)
        await pilot.press("r")
        await app.until_task(pilot, lambda task: task.prompt == "an owl" and task.live)
        assert app.engine
        assert len(app.engine._carried) == 1
        await pilot.press("escape")
        await until_gone(page)
        assert len(app.engine._carried) == 1


async def test_pictures_are_let_go_of_without_the_collector(app: TestApp) -> None:
    async with app.running(130, 40) as pilot:
        await app.sees("fox 3")
        await app.until(lambda: app.shown)
        before = living(Drawing)
        gc.disable()
        try:
            await pilot.press("ctrl+t", "v")
            await app.until(lambda: living(Drawing) >= before + 4)
            tui.app.TIDY_AFTER = 3600
            await pilot.press("escape")
            await app.until(lambda: isinstance(app.screen, MainScreen))
            await until(lambda: living(Drawing) <= before)
        finally:
            gc.enable()


async def test_fields_of_another_model_are_gone(app: TestApp) -> None:
    models = [app.session.catalog.find(name) for name in ("z-image", "imagen-4", "flux-2-pro-text-to-image")]
    async with app.running(130, 40) as pilot:
        assert app.main
        for model in models * TIMES:
            await app.main.show_model(model)
            await pilot.pause()
        shown = len(app.main.form._fields)

        def fields() -> int:
            return sum(isinstance(thing, Field) for thing in gc.get_objects())

        await until(lambda: fields() <= shown)
