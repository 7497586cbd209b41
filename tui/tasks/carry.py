"""One task's way: from held on disk, over the server, to whole files in the output folder."""

import asyncio
import base64
import hashlib
import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from tui.catalog.load import Catalog
from tui.catalog.route import Api
from tui.catalog.spec import Model, RouteName
from tui.service.client import Client
from tui.service.errors import (
    AuthenticationError,
    DownloadError,
    GoneError,
    NetworkError,
    NotFoundError,
    RateLimitError,
    ServiceError,
)
from tui.service.wire import Answer
from tui.tasks import plan
from tui.tasks.desk import Desk
from tui.tasks.task import Problem, Result, Status, Task
from tui.text import duration, plain

T = TypeVar("T")

MISSING_FOR = 60.0
"""Seconds for which the server must deny a task before that is believed: it may not be visible yet."""
RESEND_FOR = 24 * 3600.0
"""Seconds for which an unsure request is sent again by itself; how long a server knows a key isn't published."""

UPLOAD_LASTS = 50 * 60.0
"""Seconds for which an uploaded file is used again; the service keeps it for an hour."""


class GaveUpError(Exception):
    """Bounded patience is over; the task stays as it is and can be resumed."""

    def __init__(self, problem: ServiceError) -> None:
        super().__init__(str(problem))
        self.problem = problem


def poll_pause(age: float) -> float:
    """Seconds until the next poll of a task that was sent `age` seconds ago."""
    if age < 20:
        return 2.0
    return 3.0 if age < 60 else random.uniform(5.0, 7.0)


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row: doubling, jittered, at most about half a minute."""
    return min(30.0, 0.5 * 2.0 ** min(failures, 8)) * random.uniform(0.75, 1.25)


class Carrier:
    """Carries tasks of one base URL. What tasks share stands here: slots, the request gate, the 429 pause."""

    def __init__(
        self,
        desk: Desk,
        client: Client,
        catalog: Catalog,
        *,
        api: Api,
        concurrency: int,
        pause: Callable[[float], float],
        tries: int | None,
        on_route: Callable[[RouteName], None],
    ) -> None:
        self._desk = desk
        self._client = client
        self._catalog = catalog
        self._api = api
        self._pause = pause
        self._tries = tries
        self._on_route = on_route
        self._slots = asyncio.Semaphore(concurrency)
        self._gate = asyncio.Semaphore(16)
        self._submits_open_at = 0.0
        self._uploading: dict[str, asyncio.Lock] = {}

    async def carry(self, task_id: str) -> None:
        """Until the task has ended, or waits for the user. Raises GaveUpError where `tries` are used up."""
        if self._desk.tasks[task_id].status in (Status.HELD, Status.SUBMITTING):
            async with self._slots:
                await self._send(task_id)
                await self._poll(task_id)
        else:
            await self._poll(task_id)
        await self._fetch(task_id)

    def model(self, task: Task) -> Model:
        """The task's model in the catalog. Raises LookupError."""
        model = self._catalog.get(task.action, task.model)
        if model is None:
            raise LookupError(f"{task.model} is no longer in the catalog.")
        return model

    # ---- send

    async def _send(self, task_id: str) -> None:
        """From held to a task at the server. Ends rejected, or held for the user, where that can't be."""
        failures = 0
        try:
            while (task := self._desk.tasks[task_id]).status in (Status.HELD, Status.SUBMITTING):
                await self._until_submits_open(task_id)
                if task.status is Status.SUBMITTING and time.time() - task.sent_at > RESEND_FOR:
                    note = (
                        "Sent more than a day ago, outcome unknown. Watch it again to send the same request again."
                    )
                    await self._desk.save(task.change(watched=False, note=note), "unsure")
                    return
                task = await self._ready(task_id)
                try:
                    answer = await self._ask(
                        self._client.submit(task.route, task.service, task.action, task.body, task.key)
                    )
                except ServiceError as error:
                    failures += 1
                    await self._refused(task_id, error, failures)
                else:
                    await self._learn_route(task.route)
                    await self._apply(task_id, answer, "accepted")
        except plan.InvalidError as error:
            task = self._desk.tasks[task_id]
            held = Status.HELD if task.status is Status.SUBMITTING else None
            problem = Problem("validation", str(error))
            await self._desk.save(task.change(held, error=problem, sent_at=0, note=""), "held for the user")

    async def _ready(self, task_id: str) -> Task:
        """The task as it stands on disk right before it is sent: its exact body and key, marked as on its way."""
        task = self._desk.tasks[task_id]
        if task.status is Status.SUBMITTING:
            return task
        if self._desk.learnt.get("route") == "service" and self._may_move(task):
            task = await asyncio.to_thread(plan.move, task, self.model(task), "service")
        if not task.body:
            task = await self._upload_files(task)
        return await self._desk.save(task.change(Status.SUBMITTING, sent_at=time.time(), note=""), "sending")

    async def _upload_files(self, task: Task) -> Task:
        """Local files go up before anything is paid; a failed upload stops here."""
        model = self.model(task)
        route = model.routes[task.route]
        urls: dict[Path, str] = {}
        for name, path in plan.local_files(route, task.values):
            if path not in urls:
                await self._desk.note(task.id, f"Uploading {path.name}.")
                urls[path] = await self._upload(name, path)
        return plan.with_body(task, model, plan.uploaded(route, task.values, urls))

    async def _upload(self, name: str, path: Path) -> str:
        """Once per content within its hour, also when several tasks want it at the same time."""
        try:
            content = await asyncio.to_thread(path.read_bytes)
            digest = hashlib.sha256(content).hexdigest()
            async with self._uploading.setdefault(digest, asyncio.Lock()):
                url = await self._desk.uploaded(digest)
                if not url:
                    checksum = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
                    url = await self._ask(self._client.upload(path, content, checksum))
                    await self._desk.keep_upload(digest, url, UPLOAD_LASTS)
            return url
        except OSError as error:
            raise plan.InvalidError({name: f"{path} can't be read: {error.strerror}."}) from error
        except ServiceError as error:
            raise plan.InvalidError({name: f"{error} Nothing was charged."}) from error

    async def _refused(self, task_id: str, error: ServiceError, failures: int) -> None:
        """What an unsuccessful submit leads to."""
        task = self._desk.tasks[task_id]
        if error.task_id:  # a task was made all the same
            adopted = Answer(task_id=error.task_id, state="pending", raw=error.raw)
            await self._apply(task_id, adopted, "adopted")
        elif isinstance(error, NotFoundError) and self._api == "auto" and self._may_move(task):
            # The route isn't there, so nothing was made: the other one, with a new body and key.
            await self._learn_route("service")
            held = await self._desk.save(task.change(Status.HELD, sent_at=0), "no such route", error.raw)
            moved = await asyncio.to_thread(plan.move, held, self.model(task), "service")
            await self._desk.save(moved, "moved to the service route")
        elif error.passing:
            await self._try_again(task, error, failures)
        else:
            if isinstance(error, NotFoundError) and self._desk.learnt.get("route") == task.route:
                await self._desk.learn("route", "")
            problem = Problem(error.kind, str(error))
            await self._desk.save(task.change(Status.REJECTED, error=problem, note=""), "rejected", error.raw)

    async def _try_again(self, task: Task, error: ServiceError, failures: int) -> None:
        unsent = isinstance(error, NetworkError) and not error.sent
        unmade = unsent or isinstance(error, RateLimitError)
        pause = backoff(failures) if error.retry_after is None else error.retry_after
        if isinstance(error, RateLimitError):
            self._submits_open_at = max(self._submits_open_at, time.monotonic() + pause)
        again = "Trying again" if unmade else "Outcome unknown: sending again with the same key"
        note = f"{error} {again} in {duration(pause + 0.5)}."
        # What was surely not made is held once more: free to drop until the next try.
        change = task.change(Status.HELD, sent_at=0, note=note) if unmade else task.change(note=note)
        await self._desk.save(change, error.kind, error.raw)
        if self._tries is not None and failures >= self._tries:
            raise GaveUpError(error)
        await asyncio.sleep(pause)

    def _may_move(self, task: Task) -> bool:
        return task.route == "unified" and self._api == "auto" and "service" in self.model(task).routes

    async def _until_submits_open(self, task_id: str) -> None:
        while (left := self._submits_open_at - time.monotonic()) > 0:
            await self._desk.note(task_id, f"The service asked to wait: sending in {duration(left + 0.5)}.")
            await asyncio.sleep(left)

    async def _learn_route(self, route: RouteName) -> None:
        if await self._desk.learn("route", route):
            self._on_route(route)

    # ---- poll

    async def _poll(self, task_id: str) -> None:
        """Until the server has ended the task."""
        failures, missing_since = 0, 0.0
        wait = self._pause(0)
        while (task := self._desk.tasks[task_id]).status in (Status.PENDING, Status.PROCESSING):
            await asyncio.sleep(wait)
            try:
                answer = await self._ask(
                    self._client.status(task.route, task.service, task.action, task.remote_id, task.location)
                )
            except NotFoundError as error:
                wait = self._pause(time.time() - task.sent_at)
                missing_since = missing_since or time.monotonic()
                if time.monotonic() - missing_since > MISSING_FOR:
                    problem = Problem(error.kind, "The service no longer knows this task.")
                    await self._desk.save(task.change(Status.EXPIRED, error=problem, note=""), "expired", error.raw)
            except ServiceError as error:
                # Patience, not failure: a task fails only when the server says so.
                failures += 1
                wait = backoff(failures) if error.retry_after is None else error.retry_after
                await self._desk.note(task_id, f"{error} Asking again.")
                if self._tries is not None and (failures >= self._tries or isinstance(error, AuthenticationError)):
                    raise GaveUpError(error) from error
            else:
                failures, missing_since = 0, 0.0
                wait = answer.retry_after or self._pause(time.time() - task.sent_at)
                await self._desk.learn("status", self._client.status_form)
                await self._apply(task_id, answer, "answered")

    async def _apply(self, task_id: str, answer: Answer, event: str) -> None:
        """What an answer makes of a task; written only if it changes something."""
        task = self._desk.tasks[task_id]
        fields: dict[str, Any] = {
            "word": answer.word,
            "progress": answer.progress,
            "note": "",
            "remote_id": task.remote_id or answer.task_id,
            "location": answer.location or task.location,
            "cost_micro": task.cost_micro if answer.cost_micro is None else answer.cost_micro,
        }
        status: Status | None = None
        if answer.state == "completed":
            status = Status.FETCHING
            fields["results"] = tuple(Result(url=url) for url in answer.urls)
        elif answer.state == "failed":
            status = Status.FAILED
            fields["error"] = Problem(
                "failed", answer.error or f"The service says {answer.word}, without a reason."
            )
        elif answer.state in ("pending", "processing"):
            status = Status(answer.state)
        elif task.status is Status.SUBMITTING:
            status = Status.PENDING
        news = any(getattr(task, name) != value for name, value in fields.items())
        if news or status not in (None, task.status):
            await self._desk.save(task.change(status, **fields), event, answer.raw)

    # ---- fetch

    async def _fetch(self, task_id: str) -> None:
        """Save every result; a task completes when all are whole files."""
        while (task := self._desk.tasks[task_id]).status is Status.FETCHING:
            index = next((index for index, result in enumerate(task.results) if not result.path), None)
            if index is None:
                error = None if task.results else Problem("empty", "The service finished without a picture.")
                await self._desk.save(task.change(Status.COMPLETED, error=error, note=""), "completed")
                return
            await self._fetch_one(task_id, index)

    async def _fetch_one(self, task_id: str, index: int) -> None:
        from tui.tasks import images  # Pillow: only once there is something to look at

        failures = 0
        while (task := self._desk.tasks[task_id]).status is Status.FETCHING:
            try:
                saved = await self._ask(self._download(task, index))
            except (ServiceError, OSError, images.ImageError) as error:
                failures += 1
                gone, unreadable = isinstance(error, GoneError), isinstance(error, images.ImageError)
                if gone or (unreadable and failures >= 3):
                    status = Status.EXPIRED if gone else Status.FAILED
                    problem = Problem("download", f"Made, but not saved: {plain(error)}")
                    await self._desk.save(task.change(status, error=problem, note=""), "not saved")
                    return
                await self._desk.note(task_id, f"Not saved yet: {plain(error)} Trying again.")
                if self._tries is not None and failures >= self._tries:
                    raise GaveUpError(DownloadError(f"Not saved yet: {plain(error)}")) from error
                await asyncio.sleep(backoff(failures))
            else:
                results = (*task.results[:index], saved, *task.results[index + 1 :])
                await self._desk.save(task.change(results=results, note=""), "saved", saved.path)
                return

    async def _download(self, task: Task, index: int) -> Result:
        from tui.tasks import images

        folder, result = Path(task.out_dir), task.results[index]
        part = folder / f".{task.id}-{index}.part"
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        try:
            await self._client.download(result.url, part)
            path, facts = await asyncio.to_thread(images.keep, part, folder, file_stem(task))
        finally:
            await asyncio.to_thread(part.unlink, missing_ok=True)
        return Result(
            url=result.url,
            path=str(path),
            format=facts.format,
            width=facts.width,
            height=facts.height,
            bytes=facts.bytes,
        )

    async def _ask(self, request: Awaitable[T]) -> T:
        async with self._gate:
            return await request


def file_stem(task: Task) -> str:
    """The name of a saved image, without its ending: day, model, the prompt's first words, the task."""
    from tui.tasks.images import safe_stem

    day = time.strftime("%Y%m%d", time.localtime(task.created_at))
    words = "-".join(task.prompt.split()[:6])[:40]
    return safe_stem("-".join(part for part in (day, task.model, words, task.id[-6:]) if part))
