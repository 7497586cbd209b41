"""The task engine: everything that may be done with tasks. It knows nothing of any UI.

Each live task has a coroutine; all of them poll over one connection.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from tui.catalog.load import Catalog
from tui.catalog.request import Request
from tui.catalog.route import choose
from tui.catalog.source_images import local_files
from tui.catalog.spec import Model, Values
from tui.service.account import Account
from tui.service.client import Client
from tui.service.errors import ServiceError
from tui.tasks import draft, imported, saving
from tui.tasks.cache import TaskCache
from tui.tasks.ceilings import NONE, Ceilings
from tui.tasks.chain import Chain
from tui.tasks.connection import Connection, ServiceReader
from tui.tasks.engine_state import EngineState
from tui.tasks.lease import LEASE
from tui.tasks.marker import Marker
from tui.tasks.options import EngineListener, EngineOptions
from tui.tasks.probe import but_one_set_aside
from tui.tasks.retry import GaveUpError
from tui.tasks.scheduler import Scheduler
from tui.tasks.store import Store
from tui.tasks.store_errors import LeasedError, StoreError
from tui.tasks.submit import Submitter
from tui.tasks.task import (
    LIVE,
    NO_PROFILE,
    SENT,
    RetriedError,
    SentError,
    SetAside,
    Status,
    Task,
    new_id,
)
from tui.tasks.undo_send import SendClock, Submission
from tui.tasks.worker import TaskWorker
from tui.text import one_line

_APART = 1e-5
"""Seconds between the tasks of a job: each has a turn of its own."""
WATCH_PAUSE = 0.5
"""Seconds between looks at what other processes have written."""


class Engine:
    """Owns the live tasks of one base URL and profile. Runs on one event loop."""

    def __init__(
        self,
        store: Store,
        client: Client,
        catalog: Catalog,
        options: EngineOptions,
        listener: EngineListener | None = None,
    ) -> None:
        self.client = client
        self.gave_up: dict[str, ServiceError] = {}
        """By task: why it is not continued, although it has not ended."""
        self.notices: list[str] = []
        """Sentences about the queue file, from its opening."""
        self._listener = listener or EngineListener()
        self.queue = TaskCache(
            store, client.base_url, options.profile, self._listener.on_change
        )
        """The tasks in memory and on disk, with all questions about them."""
        self._options = options
        self._catalog = catalog
        # For each profile: a rate limit belongs to a key.
        self._rest = f"rest {options.profile}".rstrip()
        self.queue.on_waiting = self._disk_waits
        self.queue.on_route = self._state_changed
        self._waits_for_disk = False
        self._scheduler = Scheduler(options.concurrency)
        self._connection = Connection(client, self._state_changed)
        self.reader = ServiceReader(self._connection)
        """Reads quotes, prices and the library of prompts."""
        self._submitter = Submitter(
            self.queue, catalog, self._connection, self._scheduler, options
        )
        self._chain = Chain(self.queue, self._submitter.model, options)
        self._worker = TaskWorker(
            self.queue, self._submitter, self._connection, self._scheduler, options
        )
        self.marker = Marker(self.queue, self._lease)
        """Marks tasks, clears and deletes them, and undoes that."""
        self._running: dict[str, asyncio.Task[None]] = {}
        self._changing: Counter[str] = Counter()
        self._held_back: dict[str, ExitStack] = {}
        """By task, what is to be done once it is let go."""
        self._clock = SendClock(options.undo_send)
        self._is_closed = False
        self._watching: asyncio.Task[None] | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._retrying = asyncio.Lock()
        self._moving = asyncio.Lock()
        self._are_lifted = False

    @property
    def tasks(self) -> dict[str, Task]:
        """The latest snapshot of every task that was read, made or changed, by id."""
        return self.queue.tasks

    @property
    def state(self) -> EngineState:
        connection = self._connection
        rest = connection.rest
        return EngineState(
            paused=self._scheduler.paused,
            limit=self._scheduler.limit,
            offline=connection.offline,
            refused=connection.refused,
            short=connection.short,
            rest_until=time.time() + rest if rest else 0,
            waits_for_disk=self._waits_for_disk,
            route=self.queue.route,
        )

    async def start(self, *, adopt: bool = True, history: int = 200) -> None:
        """Reads the queue; with `adopt`, continues all unfinished tasks.

        Tasks that another process runs are left to it. `history` is the number of ended
        tasks to show. Raises StoreError.
        """
        self.notices = await self.queue.open(history)
        self._apply_learnt()
        if adopt:
            await self.adopt()
        self._watching = asyncio.create_task(self._watch_queue(adopt))
        self._sweeping = asyncio.create_task(self._sweep())

    async def adopt(self, ids: list[str] | None = None) -> list[Task]:
        """Continues unfinished tasks (of `ids`, or all) that no process is running."""
        free = await self.queue.claim(ids)
        adopted = [
            task
            for task in free
            if task.id not in self._running and not self._changing[task.id]
        ]
        for task in adopted:
            self.queue.show(task)
            self._start(task)
        return adopted

    @property
    def ceilings(self) -> Ceilings:
        """What a job and a day may cost; none once they are lifted."""
        return self._submitter.ceilings

    def lift_ceilings(self) -> None:
        """Sends tasks whatever they come to, as the user has asked for it."""
        self._submitter.ceilings = NONE
        self._are_lifted = True

    def forget(self, task_id: str) -> None:
        """Drops a task that is not running from memory; it stays on disk."""
        self.queue.forget(task_id)
        self.gave_up.pop(task_id, None)

    # ---- new tasks

    async def submit(
        self,
        model: Model,
        values: Values,
        *,
        retry_of: str = "",
        job: str = "",
        start: bool = True,
    ) -> Task:
        """Returns a new task, which is on disk by then.

        Without `start`, it waits for another process. Raises InvalidRequestError,
        CeilingError and StoreError.
        """
        task = await asyncio.to_thread(
            self._draft, Request(model, values), retry_of=retry_of, job=job
        )
        writing = self.queue.add([task], own=start, most=self.ceilings)
        await self._submit_written([task], writing, start)
        return task

    async def check_files(self, requests: Iterable[Request]) -> None:
        """Raises InvalidRequestError where a job's files can't be read for upload."""
        await asyncio.to_thread(self._check_files, requests)

    def _check_files(self, requests: Iterable[Request]) -> None:
        files: set[tuple[str, Path]] = set()  # most requests of a job name the same
        for model, values, *_ in requests:
            name = choose(model, values, self._options.api, self.queue.route)
            files |= set(local_files(model.routes[name], values))
        draft.check_files(sorted(files))

    async def submit_job(
        self,
        requests: Sequence[Request],
        *,
        over_ceiling: bool = False,
        probe: bool = False,
        start: bool = True,
    ) -> list[Task]:
        """Returns new tasks of one job, which are all on disk by then.

        With `over_ceiling`, the user has agreed that they pass the ceilings; with
        `probe`, only the cheapest is sent, and the others are set aside. Raises
        StoreError, InvalidRequestError, or CeilingError, and saves none then.
        """
        job = new_id() if len(requests) > 1 else ""
        tasks = await asyncio.to_thread(
            lambda: [self._draft(request, job=job) for request in requests]
        )
        now = time.time()
        tasks = [
            replace(task, created_at=now + place * _APART, over_ceiling=over_ceiling)
            for place, task in enumerate(tasks)
        ]
        if probe:
            tasks = but_one_set_aside(tasks)
        most = NONE if over_ceiling else self.ceilings
        writing = self.queue.add(tasks, own=start, most=most)
        await self._submit_written(tasks, writing, start)
        return tasks

    async def _submit_written(
        self, tasks: list[Task], writing: Awaitable[None], start: bool, press: str = ""
    ) -> None:
        """Has new tasks written and, with `start`, starts them."""
        press = press or new_id()
        if start:
            self._clock.begin(tasks, press)  # so that their rows show the seconds
        await writing
        if start:
            self._clock.begin(tasks, press)  # that may have taken longer than they wait
            for task in tasks:
                self._start(task)

    async def retry(
        self,
        task: Task,
        *,
        again: bool = False,
        over_ceiling: bool = False,
        start: bool = True,
        press: str = "",
    ) -> Task:
        """Creates a paid task with the same values, and marks the old one as retried.

        It is planned anew: checked, with the catalog's service, a new body and key. An
        imported task that waits unsent is sent in this way, too; no file that it names
        is uploaded.

        Both are saved in one transaction. Without `start`, the new task waits for
        another process. Those of one `press` are taken back together. Raises
        RetriedError if that was done before, unless `again` allows to pay once more;
        CeilingError, unless `over_ceiling`; LeasedError, StoreError,
        InvalidRequestError, and ModelGoneError.
        """
        over_ceiling = over_ceiling or self._are_lifted
        async with self._retrying:
            old = await self._lease_one(task.id)
            if old.retried_by and not again:
                raise RetriedError
            after = await self._source_of(old)
            new = await asyncio.to_thread(self._draft_again, old, after)
            new = replace(new, over_ceiling=over_ceiling)
            latest = self._latest(old.id)
            marked = latest.change(retried_by=new.id)
            if latest.status is Status.HELD:
                # An imported task that waited has its end with this.
                note = f"Sent again as {new.id}."
                marked = latest.change(Status.DROPPED, retried_by=new.id, note=note)
            most = NONE if over_ceiling else self.ceilings
            writing = self.queue.save_retry(marked, new, most)
            await self._submit_written([new], writing, start, press)
        return new

    async def check_retry(self, task: Task, *, again: bool = False) -> None:
        """Checks that a task can be sent as a new one; writes and sends nothing.

        Raises RetriedError unless `again`, InvalidRequestError, and ModelGoneError.
        """
        if task.retried_by and not again:
            raise RetriedError
        after = await self._source_of(task)
        await asyncio.to_thread(self._draft_again, task, after)

    async def _source_of(self, task: Task) -> str:
        """Returns the id of the task whose picture a task still needs, or "".

        Raises InvalidRequestError where there will be none.
        """
        return await self._chain.retried(task.awaited) if task.awaited else ""

    def _draft_again(self, old: Task, after: str) -> Task:
        """Returns a new task of an old one's values, as the catalog has its model now.

        Raises InvalidRequestError and ModelGoneError.
        """
        model = self._submitter.model(old)
        problems = imported.files_named(model, old.values) if old.imported else {}
        if problems:
            raise draft.InvalidRequestError(problems)
        job = "" if old.imported else old.job
        wanted = Request(model, old.values, after=after)
        return self._draft(wanted, retry_of=old.id, job=job)

    def _draft(
        self, wanted: Request, *, retry_of: str = "", job: str = "", key: str = ""
    ) -> Task:
        task = draft.draft(
            wanted.model,
            wanted.values,
            base_url=self.client.base_url,
            profile=self._options.profile,
            out_dir=self._options.out_dir,
            api=self._options.api,
            learnt=self.queue.route,
            after=wanted.after,
            key=key,
        )
        if wanted.price is not None:
            task = replace(task, estimate_micro=wanted.price)
        return replace(task, typed=wanted.typed, retry_of=retry_of, job=job)

    # ---- waiting tasks

    async def pause(self, paused: bool) -> None:
        """Pauses sending in all processes, or resumes it.

        What was sent continues either way. Raises StoreError.
        """
        self._scheduler.paused = paused
        self._state_changed()
        await self.queue.learn("paused", "yes" if paused else "")
        self._apply_learnt()

    def set_limit(self, count: int) -> None:
        """Sets how many tasks may be at the service at once."""
        self._scheduler.limit = count
        self._state_changed()

    async def move(self, task: Task, step: int) -> bool:
        """Moves a waiting task before (-1) or after (1) its neighbour, or first (0).

        Returns False where it is the first or the last already. Raises LeasedError and
        StoreError.
        """
        async with self._moving:
            # Not as it was when the key was pressed: the key before may have moved it.
            return await self._move(self.queue.latest(task.id) or task, step)

    async def _move(self, task: Task, step: int) -> bool:
        turns = sorted(
            known.turn
            for known in self.tasks.values()
            if known.status is Status.HELD and known.live
        )
        if task.turn not in turns:
            return True  # it was sent meanwhile
        place = turns.index(task.turn)
        if step == 0 and place > 0:
            await self._set_ranks({task.id: turns[0][0] - 1})
        elif step == 0 or not 0 <= place + step < len(turns):
            return False
        else:
            _, other_id = turns[place + step]
            rank, _ = task.turn
            other_rank, _ = self.tasks[other_id].turn
            if rank == other_rank:  # drafted in the same moment
                rank -= step * 1e-3
            await self._set_ranks({other_id: rank, task.id: other_rank})
        return True

    async def _set_ranks(self, ranks: dict[str, float]) -> None:
        """Sets all ranks or none: two tasks with the same one have no order."""
        ids = list(ranks)
        if len(await self._lease(ids)) < len(ids):
            raise LeasedError
        if self._only_held(ids) == ids:
            for moved in await self.queue.save_ranks(ranks):
                self._scheduler.move(moved.turn)

    async def revise(
        self, task_id: str, wanted: Request, *, over_ceiling: bool = False
    ) -> Task:
        """Changes what a waiting task asks for; it keeps its id and its place.

        It keeps its caller's key, too: the call that gave the key is refused from then
        on, as one that asks for something else, and pays for no second image.

        With `over_ceiling`, the user has agreed that it may pass the ceilings. Raises
        SentError if it was sent meanwhile, InvalidRequestError, LeasedError, and
        StoreError.
        """
        key = self._latest(task_id).caller_key
        new = await asyncio.to_thread(self._draft, wanted, key=key)
        with self._mark_changing([task_id]):
            await self._lease_one(task_id)
            cancelled = await self._cancel(self._only_held([task_id]))
            try:
                if not self._only_held([task_id]):
                    raise SentError
                before = self._latest(task_id)
                changed = await self.queue.amend(
                    task_id,
                    event="edited",
                    values=new.values,
                    route=new.route,
                    body=new.body,
                    key=new.key,
                    caller_input=new.caller_input,
                    after_param=new.after_param,
                    uploads_until=0,
                    estimate_micro=new.estimate_micro,
                    over_ceiling=over_ceiling,
                    error=None,
                    note=before.note if before.set_aside else "",
                )
                self._clock.begin([changed])
                return changed
            finally:
                for cancelled_id in cancelled:
                    self._start(self.tasks[cancelled_id])

    async def hold_back(self, task_id: str) -> Task:
        """Keeps a waiting task unsent until `let_go`, its clock stopped; returns it.

        Raises SentError if it was sent meanwhile, LeasedError, and StoreError.
        """
        held = self._held_back.setdefault(task_id, ExitStack())
        held.enter_context(self._mark_changing([task_id]))
        try:
            await self._lease_one(task_id)
            waited = self.until_sent(self._latest(task_id)) > 0
            held.callback(self._resume, task_id, waited)
            await self._cancel(self._only_held([task_id]))
            if not self._only_held([task_id]):
                raise SentError
        except BaseException:
            self.let_go(task_id)
            raise
        self._clock.stop(task_id)
        return self._latest(task_id)

    def let_go(self, task_id: str) -> None:
        """Continues a task, if it is held back."""
        held = self._held_back.pop(task_id, None)
        if held:
            held.close()

    def _resume(self, task_id: str, waited: bool) -> None:
        """Starts a task again; one that `waited` waits anew, and is taken back alone."""
        task = self.tasks.get(task_id)
        if task and not self._is_closed:
            if waited:
                self._clock.begin([task])
            self.queue.show(task)  # its row shows the seconds again
            self._start(task)

    async def drop(self, ids: list[str]) -> list[Task]:
        """Drops tasks that were not sent, and returns them.

        Those that were sent by now, or that another process has, are not among them.
        Raises StoreError.
        """
        cancelled: list[str] = []
        try:
            with self._mark_changing(ids):
                leased = await self._lease(ids)
                held = self._only_held([task.id for task in leased])
                cancelled = await self._cancel(held)
                drops = [self._drop(task_id) for task_id in self._only_held(held)]
                dropped = list(await asyncio.gather(*drops))
                await self._forget_retries(dropped)
                return dropped
        finally:
            # Some were sent in the same moment, or the disk refused the change.
            for task_id in cancelled:
                self._start(self.tasks[task_id])

    async def _drop(self, task_id: str) -> Task:
        """Drops a task. A retry leaves the queue: the task that failed stands for it."""
        fields: dict[str, Any] = {"note": ""}
        if self._latest(task_id).retry_of:
            fields["cleared"] = True
        return await self.queue.amend(task_id, Status.DROPPED, "dropped", **fields)

    async def _forget_retries(self, dropped: list[Task]) -> None:
        """Lets the tasks be retried again of which these were to be the retries."""
        retries = {task.retry_of: task.id for task in dropped if task.retry_of}
        if not retries:
            return

        def without(task: Task) -> dict[str, Any]:
            is_that_one = task.retried_by == retries[task.id]
            return {"retried_by": ""} if is_that_one else {}

        with suppress(LeasedError):
            for task in await self._lease(list(retries)):
                await self.queue.mark(task.id, "retry dropped", without)

    def just_submitted(self) -> Submission:
        """Returns what was last submitted here, while it can be taken back."""
        running = filter(None, map(self.tasks.get, self._running))
        return self._clock.newest(running, self.tasks)

    def until_sent(self, task: Task) -> float:
        """Returns the seconds for which a new task can still be taken back."""
        return self._clock.left(task)

    @property
    def undo_send(self) -> float:
        """Seconds that a new task waits so that it can be taken back; 0 for none."""
        return self._clock.window

    def _only_held(self, ids: list[str]) -> list[str]:
        return [
            task_id for task_id in ids if self._latest(task_id).status is Status.HELD
        ]

    async def set_aside(self, ids: Iterable[str]) -> list[Task]:
        """Sets unsent tasks aside, whichever process has them, and returns them.

        They are sent only if the user asks for it. Others stay as they are. Raises
        StoreError.
        """
        ids = list(ids)
        running = [task_id for task_id in ids if self.is_running(task_id)]
        waiting = self._only_held(running)
        with self._mark_changing(waiting):
            await self._cancel(waiting)
            return await self.queue.set_aside_unsent(ids)

    # ---- sent tasks

    async def stop(self, task_id: str) -> Task:
        """Stops watching a sent task, which continues at the server and is billed.

        Raises LeasedError and StoreError.
        """
        with self._mark_changing([task_id]):
            await self._lease_one(task_id)
            cancelled = await self._cancel([task_id])
            if self._latest(task_id).status in SENT:
                return await self.queue.amend(
                    task_id,
                    event="stopped",
                    watched=False,
                    set_aside=SetAside.STOPPED,
                    note="Not watched; still billed.",
                )
        if cancelled:
            self._start(self.tasks[task_id])
        return self.tasks[task_id]

    async def watch(self, task_id: str, *, over_ceiling: bool = False) -> Task:
        """Resumes a task that was set aside, or has ended without its picture.

        This is free for what was sent: it is polled or fetched again or, if unsure,
        sent again with the same key. A task that was set aside unsent is sent, and
        paid; with `over_ceiling`, the user has agreed that it passes the ceilings. An
        imported task is only asked for at the service. Raises LeasedError, StoreError,
        or ValueError for a task that can't be continued here.
        """
        leased = await self._lease_one(task_id)
        self.check_belongs_here(leased)
        task = self._latest(task_id)
        if task.imported:
            return await self._watch_imported(task)
        status: Status | None = None
        fields: dict[str, Any] = {
            "watched": True,
            "set_aside": SetAside.NO,
            "note": "",
            "quiet": False,
            "cleared": False,
        }
        has_ended = task.status in (Status.FAILED, Status.EXPIRED) or task.lacks_picture
        if has_ended and task.results:
            status = Status.FETCHING
        elif task.status is Status.EXPIRED:
            status = Status.PENDING
        elif task.lacks_picture and task.remote_id:
            status = Status.PROCESSING
        elif task.status is Status.SUBMITTING:
            fields |= {"resend_at": time.time()}
            self._submitter.allow_again(task.id)
        elif task.status is Status.HELD and (over_ceiling or self._are_lifted):
            fields |= {"over_ceiling": True}
        if status:
            fields |= {"error": None, "finished_at": 0}
        task = await self.queue.amend(task_id, status, "watched", **fields)
        self._start(task)
        return task

    async def _watch_imported(self, task: Task) -> Task:
        if task.status is Status.HELD:
            raise ValueError("An imported task is never sent itself: retry it.")
        if not (task.status in LIVE or task.lacks_picture):
            return task
        part = await asyncio.to_thread(
            saving.part_in_the_way, task.id, self._options.out_dir
        )
        if part:
            raise ValueError(f"{part} is in the way of its images: move it away.")
        status: Status | None = Status.PROCESSING
        if task.status in LIVE:
            status = None
        elif task.status is Status.EXPIRED:
            status = Status.PENDING
        fields = imported.watched_fields(task, self._submitter.model(task)) | {
            "watched": True,
            "set_aside": SetAside.NO,
            "note": "",
            "cleared": False,
            "out_dir": str(self._options.out_dir),
            "error": None,
            "finished_at": 0,
        }
        task = await self.queue.amend(task.id, status, "watched", **fields)
        self._start(task)
        return task

    def set_api_key(self, api_key: str) -> None:
        """Sets another key of the same account; what waits for one is sent at once."""
        self.client.use(api_key)
        self._connection.note_new_key()

    async def account(self) -> Account:
        """Returns the service's account and balance. Raises ServiceError."""
        return await self._connection.ask(self.client.account)

    # ---- tasks of other services, profiles and processes

    def check_belongs_here(self, task: Task) -> None:
        """Raises ValueError for a task that can't be continued here.

        The text has the option to use, for another service or profile. An imported task
        that waits unsent belongs nowhere: it is sent as a new one, from anywhere.
        """
        if task.imported and task.status is Status.HELD:
            return
        if task.imported:
            problem = imported.unwatchable(task, self.client.base_url, self._catalog)
            if problem:
                raise ValueError(problem)
        if task.profile != self._options.profile:
            name = one_line(task.profile, 40) or NO_PROFILE
            raise ValueError(
                f"This task belongs to profile {name}: start with --profile {name} to"
                " continue it."
            )
        if task.base_url != self.client.base_url:
            base_url = one_line(task.base_url, 80)
            raise ValueError(
                f"This task belongs to {base_url}: start with --base-url to"
                " continue it."
            )

    def belongs_here(self, task: Task) -> bool:
        """Returns whether a task is of this engine's service and profile."""
        is_of_service = task.base_url == self.client.base_url
        return is_of_service and task.profile == self._options.profile

    def is_running(self, task_id: str) -> bool:
        """Returns whether this process runs the task just now."""
        return task_id in self._running

    async def wait(self, task_id: str) -> Task:
        """Waits until the task no longer runs, and returns it.

        It has ended, was stopped, is held for the user, or was given up.
        """
        running = self._running.get(task_id)
        if running:
            await asyncio.wait({running})
        return self.tasks[task_id]

    async def aclose(self) -> None:
        """Stops everything; the next start continues the tasks as they are on disk."""
        self._is_closed = True
        background = [task for task in (self._watching, self._sweeping) if task]
        coroutines = [*self._running.values(), *background]
        for coroutine in coroutines:
            coroutine.cancel()
        await asyncio.gather(*coroutines, return_exceptions=True)
        await self.client.aclose()
        await self.queue.close()

    # ---- leases and coroutines

    async def _lease(self, ids: list[str]) -> list[Task]:
        """Leases those of the tasks that no other process has, and returns them.

        Tasks that another process changed while this one slept continue from there.
        """
        leased, changed = await self.queue.lease(ids)
        for task_id in await self._cancel(changed):
            self._start(self.tasks[task_id])
        return leased

    async def _lease_one(self, task_id: str) -> Task:
        leased = await self._lease([task_id])
        if not leased:
            raise LeasedError
        return leased[0]

    def _latest(self, task_id: str) -> Task:
        return self.queue.latest(task_id) or self.tasks[task_id]

    @contextmanager
    def _mark_changing(self, ids: list[str]) -> Iterator[None]:
        """Blocks the adoption of tasks while they are changed here."""
        self._changing.update(ids)
        try:
            yield
        finally:
            self._changing -= Counter(ids)  # what comes to nothing is dropped

    def _start(self, task: Task) -> None:
        if task.live and task.id not in self._running:
            running = asyncio.create_task(self._run(task.id), name=f"task {task.id}")
            self._running[task.id] = running
            running.add_done_callback(lambda _: self._running.pop(task.id, None))

    async def _run(self, task_id: str) -> None:
        try:
            await asyncio.sleep(self.until_sent(self.tasks[task_id]))
            if self.tasks[task_id].awaited:
                await self._chain.take_picture(task_id)
            if self.tasks[task_id].live:
                await self._worker.run(task_id)
        except GaveUpError as error:
            self.gave_up[task_id] = error.problem
            note = f"{error} The task is kept and can be resumed."
            with suppress(LeasedError, StoreError):
                if self.tasks[task_id].watched:
                    await self.queue.note(task_id, note)
        except LeasedError:
            pass  # while this process slept, another one continued the task
        except Exception as error:
            # A full disk, or a bug: the task must stay, and the user must see it.
            await self.queue.refresh(task_id)
            task = self.tasks[task_id]
            reason = one_line(error)
            note = f"Stopped: {reason} The task is kept and starts again soon."
            if task.live:
                self.queue.show(replace(task, note=note))

    async def _cancel(self, ids: Iterable[str]) -> list[str]:
        """Cancels the coroutines of tasks; returns the ids of those that had one."""
        running = {
            task_id: self._running[task_id]
            for task_id in ids
            if task_id in self._running
        }
        # All at once: otherwise the next one would be sent from a place that gets free.
        for coroutine in running.values():
            coroutine.cancel()
        if running:
            await asyncio.wait(running.values())
        return list(running)

    async def _sweep(self) -> None:
        """Removes partial files of killed processes from this queue's folders."""
        folders = {Path(task.out_dir) for task in self.tasks.values() if task.out_dir}
        folders.add(self._options.out_dir)
        with suppress(StoreError, OSError):
            await saving.sweep(self.queue, folders)

    def _state_changed(self) -> None:
        self._listener.on_state(self.state)

    def _disk_waits(self, waits: bool) -> None:
        self._waits_for_disk = waits
        self._state_changed()

    def _apply_learnt(self) -> None:
        """Applies what all processes know: the form of paths, the pause, the rest."""
        learnt = self.queue.learnt
        self.client.status_form = learnt.get("status", "")
        paused = bool(learnt.get("paused"))
        if paused != self._scheduler.paused:
            self._scheduler.paused = paused
            self._state_changed()
        # It need not be a number: anybody may have edited the file.
        with suppress(ValueError):
            self._connection.rest_until(float(learnt.get(self._rest) or 0))

    async def _watch_queue(self, adopt: bool) -> None:
        """Renews leases, and follows what other processes write, until cancelled.

        With `adopt`, it also continues the tasks of processes that have ended.
        """
        renewed = 0.0
        while True:
            now = time.monotonic()
            try:
                if now - renewed > LEASE / 4:
                    renewed = now
                    ids = [*self._running, *self._held_back]
                    if ids:
                        await self.queue.run(Store.renew, self.queue.owner, ids)
                    if adopt:
                        await self.adopt()
                if self._connection.rest:
                    await self.queue.learn(self._rest, str(self._connection.open_at))
                if await self.queue.refresh_others(self.is_running, with_new=adopt):
                    self._apply_learnt()
            except Exception:
                # Locked for long, a full disk, a folder that can't be read for a
                # moment: no fault may end the rounds, and the next may succeed.
                renewed = 0.0
            await asyncio.sleep(WATCH_PAUSE)
