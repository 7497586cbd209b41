"""The app as its tests start it: on the embedded service, polling quickly, drawing half blocks."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from textual.pilot import Pilot

from tui.app import RunApp
from tui.session import prepare
from tui.tasks.task import Task
from tui.terminal import Images, Terminal
from tui.widgets.picture import Picture

HALF = Terminal(Images.HALF, "Tests draw half blocks.", cell=(10, 20))


class TestApp(RunApp):
    """Records what a test may wait for."""

    __test__ = False

    def __init__(self, *, terminal: Terminal = HALF, delay: float = 0.1, **options: Any) -> None:
        session = prepare(**({"demo": True, "poll_seconds": 0.02} | options))
        super().__init__(replace(session, demo_delay=delay), terminal)
        self.shown: list[str] = []
        self._news = asyncio.Event()

    def _task_changed(self, task: Task) -> None:
        super()._task_changed(task)
        self._news.set()

    def on_picture_shown(self, event: Picture.Shown) -> None:
        self.shown.append(str(event.path))
        self._news.set()

    @asynccontextmanager
    async def running(self, *size: int) -> AsyncIterator[Pilot[None]]:
        """The app on a screen of that size, its queue open."""
        async with self.run_test(size=(size[0], size[1])) as pilot:
            await asyncio.wait_for(self._opened.wait(), 30)
            await pilot.pause()
            yield pilot

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for news until the condition holds."""
        async with asyncio.timeout(30):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def until_task(self, pilot: Pilot[None], condition: Callable[[Task], bool]) -> Task:
        """The first task that meets the condition, once the page has caught up."""
        found: list[Task] = []

        def look() -> bool:
            found[:] = [task for task in (self.engine.tasks if self.engine else {}).values() if condition(task)]
            return bool(found)

        await self.until(look)
        await pilot.pause()
        return found[0]

    def text(self) -> str:
        """What stands on the screen, line by line."""
        return "\n".join(
            "".join(segment.text for segment in line) for line in self.screen._compositor.render_strips()
        )
