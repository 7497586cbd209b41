"""The queue on disk: one SQLite file that several processes share.

Every method blocks for as long as the disk takes, and is called from one thread at a time.
"""

import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from tui.tasks.task import LIVE, Task

VERSION = 1
LEASE = 15.0
"""Seconds after which a task whose watcher has gone silent may be taken over."""

_SCHEMA = """
create table tasks (
    id text primary key, created_at real not null, updated_at real not null,
    status text not null, model text not null, prompt text not null, remote_id text not null,
    base_url text not null, owner text not null default '', lease_until real not null default 0,
    data blob not null
) without rowid;
create index tasks_by_status on tasks (status);
create index tasks_by_update on tasks (updated_at);
create table events (task_id text not null, at real not null, event text not null, raw text not null);
create index events_by_task on events (task_id, at);
create table uploads (base_url text not null, digest text not null, url text not null, until real not null,
    primary key (base_url, digest)) without rowid;
create table learnt (base_url text not null, name text not null, value text not null,
    primary key (base_url, name)) without rowid;
"""


class StoreError(Exception):
    """The queue file can't be used; the text says why and what to do."""


class TakenError(Exception):
    """Another process is carrying this task."""


class Store:
    """All tasks, past and present."""

    def __init__(self, path: Path) -> None:
        """Open or make the queue file (0600, its folder 0700). Raises StoreError."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not path.exists():
                path.touch(mode=0o600)
            self._db = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
            self._prepare()
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"The queue file {path} can't be used: {error}.") from error
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(Task).decode

    def _prepare(self) -> None:
        found = self._db.execute("pragma user_version").fetchone()[0]
        if found > VERSION:
            raise StoreError(f"The queue file {self.path} was made by a newer runapi-tui: update this one.")
        for tries_left in range(200, -1, -1):
            try:
                self._db.execute("pragma journal_mode = wal")
                break
            except sqlite3.OperationalError:  # the switch itself doesn't wait for other processes
                if not tries_left:
                    raise
                time.sleep(0.02)
        # A power cut must not undo "this was sent": every commit reaches the disk.
        self._db.execute("pragma synchronous = full")
        if found < VERSION:
            with self._db:
                self._db.execute("begin immediate")
                if self._db.execute("pragma user_version").fetchone()[0] < VERSION:  # nobody was faster
                    for statement in _SCHEMA.split(";"):
                        self._db.execute(statement)
                    self._db.execute(f"pragma user_version = {VERSION}")

    def close(self) -> None:
        self._db.close()

    def save(self, task: Task, event: str = "", raw: str = "", owner: str = "") -> None:
        """Write a snapshot, and what happened, in one transaction. `owner` keeps or takes the watch.

        Raises TakenError, and writes nothing, where another process has the watch.
        """
        row = (
            task.id,
            task.created_at,
            task.updated_at,
            task.status,
            task.model,
            task.prompt,
            task.remote_id,
            task.base_url,
            owner if task.live else "",
            time.time() + LEASE if owner and task.live else 0,
            self._encode(task),
        )
        with self._db:
            self._db.execute("begin immediate")
            if not self._free(task.id, owner):
                raise TakenError("Another window or command is carrying this task: do it there.")
            self._db.execute(f"insert or replace into tasks values ({', '.join('?' * len(row))})", row)
            if event:
                self._db.execute("insert into events values (?, ?, ?, ?)", (task.id, time.time(), event, raw))

    def get(self, task_id: str) -> Task | None:
        """By local id, the unique end or start of one, or the server's id."""
        if not task_id:
            return None
        exact = self._tasks("where id = ?1 or remote_id = ?1", task_id)
        if exact or len(task_id) < 4 or not task_id.isalnum():
            return exact[0] if exact else None
        near = self._tasks("where id like ?1 || '%' or id like '%' || ?1 limit 2", task_id)
        return near[0] if len(near) == 1 else None

    def newest(self, limit: int, status: str = "", model: str = "", search: str = "") -> list[Task]:
        """The latest tasks, newest first."""
        return self._tasks(
            "where (?1 = '' or status = ?1) and (?2 = '' or model = ?2)"
            " and (?3 = '' or instr(lower(prompt), lower(?3)) or instr(id, ?3) or instr(remote_id, ?3))"
            " order by id desc limit ?4",
            *(status, model, search, limit),
        )

    def changed_since(self, moment: float) -> list[Task]:
        """Snapshots written at or after `moment`."""
        return self._tasks("where updated_at >= ? order by updated_at", moment)

    def data_version(self) -> int:
        """A number that changes whenever another process writes."""
        return int(self._db.execute("pragma data_version").fetchone()[0])

    def take(self, owner: str, task_id: str) -> Task | None:
        """Take the watch over one task; its latest snapshot, or None where another process has it."""
        with self._db:
            self._db.execute("begin immediate")
            if not self._free(task_id, owner):
                return None
            self._lease(owner, time.time(), task_id)
        return self.get(task_id)

    def _free(self, task_id: str, owner: str) -> bool:
        query = "select 1 from tasks where id = ? and owner not in ('', ?) and lease_until >= ?"
        return self._db.execute(query, (task_id, owner, time.time())).fetchone() is None

    def claim(self, owner: str, base_url: str, ids: Iterable[str] | None = None) -> list[Task]:
        """Take the watch over unfinished tasks that nobody is watching (of `ids`, or all); answers those."""
        now = time.time()
        wanted = None if ids is None else set(ids)
        taken = []
        with self._db:
            self._db.execute("begin immediate")
            states = ", ".join("?" * len(LIVE))
            free = self._tasks(
                f"where base_url = ? and (owner = '' or owner = ? or lease_until < ?) and status in ({states})",
                *(base_url, owner, now, *LIVE),
            )
            for task in free:
                if task.live and (wanted is None or task.id in wanted):
                    self._lease(owner, now, task.id)
                    taken.append(task)
        return taken

    def renew(self, owner: str, ids: Iterable[str]) -> None:
        """Keep the watch over tasks."""
        now = time.time()
        with self._db:
            self._db.execute("begin immediate")
            for task_id in ids:
                self._db.execute(
                    "update tasks set lease_until = ? where id = ? and owner = ?", (now + LEASE, task_id, owner)
                )

    def release(self, owner: str) -> None:
        """Let others watch what this process has watched."""
        self._db.execute("update tasks set owner = '', lease_until = 0 where owner = ?", (owner,))

    def events(self, task_id: str) -> list[tuple[float, str, str]]:
        """When, what, and the server's own words, oldest first."""
        return self._db.execute(
            "select at, event, raw from events where task_id = ? order by at", (task_id,)
        ).fetchall()

    def learnt(self, base_url: str) -> dict[str, str]:
        """What has shown itself about a base URL: its route, the place of a task's status."""
        return dict(self._db.execute("select name, value from learnt where base_url = ?", (base_url,)))

    def learn(self, base_url: str, name: str, value: str) -> None:
        self._db.execute("insert or replace into learnt values (?, ?, ?)", (base_url, name, value))

    def uploaded(self, base_url: str, digest: str) -> str:
        """Where that content can still be read by the service; empty if nowhere."""
        found = self._db.execute(
            "select url from uploads where base_url = ? and digest = ? and until > ?",
            (base_url, digest, time.time()),
        ).fetchone()
        return found[0] if found else ""

    def keep_upload(self, base_url: str, digest: str, url: str, seconds: float) -> None:
        self._db.execute("delete from uploads where until < ?", (time.time(),))
        self._db.execute(
            "insert or replace into uploads values (?, ?, ?, ?)", (base_url, digest, url, time.time() + seconds)
        )

    def _lease(self, owner: str, now: float, task_id: str) -> None:
        self._db.execute("update tasks set owner = ?, lease_until = ? where id = ?", (owner, now + LEASE, task_id))

    def _tasks(self, where: str, *values: object) -> list[Task]:
        try:
            return [self._decode(row[0]) for row in self._db.execute(f"select data from tasks {where}", values)]
        except (sqlite3.DatabaseError, msgspec.MsgspecError) as error:
            raise StoreError(f"The queue file {self.path} is damaged: {error}.") from error
