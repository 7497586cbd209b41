"""Asks the service whose key it is, and for the balance."""

import asyncio
from collections.abc import Iterator

from tui.cli.checks import network
from tui.session import ASK_FOR, Session, open_client
from tui.system import heartbeat
from tui.system.finding import Finding, Level
from tui.text import dollars, one_line

_NEXT = {
    "authentication": (
        "Make another key at https://runapi.ai/api_keys, and set RUNAPI_API_KEY or press"
        " F4 in the app."
    ),
    "rate_limit": "Wait a minute, and try again.",
}
"""What to do, by the kind of the service's error."""
_ELSE = "Try again later; https://runapi.ai says how the service is."


def check(session: Session) -> Iterator[Finding]:
    """Yield what the service says of the key; asks nothing without one."""
    if session.demo or not session.credential.api_key:
        return
    yield heartbeat.run(_asked(session))


async def _asked(session: Session) -> Finding:
    from tui.service.errors import ServiceError

    place = session.credential.base_url
    try:
        client = await asyncio.to_thread(open_client, session)
        try:
            async with asyncio.timeout(ASK_FOR):
                await client.me()
                balance = await client.balance_micro()
        finally:
            await client.aclose()
    except TimeoutError:
        return _not_answered(f"{place} did not answer in time.", "network")
    except ServiceError as error:
        return _not_answered(str(error), error.kind)
    if balance is not None and balance <= 0:
        return Finding(
            Level.WARNING,
            "service",
            f"{place} accepts the key; the balance is {dollars(balance)}.",
            "Add credit at https://runapi.ai: nothing can be made without.",
        )
    return Finding(
        Level.OK,
        "service",
        f"{place} accepts the key; the balance is {dollars(balance)}.",
    )


def _not_answered(reason: str, kind: str) -> Finding:
    step = _NEXT.get(kind, _ELSE)
    if kind == "network":
        step = network.next_step(reason)
    return Finding(Level.ERROR, "service", one_line(reason, 400), step)
