"""Connections to addresses that were checked: a name can't lead elsewhere meanwhile."""

import asyncio
import socket
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from itertools import chain, zip_longest

import httpcore

from tui.service import addresses
from tui.service.host_rules import HostRule
from tui.text import one_line

_MOST_ADDRESSES = 6
"""Addresses of a name that are tried."""
_SHORT = 3.0
"""Seconds for an address when there are others: IPv6 may be broken on the way."""


class RefusedAddressError(httpcore.ConnectError):
    """Nothing was sent: no address of a host may be connected to. Says so."""


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Resolves a name itself, and connects to an address that the rule allows."""

    def __init__(self, rule: HostRule) -> None:
        self._rule = rule
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  as httpcore has it
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        found = await _resolved(host, port, timeout)
        allowed = [
            address for address in found if self._rule.may_connect(host, port, address)
        ]
        if not allowed:
            raise RefusedAddressError(self._rule.refusal(one_line(host, 80)))
        *others, last = allowed[:_MOST_ADDRESSES]
        connect = partial(
            self._network.connect_tcp,
            port=port,
            local_address=local_address,
            socket_options=socket_options,
        )
        for address in others:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await connect(address, timeout=min(timeout or _SHORT, _SHORT))
        return await connect(last, timeout=timeout)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _resolved(host: str, port: int, longest: float | None) -> list[str]:
    """Returns a host's addresses, of both families in turn.

    Raises httpcore.ConnectError and httpcore.ConnectTimeout.
    """
    if addresses.parsed(host) is not None:
        return [host.removesuffix(".")]
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(longest):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError as error:
        raise httpcore.ConnectTimeout(str(error)) from error
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(str(error)) from error
    families: dict[int, dict[str, None]] = {}
    for family, _, _, _, place in found:
        families.setdefault(family, {})[str(place[0])] = None
    in_turn = chain.from_iterable(zip_longest(*families.values()))
    return [address for address in in_turn if address]
