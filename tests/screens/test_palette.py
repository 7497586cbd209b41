"""The palette finds actions, models, tasks, layouts, themes and settings by any word."""

import pytest
from textual.pilot import Pilot
from textual.widgets import TextArea

from tests.app import TestApp, past
from tui.screens.commands import commands
from tui.screens.money import MoneyScreen
from tui.screens.palette import Command, PaletteScreen, found


def command(title: str, note: str = "", key: str = "", words: str = "") -> Command:
    return Command(title, note, lambda: None, key, words)


LISTED = [
    command("Generate", "Send the request", "ctrl+j F5", "generate"),
    command("Imagen 4 Fast", "model · text to image", words="imagen-4-fast"),
    command("History", "Search all tasks", "/ F9", "history"),
    command("Theme: nord", "Change the colours"),
]


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("fast imagen", ["Imagen 4 Fast"]),
        ("IMAGE", ["Imagen 4 Fast"]),
        ("f9", ["History"]),
        ("request send", ["Generate"]),
        ("nord theme", ["Theme: nord"]),
        ("nothing of this", []),
        ("", ["Generate", "Imagen 4 Fast", "History", "Theme: nord"]),
    ],
)
def test_all_words_have_to_be_there_in_any_order(query: str, titles: list[str]) -> None:
    assert [each.title for each in found(LISTED, query)] == titles


def test_a_title_that_begins_with_the_word_comes_first() -> None:
    several = [command("Task", "history"), command("The history"), command("History")]
    titles = [each.title for each in found(several, "history")]
    assert titles == ["History", "The history", "Task"]


async def choose(app: TestApp, pilot: Pilot[None], words: str) -> None:
    await pilot.press("ctrl+p")
    await app.until(lambda: isinstance(app.screen, PaletteScreen))
    await pilot.press(*words, "enter")
    await app.until(lambda: not isinstance(app.screen, PaletteScreen))
    await pilot.pause()


async def test_a_model_shows_its_form_and_a_theme_its_colours() -> None:
    app = TestApp()
    async with app.running(80, 24) as pilot:
        assert app.main
        await choose(app, pilot, "model imagen")
        assert "imagen" in app.main.filler.model.title.lower()
        assert isinstance(app.focused, TextArea)
        await choose(app, pilot, "theme nord")
        assert app.theme == "nord"
        await choose(app, pilot, "layout watch")
        assert app.main.panes.chosen.layout == "watch"


async def test_a_task_is_selected_from_any_page() -> None:
    app = TestApp()
    app.remember(past("an [owl", id="0" * 13 + "1"), past("a fox", id="0" * 13 + "2"))
    async with app.running(120, 36) as pilot:
        assert app.main
        await choose(app, pilot, "money")
        await app.until(lambda: isinstance(app.screen, MoneyScreen))
        await pilot.press("ctrl+p")
        await app.sees("an [owl")  # literal: no markup
        await pilot.press("escape")
        await choose(app, pilot, "task owl")
        assert app.screen is app.main
        shown = app.main.preview.results.shown
        assert shown
        assert shown.task.prompt == "an [owl"


async def test_a_setting_says_where_it_is_changed() -> None:
    app = TestApp()
    async with app.running(80, 24) as pilot:
        await choose(app, pilot, "setting confirm_usd")
        assert f"Set confirm_usd in {app.session.folders.config_file}" in app.told[-1]


async def test_every_action_has_its_key_and_nothing_impossible_is_listed() -> None:
    app = TestApp()
    async with app.running(120, 36):
        listed = {each.words.split()[0]: each for each in commands(app) if each.words}
        assert listed["generate"].key == "ctrl+j F5"
        assert listed["money"].key == "$"
        assert "retry" not in listed  # there is no task


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("cost", "Money"),
        ("bigger", "Wider picture"),
        ("larger", "Wider picture"),
        ("exit", "Quit"),
        ("close", "Quit"),
    ],
)
async def test_an_action_is_found_by_a_word_that_it_does_not_show(
    query: str, title: str
) -> None:
    app = TestApp()
    async with app.running(120, 36) as pilot:
        assert title in [each.title for each in found(commands(app), query)]
        await pilot.press("ctrl+p", *query)
        await app.sees(title)


async def test_what_is_wanted_most_comes_first() -> None:
    app = TestApp()
    app.remember(past("a fox"))
    async with app.running(120, 36) as pilot:
        assert commands(app)[0].title == "Generate"
        await pilot.press("ctrl+t")
        assert commands(app)[0].title == "Generate"
        themes = [each.title for each in found(commands(app), "theme:")]
        assert themes[:2] == ["Theme: runapi-dark", "Theme: runapi-light"]


async def test_the_palette_names_keys_of_ones_own() -> None:
    app = TestApp()
    async with app.running(120, 36) as pilot:
        app.set_keymap({"money": "f7"})
        await pilot.press("ctrl+p", *"f7")
        await app.sees("F7         Money")


async def test_the_key_that_opens_it_closes_it() -> None:
    app = TestApp()
    async with app.running(80, 24) as pilot:
        await pilot.press("ctrl+p")
        await app.until(lambda: isinstance(app.screen, PaletteScreen))
        await pilot.press("ctrl+p")
        await app.until(lambda: app.screen is app.main)
