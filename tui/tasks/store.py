"""The queue on disk: one SQLite file that several processes share.

Every method blocks for as long as the disk takes, and is called from one thread at a
time.
"""

import json
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

from tui.tasks import ceilings, event_log, schema
from tui.tasks.caller_key import KeyTakenError
from tui.tasks.ceilings import Budget, CeilingError, Ceilings, ChargePendingError
from tui.tasks.claims import Claims, chunks, lease_end
from tui.tasks.learnt import LearntFacts
from tui.tasks.restore import INSERT
from tui.tasks.store_errors import LeasedError
from tui.tasks.task import LIVE, SetAside, Status, Task
from tui.tasks.task_reader import NAMED
from tui.tasks.undo import UndoStack

Refusal = LeasedError | CeilingError | ChargePendingError
"""Why an entry was not written."""


class Spending(NamedTuple):
    """A task that is paid by an entry, and the ceilings that this must not pass."""

    task: Task
    ceilings: Ceilings
    is_sent: bool
    """Whether it is sent right after. Otherwise it waits, and so do others that count."""


class Entry(NamedTuple):
    """A snapshot to be written, and what happened. `owner` keeps or takes the watch.

    With `after`, the `revision` of the snapshot that it follows, it is written over no
    other one. With `if_previous`, it is written only where the entry before it is; with
    `spending`, only where no ceiling is passed.
    """

    task: Task
    event: str = ""
    raw: str = ""
    owner: str = ""
    after: int | None = None
    if_previous: bool = False
    spending: Spending | None = None


class Store(Claims, LearntFacts, UndoStack):
    """All tasks, past and present."""

    def save(self, task: Task, event: str = "", raw: str = "", owner: str = "") -> None:
        """Write one snapshot. Raises LeasedError where another process has the watch,
        StoreError.
        """
        (problem,) = self.save_all([Entry(task, event, raw, owner)])
        if problem:
            raise problem

    def save_all(self, entries: Iterable[Entry]) -> list[Refusal | None]:
        """Write snapshots and what happened, all in one transaction. Raises StoreError.

        Answers an error for each entry that was not written: a LeasedError where
        another process has the watch, or had it since: while this one slept, it may
        have dropped or finished the task. CeilingError and ChargePendingError tell of
        an entry's spending.
        """
        problems: list[Refusal | None] = []
        with self._writing() as numbers:
            judge = self._judge()
            for entry in entries:
                task, event, raw, owner = entry[:4]
                if entry.if_previous and problems and problems[-1]:
                    problems.append(LeasedError())
                    continue
                known = self._db.execute(
                    "select owner, lease_until, revision, data from tasks where id = ?",
                    (task.id,),
                ).fetchone()
                if known and (
                    judge.held_by_another(known[0], known[1], owner)
                    or not _follows(entry, known)
                ):
                    problems.append(LeasedError())
                    continue
                is_written = bool(known) and _is_there(entry, known)
                refusal = None if is_written else self._refusal(entry.spending)
                problems.append(refusal)
                if is_written or refusal:
                    continue
                watched = owner if task.live else ""
                until = lease_end(judge.now) if watched else 0
                self._db.execute(
                    INSERT, schema.row(task, watched, until, next(numbers))
                )
                if event:
                    self._add_event(task.id, event, raw)
        return problems

    def _refusal(
        self, spending: Spending | None
    ) -> CeilingError | ChargePendingError | None:
        """Return why something may not be spent now. Raises sqlite3.Error."""
        if spending is None or not spending.ceilings:
            return None
        if not spending.is_sent:
            verdict = self.judge([ceilings.wanted(spending.task)], spending.ceilings)
            return CeilingError(verdict) if verdict.passed else None
        try:
            ceilings.check(self._read, spending.ceilings, spending.task)
        except (CeilingError, ChargePendingError) as error:
            return error
        return None

    def add_missing(
        self,
        tasks: Iterable[tuple[Task, list[tuple[float, str, str]]]],
        owner: str = "",
        most: Ceilings = ceilings.NONE,
    ) -> int:
        """Take in tasks with their events, but none whose id is known; how many that
        were. Raises StoreError.

        `owner` has the watch over them until its lease ends. All are written, or none
        and CeilingError is raised: where those that the user hasn't agreed to pay past
        a ceiling would pass one of `most`. What is set aside isn't sent by this.
        KeyTakenError, too, leaves the file as it was.
        """
        new, until = 0, lease_end(time.time()) if owner else 0
        with self._writing() as numbers:
            budget = Budget(self._read, most)
            for task, events in tasks:
                known = self._db.execute(
                    "select 1 from tasks where id = ?", (task.id,)
                ).fetchone()
                if not known:
                    self._check_key(task)
                    new += 1
                    if most and task.watched and not task.over_ceiling:
                        budget.add(ceilings.wanted(task))
                    self._db.execute(
                        INSERT, schema.row(task, owner, until, next(numbers))
                    )
                    for at, event, raw in events:
                        event_log.add(self._db, task.id, at, event, raw)
            verdict = budget.verdict()
            if verdict.passed:
                raise CeilingError(verdict)
        return new

    def adopt(self, task: Task, event: str, raw: str) -> Task:
        """Take in a task that was made elsewhere; answers the one of its id at the
        service, which may have been here before. Raises StoreError.
        """
        with self._writing() as numbers:
            known = self.of_remote_id(task.base_url, task.remote_id)
            if known:
                return known
            self._db.execute(INSERT, schema.row(task, seq=next(numbers)))
            self._add_event(task.id, event, raw)
        return task

    def _check_key(self, task: Task) -> None:
        """Raises KeyTakenError where a task of the same caller's key is there, and
        StoreError.
        """
        if task.caller_key:
            known = self.of_caller_key(task)
            if known:
                raise KeyTakenError(known)

    def set_aside_unsent(self, ids: Iterable[str]) -> list[Task]:
        """Mark those of the tasks that are held, whoever watches them, as interrupted:
        they aren't sent unasked.

        Answers them as they are now. All in one transaction: what was marked to be sent
        before it stays, and what would be sent after it is refused to whoever would.
        Raises StoreError.
        """
        aside = []
        with self._writing() as numbers:
            for chunk in chunks(ids):
                for task in self._held(chunk):
                    marked = task.change(
                        watched=False, set_aside=SetAside.INTERRUPTED, note=""
                    )
                    self._write_unsent(marked, "set aside", next(numbers))
                    aside.append(marked)
        return aside

    def set_aside_job(self, task: Task, note: str) -> list[Task]:
        """Mark a task, and all of its job that wait too, as past a ceiling; those stay
        that the user has agreed to pay.

        Answers them as they are now. Raises StoreError.
        """
        aside = []
        with self._writing() as numbers:
            job = "select id from tasks where job = ? and job <> '' and status = ?"
            found = [row[0] for row in self._db.execute(job, (task.job, Status.HELD))]
            for chunk in chunks({task.id, *found}):
                for held in self._held(chunk):
                    if not held.over_ceiling:
                        marked = held.change(
                            watched=False, set_aside=SetAside.CEILING, note=note
                        )
                        self._write_unsent(marked, f"set aside: {note}", next(numbers))
                        aside.append(marked)
        return aside

    def _held(self, ids: list[str]) -> list[Task]:
        """Return those of the tasks that wait to be sent. Raises sqlite3.Error."""
        held = f"select id from tasks where {NAMED} and status = ?"
        found = [
            row[0] for row in self._db.execute(held, (json.dumps(ids), Status.HELD))
        ]
        return [
            task
            for task in self.named(found)
            if task.status is Status.HELD and task.live
        ]

    def _write_unsent(self, task: Task, event: str, seq: int) -> None:
        self._db.execute(schema.UPDATE_UNSENT, schema.unsent(task, seq))
        self._add_event(task.id, event, "")

    def _add_event(self, task_id: str, event: str, raw: str) -> None:
        event_log.add(self._db, task_id, time.time(), event, raw)


def unfinished_in(path: Path) -> list[Task]:
    """Unfinished tasks of a queue file that can't be opened for writing; none where it
    can't be read either.
    """
    states = ", ".join("?" * len(LIVE))
    for way in ("mode=ro", "immutable=1"):  # the second looks at no companion file
        try:
            with closing(
                sqlite3.connect(f"{path.absolute().as_uri()}?{way}", uri=True)
            ) as db:
                query = (
                    f"select data from tasks where deleted = 0 and status in ({states})"
                )
                rows = db.execute(query, tuple(LIVE)).fetchall()
        except (sqlite3.Error, OSError):
            continue
        tasks = []
        for (data,) in rows:
            with suppress(*schema.UNREADABLE):
                tasks.append(schema.decode(data))
        return tasks
    return []


def _follows(entry: Entry, known: tuple[Any, ...]) -> bool:
    *_, revision, _ = known
    return entry.after is None or revision == entry.after or _is_there(entry, known)


def _is_there(entry: Entry, known: tuple[Any, ...]) -> bool:
    """Whether this very snapshot was written before: to a file that was lost right
    after, and brought back.
    """
    *_, revision, data = known
    return (
        entry.after is not None
        and revision == entry.task.revision
        and data == schema.encode(entry.task)
    )
