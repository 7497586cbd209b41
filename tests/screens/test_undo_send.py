"""While a new task can be taken back, it can be changed, and its row shows for how long."""

from tests.app import TestApp, past
from tests.screens.test_next_steps import made
from tui.screens.task_form import TaskFormScreen
from tui.tasks.task import Problem, Status, Task
from tui.widgets.form import ParamForm
from tui.widgets.messages import TaskActionRequested
from tui.widgets.task_actions import TaskAction

FAILED = Problem("failed", "No picture.")


async def test_the_open_form_stops_the_clock_and_nothing_typed_is_lost() -> None:
    app = TestApp(undo_send=3)
    async with app.running(120, 36) as pilot:
        assert app.main
        assert app.engine
        app.main.form.set_prompt("a fox")
        await pilot.press("ctrl+j", "ctrl+t", "e")
        await app.until(lambda: isinstance(app.screen, TaskFormScreen))
        (task,) = app.engine.tasks.values()
        assert app.engine.until_sent(task) == 0
        assert not app.engine.is_running(task.id)
        await pilot.press("ctrl+end", *" in the snow")
        await pilot.press("escape")
        await app.sees(
            "Not saved yet: ctrl+j saves it, escape again leaves it as it was."
        )
        assert isinstance(app.screen, TaskFormScreen)
        await pilot.press("ctrl+j")
        await app.until(lambda: app.screen is app.main)
        done = await app.until_task(pilot, lambda task: bool(task.files))
        assert done.prompt == "a fox in the snow"
        assert len(app.engine.tasks) == 1


async def test_a_form_that_is_left_starts_the_clock_again() -> None:
    app = TestApp(undo_send=3)
    async with app.running(120, 36) as pilot:
        assert app.main
        assert app.engine
        app.main.form.set_prompt("a fox")
        await pilot.press("ctrl+j", "ctrl+t", "e")
        await app.until(lambda: isinstance(app.screen, TaskFormScreen))
        await pilot.press("escape")
        await app.until(lambda: app.screen is app.main)
        done = await app.until_task(pilot, lambda task: bool(task.files))
        assert done.prompt == "a fox"


async def test_looking_at_a_task_of_an_old_job_makes_none_of_it_undoable() -> None:
    app = TestApp(undo_send=50)
    old = [past(f"fox {number}", Status.HELD, job="foxes") for number in range(3)]
    app.remember(*old, paused=True)
    async with app.running(120, 36) as pilot:
        await app.sees("0 of 3")
        await pilot.press("ctrl+t", "right", "down", "e")
        await app.until(lambda: isinstance(app.screen, TaskFormScreen))
        assert "alt+u" not in app.screen.active_bindings
        await pilot.press("escape")
        await app.until(lambda: app.screen is app.main)
        await pilot.press("z")
        await app.sees("Nothing to undo.")
        assert app.engine
        assert {task.status for task in app.engine.tasks.values()} == {Status.HELD}


async def test_a_key_that_comes_twice_opens_one_form() -> None:
    app = TestApp()
    waiting = past("a fox", Status.HELD)
    app.remember(waiting, paused=True)
    async with app.running(120, 36) as pilot:
        await app.sees("a fox")
        assert app.main
        for _ in range(2):
            app.main.post_message(TaskActionRequested(TaskAction.EDIT, [waiting]))
        await app.until(lambda: isinstance(app.screen, TaskFormScreen))
        await pilot.pause()
        await pilot.press("escape")
        await app.until(lambda: app.screen is app.main)


async def test_what_was_typed_twice_is_thrown_away_only_when_asked_for() -> None:
    app = TestApp()
    app.remember(past("a fox", Status.HELD), paused=True)
    async with app.running(120, 36) as pilot:
        await app.sees("a fox")
        await pilot.press("ctrl+t", "e")
        await app.until(lambda: isinstance(app.screen, TaskFormScreen))
        await pilot.press("ctrl+end", "x", "escape", "y", "escape")
        assert isinstance(app.screen, TaskFormScreen)
        assert app.screen.query_one(ParamForm).values()["prompt"] == "a foxxy"
        await pilot.press("escape")
        await app.until(lambda: app.screen is app.main)
        await app.sees("a fox", without="a foxxy")


async def test_a_task_that_another_program_took_keeps_its_form_open() -> None:
    app = TestApp()
    app.remember(past("a fox", Status.HELD), paused=True)
    async with app.running(120, 36) as pilot:
        await app.sees("a fox")
        await pilot.press("ctrl+t", "e")
        await app.until(lambda: isinstance(app.screen, TaskFormScreen))
        assert app.engine
        (task,) = app.engine.tasks.values()
        await app.engine.queue.amend(task.id, Status.SUBMITTING)
        await pilot.press("ctrl+end", "x", "ctrl+j")
        await app.sees("The task was sent meanwhile", "a foxx")
        assert isinstance(app.screen, TaskFormScreen)


def job_of_failed(app: TestApp) -> list[Task]:
    return [
        made(app, "fox 0", job="foxes"),
        made(app, "fox 1", job="foxes"),
        past("fox 2", Status.FAILED, error=FAILED, job="foxes"),
        past("fox 3", Status.FAILED, error=FAILED, job="foxes"),
    ]


async def test_a_retry_names_its_undo_and_counts_down_and_leaves_no_trace() -> None:
    app = TestApp(undo_send=50)
    app.remember(*job_of_failed(app))
    async with app.running(140, 36) as pilot:
        await app.sees("2 of 4", "2 failed")
        await pilot.press("ctrl+t", "r")
        await app.sees("Send (y)")
        await pilot.press("y")
        await app.sees("2 tasks are sent again in 50s: z takes them back.")
        await app.sees("2 held · z takes it back", "in 50s")
        await app.sees("in 49s")  # it counts down
        await pilot.press("z")
        await app.sees("Taken back: 2 requests, nothing was sent.")
        await app.sees("2 of 4", "2 failed", without="dropped")
        assert app.main
        assert len(app.main.queue.table.tasks) == 4


async def test_a_dropped_task_says_how_it_is_sent_after_all() -> None:
    app = TestApp()
    app.remember(past("a fox", Status.DROPPED))
    async with app.running(120, 36) as pilot:
        await app.sees("dropped", "r sends it again")
        await pilot.press("ctrl+t", "r")
        await app.until_task(pilot, lambda task: bool(task.files))


async def test_the_undo_is_of_what_was_done_last() -> None:
    app = TestApp(undo_send=50)
    app.remember(made(app, "a red fox"))
    async with app.running(120, 36) as pilot:
        await app.sees("a red fox")
        await pilot.press("ctrl+t", "a")
        await app.sees("Sent in 50s")
        assert app.main
        await pilot.press("G", "4")
        await app.sees("Rated 4: a red fox.")
        await pilot.press("z")
        await app.sees("Taken back: 4 ★, a red fox.")
        await pilot.press("z")
        await app.sees("Taken back: 1 request, nothing was sent.")
