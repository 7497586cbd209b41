"""The tasks in memory beside the queue on disk: written first, shown after."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from msgspec.structs import replace

from tui.catalog.spec import RouteName
from tui.tasks.lease import owner_name
from tui.tasks.ledger import CurrentSpending, SpendingReport
from tui.tasks.store import Entry, Store
from tui.tasks.store_errors import DamagedError, LeasedError, StoreError
from tui.tasks.task import Status, Task
from tui.text import one_line

P = ParamSpec("P")
T = TypeVar("T")

PAGE = 500
"""Tasks that a search reads at once."""

SLOW = 2.0
"""Seconds after which somebody who waits for the disk is told so."""
_MARKS = ("favourite", "rank", "cleared", "deleted", "retried_by")
"""What the user's gestures set, and no answer of the service does."""


class TaskCache:
    """Latest snapshots by id. The disk is touched from one thread of its own, never
    from the event loop.
    """

    def __init__(
        self,
        store: Store,
        base_url: str,
        profile: str,
        on_change: Callable[[Task], None],
    ) -> None:
        self.tasks: dict[str, Task] = {}
        self.owner = owner_name()
        """The name under which this process watches tasks."""
        self.learnt: dict[str, str] = {}
        """What all processes know of this base URL: its `route`, the form of its
        `status` paths, whether its queue is `paused`, until when it is to `rest` (each
        profile for itself).
        """
        self.also_mine: Callable[[], Iterable[Task]] = lambda: ()
        """Tasks that this process has beside `tasks`, as they were drafted: a queue
        file that has lost them gets them back. Called and read on the disk's thread.
        """
        self.on_notice: Callable[[str], None] = lambda notice: None
        """Hears what the user should know of the queue file, as it arises after `open`.
        """
        self.on_waiting: Callable[[bool], None] = lambda waiting: None
        """Hears True when the disk makes somebody wait for long, and False when nobody
        waits any more.
        """
        self.on_route: Callable[[], None] = lambda: None
        """Hears that this process has learnt another route of this base URL."""
        self._store = store
        self._base_url = base_url
        self._profile = profile
        self._on_change = on_change
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="queue")
        self._unwritten: list[tuple[Entry, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._latest: dict[str, Task] = {}  # on their way to the disk
        # The last write that was looked at; None in a file that is new to us
        self._seen: int | None = 0
        self._history = 0
        self._version = -1
        # Ids of tasks that are known to be more than a draft
        self._begun: set[str] = set()
        # So many notices; none before `open` has answered the first ones
        self._told: int | None = None
        self._slow = 0

    async def open(self, history: int) -> list[str]:
        """Show the latest tasks and all unfinished ones, oldest first; with a `history`
        of 0 none at all. Answers what the user should know of the file.
        """
        self._history = history
        self._seen = await self.run(Store.newest)
        self.learnt = await self.run(Store.learnt, self._base_url)
        for task in reversed(await self.run(Store.shown, history) if history else []):
            self.show(task)
        self._told = len(self._store.notices)
        return list(self._store.notices)

    async def save(
        self, task: Task, event: str = "", raw: str = "", *, own: bool = True
    ) -> Task:
        """On disk first, then shown; what the user has marked meanwhile is kept. With
        `own`, this process watches the task from now on.

        Raises LeasedError or StoreError, or ValueError for a status that can't follow by
        now. What comes while the disk is busy is written in one go.
        """
        known = self.latest(task.id)
        if known:
            known.change(task.status)
            marks = {name: getattr(known, name) for name in _MARKS}
            task = replace(task, revision=known.revision + 1, **marks)
        return await self._save(task, event, raw, own)

    async def amend(
        self, task_id: str, status: Status | None = None, event: str = "", **fields: Any
    ) -> Task:
        """What the user does to a task that was taken: the rest of it stays as it is by
        now.
        """
        task = self.latest(task_id) or self.tasks[task_id]
        return await self._save(task.change(status, **fields), event, "", True)

    def latest(self, task_id: str) -> Task | None:
        """The newest snapshot, be it on disk yet or not."""
        return self._latest.get(task_id) or self.tasks.get(task_id)

    async def save_pair(
        self, first: Task, event: str, second: Task, second_event: str
    ) -> None:
        """Write two snapshots in one transaction, both watched by this process: both or
        none. Raises LeasedError, StoreError.
        """
        written = [
            self._enter(first, event, "", True),
            self._enter(second, second_event, "", True, if_previous=True),
        ]
        for outcome in await asyncio.gather(*written, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _save(self, task: Task, event: str, raw: str, own: bool) -> Task:
        written = self._enter(task, event, raw, own)
        try:
            await asyncio.shield(written)
        except asyncio.CancelledError:
            # Whoever goes on from here must see what is on disk
            await asyncio.wait({written})
            written.exception()
            raise
        return task

    def _enter(
        self, task: Task, event: str, raw: str, own: bool, *, if_previous: bool = False
    ) -> "asyncio.Future[None]":
        """Put a snapshot among those to be written. What is entered without an await in
        between is written in one transaction.
        """
        written = asyncio.get_running_loop().create_future()
        known = self.latest(task.id)
        after = known.revision if known else None
        entry = Entry(task, event, raw, self.owner if own else "", after, if_previous)
        self._latest[task.id] = task
        self._unwritten.append((entry, written))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return written

    async def _write(self) -> None:
        try:
            while self._unwritten:
                batch, self._unwritten = self._unwritten, []
                problems: Sequence[Exception | None]
                try:
                    problems = await self.run(
                        Store.save_all, [entry for entry, _ in batch]
                    )
                except Exception as error:
                    problems = [error] * len(batch)
                outcomes = list(zip(batch, problems, strict=True))
                # What was written first: the disk may be further than the entries that
                # were refused.
                outcomes.sort(key=lambda outcome: outcome[1] is not None)
                for (entry, written), problem in outcomes:
                    await self._written_as(entry, written, problem)
        finally:
            self._writing = None

    async def _written_as(
        self, entry: Entry, written: "asyncio.Future[None]", problem: Exception | None
    ) -> None:
        """Say what has become of an entry. Whoever shows tasks can't stop the queue by
        an error.
        """
        if self._latest.get(entry.task.id) is entry.task:
            del self._latest[entry.task.id]
        try:
            if problem is None:
                self.show(entry.task)
            elif isinstance(problem, LeasedError):
                await self.refresh(entry.task.id)
        except Exception as error:
            self._tell(
                f"A change was saved, but could not be shown: {one_line(error)}."
            )
        if written.done():
            return
        if problem is None:
            written.set_result(None)
        else:
            written.set_exception(problem)

    async def note(
        self, task_id: str, note: str, event: str = "", raw: str = ""
    ) -> None:
        """Say what is being waited for."""
        task = self.tasks[task_id]
        if task.note != note:
            await self.save(task.change(note=note), event and f"{event}: {note}", raw)

    def show(self, task: Task) -> None:
        self.tasks[task.id] = task
        if task.status is not Status.HELD or not task.live:
            self._begun.add(task.id)
        self._on_change(task)

    async def refresh(self, task_id: str) -> None:
        """Show a task as it is on disk: another process may have written it while it
        was ours.
        """
        with contextlib.suppress(StoreError):
            task = await self.run(Store.get, task_id)
            if task:
                self.show(task)

    async def search(
        self, query: str, limit: int = PAGE, before: str = "~"
    ) -> list[Task]:
        """Returns the latest tasks that a search line asks for, newest first, of ids
        below `before`.
        """
        return await self.run(Store.search, query, limit, before)

    async def search_all(self, query: str) -> list[Task]:
        """Returns every task that a search line asks for, newest first."""
        found: list[Task] = []
        page = await self.search(query)
        while page:
            found += page
            page = await self.search(query, before=page[-1].id)
        return found

    async def named(self, ids: list[str]) -> list[Task]:
        """Returns the tasks of these ids, as they are on disk."""
        return await self.run(Store.named, ids)

    async def events(self, task_id: str) -> list[tuple[float, str, str]]:
        """Returns what happened to a task: when, what, and the server's own words;
        oldest first.
        """
        return await self.run(Store.events, task_id)

    async def spent(self) -> CurrentSpending:
        """Returns what was spent at this base URL today and this month, by all
        processes.
        """
        return await self.run(Store.spent, self._base_url)

    async def books(self) -> SpendingReport:
        """Returns what was spent at this base URL, by day and by model."""
        return await self.run(Store.books, self._base_url)

    async def claim(self, ids: list[str] | None = None) -> list[Task]:
        """Take the watch over our profile's unfinished tasks (of `ids`, or all) that no
        process is watching.
        """
        return await self.run(
            Store.claim, self.owner, self._base_url, ids, profile=self._profile
        )

    async def lease(self, ids: list[str]) -> tuple[list[Task], list[str]]:
        """Those of the tasks that no other process has, ours to change; and the ids of
        those that another one has changed since they were last seen here.
        """
        taken = await self.run(Store.lease, self.owner, ids)
        changed = [
            task
            for task in taken
            if task.id not in self._latest and not self._is_shown(task)
        ]
        for task in changed:
            self.show(task)
        return taken, [task.id for task in changed]

    async def set_aside_unsent(self, ids: Iterable[str]) -> list[Task]:
        """Mark those of the tasks that are held, whoever watches them, as interrupted;
        answers them.
        """
        aside = await self.run(Store.set_aside_unsent, list(ids))
        for task in aside:
            self._begun.add(task.id)
            if task.id in self.tasks:
                self.show(task)
        return aside

    async def unfinished(self) -> list[tuple[Task, bool]]:
        """Every task of any base URL and profile that isn't at its end, with whether
        another process watches it.
        """
        return await self.run(lambda store: list(store.unfinished(self.owner)))

    @property
    def route(self) -> RouteName | None:
        """The route that this base URL has shown to have."""
        return cast(RouteName | None, self.learnt.get("route") or None)

    async def learn(self, name: str, value: str) -> None:
        """Remember something of this base URL."""
        if self.learnt.get(name, "") == value:
            return
        self.learnt[name] = value
        await self.run(Store.learn, self._base_url, name, value)
        self.learnt[name] = value  # what was seen of others meanwhile is older
        if name == "route":
            self.on_route()

    async def see_others(self, ours: Callable[[str], bool], *, strangers: bool) -> bool:
        """Show what other processes have written since the last look, of `strangers`
        too: tasks that aren't shown yet. False if that is nothing.
        """
        version = await self.run(Store.data_version)
        if version == self._version:
            return False
        generation = self._store.generation
        self.learnt = await self.run(Store.learnt, self._base_url)
        highest = self._store.highest
        newest = await self.run(Store.newest)
        # The file was put back to an earlier state
        if self._store.generation == generation and newest < highest:
            await self.run(Store.write_back, self._mine())
            self._seen, newest = None, await self.run(Store.newest)
        if not strangers and self._seen is not None:
            self._begun.update(await self.run(Store.begun_since, self._seen))
        for task in await self._written(ours, strangers):
            known = self.tasks.get(task.id)
            if not ours(task.id) and (
                known.revision < task.revision if known else strangers
            ):
                self.show(task)
        # What has failed, or is of another file, is looked at again
        if self._store.generation == generation:
            self._version, self._seen = version, newest
        return True

    async def _written(
        self, ours: Callable[[str], bool], strangers: bool
    ) -> list[Task]:
        """What others may have written since the last look."""
        if strangers and self._seen is not None:
            written, _ = await self.run(Store.changed_since, self._seen)
            return written
        unfinished = await self.run(Store.shown, self._history) if strangers else []
        return [
            *unfinished,
            *await self.named([task_id for task_id in self.tasks if not ours(task_id)]),
        ]

    def _is_shown(self, task: Task) -> bool:
        known = self.tasks.get(task.id)
        return known is not None and known.revision == task.revision

    def _mine(self) -> Iterator[Task]:
        """What this process knows of tasks, for a queue file that has lost them.

        Not the drafts of those that went on and were forgotten: they would be sent and
        paid once more.
        """
        drafts = (
            task
            for task in self.also_mine()
            if task.id not in self._begun and task.id not in self.tasks
        )
        return chain(list(self.tasks.values()), drafts)

    async def close(self) -> None:
        if self._writing:
            await self._writing
        # A full disk: the leases run out by themselves
        with contextlib.suppress(StoreError):
            await self.run(Store.release, self.owner)
        await self.run(Store.close)
        self._disk.shutdown()

    async def run(
        self,
        work: Callable[Concatenate[Store, P], T],
        *args: P.args,
        **named: P.kwargs,
    ) -> T:
        """Returns what `work` makes of the queue on disk, in the disk's own thread.
        Raises what it raises.

        A file that turns out to be damaged or gone is restored, and `work` done again.
        """
        loop = asyncio.get_running_loop()
        on_disk = partial(work, self._store, *args, **named)
        try:
            with self._waiting():
                try:
                    return await loop.run_in_executor(self._disk, on_disk)
                except DamagedError as error:
                    generation = self._store.generation
                    await loop.run_in_executor(
                        self._disk, self._store.start_over, self._mine(), error
                    )
                    if self._store.generation != generation:
                        # Another file counts for itself
                        self._version, self._seen = -1, None
                    return await loop.run_in_executor(self._disk, on_disk)
        finally:
            self._tell_notices()

    def _tell_notices(self) -> None:
        while self._told is not None and self._told < len(self._store.notices):
            self._told += 1
            self._tell(self._store.notices[self._told - 1])

    def _tell(self, notice: str) -> None:
        # Whoever listens can't turn a saved change into a failed one
        with contextlib.suppress(Exception):
            self.on_notice(notice)

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[None]:
        """Tells of a wait that takes long, and of its end."""
        is_slow = False

        def grows_slow() -> None:
            nonlocal is_slow
            is_slow = True
            self._slow += 1
            if self._slow == 1:
                self.on_waiting(True)

        timer = asyncio.get_running_loop().call_later(SLOW, grows_slow)
        try:
            yield
        finally:
            timer.cancel()
            if is_slow:
                self._slow -= 1
                if self._slow == 0:
                    self.on_waiting(False)
