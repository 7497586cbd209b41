"""Sends tasks: from held on disk to a task at the server.

A mistake here would pay twice: a request is on disk, with its key, before it is sent.
"""

import asyncio
import re
import time
from contextlib import suppress

from msgspec.structs import replace

from tui.catalog.load import Catalog
from tui.catalog.spec import Model
from tui.catalog.undescribed import NO_SERVICES
from tui.service.base_url import DEFAULT_BASE_URL
from tui.service.errors import (
    AuthenticationError,
    ConflictError,
    CreditsError,
    DownloadError,
    GarbledError,
    NetworkError,
    NotFoundError,
    RateLimitError,
    ServiceError,
    UploadError,
)
from tui.service.task_answer import Answer
from tui.tasks import draft, inline
from tui.tasks.answer import answered, results, with_left_out
from tui.tasks.cache import TaskCache
from tui.tasks.ceilings import (
    NONE,
    CeilingError,
    ChargePendingError,
    describe_total,
)
from tui.tasks.connection import Connection
from tui.tasks.models import ModelGoneError, find_model, known_model
from tui.tasks.options import EngineOptions
from tui.tasks.retry import GaveUpError, asked_pause, backoff
from tui.tasks.scheduler import Scheduler
from tui.tasks.task import CLOCK_ERROR, Problem, SetAside, Status, Task
from tui.tasks.uploads import Uploader
from tui.text import clock, dollars, duration, one_line

RESEND_FOR = 24 * 3600.0
"""Seconds in which an unsure request is sent again automatically.

It isn't published how long the server knows a key.
"""
TOP_UP = f"{DEFAULT_BASE_URL}/billing"
BALANCE_KNOWN = 5.0
"""Seconds for which a balance explains refusals before it is fetched again."""
ACCOUNT_PAUSE = 60.0
"""Seconds between tries of a request while its key is refused or has no credit."""
AWAITS_CHARGE = (
    "Waiting for the charge of another task: a spending limit depends on it."
)
UNSURE_TRIES = 8
"""Tries of a request that may have been accepted, while the answer may still change."""
KEY_TAKEN = (
    "The service knows this key with other input. Nothing was made or charged: give"
    " another key."
)
LONGEST_COMMAND_REST = 600.0
"""Seconds that a command waits if the service asks for it; the app always waits."""
CHARGE_PAUSE = 1.0
"""Seconds between looks whether the charge of another task is known by now."""
_NAME = re.compile("[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*")
"""Matches the name of a service or an action."""


class _NotNowError(Exception):
    """Reports that sending was paused right before a request was sent."""


def may_be_resent(task: Task, at_least: float | None = None) -> bool:
    """Returns whether an unsure request may be sent again automatically.

    It may for `RESEND_FOR` after it was first sent, or after the user chose to send it
    again. A moment in the future comes from a clock that was wrong: it only counts if
    the request is known to be `at_least` so many seconds old.
    """
    now = time.time()
    age = now - task.sent_at
    if at_least is not None:
        age = max(age, at_least)
    ages = [age]
    if task.resend_at:
        ages.append(now - task.resend_at)
    return any(-CLOCK_ERROR <= seconds <= RESEND_FOR for seconds in ages)


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
        self.ceilings = options.ceilings
        """What a job and a day may cost."""
        self._connection = connection
        self._client = connection.client
        self._scheduler = scheduler
        self._api = options.api
        self._tries = options.tries
        self._balance_micro: int | None = None
        self._balance_at = -BALANCE_KNOWN
        self._uploader = Uploader(cache, connection.client)
        self._sent_here: dict[str, float] = {}
        """By task: when this process has sent it, by the monotonic clock."""
        self._chosen: set[str] = set()
        """Tasks that the user wants sent again, wherever their rows lead."""

    def model(self, task: Task) -> Model:
        """Returns the task's model in the catalog. Raises ModelGoneError."""
        return known_model(self._catalog, task)

    def _is_of_catalog(self, task: Task) -> bool:
        """Returns whether a task goes where the catalog sends its model.

        Anything else in the queue file is not this program's word.
        """
        model = find_model(self._catalog, task)
        if model is None or task.imported:
            return False
        return task.service == model.service and task.route in model.routes

    def allow_again(self, task_id: str) -> None:
        """Notes that the user wants an unsure request to be sent again as it is."""
        self._chosen.add(task_id)

    def _may_go_again(self, task: Task) -> bool:
        """Returns whether a request that may have been paid may be sent once more.

        Its model may have left the catalog, or have another service there by now: only
        the user can know that the row of the queue file is right.
        """
        if self._is_of_catalog(task):
            return True
        return task.id in self._chosen and not task.imported and _is_well_formed(task)

    async def send(self, task_id: str) -> None:
        """Sends a task until it is at the server, rejected, or waits for the user.

        Raises GaveUpError when `tries` are used up.
        """
        task = self._cache.tasks[task_id]
        if task.status is Status.SUBMITTING and not self._may_go_again(task):
            model = one_line(task.model, 80)
            why = f"{model} is not in the catalog as this task names it."
            await self._leave_to_user(task, why)
            return
        if task.status is Status.SUBMITTING and not task.unsure:
            # Its last process ended between sending and reading the answer.
            await self._cache.save(task.change(unsure=True))
        try:
            await self._send_until_accepted(task_id)
        except (draft.InvalidRequestError, ModelGoneError) as error:
            task = self._cache.tasks[task_id]
            status = Status.HELD if task.status is Status.SUBMITTING else None
            problem = Problem("validation", str(error))
            held = task.change(status, error=problem, sent_at=0, note="")
            await self._cache.save(held, "held for the user")
        finally:
            self._sent_here.pop(task_id, None)
            self._chosen.discard(task_id)
            if self._cache.tasks[task_id].status is not Status.HELD:
                self._uploader.forget(task_id)

    async def _send_until_accepted(self, task_id: str) -> None:
        """Tries to send a task until it is accepted, or stops being held or sent.

        Raises InvalidRequestError, ModelGoneError, and GaveUpError.
        """
        failures = 0
        accepted = self._connection.accepted
        while self._is_unsent(task_id):
            task = self._cache.tasks[task_id]
            if task.status is Status.SUBMITTING and self._is_too_old(task):
                why = "This was sent more than a day ago, and the outcome is unknown."
                await self._leave_to_user(task, why)
                return
            await self._until_open(task_id)
            try:
                answer = await self._connection.submit(lambda: self._submit(task_id))
            except _NotNowError:
                continue
            except ChargePendingError:
                await self._cache.note(task_id, AWAITS_CHARGE)
                await asyncio.sleep(CHARGE_PAUSE)
                continue
            except CeilingError as error:
                await self._stop_at_ceiling(task_id, error)
                return
            except ServiceError as error:
                others_pass = self._connection.accepted > accepted
                if isinstance(error, RateLimitError) and others_pass:
                    # Other tasks were accepted: there is progress.
                    failures = 0
                    accepted = self._connection.accepted
                failures += 1
                await self._handle_refusal(self._cache.tasks[task_id], error, failures)
                continue
            if await self._note_accepted(task_id, answer):
                return
            failures += 1
            await self._ask_again(task_id, failures)

    def _is_unsent(self, task_id: str) -> bool:
        task = self._cache.tasks[task_id]
        return task.watched and task.status in (Status.HELD, Status.SUBMITTING)

    async def _note_accepted(self, task_id: str, answer: Answer) -> bool:
        """Notes that the service has a task; returns whether it is received.

        It is not where its picture came at once, can't be written, and could not be
        asked for: the same key brings the same answer again.
        """
        task = self._cache.tasks[task_id]
        await self._cache.learn("route", task.route)
        has_ended = answer.state in ("completed", "failed")
        if has_ended and not (results(answer) or answer.error):
            # A repeated answer that lacks the outcome: poll for it.
            answer = replace(answer, state="pending")
        event = with_left_out("accepted", answer)
        changed = answered(task, answer)
        try:
            await inline.keep(changed, answer.pictures)
        except OSError:
            if not (changed.remote_id or changed.location):
                unsure = task.change(unsure=True)
                await self._cache.save(unsure, "not written yet", answer.raw)
                return False
            # The picture is asked for until it can be written.
            changed = answered(task, replace(answer, state="pending", results=()))
        await self._cache.save(changed, event, answer.raw)
        return True

    async def _ask_again(self, task_id: str, failures: int) -> None:
        """Waits to send a request again whose answer can't be written.

        Raises GaveUpError.
        """
        pause = backoff(failures)
        folder = one_line(self._cache.tasks[task_id].out_dir, 200)
        wait = duration(pause + 0.5)
        note = (
            "The picture came with the service's answer, but can't be written to"
            f" {folder}. Asking again with the same key in {wait}: it isn't paid twice."
        )
        await self._cache.note(task_id, note)
        if self._tries is not None and failures >= self._tries:
            raise GaveUpError(DownloadError(note))
        await self._connection.sleep(pause)

    def _is_too_old(self, task: Task) -> bool:
        """Returns whether a request is too old to be sent again automatically."""
        sent_here = self._sent_here.get(task.id)
        if sent_here is None:
            return not may_be_resent(task)
        # What this process has sent itself doesn't depend on the wall clock.
        return not may_be_resent(task, time.monotonic() - sent_here)

    async def _submit(self, task_id: str) -> Answer:
        task = await self._prepare(task_id)
        return await self._client.submit(
            task.route, task.service, task.action, task.body, task.key
        )

    async def _prepare(self, task_id: str) -> Task:
        """Returns the task as it is on disk right before it is sent.

        It has its exact body and key, and is marked as being sent. Raises
        InvalidRequestError, ModelGoneError, ServiceError, CeilingError,
        ChargePendingError and _NotNowError.
        """
        task = self._cache.tasks[task_id]
        if not task.watched:
            # It was set aside while it waited for the connection.
            raise _NotNowError
        if task.status is Status.SUBMITTING:
            return task
        if not self._is_of_catalog(task):
            raise ModelGoneError(
                f"{one_line(task.model, 80)} is no longer in the catalog."
            )
        if self._cache.route == "service" and self._may_move(task):
            task = await self._rerouted(task)
        model = find_model(self._catalog, task)
        await self._uploader.check_addresses(task, model)
        if self._uploader.needs(task, model):
            task = await self._uploader.upload_files(task, self.model(task))
        if self._scheduler.paused or self._connection.rest:
            # It was open before the files were uploaded.
            raise _NotNowError
        self._sent_here[task.id] = time.monotonic()
        sending = task.change(Status.SUBMITTING, sent_at=time.time(), note="")
        most = NONE if task.over_ceiling else self.ceilings
        return await self._cache.save_sending(sending, most)

    async def _stop_at_ceiling(self, task_id: str, error: CeilingError) -> None:
        """Sets a task aside that would pass a ceiling, with the rest of its job."""
        self._sent_here.pop(task_id, None)
        task = self._cache.tasks[task_id]
        cost = describe_total(error.verdict.cost)
        note = (
            f"Not sent, not charged: it would cost {cost}. {error} Raise that limit and"
            " start an open app again, or send it anyway: `s` in the app, or"
            f" `runapi-tui resume --over-budget {task.job or task.id}`."
        )
        await self._cache.set_aside_job(task, note)

    async def _rerouted(self, task: Task) -> Task:
        """Returns the task for the service route, with a new body and key."""
        model = self.model(task)
        return await asyncio.to_thread(draft.reroute, task, model, "service")

    async def _handle_refusal(
        self, task: Task, error: ServiceError, failures: int
    ) -> None:
        """Decides what an unsuccessful submit leads to. Raises GaveUpError.

        Only what was surely never made may be held, moved or rejected.
        """
        is_conflict = isinstance(error, ConflictError)
        if is_conflict and _is_of_caller(task, error):
            problem = Problem(error.kind, KEY_TAKEN)
            rejected = task.change(Status.REJECTED, error=problem, note="")
            await self._cache.save(rejected, "rejected", error.raw)
            return
        if is_conflict and not task.unsure and not _is_of_source(error):
            # Nobody else has this key: something on the way has sent the request twice,
            # and the first is at work.
            unsure = task.change(unsure=True)
            event = "a conflict over a new key"
            task = await self._cache.save(unsure, event, error.raw)
        if error.task_id:  # a task was made all the same
            adopted = Answer(task_id=error.task_id, state="pending", raw=error.raw)
            await self._cache.save(answered(task, adopted), "adopted", error.raw)
        elif error.passing or _is_of_account(error):
            await self._try_again(task, error, failures)
        elif task.unsure:
            # The first try is at work, or the answer came from something on the way.
            may_change = is_conflict or not error.in_words
            if may_change and failures < min(UNSURE_TRIES, self._tries or UNSURE_TRIES):
                await self._try_again(task, error, failures)
                return
            why = f"{error} An earlier try may have been accepted."
            await self._leave_to_user(task, why, error.raw)
            raise GaveUpError(error)
        elif _has_no_route(error) and self._may_move(task):
            # The route isn't there, so nothing was made: the other one, with a new body
            # and key.
            await self._cache.learn("route", "service")
            held = task.change(Status.HELD, sent_at=0)
            held = await self._cache.save(held, "no such route", error.raw)
            moved = await self._rerouted(held)
            await self._cache.save(moved.change(), "moved to the service route")
        elif not error.in_words:
            # Maybe not from the service, but from something on the way, for a while.
            garbled = GarbledError(str(error), status=error.status, raw=error.raw)
            await self._try_again(task, garbled, failures)
        else:
            if _has_no_route(error) and self._cache.route == task.route:
                await self._cache.learn("route", "")
            problem = Problem(error.kind, str(error))
            rejected = task.change(Status.REJECTED, error=problem, note="")
            await self._cache.save(rejected, "rejected", error.raw)

    async def _reason(self, task: Task, error: ServiceError) -> str:
        """Returns why a request was refused, with the balance if that is too low."""
        if not isinstance(error, CreditsError):
            return str(error)
        # A job of many tasks is refused at once: one look at the balance is enough.
        if time.monotonic() - self._balance_at > BALANCE_KNOWN:
            with suppress(ServiceError):
                balance = await self._connection.ask(
                    self._client.balance_micro, of_key=False
                )
                self._balance_at = time.monotonic()
                self._balance_micro = balance
        balance = self._balance_micro
        estimate = task.estimate_micro
        if balance is None or estimate is None or balance >= estimate:
            return str(error)
        place = "the service's website"
        if self._client.base_url == DEFAULT_BASE_URL:
            place = TOP_UP
        return (
            f"The balance is too low: {dollars(estimate)} needed, {dollars(balance)} left."
            f" Top up at {place}."
        )

    async def _try_again(self, task: Task, error: ServiceError, failures: int) -> None:
        """Notes a failed try and waits for the next one. Raises GaveUpError."""
        of_account = _is_of_account(error)
        is_unmade = not task.unsure and _is_never_made(error)
        pause = asked_pause(backoff(failures), error.retry_after)
        if of_account:
            pause = max(pause, ACCOUNT_PAUSE)
        reason = await self._reason(task, error)
        wait = duration(pause + 0.5)
        if is_unmade:
            # It is held once more: free to drop until the next try.
            note = f"{reason} Trying again in {wait}."
            changed = task.change(Status.HELD, sent_at=0, note=note)
        else:
            note = (
                f"{reason} Outcome unknown: sending again with the same key in {wait}."
            )
            changed = task.change(unsure=True, note=note)
        await self._cache.save(changed, error.kind, error.raw)
        if self._tries is not None:
            too_long = (error.retry_after or 0) > LONGEST_COMMAND_REST
            if of_account:
                raise GaveUpError(type(error)(reason))
            if too_long or failures >= self._tries:
                raise GaveUpError(error)
        if of_account:
            # Polls with the same key may be answered all the time, and would end the
            # wait at once.
            await asyncio.sleep(backoff(failures))
            await self._connection.until_account(pause)
        else:
            await self._connection.sleep(pause)

    async def _leave_to_user(self, task: Task, why: str, raw: str = "") -> None:
        """Sets a task aside that may be billed: only the user may send it again."""
        if task.imported or not _is_well_formed(task):
            note = f"{why} Its request leads to no model: it isn't sent again."
        else:
            note = (
                f"{why} `s` in the app, or `runapi-tui resume {task.id}`, sends the"
                " same request once more, under the same key."
            )
        changed = task.change(watched=False, set_aside=SetAside.UNSURE, note=note)
        await self._cache.save(changed, "unsure", raw)

    def _may_move(self, task: Task) -> bool:
        model = find_model(self._catalog, task)
        known = model is not None and "service" in model.routes
        return known and task.route == "unified" and self._api == "auto"

    async def _until_open(self, task_id: str) -> None:
        """Waits until neither the user nor the service wants submits to wait.

        Raises GaveUpError for a command that would wait too long.
        """
        while True:
            await self._scheduler.until_open()
            rest = self._connection.rest
            if rest <= 0:
                return
            if self._tries is not None and rest > LONGEST_COMMAND_REST:
                until = clock(time.time() + rest)
                raise GaveUpError(
                    RateLimitError(f"The service asked to wait until {until}.")
                )
            sending_at = clock(self._connection.open_at)
            note = f"The service asked to wait: sending at {sending_at}."
            await self._cache.note(task_id, note)
            await asyncio.sleep(rest)


def _is_well_formed(task: Task) -> bool:
    """Returns whether a task's request has all it needs, and leads to a model."""
    names = (task.service, task.action)
    is_named = all(map(_NAME.fullmatch, names)) and task.service not in NO_SERVICES
    return is_named and bool(task.body and task.key)


def _is_of_account(error: ServiceError) -> bool:
    """Returns whether the key was refused, or has no credit."""
    return isinstance(error, AuthenticationError | CreditsError)


def _has_no_route(error: ServiceError) -> bool:
    """Returns whether the route isn't there; a model that was retired is on neither."""
    return isinstance(error, NotFoundError) and error.status != 410


def _is_never_made(error: ServiceError) -> bool:
    """Returns whether the error shows that this try made nothing."""
    if isinstance(error, NetworkError):
        return not error.sent
    return _is_of_account(error) or isinstance(error, UploadError | RateLimitError)


def _is_of_caller(task: Task, error: ServiceError) -> bool:
    """Returns whether the caller's key was used elsewhere, for another request.

    The service says so only of input that differs from what it got with the key.
    """
    is_first_try = not task.unsure
    return bool(task.caller_key) and is_first_try and "request_conflict" in error.raw


def _is_of_source(error: ServiceError) -> bool:
    """Returns whether a conflict is over the task that a request builds on."""
    return "source_task" in error.raw or "source task" in str(error).lower()
