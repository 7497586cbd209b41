"""RunAPI over HTTP: every request that this program sends to the service.

All methods raise the errors of `tui.service.errors`.
"""

import asyncio
import json
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
from msgspec.structs import replace

from tui import __version__
from tui.catalog.spec import RouteName
from tui.service import bodies, certificates
from tui.service.account import Account, read_account, read_quote
from tui.service.base_url import canonical, same_origin
from tui.service.departure import Departure
from tui.service.errors import (
    GarbledError,
    GoneError,
    NetworkError,
    NotFoundError,
    RateLimitError,
    ServiceError,
)
from tui.service.file_hosts import FileHosts
from tui.service.host_rules import HostRule, OwnMachineOnly, PublicFiles
from tui.service.inline_pictures import MOST_BYTES, Pictures, taken_out
from tui.service.key_mask import KeyMask
from tui.service.network_errors import network_error
from tui.service.pools import CONNECTIONS, ConnectionPools
from tui.service.prompt_library import PromptPage, read_prompts
from tui.service.public_file import PublicFile, read_moment
from tui.service.raw_answer import kept
from tui.service.response_errors import (
    garbled,
    named_task,
    parsed_json,
    response_error,
    retry_after,
)
from tui.service.result_links import addresses_in
from tui.service.routes import StatusPath, status_paths, submit_path
from tui.service.task_answer import Answer, is_url, read_answer
from tui.service.transport import Transport
from tui.text import one_line

MAX_ANSWER = 4_000_000  # bytes of JSON, without the pictures in it
MAX_PREVIEW = 8_000_000  # bytes
_TOO_LARGE = "The service's answer is too large."
_PICTURES = "pictures"
_ANSWER_TIME = 120.0
"""Seconds; else a server that drips would keep a connection for ever."""
_HEAD_TIME = 60.0
"""Seconds from a request to the head of its answer.

That is as long as the service may be silent: informational responses (1xx) before the
head gain no time.
"""
_LONG_ANSWER = 100_000
"""Bytes; a longer answer is searched for the key in a thread."""
_AWAITS_HEAD = ".receive_response_headers.started"
"""The end of httpcore's event of a request that was sent."""
_MOST_HEADER = 2_000
"""Characters of a header that are kept, such as an ETag."""
_AVOIDED_FOR = 300.0
"""Seconds in which a location that failed is asked last."""
_MOST_AVOIDED = 1_000
_READ_HEADERS = (
    *(b"content-type", b"etag", b"location", b"retry-after"),
    *(b"x-request-id", b"x-runapi-task-id"),
)


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
        self._mask = KeyMask()
        self.use(api_key)
        self._avoided: dict[str, float] = {}
        """Locations that failed, and until when they are asked last."""
        # A proxy on the way to this machine would only learn the key.
        self._leaves_machine = transport is None and self.base_url.startswith("https:")
        if self._leaves_machine:
            certificates.preload()
        is_encrypted = self.base_url.startswith("https:")
        api_rule = None if is_encrypted else OwnMachineOnly()
        files_rule = PublicFiles(self.base_url)

        def new_transport(rule: HostRule | None) -> httpx.AsyncBaseTransport:
            return transport or Transport(
                CONNECTIONS, uses_proxies=self._leaves_machine, rule=rule
            )

        agent = {"User-Agent": f"runapi-tui/{__version__}"}
        accepted = {"Accept": "application/json", **bodies.ACCEPT_ENCODING}
        self._api = ConnectionPools(
            lambda: new_transport(api_rule), headers=agent | accepted
        )
        file_pools = ConnectionPools(
            lambda: new_transport(files_rule), headers=agent | bodies.AS_IT_IS
        )
        self._files = FileHosts(file_pools, files_rule, self._leaves_machine)

    def use(self, api_key: str) -> None:
        """Uses this key from the next request on, for the same origin."""
        self._auth = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        # An answer to the key before this one may still come.
        self._mask.add(api_key)

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
        response = await self._send(
            "POST", path, most=MOST_BYTES, content=body, headers=headers
        )
        answer = self._answer(response, addresses_in(body))
        if not answer.task_id and answer.location:
            name = urlsplit(answer.location).path.rstrip("/").rpartition("/")[2]
            answer = replace(answer, task_id=one_line(unquote(name), 512))
        is_all = bool(answer.pictures or answer.word) and answer.state == "completed"
        if not answer.task_id and not (is_all and answer.results):
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
        *,
        sent: Collection[str] = (),
    ) -> Answer:
        """Fetches a task's status.

        `sent` are the addresses of its request, which are no results. Raises
        NotFoundError when no known place answers for it.
        """
        known = self.status_form
        places = status_paths(route, service, action, task_id, location, known)
        places.sort(key=self._is_avoided)
        missing: ServiceError | None = None
        trouble: ServiceError | None = None
        for place in places:
            try:
                answer = await self._task_at(place, task_id, sent)
            except ServiceError as error:
                if _is_elsewhere(error):
                    missing = error
                elif place.form == "location" and not _is_of_service(error):
                    trouble = error
                    self._avoid(place)
                else:
                    raise
                continue
            if route == "unified" and place.form != "location":
                self.status_form = place.form
            return answer
        unknown = NotFoundError("The service doesn't know this task.")
        raise trouble or missing or unknown

    async def _task_at(
        self, place: StatusPath, task_id: str, sent: Collection[str]
    ) -> Answer:
        """Fetches a task's status from one place. Raises ServiceError.

        What names another id is about something else, whatever it says.
        """
        response = await self._send("GET", place.path, most=MOST_BYTES)
        answer = self._answer(response, sent)
        ids = (answer.task_id, *answer.other_ids)
        is_other = bool(answer.task_id) and task_id not in ids
        if (answer.task_id or answer.word) and not is_other:
            return answer
        raise GarbledError(
            "The service answered with something that is not a task.",
            status=200,
            raw=answer.raw,
        )

    def _is_avoided(self, place: StatusPath) -> bool:
        return time.monotonic() < self._avoided.get(place.path, 0.0)

    def _avoid(self, place: StatusPath) -> None:
        """Has a location asked last for a while: it may hold up every poll."""
        if len(self._avoided) >= _MOST_AVOIDED:
            self._avoided.pop(next(iter(self._avoided)))
        self._avoided[place.path] = time.monotonic() + _AVOIDED_FOR

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
        return response.text, response.headers.get("ETag", "")[:_MOST_HEADER]

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
        problem = self._files.problem(url)
        if problem:
            raise GoneError(f"The preview's address is refused: {problem}.")
        await self._files.download(url, target, MAX_PREVIEW)

    # ---- files

    async def upload(self, path: Path, content: bytes, checksum: str) -> PublicFile:
        """Uploads a file, which everybody who knows its URL can read for an hour.

        `checksum` is the base64 of the content's MD5 digest, as the service wants it.
        Costs nothing.
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
                "The service named no URL to upload to.", raw=kept(json.dumps(place))
            )
        await self._files.upload(self._original(url), content, headers, path.name)
        confirmed = await self._json(
            "POST", "/api/v1/files/confirm", json={"signed_id": signed_id}
        )
        public_url = confirmed.get("url")
        if not isinstance(public_url, str) or not is_url(public_url):
            raise GarbledError(
                "The service named no URL for the uploaded file.",
                raw=kept(json.dumps(confirmed)),
            )
        return PublicFile(public_url, read_moment(confirmed.get("expires_at")))

    async def download(self, url: str, target: Path, most: int = 0) -> None:
        """Fetches a result into `target`, without the key; see `FileHosts.download`."""
        await self._files.download(self._original(url), target, most)

    def _original(self, url: str) -> str:
        """Returns a URL with the key that was masked in it, for the origin alone."""
        original = self._mask.original(url)
        return original if same_origin(original, self.base_url) else url

    # ---- requests to the origin

    async def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        response = await self._send(method, path, **options)
        body = parsed_json(response)
        if not isinstance(body, dict):
            raise garbled(response)
        return body

    async def _send(
        self, method: str, path: str, *, most: int = 0, **options: Any
    ) -> httpx.Response:
        """Sends one request to the origin; returns a successful, bounded response.

        `most` are the bytes that may come with pictures, `MAX_ANSWER` by default.
        """
        url = path if "://" in path else self.base_url + path
        if not same_origin(url, self.base_url):
            raise NetworkError(
                "The service pointed to another host, which must not see the key.",
                sent=False,
            )
        options["headers"] = self._auth | options.pop("headers", {})
        departure = Departure()
        try:
            response, content = await self._exchange(
                method, url, departure, most or MAX_ANSWER, options
            )
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
        if len(content) > _LONG_ANSWER:
            content, pictures = await asyncio.to_thread(self._cleaned, content)
        else:
            content, pictures = self._cleaned(content)
        if len(content) > MAX_ANSWER:
            raise GarbledError(_TOO_LARGE)
        whole = self._whole(response, content, pictures)
        if not whole.is_success and whole.status_code != 304:
            of_model = method == "POST" and not path.startswith("/api/v1/files/")
            raise response_error(whole, of_model=of_model)
        return whole

    def _cleaned(self, content: bytes) -> tuple[bytes, dict[str, bytes]]:
        """Returns an answer without keys and pictures, and those pictures."""
        content, pictures = taken_out(content)
        return self._mask.masked_answer(content), pictures

    async def _exchange(
        self,
        method: str,
        url: str,
        departure: Departure,
        most: int,
        options: dict[str, Any],
    ) -> tuple[httpx.Response, bytes]:
        content = bytearray()
        async with asyncio.timeout(_ANSWER_TIME) as limit, self._api.client() as api:
            end = limit.when()

            async def trace(event: str, info: Mapping[str, Any]) -> None:
                await departure.trace(event, info)
                if event.endswith(_AWAITS_HEAD):
                    limit.reschedule(asyncio.get_running_loop().time() + _HEAD_TIME)

            extensions = {"trace": trace}
            request = api.build_request(method, url, extensions=extensions, **options)
            departure.start()
            response = await api.send(request, stream=True)
            limit.reschedule(end)
            async with aclosing(response):
                if not bodies.is_readable(response):
                    raise GarbledError(
                        "The service's answer has a compression that can't be read."
                    )
                with _garbled_beyond_limits():
                    async for piece in bodies.pieces(response, most):
                        content += piece
        return response, bytes(content)

    def _whole(
        self, response: httpx.Response, content: bytes, pictures: Pictures
    ) -> httpx.Response:
        """Returns a response with its body, and headers without a key.

        The pictures that were in the body are in its extensions.
        """
        headers = [
            (name, self._mask.masked(value)) for name, value in _kept_headers(response)
        ]
        whole = httpx.Response(
            response.status_code,
            headers=headers,
            content=content,
            extensions={_PICTURES: pictures},
        )
        whole.encoding = "utf-8"
        return whole

    def _answer(self, response: httpx.Response, sent: Collection[str]) -> Answer:
        try:
            return read_answer(
                response.text,
                base_url=self.base_url,
                location=response.headers.get("Location", ""),
                retry_after=retry_after(response),
                sent=sent,
                pictures=response.extensions[_PICTURES],
            )
        except (ValueError, RecursionError):
            raise garbled(response) from None


@contextmanager
def _garbled_beyond_limits() -> Iterator[None]:
    try:
        yield
    except bodies.TooLargeError as error:
        raise GarbledError(_TOO_LARGE) from error


def _is_elsewhere(error: ServiceError) -> bool:
    """Tells whether an error means that the task's status is at another place.

    A website may answer every path with a page.
    """
    is_page = isinstance(error, GarbledError) and error.status == 200
    return isinstance(error, NotFoundError) or is_page


def _is_of_service(error: ServiceError) -> bool:
    """Tells whether an error holds for all of the service's places."""
    if isinstance(error, NetworkError):
        return not error.sent
    return isinstance(error, RateLimitError)


def _kept_headers(response: httpx.Response) -> list[tuple[bytes, bytes]]:
    """Returns the headers that are ever read."""
    headers = response.headers.raw
    return [(name, value) for name, value in headers if name.lower() in _READ_HEADERS]
