"""Whether a request can have left this machine: what surely did not was neither made
nor billed.
"""

from collections.abc import Mapping
from typing import Any

import httpx

SURELY_UNSENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.InvalidURL,
    httpx.LocalProtocolError,  # headers that can't be written down
    httpx.PoolTimeout,
    httpx.ProxyError,  # before the tunnel stands
    httpx.UnsupportedProtocol,
)
"""Errors that come before the first byte, whoever carries the request."""
_BEFORE = ("connection", "proxy", "socks")
"""First words of httpcore's events while a connection, or the way through a proxy, is
being made.
"""


class Departure:
    """Follows one request. In doubt, it has left."""

    def __init__(self) -> None:
        self._possible = False

    def hand_over(self) -> None:
        """The request is given to whoever carries it, and may be gone from now on."""
        self._possible = True

    async def heed(self, event: str, info: Mapping[str, Any]) -> None:
        """What httpcore tells of a request on its way: its `trace` extension."""
        request = info.get("request")
        if event.partition(".")[0] in _BEFORE:
            self._possible = False
        elif request is not None:
            # What a proxy is asked first is not the request yet.
            self._possible = request.method != b"CONNECT"

    def unsent(self, error: Exception) -> bool:
        """Whether nothing can have left before this error."""
        return not self._possible or isinstance(error, SURELY_UNSENT)
