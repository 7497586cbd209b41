"""The app as its tests start it: on the embedded service, polling quickly, drawing half
blocks.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from msgspec import structs
from textual.pilot import Pilot

from tui.app import RunApp
from tui.demo import DEMO_URL
from tui.graphics.probe import Images, Terminal
from tui.session import prepare
from tui.tasks.store import Store
from tui.tasks.task import Status, Task, new_id
from tui.widgets.picture import Picture

HALF = Terminal(Images.HALF, "Tests draw half blocks.", cell=(10, 20))


def past(prompt: str, status: Status = Status.COMPLETED, **fields: Any) -> Task:
    """A task of the embedded service, as a former run has left it."""
    known: dict[str, Any] = {
        "id": new_id(),
        "action": "text_to_image",
        "model": "flux-2-pro-text-to-image",
        "service": "flux_2",
        "base_url": DEMO_URL,
        "route": "unified",
        "values": {"prompt": prompt},
        "status": status,
        "created_at": time.time(),
        "estimate_micro": 50_000,
        "cost_micro": 50_000 if status is Status.COMPLETED else None,
    }
    return Task(**(known | fields))


class TestApp(RunApp):
    """Records what a test may wait for."""

    __test__ = False

    def __init__(
        self, *, terminal: Terminal = HALF, delay: float = 0.1, **options: Any
    ) -> None:
        session = prepare(**({"demo": True, "poll_seconds": 0.02} | options))
        super().__init__(replace(session, demo_delay=delay), terminal)
        self.shown: list[str] = []
        self.told: list[str] = []
        self._news = asyncio.Event()

    def task_changed(self, task: Task) -> None:
        super().task_changed(task)
        self._news.set()

    def on_picture_shown(self, event: Picture.Shown) -> None:
        self.shown.append(str(event.path))
        self._news.set()

    def notify(self, message: str, **options: Any) -> None:
        super().notify(message, **options)
        self.told.append(message)
        self._news.set()

    def post_display_hook(self) -> None:
        self._news.set()

    def remember(self, *tasks: Task, paused: bool = False) -> None:
        """Put what a former run has left into the queue file."""
        store = Store(self.session.folders.queue)
        out_dir = str(self.session.folders.output)
        store.add_missing(
            (structs.replace(task, out_dir=out_dir), []) for task in tasks
        )
        store.learn(DEMO_URL, "paused", "yes" if paused else "")
        store.close()

    @asynccontextmanager
    async def running(self, *size: int) -> AsyncIterator[Pilot[None]]:
        """The app on a screen of that size, its queue open."""
        async with self.run_test(size=(size[0], size[1])) as pilot:
            await asyncio.wait_for(self.opened.wait(), 30)
            await pilot.pause()
            yield pilot

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for news until the condition holds."""
        async with asyncio.timeout(30):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def until_task(
        self, pilot: Pilot[None], condition: Callable[[Task], bool]
    ) -> Task:
        """The first task that meets the condition, once the page has caught up."""
        found: list[Task] = []

        def look() -> bool:
            found[:] = [
                task
                for task in (self.engine.tasks if self.engine else {}).values()
                if condition(task)
            ]
            return bool(found)

        await self.until(look)
        await pilot.pause()
        return found[0]

    async def sees(self, *texts: str, without: str = "\0") -> None:
        """Wait until all of these stand on the screen, and that one does not."""

        def found() -> bool:
            try:
                screen = self.text()
            except KeyError:  # of a widget that has just gone: not laid out anew yet
                return False
            return without not in screen and all(text in screen for text in texts)

        try:
            await self.until(found)
        except TimeoutError:
            raise AssertionError(
                f"{texts} without {without!r}, but:\n{self.text()}"
            ) from None

    def text(self) -> str:
        """What stands on the screen, line by line."""
        return "\n".join(
            "".join(segment.text for segment in line)
            for line in self.screen._compositor.render_strips()
        )
