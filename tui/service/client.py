"""RunAPI over HTTP: every request that this program sends, with errors as `errors`
names them.
"""

import asyncio
import contextlib
import json
import socket
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

import httpx
from msgspec.structs import replace

from tui import __version__
from tui.catalog.spec import RouteName
from tui.service import certificates, proxies, wire
from tui.service.departure import Departure
from tui.service.errors import (
    AuthenticationError,
    ConflictError,
    CreditsError,
    DownloadError,
    GarbledError,
    GoneError,
    NetworkError,
    NotFoundError,
    RateLimitError,
    RefusedError,
    ServerError,
    ServiceError,
)
from tui.service.proxies import Proxy
from tui.service.transport import Transport
from tui.service.wire import Account, Answer
from tui.text import one_line

MAX_ANSWER = 4_000_000  # bytes of JSON
MAX_RESULT = 120_000_000  # bytes of one image
MAX_PREVIEW = 8_000_000
_TIMEOUT = httpx.Timeout(60, connect=15)  # seconds between two bytes
# Seconds, so that a server that drips can't hold a place for ever
_WHOLE_ANSWER = 120.0
_WHOLE_FILE = 900.0
_PER_POOL, _POOLS = 4, 8
# Letters that a key has at least; a shorter one could be a word of any answer
_SECRET = 8

_BY_STATUS: dict[int, tuple[type[ServiceError], str]] = {
    400: (RefusedError, "The service refused the request"),
    401: (AuthenticationError, "The service refused the API key"),
    402: (CreditsError, "The balance is too low; top up at the service's website"),
    403: (AuthenticationError, "The API key may not do this"),
    404: (NotFoundError, "The service knows no such thing"),
    405: (NotFoundError, "The service has no such route"),
    408: (ServerError, "The service took too long"),
    409: (ConflictError, "The service sees a conflict"),
    410: (NotFoundError, "This is gone from the service"),
    413: (RefusedError, "The request is too large"),
    415: (RefusedError, "The service doesn't take this type of file"),
    422: (RefusedError, "The service refused the request"),
    429: (RateLimitError, "Too many requests"),
    455: (ServerError, "The service is unavailable for now"),
    501: (NotFoundError, "The service has no such route"),
}


class Client:
    """One base URL and one key. The key goes to that origin alone: never along a
    redirect, never to a file host.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.base_url = wire.canonical(base_url)
        self.status_form = ""
        """The status path that has answered here for a unified task."""
        agent = {"User-Agent": f"runapi-tui/{__version__}"}
        self.use(api_key)
        # A proxy is for the way out; to this machine it would only learn the key.
        self._outward = transport is None and self.base_url.startswith("https:")
        if self._outward:
            certificates.load()

        def carrier() -> httpx.AsyncBaseTransport:
            return transport or Transport(_PER_POOL, environment=self._outward)

        self._api = _Pools(carrier, headers=agent | {"Accept": "application/json"})
        self._files = _Pools(
            carrier, headers=agent, follow_redirects=True, max_redirects=5
        )

    def use(self, api_key: str) -> None:
        """Send this key from the next request on, to the same origin."""
        self._auth = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    async def aclose(self) -> None:
        await self._api.aclose()
        await self._files.aclose()

    async def submit(
        self, route: RouteName, service: str, action: str, body: bytes, key: str
    ) -> Answer:
        """Send a paid request: exactly these bytes under this Idempotency-Key. Raises
        ServiceError.
        """
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        response = await self._send(
            "POST",
            wire.submit_path(route, service, action),
            content=body,
            headers=headers,
        )
        answer = self._answer(response)
        if not answer.task_id and answer.location:
            named = urlsplit(answer.location).path.rstrip("/").rpartition("/")[2]
            answer = replace(answer, task_id=one_line(unquote(named), 512))
        if not answer.task_id:
            sentence = "The service accepted the request but named no task."
            raise GarbledError(sentence, task_id=_task_id(response), raw=answer.raw)
        return answer

    async def status(
        self,
        route: RouteName,
        service: str,
        action: str,
        task_id: str,
        location: str = "",
    ) -> Answer:
        """Ask how a task is. NotFoundError when no known place answers for it."""
        missing: ServiceError | None = None
        for place in wire.status_paths(
            route, service, action, task_id, location, self.status_form
        ):
            try:
                answer = self._answer(await self._send("GET", place.path))
            except NotFoundError as error:
                missing = error
                continue
            except GarbledError as error:
                if error.status != 200:
                    raise
                missing = error  # a website's page for every path
                continue
            if not (answer.task_id or answer.word):
                missing = GarbledError(
                    "The service answered something that is no task.", raw=answer.raw
                )
                continue
            if route == "unified" and place.form != "location":
                self.status_form = place.form
            return answer
        raise missing or NotFoundError("The service knows no such task.")

    async def me(self) -> dict[str, Any]:
        """Whose key this is."""
        return await self._json("GET", "/api/v1/me")

    async def balance_micro(self) -> int | None:
        """What is left, in micro-dollars; None where the service doesn't say."""
        return (await self.account()).balance

    async def account(self) -> Account:
        """The balance, and what the service has counted as spent."""
        return wire.read_account(await self._json("GET", "/api/v1/me/balance"))

    async def quote(
        self, service: str, action: str, model: str, params: dict[str, Any]
    ) -> int | None:
        """What exactly these params would cost, in micro-dollars; None where the
        service names no price.

        Makes nothing and costs nothing.
        """
        asked = {"service": service, "action": action, "model": model, "params": params}
        return wire.read_quote(
            await self._json("POST", "/api/v1/price_quotes", json=asked)
        )

    async def price_schedules(self, etag: str = "") -> tuple[str, str] | None:
        """The live price list as text, and its ETag; None where it is still the one of
        `etag`.
        """
        headers = {"If-None-Match": etag} if etag else {}
        response = await self._send("GET", "/api/v1/price_schedules", headers=headers)
        return (
            None
            if response.status_code == 304
            else (response.text, response.headers.get("ETag", ""))
        )

    async def prompts(
        self,
        q: str = "",
        *,
        category: str = "",
        model: str = "",
        modality: str = "image",
        page: int = 1,
    ) -> wire.PromptPage:
        """Search the service's library of prompts. NotFoundError where it has none.
        Costs nothing.
        """
        asked = {
            "q": q,
            "category": category,
            "model": model,
            "modality": modality,
            "page": page,
        }
        params = {name: value for name, value in asked.items() if value}
        response = await self._send("GET", "/api/v1/prompts", params=params)
        try:
            return wire.read_prompts(_said(response))
        except ValueError:
            raise _garbled(response) from None

    async def preview(self, url: str, target: Path) -> None:
        """Fetch the picture of a library's entry into the file `target`, without the
        key. Raises DownloadError.
        """
        if not (url.startswith("https://") or wire.same_origin(url, self.base_url)):
            raise GoneError("The preview's address is not encrypted.")
        await self.download(url, target, MAX_PREVIEW)

    async def upload(self, path: Path, content: bytes, checksum: str) -> str:
        """Put a file where the service can read it for an hour; answers its public URL.
        Costs nothing.

        `checksum` is the base64 of the content's MD5 digest, as the service wants it.
        """
        facts = {
            "filename": path.name.encode("utf-8", "replace").decode(),
            "byte_size": len(content),
            "checksum": checksum,
        }
        place = await self._json("POST", "/api/v1/files/prepare", json=facts)
        url, signed_id, headers = (
            place.get("upload_url"),
            place.get("signed_id"),
            place.get("headers") or {},
        )
        if (
            not isinstance(url, str)
            or not isinstance(signed_id, str)
            or not isinstance(headers, dict)
        ):
            raise GarbledError(
                "The service named no place to upload to.", raw=json.dumps(place)
            )
        try:
            # No key: the place lies on a host of its own.
            async with self._files.free() as files:
                done = await files.put(
                    url,
                    content=content,
                    headers={k: str(v) for k, v in headers.items()},
                )
        except ServiceError:
            raise
        except Exception as error:
            raise self._network(error, url, "the file host") from error
        if not done.is_success:
            raise DownloadError(
                f"Uploading {one_line(path.name)} failed (HTTP {done.status_code})."
            )
        confirmed = await self._json(
            "POST", "/api/v1/files/confirm", json={"signed_id": signed_id}
        )
        if not isinstance(confirmed.get("url"), str):
            raise GarbledError(
                "The service named no URL for the uploaded file.",
                raw=json.dumps(confirmed),
            )
        return str(confirmed["url"])

    async def download(self, url: str, target: Path, most: int = 0) -> None:
        """Fetch a result into the file `target`, without the key, of `most` bytes or
        else `MAX_RESULT`.

        Raises DownloadError.
        """
        if not url.startswith(("http://", "https://")):
            raise GoneError("The result's address is not one of the web.")
        try:
            async with (
                asyncio.timeout(_WHOLE_FILE),
                self._files.free() as files,
                files.stream("GET", url) as response,
            ):
                if _packed_twice(response):
                    raise DownloadError(
                        "The file host packs its files in a way that isn't read."
                    )
                if response.status_code in (403, 404, 410):
                    raise GoneError(
                        f"The result is no longer there (HTTP {response.status_code}).",
                        status=response.status_code,
                    )
                if not response.is_success:
                    raise DownloadError(
                        f"The file host answered HTTP {response.status_code}."
                    )
                await self._write(response, target, most or MAX_RESULT)
        except NetworkError as error:  # of proxies or certificates
            raise DownloadError(str(error)) from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, TimeoutError) as error:
            raise DownloadError(
                str(self._network(error, url, "the file host"))
            ) from error

    @staticmethod
    async def _write(response: httpx.Response, target: Path, most: int) -> None:
        size = 0
        with _anew(target) as file:  # a local file: short writes into the page cache
            async for chunk in response.aiter_bytes(1_000_000):
                size += len(chunk)
                if size > most:
                    raise GoneError(
                        f"The result is larger than {most // 1_000_000} MB and was not"
                        " kept."
                    )
                file.write(chunk)

    async def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        response = await self._send(method, path, **options)
        said = _said(response)
        if not isinstance(said, dict):
            raise _garbled(response)
        return said

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request to the configured origin; its whole, bounded answer if that is a
        success.
        """
        url = path if "://" in path else self.base_url + path
        if not wire.same_origin(url, self.base_url):
            raise NetworkError(
                "The service pointed to another host, which must not see the key.",
                sent=False,
            )
        headers = self._auth | options.pop("headers", {})
        departure = Departure()
        content = bytearray()
        try:
            async with asyncio.timeout(_WHOLE_ANSWER), self._api.free() as api:
                extensions = {"trace": departure.heed}
                request = api.build_request(
                    method, url, headers=headers, extensions=extensions, **options
                )
                departure.hand_over()
                response = await api.send(request, stream=True)
                async with aclosing(response):
                    if _packed_twice(response):
                        raise GarbledError(
                            "The service's answer is packed in a way that isn't read."
                        )
                    async for chunk in response.aiter_bytes():
                        content += chunk
                        if len(content) > MAX_ANSWER:
                            raise GarbledError(
                                "The service's answer is too large to be one."
                            )
        except ServiceError:
            raise
        except Exception as error:
            # Whatever its class: an error that is none of the service's would leave a
            # paid task without an end.
            if isinstance(error, ValueError | LookupError) and not departure.unsent(
                error
            ):
                # Headers and encodings that no library expects.
                raise GarbledError("The service's answer can't be read.") from error
            raise self._network(error, url, unsent=departure.unsent(error)) from error
        # What the server said is kept word for word, but for a key that it gives back.
        key = self._auth.get("Authorization", "").removeprefix("Bearer ").encode()
        shown = [
            (name, _without(key, value)) for name, value in _plain_headers(response)
        ]
        whole = httpx.Response(
            response.status_code, headers=shown, content=_without(key, bytes(content))
        )
        whole.encoding = "utf-8"
        if not whole.is_success and whole.status_code != 304:
            raise _refusal(whole)
        return whole

    def _network(
        self,
        error: Exception,
        url: str,
        there: str = "the service",
        *,
        unsent: bool = False,
    ) -> NetworkError:
        """A sentence for a request that failed on its way; `unsent` where it surely
        never left.
        """
        proxy = None
        with contextlib.suppress(RuntimeError):  # an error that belongs to no request
            if isinstance(error, httpx.RequestError):
                url = str(error.request.url)
        with contextlib.suppress(httpx.InvalidURL):
            place = httpx.URL(url)
            there = one_line(place.host, 80) or there
            if self._outward:
                proxy = proxies.chosen(place.scheme, place.host, place.port)
        if isinstance(error, httpx.InvalidURL):
            return NetworkError(
                f"The address of {there} is none that can be asked.", sent=False
            )
        if unsent or isinstance(error, httpx.ProxyError):
            return NetworkError(_unsent(error, there, proxy), sent=False)
        return NetworkError(_broken(error, there))

    def _answer(self, response: httpx.Response) -> Answer:
        try:
            return wire.read_answer(
                response.text,
                base_url=self.base_url,
                location=response.headers.get("Location", ""),
                retry_after=_retry_after(response),
            )
        except (ValueError, RecursionError):
            raise _garbled(response) from None


class _Pools:
    """Several small pools of connections, opened as they are needed: before each
    request httpx looks at every connection of its pool, so that one of 32 costs twice
    the time of eight of 4.
    """

    def __init__(
        self, carrier: Callable[[], httpx.AsyncBaseTransport], **options: Any
    ) -> None:
        self._carrier = carrier
        self._options = options
        self._clients: list[httpx.AsyncClient] = []
        self._busy: Counter[int] = Counter()

    @asynccontextmanager
    async def free(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client that has a connection left, or else the least busy one."""
        index = min(range(len(self._clients)), key=self._busy.__getitem__, default=-1)
        if index < 0 or (
            self._busy[index] >= _PER_POOL and len(self._clients) < _POOLS
        ):
            index = len(self._clients)
            # What the environment says is the carrier's business.
            client = httpx.AsyncClient(
                transport=self._carrier(),
                timeout=_TIMEOUT,
                trust_env=False,
                **self._options,
            )
            self._clients.append(client)
        self._busy[index] += 1
        try:
            yield self._clients[index]
        finally:
            self._busy[index] -= 1

    async def aclose(self) -> None:
        for client in self._clients:
            await client.aclose()


def _anew(target: Path) -> BinaryIO:
    """An empty file of its own: what a killed process left may be a saved image by
    another name, too.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    return target.open("wb")


def _said(response: httpx.Response) -> Any:
    """The JSON of an answer; None for an HTML page or plain text, which is never shown
    raw.
    """
    try:
        return json.loads(response.text)
    except (ValueError, RecursionError):
        return None


def _packed_twice(response: httpx.Response) -> bool:
    """A bomb within a bomb unfolds before its size is known."""
    return "," in response.headers.get("Content-Encoding", "")


def _task_id(response: httpx.Response) -> str:
    return one_line(response.headers.get("X-RunAPI-Task-Id", ""), 512)


def _plain_headers(response: httpx.Response) -> list[tuple[bytes, bytes]]:
    # The content is decoded by now: the copy must not be decoded again.
    skip = (b"content-encoding", b"content-length", b"transfer-encoding")
    return [
        (name, value)
        for name, value in response.headers.raw
        if name.lower() not in skip
    ]


def _without(key: bytes, said: bytes) -> bytes:
    return said.replace(key, b"[key]") if len(key) >= _SECRET else said


def _refusal(response: httpx.Response) -> ServiceError:
    """The error that an unsuccessful answer stands for."""
    status = response.status_code
    default: tuple[type[ServiceError], str] = (RefusedError, "The service said no")
    if status >= 500:
        default = (ServerError, "The service has trouble")
    elif status < 400:
        default = (
            RefusedError,
            (
                "The service answered with a redirect, which is not followed: check the"
                " base URL"
            ),
        )
    made, sentence = _BY_STATUS.get(status, default)
    said = _said(response)
    words = wire.error_message(said)
    fields = wire.error_fields(said)
    told = "; ".join(f"{name}: {text}" for name, text in list(fields.items())[:10])
    detail = ": ".join(part for part in (words, told) if part)
    refusal = made(
        f"{sentence} (HTTP {status})" + (f": {detail}" if detail else "."),
        status=status,
        fields=fields,
        retry_after=_retry_after(response),
        task_id=_task_id(response),
        request_id=one_line(response.headers.get("X-Request-Id", "")),
        raw=response.text[:20_000],
    )
    refusal.in_words = bool(words or told)
    return refusal


def _garbled(response: httpx.Response) -> GarbledError:
    kind = (
        response.headers.get("Content-Type", "").partition(";")[0] or "nothing readable"
    )
    sentence = (
        f"The service answered {one_line(kind, 60)} instead of JSON (HTTP"
        f" {response.status_code})."
    )
    return GarbledError(
        sentence,
        status=response.status_code,
        task_id=_task_id(response),
        raw=response.text[:20_000],
    )


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds to wait, from a number or a date; bounded to an hour."""
    text = response.headers.get("Retry-After", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return min(seconds, 3600.0) if seconds >= 0 else None


def _unsent(error: Exception, there: str, proxy: Proxy | None) -> str:
    """A sentence for a request that never left: what stood in its way."""
    causes = tuple(_causes(error))
    way = f"The proxy of {proxy}" if proxy else there
    if isinstance(error, httpx.ProxyError):
        return (
            f"{way} refused the way to {there}:"
            f" {one_line(error, 120) or 'it gave no reason'}."
        )
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        authorities = certificates.named()
        hint = f" {authorities} says whom to trust." if authorities else ""
        through = f" through the proxy of {proxy}" if proxy else ""
        return (
            f"No safe connection to {there}{through}: its certificate or TLS"
            f" failed.{hint}"
        )
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return f"{way} was not found: check its name and the network."
    if isinstance(error, httpx.ConnectError):
        return f"{way} can't be reached: nothing answers there."
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return f"{way} did not answer in time."
    if proxy and isinstance(error, httpx.TransportError):
        return f"{way} broke off before the way to {there} was open."
    if isinstance(error, ImportError):
        return (
            "A Python package is missing,"
            f" {one_line(error.name or 'its name is not told', 60)}: install it."
        )
    if isinstance(error, httpx.LocalProtocolError | UnicodeError):
        # Not quoted: it would show the key.
        return (
            f"The request to {there} can't be written: the key or a header has"
            " characters that HTTP can't carry."
        )
    return f"The request to {there} could not be sent ({type(error).__name__})."


def _broken(error: Exception, there: str) -> str:
    """A sentence for a request that may have left."""
    if any(isinstance(cause, ssl.SSLError) for cause in _causes(error)):
        return f"No safe connection to {there}: its certificate or TLS failed."
    if isinstance(error, httpx.TooManyRedirects):
        return f"{there} sends from one address to the next without end."
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return f"{there} did not answer in time."
    return f"The connection to {there} broke off."


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
