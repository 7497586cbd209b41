"""Several small connection pools in the place of a large one."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

CONNECTIONS = 4
"""Connections of one pool."""
_MOST_POOLS = 8
_TIMEOUT = httpx.Timeout(60, connect=15)  # seconds between two bytes


class ConnectionPools:
    """Pools that are opened as they are needed.

    Before each request httpx walks through every connection of its pool, so that one
    pool of 32 costs twice the time of eight of 4.
    """

    def __init__(
        self, new_transport: Callable[[], httpx.AsyncBaseTransport], **options: Any
    ) -> None:
        """Accepts the `options` of `httpx.AsyncClient`."""
        self._new_transport = new_transport
        self._options = options
        self._clients: list[httpx.AsyncClient] = []
        self._busy: Counter[int] = Counter()

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """Yields a client that has a free connection, or else the least busy one."""
        index = min(range(len(self._clients)), key=self._busy.__getitem__, default=-1)
        is_full = index < 0 or self._busy[index] >= CONNECTIONS
        if is_full and len(self._clients) < _MOST_POOLS:
            index = len(self._clients)
            self._clients.append(self._open())
        self._busy[index] += 1
        try:
            yield self._clients[index]
        finally:
            self._busy[index] -= 1

    async def aclose(self) -> None:
        for client in self._clients:
            await client.aclose()

    def _open(self) -> httpx.AsyncClient:
        # The transport alone reads the environment: hence no `trust_env` here. Without
        # a policy, each response could add to what every later request carries.
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
        return httpx.AsyncClient(
            transport=self._new_transport(),
            timeout=_TIMEOUT,
            trust_env=False,
            cookies=no_cookies,
            **self._options,
        )
