"""The environment's proxies and certificates: which are in force, and whether they work."""

import asyncio
import os
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import httpx

from tui import __version__
from tui.service import addresses, certificates, proxies
from tui.service.errors import NetworkError
from tui.service.network_errors import network_error
from tui.service.transport import Transport
from tui.system import heartbeat
from tui.text import by_count, one_line

Level = Literal["ok", "warning", "error"]
LONGEST = 8.0
"""Seconds that a try may take."""
_PROXIES = ("HTTPS_PROXY", "ALL_PROXY", "HTTP_PROXY")
_NOT_OF_SERVICE = (403, 407, 502, 503, 511)
"""What a proxy's own page answers with, where it ends the connection itself."""


class Setting(NamedTuple):
    """A variable of the environment, or the try of all of them."""

    name: str
    value: str
    """Safe to show: without user name and password."""
    level: Level
    state: str
    """A sentence without a full stop: what it does here."""
    is_used: bool = True
    """Whether it changes anything for this base URL."""

    def __str__(self) -> str:
        return f"{self.name}={self.value}: {self.state}"


def settings(base_url: str) -> list[Setting]:
    """Returns what every variable that is set does for requests to a base URL.

    Reads files of certificates; sends nothing.
    """
    return [*_of_proxies(base_url), *_of_certificates(base_url)]


def at_fault(problem: str) -> list[str]:
    """Returns the variables that an error of the network names, if they are set."""
    names = [spelled for each in _PROXIES for spelled in (each, each.lower())]
    return [
        name
        for name in (*names, *certificates.VARIABLES)
        if re.search(rf"\b{name} \(", problem) and os.environ.get(name)
    ]


def tried(base_url: str) -> Setting | None:
    """Returns whether the service answers with those settings; None without any.

    One request without a key, for a few seconds. Not for a running event loop.
    """
    if not settings(base_url) or not _leaves_machine(base_url):
        return None
    return heartbeat.run(_try(base_url))


async def _try(base_url: str) -> Setting:
    host = one_line(urlsplit(base_url).hostname or base_url, 80)
    transport = Transport(1, uses_proxies=True)
    agent = {"User-Agent": f"runapi-tui/{__version__}"}
    try:
        async with (
            asyncio.timeout(LONGEST),
            httpx.AsyncClient(
                transport=transport, timeout=LONGEST, trust_env=False, headers=agent
            ) as client,
            client.stream("HEAD", base_url) as response,
        ):
            status = response.status_code
    except NetworkError as error:
        return Setting("connection", host, "error", _without_stop(error))
    except Exception as error:  # whatever it is, it is the answer
        told = network_error(error, base_url, host, unsent=True, uses_proxies=True)
        return Setting("connection", host, "error", _without_stop(told))
    if status in _NOT_OF_SERVICE:
        state = f"answers HTTP {status}, which may be a proxy's word"
        return Setting("connection", host, "warning", state)
    return Setting("connection", host, "ok", f"works (HTTP {status})")


def _without_stop(error: Exception) -> str:
    return one_line(error).rstrip(".")


def _leaves_machine(base_url: str) -> bool:
    return base_url.startswith("https:")


# ---- proxies


def _of_proxies(base_url: str) -> Iterator[Setting]:
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    is_used = _leaves_machine(base_url)
    chosen = proxies.chosen(parts.scheme, host, parts.port) if is_used else None
    without = proxies.chosen(parts.scheme, host, parts.port, heeds_no_proxy=False)
    is_bypassed = is_used and chosen is None and without is not None
    for name in (spelled for each in _PROXIES for spelled in (each, each.lower())):
        value = os.environ.get(name, "")
        if not value.strip():
            if name in os.environ and os.environ.get(name.upper(), "").strip():
                state = f"empty, which switches {name.upper()} off"
                yield Setting(name, "", "warning", state)
            continue
        shown = proxies.without_secrets(value)
        is_used = bool(chosen and chosen.variable == name)
        state = _proxy_state(name, host, is_bypassed, chosen)
        yield Setting(name, shown, "ok", state, is_used)
    for name in ("NO_PROXY", "no_proxy"):
        value = os.environ.get(name, "")
        if not value.strip():
            continue
        other = os.environ.get("no_proxy", "")
        is_used = False
        if name == "NO_PROXY" and other.strip():
            state = "not used: no_proxy comes first"
        elif is_bypassed:
            is_used = True
            state = f"in force: {one_line(host, 80)} is connected to directly"
        else:
            state = f"doesn't matter for {one_line(host, 80)}"
        yield Setting(name, one_line(value, 200), "ok", state, is_used)


def _proxy_state(
    name: str, host: str, is_bypassed: bool, chosen: proxies.Proxy | None
) -> str:
    shown = one_line(host, 80)
    if chosen and chosen.variable == name:
        return f"in force for {shown}"
    if name.upper() == "HTTP_PROXY":
        return "not used: all requests go by https"
    if is_bypassed:
        return f"not used: NO_PROXY names {shown}"
    if chosen:
        return f"not used: {chosen.variable} comes first"
    if addresses.is_own_name(host):
        return f"not used: {shown} is this machine"
    return f"not used for {shown}"


# ---- certificates


def _of_certificates(base_url: str) -> Iterator[Setting]:
    first = certificates.variable_in_force()
    for name in certificates.VARIABLES:
        value = os.environ.get(name, "")
        if not value:
            continue
        level: Level = "ok"
        is_used = name == first and _leaves_machine(base_url)
        if not _leaves_machine(base_url):
            state = "not used: this base URL is without encryption"
        elif name != first:
            state = f"not used: {first} comes first"
        else:
            level, state = _loaded()
        yield Setting(name, one_line(value, 200), level, state, is_used)


def _loaded() -> tuple[Level, str]:
    try:
        context = certificates.trusted_context()
    except NetworkError as error:
        return "error", _without_stop(error)
    count = context.cert_store_stats()["x509_ca"]
    if not count:  # a folder's are read when they are needed
        return "ok", "in force"
    return "ok", by_count(
        count, "in force, with 1 authority", "in force, with {count} authorities"
    )
