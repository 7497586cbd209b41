"""Who may be sent next: so many at the service at once, in the order of their turns,
nobody while paused.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

Turn = tuple[float, str]


class Scheduler:
    """The places at the service. Runs on one event loop."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._waiting: dict[str, tuple[Turn, asyncio.Future[None]]] = {}
        # A heap; turns that have changed since are skipped
        self._turns: list[Turn] = []
        self._open = asyncio.Event()
        self._open.set()

    @property
    def limit(self) -> int:
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        self._limit = max(1, limit)
        self._admit()

    @property
    def paused(self) -> bool:
        return not self._open.is_set()

    @paused.setter
    def paused(self, paused: bool) -> None:
        if paused:
            self._open.clear()
        else:
            self._open.set()
            self._admit()

    async def until_open(self) -> None:
        """Until the queue is not paused."""
        await self._open.wait()

    @asynccontextmanager
    async def place(self, turn: Turn, *, wait: bool) -> AsyncIterator[None]:
        """A place at the service; without `wait` at once, for what is there already."""
        if wait:
            await self._queue(turn)
        else:
            self._used += 1
        try:
            yield
        finally:
            self._used -= 1
            self._admit()

    def move(self, turn: Turn) -> None:
        """A waiting task has another turn now."""
        if turn[1] in self._waiting:
            self._waiting[turn[1]] = turn, self._waiting[turn[1]][1]
            heapq.heappush(self._turns, turn)

    async def _queue(self, turn: Turn) -> None:
        admitted = asyncio.get_running_loop().create_future()
        self._waiting[turn[1]] = turn, admitted
        heapq.heappush(self._turns, turn)
        self._admit()
        try:
            await admitted
        except asyncio.CancelledError:
            if self._waiting.pop(turn[1], None) is None:  # admitted in the same moment
                self._used -= 1
                self._admit()
            raise

    def _admit(self) -> None:
        while self._turns and not self.paused and self._used < self._limit:
            turn = heapq.heappop(self._turns)
            current, admitted = self._waiting.get(turn[1], (None, None))
            if admitted and current == turn and not admitted.cancelled():
                self._used += 1
                del self._waiting[turn[1]]
                admitted.set_result(None)
