"""Sentences for requests that failed on their way, before any response."""

import contextlib
import socket
import ssl
from collections.abc import Iterable, Iterator

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
        advice = _advice_on_refusal(reason, proxy)
        return f"{first_hop} refused to connect to {peer}: {reason}.{advice}"
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return _unsafe(causes, peer, proxy)
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


def _advice_on_refusal(reason: str, proxy: Proxy | None) -> str:
    """Returns what may help against a refusal that begins with a status, or ""."""
    status = reason[:3]
    if proxy is None:
        return ""
    if status == "407" and proxy.has_password:
        return f" It doesn't accept the name and password in {proxy.variable}."
    if status == "407":
        return (
            " It wants a name and a password:"
            f" {proxy.variable}=http://NAME:PASSWORD@HOST:PORT."
        )
    if status == "403":
        return (
            " Have this host allowed there, or name it in NO_PROXY to connect directly."
        )
    return ""


_OTHER_HOST = (62, 64)
_OUT_OF_DATE = (9, 10)
_UNKNOWN_AUTHORITY = (18, 19, 20, 21)
"""Codes of OpenSSL for a certificate that isn't trusted: of another host or address,
not valid yet or any more, signed by itself or by an authority that isn't known.
"""


def _unsafe(
    causes: Iterable[BaseException], peer: str, proxy: Proxy | None = None
) -> str:
    through = f" through the proxy of {proxy}" if proxy else ""
    place = f"No safe connection to {peer}{through}:"
    refused = (
        cause.verify_code
        for cause in causes
        if isinstance(cause, ssl.SSLCertVerificationError)
    )
    code = next(refused, 0)
    setting = certificates.setting_in_force()
    trusted = f" {setting} says which certificates are trusted." if setting else ""
    if code in _OTHER_HOST:
        return f"{place} its certificate is for another host."
    if code in _OUT_OF_DATE:
        return (
            f"{place} its certificate has expired or isn't valid yet, or the clock of"
            " this machine is wrong."
        )
    if code in _UNKNOWN_AUTHORITY:
        unknown = f"{place} its certificate is from an authority that isn't trusted."
        if setting:
            return f"{unknown} {setting} says which are: add that authority to it."
        return f"{unknown} {certificates.advice()}"
    return f"{place} its certificate or TLS failed.{trusted}"


def _interrupted(error: Exception, peer: str) -> str:
    """Returns a sentence for a request that may have left."""
    causes = tuple(_causes(error))
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return _unsafe(causes, peer)
    if isinstance(error, httpx.TooManyRedirects):
        return f"{peer} redirects without end."
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return f"{peer} did not answer in time."
    return f"The connection to {peer} broke off."


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
