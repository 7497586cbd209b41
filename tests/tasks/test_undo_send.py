"""What was just asked for waits a moment, in which it can be taken back for free."""

import asyncio
import time
from typing import Any

import pytest

from tests.tasks.conftest import OpenEngine, requests
from tui.catalog.load import bundled
from tui.catalog.request import Request
from tui.catalog.spec import Values
from tui.tasks import actions
from tui.tasks.store import Store
from tui.tasks.task import Status

FLUX = bundled().find("flux-2-pro-text-to-image")


async def test_the_newest_job_is_taken_back_first(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url, undo_send=60) as watched:
        engine = watched.engine
        first = await engine.submit(FLUX, {"prompt": "a fox"})
        job = await engine.submit_job(requests(FLUX, [{"prompt": "an owl"}] * 3))
        assert "3 requests, nothing was sent" in await actions.undo(engine)
        dropped = {task.id for task in engine.tasks.values() if not task.live}
        assert dropped == {task.id for task in job}
        assert "1 request, nothing was sent" in await actions.undo(engine)
        assert not engine.tasks[first.id].live
        assert await actions.undo(engine) == "Nothing to undo."
        for task in engine.tasks.values():
            assert (task.status, task.sent_at) == (Status.DROPPED, 0)


async def test_it_is_sent_after_that_and_not_before(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url, undo_send=0.3) as watched:
        engine = watched.engine
        task = await engine.submit(FLUX, {"prompt": "a fox"})
        ended = await engine.wait(task.id)
        assert ended.status is Status.COMPLETED
        assert ended.sent_at - ended.created_at >= 0.3
        assert await actions.undo(engine) == "Nothing to undo."


async def test_a_slow_disk_takes_nothing_from_the_time_to_take_it_back(
    base_url: str, open_engine: OpenEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = Store.add_missing

    def add_slowly(*given: Any, **named: Any) -> int:
        time.sleep(1.1)  # in the disk's own thread
        return add(*given, **named)

    monkeypatch.setattr(Store, "add_missing", add_slowly)
    async with open_engine(base_url, undo_send=1) as watched:
        engine = watched.engine
        await engine.submit_job(requests(FLUX, [{"prompt": "an owl"}] * 2))
        assert "2 requests, nothing was sent" in await actions.undo(engine)


async def test_without_the_setting_nothing_waits(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url) as watched:
        engine = watched.engine
        await engine.pause(True)
        task = await engine.submit(FLUX, {"prompt": "a fox"})
        assert await actions.undo(engine) == "Nothing to undo."
        assert engine.tasks[task.id].status is Status.HELD


async def test_a_probe_is_taken_back_with_what_it_has_set_aside(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url, undo_send=60) as watched:
        engine = watched.engine
        cells: list[Values] = [{"prompt": f"owl {number}"} for number in range(3)]
        await engine.submit_job(requests(FLUX, cells), probe=True, over_ceiling=True)
        agreed = [task.over_ceiling for task in engine.tasks.values()]
        assert sorted(agreed) == [False, False, True]
        assert "3 requests, nothing was sent" in await actions.undo(engine)


async def test_a_retry_that_is_taken_back_was_none(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url, undo_send=0.2) as watched:
        engine = watched.engine
        task = await engine.submit(FLUX, {"prompt": "demo:fail"})
        failed = await engine.wait(task.id)
        assert failed.status is Status.FAILED
        await engine.retry(failed)
        assert engine.tasks[task.id].retried_by
        assert "1 request, nothing was sent" in await actions.undo(engine)
        assert not engine.tasks[task.id].retried_by


async def test_what_a_command_has_queued_is_neither_delayed_nor_taken_back(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url, undo_send=60) as watched:
        async with open_engine(base_url, adopt=False) as command:
            task = await command.engine.submit(FLUX, {"prompt": "a fox"}, start=False)
        engine = watched.engine
        await engine.pause(True)
        await engine.adopt()
        assert engine.is_running(task.id)
        assert engine.until_sent(engine.tasks[task.id]) == 0
        assert await actions.undo(engine) == "Nothing to undo."
        await engine.pause(False)
        assert (await engine.wait(task.id)).status is Status.COMPLETED


async def test_a_changed_task_is_taken_back_alone(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url, undo_send=60) as watched:
        engine = watched.engine
        first, *_ = await engine.submit_job(
            requests(FLUX, [{"prompt": f"fox {number}"} for number in range(3)])
        )
        await engine.hold_back(first.id)
        assert "2 requests, nothing was sent" in await actions.undo(engine)
        await engine.revise(first.id, Request(FLUX, {"prompt": "an owl"}))
        engine.let_go(first.id)
        later = await engine.submit(FLUX, {"prompt": "later"})
        assert "1 request, nothing was sent" in await actions.undo(engine)
        assert engine.tasks[later.id].status is Status.DROPPED
        assert engine.tasks[first.id].status is Status.HELD
        assert "1 request, nothing was sent" in await actions.undo(engine)
        assert engine.tasks[first.id].status is Status.DROPPED


async def test_a_change_is_newer_than_a_job_that_was_submitted_before_it(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url, undo_send=60) as watched:
        engine = watched.engine
        first, *others = await engine.submit_job(
            requests(FLUX, [{"prompt": f"fox {number}"} for number in range(3)])
        )
        await engine.revise(first.id, Request(FLUX, {"prompt": "an owl"}))
        assert "1 request, nothing was sent" in await actions.undo(engine)
        held = [engine.tasks[task.id].status for task in others]
        assert held == [Status.HELD] * 2


async def test_retries_of_one_press_are_taken_back_together(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url, undo_send=0.01) as watched:
        engine = watched.engine
        failed = [
            await engine.wait((await engine.submit(FLUX, {"prompt": "demo:fail"})).id)
            for _ in range(2)
        ]
    async with open_engine(base_url, undo_send=60) as watched:
        engine = watched.engine
        await actions.retry(engine, failed, undo="z")
        assert "2 requests, nothing was sent" in await actions.undo(engine)


async def test_a_task_whose_holding_is_cancelled_is_sent(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url, undo_send=0.01) as watched:
        engine = watched.engine
        await engine.pause(True)
        task = await engine.submit(FLUX, {"prompt": "a fox"})
        holding = asyncio.create_task(engine.hold_back(task.id))
        await asyncio.sleep(0)
        holding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await holding
        await engine.hold_back(task.id)
        engine.let_go(task.id)
        engine.let_go(task.id)  # it is no longer held back: this does nothing
        await engine.pause(False)
        assert (await engine.wait(task.id)).status is Status.COMPLETED
