"""The task engine: what may be asked of tasks. Knows nothing of any UI.

One coroutine a live task (see `carry`); all poll concurrently behind one gate.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from tui.catalog.load import Catalog
from tui.catalog.route import Api
from tui.catalog.spec import Model, RouteName, Values
from tui.service.client import Client
from tui.service.errors import ServiceError
from tui.tasks import plan
from tui.tasks.carry import Carrier
from tui.tasks.desk import Desk
from tui.tasks.patience import GaveUpError, poll_pause
from tui.tasks.store import LEASE, Store, TakenError
from tui.tasks.task import SENT, Status, Task
from tui.text import one_line


class Engine:
    """Owns the live tasks of one base URL. Runs on one event loop."""

    def __init__(
        self,
        store: Store,
        client: Client,
        catalog: Catalog,
        *,
        out_dir: Path,
        api: Api = "auto",
        concurrency: int = 8,
        pause: Callable[[float], float] = poll_pause,
        tries: int | None = None,
        on_change: Callable[[Task], None] = lambda task: None,
        on_route: Callable[[RouteName], None] = lambda route: None,
    ) -> None:
        """`on_change` gets every snapshot, on the event loop, after it has been written to disk.

        `tries` bounds how often a failing request is repeated (None: for as long as it takes); `on_route`
        hears when this base URL has shown which of RunAPI's routes it has.
        """
        self.client = client
        self.api: Api = api
        self.gave_up: dict[str, ServiceError] = {}
        """Tasks that were left where they are, because `tries` were used up."""
        self._out_dir = out_dir
        self._desk = Desk(store, client.base_url, on_change)
        self._carrier = Carrier(
            self._desk,
            client,
            catalog,
            api=api,
            concurrency=concurrency,
            pause=pause,
            tries=tries,
            on_route=on_route,
        )
        self._carried: dict[str, asyncio.Task[None]] = {}
        self._tending: asyncio.Task[None] | None = None

    @property
    def tasks(self) -> dict[str, Task]:
        """The latest snapshot of every task that was read, made or changed, by id."""
        return self._desk.tasks

    @property
    def learnt(self) -> RouteName | None:
        """The route that this base URL has shown to have."""
        return cast(RouteName | None, self._desk.learnt.get("route") or None)

    async def start(self, *, adopt: bool = True, history: int = 500) -> None:
        """Read the queue and, with `adopt`, carry on every unfinished task that nobody else is watching."""
        await self._desk.open(history)
        self.client.status_form = self._desk.learnt.get("status", "")
        if adopt:
            await self.adopt()
        self._tending = asyncio.create_task(self._tend(adopt))

    async def adopt(self, ids: list[str] | None = None) -> list[Task]:
        """Carry on unfinished tasks (of `ids`, or all) that nobody is watching."""
        taken = [task for task in await self._desk.claim(ids) if task.id not in self._carried]
        for task in taken:
            self._desk.show(task)
            self._carry_on(task)
        return taken

    async def submit(self, model: Model, values: Values, *, retry_of: str = "", carry: bool = True) -> Task:
        """A new task, on disk when this returns; without `carry` it is left for others. Raises InvalidError."""
        task = await asyncio.to_thread(
            plan.draft,
            model,
            values,
            base_url=self.client.base_url,
            out_dir=self._out_dir,
            api=self.api,
            learnt=self.learnt,
            retry_of=retry_of,
        )
        await self._desk.save(task, "held", own=carry)
        if carry:
            self._carry_on(task)
        return task

    async def drop(self, task_id: str) -> Task:
        """Take back a task that was not sent. Raises ValueError where it's too late, TakenError."""
        task = await self._desk.take(task_id)
        if task.status is Status.HELD:
            await self._halt(task_id)
            task = self.tasks[task_id]
        if task.status is not Status.HELD:
            raise ValueError("Only what has not been sent can be dropped: this is billed. Stop watching instead.")
        return await self._desk.save(task.change(Status.DROPPED, note=""), "dropped")

    async def stop(self, task_id: str) -> Task:
        """Stop watching a sent task: it goes on at the server, and is billed. Raises TakenError."""
        await self._desk.take(task_id)
        await self._halt(task_id)
        task = self.tasks[task_id]
        if task.status not in SENT:
            return task
        return await self._desk.save(task.change(watched=False, note="Not watched; still billed."), "stopped")

    async def watch(self, task_id: str) -> Task:
        """Watch again what was stopped; fetch again what was made and could not be saved; send again what is
        unsure, with the same key. Raises TakenError."""
        task = await self._desk.take(task_id)
        status: Status | None = None
        fields: dict[str, Any] = {"watched": True, "note": ""}
        if task.status in (Status.FAILED, Status.EXPIRED) and task.results:
            status = Status.FETCHING
        elif task.status is Status.EXPIRED:
            status = Status.PENDING
        elif task.status is Status.SUBMITTING:
            fields |= {"sent_at": time.time()}
        if status:
            fields |= {"error": None, "finished_at": 0}
        task = await self._desk.save(task.change(status, **fields), "watched")
        self._carry_on(task)
        return task

    async def retry(self, task_id: str) -> Task:
        """A new paid task with the same values. Raises InvalidError, or LookupError for a model that is gone."""
        task = self.tasks[task_id]
        return await self.submit(self._carrier.model(task), task.values, retry_of=task.id)

    async def find(self, task_id: str) -> Task | None:
        """By local id, the unique end or start of one, or the server's id."""
        return await self._desk.find(task_id)

    async def wait(self, task_id: str) -> Task:
        """The task once it is no longer carried: ended, stopped, held for the user, or given up."""
        carried = self._carried.get(task_id)
        if carried:
            await asyncio.wait({carried})
        return self.tasks[task_id]

    async def aclose(self) -> None:
        """Let go of everything; tasks stay as they are on disk, for the next start."""
        going = [*self._carried.values(), *([self._tending] if self._tending else [])]
        for task in going:
            task.cancel()
        await asyncio.gather(*going, return_exceptions=True)
        await self.client.aclose()
        await self._desk.close()

    def _carry_on(self, task: Task) -> None:
        if task.live and task.id not in self._carried:
            carried = asyncio.create_task(self._carry(task.id), name=f"task {task.id}")
            self._carried[task.id] = carried
            carried.add_done_callback(lambda _: self._carried.pop(task.id, None))

    async def _carry(self, task_id: str) -> None:
        try:
            await self._carrier.carry(task_id)
        except GaveUpError as error:
            self.gave_up[task_id] = error.problem
            if self.tasks[task_id].watched:
                await self._desk.note(task_id, f"{error} Kept; it can be resumed.")
        except TakenError:
            pass  # while this process slept, another one took over
        except Exception as error:  # a full disk, or an error of ours: the task must stay, and be seen to
            task = self.tasks[task_id]
            self._desk.show(task.change(note=f"Stopped: {one_line(error)}. Kept; it is taken up again soon."))

    async def _halt(self, task_id: str) -> None:
        carried = self._carried.get(task_id)
        if carried:
            carried.cancel()
            await asyncio.wait({carried})

    async def _tend(self, adopt: bool) -> None:
        """Keep the watch over our tasks, see what other processes write, take over what they left."""
        renewed = 0.0
        while True:
            now = time.monotonic()
            try:
                if now - renewed > LEASE / 3:
                    renewed = now
                    if self._carried:
                        await self._desk.renew(list(self._carried))
                    if adopt:
                        await self.adopt()
                await self._desk.see_others(self._carried.__contains__)
            except sqlite3.Error:
                renewed = 0.0  # locked for long, or a full disk: the next round may find it otherwise
            await asyncio.sleep(0.5)
