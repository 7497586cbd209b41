"""Messages cover neither keys, nor a picture, nor what is paid, and are true."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from textual.pilot import Pilot

from tests.app import TestApp, past
from tests.screens.test_every_key import PAGES, back, open_page
from tui.tasks.task import Result, Status, Task
from tui.widgets.message_line import MessageLine, Notice
from tui.widgets.pay_button import PayButton
from tui.widgets.picture import Picture

LONG = " ".join(f"word{number}" for number in range(60))
COVERED_BY_NOTHING = (Picture, PayButton)


@pytest.fixture
def made(tmp_path: Path) -> Callable[[str], Task]:
    def make(prompt: str) -> Task:
        file = tmp_path / f"{prompt}.png"
        Image.new("RGB", (64, 64), "red").save(file)
        result = Result(url="", path=str(file), format="PNG", width=64, height=64)
        return past(prompt, results=(result,))

    return make


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 20)], ids=str)
async def test_a_long_message_covers_no_keys_no_picture_and_no_price(
    size: tuple[int, int], made: Callable[[str], Task]
) -> None:
    app = TestApp()
    app.remember(made("a fox"), made("an owl"))
    async with app.running(*size) as pilot:
        await app.until(lambda: app.main and app.main.preview.results.shown)
        await check_message(app, pilot)
        for page in PAGES:
            await open_page(app, pilot, page)
            await check_message(app, pilot)
            await back(app, pilot)


async def check_message(app: TestApp, pilot: Pilot[None]) -> None:
    await pilot.pause()
    footer = app.text().splitlines()[-1]
    app.notify(LONG)
    await app.sees(" · word0 word1", "…")
    await pilot.pause()
    assert app.text().splitlines()[-1] == footer
    line = app.screen.query_one(MessageLine)
    for kind in COVERED_BY_NOTHING:
        for widget in app.screen.query(kind):
            if widget.is_on_screen:
                assert not widget.region.overlaps(line.region), (app.screen, widget)
    app.messages.end()
    await app.sees("", without="word0")


async def test_a_message_that_is_cut_stands_in_the_list_in_full() -> None:
    app = TestApp()
    async with app.running(80, 60) as pilot:
        app.notify(LONG)
        await app.sees("word0", without="word59")
        app.action_messages()
        await app.sees("word59", "esc Back", "? Help")
        await pilot.press("escape")
        await app.until(lambda: app.screen is app.main)


async def test_a_message_stays_with_the_page_that_it_is_about() -> None:
    app = TestApp()
    app.remember(past("a fox"))
    async with app.running(120, 36) as pilot:
        app.notify("Done here.")
        await app.sees("Done here.")
        await pilot.pause()
        await open_page(app, pilot, "history")
        await app.sees("1 found", without="Done here.")
        await pilot.press("escape")
        await app.sees("Done here.")
        app.notify("It is broken.", severity="warning")
        await app.sees("It is broken.")
        await pilot.pause()
        await open_page(app, pilot, "history")
        await app.sees("Type to search", "It is broken.")


async def test_what_is_said_before_its_page_is_there_is_shown_on_it() -> None:
    app = TestApp()
    app.remember(past("a fox"))
    async with app.running(120, 36) as pilot:
        await open_page(app, pilot, "history")
        await app.sees("1 found")
        await pilot.press("down", "u")
        await app.sees("ctrl+z brings back what was there.")
        assert app.screen is app.main


async def test_a_message_ends_when_it_is_no_longer_true() -> None:
    app = TestApp()
    app.remember(past("a fox"), past("an owl"))
    async with app.running(120, 36) as pilot:
        await pilot.press("ctrl+t", "x")
        await app.sees("1 task deleted. z brings it back.")
        await pilot.press("z")
        await app.sees("Brought back 1 task.", without="brings it back")
        await pilot.press("u")
        await app.sees("ctrl+z brings back what was there.")
        await pilot.press("ctrl+z")
        await app.sees(
            "Brought back what was in the form. ctrl+y fills it in again.",
            without="what was there",
        )
        await pilot.press("ctrl+y")
        await app.sees("Filled in again. ctrl+z brings back what was there.")


async def test_after_a_problem_the_latest_message_alone_is_shown() -> None:
    app = TestApp()
    async with app.running(120, 36):
        app.messages.show(Notice("It is broken.", "error"), 60)
        app.notify("1 task deleted.")
        app.notify("Brought back 1 task.")
        await app.sees("It is broken.")
        app.messages.end()
        await app.sees("Brought back 1 task.", without="1 task deleted.")


async def test_the_grid_names_the_key_that_undoes(
    made: Callable[[str], Task],
) -> None:
    app = TestApp(keys={"undo": "B"})
    app.remember(made("a fox"), made("an owl"))
    async with app.running(120, 36) as pilot:
        await open_page(app, pilot, "grid")
        await pilot.press("x")
        await app.sees("B brings it back.")
        await pilot.press("B")
        await app.sees("Brought back 1 task.")


async def test_a_layout_is_named_in_a_short_message() -> None:
    app = TestApp()
    async with app.running(120, 36) as pilot:
        await pilot.press("f2")
        assert app.main
        layout = app.main.panes.chosen.layout
        assert app.told[-1] == f"Layout: {layout}"
        named = [told for told in app.told if told.startswith("Layout: ")]
        await pilot.resize_terminal(50, 15)
        await pilot.press("f2")
        assert app.main.panes.chosen.layout == layout
        assert [told for told in app.told if told.startswith("Layout: ")] == named


async def test_the_order_of_what_waits_is_offered_and_its_ends_are_told() -> None:
    app = TestApp()
    app.remember(past("a fox", Status.HELD), past("an owl", Status.HELD), paused=True)
    async with app.running(170, 36) as pilot:
        await pilot.press("ctrl+t", "end")
        await app.sees("K Sooner", "J Later", "N Next")
        await pilot.press("K")
        await app.sees("Already the first of those that wait.")
        await pilot.press("J")
        await pilot.press("J")
        await app.sees("Already the last of those that wait.")
        assert app.told.count("Already the first of those that wait.") == 1
        await pilot.press("N")
        await pilot.press("N")
        await app.until(
            lambda: app.told.count("Already the first of those that wait.") == 2
        )


async def test_what_was_not_sent_is_no_news_once_it_is_sent() -> None:
    app = TestApp(delay=0)
    async with app.running(80, 24) as pilot:
        await pilot.press("ctrl+j")
        await app.sees("Not sent: Required.")
        await pilot.press(*"fox", "ctrl+j")
        await app.until_task(pilot, lambda task: task.status is Status.COMPLETED)
        await app.sees("completed", without="Not sent")
