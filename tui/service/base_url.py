"""Base URLs: in one spelling per service, and never one that would leak a key."""

import re
from urllib.parse import SplitResult, urlsplit

from tui.service.addresses import is_own_name
from tui.text import one_line

DEFAULT_BASE_URL = "https://runapi.ai"
_EMBEDDED = "http://runapi.demo"
"""The one base URL without encryption that isn't an address of this machine: the
embedded service's, which is reached in process.
"""
_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|[0-9a-f:.%]*:[0-9a-f:.%a-z]*")
"""Matches a name of letters, digits and hyphens, or an address of IPv6."""
_DEFAULT_PORTS = {"http": 80, "https": 443}


def canonical(base_url: str) -> str:
    """Returns the origin to append paths to: trimmed, and without a trailing `/v1`.

    Agents' settings carry that `/v1`. Raises ValueError with a sentence for anything
    that a key must not be sent to.
    """
    # The text may hold a secret where a user name or a query would be
    shown = one_line(re.sub(r"(?<=//)[^/@]*@|[?#].*", "…", base_url), 80)
    parts = _split(_without_version(base_url))
    host = _host(parts) if parts else ""
    if parts is None or not host:
        raise ValueError(f"{shown!r} is not a base URL such as {DEFAULT_BASE_URL}.")
    own_url = f"{parts.scheme}://{parts.netloc.lower()}{parts.path}"
    if parts.scheme == "http" and not (is_own_name(host) or own_url == _EMBEDDED):
        raise ValueError(
            f"{shown} is not encrypted: a key is sent over https, or to this machine"
            " only."
        )
    if ":" in host:
        host = f"[{host}]"
    if parts.port not in (None, _DEFAULT_PORTS[parts.scheme]):
        host = f"{host}:{parts.port}"
    return f"{parts.scheme}://{host}{parts.path}"


def same_origin(url: str, base_url: str) -> bool:
    """Tells whether the key that belongs to `base_url` may be sent to `url`."""
    try:
        parts = urlsplit(url)
        return "@" not in parts.netloc and _origin(parts) == _origin(urlsplit(base_url))
    except ValueError:
        return False


def _without_version(base_url: str) -> str:
    text = base_url.strip().rstrip("/")
    for ending in ("/api/v1", "/v1"):
        text = text.removesuffix(ending).rstrip("/")
    return text


def _split(text: str) -> SplitResult | None:
    """Returns the parts of an http or https URL; None for any other text."""
    has_odd_characters = any(character in text for character in " ?#@\\")
    if has_odd_characters or not (text.isascii() and text.isprintable()):
        return None
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises ValueError where it isn't a number
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not _HOST.fullmatch(parts.hostname or ""):
        return None
    return parts


def _host(parts: SplitResult) -> str:
    """Returns the host in lower case, without the dot of an absolute name."""
    return (parts.hostname or "").removesuffix(".")


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    """Returns scheme, host and port. Raises ValueError for a port that is none."""
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    return parts.scheme, parts.hostname, port
