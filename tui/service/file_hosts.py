"""File hosts, which store uploads and results. They never see the key."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO

import httpx

from tui.service import bodies
from tui.service.errors import (
    DownloadError,
    GoneError,
    NetworkError,
    RefusedError,
    ServiceError,
)
from tui.service.host_rules import PublicFiles
from tui.service.network_errors import network_error
from tui.service.pools import ConnectionPools
from tui.text import one_line

MAX_RESULT = 1_000_000_000  # bytes of one image: a PNG of 16,384² may have as many
_MOST_REDIRECTS = 5
_PEER = "the file host"

# Limits of time for a whole file; else a host that drips would keep a connection for
# ever.
_FIRST_TIME = 120.0
"""Seconds for any file."""
_SLOWEST_DOWNLOAD = 1_000.0
"""Bytes that have to come in each second beyond the first ones."""
_SLOWEST_UPLOAD = 20_000.0
_LONGEST_DOWNLOAD = 3_600.0
"""Seconds for a file that comes at any speed."""

# What the service may add to an upload: what storages sign, and what describes a file.
_UPLOAD_HEADERS = (
    *("content-type", "content-md5", "content-disposition", "content-language"),
    *("cache-control", "expires", "if-none-match"),
)
_UPLOAD_PREFIXES = (
    *("x-amz-", "x-goog-", "x-ms-"),
    *("x-oss-", "x-cos-", "x-obs-", "x-tos-"),
)
_MOST_HEADERS = 40
_MOST_VALUE = 4_000


class FileHosts:
    """Uploads and downloads files, to and from the hosts that the rule allows."""

    def __init__(
        self, pools: ConnectionPools, rule: PublicFiles, uses_proxies: bool
    ) -> None:
        self._pools = pools
        self._rule = rule
        self._uses_proxies = uses_proxies

    async def aclose(self) -> None:
        await self._pools.aclose()

    def problem(self, url: str) -> str:
        """Returns why a file's URL may not be asked, in a few words, or nothing."""
        try:
            return self._rule.problem(httpx.URL(url))
        except (httpx.InvalidURL, ValueError):
            return "not a web URL"

    async def upload(
        self, url: str, content: bytes, headers: dict[str, Any], name: str
    ) -> None:
        """Sends a file to the URL that the service named. Raises ServiceError."""
        shown = one_line(name, 80)
        try:
            problem = self._rule.problem(httpx.URL(url))
            if problem:
                raise RefusedError(
                    f"{shown} was not uploaded. The address that the service names for"
                    f" it is refused: {problem}."
                )
            longest = _FIRST_TIME + len(content) / _SLOWEST_UPLOAD
            async with asyncio.timeout(longest), self._pools.client() as files:
                request = files.build_request(
                    "PUT", url, content=content, headers=_upload_headers(headers)
                )
                response = await files.send(request, stream=True)
                # Nobody needs the body, of whatever size it is.
                await response.aclose()
        except ServiceError:
            raise
        except Exception as error:
            raise self._network_error(error, url) from error
        if response.has_redirect_location:
            raise DownloadError(
                f"Uploading {shown} failed: the file host answered with a redirect,"
                " which is not followed."
            )
        if not response.is_success:
            raise DownloadError(
                f"Uploading {shown} failed (HTTP {response.status_code})."
            )

    async def download(self, url: str, target: Path, most: int = 0) -> None:
        """Fetches a file into `target`.

        `most` is the largest size in bytes, `MAX_RESULT` by default. Raises
        DownloadError.
        """
        try:
            async with (
                asyncio.timeout(_FIRST_TIME) as limit,
                self._pools.client() as files,
                self._response(files, url) as response,
            ):
                _check_file_response(response)
                await _write(response, target, most or MAX_RESULT, limit)
        except NetworkError as error:  # of proxies or certificates
            raise DownloadError(str(error)) from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, TimeoutError) as error:
            reason = self._network_error(error, url)
            raise DownloadError(str(reason)) from error

    @asynccontextmanager
    async def _response(
        self, files: httpx.AsyncClient, url: str
    ) -> AsyncIterator[httpx.Response]:
        """Yields the response at the end of all redirects, the bodies of which are
        never read. Raises GoneError for an address that may not be asked.
        """
        request: httpx.Request | None = files.build_request("GET", url)
        for _ in range(_MOST_REDIRECTS + 1):
            if request is None:
                return
            problem = self._rule.problem(request.url)
            if problem:
                raise GoneError(f"The result's address is refused: {problem}.")
            response = await files.send(request, stream=True)
            async with aclosing(response):
                if response.next_request is None:
                    yield response
                    return
                request = response.next_request
        raise httpx.TooManyRedirects("too many redirects", request=request)

    def _network_error(self, error: Exception, url: str) -> NetworkError:
        return network_error(
            error, url, _PEER, unsent=False, uses_proxies=self._uses_proxies
        )


def _upload_headers(named: dict[str, Any]) -> dict[str, str]:
    """Returns those of the service's headers that may be sent to a file host."""
    allowed: dict[str, str] = {}
    for name, value in named.items():
        header = name.strip().lower()
        is_known = header in _UPLOAD_HEADERS or header.startswith(_UPLOAD_PREFIXES)
        is_scalar = isinstance(value, str | int) and not isinstance(value, bool)
        text = str(value).strip()
        is_short = len(text) <= _MOST_VALUE and len(header) <= 100
        is_plain = (header + text).isascii() and (header + text).isprintable()
        if is_known and is_scalar and is_short and is_plain:
            allowed[header] = text
        if len(allowed) == _MOST_HEADERS:
            break
    return allowed


def _check_file_response(response: httpx.Response) -> None:
    """Raises DownloadError unless the response is a file that can be read."""
    status = response.status_code
    if not bodies.is_readable(response):
        raise DownloadError("The file host uses a compression that can't be read.")
    if status in (403, 404, 410):
        raise GoneError(
            f"The result is no longer there (HTTP {status}).", status=status
        )
    if not response.is_success:
        raise DownloadError(f"The file host answered HTTP {status}.")


async def _write(
    response: httpx.Response, target: Path, most: int, limit: asyncio.Timeout
) -> None:
    """Writes a response to a file of at most `most` bytes. Raises GoneError.

    The more bytes have come, the later is the time limit.
    """
    began = asyncio.get_running_loop().time()
    size = 0
    try:
        # Not in a thread: short writes to a local file end in the page cache.
        with _new_file(target) as file:
            async for piece in bodies.pieces(response, most):
                file.write(piece)
                size += len(piece)
                longest = _FIRST_TIME + size / _SLOWEST_DOWNLOAD
                limit.reschedule(began + min(longest, _LONGEST_DOWNLOAD))
    except bodies.TooLargeError as error:
        raise GoneError(
            f"The result is larger than {most // 1_000_000} MB and was not kept."
        ) from error


def _new_file(target: Path) -> BinaryIO:
    """Opens an empty file of this user's in the place of an old one.

    The old one is not overwritten: it may be a saved image by another name, too. A link
    that appears meanwhile isn't followed, and nobody else may write.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(target, flags, 0o644), "wb")
