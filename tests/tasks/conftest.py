"""An engine with a queue of its own against the embedded service on loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from tests.loopback import serving
from tui.catalog.load import bundled
from tui.catalog.request import Request
from tui.catalog.spec import Model, Values
from tui.demo import DEMO_KEY
from tui.demo.service import create_app
from tui.service.client import Client
from tui.tasks.engine import Engine
from tui.tasks.options import EngineListener, EngineOptions
from tui.tasks.store import Store
from tui.tasks.task import Status, Task


def requests(
    model: Model, cells: list[Values], prices: Iterable[int] = ()
) -> list[Request]:
    """Requests of one model, at these prices or the catalog's."""
    return [
        Request(model, values, price) for values, price in zip_longest(cells, prices)
    ]


class Watched:
    """An engine and every snapshot that it has told."""

    def __init__(self) -> None:
        self.engine: Engine
        self.told: list[Task] = []
        self._news = asyncio.Event()

    def hear(self, task: Task) -> None:
        self.told.append(task)
        self._news.set()

    async def until(self, condition: Callable[[Task], bool]) -> Task:
        """The first snapshot, told already or yet to come, that meets the condition."""
        async with asyncio.timeout(20):
            while True:
                self._news.clear()
                for task in self.told:
                    if condition(task):
                        return task
                await self._news.wait()

    async def until_note(self, task_id: str, words: str) -> Task:
        return await self.until(lambda task: task.id == task_id and words in task.note)

    async def until_status(self, task_id: str, status: Status) -> Task:
        return await self.until(
            lambda task: task.id == task_id and task.status is status
        )


OpenEngine = Callable[..., AbstractAsyncContextManager[Watched]]


@pytest.fixture
def base_url() -> Iterator[str]:
    """The embedded service, which needs no time for a picture."""
    with serving(create_app(bundled(), delay=0)) as url:
        yield url


@pytest.fixture
def open_engine(tmp_path: Path) -> OpenEngine:
    """Opens an engine on this test's queue file; polls quickly."""

    @asynccontextmanager
    async def opened(
        base_url: str, *, key: str = DEMO_KEY, **options: Any
    ) -> AsyncIterator[Watched]:
        watched = Watched()
        adopt, history = options.pop("adopt", True), options.pop("history", 200)
        client = Client(base_url, key, options.pop("transport", None))
        listener = EngineListener(
            options.pop("on_change", watched.hear),
            options.pop("on_state", lambda state: None),
        )
        settings = EngineOptions(
            **{"out_dir": tmp_path / "images", "pause": lambda age: 0.01, **options}
        )
        store = Store(tmp_path / "queue.db")
        watched.engine = Engine(store, client, bundled(), settings, listener)
        await watched.engine.start(adopt=adopt, history=history)
        try:
            yield watched
        finally:
            await watched.engine.aclose()

    return opened
