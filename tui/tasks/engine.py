"""The task engine: what may be asked of tasks. Knows nothing of any UI.

One coroutine a live task (see `carry`); all poll concurrently over one line.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import zip_longest
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from tui.catalog.load import Catalog
from tui.catalog.spec import Model, Values
from tui.service.account import Account
from tui.service.client import Client
from tui.service.errors import ServiceError
from tui.tasks import draft, saving, trash
from tui.tasks.cache import TaskCache
from tui.tasks.connection import Connection, ServiceReader
from tui.tasks.engine_state import EngineState
from tui.tasks.lease import LEASE
from tui.tasks.options import EngineListener, EngineOptions
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
    SetAside,
    Status,
    Task,
    new_id,
)
from tui.tasks.worker import TaskWorker
from tui.text import one_line


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
        """Tasks that were left where they are, because `tries` were used up."""
        self.notices: list[str] = []
        """What the user should know of the queue file."""
        self._listener = listener or EngineListener()
        self.queue = TaskCache(
            store, client.base_url, options.profile, self._listener.on_change
        )
        """The tasks in memory and on disk: what is asked about tasks is asked here."""
        self._options = options
        # It is the key that has asked too often
        self._rest = f"rest {options.profile}".rstrip()
        self.queue.on_waiting = self._disk_waits
        self.queue.on_route = self._state_changed
        self._waits_for_disk = False
        self._scheduler = Scheduler(options.concurrency)
        self._connection = Connection(client, self._state_changed)
        self.reader = ServiceReader(self._connection)
        """Quotes, prices and the library of prompts."""
        self._submitter = Submitter(
            self.queue, catalog, self._connection, self._scheduler, options
        )
        self._worker = TaskWorker(
            self.queue, self._submitter, self._connection, self._scheduler, options
        )
        self._carried: dict[str, asyncio.Task[None]] = {}
        self._in_hand: Counter[str] = Counter()
        self._tending: asyncio.Task[None] | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._retrying = asyncio.Lock()

    @property
    def tasks(self) -> dict[str, Task]:
        """The latest snapshot of every task that was read, made or changed, by id."""
        return self.queue.tasks

    @property
    def state(self) -> EngineState:
        line = self._connection
        return EngineState(
            paused=self._scheduler.paused,
            limit=self._scheduler.limit,
            offline=line.offline,
            refused=line.refused,
            short=line.short,
            rest_until=time.time() + line.rest if line.rest else 0,
            waits_for_disk=self._waits_for_disk,
            route=self.queue.route,
        )

    async def start(self, *, adopt: bool = True, history: int = 200) -> None:
        """Read the queue and, with `adopt`, carry on every unfinished task that nobody
        else is watching; without, keep to the tasks that are asked for.
        """
        self.notices = await self.queue.open(history)
        self._heed_others()
        if adopt:
            await self.adopt()
        self._tending = asyncio.create_task(self._tend(adopt))
        self._sweeping = asyncio.create_task(self._sweep())

    async def adopt(self, ids: list[str] | None = None) -> list[Task]:
        """Carry on unfinished tasks (of `ids`, or all) that nobody is watching."""
        free = await self.queue.claim(ids)
        taken = [
            task
            for task in free
            if task.id not in self._carried and not self._in_hand[task.id]
        ]
        for task in taken:
            self.queue.show(task)
            self._carry_on(task)
        return taken

    def forget(self, task_id: str) -> None:
        """Keep a task that is no longer carried on disk alone."""
        self.queue.tasks.pop(task_id, None)
        self.gave_up.pop(task_id, None)

    # ---- new tasks

    async def submit(
        self,
        model: Model,
        values: Values,
        *,
        retry_of: str = "",
        job: str = "",
        carry: bool = True,
    ) -> Task:
        """A new task, on disk when this returns; without `carry` it is left for others.
        Raises InvalidError.
        """
        task = await asyncio.to_thread(self._draft, model, values, retry_of, job)
        await self.queue.save(task, "held", own=carry)
        if carry:
            self._carry_on(task)
        return task

    async def submit_job(
        self,
        model: Model,
        cells: list[Values],
        prices: Iterable[int | None] = (),
        *,
        carry: bool = True,
    ) -> list[Task]:
        """New tasks that belong together, all on disk when this returns. Raises
        InvalidError, writing none.

        `prices` are the estimates that were told, in micro-dollars; without, the listed
        ones are kept.
        """
        job = new_id() if len(cells) > 1 else ""
        priced = list(zip_longest(cells, prices))
        tasks = await asyncio.to_thread(
            lambda: [self._draft(model, cell, "", job, micro) for cell, micro in priced]
        )
        await asyncio.gather(
            *(self.queue.save(task, "held", own=carry) for task in tasks)
        )
        for task in tasks if carry else ():
            self._carry_on(task)
        return tasks

    async def retry(
        self, task: Task, *, again: bool = False, carry: bool = True
    ) -> Task:
        """Send a new paid task with the same values, and mark the old one as retried in
        the same transaction; without `carry`, the new one waits for whoever carries it.

        Raises RetriedError where that was done before, unless `again` says to pay once
        more; LeasedError; InvalidError; LookupError for a model that is gone.
        """
        async with self._retrying:
            old = await self._take_one(task.id)
            if old.retried_by and not again:
                raise RetriedError
            model = self._submitter.model(old)
            new = await asyncio.to_thread(
                self._draft, model, old.values, old.id, old.job
            )
            marked = self._latest(old.id).change(retried_by=new.id)
            await self.queue.save_pair(marked, f"retried as {new.id}", new, "held")
        if carry:
            self._carry_on(new)
        return new

    def _draft(
        self,
        model: Model,
        values: Values,
        retry_of: str,
        job: str,
        estimate_micro: int | None = None,
    ) -> Task:
        return draft.draft(
            model,
            values,
            base_url=self.client.base_url,
            profile=self._options.profile,
            out_dir=self._options.out_dir,
            api=self._options.api,
            learnt=self.queue.route,
            retry_of=retry_of,
            job=job,
            estimate_micro=estimate_micro,
        )

    # ---- what waits

    async def pause(self, paused: bool) -> None:
        """Send nothing more, in any process, or go on; what was sent is carried on
        either way.
        """
        self._scheduler.paused = paused
        self._state_changed()
        await self.queue.learn("paused", "yes" if paused else "")
        self._heed_others()

    def limit(self, count: int) -> None:
        """Have so many tasks at the service at once, from now on."""
        self._scheduler.limit = count
        self._state_changed()

    async def move(self, task: Task, step: int) -> None:
        """Send a waiting task sooner (-1) or later (1) than its neighbour, or next (0).
        Raises LeasedError.
        """
        turns = sorted(
            known.turn
            for known in self.tasks.values()
            if known.status is Status.HELD and known.live
        )
        if not turns or task.turn not in turns:
            return
        place = turns.index(task.turn)
        if step == 0:
            await self._rank(task, turns[0][0] - 1)
        elif 0 <= place + step < len(turns):
            other = self.tasks[turns[place + step][1]]
            mine, theirs = task.turn[0], other.turn[0]
            if mine == theirs:  # drafted in the same moment
                mine += -step * 1e-3
            await self._rank(other, mine)
            await self._rank(task, theirs)

    async def _rank(self, task: Task, rank: float) -> None:
        await self._take_one(task.id)
        if self._latest(task.id).status is Status.HELD:
            self._scheduler.move((await self.queue.amend(task.id, rank=rank)).turn)

    async def drop(self, ids: list[str]) -> list[Task]:
        """Take back what was not sent; answers those that it was not too late for, and
        no other process has.
        """
        halted: list[str] = []
        try:
            with self._taking_in_hand(ids):
                taken = await self._take(ids)
                waiting = [
                    task.id
                    for task in taken
                    if self._latest(task.id).status is Status.HELD
                ]
                halted = await self._halt(waiting)
                waiting = [
                    task_id
                    for task_id in waiting
                    if self._latest(task_id).status is Status.HELD
                ]
                drops = (
                    self.queue.amend(task_id, Status.DROPPED, "dropped", note="")
                    for task_id in waiting
                )
                return list(await asyncio.gather(*drops))
        finally:
            # Sent in the same moment, or the disk refused the change
            for task_id in halted:
                self._carry_on(self.tasks[task_id])

    async def set_aside(self, ids: Iterable[str]) -> list[Task]:
        """Keep unsent tasks from being sent, whichever process has them, until somebody
        asks for it; return them.

        What is on its way already stays as it is.
        """
        ids = list(ids)
        waiting = [task_id for task_id in ids if self._is_held(task_id)]
        with self._taking_in_hand(waiting):
            await self._halt(waiting)
            return await self.queue.set_aside_unsent(ids)

    def _is_held(self, task_id: str) -> bool:
        return task_id in self._carried and self._latest(task_id).status is Status.HELD

    # ---- what was sent

    async def stop(self, task_id: str) -> Task:
        """Stop watching a sent task: it goes on at the server, and is billed. Raises
        LeasedError.
        """
        with self._taking_in_hand([task_id]):
            await self._take_one(task_id)
            halted = await self._halt([task_id])
            if self._latest(task_id).status in SENT:
                note = "Not watched; still billed."
                return await self.queue.amend(
                    task_id,
                    event="stopped",
                    watched=False,
                    set_aside=SetAside.STOPPED,
                    note=note,
                )
        if halted:
            self._carry_on(self.tasks[task_id])
        return self.tasks[task_id]

    async def watch(self, task_id: str) -> Task:
        """Go on with a task that was set aside or has ended without its picture, for
        nothing: watch again what was stopped, ask and fetch again what was made and is
        not saved, send again what is unsure, with the same key. What was set aside
        unsent is sent, and paid.

        Raises LeasedError, or ValueError for a task of another service or profile.
        """
        self.check_belongs_here(await self._take_one(task_id))
        task = self._latest(task_id)
        status: Status | None = None
        fields: dict[str, Any] = {
            "watched": True,
            "set_aside": SetAside.NO,
            "note": "",
            "quiet": False,
            "cleared": False,
        }
        if task.status in (Status.FAILED, Status.EXPIRED) and task.results:
            status = Status.FETCHING
        elif task.status is Status.EXPIRED:
            status = Status.PENDING
        elif task.lacks_picture and task.remote_id:
            status = Status.PROCESSING
        elif task.status is Status.SUBMITTING:
            fields |= {"resend_at": time.time()}
        if status:
            fields |= {"error": None, "finished_at": 0}
        task = await self.queue.amend(task_id, status, "watched", **fields)
        self._carry_on(task)
        return task

    def use(self, api_key: str) -> None:
        """Go on with another key of the same account: what waits for it is asked for
        again at once.
        """
        self.client.use(api_key)
        self._connection.take_up()

    async def account(self) -> Account:
        """What the service says of the money. Raises ServiceError."""
        return await self._connection.ask(self.client.account)

    # ---- what is over

    async def favour(self, task_id: str, favourite: bool) -> None:
        """Mark a task as one to be found again. Raises LeasedError."""
        await self._take_one(task_id)
        await self.queue.amend(task_id, favourite=favourite)

    async def clear(self, tasks: Iterable[Task]) -> list[Task]:
        """Take ended tasks out of the queue's sight; the history keeps them. Return
        which; can be undone.
        """
        return await self._put_away(tasks, cleared=True)

    async def delete(self, tasks: Iterable[Task]) -> list[Task]:
        """Take ended tasks out of queue and history, their files into the trash. Return
        which; can be undone.
        """
        return await self._put_away(tasks, deleted=True)

    async def can_undo(self) -> bool:
        """Whether something was cleared or deleted that can be brought back."""
        return bool(await self.queue.run(Store.peek_undo))

    async def undo(self) -> int:
        """Bring back what was last cleared or deleted, in this run or an earlier one.
        Return how many tasks.
        """
        before = {task.id: task for task in await self.queue.run(Store.pop_undo)}
        taken = [before.pop(task.id) for task in await self._take(list(before))]
        if before:  # another process has them just now
            await self.queue.run(Store.push_undo, list(before.values()))
        await self._restore_files(taken)
        back = await asyncio.gather(
            *(
                self.queue.amend(
                    task.id,
                    event="brought back",
                    cleared=task.cleared,
                    deleted=task.deleted,
                )
                for task in taken
            )
        )
        # Thrown away by a deletion that was still under way
        await self._restore_files(back)
        return len(back)

    async def _restore_files(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            if not task.deleted:
                await asyncio.to_thread(trash.restore, list(task.files), task.out_dir)

    async def _put_away(self, tasks: Iterable[Task], **marks: Any) -> list[Task]:
        mark = next(iter(marks))
        ended = [
            task.id
            for task in tasks
            if task.status not in LIVE and not getattr(task, mark)
        ]
        taken = [
            task
            for task in await self._take(ended)
            if self._latest(task.id).status not in LIVE
        ]
        if taken:
            await self.queue.run(Store.push_undo, taken)
        await asyncio.gather(
            *(self.queue.amend(task.id, event=mark, **marks) for task in taken)
        )
        if marks.get("deleted"):
            for task in taken:
                await asyncio.to_thread(trash.throw, list(task.files), task.out_dir)
            # Whatever was brought back before its files were thrown away.
            await self._restore_files(
                await self.queue.named([task.id for task in taken])
            )
        return taken

    # ---- whose tasks

    def check_belongs_here(self, task: Task) -> None:
        """Raises ValueError, which says how to start, for a task of another service or
        profile.
        """
        if task.profile != self._options.profile:
            name = one_line(task.profile, 40) or NO_PROFILE
            raise ValueError(
                f"This task belongs to profile {name}: start with --profile {name} to"
                " carry it on."
            )
        if task.base_url != self.client.base_url:
            raise ValueError(
                f"This task belongs to {one_line(task.base_url, 80)}: start with"
                " --base-url to carry it on."
            )

    def belongs_here(self, task: Task) -> bool:
        """Whether a task belongs to the service and profile that this engine works for."""
        return (task.base_url, task.profile) == (
            self.client.base_url,
            self._options.profile,
        )

    def carries(self, task_id: str) -> bool:
        """Whether this process carries the task just now."""
        return task_id in self._carried

    async def wait(self, task_id: str) -> Task:
        """The task once it is no longer carried: ended, stopped, held for the user, or
        given up.
        """
        carried = self._carried.get(task_id)
        if carried:
            await asyncio.wait({carried})
        return self.tasks[task_id]

    async def aclose(self) -> None:
        """Let go of everything; tasks stay as they are on disk, for the next start."""
        background = [task for task in (self._tending, self._sweeping) if task]
        going = [*self._carried.values(), *background]
        for task in going:
            task.cancel()
        await asyncio.gather(*going, return_exceptions=True)
        await self.client.aclose()
        await self.queue.close()

    # ---- the work behind it

    async def _take(self, ids: list[str]) -> list[Task]:
        """Those of the tasks that no other process has, ours to change; what another
        one has changed while this one slept is carried on from there.
        """
        taken, changed = await self.queue.lease(ids)
        for task_id in await self._halt(changed):
            self._carry_on(self.tasks[task_id])
        return taken

    async def _take_one(self, task_id: str) -> Task:
        taken = await self._take([task_id])
        if not taken:
            raise LeasedError
        return taken[0]

    def _latest(self, task_id: str) -> Task:
        return self.queue.latest(task_id) or self.tasks[task_id]

    @contextmanager
    def _taking_in_hand(self, ids: list[str]) -> Iterator[None]:
        """What is halted here isn't taken up again meanwhile."""
        self._in_hand.update(ids)
        try:
            yield
        finally:
            self._in_hand.subtract(ids)

    def _carry_on(self, task: Task) -> None:
        if task.live and task.id not in self._carried:
            carried = asyncio.create_task(self._carry(task.id), name=f"task {task.id}")
            self._carried[task.id] = carried
            carried.add_done_callback(lambda _: self._carried.pop(task.id, None))

    async def _carry(self, task_id: str) -> None:
        try:
            await self._worker.run(task_id)
        except GaveUpError as error:
            self.gave_up[task_id] = error.problem
            with suppress(LeasedError, StoreError):
                if self.tasks[task_id].watched:
                    await self.queue.note(task_id, f"{error} Kept; it can be resumed.")
        except LeasedError:
            pass  # while this process slept, another one took over
        except Exception as error:
            # A full disk, or an error of ours: the task must stay, and be seen to.
            await self.queue.refresh(task_id)
            task = self.tasks[task_id]
            if task.live:
                self.queue.show(
                    replace(
                        task,
                        note=(
                            f"Stopped: {one_line(error)} Kept; it is taken up again"
                            " soon."
                        ),
                    )
                )

    async def _halt(self, ids: Iterable[str]) -> list[str]:
        """Stop carrying these; answers those that were carried."""
        halted = {
            task_id: self._carried[task_id]
            for task_id in ids
            if task_id in self._carried
        }
        # All at once: a place that one leaves must not be taken by the next
        for carried in halted.values():
            carried.cancel()
        if halted:
            await asyncio.wait(halted.values())
        return list(halted)

    async def _sweep(self) -> None:
        """Remove half files that killed processes have left where this queue saves
        images.
        """
        folders = {
            self._options.out_dir,
            *(Path(task.out_dir) for task in self.tasks.values() if task.out_dir),
        }
        with suppress(StoreError, OSError):
            await saving.sweep(self.queue, folders)

    def _state_changed(self) -> None:
        self._listener.on_state(self.state)

    def _disk_waits(self, waits: bool) -> None:
        self._waits_for_disk = waits
        self._state_changed()

    def _heed_others(self) -> None:
        """What another process has found out or wishes holds here too."""
        learnt = self.queue.learnt
        self.client.status_form = learnt.get("status", "")
        paused = bool(learnt.get("paused"))
        if paused != self._scheduler.paused:
            self._scheduler.paused = paused
            self._state_changed()
        # Whatever stands there: the file may be edited by anybody
        with suppress(ValueError):
            self._connection.rest_until(float(learnt.get(self._rest) or 0))

    async def _tend(self, adopt: bool) -> None:
        """Keep the watch over our tasks, see what other processes write, take over what
        they left.
        """
        renewed = 0.0
        while True:
            now = time.monotonic()
            try:
                if now - renewed > LEASE / 4:
                    renewed = now
                    if self._carried:
                        await self.queue.run(
                            Store.renew, self.queue.owner, list(self._carried)
                        )
                    if adopt:
                        await self.adopt()
                if self._connection.rest:
                    await self.queue.learn(self._rest, str(self._connection.open_at))
                if await self.queue.see_others(
                    self._carried.__contains__, strangers=adopt
                ):
                    self._heed_others()
            except (
                Exception
            ):  # locked for long, a full disk, a folder that can't be read for a moment
                # The next round may find it otherwise; a fault must never end the
                # rounds
                renewed = 0.0
            await asyncio.sleep(0.5)
