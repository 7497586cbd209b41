"""RunAPI over HTTP: every request that this program sends to the service.

All methods raise the errors of `tui.service.errors`.
"""

import asyncio
import json
from contextlib import aclosing
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
from msgspec.structs import replace

from tui import __version__
from tui.catalog.spec import RouteName
from tui.service import certificates
from tui.service.account import Account, read_account, read_quote
from tui.service.base_url import canonical, same_origin
from tui.service.departure import Departure
from tui.service.errors import (
    GarbledError,
    GoneError,
    NetworkError,
    NotFoundError,
    ServiceError,
)
from tui.service.file_hosts import FileHosts, is_packed_twice
from tui.service.network_errors import network_error
from tui.service.pools import CONNECTIONS, ConnectionPools
from tui.service.prompt_library import PromptPage, read_prompts
from tui.service.response_errors import (
    garbled,
    named_task,
    parsed_json,
    response_error,
    retry_after,
)
from tui.service.routes import status_paths, submit_path
from tui.service.task_answer import Answer, read_answer
from tui.service.transport import Transport
from tui.text import one_line

MAX_ANSWER = 4_000_000  # bytes of JSON
MAX_PREVIEW = 8_000_000  # bytes
_ANSWER_TIME = 120.0
"""Seconds; else a server that drips would keep a connection for ever."""
_SHORTEST_KEY = 8
"""Characters; a shorter key could be a word of any answer, and isn't masked in it."""


class Client:
    """Speaks to one base URL with one key.

    The key is sent to that origin only: not along redirects, not to a file host.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.base_url = canonical(base_url)
        self.status_form = ""
        """The form of the status path that has answered here for a unified task."""
        self.use(api_key)
        # A proxy on the way to this machine would only learn the key.
        self._leaves_machine = transport is None and self.base_url.startswith("https:")
        if self._leaves_machine:
            certificates.preload()

        def new_transport() -> httpx.AsyncBaseTransport:
            return transport or Transport(
                CONNECTIONS, uses_proxies=self._leaves_machine
            )

        agent = {"User-Agent": f"runapi-tui/{__version__}"}
        self._api = ConnectionPools(
            new_transport, headers=agent | {"Accept": "application/json"}
        )
        self._files = FileHosts(new_transport, agent, self._leaves_machine)

    def use(self, api_key: str) -> None:
        """Uses this key from the next request on, for the same origin."""
        self._auth = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    async def aclose(self) -> None:
        await self._api.aclose()
        await self._files.aclose()

    # ---- tasks

    async def submit(
        self, route: RouteName, service: str, action: str, body: bytes, key: str
    ) -> Answer:
        """Sends a paid request: exactly these bytes, under this Idempotency-Key."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        path = submit_path(route, service, action)
        response = await self._send("POST", path, content=body, headers=headers)
        answer = self._answer(response)
        if not answer.task_id and answer.location:
            name = urlsplit(answer.location).path.rstrip("/").rpartition("/")[2]
            answer = replace(answer, task_id=one_line(unquote(name), 512))
        if not answer.task_id:
            raise GarbledError(
                "The service accepted the request but named no task.",
                task_id=named_task(response),
                raw=answer.raw,
            )
        return answer

    async def status(
        self,
        route: RouteName,
        service: str,
        action: str,
        task_id: str,
        location: str = "",
    ) -> Answer:
        """Fetches a task's status.

        Raises NotFoundError when no known place answers for it.
        """
        missing: ServiceError | None = None
        for place in status_paths(
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
                    "The service answered with something that is not a task.",
                    raw=answer.raw,
                )
                continue
            if route == "unified" and place.form != "location":
                self.status_form = place.form
            return answer
        raise missing or NotFoundError("The service doesn't know this task.")

    # ---- account and prices

    async def me(self) -> dict[str, Any]:
        """Returns whose key this is."""
        return await self._json("GET", "/api/v1/me")

    async def balance_micro(self) -> int | None:
        """Returns the balance in micro-dollars; None where it is not reported."""
        return (await self.account()).balance

    async def account(self) -> Account:
        """Returns the balance, and what the service has counted as spent."""
        return read_account(await self._json("GET", "/api/v1/me/balance"))

    async def quote(
        self, service: str, action: str, model: str, params: dict[str, Any]
    ) -> int | None:
        """Returns the exact price of these params, in micro-dollars; None without one.

        Makes nothing and costs nothing.
        """
        asked = {"service": service, "action": action, "model": model, "params": params}
        return read_quote(await self._json("POST", "/api/v1/price_quotes", json=asked))

    async def price_schedules(self, etag: str = "") -> tuple[str, str] | None:
        """Returns the price list as text, and its ETag; None if `etag` is current."""
        headers = {"If-None-Match": etag} if etag else {}
        response = await self._send("GET", "/api/v1/price_schedules", headers=headers)
        if response.status_code == 304:
            return None
        return response.text, response.headers.get("ETag", "")

    # ---- library of prompts

    async def prompts(
        self,
        q: str = "",
        *,
        category: str = "",
        model: str = "",
        modality: str = "image",
        page: int = 1,
    ) -> PromptPage:
        """Searches the service's library of prompts. Costs nothing.

        Raises NotFoundError where the service has none.
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
            return read_prompts(parsed_json(response))
        except ValueError:
            raise garbled(response) from None

    async def preview(self, url: str, target: Path) -> None:
        """Fetches the image of a library entry into `target`, without the key.

        Raises DownloadError.
        """
        if not (url.startswith("https://") or same_origin(url, self.base_url)):
            raise GoneError("The preview's URL is not encrypted.")
        await self._files.download(url, target, MAX_PREVIEW)

    # ---- files

    async def upload(self, path: Path, content: bytes, checksum: str) -> str:
        """Uploads a file, which the service can read for an hour; returns its URL.

        The URL is public. `checksum` is the base64 of the content's MD5 digest, as the
        service wants it. Costs nothing.
        """
        facts = {
            "filename": path.name.encode("utf-8", "replace").decode(),
            "byte_size": len(content),
            "checksum": checksum,
        }
        place = await self._json("POST", "/api/v1/files/prepare", json=facts)
        url = place.get("upload_url")
        signed_id = place.get("signed_id")
        headers = place.get("headers") or {}
        if not (
            isinstance(url, str)
            and isinstance(signed_id, str)
            and isinstance(headers, dict)
        ):
            raise GarbledError(
                "The service named no URL to upload to.", raw=json.dumps(place)
            )
        await self._files.upload(url, content, headers, path.name)
        confirmed = await self._json(
            "POST", "/api/v1/files/confirm", json={"signed_id": signed_id}
        )
        public_url = confirmed.get("url")
        if not isinstance(public_url, str):
            raise GarbledError(
                "The service named no URL for the uploaded file.",
                raw=json.dumps(confirmed),
            )
        return public_url

    async def download(self, url: str, target: Path, most: int = 0) -> None:
        """Fetches a result into `target`, without the key; see `FileHosts.download`."""
        await self._files.download(url, target, most)

    # ---- requests to the origin

    async def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        response = await self._send(method, path, **options)
        body = parsed_json(response)
        if not isinstance(body, dict):
            raise garbled(response)
        return body

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Sends one request to the origin; returns a successful, bounded response."""
        url = path if "://" in path else self.base_url + path
        if not same_origin(url, self.base_url):
            raise NetworkError(
                "The service pointed to another host, which must not see the key.",
                sent=False,
            )
        options["headers"] = self._auth | options.pop("headers", {})
        departure = Departure()
        try:
            response, content = await self._exchange(method, url, departure, options)
        except ServiceError:
            raise
        except Exception as error:
            # Of every class: an unexpected one would leave a paid task without an end.
            is_unsent = departure.is_unsent(error)
            if isinstance(error, ValueError | LookupError) and not is_unsent:
                # Headers and encodings that no library expects
                raise GarbledError("The service's answer can't be read.") from error
            raise network_error(
                error,
                url,
                "the service",
                unsent=is_unsent,
                uses_proxies=self._leaves_machine,
            ) from error
        whole = self._without_key(response, content)
        if not whole.is_success and whole.status_code != 304:
            raise response_error(whole)
        return whole

    async def _exchange(
        self, method: str, url: str, departure: Departure, options: dict[str, Any]
    ) -> tuple[httpx.Response, bytes]:
        content = bytearray()
        async with asyncio.timeout(_ANSWER_TIME), self._api.client() as api:
            extensions = {"trace": departure.trace}
            request = api.build_request(method, url, extensions=extensions, **options)
            departure.start()
            response = await api.send(request, stream=True)
            async with aclosing(response):
                if is_packed_twice(response):
                    raise GarbledError(
                        "The service's answer has a compression that can't be read."
                    )
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > MAX_ANSWER:
                        raise GarbledError("The service's answer is too large.")
        return response, bytes(content)

    def _without_key(self, response: httpx.Response, content: bytes) -> httpx.Response:
        """Returns a response word for word, except for a key that it repeats."""
        key = self._auth.get("Authorization", "").removeprefix("Bearer ").encode()

        def masked(text: bytes) -> bytes:
            return text.replace(key, b"[key]") if len(key) >= _SHORTEST_KEY else text

        headers = [(name, masked(value)) for name, value in _kept_headers(response)]
        whole = httpx.Response(
            response.status_code, headers=headers, content=masked(content)
        )
        whole.encoding = "utf-8"
        return whole

    def _answer(self, response: httpx.Response) -> Answer:
        try:
            return read_answer(
                response.text,
                base_url=self.base_url,
                location=response.headers.get("Location", ""),
                retry_after=retry_after(response),
            )
        except (ValueError, RecursionError):
            raise garbled(response) from None


def _kept_headers(response: httpx.Response) -> list[tuple[bytes, bytes]]:
    # The content is decoded by now: the copy must not be decoded again.
    skipped = (b"content-encoding", b"content-length", b"transfer-encoding")
    headers = response.headers.raw
    return [(name, value) for name, value in headers if name.lower() not in skipped]
