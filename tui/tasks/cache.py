"""Holds tasks in memory, as they are on disk: a change is shown after it is saved."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from msgspec.structs import replace

from tui.catalog.spec import RouteName
from tui.tasks.ceilings import NONE, Ceilings, Verdict, Wanted
from tui.tasks.lease import owner_name
from tui.tasks.ledger import CurrentSpending, SpendingReport
from tui.tasks.marks import with_ratings
from tui.tasks.past_prompts import PromptPage
from tui.tasks.search import in_order
from tui.tasks.search_order import Order
from tui.tasks.store import Entry, Spending, Store
from tui.tasks.store_errors import DamagedError, LeasedError, StoreError
from tui.tasks.task import NEWEST, Status, Task
from tui.text import one_line

P = ParamSpec("P")
T = TypeVar("T")

PAGE = 500
"""Tasks that a search reads at once."""

SLOW = 2.0
"""Seconds after which a wait for the disk is reported."""
_MARKS = ("favourite", "tags", "rank", "cleared", "deleted", "retried_by")
"""Fields that only the user sets: no answer of the service may undo them."""


class TaskCache:
    """Holds the latest snapshots by id.

    The disk is used from one thread of its own, never from the event loop. Methods that
    wait for it raise StoreError.
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
        """This process's name in leases."""
        self.learnt: dict[str, str] = {}
        """Facts about this base URL, which all processes share.

        They are its `route`, the form of its `status` paths, whether its queue is
        `paused`, and until when it is to `rest` (for each profile).
        """
        self.spooled_tasks: Callable[[], Iterable[Task]] = lambda: ()
        """Returns the tasks that this process has beside `tasks`, as drafted.

        A queue file that has lost them is filled from here. It runs on the disk's
        thread.
        """
        self.on_notice: Callable[[str], None] = lambda notice: None
        """Receives each sentence about the queue file that comes after `open`."""
        self.on_waiting: Callable[[bool], None] = lambda waiting: None
        """Receives True when a wait for the disk gets long, and False at its end."""
        self.on_route: Callable[[], None] = lambda: None
        """Runs when this process has learnt another route of this base URL."""
        self._store = store
        self._base_url = base_url
        self._profile = profile
        self._on_change = on_change
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="queue")
        self._unwritten: list[tuple[Entry, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._latest: dict[str, Task] = {}
        """Snapshots that are not on disk yet."""
        self._seen: int | None = 0
        """The last write that was read; None in a file that is new to this process."""
        self._version = -1
        """The file's data version when `_seen` was read."""
        self._history = 0
        self._awaited: dict[str, list[asyncio.Future[None]]] = {}
        """Who waits for the next snapshot of a task, by its id."""
        self._begun: set[str] = set()
        """Ids of tasks that are known to be more than a draft."""
        self._notices_sent: int | None = None
        """None until `open` has returned the first notices."""
        self._slow = 0
        """Waits that are long by now."""

    async def open(self, history: int) -> list[str]:
        """Shows all unfinished tasks and the latest ended ones, oldest first.

        With a `history` of 0 it shows none at all. Returns sentences about the file for
        the user.
        """
        self._history = history
        self._seen = await self.run(Store.newest)
        self.learnt = await self.run(Store.learnt, self._base_url)
        if history:
            for task in reversed(await self.run(Store.shown, history)):
                self.show(task)
        notices = list(self._store.notices)
        self._notices_sent = len(notices)
        return notices

    async def save(
        self, task: Task, event: str = "", raw: str = "", *, own: bool = True
    ) -> Task:
        """Saves a snapshot, then shows it; returns it with the user's latest marks.

        With `own`, this process has the task from now on. What comes while the disk is
        busy is written in one transaction. Raises LeasedError and StoreError, and
        ValueError for a status that can't follow the latest one.
        """
        owner = self.owner if own else ""
        return await self._save(Entry(self._marked(task), event, raw, owner))

    async def save_sending(self, task: Task, most: Ceilings) -> Task:
        """Saves the snapshot of a task that is sent right after; see `save`.

        Raises CeilingError where it would pass one of `most`, and ChargePendingError
        where that shows once another task's charge is known.
        """
        marked = self._marked(task)
        spending = Spending(marked, most, is_sent=True)
        entry = Entry(marked, "sending", owner=self.owner, spending=spending)
        return await self._save(entry)

    def _marked(self, task: Task) -> Task:
        """Returns a snapshot as the next one, with the user's latest marks.

        Raises LeasedError and ValueError.
        """
        known = self.latest(task.id)
        if known:
            known.change(task.status)
            if known.status is Status.HELD and known.set_aside and not task.set_aside:
                # It was set aside while this snapshot was made: not sent unasked.
                raise LeasedError
            kept = {name: getattr(known, name) for name in _MARKS}
            kept["results"] = with_ratings(task.results, known.results)
            task = replace(task, revision=known.revision + 1, **kept)
        return task

    async def add(
        self, tasks: Sequence[Task], *, own: bool = True, most: Ceilings = NONE
    ) -> None:
        """Saves new tasks in one transaction, all or none, then shows them.

        With `own`, this process has them. Raises StoreError; CeilingError where they
        would pass one of `most`.
        """
        rows = [(task, [(task.created_at, "held", "")]) for task in tasks]
        owner = self.owner if own else ""
        written = asyncio.ensure_future(self.run(Store.add_missing, rows, owner, most))
        await _until_written(written)
        for task in tasks:
            if task.id not in self.tasks:  # adopted in the same moment
                with self._saved_anyway():
                    self.show(task)

    async def amend(
        self, task_id: str, status: Status | None = None, event: str = "", **fields: Any
    ) -> Task:
        """Changes some fields of the latest snapshot, saves it, and returns it.

        This process must have leased the task. Raises LeasedError, StoreError, or
        ValueError for a status that can't follow.
        """
        task = self.latest(task_id) or self.tasks[task_id]
        changed = task.change(status, **fields)
        return await self._save(Entry(changed, event, owner=self.owner))

    async def mark(
        self, task_id: str, event: str, fields_of: Callable[[Task], dict[str, Any]]
    ) -> Task:
        """Changes the fields that are returned for the latest snapshot; see `amend`."""
        task = self.latest(task_id) or self.tasks[task_id]
        changed = task.change(**fields_of(task))
        return await self._save(Entry(changed, event, owner=self.owner))

    def latest(self, task_id: str) -> Task | None:
        """Returns the newest snapshot, even if it is not on disk yet."""
        return self._latest.get(task_id) or self.tasks.get(task_id)

    async def save_retry(self, old: Task, new: Task, most: Ceilings) -> None:
        """Saves a task that was retried and the new one, in one transaction.

        This process has both tasks from now on. Raises LeasedError and StoreError;
        CeilingError where the new one would pass one of `most`.
        """
        spending = Spending(new, most, is_sent=False)
        event = f"retried as {new.id}"
        entries = (
            Entry(old, event, owner=self.owner, spending=spending),
            Entry(new, "held", owner=self.owner, if_previous=True),
        )
        await self._save_together(entries)

    async def save_ranks(self, ranks: Mapping[str, float]) -> list[Task]:
        """Saves new ranks of tasks in one transaction, and returns the tasks.

        This process must have leased them. Raises LeasedError and StoreError.
        """
        entries: list[Entry] = []
        for task_id, rank in ranks.items():
            task = self.latest(task_id) or self.tasks[task_id]
            ranked = task.change(rank=rank)
            follows = bool(entries)
            entries.append(Entry(ranked, owner=self.owner, if_previous=follows))
        await self._save_together(entries)
        return [entry.task for entry in entries]

    async def _save_together(self, entries: Iterable[Entry]) -> None:
        written = [self._schedule(entry) for entry in entries]
        for outcome in await asyncio.gather(*written, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _save(self, entry: Entry) -> Task:
        await _until_written(self._schedule(entry))
        return entry.task

    def _schedule(self, entry: Entry) -> "asyncio.Future[None]":
        """Schedules the write of a snapshot; returns a future for its end.

        What is scheduled without an await in between is written in one transaction.
        """
        written = asyncio.get_running_loop().create_future()
        task = entry.task
        known = self.latest(task.id)
        after = known.revision if known else None
        entry = entry._replace(after=after)
        self._latest[task.id] = task
        self._unwritten.append((entry, written))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return written

    async def _write(self) -> None:
        try:
            while self._unwritten:
                batch = self._unwritten
                self._unwritten = []
                entries = [entry for entry, _ in batch]
                problems: Sequence[Exception | None]
                try:
                    problems = await self.run(Store.save_all, entries)
                except Exception as error:
                    problems = [error] * len(batch)
                outcomes = list(zip(batch, problems, strict=True))
                # Show what was written first: a refused entry shows its task as it is
                # on disk by now.
                outcomes.sort(key=lambda outcome: outcome[1] is not None)
                for (entry, written), problem in outcomes:
                    await self._finish(entry, written, problem)
        finally:
            self._writing = None

    async def _finish(
        self, entry: Entry, written: "asyncio.Future[None]", problem: Exception | None
    ) -> None:
        """Shows a written entry, and ends its future."""
        if self._latest.get(entry.task.id) is entry.task:
            del self._latest[entry.task.id]
        with self._saved_anyway():
            if problem is None:
                self.show(entry.task)
            elif isinstance(problem, LeasedError):
                await self.refresh(entry.task.id)
        if written.done():
            return
        if problem is None:
            written.set_result(None)
        else:
            written.set_exception(problem)

    @contextlib.contextmanager
    def _saved_anyway(self) -> Iterator[None]:
        """Reports an error of whoever shows tasks, which must not stop the queue."""
        try:
            yield
        except Exception as error:
            reason = one_line(error).removesuffix(".")
            self._notify(f"A change was saved, but could not be shown: {reason}.")

    async def note(
        self, task_id: str, note: str, event: str = "", raw: str = ""
    ) -> None:
        """Saves a sentence about what a task waits for, with an event if it is new.

        Raises LeasedError and StoreError.
        """
        task = self.tasks[task_id]
        if task.note != note:
            entry = f"{event}: {note}" if event else ""
            await self.save(task.change(note=note), entry, raw)

    def show(self, task: Task) -> None:
        """Replaces a snapshot in memory, and reports the change."""
        self.tasks[task.id] = task
        if task.status is not Status.HELD or not task.live:
            self._begun.add(task.id)
        self._wake(task.id)
        self._on_change(task)

    def forget(self, task_id: str) -> None:
        """Drops a task from memory; who waits for it reads it anew."""
        self.tasks.pop(task_id, None)
        self._wake(task_id)

    def _wake(self, task_id: str) -> None:
        for shown in self._awaited.pop(task_id, ()):
            if not shown.done():
                shown.set_result(None)

    async def until_other_than(self, task: Task) -> None:
        """Waits until another snapshot of a task is shown; at once if one was."""
        if self.tasks.get(task.id) is not task:
            return
        shown = asyncio.get_running_loop().create_future()
        self._awaited.setdefault(task.id, []).append(shown)
        await shown

    async def refresh(self, task_id: str) -> None:
        """Shows a task as it is on disk, where another process may have changed it."""
        with contextlib.suppress(StoreError):
            task = await self.run(Store.get, task_id)
            if task:
                self.show(task)

    async def search(
        self, query: str, limit: int = PAGE, last: Task | None = None
    ) -> list[Task]:
        """Returns the first tasks that match a search, or those below `last`."""
        return await self.run(Store.search, query, limit, last)

    async def with_pictures(self, names: list[str]) -> list[Task]:
        """Returns the newest tasks that made or used files of these names."""
        return await self.run(Store.with_pictures, names)

    async def prompts(self, query: str, before: str = NEWEST) -> PromptPage:
        """Returns prompts of the tasks that match a search, of ids below `before`."""
        return await self.run(Store.prompts, query, before)

    async def search_all(self, query: str) -> list[Task]:
        """Returns every task that matches a search, newest first in any case."""
        query = in_order(query, Order.DATE)  # others read all for each page
        found: list[Task] = []
        page = await self.search(query)
        while page:
            found += page
            page = await self.search(query, last=page[-1])
        return found

    async def named(self, ids: list[str]) -> list[Task]:
        """Returns the tasks that have these ids, as they are on disk."""
        return await self.run(Store.named, ids)

    async def events(self, task_id: str) -> list[tuple[float, str, str]]:
        """Returns a task's events, oldest first: time, event, the server's answer."""
        return await self.run(Store.events, task_id)

    async def spent(self) -> CurrentSpending:
        """Returns the spending at this base URL, today and this month."""
        return await self.run(Store.spent, self._base_url)

    async def spending_report(self) -> SpendingReport:
        """Returns the spending at this base URL, by day and by model."""
        return await self.run(Store.spending_report, self._base_url)

    async def claim(self, ids: list[str] | None = None) -> list[Task]:
        """Leases this profile's unfinished tasks (of `ids`, or all) that are free.

        Returns those that no other process has.
        """
        return await self.run(
            Store.claim, self.owner, self._base_url, ids, profile=self._profile
        )

    async def lease(self, ids: list[str]) -> tuple[list[Task], list[str]]:
        """Leases those of the tasks that no other process has, and returns them.

        Also returns the ids of those that another process changed since they were shown
        here.
        """
        leased = await self.run(Store.lease, self.owner, ids)
        changed = [
            task
            for task in leased
            if task.id not in self._latest and not self._is_shown(task)
        ]
        for task in changed:
            self.show(task)
        return leased, [task.id for task in changed]

    async def set_aside_unsent(self, ids: Iterable[str]) -> list[Task]:
        """Sets those of the tasks aside that are held, by any process; returns them."""
        return self._aside(await self.run(Store.set_aside_unsent, list(ids)))

    async def set_aside_job(self, task: Task, note: str) -> list[Task]:
        """Sets a task aside that would pass a ceiling, and all of its job that wait.

        Returns those.
        """
        return self._aside(await self.run(Store.set_aside_job, task, note))

    def _aside(self, tasks: list[Task]) -> list[Task]:
        for task in tasks:
            self._begun.add(task.id)
            if task.id in self.tasks:
                self.show(task)
        return tasks

    async def judge(self, wanted: Sequence[Wanted], most: Ceilings) -> Verdict:
        """Returns what requests would cost, and which ceilings that would pass now."""
        return await self.run(Store.judge, wanted, most)

    async def unfinished(self) -> list[tuple[Task, bool]]:
        """Returns the unfinished tasks of all base URLs and profiles.

        Each comes with whether another process has it.
        """
        return await self.run(lambda store: list(store.unfinished(self.owner)))

    @property
    def route(self) -> RouteName | None:
        """The route that this base URL is known to have."""
        return cast(RouteName | None, self.learnt.get("route") or None)

    async def learn(self, name: str, value: str) -> None:
        """Saves a fact about this base URL, for all processes."""
        if self.learnt.get(name, "") == value:
            return
        self.learnt[name] = value
        await self.run(Store.learn, self._base_url, name, value)
        self.learnt[name] = value  # others may have been read meanwhile, and are older
        if name == "route" and value:
            # Later: a listener must not come between an answer and its snapshot.
            asyncio.get_running_loop().call_soon(self.on_route)

    async def refresh_others(
        self, is_running: Callable[[str], bool], *, with_new: bool
    ) -> bool:
        """Shows what other processes have written since the last call.

        Tasks that this process runs are left out, and, unless `with_new`, those that
        aren't shown yet. Returns False if nothing was written.
        """
        version = await self.run(Store.data_version)
        if version == self._version:
            return False
        generation = self._store.generation
        self.learnt = await self.run(Store.learnt, self._base_url)
        highest = self._store.highest
        newest = await self.run(Store.newest)
        if self._store.generation == generation and newest < highest:
            # The file was replaced by an earlier state of itself.
            await self.run(Store.write_back, self._known_tasks())
            newest = await self.run(Store.newest)
            self._seen = None
        if not with_new and self._seen is not None:
            self._begun.update(await self.run(Store.begun_since, self._seen))
        for task in await self._changed_elsewhere(is_running, with_new):
            if is_running(task.id):
                continue
            known = self.tasks.get(task.id)
            is_news = known.revision < task.revision if known else with_new
            if is_news:
                self.show(task)
        if self._store.generation == generation:
            # Otherwise it failed, or is about another file: the next call reads again.
            self._version = version
            self._seen = newest
        return True

    async def _changed_elsewhere(
        self, is_running: Callable[[str], bool], with_new: bool
    ) -> list[Task]:
        """Returns tasks that others may have written since the last call."""
        if with_new and self._seen is not None:
            changed, _ = await self.run(Store.changed_since, self._seen)
            return changed
        shown: list[Task] = []
        if with_new:
            shown = await self.run(Store.shown, self._history)
        others = [task_id for task_id in self.tasks if not is_running(task_id)]
        return [*shown, *await self.named(others)]

    def _is_shown(self, task: Task) -> bool:
        known = self.tasks.get(task.id)
        return known is not None and known.revision == task.revision

    def _known_tasks(self) -> Iterator[Task]:
        """Yields the tasks that fill a queue file which has lost them.

        Drafts of tasks that were begun and forgotten are left out: they would be sent
        and paid a second time.
        """
        drafts = (
            task
            for task in self.spooled_tasks()
            if task.id not in self._begun and task.id not in self.tasks
        )
        return chain(list(self.tasks.values()), drafts)

    async def close(self) -> None:
        """Writes what is scheduled, ends the leases, and closes the queue file."""
        if self._writing:
            await self._writing
        # On a full disk, the leases end after their time.
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
        """Runs `work` on the store, in the disk's thread; returns its result.

        A file that turns out to be damaged or gone is restored, and `work` runs again.
        Raises what `work` raises.
        """
        loop = asyncio.get_running_loop()
        on_disk = partial(work, self._store, *args, **named)
        try:
            with self._report_slowness():
                try:
                    return await loop.run_in_executor(self._disk, on_disk)
                except DamagedError as error:
                    generation = self._store.generation
                    await loop.run_in_executor(
                        self._disk, self._store.start_over, self._known_tasks(), error
                    )
                    if self._store.generation != generation:
                        # The numbers of another file mean nothing in this one.
                        self._version = -1
                        self._seen = None
                    return await loop.run_in_executor(self._disk, on_disk)
        finally:
            self._send_notices()

    def _send_notices(self) -> None:
        if self._notices_sent is None:
            return
        while self._notices_sent < len(self._store.notices):
            notice = self._store.notices[self._notices_sent]
            self._notices_sent += 1
            self._notify(notice)

    def _notify(self, notice: str) -> None:
        # An error of the listener must not make a saved change look failed.
        with contextlib.suppress(Exception):
            self.on_notice(notice)

    @contextlib.contextmanager
    def _report_slowness(self) -> Iterator[None]:
        """Reports a wait that takes long, and the end of the last one."""
        is_slow = False

        def report() -> None:
            nonlocal is_slow
            is_slow = True
            self._slow += 1
            if self._slow == 1:
                self.on_waiting(True)

        timer = asyncio.get_running_loop().call_later(SLOW, report)
        try:
            yield
        finally:
            timer.cancel()
            if is_slow:
                self._slow -= 1
                if self._slow == 0:
                    self.on_waiting(False)


async def _until_written(written: "asyncio.Future[Any]") -> None:
    """Waits for a write, also when cancelled. Raises what the write raises.

    Whoever continues the task must see what is on disk.
    """
    try:
        await asyncio.shield(written)
    except asyncio.CancelledError:
        await asyncio.wait({written})
        written.exception()
        raise
