"""The queue on disk: one SQLite file that several processes share.

Every method blocks for as long as the disk takes, and is called from one thread at a time.
"""

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from tui.tasks import ledger, salvage, schema
from tui.tasks.search import conditions
from tui.tasks.task import LIVE, Status, Task

LEASE = 10.0
"""Seconds after which a task whose watcher has gone silent may be taken over."""
LOCK_WAIT = 10.0
"""Seconds for which a file that another process holds is waited for."""

_INSERT = f"insert or replace into tasks values ({', '.join('?' * schema.COLUMNS)})"
_NAMED = "id in (select value from json_each(?))"
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full: make room there",
    sqlite3.SQLITE_READONLY: "it may not be written to: change its permissions, or its folder's",
    sqlite3.SQLITE_IOERR: "the disk refuses to read or write: make room there, and check it",
    sqlite3.SQLITE_BUSY: "another program holds it for long: end that program, then try again",
    sqlite3.SQLITE_CANTOPEN: "it can't be opened: check the permissions of it and of its folder",
}


class StoreError(Exception):
    """The queue file can't be used; the text says why and what to do."""


class DamagedError(StoreError):
    """The file's content is broken; `Store.start_anew` saves what can be read."""


class TakenError(Exception):
    """Another process is carrying this task."""

    def __init__(self) -> None:
        super().__init__("Another window or command is carrying this task: do it there.")


class Entry(NamedTuple):
    """A snapshot to be written, and what happened. `owner` keeps or takes the watch.

    With `after`, the `updated_at` of the snapshot that it follows, it is written over no other one.
    """

    task: Task
    event: str = ""
    raw: str = ""
    owner: str = ""
    after: float | None = None


class Store:
    """All tasks, past and present."""

    def __init__(self, path: Path) -> None:
        """Open or make the queue file (0600, its folder 0700). Raises StoreError."""
        self.path = path
        self.notices: list[str] = []
        """What the user should know of the file: it was damaged and set aside, a task can't be read."""
        try:
            self._open()
        except (sqlite3.Error, OSError) as error:
            problem = self._error(error)
            if not isinstance(problem, DamagedError):
                raise problem from error
            self.start_anew()

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.path.exists():
            self.path.touch(mode=0o600)
        self._inode = self.path.stat().st_ino
        self._db = sqlite3.connect(self.path, timeout=LOCK_WAIT, isolation_level=None, check_same_thread=False)
        try:
            if schema.prepare(self._db) > schema.VERSION:
                raise StoreError(f"The queue file {self.path} was made by a newer runapi-tui: update this one.")
        except BaseException:
            self._db.close()
            raise

    def start_anew(self) -> None:
        """Set the damaged file aside and go on with a new one that has all tasks that can be read. StoreError."""
        self._db.close()
        try:
            with salvage.alone(self.path.parent):
                if self._moved():  # another process has done it
                    self._open()
                    return
                aside = salvage.set_aside(self.path)
                try:
                    self._open()
                    with self._db:
                        self._db.execute("begin immediate")
                        saved = sum(self._saved(data) for data in salvage.readable_tasks(aside))
                except BaseException:  # a full disk: the next start shall find all that is left
                    self._db.close()
                    salvage.rename(aside, self.path)
                    raise
        except (sqlite3.Error, OSError) as error:
            raise self._error(error) from error
        self.notices.append(
            f"The queue file was damaged. It is kept as {aside}; {saved} readable tasks went into a new one."
        )

    def _saved(self, data: bytes) -> bool:
        try:
            self._db.execute(_INSERT, schema.row(schema.decode(data)))
        except schema.UNREADABLE:
            return False
        return True

    def _moved(self) -> bool:
        """Another file stands where ours was, or none."""
        try:
            return self.path.stat().st_ino != self._inode
        except FileNotFoundError:
            return True

    def close(self) -> None:
        self._db.close()

    def save(self, task: Task, event: str = "", raw: str = "", owner: str = "") -> None:
        """Write one snapshot. Raises TakenError where another process has the watch, StoreError."""
        (problem,) = self.save_all([Entry(task, event, raw, owner)])
        if problem:
            raise problem

    def save_all(self, entries: Iterable[Entry]) -> list[TakenError | None]:
        """Write snapshots and what happened, all in one transaction. Raises StoreError.

        Answers a TakenError for each entry that was not written, because another process has the watch, or had
        it since: while this one slept, it may have dropped or finished the task.
        """
        problems: list[TakenError | None] = []
        with self._writing():
            for task, event, raw, owner, after in entries:
                if not self._free(task.id, owner) or not self._follows(task.id, after):
                    problems.append(TakenError())
                    continue
                watched = owner if task.live else ""
                self._db.execute(_INSERT, schema.row(task, watched, time.time() + LEASE if watched else 0))
                if event:
                    self._db.execute("insert into events values (?, ?, ?, ?)", (task.id, time.time(), event, raw))
                problems.append(None)
        return problems

    def add_missing(self, tasks: Iterable[tuple[Task, list[tuple[float, str, str]]]], owner: str = "") -> int:
        """Take in tasks with their events, but none whose id is known; how many that were. Raises StoreError.

        `owner` has the watch over them until its lease ends.
        """
        count, until = 0, time.time() + LEASE if owner else 0
        with self._writing():
            for task, events in tasks:
                known = self._db.execute("select 1 from tasks where id = ?", (task.id,)).fetchone()
                if not known:
                    count += 1
                    self._db.execute(_INSERT, schema.row(task, owner, until))
                    rows = ((task.id, *event) for event in events)
                    self._db.executemany("insert into events values (?, ?, ?, ?)", rows)
        return count

    def get(self, task_id: str) -> Task | None:
        """By local id, the unique end or start of one, or the server's id."""
        if not task_id or not task_id.isprintable():
            return None
        exact = self._tasks("where id = ?1 or remote_id = ?1", task_id)
        if exact or len(task_id) < 4 or not task_id.isalnum():
            return exact[0] if exact else None
        near = self._tasks("where id like ?1 || '%' or id like '%' || ?1 limit 2", task_id)
        return near[0] if len(near) == 1 else None

    def shown(self, limit: int) -> list[Task]:
        """What the queue shows: the latest tasks and all unfinished ones, newest first."""
        states = ", ".join("?" * len(LIVE))
        latest = self._tasks("where cleared = 0 and deleted = 0 order by id desc limit ?", limit)
        unfinished = self._tasks(f"where deleted = 0 and status in ({states})", *LIVE)
        merged = {task.id: task for task in (*latest, *unfinished)}
        return [task for _, task in sorted(merged.items(), reverse=True)]

    def search(self, query: str = "", limit: int = 500, before: str = "~") -> list[Task]:
        """The latest tasks that a search line asks for (see `search`), newest first, of ids below `before`."""
        wanted, values = conditions(query)
        found = f"select id from tasks indexed by tasks_found where id < ? and {wanted} order by id desc limit ?"
        return self._tasks(f"where id in ({found}) order by id desc", before, *values, limit)

    def of_job(self, job: str) -> list[Task]:
        """All tasks of a job, oldest first."""
        return self._tasks("where job = ? and deleted = 0 order by id", job)

    def changed_since(self, moment: float) -> list[Task]:
        """Snapshots written at or after `moment`."""
        return self._tasks("where updated_at >= ? order by updated_at", moment)

    def data_version(self) -> int:
        """A number that changes whenever another process writes. DamagedError where one has set the file aside."""
        if self._moved():
            raise DamagedError(f"The queue file {self.path} is another one now.")
        return int(self._read("pragma data_version")[0][0])

    def take(self, owner: str, ids: Iterable[str]) -> list[Task]:
        """Take the watch over tasks; the latest snapshots of those that no other process has."""
        taken = []
        with self._writing():
            for task_id in ids:
                if self._free(task_id, owner):
                    self._lease(owner, time.time(), task_id)
                    taken += self._tasks("where id = ?", task_id)
        return taken

    def _free(self, task_id: str, owner: str) -> bool:
        query = "select 1 from tasks where id = ? and owner not in ('', ?) and lease_until >= ?"
        return self._db.execute(query, (task_id, owner, time.time())).fetchone() is None

    def _follows(self, task_id: str, after: float | None) -> bool:
        query = "select 1 from tasks where id = ? and updated_at <> ?"  # nothing differs from null
        return self._db.execute(query, (task_id, after)).fetchone() is None

    def claim(
        self, owner: str, base_url: str, ids: Iterable[str] | None = None, *, profile: str = ""
    ) -> list[Task]:
        """Take the watch over a profile's unfinished tasks that nobody is watching (of `ids`, or all)."""
        now = time.time()
        states = ", ".join("?" * len(LIVE))
        free = "where base_url = ? and profile = ? and (owner in ('', ?) or lease_until < ?)"
        asked: tuple[object, ...] = (base_url, profile, owner, now, *LIVE)
        if ids is None:
            free += f" and status in ({states})"
        else:  # found by their ids: as good as all may be unfinished
            free += f" and +status in ({states}) and {_NAMED}"
            asked += (json.dumps(list(ids)),)
        if not self._read(f"select 1 from tasks {free} limit 1", *asked):
            return []  # the usual case takes no lock and writes nothing
        taken = []
        with self._writing():
            for task in self._tasks(free, *asked):
                if task.live:
                    self._lease(owner, now, task.id)
                    taken.append(task)
        return taken

    def free(self, base_url: str, profile: str = "") -> list[str]:
        """A profile's unfinished tasks that no process is watching, by id: first what was sent, then in turn."""
        states = ", ".join("?" * len(LIVE))
        ours = "where base_url = ? and profile = ?"
        query = f"select data from tasks {ours} and lease_until < ? and status in ({states})"
        found = []
        try:
            for (data,) in self._db.execute(
                query, (base_url, profile, time.time(), *LIVE)
            ):  # not all at once in memory
                with suppress(*schema.UNREADABLE):
                    task = schema.decode(data)
                    found += [(task.status is Status.HELD, task.turn)] if task.live else []
        except sqlite3.Error as error:
            raise self._error(error) from error
        return [task_id for _, (_, task_id) in sorted(found)]

    def named(self, ids: Iterable[str]) -> list[Task]:
        """The tasks of these ids."""
        return self._tasks(f"where {_NAMED}", json.dumps(list(ids)))

    def renew(self, owner: str, ids: Iterable[str]) -> None:
        """Keep the watch over tasks."""
        until = time.time() + LEASE
        with self._writing():
            self._db.executemany(
                "update tasks set lease_until = ? where id = ? and owner = ?",
                ((until, task_id, owner) for task_id in ids),
            )

    def release(self, owner: str) -> None:
        """Let others watch what this process has watched."""
        with self._writing():
            self._db.execute("update tasks set owner = '', lease_until = 0 where owner = ?", (owner,))

    def events(self, task_id: str) -> list[tuple[float, str, str]]:
        """When, what, and the server's own words, oldest first."""
        return self._read("select at, event, raw from events where task_id = ? order by at, rowid", task_id)

    def spent(self, base_url: str) -> ledger.Spent:
        """Where one stands with the money today."""
        return ledger.spent(self._read, base_url)

    def books(self, base_url: str) -> ledger.Books:
        """What was spent there, by day and by model."""
        return ledger.books(self._read, base_url)

    def learnt(self, base_url: str) -> dict[str, str]:
        """What has shown itself about a base URL: its route, the place of a task's status."""
        return dict(self._read("select name, value from learnt where base_url = ?", base_url))

    def learn(self, base_url: str, name: str, value: str) -> None:
        with self._writing():
            self._db.execute("insert or replace into learnt values (?, ?, ?)", (base_url, name, value))

    def uploaded(self, base_url: str, digest: str) -> str:
        """Where that content can still be read by the service; empty if nowhere."""
        wanted = "select url from uploads where base_url = ? and digest = ? and until > ?"
        found = self._read(wanted, base_url, digest, time.time())
        return str(found[0][0]) if found else ""

    def keep_upload(self, base_url: str, digest: str, url: str, seconds: float) -> None:
        with self._writing():
            self._db.execute("delete from uploads where until < ?", (time.time(),))
            self._db.execute(
                "insert or replace into uploads values (?, ?, ?, ?)",
                (base_url, digest, url, time.time() + seconds),
            )

    def _lease(self, owner: str, now: float, task_id: str) -> None:
        self._db.execute("update tasks set owner = ?, lease_until = ? where id = ?", (owner, now + LEASE, task_id))

    def _tasks(self, where: str, *values: object) -> list[Task]:
        tasks = []
        for task_id, data in self._read(f"select id, data from tasks {where}", *values):
            try:
                tasks.append(schema.decode(data))
            except schema.UNREADABLE as error:
                notice = f"Task {task_id} in the queue file can't be read and is left out: {error}."
                if notice not in self.notices:
                    self.notices.append(notice)
        return tasks

    def _read(self, query: str, *values: object) -> list[Any]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._error(error) from error

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction; whatever goes wrong with the file is a StoreError, and nothing was written."""
        try:
            with self._db:
                self._db.execute("begin immediate")
                yield
        except sqlite3.Error as error:
            raise self._error(error) from error

    def _error(self, error: Exception) -> StoreError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _DAMAGED:
            return DamagedError(f"The queue file {self.path} is damaged: {error}.")
        reason = _REASONS.get(code) or getattr(error, "strerror", None) or error
        return StoreError(f"The queue file {self.path} can't be used: {reason}.")
