"""Fills a queue file with what it lacks, or has in older states.

The source is a lost or damaged file, or memory.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from tui.tasks import recovery, schema
from tui.tasks.task import Task

INSERT = f"insert or replace into tasks values ({', '.join('?' * schema.COLUMNS)})"
_REVISION, _SEQ = 20, 22  # columns of a row
_ADD_EVENT = """
insert into events select ?1, ?2, ?3, ?4 where not exists
    (select 1 from events where task_id = ?1 and at = ?2 and event = ?3 and raw = ?4)
"""
_EVENTS = (
    "select task_id, at, event, raw from events where task_id = ? order by at, rowid"
)
_ADD_FACT = "insert or ignore into learnt values (?, ?, ?)"
_ADD_UPLOAD = "insert or ignore into uploads values (?, ?, ?, ?)"
_UNREADABLE = (sqlite3.Error, UnicodeDecodeError)


def newest(db: sqlite3.Connection) -> int:
    """Returns the number of the last write of a task; 0 in a new file.

    Raises sqlite3.Error.
    """
    (seq,) = db.execute("select coalesce(max(seq), 0) from tasks").fetchone()
    return int(seq)


class Restorer:
    """Fills an open queue file, within the caller's transaction.

    Its methods raise sqlite3.Error and OSError for the file that is filled. What can't
    be read from a source is skipped.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._seq = newest(db)
        self._written: set[str] = set()

    @property
    def count(self) -> int:
        """The number of tasks that were written."""
        return len(self._written)

    def from_memory(self, tasks: Iterable[Task]) -> None:
        """Restores tasks that are newer here than in the file."""
        for task in tasks:
            if task.revision > self._revision(task.id):
                self._write(schema.row(task))

    def from_open(self, old: sqlite3.Connection) -> None:
        """Restores from a file that is open, although it has been moved or deleted."""
        for order in ("rowid", "rowid desc"):  # from both ends, if it is damaged
            for row in _readable(old, f"select * from tasks order by {order}"):
                if len(row) != schema.COLUMNS:
                    continue
                task_id = row[0]
                revision = row[_REVISION]
                # SQLite keeps any value in any column.
                if not isinstance(revision, int):
                    continue
                if revision > self._revision(task_id):
                    self._write(row)
                    for event in _readable(old, _EVENTS, task_id):
                        self._db.execute(_ADD_EVENT, event)
        self._restore_other_tables(old)

    def from_damaged(self, damaged: Path) -> int:
        """Restores from a damaged file that was renamed.

        Returns the number of tasks that were in it and can't be read.
        """
        for data in recovery.readable_tasks(damaged):
            with suppress(*schema.UNREADABLE):
                task = schema.decode(data)
                if task.revision > self._revision(task.id):
                    self._write(schema.row(task))
        with suppress(*_UNREADABLE), recovery.opened(damaged) as old:
            self._restore_other_tables(old)
        return self._from_pages(damaged, latest=frozenset(self._written))

    def _from_pages(self, damaged: Path, *, latest: frozenset[str]) -> int:
        """Restores from undamaged pages; returns the number of lost tasks.

        `latest` are tasks of which SQLite has read the latest state.
        """
        named: set[str] = set()
        for found in recovery.on_pages(damaged):
            match found:
                case recovery.FoundTask(task_id, data):
                    named.add(task_id)
                    with suppress(*schema.UNREADABLE):
                        task = schema.decode(data)
                        if task.id == task_id and self._is_newer(task, latest):
                            self._write(schema.row(task))
                case recovery.FoundId(task_id):
                    named.add(task_id)
                case recovery.FoundEvent():
                    self._db.execute(_ADD_EVENT, found)
                case recovery.FoundFact():
                    self._db.execute(_ADD_FACT, found)
        self._db.execute(
            "delete from events where task_id not in (select id from tasks)"
        )
        return sum(self._revision(task_id) < 0 for task_id in named)

    def _is_newer(self, task: Task, latest: frozenset[str]) -> bool:
        known = self._db.execute(
            "select revision, updated_at from tasks where id = ?", (task.id,)
        ).fetchone()
        if known is None or task.revision > known[0]:
            return True
        # Earlier versions counted no revisions: only their clock tells which of several
        # states is newer.
        return task.id not in latest and (task.revision, task.updated_at) > known

    def _restore_other_tables(self, old: sqlite3.Connection) -> None:
        """Restores what a file has besides tasks and their events."""
        for row in _readable(old, "select base_url, name, value from learnt"):
            self._db.execute(_ADD_FACT, row)
        for row in _readable(old, "select base_url, digest, url, until from uploads"):
            self._db.execute(_ADD_UPLOAD, row)
        if self._db.execute("select 1 from undo limit 1").fetchone() is None:
            for row in _readable(old, "select turn, at, data from undo order by rowid"):
                self._db.execute("insert into undo values (?, ?, ?)", row)

    def _revision(self, task_id: object) -> int:
        """Returns a task's revision in the filled file; -1 if it isn't there."""
        query = "select revision from tasks where id = ?"
        found = self._db.execute(query, (task_id,)).fetchone()
        return int(found[0]) if found else -1

    def _write(self, row: tuple[Any, ...]) -> None:
        self._seq += 1
        self._db.execute(INSERT, (*row[:_SEQ], self._seq))
        self._written.add(row[0])


def _readable(db: sqlite3.Connection, query: str, *values: object) -> Iterator[Any]:
    """Yields rows until one can't be read."""
    with suppress(*_UNREADABLE):
        yield from db.execute(query, values)
