"""What waits is changed in its place; what was sent can't be changed any more."""

import pytest

from tests.tasks.conftest import OpenEngine
from tui.catalog.load import bundled
from tui.catalog.request import Request
from tui.tasks.draft import InvalidRequestError
from tui.tasks.task import SentError, Status

FLUX = bundled().find("flux-2-pro-text-to-image")


async def test_a_waiting_task_keeps_its_place_and_gets_a_body_and_key_of_its_own(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url) as watched:
        engine = watched.engine
        await engine.pause(True)
        first, second = [
            await engine.submit(FLUX, {"prompt": f"fox {number}"})
            for number in range(2)
        ]
        changed = await engine.revise(first.id, Request(FLUX, {"prompt": "an owl"}, 7))
        assert (changed.status, changed.turn) == (Status.HELD, first.turn)
        assert b"an owl" in changed.body
        assert changed.key not in ("", first.key)
        assert changed.estimate_micro == 7
        with pytest.raises(InvalidRequestError):
            await engine.revise(second.id, Request(FLUX, {"prompt": ""}))
        assert engine.tasks[second.id].body == second.body
        await engine.pause(False)
        ended = await engine.wait(first.id)
        assert (ended.status, ended.prompt) == (Status.COMPLETED, "an owl")
        await engine.wait(second.id)


async def test_what_was_sent_is_not_changed(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url) as watched:
        engine = watched.engine
        task = await engine.submit(FLUX, {"prompt": "a fox"})
        await engine.wait(task.id)
        with pytest.raises(SentError, match="sent meanwhile"):
            await engine.revise(task.id, Request(FLUX, {"prompt": "an owl"}))
        assert engine.tasks[task.id].prompt == "a fox"
