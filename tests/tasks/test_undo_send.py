"""What was just asked for waits a moment, in which it can be taken back for free."""

from collections.abc import Iterator

import pytest

from tests.loopback import serving
from tests.tasks.conftest import OpenEngine, requests
from tui.catalog.load import bundled
from tui.demo.service import create_app
from tui.tasks.task import Status

FLUX = bundled().find("flux-2-pro-text-to-image")


@pytest.fixture
def base_url() -> Iterator[str]:
    with serving(create_app(bundled(), delay=0)) as url:
        yield url


async def test_the_newest_job_is_taken_back_first(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url, undo_send=60) as watched:
        engine = watched.engine
        first = await engine.submit(FLUX, {"prompt": "a fox"})
        job = await engine.submit_job(requests(FLUX, [{"prompt": "an owl"}] * 3))
        for expected in ([task.id for task in job], [first.id], []):
            back = await engine.take_back()
            assert sorted(task.id for task in back) == sorted(expected)
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
        assert await engine.take_back() == []


async def test_without_the_setting_nothing_waits(
    base_url: str, open_engine: OpenEngine
) -> None:
    async with open_engine(base_url) as watched:
        engine = watched.engine
        await engine.pause(True)
        task = await engine.submit(FLUX, {"prompt": "a fox"})
        assert await engine.take_back() == []
        assert engine.tasks[task.id].status is Status.HELD
