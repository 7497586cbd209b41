"""The queue steered through the keyboard: pause, order, taking back, tidying up,
undoing.
"""

import hashlib
import importlib.util
import re
import time
from functools import partial

import pytest
from msgspec import structs
from textual import events
from textual.app import ComposeResult
from textual.widgets import TextArea

from tests.app import TestApp, past
from tests.themed import ThemedApp
from tui.paths import styles_dir
from tui.tasks.durations import Span
from tui.tasks.task import SENT, Problem, Result, Status, Task
from tui.widgets.messages import TaskActionRequested
from tui.widgets.queue import Queue

REASON = Problem("failed", "No picture came of it.")


def places(app: TestApp) -> list[str]:
    """The numbers of those that wait, from the top of the screen to its bottom."""
    return re.findall(r"#\d+", app.text())


def waiting(app: TestApp) -> str:
    """The last letters of the prompts that wait, from the top to the bottom."""
    return "".join(re.findall(r"○ held .*fox (\w)", app.text()))


def held(app: TestApp) -> list[str]:
    assert app.engine
    return [
        task.prompt for task in app.engine.tasks.values() if task.status is Status.HELD
    ]


def is_waiting_in_order(app: TestApp, wanted: str) -> bool:
    return waiting(app) == wanted


async def test_a_pause_sends_nothing_and_outlives_the_app() -> None:
    app = TestApp()
    async with app.running(80, 24) as pilot:
        await pilot.press(*"fox", "ctrl+j")
        await app.until_task(pilot, lambda task: task.status is Status.COMPLETED)
        await pilot.press("ctrl+t", "p")
        await app.sees("‖ paused", "Queue · paused")
        await pilot.press("ctrl+t", "ctrl+n", *"owl", "ctrl+j")
        await app.sees("○ held", "#1")
        assert held(app) == ["owl"]
    again = TestApp()
    async with again.running(80, 24) as pilot:
        await again.sees("‖ paused", "○ held", "#1")
        assert held(again) == ["owl"]
        await pilot.press("ctrl+t", "p")
        await again.sees("● completed", without="held")
        assert "paused" not in again.text()


async def test_how_many_at_once_is_changed_while_they_wait() -> None:
    app = TestApp(concurrency=1, delay=3600, poll_seconds=5)
    app.remember(*(past(f"fox {number}", Status.HELD) for number in range(4)))
    async with app.running(120, 40) as pilot:
        assert app.engine

        def sent() -> int:
            assert app.engine
            return sum(task.status in SENT for task in app.engine.tasks.values())

        await app.until(lambda: sent() == 1)
        await app.sees("1 at once")
        await pilot.press("ctrl+t", "plus", "plus")
        await app.sees("3 at once")
        await app.until(lambda: sent() == 3)
        assert places(app) == ["#1"]
        await pilot.press("minus", "minus", "minus", "minus")
        await app.sees("1 at once")
        assert app.engine.state.limit == 1
        assert sent() == 3


async def test_what_waits_is_sent_in_the_order_that_was_wished() -> None:
    app = TestApp(concurrency=1, delay=0)
    app.remember(*(past(f"fox {name}", Status.HELD) for name in "abcd"), paused=True)
    async with app.running(80, 24) as pilot:
        await app.sees("#4")
        assert waiting(app) == "dcba"  # the next one to be sent is lowest
        await pilot.press("ctrl+t")
        for keys, wanted in (
            (["end", "J"], "dcab"),
            (["home", "K"], "cdab"),
            (["N"], "cabd"),
            # Further is not possible; the cursor has stayed on its task
            (["K", "shift+up"], "cabd"),
            (["home", "J"], "cabd"),
            (["K", "K"], "abcd"),
            (["shift+down"], "acbd"),
        ):
            await pilot.press(*keys)
            await app.until(partial(is_waiting_in_order, app, wanted))
            assert places(app) == ["#4", "#3", "#2", "#1"]
        await pilot.press("p")
        await app.until(lambda: not held(app))
        await app.sees("● completed", without="#")
        assert app.engine
        sent = sorted(app.engine.tasks.values(), key=lambda task: task.sent_at)
        assert [task.prompt for task in sent] == [f"fox {name}" for name in "dbca"]


async def test_what_waits_is_taken_back_for_free() -> None:
    app = TestApp()
    app.remember(
        past("a red fox", Status.HELD), past("a blue owl", Status.HELD), paused=True
    )
    async with app.running(80, 24) as pilot:
        await app.sees("#2")
        await pilot.press("ctrl+t", "d")
        await app.sees("– dropped", "#1", without="#2")
        await pilot.press("home", "d")  # what still waits is above what is dropped
        await app.sees("– dropped", without="○ held")
        await pilot.press("p", "r")  # the dropped one, for its price
        await app.sees("● completed", without="paused")


async def test_watching_stops_and_goes_on() -> None:
    app = TestApp(delay=3600, poll_seconds=5)
    app.remember(past("a red fox", Status.HELD))
    async with app.running(80, 24) as pilot:
        await app.sees("◔ pending", "1 running")
        await pilot.press("ctrl+t", "s")
        await app.sees("◇ unwatched", "Not watched;", without="running")
        await pilot.press("d", "e", "x", "s")  # what is sent can't be taken back
        await app.sees("◔ pending", "1 running")


@pytest.mark.hands_over("fox.png")
async def test_cleared_and_deleted_tasks_come_back_and_their_files() -> None:
    app = TestApp()
    folder = app.session.folders.output
    folder.mkdir(parents=True)
    file = folder / "fox.png"
    file.write_bytes(b"a picture")
    saved = Result(
        url="",
        path=str(file),
        format="PNG",
        bytes=file.stat().st_size,
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
    )
    app.remember(
        past(
            "mine",
            Status.HELD,
            error=Problem("validation", "/tmp/gone.png can't be read."),
        ),
        past("waiting", Status.HELD),
        past("failed", Status.FAILED, error=REASON),
        past("ended", results=(saved,)),
        paused=True,
    )
    async with app.running(80, 24) as pilot:
        await app.sees("● completed", "✗ failed", "! needs you", "○ held")
        await pilot.press("ctrl+t", "c")
        await app.sees("! needs you", "○ held", without="● completed")
        assert "✗ failed" not in app.text()
        assert file.exists()
        await pilot.press("z")
        await app.sees("● completed", "✗ failed")
        await pilot.press("home", "down", "x")
        await app.sees("✗ failed", without="● completed")
        assert not file.exists()
        await pilot.press("z")
        await app.sees("● completed")
        assert file.read_bytes() == b"a picture"
        await pilot.press("z")
        await app.until(lambda: len(app.told) == 5)
        assert [told.partition(". ")[0].rstrip(".") for told in app.told] == [
            "2 tasks cleared",
            "Brought back 2 tasks",
            "1 task and its files deleted",
            "Brought back 1 task",
            "Nothing to undo",
        ]


async def test_a_task_is_marked_inspected_and_tried_again() -> None:
    app = TestApp(delay=0)
    app.remember(
        past("a red fox", Status.FAILED, error=REASON, body=b"{}", key="the-key")
    )
    async with app.running(100, 24) as pilot:
        await app.sees("✗ failed", "a red fox  No picture")
        await pilot.press("ctrl+t", "f")
        await app.sees("♥ a red fox")
        await pilot.press("f")
        await app.sees("a red fox", without="♥")
        if importlib.util.find_spec("tui.screens.inspect"):
            await pilot.press("i")
            await app.sees("the-key", without="Queue")
            await pilot.press("escape")
        await pilot.press("r")
        await app.sees("↻ retried", "● completed")


class OneQueue(ThemedApp):
    """The queue alone."""

    CSS_PATH = [styles_dir() / "widgets.tcss"]

    def __init__(self, usual: Span | None = None) -> None:
        super().__init__()
        titles = {"imagen-4": "Imagen 4"}
        self.queue = Queue(
            "queue", lambda task: titles.get(task.model, "Flux"), lambda task: usual
        )
        self.asked: list[tuple[str, list[str]]] = []

    def compose(self) -> ComposeResult:
        yield self.queue

    async def on_mount(self) -> None:
        await self.queue.mount_content()

    def on_task_action_requested(self, event: TaskActionRequested) -> None:
        self.asked.append((event.action, [task.prompt for task in event.tasks]))

    def rows(self) -> list[str]:
        """What stands on the screen, without the scrollbar."""
        lines = self.screen._compositor.render_strips()
        return [
            "".join(segment.text for segment in line)[:-2].rstrip() for line in lines
        ]


async def test_what_is_looked_at_stays_in_its_place_while_others_come_and_go() -> None:
    app = OneQueue()
    tasks = [past(f"old {number:02}") for number in range(30)]
    async with app.run_test(size=(80, 11)) as pilot:
        for task in tasks:
            app.queue.update(task)
        app.queue.table.focus()
        await pilot.press("pagedown", "down")
        await pilot.pause()
        selected, before = app.queue.table.selected, app.rows()
        new = [past(f"new {number}") for number in range(12)]
        for task in new:
            app.queue.update(task)
        await pilot.pause()
        assert app.queue.table.selected is selected
        assert app.rows() == before
        for task in new:
            app.queue.update(task.change(cleared=True))
        await pilot.pause()
        assert app.queue.table.selected is selected
        assert app.rows() == before
        await pilot.press("home")
        app.queue.update(past("newest"))
        await pilot.pause()
        assert app.queue.table.selected
        assert app.queue.table.selected.prompt == "old 29"
        assert app.queue.table.cursor == 1


async def test_a_long_queue_has_no_scrollbar_along_its_foot() -> None:
    app = OneQueue()
    async with app.run_test(size=(80, 11)) as pilot:
        for number in range(30):
            app.queue.update(past(f"fox {number}"))
        await pilot.pause()
        assert not app.queue.table.show_horizontal_scrollbar
        assert len([row for row in app.rows() if "fox" in row]) == 10


async def test_nothing_yet_is_said_once_and_the_keys_stay_after_clearing() -> None:
    app = OneQueue()
    async with app.run_test(size=(80, 11)) as pilot:
        assert "No tasks yet" not in app.rows()[0]  # they may still be read
        app.queue.loaded()
        await pilot.pause()
        assert "No tasks yet." in app.rows()[0]
        task: Task = past("fox")
        app.queue.update(task)
        app.queue.table.focus()
        await pilot.pause()
        app.queue.update(task.change(cleared=True))
        await pilot.pause()
        assert "The queue is empty. Press z here to undo" in app.rows()[1]
        assert app.focused is app.queue.table
        app.queue.update(task)
        await pilot.pause()
        assert "fox" in app.rows()[1]


async def test_what_can_be_done_with_a_job_can_be_done_at_once() -> None:
    app = OneQueue()
    slow, quick = (past(name, Status.PENDING, job="job") for name in ("slow", "quick"))
    async with app.run_test(size=(80, 11)) as pilot:
        for task in (
            slow,
            quick,
            quick.change(Status.FETCHING).change(Status.COMPLETED),
        ):
            app.queue.update(task)
        app.queue.table.focus()
        await pilot.press("r", "d", "s")
        # Which isn't the one that stands for the job
        app.queue.update(slow.change(Status.FAILED))
        await pilot.press("s", "r")
        app.queue.update(past("slow", Status.HELD, job="job", retry_of=slow.id))
        await pilot.press("r", "d", "e", "K")
        assert app.asked == [
            ("stop", ["slow"]),
            ("retry", ["slow"]),
            ("drop", ["slow"]),
        ]


async def test_what_is_typed_ahead_is_for_the_queue() -> None:
    app = TestApp()
    app.remember(past("owl"), past("fox"))
    async with app.running(120, 40) as pilot:
        await app.sees("fox", "owl")
        for key, character in (("ctrl+t", None), ("u", "u")):
            app.post_message(events.Key(key, character))
        await pilot.pause()
        await app.until(lambda: app.screen.query_one(TextArea).text == "fox")


async def test_the_title_counts_what_runs_waits_and_has_failed() -> None:
    app = OneQueue()
    async with app.run_test(size=(80, 11)) as pilot:
        running = past("a", Status.PROCESSING, sent_at=1)
        failed = past("b", Status.FAILED, error=REASON)
        for task in (running, failed, past("c", Status.HELD), past("d")):
            app.queue.update(task)
        await pilot.pause()
        title = "Queue · 1 running · 1 waiting · 1 failed"
        assert str(app.queue.border_title) == title
        app.queue.update(structs.replace(running, status=Status.COMPLETED))
        app.queue.update(failed.change(cleared=True))
        await pilot.pause()
        assert str(app.queue.border_title) == "Queue · 1 waiting"


async def test_a_reason_has_the_room_that_a_short_prompt_leaves() -> None:
    app = OneQueue()
    reason = "The prompt was refused by the content policy of the model."
    async with app.run_test(size=(120, 11)) as pilot:
        task = past("fox " * 40, Status.FAILED, error=Problem("failed", reason))
        app.queue.update(task)
        await pilot.pause()
        row = next(line for line in app.rows() if "fox" in line)
        assert reason[:40] in row


async def test_a_short_prompt_is_whole_beside_a_long_reason() -> None:
    app = OneQueue()
    reason = "The prompt was refused by the content policy of the model."
    async with app.run_test(size=(80, 11)) as pilot:
        task = past("fourteen chars", Status.FAILED, error=Problem("failed", reason))
        app.queue.update(task)
        await pilot.pause()
        row = next(line for line in app.rows() if "fourteen" in line)
        assert "fourteen chars" in row
        assert reason[:20] in row


async def test_a_narrow_queue_names_models_only_if_there_are_several() -> None:
    app = OneQueue()
    async with app.run_test(size=(80, 11)) as pilot:
        app.queue.update(past("a fox"))
        await pilot.pause()
        assert "model" not in app.rows()[0]
        other = past("an owl", model="imagen-4")
        app.queue.update(other)
        await pilot.pause()
        assert "model" in app.rows()[0]
        app.queue.update(other.change(cleared=True))
        await pilot.pause()
        assert "model" not in app.rows()[0]


@pytest.mark.parametrize("width", [50, 66, 80, 120])
async def test_a_running_task_says_its_time_whole(width: int) -> None:
    app = OneQueue(usual=Span(9, 14))
    async with app.run_test(size=(width, 11)) as pilot:
        running = past("fox", Status.PROCESSING, sent_at=time.time())
        app.queue.update(running)
        await pilot.pause()
        row = next(line for line in app.rows() if "fox" in line)
        assert "…" not in row
        assert ("of 9–14 s" in row) is (width >= 80)


async def test_headings_stand_over_their_figures() -> None:
    app = OneQueue()
    for width in (60, 80, 120):
        async with OneQueue().run_test(size=(width, 11)) as pilot:
            app = pilot.app  # type: ignore[assignment]
            app.queue.update(past("fox", sent_at=1, finished_at=6))
            await pilot.pause()
            heading, row = app.rows()[:2]
            assert heading.index("cost") + 4 == row.index("$0.05") + 5
            assert heading.index("time") + 4 == row.index("5s") + 2


async def test_an_empty_queue_says_how_to_fill_it() -> None:
    app = TestApp()
    async with app.running(80, 24) as pilot:
        await app.sees("No tasks yet.")
        await pilot.press("ctrl+t")
        await app.sees("No tasks yet. Describe an image and press ctrl+j.")
        assert isinstance(app.focused, TextArea)
