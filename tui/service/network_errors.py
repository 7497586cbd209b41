"""Sentences for requests that failed on their way, before any response."""

import contextlib
import socket
import ssl
from collections.abc import Iterator

import httpx

from tui.service import certificates, proxies
from tui.service.checked_backend import RefusedAddressError
from tui.service.errors import NetworkError
from tui.service.proxies import Proxy
from tui.text import one_line


def network_error(
    error: Exception, url: str, peer: str, *, unsent: bool, uses_proxies: bool
) -> NetworkError:
    """Returns a NetworkError that explains `error`.

    `peer` names the other side where the URL has no host. `unsent` is True where the
    request surely never left.
    """
    with contextlib.suppress(RuntimeError):  # an error that belongs to no request
        if isinstance(error, httpx.RequestError):
            url = str(error.request.url)
    proxy = None
    with contextlib.suppress(httpx.InvalidURL):
        parts = httpx.URL(url)
        peer = one_line(parts.host, 80) or peer
        if uses_proxies:
            proxy = proxies.chosen(parts.scheme, parts.host, parts.port)
    for cause in _causes(error):
        if isinstance(cause, RefusedAddressError):
            return NetworkError(str(cause), sent=False)
    if isinstance(error, httpx.InvalidURL):
        return NetworkError(f"The URL of {peer} is not valid.", sent=False)
    if unsent or isinstance(error, httpx.ProxyError):
        return NetworkError(_unsent(error, peer, proxy), sent=False)
    return NetworkError(_interrupted(error, peer))


def _unsent(error: Exception, peer: str, proxy: Proxy | None) -> str:
    """Returns a sentence for a request that never left: what stopped it."""
    causes = tuple(_causes(error))
    first_hop = f"The proxy of {proxy}" if proxy else peer
    if isinstance(error, httpx.ProxyError):
        reason = one_line(error, 120) or "it gave no reason"
        return f"{first_hop} refused to connect to {peer}: {reason}."
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return _unsafe(peer, proxy)
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return f"{first_hop} was not found: check its name and the network."
    if isinstance(error, httpx.ConnectError):
        return f"{first_hop} can't be reached: nothing answers there."
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return f"{first_hop} did not answer in time."
    if proxy and isinstance(error, httpx.TransportError):
        return f"{first_hop} closed the connection before {peer} was reached."
    if isinstance(error, ImportError):
        package = one_line(error.name or "its name is unknown", 60)
        return f"A Python package is missing, {package}: install it."
    if isinstance(error, httpx.LocalProtocolError | UnicodeError):
        # The error isn't quoted: it would show the key.
        return (
            f"The request to {peer} can't be written: the key or a header has"
            " characters that HTTP doesn't allow."
        )
    return f"The request to {peer} could not be sent ({type(error).__name__})."


def _unsafe(peer: str, proxy: Proxy | None) -> str:
    through = f" through the proxy of {proxy}" if proxy else ""
    sentence = f"No safe connection to {peer}{through}: its certificate or TLS failed."
    setting = certificates.setting_in_force()
    if setting:
        return f"{sentence} {setting} says which certificates are trusted."
    return sentence


def _interrupted(error: Exception, peer: str) -> str:
    """Returns a sentence for a request that may have left."""
    if any(isinstance(cause, ssl.SSLError) for cause in _causes(error)):
        return f"No safe connection to {peer}: its certificate or TLS failed."
    if isinstance(error, httpx.TooManyRedirects):
        return f"{peer} redirects without end."
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return f"{peer} did not answer in time."
    return f"The connection to {peer} broke off."


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
