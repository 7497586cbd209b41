"""One press pays once, also where a key is held down; what was retried says so, and
another retry asks.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.screen import Screen

from tests.app import TestApp, past
from tui.screens.batch import BatchScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.key_repeat import SAME_AGAIN
from tui.screens.main import MainScreen
from tui.tasks.engine_state import EngineState
from tui.tasks.task import Problem, SetAside, Status, Task
from tui.widgets.pay_button import PayButton

REASON = Problem("failed", "No picture came of it.")


def paid(app: TestApp) -> list[Task]:
    """What was sent in this run."""
    assert app.engine
    return [task for task in app.engine.tasks.values() if task.key]


def retries(app: TestApp) -> list[Task]:
    assert app.engine
    return [task for task in app.engine.tasks.values() if task.retry_of]


async def press(pilot: object, keys: Iterable[str]) -> None:
    """As fast as a terminal delivers a key that is held down: all in one go."""
    for key in keys:
        pilot.app.simulate_key(key)  # type: ignore[attr-defined]
    await pilot.pause()  # type: ignore[attr-defined]


def press_at(app: TestApp, key: str, at: float) -> None:
    """Press a key at that time, however slow the machine is."""
    event = events.Key(key, key if len(key) == 1 else None)
    event.time = at
    app.post_message(event)


async def hold(app: TestApp, key: str, times: int) -> None:
    """As a terminal delivers it: so many times, a twentieth of a second apart, however
    slow the machine is.
    """
    begin = events.Key(key, key).time
    for number in range(times):
        press_at(app, key, begin + number / 20)
        await asyncio.sleep(0.05)
    await asyncio.sleep(SAME_AGAIN)


async def until_page(app: TestApp, pilot: Pilot[None], page: type[Screen[Any]]) -> None:
    await app.until(lambda: isinstance(app.screen, page))
    await pilot.pause()


async def test_a_failed_task_is_retried_once_however_often_the_key_comes() -> None:
    app = TestApp()
    app.remember(past("a fox", Status.FAILED, error=REASON))
    async with app.running(120, 40) as pilot:
        await pilot.press("ctrl+t")
        await app.sees("failed")
        await press(pilot, ["r"] * 10)
        await app.sees("retried", "completed")
        assert len(retries(app)) == 1
        assert isinstance(app.screen, MainScreen)
        assert app.told.count("1 task sent again.") == 1


async def test_another_retry_asks_and_enter_alone_is_no_yes() -> None:
    app = TestApp()
    app.remember(
        past("a fox", Status.FAILED, error=REASON, retried_by="01m7xyp84pz243")
    )
    async with app.running(120, 40) as pilot:
        await pilot.press("ctrl+t")
        await app.sees("↻ retried")
        await press(pilot, ["r"] * 5)
        await app.until(lambda: isinstance(app.screen, ConfirmScreen))
        await app.sees("retried already", "about $0.05")
        await pilot.press("enter")
        await app.until(lambda: isinstance(app.screen, MainScreen))
        assert retries(app) == []
        await pilot.press("r")
        await app.until(lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await app.until_task(
            pilot, lambda task: bool(task.retry_of) and task.status is Status.COMPLETED
        )
        assert len(retries(app)) == 1


async def test_a_key_held_down_on_the_page_of_a_job_pays_for_the_job_alone() -> None:
    app = TestApp()
    async with app.running(120, 40) as pilot:
        assert app.main
        app.main.form.set_prompt("a fox")
        await pilot.press("ctrl+b")
        await app.until(lambda: isinstance(app.screen, BatchScreen))
        assert isinstance(app.screen, BatchScreen)
        app.screen._count.value = "3"
        await app.sees("$0.15")
        await press(pilot, ["ctrl+j"] * 9)
        await app.until(lambda: isinstance(app.screen, MainScreen))
        await app.until(lambda: len(paid(app)) == 3)
        await app.sees("3 of 3")
        assert len(paid(app)) == 3


@pytest.mark.parametrize("is_job", [False, True])
async def test_what_was_refused_is_asked_for_again_however_soon(is_job: bool) -> None:
    app = TestApp(confirm_usd=0.05)
    async with app.running(120, 40) as pilot:
        assert app.main
        app.main.form.set_prompt("{red|blue} fox")
        if is_job:
            await pilot.press("ctrl+b")
            await until_page(app, pilot, BatchScreen)
            await app.sees("Send 2")
        begin = events.Key("n", "n").time
        for number, key in enumerate(("ctrl+j", "n") * 2):
            press_at(app, key, begin + number / 20)
            is_asked = key == "ctrl+j"
            await until_page(app, pilot, ConfirmScreen if is_asked else MainScreen)
        assert paid(app) == []


async def test_an_enter_that_is_held_down_asks_once() -> None:
    app = TestApp(confirm_usd=0.05)
    async with app.running(120, 40) as pilot:
        assert app.main
        app.main.form.set_prompt("{red|blue} fox")
        await pilot.pause()
        app.main.query_one(PayButton).focus()
        await pilot.pause()
        begin = events.Key("n", "n").time
        press_at(app, "enter", begin)
        await until_page(app, pilot, ConfirmScreen)
        press_at(app, "enter", begin + 0.05)
        await until_page(app, pilot, MainScreen)
        press_at(app, "enter", begin + 0.1)
        await asyncio.sleep(SAME_AGAIN)
        assert isinstance(app.screen, MainScreen)
        press_at(app, "enter", begin + 1 + SAME_AGAIN)
        await until_page(app, pilot, ConfirmScreen)


async def test_what_was_set_aside_is_shown_so_and_goes_on_at_a_key_that_asks_first() -> (
    None
):
    app = TestApp()
    aside = {
        "watched": False,
        "set_aside": SetAside.INTERRUPTED,
        "job": "01m7xyp84pz243",
    }
    app.remember(*(past(f"fox {number}", Status.HELD, **aside) for number in range(3)))
    async with app.running(120, 40) as pilot:
        await pilot.press("ctrl+t")
        await app.sees("0 of 3", "3 set aside", "s Send")
        await pilot.press("enter")
        await app.sees("◇ set aside", "s sends it, d drops it")
        assert not any(task.live for task in app.engine.tasks.values())  # type: ignore[union-attr]
        await pilot.press("s")
        await app.until(lambda: isinstance(app.screen, ConfirmScreen))
        await app.sees("3 requests", "$0.15")
        await pilot.press("n")
        await app.until(lambda: isinstance(app.screen, MainScreen))
        assert not any(task.live for task in app.engine.tasks.values())  # type: ignore[union-attr]
        await pilot.press("s")
        await app.until(lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await app.sees("3 of 3")


async def test_a_retry_that_fails_at_once_is_not_paid_again_by_the_same_press() -> None:
    app = TestApp()
    app.remember(past("a fox demo:fail", Status.FAILED, error=REASON))
    async with app.running(120, 40) as pilot:
        await pilot.press("ctrl+t")
        await app.sees("failed")
        await hold(app, "r", 40)  # until long after the retry has failed
        await app.until(lambda: not any(task.live for task in retries(app)))
        assert [task.status for task in retries(app)] == [Status.FAILED]
        await pilot.press("r")
        await app.until(lambda: len(retries(app)) == 2)


async def test_the_key_that_sends_what_was_set_aside_does_not_stop_it_while_held_down() -> (
    None
):
    app = TestApp(delay=3600, poll_seconds=5)
    app.remember(
        past("a fox", Status.HELD, watched=False, set_aside=SetAside.INTERRUPTED)
    )
    async with app.running(120, 40) as pilot:
        await pilot.press("ctrl+t")
        await app.sees("◇ set aside", "s Send")
        await hold(app, "s", 20)
        await app.sees("◔ pending", "s Stop")
        assert app.told[-1] == "1 task queued to be sent."
        await pilot.press("s")
        await app.sees("◇ unwatched", "s Watch")


async def test_quitting_says_what_goes_on_and_how_to_come_back() -> None:
    app = TestApp(delay=3600, poll_seconds=5)
    app.remember(past("a fox", Status.HELD), past("an owl", Status.HELD, watched=False))
    async with app.running(80, 24):
        await app.sees("◔ pending")
    assert app.farewell.startswith(
        "1 task continues at the service. Start the app again, or run `runapi-tui resume"
    )


async def test_what_is_the_matter_is_not_cut_off_in_a_narrow_terminal() -> None:
    app = TestApp()
    async with app.running(80, 24):
        assert app.main
        app.main.status.live = 12
        app.main.status.state = EngineState(paused=True, waits_for_disk=True)
        await app.sees(
            "◑ 12 running  ·  ‖ paused (p in the queue)  ·  ! waiting for the queue file"
        )


async def test_undo_outlives_a_restart() -> None:
    app = TestApp()
    app.remember(past("a fox"))
    async with app.running(120, 40) as pilot:
        await pilot.press("ctrl+t", "x")
        await app.until(lambda: any("deleted" in told for told in app.told))
    again = TestApp()
    async with again.running(120, 40) as pilot:
        await again.sees("Press z here to undo")
        await pilot.press("ctrl+t", "z")
        await again.sees("a fox", "completed")


async def test_what_was_sent_by_mistake_is_taken_back_in_time() -> None:
    app = TestApp(undo_send=30)
    async with app.running(120, 40) as pilot:
        assert app.main
        app.main.form.set_prompt("a fox")
        await pilot.press("ctrl+j")
        await app.sees("Sent in 30s: z in the queue takes it back.")
        await pilot.press("ctrl+t", "z")
        await app.sees("Taken back: 1 request, nothing was sent.")
        assert app.engine
        (task,) = app.engine.tasks.values()
        assert (task.status, task.sent_at) == (Status.DROPPED, 0)
