"""Faults of docs/reliability.md that no other file tests, and that each row of that
table names a test.
"""

import re
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest

from tests.tasks.conftest import OpenEngine, requests
from tui.catalog.load import bundled
from tui.demo import DEMO_URL
from tui.demo.service import create_app
from tui.tasks import draft, submit
from tui.tasks.engine_state import EngineState
from tui.tasks.store_errors import StoreError
from tui.tasks.task import Status

FLUX = bundled().find("flux-2-pro-text-to-image")
TABLE = Path(__file__).parents[2] / "docs" / "reliability.md"


class Link(httpx.AsyncBaseTransport):
    """The way to the embedded service, which can be cut; or which answers in its place."""

    def __init__(self, delay: float = 0.0) -> None:
        self._service = httpx.ASGITransport(create_app(bundled(), delay=delay))
        self.cut = False
        self.instead: list[httpx.Response] = []
        self.asked: list[tuple[str, float]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.method, time.time()))
        if self.cut:
            raise httpx.ConnectError("no route to host", request=request)
        if self.instead and request.method == "POST":
            return self.instead.pop(0)
        return await self._service.handle_async_request(request)


async def test_offline_is_a_state_and_ends_by_itself(open_engine: OpenEngine) -> None:
    link, states = Link(), list[EngineState]()
    async with open_engine(DEMO_URL, transport=link, on_state=states.append) as watched:
        link.cut = True
        tasks = [
            await watched.engine.submit(FLUX, {"prompt": f"fox {number}"})
            for number in range(3)
        ]
        for task in tasks:
            await watched.until_note(task.id, "can't be reached")
        assert watched.engine.state.offline
        link.cut = False
        ended = [await watched.engine.wait(task.id) for task in tasks]
    assert [task.status for task in ended] == [Status.COMPLETED] * 3
    told = [(state.offline, state.route) for state in states]
    assert told == [(True, None), (False, None), (False, "unified")]


@pytest.mark.parametrize("form", ["number", "date"])
async def test_a_rate_limit_holds_every_submit_until_its_end_and_says_until_when(
    form: str, open_engine: OpenEngine
) -> None:
    link = Link()
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    until = "1" if form == "number" else format_datetime(moment, usegmt=True)
    link.instead.append(
        httpx.Response(429, headers={"Retry-After": until}, json={"error": "slow down"})
    )
    async with open_engine(DEMO_URL, transport=link) as watched:
        first = await watched.engine.submit(FLUX, {"prompt": "a fox"})
        await watched.until_note(first.id, "Too many")
        second = await watched.engine.submit(FLUX, {"prompt": "a lake"})
        waits = await watched.until_note(second.id, "asked to wait")
        rest_until = watched.engine.state.rest_until
        for task in (first, second):
            assert (await watched.engine.wait(task.id)).status is Status.COMPLETED
    assert waits.status is Status.HELD
    posts = [at for method, at in link.asked if method == "POST"]
    assert posts[1] >= rest_until - 0.01
    if form == "date":
        assert rest_until == pytest.approx(moment.timestamp(), abs=0.1)


async def test_a_task_without_news_is_marked_and_still_watched(
    open_engine: OpenEngine,
) -> None:
    async with open_engine(
        DEMO_URL, transport=Link(delay=0.5), quiet_after=0.1
    ) as watched:
        task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
        quiet = await watched.until(lambda told: told.quiet)
        ended = await watched.engine.wait(task.id)
    assert "No news for" in quiet.note
    assert (ended.status, ended.quiet, ended.note) == (Status.COMPLETED, False, "")


async def test_a_queue_that_cannot_be_written_sends_nothing(
    open_engine: OpenEngine, tmp_path: Path
) -> None:
    link = Link()
    async with open_engine(DEMO_URL, transport=link) as watched:
        with sqlite3.connect(tmp_path / "queue.db", isolation_level=None) as other:
            # What a full disk answers: the file may not become larger than it is.
            watched.engine.queue._store._db.execute("pragma max_page_count = 1")
            pages = other.execute("pragma page_count").fetchone()[0]
            assert pages > 1
        with pytest.raises(StoreError, match="the disk is full: make room there"):
            await watched.engine.submit_job(
                requests(FLUX, [{"prompt": "long " * 900}] * 50)
            )
    assert link.asked == []


async def test_a_full_output_disk_is_told_before_anything_is_paid(
    open_engine: OpenEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draft, "NEEDED_ROOM", 1 << 62)
    link = Link()
    async with open_engine(DEMO_URL, transport=link) as watched:
        with pytest.raises(draft.InvalidRequestError, match="make room before you pay"):
            await watched.engine.submit(FLUX, {"prompt": "a fox"})
    assert link.asked == []


async def test_a_damaged_queue_file_is_set_aside_and_the_work_goes_on(
    open_engine: OpenEngine, tmp_path: Path
) -> None:
    link, queue = Link(), tmp_path / "queue.db"
    async with open_engine(DEMO_URL, transport=link) as watched:
        task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
        saved = await watched.engine.wait(task.id)
    content = queue.read_bytes()
    queue.write_bytes(content[:100] + b"\xff" * (len(content) - 100))
    async with open_engine(DEMO_URL, transport=link) as watched:
        again = await watched.engine.submit(FLUX, {"prompt": "a lake"})
        ended = await watched.engine.wait(again.id)
        notices = watched.engine.notices
    (aside,) = tmp_path.glob("queue-damaged-*.db")
    assert str(aside) in notices[0]
    assert ended.status is Status.COMPLETED
    assert Path(saved.files[0]).is_file()


async def test_after_a_day_an_unsure_task_waits_for_the_user(
    open_engine: OpenEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = Link()
    link.instead.append(httpx.Response(504, text="<html>gateway</html>"))
    async with open_engine(DEMO_URL, transport=link, tries=1) as watched:
        task = await watched.engine.submit(FLUX, {"prompt": "a fox"})
        assert (await watched.engine.wait(task.id)).unsure
    monkeypatch.setattr(submit, "RESEND_FOR", -1.0)
    async with open_engine(DEMO_URL, transport=link) as watched:
        left = await watched.engine.wait(task.id)
        assert (left.status, left.watched) == (Status.SUBMITTING, False)
        monkeypatch.undo()
        await watched.engine.watch(task.id)
        ended = await watched.engine.wait(task.id)
    assert ended.status is Status.COMPLETED
    assert "the outcome is unknown" in left.note
    assert ended.key == task.key


def test_each_row_of_the_table_names_a_test_that_exists() -> None:
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    rows = [
        line
        for line in lines
        if line.startswith("| ") and not line.startswith("| fault ")
    ]
    assert rows
    here = Path(__file__).parents[1]
    for row in rows:
        named = re.findall(r"`([\w/]+\.py)::(\w+)`", row.split("|")[-2])
        assert named, row
        for file, test in named:
            assert f"def {test}(" in (here / file).read_text(encoding="utf-8"), row
