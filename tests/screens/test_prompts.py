"""The library of prompts: searched as one types, previewed, taken into the form."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from tests.app import TestApp
from tests.loopback import serving
from tui.catalog.load import bundled
from tui.demo import DEMO_KEY
from tui.demo.service import create_app
from tui.screens import prompts
from tui.screens.main import MainScreen
from tui.screens.prompts import PromptsScreen
from tui.service.errors import DownloadError, NotFoundError, ServerError
from tui.service.prompt_library import PromptEntry, PromptPage


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompts, "PAUSE", 0)


class Shelf:
    """A library that says what a test tells it to."""

    def __init__(self, *entries: PromptEntry, error: Exception | None = None) -> None:
        self.entries = entries
        self.error = error
        self.asked: list[dict[str, Any]] = []
        self.gate: dict[str, asyncio.Event] = {}

    async def prompts(self, q: str = "", **asked: Any) -> PromptPage:
        self.asked.append({"q": q} | asked)
        if q in self.gate:
            await self.gate[q].wait()
        if self.error:
            raise self.error
        return PromptPage(
            tuple(entry for entry in self.entries if q in entry.title),
            len(self.entries),
            False,
        )

    async def preview(self, url: str, target: Path) -> None:
        raise DownloadError("There is none.")


def titles(app: TestApp) -> list[str]:
    options = app.screen.query_one(OptionList)
    return [
        str(options.get_option_at_index(index).prompt)
        for index in range(options.option_count)
    ]


async def opened(app: TestApp, shelf: Shelf) -> None:
    assert app.main
    await app.push_screen(PromptsScreen(shelf, app.terminal), app.main.use_prompt)
    await app.until(lambda: shelf.asked)


async def use_first(app: TestApp, pilot: Pilot[None]) -> None:
    await pilot.press("enter", "enter")
    await app.until(lambda: isinstance(app.screen, MainScreen))
    await pilot.pause()


async def test_an_entry_is_found_seen_and_used() -> None:
    app = TestApp()
    async with app.running(150, 45) as pilot:
        await pilot.press("ctrl+l")
        await app.sees("Lighthouse after the storm  landscape · flux-2-pro", "20 of 24")
        await pilot.press(*"FOX wall")
        await app.sees(
            "1 of 1",
            "Fox on a wall",
            "leaves in ",
            "By the embedded service · https://prompts.",
        )
        await app.until(lambda: app.shown)
        assert "▀" in app.text()
        await use_first(app, pilot)
        assert app.main
        values = app.main.form.values()
        assert str(values["prompt"]).startswith("A red fox asleep")
        assert values["aspect_ratio"] == "4:3"
        assert "Flux 2 Flex · text to image" in app.text()
        assert app.told == [
            "Flux 2 Flex: prompt, aspect_ratio. ctrl+z brings back what was there."
        ]
    # The pictures are gone with the page
    assert not list(Path(app.shown[0]).parent.glob("*"))


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_more_come_as_one_goes_down(size: tuple[int, int]) -> None:
    app = TestApp()
    async with app.running(*size) as pilot:
        await pilot.press("f10")
        await app.sees("20 of 24", "A whitewashed lighthouse on black rocks")
        await pilot.press("down", "end")
        await app.sees("24 of 24")
        await pilot.press("end")
        await app.sees("The lamp post forest", "street lamps grow between the firs")


async def test_words_narrow_and_the_newest_search_wins() -> None:
    shelf = Shelf(
        PromptEntry(title="slow and quick", prompt="x"),
        PromptEntry(title="quick", prompt="x"),
    )
    shelf.gate = {"slow": asyncio.Event()}
    app = TestApp()
    async with app.running(100, 24):
        await opened(app, shelf)
        line = app.screen.query_one(Input)
        line.value = "slow"
        await app.until(lambda: len(shelf.asked) == 2)
        line.value = "category:food quick modality:image_edit"
        await app.until(lambda: len(shelf.asked) == 3)
        shelf.gate["slow"].set()
        await app.sees("2 of 2")
        assert len(titles(app)) == 2
        wanted = {"q": "quick", "page": 1, "category": "food", "modality": "image_edit"}
        assert shelf.asked[-1] == wanted


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (NotFoundError("nothing"), "This service has no prompt library."),
        (
            ServerError("The service has an internal problem (HTTP 500)."),
            "The service has an internal problem (HTTP 500).",
        ),
        (None, "No matches."),
    ],
)
async def test_nothing_to_show_is_a_sentence(
    error: Exception | None, sentence: str
) -> None:
    app = TestApp()
    async with app.running(80, 24) as pilot:
        await opened(app, Shelf(error=error))
        await app.sees(sentence)
        await pilot.press("down", "enter", "escape")
        await app.until(lambda: isinstance(app.screen, MainScreen))


async def test_escape_goes_back_one_level() -> None:
    app = TestApp()
    async with app.running(80, 24) as pilot:
        await opened(app, Shelf(PromptEntry(title="quick", prompt="x")))
        await app.sees("1 of 1")
        await pilot.press("q", "down", "escape")
        assert isinstance(app.focused, Input)
        await pilot.press("escape")
        await app.until(lambda: isinstance(app.screen, MainScreen))
        assert app.main
        assert app.main.form.values() == {}


async def use(app: TestApp, pilot: Pilot[None], entry: PromptEntry) -> dict[str, Any]:
    await opened(app, Shelf(entry))
    await app.sees("1 of 1")
    await use_first(app, pilot)
    assert app.main
    return app.main.form.values()


async def test_hostile_entries_stay_text_and_take_no_file() -> None:
    app = TestApp()
    entry = PromptEntry(
        title="[red]a[/] [@click=app.quit]b",
        prompt="[link=x]c[/]",
        category="[b",
        action="text_to_image",
        model="flux-kontext-pro",
        source="[/]",
        preview_url="https://x.example/a.png",
        params={
            "image_url": "/etc/passwd",
            "callback_url": "https://evil.example",
            "[/x]": "[/]",
            "model": "x",
        },
    )
    async with app.running(150, 40) as pilot:
        await opened(app, Shelf(entry))
        await app.sees(
            "[red]a[/] [@click=app.quit]b  [b · flux-kontext-pro",
            "[link=x]c[/]",
            "By [/]",
            "can't be loaded",
        )
        await use_first(app, pilot)
        assert app.main
        assert app.main.form.values() == {"prompt": "[link=x]c[/]"}
        left_out = "image_url (a file of this machine), [/x]"
        assert app.told == [
            f"Flux Kontext Pro: prompt. Left out: {left_out}."
            " ctrl+z brings back what was there."
        ]


async def test_an_unknown_model_leaves_the_form_its_own() -> None:
    app = TestApp()
    async with app.running(80, 24) as pilot:
        assert app.main
        await app.main.show_model(bundled().find("z-image"), {"size": "64x64"})
        values = await use(
            app,
            pilot,
            PromptEntry(title="t", prompt="p", action="text_to_image", model="sora"),
        )
        assert values == {"prompt": "p", "size": "64x64"}
        assert app.told == [
            "The entry's model isn't in the catalog. Only its prompt was used."
        ]


async def test_a_service_without_a_library_says_so_over_http() -> None:
    service = create_app(bundled(), delay=0)
    service.router.routes[:] = [
        route for route in service.router.routes if not_of_library(route)
    ]
    with serving(service) as url:
        app = TestApp(demo=False, base_url=url)
        app.session = app.session.with_key(DEMO_KEY, "test")
        async with app.running(80, 24) as pilot:
            await pilot.press("ctrl+l")
            await app.sees("This service has no prompt library.")


def not_of_library(route: Any) -> bool:
    return "prompts" not in route.path
