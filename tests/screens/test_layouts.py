"""The panes of the main page: layouts, hiding, resizing and zooming by key."""

from pathlib import Path

from tests.app import TestApp, past
from tui.widgets.arrangement import Layout, Pane


def shown(app: TestApp) -> set[Pane]:
    assert app.main
    return {pane for pane in Pane if app.main.panes.shows(pane)}


async def test_one_key_goes_through_the_layouts() -> None:
    app = TestApp()
    async with app.running(120, 36) as pilot:
        assert shown(app) == set(Pane)
        seen = [shown(app)]
        for _ in Layout:
            await pilot.press("f2")
            seen.append(shown(app))
        assert seen[0] == seen[-1]
        assert {Pane.PICTURE, Pane.QUEUE} in seen


async def test_the_focus_leaves_a_pane_that_is_no_longer_shown() -> None:
    app = TestApp()
    async with app.running(120, 36) as pilot:
        await pilot.press(*"fox", "f2")
        assert app.main
        assert app.main.preview.has_focus  # the queue is empty
        await pilot.press("f2")
        assert app.main.form.display
        await pilot.press("f2", "f2")
        assert app.main.form.values()["prompt"] == "fox"


async def test_panes_are_hidden_and_resized() -> None:
    app = TestApp()
    async with app.running(120, 36) as pilot:
        assert app.main
        await pilot.press("alt+1")
        assert Pane.MODELS not in shown(app)
        await pilot.press("alt+3")
        assert shown(app) == {Pane.FORM, Pane.QUEUE}
        await pilot.press("alt+1", "alt+3")
        assert shown(app) == set(Pane)
        width = app.main.preview.region.width
        height = app.main.queue.region.height
        await pilot.press("alt+h", "alt+k")
        await pilot.pause()
        assert app.main.preview.region.width == width + 4
        assert app.main.queue.region.height == height + 2


async def test_the_pane_in_focus_is_zoomed() -> None:
    app = TestApp()
    async with app.running(120, 36) as pilot:
        await pilot.press("alt+0")
        assert shown(app) == {Pane.FORM}
        assert app.main
        await pilot.pause()
        assert app.main.form.region.width == 120
        await pilot.press("alt+0")
        assert shown(app) == set(Pane)


async def test_a_restart_brings_the_arrangement_back(home: Path) -> None:
    app = TestApp()
    async with app.running(120, 36) as pilot:
        assert app.main
        await pilot.press("f2", "f2", "alt+1", "alt+h")
        left = app.main.panes.chosen
    again = TestApp()
    async with again.running(120, 36):
        assert again.main
        assert again.main.panes.chosen == left


async def test_a_small_screen_shows_prompt_price_and_a_sentence() -> None:
    app = TestApp()
    async with app.running(60, 18):
        await app.sees("Prompt", "$0.05", "Enlarge the terminal to see pictures.")
        assert shown(app) == {Pane.FORM}


async def test_nothing_is_paid_for_or_done_in_a_pane_that_is_not_shown() -> None:
    app = TestApp()
    async with app.running(120, 36) as pilot:
        assert app.main
        await pilot.press("f2")
        await pilot.resize_terminal(60, 18)
        await app.until(lambda: shown(app) == {Pane.FORM})
        await app.until(lambda: app.main and app.main.form.has_focus_within)
        await pilot.press("f2", "alt+2", *"fox")
        await app.sees("Enlarge the terminal")
        await pilot.resize_terminal(120, 36)
        await app.until(lambda: shown(app) == {Pane.PICTURE, Pane.QUEUE})
        await app.until(lambda: app.main and app.main.preview.has_focus)
        await pilot.press("ctrl+j")
        await pilot.pause()
        assert app.engine
        assert not app.engine.tasks


async def test_a_hidden_pane_is_shown_when_a_key_leads_there() -> None:
    app = TestApp()
    app.remember(past("a fox"))
    async with app.running(120, 36) as pilot:
        assert app.main
        await pilot.press("alt+2")
        assert Pane.QUEUE not in shown(app)
        await pilot.press("ctrl+t")
        await app.until(lambda: Pane.QUEUE in shown(app))
        assert app.main.queue.table.has_focus
        await pilot.press("f2", "escape")
        await app.until(lambda: shown(app) == set(Pane))
        assert app.main.form.has_focus_within


async def test_a_small_screen_says_that_it_has_no_room_for_the_queue() -> None:
    app = TestApp()
    app.remember(past("a fox"))
    async with app.running(60, 18) as pilot:
        assert app.main
        await pilot.press("ctrl+t")
        await app.sees("Enlarge the terminal")
        assert app.main.form.has_focus_within
