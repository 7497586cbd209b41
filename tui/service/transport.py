"""How requests leave this machine: directly, or through the environment's proxy."""

import ssl

import httpcore
import httpx

from tui.service import certificates, proxies
from tui.service.checked_backend import CheckedBackend
from tui.service.errors import NetworkError
from tui.service.host_rules import HostRule
from tui.service.proxies import Proxy

_REMEDY = "correct or unset it"
_Origin = tuple[str, str, int | None]


class Transport(httpx.AsyncBaseTransport):
    """Sends requests.

    Proxies and certificates are read when a request needs them, so that a fault in
    them is an error of that request: a NetworkError, before anything is sent.
    """

    def __init__(
        self, connections: int, *, uses_proxies: bool, rule: HostRule | None = None
    ) -> None:
        """Allows so many `connections` to each origin or proxy.

        The `rule` judges direct connections: a proxy connects as it likes.
        """
        self._limits = httpx.Limits(max_connections=connections)
        self._rule = rule
        self._uses_proxies = uses_proxies
        self._by_proxy: dict[tuple[Proxy | None, bool], httpx.AsyncHTTPTransport] = {}
        self._by_origin: dict[_Origin, httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        origin = (url.scheme, url.host, url.port)
        transport = self._by_origin.get(origin)
        if transport is None:
            transport = self._by_origin[origin] = self._transport_to(*origin)
        return await transport.handle_async_request(request)

    async def aclose(self) -> None:
        for transport in self._by_proxy.values():
            await transport.aclose()

    def _transport_to(
        self, scheme: str, host: str, port: int | None
    ) -> httpx.AsyncHTTPTransport:
        """Returns the transport that all origins behind the same proxy share."""
        proxy = proxies.chosen(scheme, host, port) if self._uses_proxies else None
        is_encrypted = scheme == "https"
        if proxy and proxy.url.startswith("https:"):
            is_encrypted = True
        kind = (proxy, is_encrypted)
        if kind not in self._by_proxy:
            self._by_proxy[kind] = self._open(proxy, is_encrypted)
        return self._by_proxy[kind]

    def _open(
        self, proxy: Proxy | None, is_encrypted: bool
    ) -> httpx.AsyncHTTPTransport:
        if is_encrypted:
            context = certificates.trusted_context()
        else:
            context = certificates.untrusting_context()
        if proxy is None and self._rule is not None:
            return _CheckedTransport(context, self._limits, self._rule)
        if proxy is None:
            return httpx.AsyncHTTPTransport(
                verify=context, trust_env=False, limits=self._limits
            )
        # No error is quoted below: httpx repeats passwords in its own.
        try:
            return httpx.AsyncHTTPTransport(
                verify=context,
                trust_env=False,
                limits=self._limits,
                proxy=_httpx_proxy(proxy, context),
            )
        except ImportError as error:
            raise NetworkError(
                f"{proxy} needs the Python package socksio, which can't be loaded:"
                f" install `httpx[socks]`, or {_REMEDY}.",
                sent=False,
            ) from error
        except Exception as error:
            schemes = ", ".join(proxies.SCHEMES)
            raise NetworkError(
                f"{proxy} is not the URL of a proxy ({schemes}): {_REMEDY}.", sent=False
            ) from error


class _CheckedTransport(httpx.AsyncHTTPTransport):
    """Connects to no address that the rule doesn't allow."""

    def __init__(
        self, context: ssl.SSLContext, limits: httpx.Limits, rule: HostRule
    ) -> None:
        super().__init__(verify=context, trust_env=False, limits=limits)
        # httpx has no argument for httpcore's backend.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=CheckedBackend(rule),
        )


def _httpx_proxy(proxy: Proxy, context: ssl.SSLContext) -> httpx.Proxy:
    url = httpx.URL(proxy.url)
    if url.scheme not in proxies.SCHEMES or not url.host:
        raise ValueError
    return httpx.Proxy(url, ssl_context=context if url.scheme == "https" else None)
