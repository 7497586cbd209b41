"""Connections to addresses that were checked: a name can't lead elsewhere meanwhile."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from itertools import chain, zip_longest

import httpcore

from tui.service import addresses
from tui.service.host_rules import HostRule
from tui.text import one_line

_MOST_ADDRESSES = 6
"""Addresses of a name that are tried."""
_HEAD_START = 0.25
"""Seconds after which the next address is tried too, as RFC 8305 has it: IPv6 may be
broken on the way.
"""
_Connect = Callable[[str], Awaitable[httpcore.AsyncNetworkStream]]
_Try = asyncio.Future[httpcore.AsyncNetworkStream]


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
        connect = partial(
            self._network.connect_tcp,
            port=port,
            timeout=timeout,
            local_address=local_address,
            socket_options=socket_options,
        )
        return await _first_connected(connect, allowed[:_MOST_ADDRESSES])

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _first_connected(
    connect: _Connect, places: list[str]
) -> httpcore.AsyncNetworkStream:
    """Returns the stream of the address that answers first, and closes all others.

    Raises the error of the last address when none answers.
    """
    tries: list[_Try] = []
    winner: _Try | None = None
    try:
        for place in places:
            tries.append(asyncio.ensure_future(connect(place)))
            winner = await _next_connected(tries, _HEAD_START)
            if winner is not None:
                break
        while winner is None and not all(each.done() for each in tries):
            winner = await _next_connected(tries, None)
        return (winner or tries[-1]).result()
    finally:
        await _end([each for each in tries if each is not winner])


async def _next_connected(tries: list[_Try], longest: float | None) -> _Try | None:
    """Waits until one more try ends; returns one that has connected, if any."""
    running = [each for each in tries if not each.done()]
    if running:
        await asyncio.wait(
            running, timeout=longest, return_when=asyncio.FIRST_COMPLETED
        )
    ended = (each for each in tries if each.done())
    return next((each for each in ended if each.exception() is None), None)


async def _end(tries: list[_Try]) -> None:
    """Ends tries, and closes what they have connected meanwhile."""
    for each in tries:
        each.cancel()
    for stream in await asyncio.gather(*tries, return_exceptions=True):
        if not isinstance(stream, BaseException):
            await stream.aclose()


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
