"""One task's way: sent, polled, its images fetched as whole files into the output
folder.
"""

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
from tui.tasks.answer import answered, with_new_addresses
from tui.tasks.cache import TaskCache
from tui.tasks.connection import Connection
from tui.tasks.options import EngineOptions
from tui.tasks.provenance import facts_of
from tui.tasks.retry import (
    LONGEST_DOWNLOAD_PAUSE,
    LONGEST_PAUSE,
    GaveUpError,
    backoff,
    growing,
)
from tui.tasks.saving import SavedUpTo
from tui.tasks.scheduler import Scheduler
from tui.tasks.submit import Submitter
from tui.tasks.task import URL_LIVES, Problem, Result, SetAside, Status, Task
from tui.text import duration, one_line, plain

MISSING_FOR = 60.0
"""Seconds for which a task may be unknown to the server before a command that is not
patient gives it up.
"""
EMPTY_POLLS = 8
"""Polls that a finished task may name no picture before that is believed."""
GONE_FOR = 600.0
"""Seconds after a task's end for which a file host that has no such file is not
believed.
"""
DAMAGED_TRIES = 3
"""How often a damaged picture must come the same before it is believed to have been
made so.
"""
LAST_POLL = 0.5
"""Seconds after the longest wait at which a task is asked for once more before it is
set aside.
"""


@dataclass
class _Watch:
    """What the polls of one task have come to, since this process watches it."""

    polls: int
    started_at: float = field(default_factory=time.monotonic)
    heard_at: float = field(default_factory=time.monotonic)
    failures: int = 0
    missing_since: float | None = None
    senseless: int = 0
    """Answers in a row that make no sense yet: an unknown word, a finished task without
    a picture.
    """
    senseless_since: float | None = None
    """When the first of them came."""
    last: Answer | None = None
    """The last answer."""

    def count_senseless(self, senseless: bool) -> None:
        """Note whether an answer makes sense."""
        if not senseless:
            self.senseless, self.senseless_since = 0, None
            return
        self.senseless += 1
        self.senseless_since = self.senseless_since or time.monotonic()

    @property
    def silent(self) -> float:
        """Seconds without news."""
        return time.monotonic() - self.heard_at

    @property
    def lasted(self) -> float:
        """Seconds since the watch began."""
        return time.monotonic() - self.started_at


class TaskWorker:
    """Carries tasks of one base URL."""

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
        # Apart from the line: a slow file host must not hold up a submit
        self._downloads = asyncio.Semaphore(8)
        # When that was seen, by the clock that is never set
        self._made_here: dict[str, float] = {}

    async def run(self, task_id: str) -> None:
        """Until the task has ended, or waits for the user. Raises GaveUpError where
        `tries` are used up.
        """
        task = self._cache.tasks[task_id]
        if task.status is not Status.FETCHING:
            unsent = task.status in (Status.HELD, Status.SUBMITTING)
            async with self._scheduler.place(task.turn, wait=unsent):
                if unsent:
                    await self._submitter.send(task_id)
                await self._poll(task_id)
            if not task.made_at:
                self._made_here[task_id] = time.monotonic()
        try:
            await self._fetch(task_id)
        finally:
            self._made_here.pop(task_id, None)

    # ---- until the server has ended it

    async def _poll(self, task_id: str) -> None:
        watch = _Watch(self._cache.tasks[task_id].polls)
        wait = self._options.pause(0)
        while self._is_polled(task_id):
            # However long the service asks to wait: no longer than the task may take.
            await self._connection.sleep(
                min(
                    wait,
                    max(0.0, self._options.longest_wait - watch.lasted) + LAST_POLL,
                )
            )
            watch.polls += 1
            asked_at = time.monotonic()
            try:
                answer = await self._connection.ask(lambda: self._status(task_id))
            except NotFoundError as error:
                wait = await self._missing(task_id, watch, error)
            except ServiceError as error:
                wait = await self._poll_failed(task_id, watch, error)
            else:
                wait = await self._heard(task_id, watch, answer)
                # From request to request: the time that an answer takes must not add
                # up.
                wait = max(wait / 2, wait - (time.monotonic() - asked_at))
            await self._mark_silence(task_id, watch)

    def _is_polled(self, task_id: str) -> bool:
        task = self._cache.tasks[task_id]
        return task.watched and task.status in (Status.PENDING, Status.PROCESSING)

    async def _status(self, task_id: str) -> Answer:
        task = self._cache.tasks[task_id]
        return await self._client.status(
            task.route, task.service, task.action, task.remote_id, task.location
        )

    async def _missing(
        self, task_id: str, watch: _Watch, error: NotFoundError
    ) -> float:
        """The server knows no such task. It may not be visible yet, or again later:
        that ends no paid task.
        """
        watch.missing_since = watch.missing_since or time.monotonic()
        watch.count_senseless(True)
        missing_for = time.monotonic() - watch.missing_since
        if missing_for > MISSING_FOR:
            note = (
                "The service does not know this task. It may again: asking less often."
            )
            await self._cache.note(task_id, note, "unknown to the service", error.raw)
            if self._tries is not None:
                raise GaveUpError(error) from error
        return growing(self._options.pause(self._age(task_id)), watch.senseless)

    async def _poll_failed(
        self, task_id: str, watch: _Watch, error: ServiceError
    ) -> float:
        """Trouble on the way: patience, not failure. A task fails only when the server
        says so.
        """
        watch.failures += 1
        # How long it makes no sense is counted while it answers
        watch.senseless_since = None
        await self._cache.note(
            task_id, f"{error} Asking again.", "poll failed", error.raw
        )
        impatient = self._tries is not None and not isinstance(error, RateLimitError)
        if impatient and (
            watch.failures >= (self._tries or 0)
            or isinstance(error, AuthenticationError)
        ):
            raise GaveUpError(error) from error
        return max(backoff(watch.failures), error.retry_after or 0)

    async def _heard(self, task_id: str, watch: _Watch, answer: Answer) -> float:
        """Take in an answer. Return the seconds until the next poll."""
        watch.failures, watch.missing_since, watch.last = 0, None, answer
        await self._cache.learn("status", self._client.status_form)
        task = self._cache.tasks[task_id]
        changed = answered(task, answer)
        senseless = answer.state == "unknown" or (
            answer.state == "completed" and changed.status is Status.PROCESSING
        )
        watch.count_senseless(senseless)
        if answer.state == "completed" and watch.senseless >= EMPTY_POLLS:
            # Which ends it without a picture
            changed = changed.change(Status.FETCHING, results=())
        if changed is not task:
            watch.heard_at = time.monotonic()
            changed = replace(changed, polls=watch.polls, quiet=False)
            await self._cache.save(
                changed, f"the service says {answer.word}", answer.raw
            )
        pause = growing(self._options.pause(self._age(task_id)), watch.senseless)
        return min(answer.retry_after, LONGEST_PAUSE) if answer.retry_after else pause

    async def _mark_silence(self, task_id: str, watch: _Watch) -> None:
        """Mark a task without news for long; set it aside once the longest wait has
        passed.
        """
        if not self._is_polled(task_id):
            return
        task = self._cache.tasks[task_id]
        lasted = watch.lasted
        # Nobody waits for the app: there it is given up only if its answers make no
        # sense
        if self._tries is None:
            lasted = (
                time.monotonic() - watch.senseless_since
                if watch.senseless_since
                else 0.0
            )
        if (
            lasted > self._options.longest_wait
            and watch.last
            and watch.last.state == "unknown"
            and watch.last.results
        ):
            # The word makes no sense, but there are pictures: what was paid is saved.
            made = answered(task, replace(watch.last, state="completed"))
            await self._cache.save(
                made.change(polls=watch.polls),
                "pictures without an end",
                watch.last.raw,
            )
            return
        if lasted > self._options.longest_wait:
            word = (
                f"the service still says \u201c{one_line(task.word, 60)}\u201d"
                if task.word
                else "no end"
            )
            told = f"No end after {duration(lasted)}: {word}."
            note = f"{told} Set aside, still billed; it can be resumed."
            aside = task.change(
                watched=False, set_aside=SetAside.WAITED, note=note, polls=watch.polls
            )
            await self._cache.save(aside, "set aside")
            raise GaveUpError(TimedOutError(told))
        if watch.silent > self._options.quiet_after and not task.quiet:
            note = (
                f"No news for {duration(watch.silent)}: still watched, nothing is lost."
            )
            await self._cache.save(
                task.change(quiet=True, note=note, polls=watch.polls), "quiet"
            )

    def _age(self, task_id: str) -> float:
        """Seconds since the task was sent, as far as the clock can be believed."""
        return max(0.0, time.time() - self._cache.tasks[task_id].sent_at)

    # ---- until its pictures are saved

    async def _fetch(self, task_id: str) -> None:
        """Save every result; a task completes when all are whole files."""
        while (task := self._cache.tasks[task_id]).status is Status.FETCHING:
            index = next(
                (index for index, result in enumerate(task.results) if not result.path),
                None,
            )
            if index is None:
                empty = Problem("empty", "The service finished without a picture.")
                error = task.error if task.results else empty
                await self._cache.save(
                    task.change(Status.COMPLETED, error=error, note=""), "completed"
                )
                return
            await self._fetch_one(task_id, index)

    async def _fetch_one(self, task_id: str, index: int) -> None:
        """Until one result is saved. Whatever goes wrong, it is tried for as long as
        its address lives.
        """
        from tui.images import files

        failures = 0
        began = time.monotonic()
        damaged: list[str] = []
        while (
            task := self._cache.tasks[task_id]
        ).status is Status.FETCHING and task.watched:
            try:
                async with self._downloads:
                    await self._download(task, index)
                return
            except (ServiceError, OSError, files.ImageError) as error:
                failures += 1
                told = plain(error).replace(part_name(task, index), "the file")
                if isinstance(error, files.DamagedError) and error.digest:
                    damaged.append(error.digest)
                if await self._is_final(task_id, error, damaged, began):
                    status = (
                        Status.EXPIRED
                        if isinstance(error, GoneError)
                        else Status.FAILED
                    )
                    again = "" if isinstance(error, GoneError) else " A retry is free."
                    problem = Problem("download", f"Made, but not saved: {told}{again}")
                    ended = self._cache.tasks[task_id].change(
                        status, error=problem, note=""
                    )
                    await self._cache.save(ended, "not saved")
                    return
                pause = backoff(failures, LONGEST_DOWNLOAD_PAUSE)
                if isinstance(error, GoneError) and error.status:
                    # It may be there in a moment
                    told = f"the file host answered HTTP {error.status}."
                note = f"Not saved yet: {told} Trying again in {duration(pause + 0.5)}."
                await self._cache.note(task_id, note, "not saved yet")
                if self._tries is not None and failures >= self._tries:
                    raise GaveUpError(
                        DownloadError(f"Not saved yet: {told}")
                    ) from error
                await asyncio.sleep(pause)

    async def _is_final(
        self, task_id: str, error: Exception, damaged: list[str], began: float
    ) -> bool:
        """Whether another try would bring nothing else: no disk fault and no odd answer
        is final.

        `began` is when this process first tried, by the clock that is never set.
        """
        task = self._cache.tasks[task_id]
        since_end = time.time() - task.made_at
        if task.made_at and since_end > URL_LIVES and isinstance(error, GoneError):
            return True
        if len(damaged) >= DAMAGED_TRIES and len(set(damaged[-DAMAGED_TRIES:])) == 1:
            return True  # it was made like this
        if not isinstance(error, GoneError):
            return False
        if await self._refresh_addresses(task_id):
            return False
        passing = error.status in (403, 404) and self._since_end(task, began) < GONE_FOR
        return not passing

    def _since_end(self, task: Task, began: float) -> float:
        """Seconds since a task's end. The wall clock may have been set since, so what
        this process has seen itself counts first; an end that is still to come tells of
        such a clock.
        """
        made_here = self._made_here.get(task.id)
        if made_here is not None:
            return time.monotonic() - made_here
        since_end = time.time() - task.made_at
        return since_end if since_end >= 0 else time.monotonic() - began

    async def _refresh_addresses(self, task_id: str) -> bool:
        """Ask the service where the results are by now. Return whether any address has
        changed.
        """
        with contextlib.suppress(ServiceError):
            answer = await self._connection.ask(lambda: self._status(task_id))
            task = self._cache.tasks[task_id]
            changed = with_new_addresses(task, answer)
            if changed is not task:
                await self._cache.save(changed, "new addresses", answer.raw)
                return True
        return False

    async def _download(self, task: Task, index: int) -> None:
        part = Path(task.out_dir) / part_name(task, index)
        result = task.results[index]
        others = self._files() if result.reserved else set()
        try:
            done = await asyncio.to_thread(saving.saved_up_to, result, part, others)
            if done is SavedUpTo.NAMED:
                await self._note_saved(task.id, index, result)
                return
            if done is SavedUpTo.NOTHING:
                await self._client.download(result.url, part)
            keeping = asyncio.ensure_future(
                self._keep(task.id, index, part, done is SavedUpTo.PART)
            )
            try:
                await asyncio.shield(keeping)
            except asyncio.CancelledError:
                # A file that nobody knows of would be saved once more
                await asyncio.wait({keeping})
                # Looked at, and no matter: the file is fetched again
                keeping.exception()
                raise
        except BaseException as error:
            await asyncio.to_thread(_discard, part, error)
            raise

    def _files(self) -> set[str]:
        """Files of all tasks at hand."""
        return {file for task in self._cache.tasks.values() for file in task.files}

    async def _keep(
        self, task_id: str, index: int, part: Path, is_verified: bool
    ) -> None:
        """Give a fetched file its name, which is on disk before the file has it; then
        note it as saved.
        """
        result = self._cache.tasks[task_id].results[index]
        if not is_verified:
            result = await asyncio.to_thread(
                self._kept, self._cache.tasks[task_id], index, part
            )
        while True:
            task = self._cache.tasks[task_id]
            result = await asyncio.to_thread(
                saving.reserve, task, index, result, self._options.name
            )
            task = self._cache.tasks[task_id]
            await self._cache.save(
                task.change(results=_with_result(task, index, result))
            )
            try:
                await asyncio.to_thread(saving.give_name, result, part)
            except (
                FileExistsError
            ):  # another file was given this name in the same moment
                continue
            await self._note_saved(task_id, index, result)
            return

    async def _note_saved(self, task_id: str, index: int, result: Result) -> None:
        saved = replace(result, path=result.reserved, reserved="")
        task = self._cache.tasks[task_id]
        results = _with_result(task, index, saved)
        done = Status.COMPLETED if all(other.path for other in results) else None
        await self._cache.save(
            task.change(done, results=results, note=""), f"saved {saved.path}"
        )

    def _kept(self, task: Task, index: int, part: Path) -> Result:
        """The result as a fetched file shows it, verified. Runs in a thread. Raises
        ImageError, OSError.
        """
        from tui.images import files, metadata

        if self._options.embed:
            # The picture counts, not what it tells
            with contextlib.suppress(files.ImageError):
                metadata.embed(part, facts_of(task))
        return saving.verified(task.results[index], part)


def _with_result(task: Task, index: int, result: Result) -> tuple[Result, ...]:
    return (*task.results[:index], result, *task.results[index + 1 :])


def _discard(part: Path, error: BaseException) -> None:
    """Remove a file that can't be kept; a damaged one is told by its digest."""
    from tui.images import files

    if isinstance(error, files.DamagedError):
        error.digest = saving.digest(part)
    part.unlink(missing_ok=True)


def part_name(task: Task, index: int) -> str:
    """Where a result is written until it is whole."""
    return f".{task.id}-{index}.part"
