"""Every action on results, on every page and for every state, asks for what it says."""

from collections.abc import Iterator
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.app import TestApp, past
from tests.screens.test_next_steps import go_to, made
from tui.screens.task_dispatcher import TaskDispatcher
from tui.tasks.task import Problem, SetAside, Status
from tui.widgets.messages import TaskActionRequested
from tui.widgets.queue_table import QueueTable
from tui.widgets.task_actions import (
    QUEUE_ORDER,
    TASK_ACTIONS,
    TaskAction,
    allowed_actions,
    allowed_of_marked,
)

ELSEWHERE = "https://other.example"
"""Tasks of another service: the engine leaves them as they are."""
FAILED = Problem("failed", "No picture.")
STATES: dict[str, dict[str, Any]] = {
    "held": {"status": Status.HELD},
    "set aside": {
        "status": Status.HELD,
        "watched": False,
        "set_aside": SetAside.INTERRUPTED,
    },
    "live": {"status": Status.PROCESSING, "remote_id": "t1"},
    "unwatched": {
        "status": Status.PROCESSING,
        "remote_id": "t1",
        "watched": False,
        "set_aside": SetAside.STOPPED,
    },
    "failed": {"status": Status.FAILED, "error": FAILED},
    "rejected": {"status": Status.REJECTED, "error": FAILED},
    "dropped": {"status": Status.DROPPED},
    "imported": {"status": Status.COMPLETED, "imported": True},
}
LISTS = {"queue": ["ctrl+t"], "history": ["f9", "down"]}
PICTURES = ("queue", "history", "grid", "viewer")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[TaskActionRequested]:
    """What was asked for; nothing but the full size is really shown."""
    found: list[TaskActionRequested] = []
    really = TaskDispatcher.run

    async def run(self: TaskDispatcher, request: TaskActionRequested) -> None:
        if request.action is TaskAction.VIEW:
            await really(self, request)
        else:
            found.append(request)

    monkeypatch.setattr(TaskDispatcher, "run", run)
    return found


def keys(page: str) -> Iterator[tuple[str, set[TaskAction]]]:
    """Each key of a page, with the actions that it may stand for."""
    by_key: dict[str, set[TaskAction]] = {}
    for action, entry in TASK_ACTIONS.items():
        is_left_out = action is TaskAction.VIEW
        if page != "queue":
            is_left_out |= action in QUEUE_ORDER
        if page == "viewer":
            is_left_out |= action is TaskAction.INSPECT  # its key shows the facts there
        if not is_left_out:
            by_key.setdefault(entry.keys.split(",")[0], set()).add(action)
    yield from by_key.items()


async def press_all(
    pilot: Pilot[None],
    page: str,
    asked: list[TaskActionRequested],
    allowed: set[TaskAction],
    ids: set[str],
) -> None:
    """Press every key: each asks once for what is allowed, and never for anything else."""
    for key, actions in keys(page):
        asked.clear()
        if len(ids) > 1:
            await mark_all(pilot)
        await pilot.press(key)
        await pilot.pause()
        told = [request.action for request in asked]
        assert len(told) <= 1, (key, told)
        assert set(told) == actions & allowed, (key, told)
        for request in asked:
            assert {task.id for task in request.tasks} <= ids


async def mark_all(pilot: Pilot[None]) -> None:
    """Most actions take the marks away."""
    table = pilot.app.screen.query_one(QueueTable)
    if not table.marked:
        await pilot.press("ctrl+a")
        await pilot.pause()


@pytest.mark.parametrize("page", LISTS)
@pytest.mark.parametrize("state", STATES)
async def test_one_task(
    state: str, page: str, asked: list[TaskActionRequested]
) -> None:
    app = TestApp()
    task = past("a red fox", base_url=ELSEWHERE, **STATES[state])
    app.remember(task)
    async with app.running(120, 36) as pilot:
        await app.sees("a red fox")
        await pilot.press(*LISTS[page])
        await app.sees("a red fox")
        await press_all(pilot, page, asked, allowed_actions(task), {task.id})


@pytest.mark.parametrize("state", STATES)
async def test_two_marked_tasks(state: str, asked: list[TaskActionRequested]) -> None:
    app = TestApp()
    tasks = [
        past(f"fox {number}", base_url=ELSEWHERE, **STATES[state])
        for number in range(2)
    ]
    app.remember(*tasks)
    async with app.running(120, 36) as pilot:
        await app.sees("fox 1")
        await pilot.press("ctrl+t")
        allowed = allowed_of_marked(tasks)
        await press_all(pilot, "queue", asked, allowed, {task.id for task in tasks})


@pytest.mark.parametrize("page", PICTURES)
@pytest.mark.parametrize("is_imported", [False, True])
async def test_one_picture(
    page: str, is_imported: bool, asked: list[TaskActionRequested]
) -> None:
    app = TestApp()
    task = made(app, "a red fox", imported=is_imported)
    app.remember(task)
    async with app.running(120, 36) as pilot:
        await go_to(app, pilot, page)
        await press_all(pilot, page, asked, allowed_actions(task), {task.id})


async def test_a_deleted_picture_on_its_page(
    asked: list[TaskActionRequested],
) -> None:
    app = TestApp()
    task = made(app, "a red fox")
    app.remember(task)
    async with app.running(120, 36) as pilot:
        await go_to(app, pilot, "viewer")
        assert app.engine
        await app.engine.queue.amend(task.id, deleted=True)
        await app.sees("This task was deleted.")
        costly = {TaskAction.RETRY, TaskAction.SEND, TaskAction.DELETE}
        for key, actions in keys("viewer"):
            asked.clear()
            await pilot.press(key)
            await pilot.pause()
            assert not {request.action for request in asked} & costly, (key, actions)
