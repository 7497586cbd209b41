"""Nothing is paid for whose prompt and price aren't on the screen when a key is pressed."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.app import TestApp
from tui.catalog.load import bundled
from tui.catalog.wildcards import Wildcards
from tui.settings.prompt_files import PromptFiles

SIZES = [
    *((60, rows) for rows in range(4, 9)),
    *((80, rows) for rows in (7, 8, 9, 10)),
    *((120, rows) for rows in (7, 8, 9, 10)),
    *((10, 10), (12, 8), (20, 5), (44, 8), (110, 9)),
]


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_a_small_terminal_shows_prompt_and_price_or_nothing_is_paid(
    size: tuple[int, int],
) -> None:
    app = TestApp()
    async with app.running(120, 40) as pilot:
        await pilot.press(*"fox")
        await pilot.resize_terminal(*size)
        await pilot.pause()
        text = app.text()
        await pilot.press("ctrl+j")
        await pilot.pause()
        assert app.engine
        if "$0.05" not in text or "fox" not in text:
            assert not app.engine.tasks
        else:
            await app.until(lambda: app.engine and app.engine.tasks)


class SlowFiles(PromptFiles):
    """Wildcards on a slow disk."""

    def __init__(self, config: Path) -> None:
        super().__init__(config)
        self.asked = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[None] = self.loop.create_future()

    def wildcards(self, texts: Any) -> Wildcards:
        self.loop.call_soon_threadsafe(self.asked.set)
        asyncio.run_coroutine_threadsafe(self._wait(), self.loop).result(30)
        return super().wildcards(texts)

    async def _wait(self) -> None:
        await self.answer


@pytest.mark.parametrize("keys", [["f2"], ["!"]], ids=["hidden", "typed"])
async def test_a_press_that_waits_for_wildcards_sends_what_was_shown_or_nothing(
    keys: list[str],
) -> None:
    app = TestApp()
    folder = app.session.folders.config / "wildcards"
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("fox\n")
    async with app.running(120, 36) as pilot:
        assert app.main
        app.main.form.set_prompt("red __a__")
        await app.sees("$0.05")
        await app.workers.wait_for_complete()
        files = SlowFiles(app.session.folders.config)
        app.main.form.expansion.files = files
        await pilot.press("ctrl+j")
        await files.asked.wait()
        await app.main.show_model(bundled().find("imagen-4"))
        await pilot.press(*keys)
        files.answer.set_result(None)
        await app.until(lambda: any("Not sent" in told for told in app.told))
        assert app.engine
        assert not app.engine.tasks


async def test_a_snippet_that_is_being_inserted_is_not_sent_by_its_name() -> None:
    app = TestApp()
    folder = app.session.folders.config / "snippets"
    folder.mkdir(parents=True)
    (folder / "castle.txt").write_text("an old castle")
    async with app.running(120, 36) as pilot:
        assert app.main
        await pilot.press(*":cas")
        await app.sees("tab  :castle")
        app.simulate_key("tab")
        app.simulate_key("ctrl+j")
        await app.until(lambda: any("Not sent" in told for told in app.told))
        assert app.engine
        assert not app.engine.tasks
        await app.sees("an old castle")
        await pilot.press("ctrl+j")
        await app.until(lambda: app.engine and app.engine.tasks)
        assert [task.prompt for task in app.engine.tasks.values()] == ["an old castle"]
