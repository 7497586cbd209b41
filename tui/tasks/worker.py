"""Runs one task: sends it, polls it, and saves its images in the output folder."""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from tui.service.errors import (
    AuthenticationError,
    DownloadError,
    GoneError,
    NotFoundError,
    RateLimitError,
    ServiceError,
    TimedOutError,
)
from tui.service.task_answer import Answer
from tui.tasks import saving
from tui.tasks.answer import answered, with_left_out, with_new_addresses
from tui.tasks.cache import TaskCache
from tui.tasks.connection import Connection
from tui.tasks.options import EngineOptions
from tui.tasks.provenance import facts_of
from tui.tasks.retry import (
    LONGEST_DOWNLOAD_PAUSE,
    LONGEST_PAUSE,
    GaveUpError,
    asked_pause,
    backoff,
    growing,
)
from tui.tasks.saving import SavedUpTo
from tui.tasks.scheduler import Scheduler
from tui.tasks.submit import Submitter
from tui.tasks.task import URL_LIVES, Problem, Result, SetAside, Status, Task
from tui.text import duration, one_line, plain

MISSING_FOR = 60.0
"""Seconds that a task may be unknown to the server before a command gives it up."""
EMPTY_POLLS = 8
"""Polls in which a finished task may name no picture before this is believed."""
GONE_FOR = 600.0
"""Seconds after a task's end in which a file that is missing may still appear."""
DAMAGED_TRIES = 3
"""Identical downloads of a damaged picture after which it counts as made that way."""
LAST_POLL = 0.5
"""Seconds after the longest wait at which a task is polled for the last time."""
PATIENCE = 1.0
"""Seconds for which the end waits for an image that is being verified."""
MOST_DOWNLOADS = 8
"""Downloads at the same time."""


@dataclass
class _Watch:
    """Counts how the polls of one task went, since this process watches it."""

    polls: int
    started_at: float = field(default_factory=time.monotonic)
    changed_at: float = field(default_factory=time.monotonic)
    """When the task last changed at the server."""
    failures: int = 0
    """Polls in a row that failed."""
    missing_since: float | None = None
    """Since when the server does not know the task."""
    unclear: int = 0
    """Answers in a row that make no sense yet.

    They have an unknown word, or are of a finished task without a picture.
    """
    unclear_since: float | None = None
    """When the first of them came."""
    last: Answer | None = None

    def count_unclear(self, is_unclear: bool) -> None:
        """Counts an answer, as one that makes no sense or as one that does."""
        if not is_unclear:
            self.unclear = 0
            self.unclear_since = None
            return
        self.unclear += 1
        self.unclear_since = self.unclear_since or time.monotonic()

    @property
    def silence(self) -> float:
        """Seconds since the task last changed."""
        return time.monotonic() - self.changed_at

    @property
    def age(self) -> float:
        """Seconds since this process began to watch the task."""
        return time.monotonic() - self.started_at


class TaskWorker:
    """Runs the tasks of one base URL."""

    def __init__(
        self,
        cache: TaskCache,
        submitter: Submitter,
        connection: Connection,
        scheduler: Scheduler,
        options: EngineOptions,
    ) -> None:
        self._cache = cache
        self._submitter = submitter
        self._connection = connection
        self._client = connection.client
        self._scheduler = scheduler
        self._options = options
        self._tries = options.tries
        # Not limited by the connection: a slow file host must not delay a submit.
        self._downloads = asyncio.Semaphore(MOST_DOWNLOADS)
        self._ended_here: dict[str, float] = {}
        """By task: when this process saw its end, by the monotonic clock."""

    async def run(self, task_id: str) -> None:
        """Runs a task until it has ended or waits for the user.

        Raises GaveUpError when `tries` are used up.
        """
        task = self._cache.tasks[task_id]
        if task.status is not Status.FETCHING:
            unsent = task.status in (Status.HELD, Status.SUBMITTING)
            async with self._scheduler.place(task.turn, wait=unsent):
                if unsent:
                    await self._submitter.send(task_id)
                await self._poll(task_id)
            if not task.made_at:
                self._ended_here[task_id] = time.monotonic()
        try:
            await self._fetch(task_id)
        finally:
            self._ended_here.pop(task_id, None)

    # ---- polling, until the server has ended the task

    async def _poll(self, task_id: str) -> None:
        watch = _Watch(self._cache.tasks[task_id].polls)
        wait = self._options.pause(0)
        while self._is_polled(task_id):
            # However long the service asks to wait: no longer than the task may take.
            remaining = max(0.0, self._options.longest_wait - watch.age)
            await self._connection.sleep(min(wait, remaining + LAST_POLL))
            watch.polls += 1
            asked_at = time.monotonic()
            try:
                answer = await self._connection.ask(lambda: self._status(task_id))
            except NotFoundError as error:
                wait = await self._note_missing(task_id, watch, error)
            except ServiceError as error:
                wait = await self._note_failure(task_id, watch, error)
            else:
                wait = await self._apply(task_id, watch, answer)
                # The wait counts from the request: slow answers must not add up.
                wait = max(wait / 2, wait - (time.monotonic() - asked_at))
            await self._check_patience(task_id, watch)

    def _is_polled(self, task_id: str) -> bool:
        task = self._cache.tasks[task_id]
        return task.watched and task.status in (Status.PENDING, Status.PROCESSING)

    async def _status(self, task_id: str) -> Answer:
        task = self._cache.tasks[task_id]
        return await self._client.status(
            task.route, task.service, task.action, task.remote_id, task.location
        )

    async def _note_missing(
        self, task_id: str, watch: _Watch, error: NotFoundError
    ) -> float:
        """Notes that the server knows no such task; returns the seconds to wait.

        The task may not be visible yet, or become visible again: this ends no paid
        task. Raises GaveUpError.
        """
        watch.missing_since = watch.missing_since or time.monotonic()
        watch.count_unclear(True)
        missing_for = time.monotonic() - watch.missing_since
        if missing_for > MISSING_FOR:
            note = (
                "The service doesn't know this task now. Asking again, but less often."
            )
            await self._cache.note(task_id, note, "unknown to the service", error.raw)
            if self._tries is not None:
                raise GaveUpError(error) from error
        return growing(self._options.pause(self._age(task_id)), watch.unclear)

    async def _note_failure(
        self, task_id: str, watch: _Watch, error: ServiceError
    ) -> float:
        """Notes a poll that failed; returns the seconds to wait. Raises GaveUpError.

        A task fails only when the server says so.
        """
        watch.failures += 1
        # Only answers count towards the time in which they make no sense.
        watch.unclear_since = None
        note = f"{error} Asking again."
        await self._cache.note(task_id, note, "poll failed", error.raw)
        if self._tries is not None and not isinstance(error, RateLimitError):
            is_refused = isinstance(error, AuthenticationError)
            if is_refused or watch.failures >= self._tries:
                raise GaveUpError(error) from error
        return asked_pause(backoff(watch.failures), error.retry_after)

    async def _apply(self, task_id: str, watch: _Watch, answer: Answer) -> float:
        """Applies an answer to its task; returns the seconds until the next poll."""
        watch.failures = 0
        watch.missing_since = None
        watch.last = answer
        await self._cache.learn("status", self._client.status_form)
        task = self._cache.tasks[task_id]
        changed = answered(task, answer)
        is_completed = answer.state == "completed"
        names_no_picture = is_completed and changed.status is Status.PROCESSING
        watch.count_unclear(answer.state == "unknown" or names_no_picture)
        if is_completed and watch.unclear >= EMPTY_POLLS:
            # Without results, this completes the task without a picture.
            changed = changed.change(Status.FETCHING, results=())
        if changed is not task:
            watch.changed_at = time.monotonic()
            changed = replace(changed, polls=watch.polls, quiet=False)
            event = with_left_out(f"the service says {answer.word}", answer)
            await self._cache.save(changed, event, answer.raw)
        pause = growing(self._options.pause(self._age(task_id)), watch.unclear)
        return asked_pause(pause, answer.retry_after, LONGEST_PAUSE)

    async def _check_patience(self, task_id: str, watch: _Watch) -> None:
        """Marks a task that is quiet for long; sets it aside after the longest wait.

        Raises GaveUpError for a task that it has set aside.
        """
        if not self._is_polled(task_id):
            return
        task = self._cache.tasks[task_id]
        waited = self._waited(watch)
        if waited > self._options.longest_wait:
            last = watch.last
            if last and last.state == "unknown" and last.results:
                # The word makes no sense, but there are pictures: save what was paid.
                made = answered(task, replace(last, state="completed"))
                made = made.change(polls=watch.polls)
                await self._cache.save(made, "pictures without an end", last.raw)
                return
            reason = _no_end(task, waited)
            changed = task.change(
                watched=False,
                set_aside=SetAside.WAITED,
                note=f"{reason} It is set aside and still billed; it can be resumed.",
                polls=watch.polls,
            )
            await self._cache.save(changed, "set aside")
            raise GaveUpError(TimedOutError(reason))
        if watch.silence > self._options.quiet_after and not task.quiet:
            silence = duration(watch.silence)
            note = f"No news for {silence}: still watched, nothing is lost."
            changed = task.change(quiet=True, note=note, polls=watch.polls)
            await self._cache.save(changed, "quiet")

    def _waited(self, watch: _Watch) -> float:
        """Returns the seconds that count towards the longest wait."""
        if self._tries is not None:
            return watch.age
        # The app has nobody waiting: only answers that make no sense use up patience.
        if not watch.unclear_since:
            return 0.0
        return time.monotonic() - watch.unclear_since

    def _age(self, task_id: str) -> float:
        """Returns the seconds since the task was sent; 0 if the clock was set back."""
        return max(0.0, time.time() - self._cache.tasks[task_id].sent_at)

    # ---- fetching, until all pictures are saved

    async def _fetch(self, task_id: str) -> None:
        """Saves every result; the task completes when all are whole files."""
        while (task := self._cache.tasks[task_id]).status is Status.FETCHING:
            unsaved = [at for at, result in enumerate(task.results) if not result.path]
            if unsaved:
                await self._fetch_one(task_id, unsaved[0])
                continue
            error = task.error
            if not task.results:
                error = Problem("empty", "The service finished without a picture.")
            completed = task.change(Status.COMPLETED, error=error, note="")
            await self._cache.save(completed, "completed")
            return

    async def _fetch_one(self, task_id: str, index: int) -> None:
        """Saves one result; tries for as long as its address is valid.

        Raises GaveUpError when `tries` are used up.
        """
        from tui.images import files

        failures = 0
        began = time.monotonic()
        damaged: list[str] = []
        while self._is_fetched(task_id):
            task = self._cache.tasks[task_id]
            try:
                async with self._downloads:
                    await self._download(task, index)
                return
            except (ServiceError, OSError, files.ImageError) as error:
                failures += 1
                reason = plain(error).replace(part_name(task, index), "the file")
                if isinstance(error, files.DamagedError) and error.digest:
                    damaged.append(error.digest)
                if await self._is_final(task_id, error, damaged, began):
                    await self._end_unsaved(task_id, error, reason)
                    return
                if isinstance(error, GoneError) and error.status:
                    # It is not gone for good: the file may be there in a moment.
                    reason = f"the file host answered HTTP {error.status}."
                pause = backoff(failures, LONGEST_DOWNLOAD_PAUSE)
                again_in = duration(pause + 0.5)
                note = f"Not saved yet: {reason} Trying again in {again_in}."
                await self._cache.note(task_id, note, "not saved yet")
                if self._tries is not None and failures >= self._tries:
                    problem = DownloadError(f"Not saved yet: {reason}")
                    raise GaveUpError(problem) from error
                await asyncio.sleep(pause)

    def _is_fetched(self, task_id: str) -> bool:
        task = self._cache.tasks[task_id]
        return task.watched and task.status is Status.FETCHING

    async def _end_unsaved(self, task_id: str, error: Exception, reason: str) -> None:
        """Ends a task with a result that can't be saved."""
        if isinstance(error, GoneError):
            status = Status.EXPIRED
            problem = f"Made, but not saved: {reason}"
        else:
            status = Status.FAILED
            problem = f"Made, but not saved: {reason} A retry is free."
        task = self._cache.tasks[task_id]
        ended = task.change(status, error=Problem("download", problem), note="")
        await self._cache.save(ended, "not saved")

    async def _is_final(
        self, task_id: str, error: Exception, damaged: list[str], began: float
    ) -> bool:
        """Returns whether another try can't succeed.

        A fault of the disk or an odd answer is never final. `damaged` are the digests
        of the damaged files that came; `began` is when this process first tried, by the
        monotonic clock.
        """
        task = self._cache.tasks[task_id]
        is_gone = isinstance(error, GoneError)
        if task.made_at and is_gone and time.time() - task.made_at > URL_LIVES:
            return True
        if len(damaged) >= DAMAGED_TRIES and len(set(damaged[-DAMAGED_TRIES:])) == 1:
            return True  # it was made like this
        if not isinstance(error, GoneError):
            return False
        if await self._refresh_addresses(task_id):
            return False
        if error.status not in (403, 404):
            return True
        return self._since_end(task, began) >= GONE_FOR

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
        with contextlib.suppress(ServiceError):
            answer = await self._connection.ask(lambda: self._status(task_id))
            task = self._cache.tasks[task_id]
            changed = with_new_addresses(task, answer)
            if changed is not task:
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
                await self._client.download(result.url, part)
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
            await asyncio.to_thread(_discard, part, error)
            raise

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
        return saving.verified(task.results[index], part)


def _no_end(task: Task, waited: float) -> str:
    """Returns the sentence about a task that takes too long."""
    if not task.word:
        return f"The task has not ended after {duration(waited)}."
    word = one_line(task.word, 60)
    return f'The service still says "{word}" after {duration(waited)}.'


def _with_result(task: Task, index: int, result: Result) -> tuple[Result, ...]:
    return (*task.results[:index], result, *task.results[index + 1 :])


def _discard(part: Path, error: BaseException) -> None:
    """Removes a file that can't be saved; notes the digest of a damaged one."""
    from tui.images import files

    if isinstance(error, files.DamagedError):
        error.digest = saving.digest(part)
    part.unlink(missing_ok=True)


def part_name(task: Task, index: int) -> str:
    """Returns the name of a result's file until it is whole."""
    return f".{task.id}-{index}.part"
