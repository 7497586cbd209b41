"""Fetches the results of a made task, and saves them in the output folder."""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from tui.service.errors import DownloadError, GoneError, ServiceError
from tui.service.inline_pictures import digest_of, is_inline
from tui.tasks import inline, saving
from tui.tasks.answer import with_new_addresses
from tui.tasks.cache import TaskCache
from tui.tasks.connection import Connection
from tui.tasks.options import EngineOptions
from tui.tasks.provenance import facts_of
from tui.tasks.retry import LONGEST_DOWNLOAD_PAUSE, GaveUpError, backoff
from tui.tasks.saving import SavedUpTo, part_name
from tui.tasks.task import URL_LIVES, Problem, Result, Status, Task
from tui.text import duration, one_line, plain

GONE_FOR = 600.0
"""Seconds after a task's end in which a file that is missing may still appear.

Also the seconds of tries in which a page may still become an image.
"""
DAMAGED_TRIES = 3
"""Identical downloads of a damaged picture after which it counts as made that way."""
_MOST_TOLD = 3
"""Unsaved results that are each told of at the end."""
PATIENCE = 1.0
"""Seconds for which the end waits for an image that is being verified."""
MOST_DOWNLOADS = 8
"""Downloads at the same time."""


@dataclass
class _Attempts:
    """The tries of one result by this process."""

    began: float = field(default_factory=time.monotonic)
    """When the first was due, by the monotonic clock."""
    failures: int = 0
    error: Exception | None = None
    """Of the last try."""
    reason: str = ""
    is_inline: bool = False
    damaged: list[str] = field(default_factory=list)
    """The digests of the damaged files that came."""
    is_final: bool = False
    """Whether another try can't succeed."""
    is_left_out: bool = False

    @property
    def is_over(self) -> bool:
        return self.is_final or self.is_left_out

    @property
    def is_other_kind(self) -> bool:
        from tui.images import files

        return isinstance(self.error, files.OtherKindError)


class Fetcher:
    """Saves results until each is a whole file, or can't become one."""

    def __init__(
        self, cache: TaskCache, connection: Connection, options: EngineOptions
    ) -> None:
        self._cache = cache
        self._connection = connection
        self._client = connection.client
        self._options = options
        self._tries = options.tries
        # Not limited by the connection: a slow file host must not delay a submit.
        self._downloads = asyncio.Semaphore(MOST_DOWNLOADS)
        self._ended_here: dict[str, float] = {}
        """By task: when this process saw its end, by the monotonic clock."""
        self._as_they_came: set[str] = set()
        """Digests of pictures that aren't decoded here and are the same each time."""

    def note_end(self, task_id: str) -> None:
        """Notes that this process has just seen a task's end at the service."""
        self._ended_here[task_id] = time.monotonic()

    async def fetch(self, task_id: str) -> None:
        """Saves every result; the task completes when all are whole files.

        Raises GaveUpError when `tries` are used up.
        """
        try:
            await self._fetch_all(task_id)
        finally:
            self._ended_here.pop(task_id, None)

    async def _fetch_all(self, task_id: str) -> None:
        attempts: defaultdict[int, _Attempts] = defaultdict(_Attempts)
        while self._is_fetched(task_id):
            task = self._cache.tasks[task_id]
            tried = [at for at in _unsaved(task) if not attempts[at].is_over]
            if not tried:
                await self._end(task, attempts)
                return
            # One try of each in turn: none waits for another that doesn't come.
            for index in tried:
                if self._is_fetched(task_id):
                    await self._try(task_id, index, attempts[index])
            left = _unsaved(self._cache.tasks[task_id])
            failed = [attempts[at] for at in tried if at in left]
            again = [each for each in failed if not each.is_over]
            if again and self._is_fetched(task_id):
                await self._pause(task_id, max(again, key=lambda each: each.failures))

    async def _try(self, task_id: str, index: int, attempts: _Attempts) -> None:
        """Tries to save a result once; notes a failure in its attempts."""
        from tui.images import files

        task = self._cache.tasks[task_id]
        try:
            async with self._downloads:
                await self._download(task, index)
        except (ServiceError, OSError, files.ImageError) as error:
            attempts.failures += 1
            attempts.error = error
            attempts.is_inline = is_inline(task.results[index].url)
            part = Path(task.out_dir) / part_name(task, index)
            attempts.reason = plain(error).replace(part.name, "the file")
            if attempts.is_inline and isinstance(error, files.ImageError):
                attempts.reason += inline.describe_kept(part)
            if isinstance(error, files.DamagedError) and error.digest:
                attempts.damaged.append(error.digest)
            attempts.is_final = await self._is_final(task_id, attempts)
            attempts.is_left_out = self._is_left_out(task, attempts)

    def _is_left_out(self, task: Task, attempts: _Attempts) -> bool:
        """Returns whether the task may end without a result that is no image.

        What is surely of another kind is left out at once, as is what came with the
        answer: it is always the same. Anything else, such as a page, is only left out
        beside other results, as late as a file that is missing.
        """
        from tui.images import files

        if isinstance(attempts.error, files.OtherKindError):
            return True
        is_no_image = isinstance(attempts.error, files.ImageError)
        if attempts.is_inline and is_no_image:
            return not isinstance(attempts.error, files.DamagedError)
        tried_for = time.monotonic() - attempts.began
        return is_no_image and len(task.results) > 1 and tried_for >= GONE_FOR

    async def _pause(self, task_id: str, attempts: _Attempts) -> None:
        """Notes a failed try and waits for the next one. Raises GaveUpError."""
        reason = attempts.reason
        error = attempts.error
        if isinstance(error, GoneError) and error.status and not attempts.is_inline:
            # It is not gone for good: the file may be there in a moment.
            reason = f"the file host answered HTTP {error.status}."
        pause = backoff(attempts.failures, LONGEST_DOWNLOAD_PAUSE)
        again_in = duration(pause + 0.5)
        note = f"Not saved yet: {reason} Trying again in {again_in}."
        await self._cache.note(task_id, note, "not saved yet")
        if self._tries is not None and attempts.failures >= self._tries:
            problem = DownloadError(f"Not saved yet: {reason}")
            raise GaveUpError(problem) from error
        await asyncio.sleep(pause)

    def _is_fetched(self, task_id: str) -> bool:
        task = self._cache.tasks[task_id]
        return task.watched and task.status is Status.FETCHING

    async def _end(self, task: Task, attempts: Mapping[int, _Attempts]) -> None:
        """Ends a task all of whose results are saved, lost or left out."""
        unsaved = _unsaved(task)
        if any(attempts[index].is_final for index in unsaved):
            await self._end_unsaved(task, attempts)
        elif unsaved:
            await self._end_without(task, attempts)
        else:
            error = task.error
            if not task.results:
                error = Problem("empty", "The service finished without a picture.")
            completed = task.change(Status.COMPLETED, error=error, note="")
            await self._cache.save(completed, "completed")

    async def _end_without(self, task: Task, attempts: Mapping[int, _Attempts]) -> None:
        """Ends a task some of whose results are no images.

        Beside saved results, those that are surely of another kind are no results any
        more. The others stay: they can be fetched again for free.
        """
        not_images = _unsaved(task)
        reasons = [
            f"{attempts[index].reason}{_place(task.results[index])}"
            for index in not_images[:_MOST_TOLD]
        ]
        problem = Problem("download", f"Made, but not saved: {' '.join(reasons)}")
        if len(not_images) == len(task.results):
            ended = task.change(Status.FAILED, error=problem, note="")
        else:
            results = tuple(
                result
                for index, result in enumerate(task.results)
                if result.path or not attempts[index].is_other_kind
            )
            ended = task.change(
                Status.COMPLETED, results=results, error=problem, note=""
            )
        await self._cache.save(ended, "not an image")

    async def _end_unsaved(self, task: Task, attempts: Mapping[int, _Attempts]) -> None:
        """Ends a task with results that can't be saved."""
        lost = [attempts[at] for at in _unsaved(task) if attempts[at].is_final]
        reasons = " ".join(dict.fromkeys(each.reason for each in lost[:_MOST_TOLD]))
        if any(isinstance(each.error, GoneError) for each in lost):
            status = Status.EXPIRED
            problem = f"Made, but not saved: {reasons}"
        else:
            status = Status.FAILED
            problem = f"Made, but not saved: {reasons} A retry is free."
        ended = task.change(status, error=Problem("download", problem), note="")
        await self._cache.save(ended, "not saved")

    async def _is_final(self, task_id: str, attempts: _Attempts) -> bool:
        """Returns whether another try can't succeed.

        A fault of the disk or an odd answer is never final.
        """
        from tui.images import files

        error, damaged = attempts.error, attempts.damaged
        task = self._cache.tasks[task_id]
        is_gone = isinstance(error, GoneError)
        if task.made_at and is_gone and time.time() - task.made_at > URL_LIVES:
            return True
        if len(damaged) >= DAMAGED_TRIES and len(set(damaged[-DAMAGED_TRIES:])) == 1:
            # It was made like this: kept, unless a decoder knows better
            if not isinstance(error, files.OddKindError):
                return True
            self._as_they_came.add(damaged[-1])
            return False
        if not isinstance(error, GoneError):
            return False
        if await self._refresh_addresses(task_id):
            return False
        if error.status not in (403, 404):
            return True
        return self._since_end(task, attempts.began) >= GONE_FOR

    def _since_end(self, task: Task, began: float) -> float:
        """Returns the seconds since a task's end.

        The wall clock may have been set since. If this process saw the end, it knows
        better; if the end seems to be in the future, the time since `began` counts.
        """
        ended_here = self._ended_here.get(task.id)
        if ended_here is not None:
            return time.monotonic() - ended_here
        since_end = time.time() - task.made_at
        if since_end < 0:
            return time.monotonic() - began
        return since_end

    async def _refresh_addresses(self, task_id: str) -> bool:
        """Asks the service for the results' addresses; returns whether one is new."""
        with contextlib.suppress(ServiceError, OSError):
            answer = await self._connection.status(self._cache.tasks[task_id])
            task = self._cache.tasks[task_id]
            changed = with_new_addresses(task, answer)
            if changed is not task:
                await inline.keep(changed, answer.pictures)
                await self._cache.save(changed, "new addresses", answer.raw)
                return True
        return False

    async def _download(self, task: Task, index: int) -> None:
        """Fetches and saves a result, from the point that an earlier try reached.

        Raises ServiceError, OSError or ImageError.
        """
        part = Path(task.out_dir) / part_name(task, index)
        result = task.results[index]
        others = self._files() if result.reserved else set()
        try:
            reached = await asyncio.to_thread(saving.saved_up_to, result, part, others)
            if reached is SavedUpTo.NAMED:
                await self._note_saved(task.id, index, result)
                return
            if reached is SavedUpTo.NOTHING:
                await self._fetch_part(task, result, part)
            is_verified = reached is SavedUpTo.PART
            save = asyncio.ensure_future(
                self._save_result(task.id, index, part, is_verified)
            )
            try:
                await asyncio.shield(save)
            except asyncio.CancelledError:
                # Wait: a file that is not noted would be saved a second time.
                await self._settled(save, part)
                # Mark its error as seen. It doesn't matter: the file is fetched again.
                save.exception()
                raise
        except BaseException as error:
            await asyncio.to_thread(_set_apart, result, part, error)
            raise

    async def _fetch_part(self, task: Task, result: Result, part: Path) -> None:
        """Fetches a result into its part file. Raises ServiceError, OSError."""
        if not is_inline(result.url):
            await self._client.download(result.url, part)
            return
        if await asyncio.to_thread(inline.is_kept, result, part):
            return
        if not (task.remote_id or task.location):
            if await asyncio.to_thread(part.is_file):
                return  # with a recipe in it by now
            kept = inline.kept_beside(part)
            is_kept = await asyncio.to_thread(kept.is_file)
            where = inline.describe_kept(part) if is_kept else ""
            raise GoneError(
                "the picture came with the service's answer, which named no id to ask"
                f" for it again.{where}"
            )
        answer = await self._connection.status(task)
        await inline.keep(task, answer.pictures)
        if result.url not in answer.pictures and not await asyncio.to_thread(
            part.is_file
        ):
            raise GoneError(
                "the picture came with the service's answer, which has it no more.",
                status=404,
            )

    async def _settled(self, save: "asyncio.Future[None]", part: Path) -> None:
        """Waits for a save to end; one whose image takes long to be read is ended."""
        from tui.images import files

        _, unfinished = await asyncio.wait({save}, timeout=PATIENCE)
        if unfinished:
            files.interrupt(part)
            await asyncio.wait({save})

    def _files(self) -> set[str]:
        """Returns the files of all tasks in memory."""
        return {file for task in self._cache.tasks.values() for file in task.files}

    async def _save_result(
        self, task_id: str, index: int, part: Path, is_verified: bool
    ) -> None:
        """Gives a fetched file its name, and notes it as saved.

        The name is on disk before the file has it. Raises ImageError or OSError.
        """
        result = self._cache.tasks[task_id].results[index]
        if not is_verified:
            task = self._cache.tasks[task_id]
            result = await asyncio.to_thread(self._verify, task, index, part)
        while True:
            task = self._cache.tasks[task_id]
            name = self._options.name
            result = await asyncio.to_thread(saving.reserve, task, index, result, name)
            task = self._cache.tasks[task_id]
            results = _with_result(task, index, result)
            await self._cache.save(task.change(results=results))
            try:
                await asyncio.to_thread(saving.give_name, result, part)
            except FileExistsError:
                continue  # another program took this name in the same moment
            await self._note_saved(task_id, index, result)
            return

    async def _note_saved(self, task_id: str, index: int, result: Result) -> None:
        """Notes a result as saved, and completes its task after the last one."""
        saved = replace(result, path=result.reserved, reserved="")
        task = self._cache.tasks[task_id]
        results = _with_result(task, index, saved)
        is_last = all(other.path for other in results)
        status = Status.COMPLETED if is_last else None
        changed = task.change(status, results=results, note="")
        await self._cache.save(changed, f"saved {saved.path}")

    def _verify(self, task: Task, index: int, part: Path) -> Result:
        """Returns the result with the facts of its fetched file. Runs in a thread.

        Raises ImageError or OSError.
        """
        from tui.images import files, metadata

        if self._options.embed:
            # A picture that can't hold metadata is saved without.
            with contextlib.suppress(files.ImageError):
                metadata.embed(part, facts_of(task))
        result = task.results[index]
        # What came with an answer is as the service has it
        as_they_came = {*self._as_they_came, digest_of(result.url)}
        return saving.verified(result, part, as_they_came)


def _unsaved(task: Task) -> list[int]:
    """Returns the indexes of the results that have no file."""
    return [index for index, result in enumerate(task.results) if not result.path]


def _place(result: Result) -> str:
    """Returns the sentence of where an unsaved result still is."""
    if is_inline(result.url):
        return ""  # its reason names the file in which it is kept
    return f" Its address: {one_line(result.url, 1000)}"


def _with_result(task: Task, index: int, result: Result) -> tuple[Result, ...]:
    return (*task.results[:index], result, *task.results[index + 1 :])


def _set_apart(result: Result, part: Path, error: BaseException) -> None:
    """Removes a file that can't be saved; notes the digest of a damaged one.

    A picture that came with the answer may not come twice: it stays, or is kept beside
    where it is no image.
    """
    from tui.images import files

    if isinstance(error, files.DamagedError):
        error.digest = saving.digest(part)
    if not is_inline(result.url):
        part.unlink(missing_ok=True)
    elif isinstance(error, files.ImageError):
        with contextlib.suppress(FileNotFoundError):
            part.replace(inline.kept_beside(part))
