"""Many requests as one: counted and priced before they are sent, asked about, one row
in the queue.
"""

import re
from pathlib import Path

from textual.widgets import TextArea

from tests.app import TestApp, past
from tui.screens.batch import BatchScreen
from tui.screens.main import MainScreen
from tui.tasks.task import SENT, Problem, SetAside, Status, new_id

REASON = Problem("failed", "No picture came of it.")


def rows(app: TestApp) -> list[str]:
    """What the queue shows, without its frame and titles."""
    lines = app.text().splitlines()
    first = next(at for at, line in enumerate(lines) if line.startswith("  status"))
    return [line.strip() for line in lines[first + 1 : first + 6] if line.strip()]


async def until_rows(app: TestApp, count: int) -> None:
    await app.until(lambda: len(rows(app)) == count)


async def test_alternatives_in_the_prompt_make_a_job_of_one_row() -> None:
    app = TestApp(concurrency=1, delay=0.25)
    async with app.running(80, 24) as pilot:
        assert app.main
        app.main.form.set_prompt("{red|blue demo:slow} fox")
        await app.sees("Generate 2 ", "$0.10 ")
        await pilot.press("ctrl+j")
        await app.sees("▸ 1 of 2", "1 sent", "~$0.10")
        assert len(rows(app)) == 1
        await app.sees("▸ 2 of 2", "red fox", without="~")
        assert "$0.10" in app.text()
        assert "balance" in app.text()
        await pilot.press("ctrl+t", "enter")
        await app.sees("▾ 2 of 2", "blue demo:slow fox")
        assert [row.split()[:2] for row in rows(app)[1:]] == [["●", "completed"]] * 2
        for key, wanted in (
            ("left", 1),
            ("right", 3),
            ("right", 3),
            ("down", 3),
            ("left", 1),
            ("left", 1),
        ):
            await pilot.press(key)
            await until_rows(app, wanted)
        await pilot.press("f")
        await app.sees("♥ red fox")
        await pilot.press("x")
        await app.sees("The queue is empty")
        assert app.engine
        assert not [
            file
            for task in app.engine.tasks.values()
            for file in task.files
            if Path(file).exists()
        ]
        await pilot.press("z")
        await app.sees("▸ 2 of 2", "♥")


async def test_a_job_is_moved_and_taken_back_as_one() -> None:
    app = TestApp(concurrency=1, delay=3600, poll_seconds=5)
    dog, job = past("a dog", Status.HELD), new_id()
    app.remember(
        dog,
        *(
            past(f"a {colour} fox", Status.HELD, job=job)
            for colour in ("red", "blue", "green")
        ),
        past("a cat", Status.HELD),
        paused=True,
    )
    async with app.running(80, 24) as pilot:
        await app.sees("#5")
        await pilot.press("ctrl+t", "down", "N")
        await app.until(lambda: re.findall(r"#\d+", app.text()) == ["#5", "#4", "#1"])
        await pilot.press("K", "J", "e")  # of one task alone
        await pilot.press("p")
        await app.sees("2 held · 1 sent", "#1")
        assert app.engine
        assert [
            task.prompt for task in app.engine.tasks.values() if task.status in SENT
        ] == ["a red fox"]
        await pilot.press("d")
        await app.sees("1 sent · 2 drop", "○ held")
        assert app.told[-1] == "2 tasks dropped, free of charge."
        assert sorted(
            task.prompt
            for task in app.engine.tasks.values()
            if task.status is Status.HELD
        ) == [
            "a cat",
            "a dog",
        ]


async def test_much_is_asked_about_and_no_sends_nothing() -> None:
    app = TestApp(confirm_usd=0.05, delay=0)
    async with app.running(80, 24) as pilot:
        assert app.main
        app.main.form.set_prompt("{red|blue} fox")
        await app.sees("Generate 2 ", "$0.10 ", "balance $50.00")
        for no in ("n", "escape", "enter"):
            await pilot.press("ctrl+j")
            await app.sees("Send 2 requests, about $0.10?")
            await pilot.press(no)
            await app.sees("No tasks yet", without="Send 2")
        assert app.engine
        assert not app.engine.tasks
        assert await app.engine.client.balance_micro() == 50_000_000
        await pilot.press("ctrl+j")
        await app.sees("Send 2 requests, about $0.10?")
        await pilot.press("left", "enter")
        await app.sees("▸ 2 of 2")
        assert await app.engine.client.balance_micro() == 49_900_000


async def test_a_job_is_tried_again_once_and_not_what_was_retried_before() -> None:
    app = TestApp(confirm_usd=0.05, delay=0)
    app.remember(
        past("red fox demo:fail", Status.FAILED, job="fox", error=REASON),
        past("blue fox demo:fail", Status.FAILED, job="fox", error=REASON),
        past("green fox", job="fox"),
    )

    def failed() -> set[str]:
        tasks = app.engine.tasks if app.engine else {}
        return {task.id for task in tasks.values() if task.status is Status.FAILED}

    async def until_more(before: set[str]) -> None:
        await app.until(lambda: len(failed() - before) == 2)

    async with app.running(80, 24) as pilot:
        assert app.engine
        await app.sees("▸ 1 of 3", "2 failed", "$0.05")
        await pilot.press("ctrl+t", "r")
        await app.sees("Send 2 requests, about $0.10?")
        await pilot.press("n")
        await app.sees("▸ 1 of 3", without="Send 2")
        assert len(app.engine.tasks) == 3
        for count in (5, 7):
            await pilot.press("r")
            await app.sees("Send 2 requests, about $0.10?")
            before = failed()
            await pilot.press("y")
            await until_more(before)
            await app.sees("▸ 1 of 3", "2 ", without="Send 2")
            await app.sees("▸ 1 of 3", "2 failed")
            assert len(app.engine.tasks) == count


async def test_the_job_page_sends_what_it_shows() -> None:
    app = TestApp(delay=0)
    async with app.running(80, 24) as pilot:
        assert app.main
        assert app.engine
        app.main.form.set_prompt("a fox")
        for key, keys, wanted in (
            ("ctrl+b", ["4", "escape"], "Send 4  ·  about $0.20"),
            ("f8", ["4", "0", "ctrl+j"], "Send 40  ·  about $2.00"),
            ("f8", ["1", "enter", "enter", "ctrl+j"], "Send 2  ·  about $0.12"),
        ):
            await pilot.press(key)
            await app.until(lambda: isinstance(app.screen, BatchScreen))
            await pilot.press(*keys[:-1])
            if isinstance(app.focused, TextArea):
                app.focused.text = "output_resolution = *"
            await app.sees(wanted)
            assert not app.engine.tasks
            await pilot.press(keys[-1])
            if "$2" in wanted:
                await app.sees("Send 40 requests, about $2.00?")
                await pilot.press("n")
            await app.until(lambda: isinstance(app.screen, MainScreen))
        await app.sees("▸ 2 of 2")
        assert sorted(
            str(task.values["output_resolution"]) for task in app.engine.tasks.values()
        ) == ["1k", "2k"]


async def test_a_probe_sends_one_request_and_waits_for_a_yes() -> None:
    app = TestApp(delay=0)
    async with app.running(120, 36) as pilot:
        assert app.main
        assert app.engine
        app.main.form.set_prompt("a {red|blue|grey} fox")
        await pilot.press("f8")
        await app.until(lambda: isinstance(app.screen, BatchScreen))
        app.screen.query_one(TextArea).text = "output_resolution = 2k | 1k"
        await app.sees("Send 6  ·  about $0.36")
        await pilot.press("f7")
        await app.sees("The cheapest of 6 is sent")
        tasks = app.engine.tasks
        await app.until(
            lambda: (
                [task.status for task in tasks.values()].count(Status.COMPLETED) == 1
            )
        )
        (sent,) = [task for task in tasks.values() if task.sent_at]
        assert sent.values["output_resolution"] == "1k"
        assert len(tasks) == 6
        waiting = [task for task in tasks.values() if not task.sent_at]
        assert {task.set_aside for task in waiting} == {SetAside.PROBED}
        # The yes: all others, after one question with their price.
        await pilot.press("ctrl+t", "home", "s")
        await app.sees("Send 5 requests, about $0.31?")
        await pilot.press("y")
        await app.until(
            lambda: all(task.status is Status.COMPLETED for task in tasks.values())
        )


async def test_the_job_page_keeps_its_fields_until_its_job_is_sent() -> None:
    app = TestApp(confirm_usd=0.05, delay=0)
    async with app.running(80, 24) as pilot:
        assert app.main
        assert app.engine
        app.main.form.set_prompt("a fox")

        async def open_page() -> None:
            await pilot.press("ctrl+b")
            await app.until(lambda: isinstance(app.screen, BatchScreen))

        async def until_back() -> None:
            await app.until(lambda: isinstance(app.screen, MainScreen))

        await open_page()
        await pilot.press("3", "enter", "enter")
        app.screen.query_one(TextArea).text = "output_resolution = *"
        await app.sees("Send 6  ·  about $0.36")
        await pilot.press("escape")
        await until_back()
        await open_page()
        await app.sees("Send 6  ·  about $0.36")
        await pilot.press("ctrl+j")
        await app.sees("Send 6 requests, about $0.36?")
        await pilot.press("n")
        await until_back()
        await open_page()
        await app.sees("output_resolution = *", "Send 6  ·  about $0.36")
        await pilot.press("ctrl+j")
        await app.sees("Send 6 requests, about $0.36?")
        await pilot.press("y")
        await app.until(lambda: app.engine and len(app.engine.tasks) == 6)
        await until_back()
        await open_page()
        await app.sees("Send 1  ·  about $0.05", without="output_resolution = *")
