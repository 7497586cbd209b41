"""The embedded service, reached in process."""

import asyncio
import os
from pathlib import Path

import httpx
from starlette.applications import Starlette

from tui.catalog.load import Catalog
from tui.demo.service import create_app
from tui.demo.store import DemoStore

DELAY_VARIABLE = "RUNAPI_TUI_DEMO_DELAY"
"""Environment variable with the seconds that a task takes, for tests of whole
processes.
"""


def in_process(
    catalog: Catalog, delay: float, file: Path | None = None
) -> httpx.AsyncBaseTransport:
    """Carries the client's requests to the embedded service, where a task takes `delay`
    seconds.

    What it made is kept in `file`, which all processes share, or else in memory.
    """
    return _InProcess(create_app(catalog, delay=_wished(delay), file=file))


class _InProcess(httpx.ASGITransport):
    """Opens the file at the first request, in a thread: it may take as long as the
    disk.
    """

    def __init__(self, app: Starlette) -> None:
        # An error of the stand-in is a server error to the client, as it would be over
        # a network.
        super().__init__(app, raise_app_exceptions=False)
        self._store: DemoStore = app.state.store
        self._is_open = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self._is_open:
            await asyncio.to_thread(self._store.open)
            self._is_open = True
        return await super().handle_async_request(request)


def _wished(delay: float) -> float:
    """What the environment says, where it says a number."""
    try:
        return max(0.0, float(os.environ[DELAY_VARIABLE]))
    except (KeyError, ValueError):
        return delay
