"""Runs one task: sends it, polls it until its end, and has its images fetched."""

import time
from contextlib import suppress
from dataclasses import dataclass, field

from msgspec.structs import replace

from tui.service.errors import (
    AuthenticationError,
    DownloadError,
    NotFoundError,
    RateLimitError,
    ServiceError,
    TimedOutError,
)
from tui.service.task_answer import Answer
from tui.tasks import inline
from tui.tasks.answer import answered, with_left_out, without_doubt
from tui.tasks.cache import TaskCache
from tui.tasks.connection import Connection
from tui.tasks.fetching import Fetcher
from tui.tasks.options import EngineOptions
from tui.tasks.retry import (
    LONGEST_PAUSE,
    GaveUpError,
    asked_pause,
    backoff,
    growing,
)
from tui.tasks.scheduler import Scheduler
from tui.tasks.submit import Submitter
from tui.tasks.task import SetAside, Status, Task
from tui.text import duration, one_line

MISSING_FOR = 60.0
"""Seconds that a task may be unknown to the server before a command gives it up."""
EMPTY_POLLS = 8
"""Polls in which a finished task may name no picture before this is believed."""
LAST_POLL = 0.5
"""Seconds after the longest wait at which a task is polled for the last time."""


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
        self._fetcher = Fetcher(cache, connection, options)

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
                self._fetcher.note_end(task_id)
        await self._fetcher.fetch(task_id)

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
                answer = await self._connection.status(self._cache.tasks[task_id])
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
        pause = max(backoff(watch.failures), self._options.pause(self._age(task_id)))
        return asked_pause(pause, error.retry_after)

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
            changed = without_doubt(changed, answer)
        if changed is not task:
            try:
                await inline.keep(changed, answer.pictures)
            except OSError as error:
                return await self._note_unwritten(task_id, watch, error)
            watch.changed_at = time.monotonic()
            changed = replace(changed, polls=watch.polls, quiet=False)
            event = with_left_out(f"the service says {answer.word}", answer)
            await self._cache.save(changed, event, answer.raw)
        pause = growing(self._options.pause(self._age(task_id)), watch.unclear)
        return asked_pause(pause, answer.retry_after, LONGEST_PAUSE)

    async def _note_unwritten(
        self, task_id: str, watch: _Watch, error: OSError
    ) -> float:
        """Notes that a picture that came can't be written; returns the seconds to wait.

        It is not taken for received, and asked for again.
        """
        watch.failures += 1
        reason = one_line(error.strerror or error, 120)
        folder = one_line(self._cache.tasks[task_id].out_dir, 200)
        note = (
            "The picture came with the service's answer, but can't be written to"
            f" {folder}: {reason}. Asking again."
        )
        await self._cache.note(task_id, note, "not written yet")
        if self._tries is not None and watch.failures >= self._tries:
            raise GaveUpError(DownloadError(note)) from error
        return max(backoff(watch.failures), self._options.pause(self._age(task_id)))

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
                with suppress(OSError):
                    await inline.keep(made, last.pictures)
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


def _no_end(task: Task, waited: float) -> str:
    """Returns the sentence about a task that takes too long."""
    if not task.word:
        return f"The task has not ended after {duration(waited)}."
    word = one_line(task.word, 60)
    return f'The service still says "{word}" after {duration(waited)}.'
