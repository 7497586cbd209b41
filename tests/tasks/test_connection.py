"""The line to the service: outages and wishes to be left alone are noticed once, and by
all.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from tui.service.client import Client
from tui.service.errors import (
    AuthenticationError,
    GarbledError,
    NetworkError,
    NotFoundError,
    RateLimitError,
    ServerError,
    ServiceError,
)
from tui.tasks import connection as line_module
from tui.tasks.connection import AT_ONCE, Connection


class Watched:
    """A line, and what it was each time that it told of a change."""

    def __init__(self) -> None:
        self.told: list[tuple[bool, float]] = []
        self.line = Connection(
            Client("http://127.0.0.1:1", "key"),
            lambda: self.told.append((self.line.offline, self.line.open_at)),
        )

    async def meet(self, problem: Exception) -> None:
        with pytest.raises(type(problem)) as met:
            await self.line.ask(failing(problem))
        assert met.value is problem


def failing(problem: Exception) -> Callable[[], Awaitable[str]]:
    async def request() -> str:
        raise problem

    return request


async def answer() -> str:
    return "made"


UNSENT = NetworkError("No connection.", sent=False)
BROKEN_OFF = NetworkError("It broke off.")


@pytest.fixture
def watched() -> Watched:
    return Watched()


async def test_an_answer_passes_and_changes_nothing(watched: Watched) -> None:
    assert await watched.line.ask(answer) == "made"
    assert (watched.line.offline, watched.line.open_at, watched.told) == (
        False,
        0.0,
        [],
    )


async def test_offline_from_a_request_that_could_not_leave_until_an_answer(
    watched: Watched,
) -> None:
    await watched.meet(BROKEN_OFF)
    assert watched.told == []
    await watched.meet(UNSENT)
    await watched.meet(UNSENT)
    await watched.meet(BROKEN_OFF)
    assert watched.told == [(True, 0.0)]
    await watched.line.ask(answer)
    await watched.line.ask(answer)
    assert watched.told == [(True, 0.0), (False, 0.0)]


@pytest.mark.parametrize(
    "kind",
    [AuthenticationError, NotFoundError, ServerError, GarbledError, ServiceError],
)
async def test_a_refusal_is_an_answer_too(
    watched: Watched, kind: type[ServiceError]
) -> None:
    await watched.meet(UNSENT)
    await watched.meet(kind("No."))
    assert watched.told == [(True, 0.0), (False, 0.0)]


async def test_what_is_no_answer_says_nothing_of_the_line(watched: Watched) -> None:
    await watched.meet(UNSENT)
    await watched.meet(ValueError("an error of ours"))
    asked = asyncio.create_task(watched.line.ask(asyncio.Event().wait))
    await asyncio.sleep(0)
    asked.cancel()
    await asyncio.wait({asked})
    assert watched.told == [(True, 0.0)]


async def test_too_many_requests_are_heeded_for_as_long_as_was_asked(
    watched: Watched,
) -> None:
    await watched.meet(UNSENT)
    now = time.time()
    await watched.meet(RateLimitError("Too many.", retry_after=30))
    assert watched.line.open_at == pytest.approx(now + 30, abs=5)
    assert watched.told == [(True, 0.0), (False, 0.0), (False, watched.line.open_at)]
    # Ends within the longer rest
    await watched.meet(RateLimitError("Too many.", retry_after=5))
    await watched.line.ask(answer)
    assert len(watched.told) == 3
    assert watched.line.open_at == pytest.approx(now + 30, abs=5)


@pytest.mark.parametrize("retry_after", [None, 0])
async def test_too_many_requests_without_a_wish_rest_a_moment(
    watched: Watched, retry_after: float | None
) -> None:
    now = time.time()
    await watched.meet(RateLimitError("Too many.", retry_after=retry_after))
    assert watched.line.open_at == pytest.approx(now + 1, abs=0.9)


def test_a_rest_is_told_once_and_never_made_shorter(watched: Watched) -> None:
    now = time.time()
    for left in (0.0, 50.0, 50.0, 20.0, 60.0, 4_000.0, float("inf"), float("nan")):
        watched.line.rest_until(now + left)
    assert watched.told == [(False, now + 50.0), (False, now + 60.0)]
    assert 59 < watched.line.rest <= 60


async def test_who_sleeps_offline_wakes_as_soon_as_another_gets_through(
    watched: Watched,
) -> None:
    await watched.meet(UNSENT)
    sleepers = [asyncio.create_task(watched.line.sleep(3600)) for _ in range(3)]
    await asyncio.sleep(0)
    await watched.meet(UNSENT)
    await asyncio.sleep(0)
    assert not any(sleeper.done() for sleeper in sleepers)
    await watched.line.ask(answer)
    async with asyncio.timeout(2):
        await asyncio.gather(*sleepers)
    await watched.meet(UNSENT)  # the next outage is waited for anew
    again = asyncio.create_task(watched.line.sleep(3600))
    await asyncio.sleep(0.01)
    assert not again.done()
    again.cancel()


async def test_nobody_sleeps_long_offline(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has to look whether the line is up again."""
    monkeypatch.setattr(line_module, "LONGEST_OFFLINE", 0.01)
    await watched.meet(UNSENT)
    async with asyncio.timeout(2):
        await watched.line.sleep(3600)
    assert watched.line.offline


async def test_a_sleep_on_a_line_that_is_up_takes_its_time(watched: Watched) -> None:
    sleeper = asyncio.create_task(watched.line.sleep(3600))
    await asyncio.sleep(0)
    await watched.line.ask(answer)
    await asyncio.sleep(0.01)
    assert not sleeper.done()
    sleeper.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeper
    async with asyncio.timeout(2):
        await watched.line.sleep(0)


async def test_so_many_requests_at_once_and_no_more(watched: Watched) -> None:
    under_way, most, door = 0, 0, asyncio.Event()

    async def request() -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        try:
            await door.wait()
        finally:
            under_way -= 1
        raise UNSENT

    asked = [asyncio.create_task(watched.line.ask(request)) for _ in range(AT_ONCE + 9)]
    await asyncio.sleep(0.01)
    assert under_way == AT_ONCE
    door.set()
    await asyncio.gather(*asked, return_exceptions=True)
    assert (under_way, most) == (0, AT_ONCE)
    assert watched.told == [(True, 0.0)]


async def test_another_key_wakes_whoever_waits_for_one(watched: Watched) -> None:
    await watched.meet(AuthenticationError("No."))
    assert watched.line.refused
    asleep = asyncio.create_task(watched.line.sleep(3600))
    await asyncio.sleep(0)
    watched.line.note_new_key()
    async with asyncio.timeout(10):
        await asleep
    assert not watched.line.refused
    await watched.meet(AuthenticationError("No."))
    await watched.meet(UNSENT)
    assert (watched.line.refused, watched.line.offline) == (True, True)
    await watched.line.ask(answer)
    assert (watched.line.refused, watched.line.offline) == (False, False)


async def test_a_read_keeps_to_the_rest_and_says_nothing_of_the_key(
    watched: Watched,
) -> None:
    async def told(client: Client) -> str:
        return "read"

    await watched.meet(AuthenticationError("The key is not valid."))
    await watched.meet(UNSENT)
    assert watched.line.offline
    assert await watched.line.read(told) == "read"
    assert not watched.line.offline
    assert watched.line.refused  # whoever waits for another key goes on waiting
    watched.line.rest_until(time.time() + 60)
    with pytest.raises(RateLimitError, match="asked to wait until") as met:
        await watched.line.read(told)
    assert 0 < (met.value.retry_after or 0) <= 60
    assert await watched.line.ask(answer) == "made"
