"""One task's way: sent, polled, its images fetched as whole files into the output folder."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from msgspec.structs import replace

from tui.service.client import Client
from tui.service.errors import AuthenticationError, DownloadError, GoneError, NotFoundError, ServiceError
from tui.service.wire import Answer
from tui.tasks import naming
from tui.tasks.answer import answered
from tui.tasks.desk import Desk
from tui.tasks.line import Line
from tui.tasks.patience import GaveUpError, backoff
from tui.tasks.send import Sender
from tui.tasks.slots import Slots
from tui.tasks.task import Problem, Result, Status, Task
from tui.text import duration, plain

MISSING_FOR = 60.0
"""Seconds for which the server must deny a task before that is believed: it may not be visible yet."""


class Carrier:
    """Carries tasks of one base URL."""

    def __init__(
        self,
        desk: Desk,
        client: Client,
        sender: Sender,
        line: Line,
        slots: Slots,
        *,
        pause: Callable[[float], float],
        quiet_after: float,
        name: str,
        embed: bool,
        tries: int | None,
    ) -> None:
        """`pause` says how long to wait until the next poll, by the seconds since a task was sent; a task without
        news for `quiet_after` seconds is marked."""
        self._desk = desk
        self._client = client
        self._sender = sender
        self._line = line
        self._slots = slots
        self._pause = pause
        self._quiet_after = quiet_after
        self._name = name
        self._embed = embed
        self._tries = tries
        self._downloads = asyncio.Semaphore(8)  # apart from the line: a slow file host must not hold up a submit

    async def carry(self, task_id: str) -> None:
        """Until the task has ended, or waits for the user. Raises GaveUpError where `tries` are used up."""
        task = self._desk.tasks[task_id]
        if task.status is not Status.FETCHING:
            unsent = task.status in (Status.HELD, Status.SUBMITTING)
            async with self._slots.place(task.turn, wait=unsent):
                if unsent:
                    await self._sender.send(task_id)
                await self._poll(task_id)
        await self._fetch(task_id)

    async def _poll(self, task_id: str) -> None:
        """Until the server has ended the task."""
        failures, missing_since, polls = 0, 0.0, self._desk.tasks[task_id].polls
        heard_at = time.monotonic()
        wait = self._pause(0)
        while (task := self._desk.tasks[task_id]).status in (Status.PENDING, Status.PROCESSING):
            await self._line.sleep(wait)
            polls += 1
            asked_at = time.monotonic()
            try:
                answer = await self._line.ask(lambda: self._status(task_id))
            except NotFoundError as error:
                wait = self._pause(time.time() - task.sent_at)
                missing_since = missing_since or time.monotonic()
                if time.monotonic() - missing_since > MISSING_FOR:
                    problem = Problem(error.kind, "The service no longer knows this task.")
                    await self._desk.save(
                        task.change(Status.EXPIRED, error=problem, note="", polls=polls), "expired", error.raw
                    )
            except ServiceError as error:
                # Patience, not failure: a task fails only when the server says so.
                failures += 1
                wait = max(backoff(failures), error.retry_after or 0)
                await self._desk.note(task_id, f"{error} Asking again.", "poll failed", error.raw)
                if self._tries is not None and (failures >= self._tries or isinstance(error, AuthenticationError)):
                    raise GaveUpError(error) from error
            else:
                failures, missing_since = 0, 0.0
                pause = self._pause(time.time() - task.sent_at)
                # From request to request: what answers take must not add up.
                wait = answer.retry_after or max(pause / 2, pause - (time.monotonic() - asked_at))
                await self._desk.learn("status", self._client.status_form)
                changed = answered(task, answer)
                if changed is not task:
                    heard_at = time.monotonic()
                    changed = changed.change(polls=polls, quiet=False)
                    await self._desk.save(changed, f"the service says {answer.word}", answer.raw)
                    continue
            silent = time.monotonic() - heard_at
            if silent > self._quiet_after and not self._desk.tasks[task_id].quiet:
                note = f"No news for {duration(silent)}: still watched, nothing is lost."
                task = self._desk.tasks[task_id]
                if task.status in (Status.PENDING, Status.PROCESSING):
                    await self._desk.save(task.change(quiet=True, note=note, polls=polls), "quiet")

    async def _status(self, task_id: str) -> Answer:
        task = self._desk.tasks[task_id]
        return await self._client.status(task.route, task.service, task.action, task.remote_id, task.location)

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
                async with self._downloads:
                    await self._download(task, index)
            except (ServiceError, OSError, images.ImageError) as error:
                failures += 1
                told = plain(error).replace(part_name(task, index), "the file")
                gone, unreadable = isinstance(error, GoneError), isinstance(error, images.ImageError)
                if gone or (unreadable and failures >= 3):
                    status = Status.EXPIRED if gone else Status.FAILED
                    again = "" if gone else " r tries once more."
                    problem = Problem("download", f"Made, but not saved: {told}{again}")
                    await self._desk.save(task.change(status, error=problem, note=""), "not saved")
                    return
                await self._desk.note(task_id, f"Not saved yet: {told} Trying again.", "not saved yet")
                if self._tries is not None and failures >= self._tries:
                    raise GaveUpError(DownloadError(f"Not saved yet: {told}")) from error
                await asyncio.sleep(backoff(failures))
            else:
                return

    async def _download(self, task: Task, index: int) -> None:
        part = Path(task.out_dir) / part_name(task, index)
        try:
            await self._client.download(task.results[index].url, part)
            keeping = asyncio.ensure_future(self._keep(task.id, index, part))
            try:
                await asyncio.shield(keeping)
            except asyncio.CancelledError:
                await asyncio.wait({keeping})  # a file that nobody knows of would be saved once more
                keeping.exception()  # looked at, and no matter: the file is fetched again
                raise
        except BaseException:
            await asyncio.to_thread(part.unlink, missing_ok=True)
            raise

    async def _keep(self, task_id: str, index: int, part: Path) -> None:
        """Give a fetched file its name, and note it."""
        task = self._desk.tasks[task_id]
        saved = await asyncio.to_thread(self._kept, task, index, part)
        results = (*task.results[:index], saved, *task.results[index + 1 :])
        done = Status.COMPLETED if all(result.path for result in results) else None
        await self._desk.save(task.change(done, results=results, note=""), f"saved {saved.path}")

    def _kept(self, task: Task, index: int, part: Path) -> Result:
        """The result with its file, verified and named. Runs in a thread; ImageError."""
        from tui.tasks import images, metadata

        if self._embed:
            with contextlib.suppress(images.ImageError):  # the picture counts, not what it tells
                metadata.embed(part, metadata.facts_of(task))
        name = PurePosixPath(naming.render(self._name, task, index))
        path, facts = images.keep(part, Path(task.out_dir) / name.parent, name.name)
        return replace(
            task.results[index],
            path=str(path),
            format=facts.format,
            width=facts.width,
            height=facts.height,
            bytes=facts.bytes,
        )


def part_name(task: Task, index: int) -> str:
    """Where a result is written until it is whole."""
    return f".{task.id}-{index}.part"
