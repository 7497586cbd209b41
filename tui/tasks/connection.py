"""The line to the service, shared by all tasks: how many requests at once, is it up,
must it rest.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from tui.service.client import Client
from tui.service.errors import (
    AuthenticationError,
    CreditsError,
    NetworkError,
    NotFoundError,
    RateLimitError,
    ServiceError,
)
from tui.service.prompt_library import PromptPage
from tui.service.result_links import addresses_in
from tui.service.task_answer import Answer
from tui.tasks.retry import LONGEST_REST, asked_pause
from tui.tasks.task import Task
from tui.text import clock

T = TypeVar("T")

AT_ONCE = 32
"""Requests under way at the same time."""
LONGEST_OFFLINE = 10.0
"""Seconds between two looks whether the line is up again, at most."""
SHORTEST_REST = 1.0


class Connection:
    """Knows of outages and of the service's wish to be left alone. Runs on one event
    loop.
    """

    def __init__(self, client: Client, on_change: Callable[[], None]) -> None:
        self.client = client
        self.offline = False
        """True from a request that could not leave until one that was answered."""
        self.refused = False
        """True from a request whose key was refused until one that was answered, or
        another key.
        """
        self.short = False
        """True from a submit without enough credit until one that was accepted."""
        self.open_at = 0.0
        """Until when, in seconds since the epoch, the service asked for no more
        submits; for all processes.
        """
        self.accepted = 0
        """How many submits the service has accepted: as long as it grows, there is
        progress.
        """
        self._rest_ends = 0.0  # by the clock that is never set
        self._on_change = on_change
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._up = asyncio.Event()

    async def submit(self, request: Callable[[], Awaitable[T]]) -> T:
        """Send one paid request. Raises ServiceError."""
        answer = await self.ask(request)
        self.accepted += 1
        self._turn(short=False)
        return answer

    async def read(self, request: Callable[[Client], Awaitable[T]]) -> T:
        """Sends one request that can wait and says nothing of the key. Raises
        ServiceError; RateLimitError, sending nothing, while the service wants a rest.
        """
        if self.rest:
            raise RateLimitError(
                f"The service asked to wait until {clock(self.open_at)}.",
                retry_after=self.rest,
            )
        return await self.ask(lambda: request(self.client), of_key=False)

    async def status(self, task: Task) -> Answer:
        """Asks how a task is going on. Raises ServiceError."""
        if not (task.remote_id or task.location):
            raise NotFoundError("The service gave this task no id to ask for.")
        return await self.ask(
            lambda: self.client.status(
                task.route,
                task.service,
                task.action,
                task.remote_id,
                task.location,
                sent=addresses_in(task.body),
            )
        )

    async def ask(
        self, request: Callable[[], Awaitable[T]], *, of_key: bool = True
    ) -> T:
        """Sends one request; `of_key` says that its answer tells whether the key is
        taken. Raises ServiceError.
        """
        async with self._gate:
            try:
                answer = await request()
            except NetworkError as error:
                if not error.sent:
                    self._turn(offline=True)
                raise
            except ServiceError as error:
                if of_key:
                    self._turn(
                        offline=False,
                        refused=isinstance(error, AuthenticationError),
                        short=self.short or isinstance(error, CreditsError),
                    )
                    if isinstance(error, RateLimitError):
                        rest = asked_pause(SHORTEST_REST, error.retry_after)
                        self.rest_until(time.time() + rest)
                else:
                    # A limit on what is free to ask says nothing of paid requests.
                    self._turn(offline=False)
                raise
        self._turn(offline=False, refused=False if of_key else None)
        return answer

    def note_new_key(self) -> None:
        """Notes another key: waits that the last one caused end at once."""
        self._turn(refused=False, short=False)

    @property
    def rest(self) -> float:
        """Seconds for which the service wants no more submits."""
        left = min(self._rest_ends - time.monotonic(), self.open_at - time.time())
        return max(0.0, left)

    def rest_until(self, moment: float) -> None:
        """No submits before `moment`, in seconds since the epoch. One that can't be
        meant is ignored.
        """
        now, longest = time.time(), LONGEST_REST + 1
        left = moment - now
        is_news = moment > self.open_at or self.open_at > now + longest
        if 0 < left <= longest and is_news:
            self._rest_ends = time.monotonic() + left
            self.open_at = moment
            self._on_change()

    async def until_account(self, seconds: float) -> None:
        """So long at most; only until the key is taken and there is credit, if they are
        not now.
        """
        if self.refused or self.short:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._up.wait()

    async def sleep(self, seconds: float) -> None:
        """So long; while offline not for long, and only until another task finds the
        line up again, the key taken, or credit there.
        """
        if not (self.offline or self.refused or self.short):
            await asyncio.sleep(seconds)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(
                min(seconds, LONGEST_OFFLINE) if self.offline else seconds
            ):
                await self._up.wait()

    def _turn(
        self,
        *,
        offline: bool | None = None,
        refused: bool | None = None,
        short: bool | None = None,
    ) -> None:
        """Take in what has shown itself; None leaves something as it was known."""
        before = (self.offline, self.refused, self.short)
        after = tuple(
            was if now is None else now
            for was, now in zip(before, (offline, refused, short), strict=True)
        )
        if after == before:
            return
        self.offline, self.refused, self.short = after
        if any(after):
            self._up.clear()
        else:
            self._up.set()
        self._on_change()


class ServiceReader:
    """Asks the service for what has to do with no task: over a connection, so that an
    outage and a wish for rest hold here too. Every method raises ServiceError.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def quote(
        self, service: str, action: str, model: str, params: dict[str, Any]
    ) -> int | None:
        """Returns what `Client.quote` does."""
        return await self._connection.read(
            lambda client: client.quote(service, action, model, params)
        )

    async def price_schedules(self, etag: str = "") -> tuple[str, str] | None:
        """Returns what `Client.price_schedules` does."""
        return await self._connection.read(lambda client: client.price_schedules(etag))

    async def prompts(self, q: str = "", **narrows: Any) -> PromptPage:
        """Returns what `Client.prompts` does."""
        return await self._connection.read(lambda client: client.prompts(q, **narrows))

    async def preview(self, url: str, target: Path) -> None:
        """Fetches a picture from its own host, which is no matter of the service's."""
        await self._connection.client.preview(url, target)
