"""The help finds a key by a word."""

from tests.app import TestApp, past
from tui.screens.help import HelpScreen
from tui.terminal.keyboard import PasteCut


async def test_keys_are_found_by_words_and_by_themselves() -> None:
    app = TestApp()
    app.remember(past("a fox"))
    async with app.running(120, 110) as pilot:
        await app.sees("a fox")
        await pilot.press("ctrl+t", "question_mark")
        await app.until(lambda: isinstance(app.screen, HelpScreen))
        await app.sees("Retry all. Send all failed tasks again.")
        await pilot.press("slash", *"reject")
        await app.sees("Reject. Mark the picture as rejected", without="Retry all.")
        await pilot.press("ctrl+u", *"xyzzy")
        await app.sees("No key is about that.")
        await pilot.press("ctrl+u", "M", "enter")
        await app.sees("Table. Show the pictures of a job", without="Retry all.")
        await pilot.press("escape")
        await app.sees("Retry all. Send all failed tasks again.")
        await pilot.press("escape")
        await app.until(lambda: app.screen is app.main)


async def test_the_keys_of_the_history_are_all_named_at_80_columns() -> None:
    app = TestApp()
    app.remember(past("a fox"))
    async with app.running(80, 40) as pilot:
        await pilot.press("f9")
        await app.sees("1 found")
        await pilot.press("down")
        await app.sees("esc Back > Sort F Searches")
        await pilot.press("question_mark", "slash", *"searches")
        await app.sees("Searches. Use or delete saved")
        await pilot.press("ctrl+u", *"sort")
        await app.sees("Sort. By cost, by rating")


async def test_a_paste_that_is_cut_says_so() -> None:
    app = TestApp()
    async with app.running(120, 40):
        app.post_message(PasteCut())
        await app.sees("Only the first 100,000 characters were pasted")
