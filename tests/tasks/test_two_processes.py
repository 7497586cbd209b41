"""Real processes on one queue file: each task is watched by one of them, and a dead
one's tasks are taken over.
"""

import asyncio
import contextlib
import os
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.loopback import serving
from tests.tasks.faults import Ledger, Snare, booked, small_pictures
from tui.catalog.load import bundled
from tui.demo import DEMO_KEY
from tui.paths import folders
from tui.service.client import Client
from tui.tasks import actions
from tui.tasks.engine import Engine
from tui.tasks.options import EngineListener, EngineOptions
from tui.tasks.store import Store
from tui.tasks.store_errors import LeasedError
from tui.tasks.task import Status, Task

SHORT_LEASE = 1.0
CHILD = f"""
import tui.tasks.claims as claims, tui.tasks.engine as engine
claims.LEASE = engine.LEASE = {SHORT_LEASE}
from tui.cli.main import main
main()
"""
COUNT = 6


class Both:
    """The service, and this process's engine beside those of children."""

    def __init__(self) -> None:
        self.now = 0.0
        """The service's clock: a task takes a second."""
        app, self.book = booked(delay=1.0, clock=lambda: self.now)
        self.ledger = Ledger(app)
        self.snare = Snare(self.ledger)
        self.url = ""
        self.told: list[tuple[float, Task]] = []
        self.children: list[Process] = []
        self._news = asyncio.Event()
        self.engine: Engine

    async def open(self) -> None:
        """This process's engine, as in the app: it adopts what nobody watches."""
        kept = folders()
        await asyncio.to_thread(kept.queue.parent.mkdir, parents=True, exist_ok=True)
        self.engine = Engine(
            Store(kept.queue),
            Client(self.url, DEMO_KEY),
            bundled(),
            EngineOptions(out_dir=kept.output, pause=lambda age: 0.1),
            EngineListener(self._hear),
        )
        await self.engine.start()

    async def child(self, *words: str, **settings: str) -> Process:
        """A command with a queue of ours, whose lease is short."""
        told = {
            "RUNAPI_API_KEY": DEMO_KEY,
            "RUNAPI_BASE_URL": self.url,
            "RUNAPI_TUI_POLL_SECONDS": "0.1",
        }
        env = {**os.environ, **told, **settings}
        self.children.append(
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                CHILD,
                *words,
                env=env,
                stdout=DEVNULL,
                stderr=DEVNULL,
            )
        )
        return self.children[-1]

    def _hear(self, task: Task) -> None:
        self.told.append((time.time(), task))
        self._news.set()

    async def until_all(self, condition: Callable[[Task], bool]) -> None:
        """Until all tasks are shown here as the condition wants them."""
        async with asyncio.timeout(20):
            while not (
                len(tasks := self.engine.tasks.values()) == COUNT
                and all(map(condition, tasks))
            ):
                self._news.clear()
                await self._news.wait()

    async def until_completed(self) -> None:
        self.now += 2.0
        await self.until_all(lambda task: task.status is Status.COMPLETED)

    def agree(self) -> None:
        """Each task was made once, under its key, and has its file."""
        tasks = self.engine.tasks.values()
        assert {task.key for task in tasks} == {
            made.origin.key for made in self.book.made
        }
        assert len(tasks) == len(self.book.made) == COUNT
        assert {made.id for made in self.book.made} == {
            task.remote_id for task in tasks
        }
        assert self.ledger.muddled() == []
        assert self.book.spent == sum(task.cost_micro or 0 for task in tasks)
        files = [file for task in tasks for file in task.files]
        assert len(set(files)) == COUNT
        for file in files:
            with Image.open(file) as image:
                image.load()


@pytest.fixture
async def both(home: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Both]:
    small_pictures(monkeypatch)
    monkeypatch.setattr("tui.tasks.claims.LEASE", SHORT_LEASE)
    monkeypatch.setattr("tui.tasks.engine.LEASE", SHORT_LEASE)
    both = Both()
    with serving(both.snare) as both.url:
        try:
            yield both
        finally:
            if hasattr(both, "engine"):
                await both.engine.aclose()
            for child in both.children:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                await child.wait()


async def test_what_a_killed_process_left_is_taken_over_within_the_lease(
    both: Both,
) -> None:
    await both.open()
    child = await both.child(
        "generate",
        "z-image",
        "-p",
        "a lake",
        "-n",
        str(COUNT),
        "--concurrency",
        "3",
        "--json",
    )
    killed: list[float] = []

    def kill() -> None:
        killed.append(time.time())
        child.kill()

    # Three are at the service, and are asked after; three wait
    both.snare.set(9, "told", kill)
    await child.wait()
    await both.until_all(lambda task: bool(task.remote_id))
    taken_over = time.time()
    await both.until_completed()
    both.agree()
    assert taken_over - killed[0] < 2 * SHORT_LEASE + 3.0  # on a busy machine
    # What the child had been told of was not sent again.
    assert set(Counter(post.key for post in both.ledger.posts).values()) == {1}


async def test_one_watches_and_the_other_sees_it_promptly(both: Both) -> None:
    await both.open()
    child = await both.child(
        "generate", "z-image", "-p", "a lake", "-n", str(COUNT), "--json"
    )
    await both.until_all(lambda task: bool(task.remote_id))
    for task in list(both.engine.tasks.values()):
        with pytest.raises(LeasedError):
            await actions.toggle_favourite(both.engine, [task])
    await both.until_completed()
    assert await child.wait() == 0
    both.agree()
    assert set(Counter(post.key for post in both.ledger.posts).values()) == {1}
    # A change of the child's is shown here within about one look.
    late = [at - task.updated_at for at, task in both.told]
    assert max(late) < 2.5, late


async def test_what_waits_for_anyone_is_sent_by_one(both: Both) -> None:
    queued = await both.child(
        "generate", "z-image", "-p", "a lake", "-n", str(COUNT), "--no-wait"
    )
    assert await queued.wait() == 0
    both.snare.set(1, "arrived", lambda: None)
    children = [await both.child("resume", "--json") for _ in range(2)]
    await asyncio.to_thread(both.snare.sprung.wait, 20)
    await both.open()
    await both.until_all(lambda task: bool(task.remote_id))
    await both.until_completed()
    assert [await child.wait() for child in children] == [0, 0]
    both.agree()
    assert set(Counter(post.key for post in both.ledger.posts).values()) == {1}


@pytest.mark.slow
async def test_processes_that_start_at_once_send_exactly_what_a_ceiling_allows(
    both: Both,
) -> None:
    """Eight requests of $0.01, and a day that may cost $0.02."""
    children = [
        await both.child("generate", "z-image", "a lake", RUNAPI_TUI_DAY_USD="0.02")
        for _ in range(8)
    ]
    # Six are refused before the first two have their images.
    refused = asyncio.as_completed([child.wait() for child in children])
    async with asyncio.timeout(90):
        for _ in range(6):
            await next(refused)
    both.now += 2.0
    codes = [await child.wait() for child in children]
    assert sorted(codes) == [0, 0, 4, 4, 4, 4, 4, 4]
    assert len(both.book.made) == 2
    assert len(both.ledger.posts) == 2
