"""The proxy for a request, by HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY."""

import ipaddress
import os
import re
from dataclasses import dataclass
from urllib.request import getproxies

from tui.text import one_line

SCHEMES = ("http", "https", "socks5", "socks5h")
"""The kinds of proxy that can be used."""
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, repr=False)
class Proxy:
    """A proxy, and the setting that names it."""

    variable: str
    """Name of the environment variable, or words for the system's own settings."""
    url: str
    """The value as it is set; it may hold a password."""

    @property
    def has_password(self) -> bool:
        """Whether the value names a user."""
        return "@" in self.url

    def __str__(self) -> str:
        """Returns the variable and its value, without user name and password."""
        return f"{self.variable} ({without_secrets(self.url)})"

    def __repr__(self) -> str:
        return str(self)


def chosen(
    scheme: str, host: str, port: int | None = None, *, heeds_no_proxy: bool = True
) -> Proxy | None:
    """Returns the proxy for requests to this origin; None for a direct connection."""
    settings = getproxies()  # on macOS the system's settings too
    kind = scheme if settings.get(scheme) else "all"
    url = settings.get(kind, "").strip()
    no_proxy = settings.get("no", "") if heeds_no_proxy else ""
    if not url or _is_bypassed(scheme, host, port, no_proxy):
        return None
    if "://" not in url:
        url = f"http://{url}"
    return Proxy(_variable(f"{kind}_proxy"), url)


def without_secrets(url: str) -> str:
    """Returns scheme, host and port of a URL, which may be malformed.

    Everything else in it may be a secret.
    """
    scheme, separator, rest = url.rpartition("://")
    place = rest.rpartition("@")[2]
    host, *_ = re.split(r"[/?#]", place, maxsplit=1)
    return one_line(scheme + separator + host, 80)


def _variable(name: str) -> str:
    """Returns the name as it is written in the environment.

    Lower case wins, as it does in `getproxies`.
    """
    if os.environ.get(name):
        return name
    for written, value in os.environ.items():
        if value and written.lower() == name:
            return written
    return "the system's proxy setting"


def _is_bypassed(scheme: str, host: str, port: int | None, no_proxy: str) -> bool:
    """Tells whether NO_PROXY names this origin. Its malformed entries name nothing."""
    for entry in re.split(r"[,\s]+", no_proxy.strip()):
        if entry == "*" or (entry and _names(entry, scheme, host, port)):
            return True
    return False


def _names(entry: str, scheme: str, host: str, port: int | None) -> bool:
    own_scheme, separator, place = entry.rpartition("://")
    if separator and own_scheme.lower() not in ("all", scheme):
        return False
    name, own_port = _host_and_port(place)
    default_port = 443 if scheme == "https" else 80
    if own_port and own_port != str(port or default_port):
        return False
    network = _network(name)
    address = _address(host)
    if network and address:
        return address in network
    domain = name.lower().lstrip("*").strip(".")
    return bool(domain) and f".{host.lower().rstrip('.')}".endswith(f".{domain}")


def _host_and_port(place: str) -> tuple[str, str]:
    """Returns a host or network, and a port or ""."""
    bracketed = re.fullmatch(r"\[([^\]]*)\](/\d+)?(?::(\d+))?", place)
    if bracketed:
        address, prefix, port = bracketed.groups(default="")
        return address + prefix, port
    if place.count(":") == 1:
        name, _, port = place.partition(":")
        return name, port
    return place, ""


def _network(text: str) -> _Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _address(text: str) -> _Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
