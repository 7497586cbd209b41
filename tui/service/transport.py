"""How requests leave this machine: directly, or through the proxy that the environment
names.
"""

import httpx

from tui.service import certificates, proxies
from tui.service.errors import NetworkError
from tui.service.proxies import Proxy

LIFT = "correct or unset it"
"""What to do with a variable that can't be used."""


class Transport(httpx.AsyncBaseTransport):
    """Carries requests. Proxies and certificates are looked at when a request needs
    them, so that whatever is wrong with them is an error of that request, which then
    was not sent: NetworkError.
    """

    def __init__(self, connections: int, *, environment: bool) -> None:
        """With `connections` at most on each way; `environment` is whether proxies are
        used.
        """
        self._limits = httpx.Limits(max_connections=connections)
        self._environment = environment
        self._made: dict[tuple[Proxy | None, bool], httpx.AsyncHTTPTransport] = {}
        self._ways: dict[tuple[str, str, int | None], httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        origin = (url.scheme, url.host, url.port)
        way = self._ways.get(origin)
        if way is None:
            way = self._ways[origin] = self._way(*origin)
        return await way.handle_async_request(request)

    async def aclose(self) -> None:
        for way in self._made.values():
            await way.aclose()

    def _way(
        self, scheme: str, host: str, port: int | None
    ) -> httpx.AsyncHTTPTransport:
        """Those that go the same way share its connections."""
        proxy = proxies.chosen(scheme, host, port) if self._environment else None
        encrypted = scheme == "https" or (
            proxy is not None and proxy.url.startswith("https:")
        )
        kind = (proxy, encrypted)
        if kind not in self._made:
            self._made[kind] = self._make(proxy, encrypted)
        return self._made[kind]

    def _make(self, proxy: Proxy | None, encrypted: bool) -> httpx.AsyncHTTPTransport:
        trusted = certificates.trusted() if encrypted else certificates.nobody()
        if proxy is None:
            return httpx.AsyncHTTPTransport(
                verify=trusted, trust_env=False, limits=self._limits
            )
        # No error is quoted below: those of httpx repeat passwords.
        try:
            url = httpx.URL(proxy.url)
            if url.scheme not in proxies.SCHEMES or not url.host:
                raise ValueError
            through = httpx.Proxy(
                url, ssl_context=trusted if url.scheme == "https" else None
            )
            return httpx.AsyncHTTPTransport(
                verify=trusted, trust_env=False, limits=self._limits, proxy=through
            )
        except ImportError as error:
            reason = (
                f"{proxy} needs the Python package socksio, which can't be loaded:"
                " install `httpx[socks]`"
            )
            raise NetworkError(f"{reason}, or {LIFT}.", sent=False) from error
        except Exception as error:
            reason = (
                f"{proxy} is not the address of a proxy ({', '.join(proxies.SCHEMES)})"
            )
            raise NetworkError(f"{reason}: {LIFT}.", sent=False) from error
