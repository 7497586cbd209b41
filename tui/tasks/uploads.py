"""Uploads the local files of requests, each content once within its hour."""

import asyncio
import base64
import errno
import hashlib
import os
import time
from pathlib import Path

from msgspec.structs import replace

from tui.catalog import source_images
from tui.catalog.spec import Model
from tui.service.client import Client
from tui.service.errors import (
    AuthenticationError,
    CreditsError,
    NetworkError,
    RateLimitError,
    ServiceError,
    UploadError,
)
from tui.system.small_file import read_small_file
from tui.tasks import draft
from tui.tasks.cache import TaskCache
from tui.tasks.sources import content_problem
from tui.tasks.store import Store
from tui.tasks.task import CLOCK_ERROR, Task
from tui.text import one_line

UPLOAD_LASTS = 50 * 60.0
"""Seconds in which an uploaded file is used again; the service saves it for an hour."""
UPLOAD_ROUNDS = 3
"""Uploads of a request's files, until all can be read at the same time."""


class Uploader:
    """Replaces the files that a request names by their addresses at the service."""

    def __init__(self, cache: TaskCache, client: Client) -> None:
        self._cache = cache
        self._client = client
        self._upload_locks: dict[str, asyncio.Lock] = {}
        """By digest of the content."""
        # The next two are moments of the monotonic clock, which is never set.
        self._url_ends: dict[str, float] = {}
        """By URL: when the upload ends."""
        self._uploads_end: dict[str, float] = {}
        """By task: when the first of its uploads ends."""

    def forget(self, task_id: str) -> None:
        """Forgets when the uploads of a task end."""
        self._uploads_end.pop(task_id, None)

    def needs(self, task: Task, model: Model | None) -> bool:
        """Returns whether a request lacks its body, or its uploads have ended.

        It may have waited for hours. The request must be one that was surely not made.
        """
        if not task.body:
            return True
        if model is None:
            return False
        if not source_images.local_files(model.routes[task.route], task.values):
            return False
        uploads_end = self._uploads_end.get(task.id)
        return not self._is_readable(task.uploads_until, uploads_end)

    @staticmethod
    def _is_readable(until: float, end: float | None) -> bool:
        """Returns whether the service can still read an upload.

        It can `until` then by the wall clock, which may have been set since, and before
        `end` by the monotonic clock, if this process has seen the upload.
        """
        now = time.time()
        if not now < until <= now + UPLOAD_LASTS + CLOCK_ERROR:
            return False
        return end is None or time.monotonic() < end

    async def check_addresses(self, task: Task, model: Model | None) -> None:
        """Checks that no value is the address of an upload that has ended.

        Such a value was copied from an earlier request. Raises InvalidRequestError.
        """
        if model is None:
            return
        route = model.routes[task.route]
        base_url = self._client.base_url
        for name, address in source_images.image_urls(route, task.values):
            until = await self._cache.run(Store.upload_ends, base_url, address)
            if until and not self._is_readable(until, self._url_ends.get(address)):
                raise draft.InvalidRequestError(
                    {
                        name: f"{one_line(address, 80)} was an upload, and uploads end"
                        " after an hour: choose the file itself. Nothing was charged."
                    }
                )

    async def upload_files(self, task: Task, model: Model) -> Task:
        """Uploads a request's files; returns the task with a new body and key.

        Nothing is paid before all files are uploaded. Raises InvalidRequestError, or
        ServiceError for trouble that passes.
        """
        # It may have waited for long, or come from elsewhere.
        await asyncio.to_thread(draft.plan, task, model)
        route = model.routes[task.route]
        files = source_images.local_files(route, task.values)
        # While the last of many large files is uploaded, the first upload may end.
        for _ in range(UPLOAD_ROUNDS):
            urls: dict[Path, str] = {}
            untils: list[float] = []
            for name, path in files:
                if path not in urls:
                    await self._cache.note(task.id, f"Uploading {one_line(path.name)}.")
                    urls[path], until = await self._upload(name, path)
                    untils.append(until)
            until = min(untils, default=0.0)
            end = min((self._url_ends[url] for url in urls.values()), default=0.0)
            if self._is_readable(until, end) or not files:
                break
        else:
            name, _ = files[0]
            raise draft.InvalidRequestError(
                {name: "The files took too long to upload. Nothing was charged."}
            )
        self._uploads_end[task.id] = end
        values = source_images.with_uploads(route, task.values, urls)
        planned = draft.with_body(task, model, values)
        revision = self._cache.tasks[task.id].revision
        return replace(planned, uploads_until=until, revision=revision)

    async def _upload(self, name: str, path: Path) -> tuple[str, float]:
        """Returns the URL of an uploaded file, and until when it can be read.

        Raises InvalidRequestError, or ServiceError for trouble that passes.
        """
        try:
            content = await asyncio.to_thread(read_source, path)
            return await self._upload_once(name, path, content)
        except OSError as error:
            raise draft.InvalidRequestError(
                {name: f"{path} can't be read: {error.strerror}. Nothing was charged."}
            ) from error
        except (RateLimitError, AuthenticationError, CreditsError) as error:
            raise type(error)(
                str(error), status=error.status, retry_after=error.retry_after
            ) from error
        except NetworkError as error:
            # Nothing that is paid was sent.
            raise NetworkError(str(error), sent=False) from error
        except ServiceError as error:
            if error.passing:
                raise UploadError(str(error), retry_after=error.retry_after) from error
            raise draft.InvalidRequestError(
                {name: f"{error} Nothing was charged."}
            ) from error

    async def _upload_once(
        self, name: str, path: Path, content: bytes
    ) -> tuple[str, float]:
        """Uploads a content once within its hour, even if several tasks want it."""
        base_url = self._client.base_url
        digest, checksum = await asyncio.to_thread(digests, content)
        async with self._upload_locks.setdefault(digest, asyncio.Lock()):
            url = await self._cache.run(Store.uploaded, base_url, digest)
            until = 0.0
            if url:
                until = await self._cache.run(Store.upload_ends, base_url, url)
            if not self._is_readable(until, self._url_ends.get(url)):
                await _check_content(name, path, content)
                asked_at = time.monotonic()
                until = time.time() + UPLOAD_LASTS
                url = (await self._client.upload(path, content, checksum)).url
                self._url_ends[url] = asked_at + UPLOAD_LASTS
                lasts = until - time.time()
                await self._cache.run(
                    Store.remember_upload, base_url, digest, url, lasts
                )
            lasts = until - time.time()
            self._url_ends.setdefault(url, time.monotonic() + lasts)
        return url, until


async def _check_content(name: str, path: Path, content: bytes) -> None:
    """Raises InvalidRequestError unless these bytes are a whole image.

    They need not be those that were judged before: a file may be replaced.
    """
    problem = await asyncio.to_thread(content_problem, path.name, content)
    if problem:
        raise draft.InvalidRequestError(
            {name: f"{problem} It was not uploaded, and nothing was charged."}
        )


def read_source(path: Path) -> bytes:
    """Returns the content of a file, not of one that a link leads to by now.

    Raises OSError.
    """
    if os.path.realpath(path) != str(path):
        raise OSError(errno.ELOOP, "it is a link now, choose the file again")
    return read_small_file(path, draft.MAX_UPLOAD)


def digests(content: bytes) -> tuple[str, str]:
    """Returns a content's SHA-256 in hex, and its MD5 in base64.

    The first tells contents apart; the second is the checksum that the service wants.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    md5 = hashlib.md5(content, usedforsecurity=False).digest()
    return sha256, base64.b64encode(md5).decode()
