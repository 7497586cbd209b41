"""Past prompts: whatever was sent is found again, and choosing one can be undone."""

import pytest
from textual import events
from textual.widgets import OptionList, Static

from tests.app import TestApp, past
from tui.catalog.request import LONGEST_TEXT
from tui.screens.main import MainScreen
from tui.screens.past_prompts import PAGE, PastPromptsScreen
from tui.tasks.task import Status


def prompt_of(app: TestApp) -> object:
    assert app.main
    return app.main.form.values().get("prompt")


async def test_each_prompt_is_listed_once_whoever_sent_it_and_cleared_or_not() -> None:
    app = TestApp()
    app.remember(
        past("an old owl", cleared=True, profile="work", base_url="https://x.example"),
        past("a red fox"),
        past("a red fox", Status.FAILED, cleared=True),
        past("gone for good", deleted=True),
    )
    async with app.running(100, 30) as pilot:
        await pilot.press("ctrl+r")
        await app.sees("an old owl", without="gone for good")
        assert isinstance(app.screen, PastPromptsScreen)
        assert app.screen.query_one(OptionList).option_count == 2


async def test_words_in_any_order_find_a_prompt_and_undo_brings_back_the_own() -> None:
    app = TestApp()
    app.remember(past("a red fox in the snow"), past("a lake"), past("a fox cub"))
    async with app.running(100, 30) as pilot:
        await pilot.press(*"mine", "ctrl+r", *"snow fox", "enter")
        await app.until(lambda: prompt_of(app) == "a red fox in the snow")
        await pilot.press("ctrl+z")
        assert prompt_of(app) == "mine"


async def test_escape_changes_nothing() -> None:
    app = TestApp()
    app.remember(past("a lake"))
    async with app.running(100, 30) as pilot:
        await pilot.press(*"mine", "ctrl+r")
        await app.sees("a lake")
        await pilot.press(*"la", "down", "escape")
        assert isinstance(app.screen, MainScreen)
        assert prompt_of(app) == "mine"


async def test_up_recalls_in_an_empty_prompt_alone() -> None:
    app = TestApp()
    app.remember(past("a lake"))
    async with app.running(100, 30) as pilot:
        await pilot.press("x", "up")
        assert isinstance(app.screen, MainScreen)
        await pilot.press("delete", "up")
        await app.sees("Past prompts", "a lake")
        await pilot.press("enter")
        await app.until(lambda: prompt_of(app) == "a lake")


async def test_a_long_prompt_is_seen_whole() -> None:
    app = TestApp()
    words = " ".join(f"word{number}" for number in range(90))
    app.remember(past(f"{words} end"))
    async with app.running(100, 40) as pilot:
        await pilot.press("ctrl+r")
        await app.sees("word0 ", "word89 end")


async def test_a_huge_prompt_is_cut_where_it_is_shown_and_used_whole() -> None:
    app = TestApp()
    huge = "word " * (LONGEST_TEXT // 5)
    app.remember(past("x" * (LONGEST_TEXT + 1)), past(huge))
    async with app.running(100, 40) as pilot:
        await pilot.press("ctrl+r")
        await app.sees("word word")
        assert app.screen.query_one(OptionList).option_count == 1
        shown = app.screen.query_one("#past-text", Static).content
        assert str(shown) == f"{huge[:19_999]}…"
        await pilot.press("enter")
        await app.until(lambda: prompt_of(app) == huge)


async def test_a_prompt_that_no_form_takes_is_refused_in_a_sentence() -> None:
    app = TestApp()
    task = past("x" * (LONGEST_TEXT + 1))
    app.remember(task)
    async with app.running(100, 40) as pilot:
        assert app.main
        await pilot.press(*"mine")
        app.main.form.set_prompt(task.prompt)
        assert prompt_of(app) == "mine"
        await app.until(lambda: any("100,000" in told for told in app.told))
        app.told.clear()
        await app.main.filler.use(task)
        assert prompt_of(app) is None
        await app.until(lambda: any("100,000" in told for told in app.told))
        app.told.clear()
        await app.main.filler.undo()
        assert prompt_of(app) == "mine"
        await pilot.press("ctrl+n", *"fox")
        app.post_message(events.Paste("y" * LONGEST_TEXT))
        await app.until(lambda: any("100,000" in told for told in app.told))
        assert prompt_of(app) == "fox"


async def test_what_was_typed_behind_a_long_paste_goes_along_to_another_model() -> None:
    app = TestApp()
    async with app.running(100, 40) as pilot:
        assert app.main
        app.post_message(events.Paste("y" * LONGEST_TEXT))
        await app.until(lambda: prompt_of(app) == "y" * LONGEST_TEXT)
        await pilot.press("z")
        await app.main.show_model(app.session.catalog.find("z-image"))
        assert app.main.form.content().values["prompt"] == "y" * LONGEST_TEXT + "z"


async def test_older_prompts_are_listed_when_the_cursor_reaches_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tui.tasks.past_prompts.AT_ONCE", PAGE)
    app = TestApp()
    app.remember(*(past(f"number {number}") for number in range(PAGE * 2)))
    async with app.running(100, 30) as pilot:
        await pilot.press("ctrl+r")
        await app.sees(f"number {PAGE * 2 - 1}")
        listed = app.screen.query_one(OptionList)
        assert listed.option_count == PAGE
        listed.highlighted = PAGE - 1
        await app.until(lambda: listed.option_count == PAGE * 2)


async def test_a_prompt_sent_now_is_there_after_clear_and_restart() -> None:
    app = TestApp()
    async with app.running(100, 30) as pilot:
        await pilot.press(*"a fox", "ctrl+j")
        await app.until_task(pilot, lambda task: task.status is Status.COMPLETED)
        await pilot.press("ctrl+t", "c")
        await app.until_task(pilot, lambda task: task.cleared)
    again = TestApp()
    async with again.running(100, 30) as pilot:
        await pilot.press("ctrl+n", "up")
        await again.sees("Past prompts", "a fox")


async def test_without_a_queue_file_a_sentence_says_so() -> None:
    app = TestApp()
    app.session.folders.queue.mkdir(parents=True)
    async with app.running(100, 30) as pilot:
        await pilot.press("ctrl+r")
        await app.sees("Past prompts", "can't be used")


async def test_a_prompt_with_alternatives_is_listed_once_as_it_was_typed() -> None:
    app = TestApp()
    async with app.running(100, 30) as pilot:
        assert app.main
        app.main.form.set_prompt("a {red|blue} fox")
        await app.sees("Generate 2 ")
        await pilot.press("ctrl+j")
        await app.until(lambda: app.engine and len(app.engine.tasks) == 2)
        await pilot.press("ctrl+n", "ctrl+r")
        await app.until(lambda: isinstance(app.screen, PastPromptsScreen))
        await app.sees("a {red|blue} fox")
        assert app.screen.query_one(OptionList).option_count == 1
        await pilot.press("enter")
        await app.until(lambda: prompt_of(app) == "a {red|blue} fox")
