"""File hosts, which store uploads and results. They never see the key."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import httpx

from tui.service.errors import DownloadError, GoneError, NetworkError, ServiceError
from tui.service.network_errors import network_error
from tui.service.pools import ConnectionPools
from tui.text import one_line

MAX_RESULT = 120_000_000  # bytes of one image
_FILE_TIME = 900.0
"""Seconds; else a host that drips would keep a connection for ever."""
_FILE_CHUNK = 1_000_000
_PEER = "the file host"


class FileHosts:
    """Uploads and downloads files, to and from any host."""

    def __init__(
        self,
        new_transport: Callable[[], httpx.AsyncBaseTransport],
        headers: dict[str, str],
        uses_proxies: bool,
    ) -> None:
        self._pools = ConnectionPools(
            new_transport, headers=headers, follow_redirects=True, max_redirects=5
        )
        self._uses_proxies = uses_proxies

    async def aclose(self) -> None:
        await self._pools.aclose()

    async def upload(
        self, url: str, content: bytes, headers: dict[str, Any], name: str
    ) -> None:
        """Sends a file to the URL that the service named. Raises ServiceError."""
        texts = {header: str(value) for header, value in headers.items()}
        try:
            async with self._pools.client() as files:
                response = await files.put(url, content=content, headers=texts)
        except ServiceError:
            raise
        except Exception as error:
            raise self._network_error(error, url) from error
        if not response.is_success:
            raise DownloadError(
                f"Uploading {one_line(name)} failed (HTTP {response.status_code})."
            )

    async def download(self, url: str, target: Path, most: int = 0) -> None:
        """Fetches a file into `target`.

        `most` is the largest size in bytes, `MAX_RESULT` by default. Raises
        DownloadError.
        """
        if not url.startswith(("http://", "https://")):
            raise GoneError("The result's URL is not a web URL.")
        try:
            async with (
                asyncio.timeout(_FILE_TIME),
                self._pools.client() as files,
                files.stream("GET", url) as response,
            ):
                _check_file_response(response)
                await _write(response, target, most or MAX_RESULT)
        except NetworkError as error:  # of proxies or certificates
            raise DownloadError(str(error)) from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, TimeoutError) as error:
            reason = self._network_error(error, url)
            raise DownloadError(str(reason)) from error

    def _network_error(self, error: Exception, url: str) -> NetworkError:
        return network_error(
            error, url, _PEER, unsent=False, uses_proxies=self._uses_proxies
        )


def is_packed_twice(response: httpx.Response) -> bool:
    """Tells whether a response is compressed twice: it could unpack to any size."""
    return "," in response.headers.get("Content-Encoding", "")


def _check_file_response(response: httpx.Response) -> None:
    """Raises DownloadError unless the response is a file that can be read."""
    status = response.status_code
    if is_packed_twice(response):
        raise DownloadError("The file host uses a compression that can't be read.")
    if status in (403, 404, 410):
        raise GoneError(
            f"The result is no longer there (HTTP {status}).", status=status
        )
    if not response.is_success:
        raise DownloadError(f"The file host answered HTTP {status}.")


async def _write(response: httpx.Response, target: Path, most: int) -> None:
    """Writes a response to a file of at most `most` bytes. Raises GoneError."""
    size = 0
    # Not in a thread: short writes to a local file end in the page cache.
    with _new_file(target) as file:
        async for chunk in response.aiter_bytes(_FILE_CHUNK):
            size += len(chunk)
            if size > most:
                raise GoneError(
                    f"The result is larger than {most // 1_000_000} MB and was not"
                    " kept."
                )
            file.write(chunk)


def _new_file(target: Path) -> BinaryIO:
    """Opens an empty file in the place of an old one.

    The old one is not overwritten: it may be a saved image by another name, too.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    return target.open("wb")
