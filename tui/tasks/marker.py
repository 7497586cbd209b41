"""Marks tasks for the user, clears and deletes them, and undoes that."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, Literal, NamedTuple

from tui.tasks import trash
from tui.tasks.cache import TaskCache
from tui.tasks.marks import is_put_away, undone_fields, undone_mark
from tui.tasks.store import Store
from tui.tasks.task import LIVE, Task

Lease = Callable[[list[str]], Awaitable[list[Task]]]
"""Leases those of the tasks that no other process has, and returns them."""


class Deletion(NamedTuple):
    """What became of tasks that were to be deleted."""

    tasks: list[Task]
    """Those that are deleted."""
    moved: int
    """How many of their files are in the trash."""
    kept: list[str]
    """Their files that stay: changed since they were saved, or not saved here."""


class Undone(NamedTuple):
    """What an undo has restored."""

    tasks: list[Task]
    were_away: bool
    """Whether they had been cleared or deleted; else they had only been marked."""
    marks: list[str]
    """For each of them that had been marked, which mark of which picture is gone."""


class Marker:
    """Changes what the user wants of tasks, not what happens to them at the service."""

    def __init__(self, queue: TaskCache, lease: Lease) -> None:
        self._queue = queue
        self._lease = lease

    async def mark(
        self, ids: Iterable[str], fields_of: Callable[[Task], dict[str, Any]]
    ) -> list[Task]:
        """Changes what the user thinks of tasks: favourites, ratings, tags.

        `fields_of` returns the fields to change in a task; those of tasks of which
        nothing changes, or that another process has, stay as they are. Returns the
        others as they are now. This can be undone. Raises StoreError.
        """
        leased = await self._lease(list(ids))
        latest = [self._latest_of(task) for task in leased]
        changed = [task for task in latest if fields_of(task)]
        await self._queue.run(Store.push_undo, changed)
        saves = [self._queue.mark(task.id, "marked", fields_of) for task in changed]
        return list(await asyncio.gather(*saves))

    async def clear(self, tasks: Iterable[Task]) -> list[Task]:
        """Hides ended tasks in the queue, not in the history; returns those.

        This can be undone. Raises StoreError.
        """
        return await self._mark_ended(tasks, "cleared")

    async def delete(self, tasks: Iterable[Task]) -> Deletion:
        """Deletes ended tasks, and moves their files into the trash.

        Only files that this program saved, and nobody changed since, are moved. This
        can be undone. Raises StoreError.
        """
        deleted = await self._mark_ended(tasks, "deleted")
        moved = 0
        kept: list[str] = []
        for task in deleted:
            thrown = await asyncio.to_thread(trash.throw, task)
            moved += thrown.moved
            kept += thrown.kept
        # An undo may have come before the files were moved.
        latest = await self._queue.named([task.id for task in deleted])
        await self._restore_files(latest)
        return Deletion(deleted, moved, kept)

    async def can_undo(self) -> bool:
        """Returns whether cleared or deleted tasks can be restored."""
        return bool(await self._queue.run(Store.peek_undo))

    async def last_change(self) -> float:
        """Returns when that was which `undo` takes back; 0 for nothing."""
        return await self._queue.run(Store.undo_at)

    async def undo(self) -> Undone:
        """Restores what was last cleared, deleted or marked, also in an earlier run.

        Raises StoreError.
        """
        marked = {task.id: task for task in await self._queue.run(Store.pop_undo)}
        leased = await self._lease(list(marked))
        before = [marked.pop(task.id) for task in leased]
        if marked:  # another process has them just now
            await self._queue.run(Store.push_undo, list(marked.values()))
        await self._restore_files(before)
        latest = [self._latest_of(task) for task in before]
        marks = [undone_mark(*pair) for pair in zip(latest, before, strict=True)]
        saves = [
            self._queue.mark(task.id, "undone", partial(undone_fields, before=task))
            for task in before
        ]
        restored = list(await asyncio.gather(*saves))
        # A deletion that was still under way may have moved the files meanwhile.
        await self._restore_files(restored)
        away = any(is_put_away(task) for task in latest)
        return Undone(restored, away, [mark for mark in marks if mark])

    async def _restore_files(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            if not task.deleted:
                await asyncio.to_thread(trash.restore, task)

    async def _mark_ended(
        self, tasks: Iterable[Task], mark: Literal["cleared", "deleted"]
    ) -> list[Task]:
        """Marks those of the tasks that have ended, and returns them."""
        ended = [
            task.id
            for task in tasks
            if task.status not in LIVE and not getattr(task, mark)
        ]
        marked = [
            task
            for task in await self._lease(ended)
            if self._latest_of(task).status not in LIVE
        ]
        if marked:
            await self._queue.run(Store.push_undo, marked)
        fields: dict[str, Any] = {mark: True}
        saves = [self._queue.amend(task.id, event=mark, **fields) for task in marked]
        await asyncio.gather(*saves)
        return marked

    def _latest_of(self, task: Task) -> Task:
        return self._queue.latest(task.id) or task
