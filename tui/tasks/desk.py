"""The tasks in memory beside the queue on disk: written first, shown after."""

import asyncio
import contextlib
import sqlite3
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from tui.tasks.store import Store, TakenError
from tui.tasks.task import Task

T = TypeVar("T")


class Desk:
    """Latest snapshots by id. The disk is touched from one thread of its own, never from the event loop."""

    def __init__(self, store: Store, base_url: str, on_change: Callable[[Task], None]) -> None:
        self.tasks: dict[str, Task] = {}
        self.owner = uuid.uuid4().hex
        """The name under which this process watches tasks."""
        self.learnt: dict[str, str] = {}
        """What this base URL has shown to have: its `route`, the form of its `status` paths."""
        self._store = store
        self._base_url = base_url
        self._on_change = on_change
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="queue")
        self._seen_at = time.time()
        self._version = -1

    async def open(self, history: int) -> None:
        """Show the latest tasks, oldest first."""
        self.learnt = await self._run(self._store.learnt, self._base_url)
        for task in reversed(await self._run(self._store.newest, history)):
            self.show(task)

    async def save(self, task: Task, event: str = "", raw: str = "", *, own: bool = True) -> Task:
        """On disk first, then shown. With `own`, this process watches the task from now on."""
        await self._run(self._store.save, task, event, raw, self.owner if own else "")
        self.show(task)
        return task

    async def note(self, task_id: str, note: str) -> None:
        """Say what is being waited for."""
        task = self.tasks[task_id]
        if task.note != note:
            await self.save(task.change(note=note))

    def show(self, task: Task) -> None:
        self.tasks[task.id] = task
        self._on_change(task)

    async def find(self, task_id: str) -> Task | None:
        return await self._run(self._store.get, task_id)

    async def claim(self, ids: list[str] | None = None) -> list[Task]:
        """Take the watch over unfinished tasks (of `ids`, or all) that no process is watching."""
        return await self._run(self._store.claim, self.owner, self._base_url, ids)

    async def take(self, task_id: str) -> Task:
        """The task as it stands on disk, ours to change. Raises TakenError where another process has it."""
        task = await self._run(self._store.take, self.owner, task_id)
        if task is None:
            raise TakenError("Another window or command is carrying this task: do it there.")
        self.show(task)
        return task

    async def renew(self, ids: list[str]) -> None:
        await self._run(self._store.renew, self.owner, ids)

    async def learn(self, name: str, value: str) -> bool:
        """Remember something of this base URL; True if it is news."""
        if self.learnt.get(name, "") == value:
            return False
        self.learnt[name] = value
        await self._run(self._store.learn, self._base_url, name, value)
        return True

    async def uploaded(self, digest: str) -> str:
        """The URL of content that was uploaded within the hour, or nothing."""
        return await self._run(self._store.uploaded, self._base_url, digest)

    async def keep_upload(self, digest: str, url: str, seconds: float) -> None:
        await self._run(self._store.keep_upload, self._base_url, digest, url, seconds)

    async def see_others(self, ours: Callable[[str], bool]) -> None:
        """Show what other processes have written since the last look."""
        version = await self._run(self._store.data_version)
        if version == self._version:
            return
        self._version, since, self._seen_at = version, self._seen_at, time.time()
        for task in await self._run(self._store.changed_since, since - 1):
            known = self.tasks.get(task.id)
            if not ours(task.id) and (known is None or known.updated_at < task.updated_at):
                self.show(task)

    async def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):  # a full disk: the leases run out by themselves
            await self._run(self._store.release, self.owner)
        await self._run(self._store.close)
        self._disk.shutdown()

    async def _run(self, work: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work, *args)
