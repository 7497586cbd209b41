"""Into a queue file what it lacks, or has older: from a file that was lost or damaged,
and from memory.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from tui.tasks import recovery, schema
from tui.tasks.task import Task

INSERT = f"insert or replace into tasks values ({', '.join('?' * schema.COLUMNS)})"
_REVISION, _SEQ = 20, 22
"""Columns of a row."""
_ADD_EVENT = """
insert into events select ?1, ?2, ?3, ?4 where not exists
    (select 1 from events where task_id = ?1 and at = ?2 and event = ?3 and raw = ?4)
"""
_EVENTS = (
    "select task_id, at, event, raw from events where task_id = ? order by at, rowid"
)
_UNREADABLE = (sqlite3.Error, UnicodeDecodeError)


def newest(db: sqlite3.Connection) -> int:
    """The number of the last write of a task; 0 in a new file. Raises sqlite3.Error."""
    return int(db.execute("select coalesce(max(seq), 0) from tasks").fetchone()[0])


class Restorer:
    """Fills an open queue file, within a transaction of the caller's. Its methods raise
    sqlite3.Error and OSError for the file that is filled; what can't be read elsewhere
    is left out.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._seq = newest(db)
        self._written: set[str] = set()

    @property
    def count(self) -> int:
        """How many tasks have been written."""
        return len(self._written)

    def from_memory(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            if task.revision > self._revision(task.id):
                self._write(schema.row(task))

    def from_open(self, old: sqlite3.Connection) -> None:
        """From a file that is still open although it isn't at its place any more."""
        for order in ("rowid", "rowid desc"):  # from both ends, should it be damaged
            for row in _readable(old, f"select * from tasks order by {order}"):
                if len(row) == schema.COLUMNS and row[_REVISION] > self._revision(
                    row[0]
                ):
                    self._write(row)
                    for event in _readable(old, _EVENTS, row[0]):
                        self._db.execute(_ADD_EVENT, event)
        self._rest_from(old)

    def from_damaged(self, aside: Path) -> int:
        """From a file that was set aside. Answers how many tasks are known to have been
        in it and can't be read.
        """
        for data in recovery.readable_tasks(aside):
            with suppress(*schema.UNREADABLE):
                task = schema.decode(data)
                if task.revision > self._revision(task.id):
                    self._write(schema.row(task))
        with suppress(*_UNREADABLE), recovery.opened(aside) as old:
            self._rest_from(old)
        return self._from_pages(aside, surely=frozenset(self._written))

    def _from_pages(self, aside: Path, *, surely: frozenset[str]) -> int:
        """`surely` are tasks of which SQLite has read the latest state."""
        named: set[str] = set()
        for left in recovery.on_pages(aside):
            match left:
                case recovery.TaskLeft(task_id, data):
                    named.add(task_id)
                    with suppress(*schema.UNREADABLE):
                        task = schema.decode(data)
                        if task.id == task_id and self._is_newer(task, surely):
                            self._write(schema.row(task))
                case recovery.IdLeft(task_id):
                    named.add(task_id)
                case recovery.EventLeft():
                    self._db.execute(_ADD_EVENT, left)
                case recovery.LearntLeft():
                    self._db.execute(
                        "insert or ignore into learnt values (?, ?, ?)", left
                    )
        self._db.execute(
            "delete from events where task_id not in (select id from tasks)"
        )
        return sum(self._revision(task_id) < 0 for task_id in named)

    def _is_newer(self, task: Task, surely: frozenset[str]) -> bool:
        known = self._db.execute(
            "select revision, updated_at from tasks where id = ?", (task.id,)
        ).fetchone()
        if known is None or task.revision > known[0]:
            return True
        # Earlier versions counted no revisions: among the states that lie about, their
        # clock is all there is.
        return task.id not in surely and (task.revision, task.updated_at) > known

    def _rest_from(self, old: sqlite3.Connection) -> None:
        """What a file has beside tasks and their events."""
        for row in _readable(old, "select base_url, name, value from learnt"):
            self._db.execute("insert or ignore into learnt values (?, ?, ?)", row)
        for row in _readable(old, "select base_url, digest, url, until from uploads"):
            self._db.execute("insert or ignore into uploads values (?, ?, ?, ?)", row)
        if self._db.execute("select 1 from undo limit 1").fetchone() is None:
            for row in _readable(old, "select turn, at, data from undo order by rowid"):
                self._db.execute("insert into undo values (?, ?, ?)", row)

    def _revision(self, task_id: object) -> int:
        """Of the task in the file that is filled; -1 where it has none."""
        found = self._db.execute(
            "select revision from tasks where id = ?", (task_id,)
        ).fetchone()
        return int(found[0]) if found else -1

    def _write(self, row: tuple[Any, ...]) -> None:
        self._seq += 1
        self._db.execute(INSERT, (*row[:_SEQ], self._seq))
        self._written.add(row[0])


def _readable(db: sqlite3.Connection, query: str, *values: object) -> Iterator[Any]:
    """Rows, as many as can be read."""
    with suppress(*_UNREADABLE):
        yield from db.execute(query, values)
