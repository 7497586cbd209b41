"""Connections to the addresses of a name: which are tried, and which is used."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import httpcore
import pytest

from tui.service.checked_backend import CheckedBackend, RefusedAddressError
from tui.service.host_rules import PublicFiles

BROKEN, GOOD, PRIVATE = "2606:4700::1", "93.184.216.34", "10.0.0.1"


class Stream(httpcore.AsyncNetworkStream):
    def __init__(self, address: str) -> None:
        self.address = address
        self.is_closed = False

    async def aclose(self) -> None:
        self.is_closed = True


class Network:
    """What each address does; notes which were tried, and which tries were ended."""

    def __init__(self) -> None:
        self.does: dict[str, Callable[[], Awaitable[None]]] = {}
        self.tried: list[str] = []
        self.ended: list[str] = []
        self.streams: list[Stream] = []

    async def connect_tcp(self, address: str, **options: Any) -> Stream:
        self.tried.append(address)
        try:
            await self.does[address]()
        except asyncio.CancelledError:
            self.ended.append(address)
            raise
        self.streams.append(Stream(address))
        return self.streams[-1]


async def never() -> None:
    await asyncio.Event().wait()


async def at_once() -> None:
    pass


async def fail() -> None:
    raise httpcore.ConnectError("nothing there")


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    network = Network()

    async def connect_tcp(_: object, host: str, **options: Any) -> Stream:
        return await network.connect_tcp(host, **options)

    def look_up(*_: object, **__: object) -> list[Any]:
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                1,
                6,
                "",
                (address,),
            )
            for address in network.does
        ]

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect_tcp)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return network


async def connect() -> Stream:
    backend = CheckedBackend(PublicFiles("https://runapi.ai"))
    async with asyncio.timeout(30):
        stream = await backend.connect_tcp("files.example", 443)
    assert isinstance(stream, Stream)
    return stream


async def test_an_address_that_is_silent_holds_up_no_other(network: Network) -> None:
    network.does = {BROKEN: never, GOOD: at_once}
    assert (await connect()).address == GOOD
    assert network.tried == [BROKEN, GOOD]
    assert network.ended == [BROKEN]


async def test_the_first_address_is_not_given_up_for_the_next(network: Network) -> None:
    is_next_tried = asyncio.Event()

    async def silent() -> None:
        is_next_tried.set()
        await never()

    async def slow() -> None:
        await is_next_tried.wait()

    network.does = {BROKEN: slow, GOOD: silent}
    assert (await connect()).address == BROKEN
    assert network.ended == [GOOD]


async def test_of_two_that_connect_one_is_closed(network: Network) -> None:
    is_next_tried = asyncio.Event()

    async def slow() -> None:
        await is_next_tried.wait()

    async def prompt() -> None:
        is_next_tried.set()
        await asyncio.sleep(0)

    network.does = {BROKEN: slow, GOOD: prompt}
    used = await connect()
    assert not used.is_closed
    assert all(stream.is_closed for stream in network.streams if stream is not used)


async def test_one_that_answers_is_the_only_one_tried(network: Network) -> None:
    network.does = {GOOD: at_once, BROKEN: never}
    assert (await connect()).address == GOOD
    assert network.tried == [GOOD]


async def test_none_answers(network: Network) -> None:
    network.does = {BROKEN: fail, GOOD: fail}
    with pytest.raises(httpcore.ConnectError, match="nothing there"):
        await connect()
    assert network.tried == [BROKEN, GOOD]


async def test_an_address_that_is_refused_is_never_tried(network: Network) -> None:
    network.does = {PRIVATE: at_once, BROKEN: fail, GOOD: at_once}
    assert (await connect()).address == GOOD
    assert PRIVATE not in network.tried
    network.does = {PRIVATE: at_once}
    with pytest.raises(RefusedAddressError):
        await connect()


async def test_whoever_gives_up_ends_every_try(network: Network) -> None:
    are_both_tried = asyncio.Event()

    async def silent() -> None:
        are_both_tried.set()
        await never()

    network.does = {BROKEN: never, GOOD: silent}
    connecting = asyncio.ensure_future(connect())
    await are_both_tried.wait()
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    assert sorted(network.ended) == sorted([BROKEN, GOOD])
