"""A task's first half: from held on disk to a task at the server. Here is where money
could be lost twice.
"""

import asyncio
import base64
import hashlib
import time
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from tui.catalog import source_images
from tui.catalog.load import Catalog
from tui.catalog.spec import Model
from tui.service.base_url import DEFAULT_BASE_URL
from tui.service.errors import (
    AuthenticationError,
    ConflictError,
    CreditsError,
    GarbledError,
    NetworkError,
    NotFoundError,
    RateLimitError,
    ServiceError,
    UploadError,
)
from tui.service.task_answer import Answer
from tui.system.small_file import read_small_file
from tui.tasks import draft
from tui.tasks.answer import answered
from tui.tasks.cache import TaskCache
from tui.tasks.connection import Connection
from tui.tasks.options import EngineOptions
from tui.tasks.retry import GaveUpError, backoff
from tui.tasks.scheduler import Scheduler
from tui.tasks.store import Store
from tui.tasks.task import Problem, SetAside, Status, Task
from tui.text import clock, duration, money, one_line

RESEND_FOR = 24 * 3600.0
"""Seconds for which an unsure request is sent again by itself; how long a server knows
a key isn't published.
"""
UPLOAD_LASTS = 50 * 60.0
"""Seconds for which an uploaded file is used again; the service keeps it for an hour.
"""
UPLOAD_ROUNDS = 3
"""How often files that belong together are uploaded until all of them can be read at
the same time.
"""
TOP_UP = f"{DEFAULT_BASE_URL}/billing"
BALANCE_KNOWN = 5.0
"""Seconds for which a balance is taken for the present one, to explain a refusal."""
ACCOUNT_PAUSE = 60.0
"""Seconds between tries of a request while its key is refused or has no credit."""
UNSURE_TRIES = 8
"""Tries of a request that may have been made, while the answers are such as may change.
"""
LONGEST_COMMAND_REST = 600.0
"""Seconds that a command waits because the service asked it to; the app waits for as
long as that takes.
"""
CLOCK_ERROR = 60.0
"""Seconds by which two clocks may differ without anybody noticing."""


class ModelGoneError(LookupError):
    """The catalog no longer has the model of a task."""


class _NotNowError(Exception):
    """Right before it was sent, the user or the service wished that nothing is."""


def may_be_resent(task: Task, at_least: float | None = None) -> bool:
    """Whether an unsure request was first sent, or wished to be sent again, so lately
    that it may be sent again automatically.

    A moment in the future tells of a clock that was wrong: it counts only for who knows
    that it was `at_least` so many seconds ago.
    """
    now = time.time()
    age = now - task.sent_at
    if at_least is not None:
        age = max(age, at_least)
    wished = now - task.resend_at if task.resend_at else age
    return any(-CLOCK_ERROR <= seconds <= RESEND_FOR for seconds in (age, wished))


class Submitter:
    """Sends tasks of one base URL, each under its own key."""

    def __init__(
        self,
        cache: TaskCache,
        catalog: Catalog,
        connection: Connection,
        scheduler: Scheduler,
        options: EngineOptions,
    ) -> None:
        self._cache = cache
        self._catalog = catalog
        self._connection = connection
        self._client = connection.client
        self._scheduler = scheduler
        self._api = options.api
        self._tries = options.tries
        self._balance: tuple[float, int | None] = (-BALANCE_KNOWN, None)
        self._uploading: dict[str, asyncio.Lock] = {}
        # By URL, by the clock that is never set
        self._upload_ends: dict[str, float] = {}
        # The first of a task's, by the same clock
        self._uploads_end: dict[str, float] = {}
        self._sent_here: dict[str, float] = {}  # when, by the clock that is never set

    def model(self, task: Task) -> Model:
        """The task's model in the catalog. Raises ModelGoneError."""
        model = self._catalog.get(task.action, task.model)
        if model is None:
            raise ModelGoneError(
                f"{one_line(task.model, 80)} is no longer in the catalog."
            )
        return model

    async def send(self, task_id: str) -> None:
        """Until the task is at the server, rejected, or waits for the user. Raises
        GaveUpError.
        """
        failures = 0
        task = self._cache.tasks[task_id]
        if task.status is Status.SUBMITTING and not task.unsure:
            # Its last process ended between sending and reading the answer.
            await self._cache.save(task.change(unsure=True))
        accepted = self._connection.accepted
        try:
            while (task := self._cache.tasks[task_id]).status in (
                Status.HELD,
                Status.SUBMITTING,
            ) and task.watched:
                if task.status is Status.SUBMITTING and self._is_too_old(task):
                    await self._leave_to_user(
                        task, "Sent more than a day ago, outcome unknown."
                    )
                    return
                await self._until_open(task_id)
                try:
                    answer = await self._connection.submit(
                        lambda: self._submit(task_id)
                    )
                except _NotNowError:
                    continue
                except ServiceError as error:
                    if (
                        isinstance(error, RateLimitError)
                        and self._connection.accepted > accepted
                    ):
                        # Others were taken: there is progress
                        failures, accepted = 0, self._connection.accepted
                    failures += 1
                    await self._refused(self._cache.tasks[task_id], error, failures)
                else:
                    task = self._cache.tasks[task_id]
                    await self._cache.learn("route", task.route)
                    if answer.state in ("completed", "failed") and not (
                        answer.urls or answer.error
                    ):
                        # Told again, without its outcome: ask for it
                        answer = replace(answer, state="pending")
                    await self._cache.save(
                        answered(task, answer), "accepted", answer.raw
                    )
                    return
        except (draft.InvalidRequestError, ModelGoneError) as error:
            task = self._cache.tasks[task_id]
            held = Status.HELD if task.status is Status.SUBMITTING else None
            problem = Problem("validation", str(error))
            await self._cache.save(
                task.change(held, error=problem, sent_at=0, note=""),
                "held for the user",
            )
        finally:
            self._sent_here.pop(task_id, None)
            if self._cache.tasks[task_id].status is not Status.HELD:
                self._uploads_end.pop(task_id, None)

    def _is_too_old(self, task: Task) -> bool:
        """Whether a request was first sent too long ago to be sent again automatically.

        A moment in the future tells of a clock that was wrong: what this process has
        sent itself it knows better.
        """
        sent_here = self._sent_here.get(task.id)
        at_least = None if sent_here is None else time.monotonic() - sent_here
        return not may_be_resent(task, at_least)

    async def _submit(self, task_id: str) -> Answer:
        task = await self._ready(task_id)
        return await self._client.submit(
            task.route, task.service, task.action, task.body, task.key
        )

    async def _ready(self, task_id: str) -> Task:
        """The task as it stands on disk right before it is sent: its exact body and
        key, marked as on its way.
        """
        task = self._cache.tasks[task_id]
        if task.status is Status.SUBMITTING:
            return task
        if self._cache.route == "service" and self._may_move(task):
            task = await asyncio.to_thread(
                draft.reroute, task, self.model(task), "service"
            )
        await self._check_addresses(task)
        if self._needs_upload(task):
            task = await self._upload_files(task)
        if (
            self._scheduler.paused or self._connection.rest
        ):  # since its files began to go up
            raise _NotNowError
        self._sent_here[task.id] = time.monotonic()
        return await self._cache.save(
            task.change(Status.SUBMITTING, sent_at=time.time(), note=""), "sending"
        )

    async def _refused(self, task: Task, error: ServiceError, failures: int) -> None:
        """What an unsuccessful submit leads to. Only what was surely never made may be
        held, moved or rejected.
        """
        if (
            isinstance(error, ConflictError)
            and not task.unsure
            and not _of_source(error)
        ):
            # Nobody else has this key: something on the way has sent the request twice,
            # and the first is at work.
            task = await self._cache.save(
                task.change(unsure=True), "a conflict over a new key", error.raw
            )
        if error.task_id:  # a task was made all the same
            adopted = Answer(task_id=error.task_id, state="pending", raw=error.raw)
            await self._cache.save(answered(task, adopted), "adopted", error.raw)
        elif error.passing or isinstance(error, AuthenticationError | CreditsError):
            await self._try_again(task, error, failures)
        elif task.unsure:
            # The first try is at work, or the answer came from something on the way.
            passes = isinstance(error, ConflictError) or not error.in_words
            if passes and failures < min(UNSURE_TRIES, self._tries or UNSURE_TRIES):
                await self._try_again(task, error, failures)
                return
            await self._leave_to_user(
                task, f"{error} An earlier try may have been accepted.", error.raw
            )
            raise GaveUpError(error)
        elif isinstance(error, NotFoundError) and self._may_move(task):
            # The route isn't there, so nothing was made: the other one, with a new body
            # and key.
            await self._cache.learn("route", "service")
            held = await self._cache.save(
                task.change(Status.HELD, sent_at=0), "no such route", error.raw
            )
            moved = await asyncio.to_thread(
                draft.reroute, held, self.model(task), "service"
            )
            await self._cache.save(moved.change(), "moved to the service route")
        elif (
            not error.in_words
        ):  # maybe not the service, but something on the way, for a while
            await self._try_again(
                task,
                GarbledError(str(error), status=error.status, raw=error.raw),
                failures,
            )
        else:
            if isinstance(error, NotFoundError) and self._cache.route == task.route:
                await self._cache.learn("route", "")
            problem = Problem(error.kind, str(error))
            await self._cache.save(
                task.change(Status.REJECTED, error=problem, note=""),
                "rejected",
                error.raw,
            )

    async def _shortfall(self, task: Task, error: CreditsError) -> str:
        """The refusal with what is missing, as far as that can be found out: a
        sentence.
        """
        # A job of many is refused at once
        if time.monotonic() - self._balance[0] > BALANCE_KNOWN:
            with suppress(ServiceError):
                balance = await self._connection.ask(self._client.balance_micro)
                self._balance = (time.monotonic(), balance)
        balance, estimate = self._balance[1], task.estimate_micro
        if balance is None or estimate is None or balance >= estimate:
            return str(error)
        place = (
            TOP_UP
            if self._client.base_url == DEFAULT_BASE_URL
            else "the service's website"
        )
        return (
            f"The balance is too low: {money(estimate)} needed, {money(balance)} left."
            f" Top up at {place}."
        )

    async def _try_again(self, task: Task, error: ServiceError, failures: int) -> None:
        of_account = isinstance(error, AuthenticationError | CreditsError)
        unsent = isinstance(error, UploadError) or (
            isinstance(error, NetworkError) and not error.sent
        )
        unmade = not task.unsure and (
            unsent or of_account or isinstance(error, RateLimitError)
        )
        pause = max(
            backoff(failures),
            error.retry_after or 0,
            ACCOUNT_PAUSE if of_account else 0,
        )
        again = (
            "Trying again"
            if unmade
            else "Outcome unknown: sending again with the same key"
        )
        told = (
            await self._shortfall(task, error)
            if isinstance(error, CreditsError)
            else str(error)
        )
        note = f"{told} {again} in {duration(pause + 0.5)}."
        # What was surely not made is held once more: free to drop until the next try.
        held = (
            task.change(Status.HELD, sent_at=0, note=note)
            if unmade
            else task.change(unsure=True, note=note)
        )
        await self._cache.save(held, error.kind, error.raw)
        too_long = (error.retry_after or 0) > LONGEST_COMMAND_REST
        if self._tries is not None and (
            failures >= self._tries or of_account or too_long
        ):
            raise GaveUpError(type(error)(told) if of_account else error)
        if of_account:
            # Polls with the same key may be answered all the time
            await asyncio.sleep(backoff(failures))
            await self._connection.until_account(pause)
        else:
            await self._connection.sleep(pause)

    async def _leave_to_user(self, task: Task, why: str, raw: str = "") -> None:
        """It may have been made and billed, so nothing is done by itself any more."""
        note = f"{why} s sends the same request once more, under the same key."
        aside = task.change(watched=False, set_aside=SetAside.UNSURE, note=note)
        await self._cache.save(aside, "unsure", raw)

    def _may_move(self, task: Task) -> bool:
        model = self._catalog.get(task.action, task.model)
        known = model is not None and "service" in model.routes
        return known and task.route == "unified" and self._api == "auto"

    async def _until_open(self, task_id: str) -> None:
        """Until neither the user nor the service wants submits to wait."""
        while True:
            await self._scheduler.until_open()
            left = self._connection.rest
            if left <= 0:
                return
            if self._tries is not None and left > LONGEST_COMMAND_REST:
                until = clock(time.time() + left)
                raise GaveUpError(
                    RateLimitError(f"The service asked to wait until {until}.")
                )
            await self._cache.note(
                task_id,
                f"The service asked to wait: sending at {clock(self._connection.open_at)}.",
            )
            await asyncio.sleep(left)

    # ---- local files

    def _needs_upload(self, task: Task) -> bool:
        """Whether a request that was surely not made lacks its body, or names files
        that the service can't read any more: it may have waited for hours.
        """
        if not task.body:
            return True
        model = self._catalog.get(task.action, task.model)
        if model is None:
            return False
        if not source_images.local_files(model.routes[task.route], task.values):
            return False
        return not self._lives(task.uploads_until, self._uploads_end.get(task.id))

    @staticmethod
    def _lives(until: float, end: float | None) -> bool:
        """Whether an upload can be read `until` then, by a clock that may have been set
        since; and before `end`, by the one that never is, as far as this process has
        seen the upload.
        """
        now = time.time()
        believed = now < until <= now + UPLOAD_LASTS + CLOCK_ERROR
        return believed and (end is None or time.monotonic() < end)

    async def _check_addresses(self, task: Task) -> None:
        """Raises InvalidError for the address of an upload of ours that has ended: a
        value that was copied from an earlier request.
        """
        model = self._catalog.get(task.action, task.model)
        if model is None:
            return
        for name, address in source_images.image_urls(
            model.routes[task.route], task.values
        ):
            until = await self._cache.run(
                Store.upload_ends, self._client.base_url, address
            )
            if until and not self._lives(until, self._upload_ends.get(address)):
                told = (
                    f"{one_line(address, 80)} was an upload, which lives for an hour:"
                    " choose the file itself."
                )
                raise draft.InvalidRequestError({name: f"{told} Nothing was charged."})

    async def _upload_files(self, task: Task) -> Task:
        """Local files go up before anything is paid; a failed upload stops here. The
        body and its key are new.
        """
        model = self.model(task)
        route = model.routes[task.route]
        files = source_images.local_files(route, task.values)
        # While the last of many large files goes up, the first may end
        for _ in range(UPLOAD_ROUNDS):
            urls: dict[Path, str] = {}
            untils: list[float] = []
            for name, path in files:
                if path not in urls:
                    await self._cache.note(task.id, f"Uploading {path.name}.")
                    urls[path], until = await self._upload(name, path)
                    untils.append(until)
            until = min(untils, default=0.0)
            end = min((self._upload_ends[url] for url in urls.values()), default=0.0)
            if self._lives(until, end) or not files:
                break
        else:
            raise draft.InvalidRequestError(
                {files[0][0]: "The files took too long to upload. Nothing was charged."}
            )
        self._uploads_end[task.id] = end
        planned = draft.with_body(
            task, model, source_images.with_uploads(route, task.values, urls)
        )
        return replace(
            planned, uploads_until=until, revision=self._cache.tasks[task.id].revision
        )

    async def _upload(self, name: str, path: Path) -> tuple[str, float]:
        """Return the URL of a file, and until when it can be read.

        Once per content within its hour, also when several tasks want it at the same
        time. Raises InvalidError, or ServiceError for trouble that passes.
        """
        try:
            content = await asyncio.to_thread(read_small_file, path, draft.MAX_UPLOAD)
            digest, checksum = await asyncio.to_thread(_digests, content)
            async with self._uploading.setdefault(digest, asyncio.Lock()):
                url = await self._cache.run(
                    Store.uploaded, self._client.base_url, digest
                )
                until = (
                    await self._cache.run(Store.upload_ends, self._client.base_url, url)
                    if url
                    else 0.0
                )
                if not self._lives(until, self._upload_ends.get(url)):
                    asked_at, until = time.monotonic(), time.time() + UPLOAD_LASTS
                    url = await self._client.upload(path, content, checksum)
                    self._upload_ends[url] = asked_at + UPLOAD_LASTS
                    await self._cache.run(
                        Store.remember_upload,
                        self._client.base_url,
                        digest,
                        url,
                        until - time.time(),
                    )
                self._upload_ends.setdefault(
                    url, time.monotonic() + until - time.time()
                )
            return url, until
        except OSError as error:
            raise draft.InvalidRequestError(
                {name: f"{path} can't be read: {error.strerror}."}
            ) from error
        except (RateLimitError, AuthenticationError, CreditsError) as error:
            raise type(error)(
                str(error), status=error.status, retry_after=error.retry_after
            ) from error
        except ServiceError as error:
            if isinstance(error, NetworkError):
                # Nothing that is paid was sent
                raise NetworkError(str(error), sent=False) from error
            if error.passing:
                raise UploadError(str(error), retry_after=error.retry_after) from error
            raise draft.InvalidRequestError(
                {name: f"{error} Nothing was charged."}
            ) from error


def _digests(content: bytes) -> tuple[str, str]:
    """SHA-256 in hex, to know the content by, and MD5 in base64, as the service wants
    it.
    """
    md5 = hashlib.md5(content, usedforsecurity=False).digest()
    return hashlib.sha256(content).hexdigest(), base64.b64encode(md5).decode()


def _of_source(error: ConflictError) -> bool:
    """Whether a conflict is over the task that a request builds on, and not over the
    request itself.
    """
    return "source_task" in error.raw or "source task" in str(error).lower()
