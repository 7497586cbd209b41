"""The line to the service, shared by all tasks: how many requests at once, is it up, must it rest."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tui.service.errors import AuthenticationError, NetworkError, RateLimitError, ServiceError

T = TypeVar("T")

AT_ONCE = 32
"""Requests under way at the same time."""
LONGEST_OFFLINE = 10.0
"""Seconds between two looks whether the line is up again, at most."""


class Line:
    """Knows of outages and of the service's wish to be left alone. Runs on one event loop."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self.offline = False
        """True from a request that could not leave until one that was answered."""
        self.refused = False
        """True from a request whose key was refused until one that was answered, or another key."""
        self.open_at = 0.0
        """Until when, in seconds since the epoch, the service asked for no more submits; for all processes."""
        self._on_change = on_change
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._up = asyncio.Event()

    async def ask(self, request: Callable[[], Awaitable[T]]) -> T:
        """Send one request. Raises ServiceError."""
        async with self._gate:
            try:
                answer = await request()
            except NetworkError as error:
                if not error.sent:
                    self._turn(offline=True, refused=self.refused)
                raise
            except ServiceError as error:
                self._turn(refused=isinstance(error, AuthenticationError))
                if isinstance(error, RateLimitError):
                    self.rest_until(time.time() + (error.retry_after or 1.0))
                raise
        self._turn()
        return answer

    def take_up(self) -> None:
        """There is another key: whoever sleeps because the last one was refused asks at once."""
        self._turn(offline=self.offline)

    def rest_until(self, moment: float) -> None:
        """No submits before `moment`."""
        if moment > self.open_at:
            self.open_at = moment
            self._on_change()

    async def sleep(self, seconds: float) -> None:
        """So long; while offline not for long, and only until another task finds the line up again, or the key
        taken."""
        if not (self.offline or self.refused):
            await asyncio.sleep(seconds)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, LONGEST_OFFLINE) if self.offline else seconds):
                await self._up.wait()

    def _turn(self, *, offline: bool = False, refused: bool = False) -> None:
        if (offline, refused) != (self.offline, self.refused):
            self.offline, self.refused = offline, refused
            if offline or refused:
                self._up.clear()
            else:
                self._up.set()
            self._on_change()
