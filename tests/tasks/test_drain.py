"""Any number of tasks to their end, each told once, whoever carries it, and only a
window of them in memory.
"""

from pathlib import Path

import httpx
import pytest

from tests.tasks.conftest import OpenEngine
from tests.tasks.faults import booked, small_pictures
from tui.catalog.load import bundled
from tui.catalog.spec import Values
from tui.demo import DEMO_URL
from tui.tasks import draft
from tui.tasks.drain import AHEAD, to_the_end
from tui.tasks.spool import Spool
from tui.tasks.store import Store
from tui.tasks.task import Status

Z_IMAGE = bundled().find("z-image")
COUNT = 20


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Spool:
    """Tasks that wait in the queue file."""
    small_pictures(monkeypatch)
    spool, store = Spool(), Store(tmp_path / "queue.db")
    for number in range(COUNT):
        prompt: Values = {"prompt": f"lake {number}"}
        spool.add(
            draft.draft(Z_IMAGE, prompt, base_url=DEMO_URL, out_dir=tmp_path / "images")
        )
    store.add_missing((task, []) for task in spool)
    store.close()
    return spool


async def test_only_a_window_of_them_is_in_memory(
    spool: Spool, open_engine: OpenEngine
) -> None:
    app, book = booked(delay=0)
    options = {"adopt": False, "history": 0, "concurrency": 2}
    ended, most = [], 0
    async with open_engine(
        DEMO_URL, transport=httpx.ASGITransport(app), **options
    ) as watched:
        async for task in to_the_end(watched.engine, (task.id for task in spool)):
            most = max(most, len(watched.engine.tasks))
            watched.engine.forget(task.id)
            ended.append(task)
        assert watched.engine.tasks == {}
    assert most <= AHEAD * 2
    assert {task.status for task in ended} == {Status.COMPLETED}
    assert sorted(task.id for task in ended) == [task.id for task in spool]
    assert len({task.job for task in spool}) == 1
    assert len(book.made) == COUNT


async def test_what_an_open_app_carries_is_told_too(
    spool: Spool, open_engine: OpenEngine
) -> None:
    app, book = booked(delay=0)
    wire = httpx.ASGITransport(app)
    options = {"adopt": False, "history": 0, "concurrency": 2}
    ids = [task.id for task in spool]
    async with (
        open_engine(DEMO_URL, transport=wire, **options) as command,
        open_engine(DEMO_URL, transport=wire, adopt=False) as other,
    ):
        await other.engine.adopt(ids[:12])  # more than the window
        ended = [task async for task in to_the_end(command.engine, ids)]
    assert sorted(task.id for task in ended) == ids
    assert {task.status for task in ended} == {Status.COMPLETED}
    assert len(book.made) == COUNT


async def test_what_a_dead_process_has_left_is_taken_over(
    spool: Spool,
    open_engine: OpenEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app, book = booked(delay=0)
    ids = [task.id for task in spool]
    monkeypatch.setattr("tui.tasks.claims.LEASE", 0.3)
    dead = Store(tmp_path / "queue.db")
    dead.claim("dead", DEMO_URL, ids[:2])
    dead.close()
    monkeypatch.setattr("tui.tasks.claims.LEASE", 10.0)
    async with open_engine(
        DEMO_URL, transport=httpx.ASGITransport(app), adopt=False
    ) as watched:
        ended = [task async for task in to_the_end(watched.engine, ids[:4])]
    assert sorted(task.id for task in ended) == ids[:4]
    assert len(book.made) == 4
