"""Every key of every page can be pressed, and escape leads back to the prompt."""

import pytest
from textual.pilot import Pilot

from tests.app import TestApp, past
from tui.screens.grid import GridScreen
from tui.screens.history import HistoryScreen
from tui.screens.how_many import HowManyScreen
from tui.screens.inspect import InspectScreen
from tui.screens.line_prompt import LinePromptScreen
from tui.screens.lineage import LineageScreen
from tui.screens.money import MoneyScreen
from tui.screens.palette import PaletteScreen
from tui.screens.prompts import PromptsScreen
from tui.screens.viewer import ViewerScreen
from tui.widgets.text_fields import Prompt

PAGES = {
    "queue": (["ctrl+t"], None),
    "history": (["f9"], HistoryScreen),
    "grid": (["ctrl+t", "v"], GridScreen),
    "viewer": (["ctrl+t", "enter"], ViewerScreen),
    "inspect": (["ctrl+t", "i"], InspectScreen),
    "lineage": (["ctrl+t", "L"], LineageScreen),
    "variations": (["ctrl+t", "m"], HowManyScreen),
    "tags": (["ctrl+t", "T"], LinePromptScreen),
    "money": (["ctrl+t", "dollar_sign"], MoneyScreen),
    "prompts": (["ctrl+l"], PromptsScreen),
    "palette": (["ctrl+p"], PaletteScreen),
    "recall": (["ctrl+r"], None),
    "job": (["ctrl+b"], None),
    "models": (["ctrl+o"], None),
    "zoomed queue": (["ctrl+t", "alt+0"], None),
    "help": (["f1"], None),
    "help over help's page": (["ctrl+t", "v", "f1"], None),
}
"""Keys that open each page from the main one, and what it is."""
LEFT_OUT = {
    *("quit", "setup-quit"),  # end the app
    *("open", "reveal"),  # start another program
}
"""Ids of keys that aren't pressed."""


async def open_page(app: TestApp, pilot: Pilot[None], name: str) -> None:
    keys, page = PAGES[name]
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
    if page:
        await app.until(lambda: isinstance(app.screen, page))


async def back(app: TestApp, pilot: Pilot[None]) -> None:
    """Presses escape until the prompt of the main page has the focus."""
    for _ in range(6):
        if app.screen is app.main and isinstance(app.focused, Prompt):
            return
        await pilot.press("escape")
        await pilot.pause()
    raise AssertionError(f"{app.screen}, {app.focused}")


async def test_escape_leads_back_to_the_prompt_from_everywhere() -> None:
    app = TestApp()
    app.remember(past("a fox"), past("an owl"))
    async with app.running(120, 36) as pilot:
        for name in PAGES:
            await open_page(app, pilot, name)
            if name != "models":
                assert not (app.screen is app.main and isinstance(app.focused, Prompt))
            await back(app, pilot)
        assert app.main
        await pilot.press(*"fox", "escape")
        assert app.main.form.values()["prompt"] == "fox"  # it does no harm


@pytest.mark.slow
@pytest.mark.parametrize("filled", [False, True], ids=["empty", "filled"])
async def test_every_key_of_every_page_can_be_pressed(filled: bool) -> None:
    app = TestApp()
    names = ["history", "job", "models"]
    if filled:
        app.remember(past("a fox"), past("an owl"))
        names = ["queue", "grid", "viewer", "inspect", "money", "history"]
    async with app.running(120, 36) as pilot:
        for name in names:
            await open_page(app, pilot, name)
            page, focused = app.screen, app.focused
            pressed = keys_of(app)
            assert pressed
            for key in pressed:
                if app.screen is not page or app.focused is not focused:
                    await back(app, pilot)
                    await open_page(app, pilot, name)
                    page, focused = app.screen, app.focused
                await pilot.press(key)
            await back(app, pilot)


def keys_of(app: TestApp) -> list[str]:
    """Returns a key for each action that is possible now."""
    keys: dict[str, str] = {}
    for active in app.screen.active_bindings.values():
        binding = active.binding
        if active.enabled and binding.id and binding.id not in LEFT_OUT:
            keys.setdefault(binding.action, binding.key)
    return list(keys.values())
