"""The footer shows keys that do something now, whole, with the palette and the help."""

import pytest

from tests.app import TestApp, past
from tui.screens.batch import BatchScreen
from tui.screens.help import HelpScreen


def footer(app: TestApp) -> str:
    return app.text().splitlines()[-1].rstrip()


@pytest.mark.parametrize("width", [60, 80, 100, 120, 170])
async def test_keys_are_left_out_whole_and_never_the_last_two(width: int) -> None:
    app = TestApp()
    async with app.running(width, 24):
        await app.sees("^p Commands F1 Help")
        line = footer(app)
        assert line.endswith("^p Commands F1 Help")
        known = "^j Generate ^b Job ^o Model ^t Queue F2 Layout F9 History ^q Quit"
        left = line.removesuffix("^p Commands F1 Help").strip()
        assert known.startswith(left)
        assert known[len(left) :][:1] in ("", " ")  # no word is cut


async def test_a_key_that_writes_is_not_offered_in_a_text() -> None:
    app = TestApp()
    app.remember(past("a fox"))
    async with app.running(170, 36) as pilot:
        await app.sees("F9 History")
        await pilot.press("ctrl+t")
        await app.sees("/ History", "? Help", without="F9 History")
        assert "Generate" not in footer(app)


async def test_a_page_over_the_main_one_shows_its_own_keys() -> None:
    app = TestApp()
    async with app.running(120, 36) as pilot:
        await pilot.press(*"fox", "ctrl+b")
        await app.until(lambda: isinstance(app.screen, BatchScreen))
        await app.sees("^j Send F7 Probe ^o Model ^g Pick esc Back")
        assert "History" not in footer(app)
        await pilot.press("escape")
        await app.sees("^j Generate ^b Job")


async def test_the_footer_and_the_texts_name_keys_of_ones_own() -> None:
    app = TestApp()
    async with app.running(120, 36):
        app.set_keymap({"generate": "ctrl+g", "help": "f7", "palette": "ctrl+k"})
        await app.sees("^g Generate", "^k Commands F7 Help", without="^j Generate")
        assert (
            footer(app).lstrip().startswith("^g Generate")
        )  # the first, as by default


async def test_help_opens_by_a_question_mark_only_where_nothing_is_written() -> None:
    app = TestApp()
    app.remember(past("a fox"))
    async with app.running(80, 24) as pilot:
        assert app.main
        await pilot.press("question_mark")
        assert app.main.form.values()["prompt"] == "?"
        await pilot.press("ctrl+t", "question_mark")
        await app.until(lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("f1")  # closes it, too
        await app.until(lambda: app.screen is app.main)
        await pilot.press("ctrl+b", "f1")
        await app.until(lambda: isinstance(app.screen, HelpScreen))


async def test_help_is_sorted_by_purpose_and_scrolls_by_keys() -> None:
    app = TestApp()
    async with app.running(80, 24) as pilot:
        await pilot.press("f1")
        await app.sees("Make", "Generate. Send the request", "esc Back", "pgdn Page")
        lines = app.text().splitlines()
        made = next(number for number, line in enumerate(lines) if "Make" in line)
        assert "Generate" in lines[made + 1]
        await pilot.press("G")
        await app.sees("In the queue", "ctrl+p finds any of this by a word.")
        await pilot.press("g")
        await app.sees("Make")
        await pilot.press("j", "k", "pagedown", "pageup", "end", "home")
        await app.sees("Make")


async def test_help_separates_what_works_here_from_what_works_elsewhere() -> None:
    app = TestApp()
    app.remember(past("a fox"))
    async with app.running(120, 160) as pilot:
        await pilot.press("f1")
        await app.sees("Edit a text", "Where no text is edited", "In the queue")
        text = app.text()
        here, _, elsewhere = text.partition("Where no text is edited")
        assert "Generate." in here
        assert "Recall." in here
        assert "Use again." in elsewhere
        assert "Newest." in elsewhere
        assert "Use again." not in here
        assert "Newest." not in here
        await pilot.press("escape", "ctrl+t", "f1")
        await app.sees("Use again.", without="Where no text is edited")
        here, _, elsewhere = app.text().partition("In the form")
        assert "Use again." in here
        assert "Newest." in here
        assert "Generate." in elsewhere


async def test_help_offers_what_works_in_it_and_not_itself() -> None:
    app = TestApp()
    async with app.running(120, 36) as pilot:
        await pilot.press("f1")
        await app.sees("esc Back", "pgdn Page down", "^p Commands", without="F1 Help")
        await pilot.press("escape", "ctrl+p")
        await app.sees("F1 Help", without="^p Commands")
