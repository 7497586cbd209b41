"""Which hosts may be connected to, by what the base URL is.

A URL in the service's answer, or a redirect, must not reach into the networks that this
machine can see and the service can't.
"""

from typing import Protocol
from urllib.parse import urlsplit

import httpx

from tui.service import addresses
from tui.service.base_url import same_origin


class HostRule(Protocol):
    """Judges what a name has led to, right before a connection to it."""

    def may_connect(self, host: str, port: int, address: str) -> bool: ...

    def refusal(self, host: str) -> str:
        """Returns the sentence for a host none of whose addresses may be connected."""
        ...


class OwnMachineOnly:
    """For a base URL without encryption: the key must not leave this machine."""

    def may_connect(self, host: str, port: int, address: str) -> bool:
        parsed = addresses.parsed(address)
        return parsed is not None and addresses.is_loopback(parsed)

    def refusal(self, host: str) -> str:
        return (
            f"{host} is not on this machine, and the key is sent over https alone:"
            " correct the base URL."
        )


class PublicFiles:
    """For files: the base URL's own origin, else public hosts over https.

    Where the base URL is this machine, files may be on any of its ports.
    """

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        parts = urlsplit(base_url)
        default_port = 443 if parts.scheme == "https" else 80
        self._origin = (parts.hostname or "", parts.port or default_port)
        self._is_own_machine = addresses.is_own_name(self._origin[0])

    def problem(self, url: httpx.URL) -> str:
        """Returns what is wrong with an address, in a few words; "" if nothing is.

        Behind a proxy this is all that is checked: it alone learns what a name leads to.
        """
        host = url.raw_host.decode("ascii", "replace")
        if url.scheme not in ("http", "https") or not host:
            return "not a web URL"
        if same_origin(str(url), self._base_url):
            return ""
        if self._is_own_machine and addresses.is_own_name(host):
            return ""
        if url.scheme != "https":
            return "not encrypted"
        if not addresses.may_be_public(host):
            return "on this machine or a private network"
        return ""

    def may_connect(self, host: str, port: int, address: str) -> bool:
        if (host.lower(), port) == self._origin:
            return True
        found = addresses.parsed(address)
        if found is None:
            return False
        if self._is_own_machine and addresses.is_loopback(found):
            return True
        if addresses.is_own_name(host):
            return False
        if addresses.parsed(host) is not None:
            return addresses.is_public(found)
        return addresses.is_public_answer(found)

    def refusal(self, host: str) -> str:
        return (
            f"{host} leads to this machine or a private network, where no files are"
            " fetched or sent."
        )
