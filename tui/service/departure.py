"""Whether a request can have left this machine.

What surely did not leave made nothing and cost nothing.
"""

from collections.abc import Mapping
from typing import Any

import httpx

SURELY_UNSENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.InvalidURL,
    httpx.LocalProtocolError,  # headers that can't be written
    httpx.PoolTimeout,
    httpx.ProxyError,  # before the tunnel is open
    httpx.UnsupportedProtocol,
)
"""Errors that come before the first byte, with every transport."""
_CONNECTING = ("connection", "proxy", "socks")
"""First words of httpcore's events while it connects, directly or to a proxy."""


class Departure:
    """Follows one request. In doubt, it has left."""

    def __init__(self) -> None:
        self._may_have_left = False

    def start(self) -> None:
        """Records that the transport has the request now, and may have sent it."""
        self._may_have_left = True

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Receives httpcore's events of the request: its `trace` extension."""
        request = info.get("request")
        if event.partition(".")[0] in _CONNECTING:
            self._may_have_left = False
        elif request is not None:
            # A CONNECT only asks a proxy for a tunnel: it isn't the request itself.
            self._may_have_left = request.method != b"CONNECT"

    def is_unsent(self, error: Exception) -> bool:
        """Tells whether nothing can have left before this error."""
        return not self._may_have_left or isinstance(error, SURELY_UNSENT)
