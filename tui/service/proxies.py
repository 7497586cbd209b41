"""Which proxy a request takes, by HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, and
which variable said so.
"""

import ipaddress
import os
import re
from dataclasses import dataclass
from urllib.request import getproxies

from tui.text import one_line

SCHEMES = ("http", "https", "socks5", "socks5h")
"""The kinds of proxy that can be used."""


@dataclass(frozen=True, repr=False)
class Proxy:
    """A proxy, and where it was found."""

    variable: str
    """Name of the environment variable, or a word for the system's own settings."""
    url: str
    """As it stands there; may hold a password."""

    def __str__(self) -> str:
        """For people: the variable and its value, without user name and password."""
        return f"{self.variable} ({without_secrets(self.url)})"

    def __repr__(self) -> str:
        return str(self)


def chosen(scheme: str, host: str, port: int | None = None) -> Proxy | None:
    """The proxy for requests to this origin; None for the direct way."""
    found = getproxies()  # on macOS the system's settings too
    kind = scheme if found.get(scheme) else "all"
    url = found.get(kind, "").strip()
    if not url or _bypassed(scheme, host, port, found.get("no", "")):
        return None
    return Proxy(_variable(f"{kind}_proxy"), url if "://" in url else f"http://{url}")


def without_secrets(url: str) -> str:
    """Scheme, host and port of a URL that may be malformed; whatever else it says may
    be a secret.
    """
    scheme, mark, rest = url.rpartition("://")
    place = rest.rpartition("@")[2]
    return one_line(scheme + mark + re.split(r"[/?#]", place, maxsplit=1)[0], 80)


def _variable(name: str) -> str:
    """The name as it is written in the environment. Lower case wins, as it does for
    `getproxies`.
    """
    if os.environ.get(name):
        return name
    same = (
        written
        for written in os.environ
        if written.lower() == name and os.environ[written]
    )
    return next(same, "the system's proxy setting")


def _bypassed(scheme: str, host: str, port: int | None, no_proxy: str) -> bool:
    """Whether NO_PROXY names this origin. What can't be understood in it names nothing."""
    entries = re.split(r"[,\s]+", no_proxy.strip())
    return any(
        entry == "*" or _names(entry, scheme, host, port) for entry in entries if entry
    )


def _names(entry: str, scheme: str, host: str, port: int | None) -> bool:
    own_scheme, mark, place = entry.rpartition("://")
    if mark and own_scheme.lower() not in ("all", scheme):
        return False
    bracketed = re.fullmatch(r"\[([^\]]*)\](/\d+)?(?::(\d+))?", place)
    if bracketed:
        name, own_port = bracketed[1] + (bracketed[2] or ""), bracketed[3]
    elif place.count(":") == 1:
        name, _, own_port = place.partition(":")
    else:
        name, own_port = place, ""
    default = 443 if scheme == "https" else 80
    if own_port and own_port != str(port or default):
        return False
    network, address = _network(name), _address(host)
    if network and address:
        return address in network
    domain = name.lower().lstrip("*").strip(".")
    return bool(domain) and f".{host.lower().rstrip('.')}".endswith(f".{domain}")


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
