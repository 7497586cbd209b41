"""The queue on disk: one SQLite file that several processes share.

Every method blocks for as long as the disk takes, and is called from one thread at a
time.
"""

import json
import math
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import count, islice
from pathlib import Path
from typing import Any, NamedTuple

from tui.tasks import journal, lease, ledger, recovery, schema
from tui.tasks.lease import LEASE as LEASE
from tui.tasks.restore import INSERT, Restorer, newest
from tui.tasks.search import conditions
from tui.tasks.task import LIVE, SetAside, Status, Task
from tui.tasks.trash import KEPT_FOR

ENDED_UPLOADS = 30 * 86400.0
"""Seconds for which an upload that has ended is still known as one."""
LOCK_WAIT = 10.0
"""Seconds for which a file that another process holds is waited for."""
LONGEST_REST = 3600.0
"""Seconds. No service asks to wait for longer, and no upload lasts longer: a later
moment is of a wrong clock.
"""
UNDO_GROUPS = 50
"""How often something can be undone."""

_CACHE_KB = 32_000
"""For transactions that write very many tasks; what is not used takes no memory."""
_NAMED = "id in (select value from json_each(?))"
_HELD = """(owner not in ('', :owner) and lease_until between :now and :latest
    and owner not in (select value from json_each(:gone)))"""
_OWNERS = """
with recursive owners (owner) as (
    select (select min(owner) from tasks where owner <> '')
    union all
    select (
        select min(tasks.owner) from tasks
        where tasks.owner <> '' and tasks.owner > owners.owner
    )
    from owners where owners.owner is not null
)
select owner from owners where owner is not null
"""  # each name once, from one place of the index to the next
_LIVE_STATES = ", ".join(f"'{status}'" for status in sorted(LIVE))
_CHUNK = 500
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_BROKEN_SCHEMA = (
    "no such table",
    "no such column",
    "no such index",
    "has no column",
    "already exists",
)
_REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full: make room there",
    sqlite3.SQLITE_READONLY: (
        "it may not be written to: change its permissions, or its folder's"
    ),
    sqlite3.SQLITE_IOERR: (
        "the disk refuses to read or write: make room there, and check it"
    ),
    sqlite3.SQLITE_BUSY: (
        "another program is holding it: end that program, then try again"
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "it can't be opened: check the permissions of it and of its folder"
    ),
}
_NO_LOCKS = (
    "its disk has no file locks, so that programs would spoil it for each other: "
    "set XDG_STATE_HOME to a folder on a local disk"
)
_LOCK_ERRORS = (
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_IOERR_LOCK,
    sqlite3.SQLITE_IOERR_RDLOCK,
    sqlite3.SQLITE_IOERR_SHMLOCK,
    sqlite3.SQLITE_IOERR_SHMMAP,
    sqlite3.SQLITE_IOERR_SHMOPEN,
)
_FAULTS = (sqlite3.Error, OSError, UnicodeDecodeError)
"""What goes wrong with a file; the last one where SQLite's own words quote a broken
page.
"""


class StoreError(Exception):
    """The queue file can't be used; the text says why and what to do."""


class DamagedError(StoreError):
    """The file's content is broken, or the file is gone; `Store.start_anew` saves what
    can be read.

    `generation` is the store's at that moment: what was found before a new start says
    nothing about the new file.
    """

    generation = -1


class LeasedError(Exception):
    """Another process is carrying this task."""

    def __init__(self) -> None:
        super().__init__(
            "Another window or command is carrying this task: do it there."
        )


class Entry(NamedTuple):
    """A snapshot to be written, and what happened. `owner` keeps or takes the watch.

    With `after`, the `revision` of the snapshot that it follows, it is written over no
    other one. With `if_previous`, it is written only where the entry before it is.
    """

    task: Task
    event: str = ""
    raw: str = ""
    owner: str = ""
    after: int | None = None
    if_previous: bool = False


class Store:
    """All tasks, past and present."""

    def __init__(self, path: Path) -> None:
        """Open or make the queue file (0600, its folder 0700). Raises StoreError."""
        self.path = path
        self.notices: list[str] = []
        """What the user should know of the file: it was damaged and set aside, a task
        can't be read.
        """
        self.generation = 0
        """Counts how often this store has gone on with another file."""
        self.highest = 0
        """The highest number of a write that was seen in this file; a file with a lower
        one was put back.
        """
        self._identity: tuple[int, int] | None = None
        self._companions: dict[str, tuple[int, int] | None] = {}
        self._usable = False
        try:
            self._open_whole()
        except DamagedError:
            self.start_over()

    def _open_whole(self) -> None:
        """Raises StoreError; DamagedError also where only the companions of a file are
        left.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not self.path.exists():
                # Not while another process sets a damaged one aside
                with recovery.alone(self.path.parent):
                    if recovery.is_orphaned(self.path):
                        raise self._damaged(
                            f"The queue file {self.path} is gone, and has left its log."
                        )
            self._open()
        except _FAULTS as error:
            raise self._error(error) from error

    def _open(self) -> None:
        """Raises sqlite3.Error, OSError or StoreError, and leaves what was open before
        as it was.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.path.exists():
            self.path.touch(mode=0o600)
        before = _identity(self.path)
        try:
            db = self._prepared()
        except sqlite3.OperationalError as error:
            if not journal.needs_rollback(error):
                raise
            journal.roll_back(self.path, error)
            db = self._prepared(may_log=False)
        try:
            if _identity(self.path) != before:
                raise self._damaged(f"The queue file {self.path} is another one now.")
        except BaseException:
            db.close()
            raise
        self._db = db
        self._identity = before
        self._companions = {
            ending: _identity(self._companion(ending), link=True)
            for ending in recovery.COMPANIONS
        }
        self._usable = True
        self.highest = 0

    def _prepared(self, *, may_log: bool = True) -> sqlite3.Connection:
        db = sqlite3.connect(
            self.path, timeout=LOCK_WAIT, isolation_level=None, check_same_thread=False
        )
        try:
            db.text_factory = _text
            if schema.prepare(db, may_log=may_log) > schema.VERSION:
                raise self._newer()
            db.execute(f"pragma cache_size = -{_CACHE_KB}")
        except BaseException:
            db.close()
            raise
        return db

    def start_over(
        self, mine: Iterable[Task] = (), found: DamagedError | None = None
    ) -> None:
        """Go on with a whole file at our place, which has all tasks that can be read
        and, where it lacks them or has them older, those of `mine`. Raises StoreError;
        what was open stays so then.

        A damaged file is set aside. One that was replaced, or has gone, is read as long
        as it is still open here. Nothing happens where that was done since `found`, the
        reason to do it.
        """
        if found and found.generation not in (-1, self.generation):
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with recovery.alone(self.path.parent):
                self._go_on(mine)
        except _FAULTS as error:
            raise self._error(error) from error
        self.generation += 1

    def _go_on(self, mine: Iterable[Task]) -> None:
        """What `start_anew` does, while no other process does it."""
        moved = self._moved()
        gone = moved and not self.path.exists()
        known = (self._db, self._identity, self._companions) if self._usable else None
        aside: Path | None = None
        if moved:
            self._remove_companions()
            if recovery.is_orphaned(self.path):
                aside = recovery.set_aside(self.path)
        else:
            if known:
                known[0].close()
                known = None
            aside = recovery.set_aside(self.path)
        old = known[0] if known else None
        try:
            try:
                told = self._open_filled(mine, old, aside, gone=gone)
            except _FAULTS as error:
                if aside or not isinstance(self._error(error), DamagedError):
                    raise
                # What was put in the place of ours is damaged too
                aside = recovery.set_aside(self.path)
                told = self._open_filled(mine, old, aside, gone=gone)
        except BaseException:  # a full disk: the next try shall find all that is left
            if aside:
                recovery.rename(aside, self.path)
            if known:
                self._db, self._identity, self._companions = known
            self._usable = known is not None
            raise
        if old:
            old.close()
        if told:
            self.notices.append(told)

    def _remove_companions(self) -> None:
        """Those of the file that isn't at its place any more would spoil the one that
        is.
        """
        for ending, identity in self._companions.items():
            companion = self._companion(ending)
            if identity and _identity(companion, link=True) == identity:
                companion.unlink(missing_ok=True)

    def _open_filled(
        self,
        mine: Iterable[Task],
        old: sqlite3.Connection | None,
        aside: Path | None,
        *,
        gone: bool,
    ) -> str:
        """Open what stands at our place, or a new file, and bring into it what it
        lacks; answers what the user should know of it.
        """
        self._usable = False
        self._open()
        try:
            return self._fill(mine, old, aside, gone=gone)
        except BaseException:
            self._db.close()
            self._usable = False
            raise

    def _fill(
        self,
        mine: Iterable[Task],
        old: sqlite3.Connection | None,
        aside: Path | None,
        *,
        gone: bool,
    ) -> str:
        with self._db:
            self._db.execute("begin immediate")
            restorer, lost = Restorer(self._db), 0
            if aside:
                lost = restorer.from_damaged(aside)
            saved = restorer.count
            if old:
                restorer.from_open(old)
            restorer.from_memory(mine)
        known = restorer.count - saved
        if aside:
            told = f"The queue file was damaged. It is kept as {aside}; "
            told += f"{saved:,} readable tasks went into a new one"
            if known:
                told += f", and {known:,} that were still known here"
            still_lost = max(0, lost - known)
            return (
                f"{told}; {still_lost:,} can't be read any more."
                if still_lost
                else f"{told}."
            )
        if gone:
            told = f"The queue file {self.path} was gone; a new one was made."
            return f"{told} Tasks brought back into it: {known:,}."
        if known:
            told = f"The queue file {self.path} was replaced by another one."
            return f"{told} Tasks brought back into it: {known:,}."
        return ""

    def write_back(self, tasks: Iterable[Task]) -> None:
        """Write those that the file lacks or has older: it was put back to an earlier
        state. Raises StoreError.
        """
        with self._writing():
            restorer = Restorer(self._db)
            restorer.from_memory(tasks)
        if restorer.count:
            self.notices.append(
                f"The queue file {self.path} was put back to an earlier state. "
                f"Tasks brought back into it: {restorer.count:,}."
            )

    def _moved(self) -> bool:
        """Another file stands where ours was, or none. Raises OSError where that can't
        be seen.
        """
        return self._identity is None or _identity(self.path) != self._identity

    def _check_place(self) -> None:
        """Raises DamagedError where the open file isn't at its place any more, or was
        emptied; OSError.
        """
        if self._moved():
            raise self._damaged(f"The queue file {self.path} is another one now.")
        if self.path.stat().st_size == 0:
            raise self._damaged(f"The queue file {self.path} was emptied.")

    def _companion(self, ending: str) -> Path:
        return self.path.with_name(self.path.name + ending)

    def close(self) -> None:
        self._db.close()
        self._usable = True  # it is meant to be closed: nothing opens it again

    def save(self, task: Task, event: str = "", raw: str = "", owner: str = "") -> None:
        """Write one snapshot. Raises TakenError where another process has the watch,
        StoreError.
        """
        (problem,) = self.save_all([Entry(task, event, raw, owner)])
        if problem:
            raise problem

    def save_all(self, entries: Iterable[Entry]) -> list[LeasedError | None]:
        """Write snapshots and what happened, all in one transaction. Raises StoreError.

        Answers a TakenError for each entry that was not written, because another
        process has the watch, or had it since: while this one slept, it may have
        dropped or finished the task.
        """
        problems: list[LeasedError | None] = []
        with self._writing() as numbers:
            judge = self._judge()
            for entry in entries:
                task, event, raw, owner, _, if_previous = entry
                if if_previous and problems and problems[-1]:
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
                problems.append(None)
                if known and _is_there(entry, known):
                    continue
                watched = owner if task.live else ""
                until = judge.now + LEASE if watched else 0
                self._db.execute(
                    INSERT, schema.row(task, watched, until, next(numbers))
                )
                if event:
                    self._add_event(task.id, event, raw)
        return problems

    def add_missing(
        self,
        tasks: Iterable[tuple[Task, list[tuple[float, str, str]]]],
        owner: str = "",
    ) -> int:
        """Take in tasks with their events, but none whose id is known; how many that
        were. Raises StoreError.

        `owner` has the watch over them until its lease ends.
        """
        new, until = 0, time.time() + LEASE if owner else 0
        with self._writing() as numbers:
            for task, events in tasks:
                known = self._db.execute(
                    "select 1 from tasks where id = ?", (task.id,)
                ).fetchone()
                if not known:
                    new += 1
                    self._db.execute(
                        INSERT, schema.row(task, owner, until, next(numbers))
                    )
                    rows = ((task.id, *event) for event in events)
                    self._db.executemany("insert into events values (?, ?, ?, ?)", rows)
        return new

    def set_aside_unsent(self, ids: Iterable[str]) -> list[Task]:
        """Mark those of the tasks that are held, whoever watches them, as interrupted:
        they aren't sent unasked.

        Answers them as they are now. All in one transaction: what was marked to be sent
        before it stays, and what would be sent after it is refused to whoever would.
        Raises StoreError.
        """
        aside = []
        with self._writing() as numbers:
            for chunk in _chunks(ids):
                held = f"select id from tasks where {_NAMED} and status = ?"
                found = [
                    row[0]
                    for row in self._db.execute(held, (json.dumps(chunk), Status.HELD))
                ]
                for task in self._named(found):
                    if task.status is Status.HELD and task.watched and not task.error:
                        marked = task.change(
                            watched=False, set_aside=SetAside.INTERRUPTED, note=""
                        )
                        self._db.execute(
                            schema.UPDATE_UNSENT, schema.unsent(marked, next(numbers))
                        )
                        self._add_event(task.id, "set aside", "")
                        aside.append(marked)
        return aside

    def get(self, task_id: str) -> Task | None:
        """By local id, the unique end or start of one, or the server's id."""
        if not task_id or not task_id.isprintable():
            return None
        exact = self._tasks("where id = ?1 or remote_id = ?1", task_id)
        if exact or len(task_id) < 4 or not task_id.isalnum():
            return exact[0] if exact else None
        near = self._tasks(
            "where id like ?1 || '%' or id like '%' || ?1 limit 2", task_id
        )
        return near[0] if len(near) == 1 else None

    def shown(self, limit: int) -> list[Task]:
        """What the queue shows: the latest tasks and all unfinished ones, newest first."""
        latest = self._tasks(
            "where cleared = 0 and deleted = 0 order by id desc limit ?", limit
        )
        unfinished = self._tasks(f"where deleted = 0 and status in ({_LIVE_STATES})")
        merged = {task.id: task for task in (*latest, *unfinished)}
        return [task for _, task in sorted(merged.items(), reverse=True)]

    def search(
        self, query: str = "", limit: int = 500, before: str = "~"
    ) -> list[Task]:
        """The latest tasks that a search line asks for (see `search`), newest first, of
        ids below `before`.
        """
        wanted, values = conditions(query)
        found = (
            f"select id from tasks indexed by tasks_found where id < ? and {wanted}"
            " order by id desc limit ?"
        )
        return self._tasks(
            f"where id in ({found}) order by id desc", before, *values, limit
        )

    def of_job(self, job: str) -> list[Task]:
        """All tasks of a job, oldest first."""
        return self._tasks("where job = ? and deleted = 0 order by id", job)

    def newest(self) -> int:
        """The number of the last write of a task; a new file begins at 0. Raises
        StoreError.
        """
        with self._asking():
            number = newest(self._db)
        self.highest = max(self.highest, number)
        return number

    def changed_since(self, seq: int) -> tuple[list[Task], int]:
        """Snapshots written after the write of that number, in turn; and the number of
        the last write.
        """
        latest = self.newest()
        if latest <= seq:
            return [], latest
        return (
            self._tasks("where seq > ? and seq <= ? order by seq", seq, latest),
            latest,
        )

    def begun_since(self, seq: int) -> list[str]:
        """Ids of tasks written after the write of this number that are no longer mere
        drafts. Raises StoreError.
        """
        query = "select id from tasks where seq > ? and status <> ?"
        return [task_id for (task_id,) in self._read(query, seq, Status.HELD)]

    def data_version(self) -> int:
        """A number that changes whenever another process writes. DamagedError where the
        file is another one.
        """
        with self._asking():
            self._check_place()
            return int(self._db.execute("pragma data_version").fetchone()[0])

    def lease(self, owner: str, ids: Iterable[str]) -> list[Task]:
        """Take the watch over tasks; the latest snapshots of those that no other
        process has.
        """
        taken = []
        with self._writing():
            judge = self._judge()
            for task_id in ids:
                known = self._db.execute(
                    "select owner, lease_until from tasks where id = ?", (task_id,)
                ).fetchone()
                if known and not judge.held_by_another(known[0], known[1], owner):
                    self._lease(owner, judge.now, task_id)
                    taken += self._tasks("where id = ?", task_id)
        return taken

    def claim(
        self,
        owner: str,
        base_url: str,
        ids: Iterable[str] | None = None,
        *,
        profile: str = "",
    ) -> list[Task]:
        """Take the watch over a profile's unfinished tasks that nobody is watching (of
        `ids`, or all).
        """
        free = f"where +base_url = :base_url and profile = :profile and not {_HELD}"
        asked: dict[str, object] = {"base_url": base_url, "profile": profile}
        if ids is None:
            free += f" and status in ({_LIVE_STATES})"
        else:  # found by their ids: as good as all may be unfinished
            free += (
                f" and +status in ({_LIVE_STATES}) and id in (select value from"
                " json_each(:ids))"
            )
            asked["ids"] = json.dumps(list(ids))
        with self._asking():
            asked |= self._judge().values(owner)
            if not self._db.execute(
                f"select 1 from tasks {free} limit 1", asked
            ).fetchone():
                return []  # the usual case takes no lock and writes nothing
        taken = []
        with self._writing():
            judge = self._judge()
            asked |= judge.values(owner)
            rows = self._db.execute(
                f"select id, data from tasks {free}", asked
            ).fetchall()
            for task in self._read_tasks(rows):
                if task.live:
                    self._lease(owner, judge.now, task.id)
                    taken.append(task)
        return taken

    def free(self, base_url: str, profile: str = "") -> list[str]:
        """A profile's unfinished tasks that no process is watching, by id: first what
        was sent, then in turn.
        """
        ours = "where +base_url = :base_url and profile = :profile"
        query = (
            f"select data from tasks {ours} and not {_HELD} and status in"
            f" ({_LIVE_STATES})"
        )
        found = []
        with self._asking():
            asked = {
                "base_url": base_url,
                "profile": profile,
                **self._judge().values(""),
            }
            for (data,) in self._db.execute(query, asked):  # not all at once in memory
                with suppress(*schema.UNREADABLE):
                    task = schema.decode(data)
                    found += (
                        [(task.status is Status.HELD, task.turn)] if task.live else []
                    )
        return [task_id for _, (_, task_id) in sorted(found)]

    def unfinished(self, owner: str = "") -> Iterator[tuple[Task, bool]]:
        """Every task of any base URL and profile that hasn't ended, or was made and
        isn't saved while that can still be fetched; with whether a living process other
        than `owner` watches it. Oldest first, a part of them at a time in memory.
        Raises StoreError.
        """
        live = f"select id from tasks where deleted = 0 and status in ({_LIVE_STATES})"
        unsaved = (
            "select id from tasks where deleted = 0 and unsaved_until > 0 and"
            " unsaved_until >= ?"
        )
        found = {
            row[0] for row in (*self._read(live), *self._read(unsaved, time.time()))
        }
        for chunk in _chunks(sorted(found)):
            with self._asking():
                values = {"ids": json.dumps(chunk), **self._judge().values(owner)}
                wanted = "id in (select value from json_each(:ids)) order by id"
                rows = self._db.execute(
                    f"select id, data, {_HELD} from tasks where {wanted}", values
                ).fetchall()
            held = {task_id for task_id, _, is_held in rows if is_held}
            for task in self._read_tasks((task_id, data) for task_id, data, _ in rows):
                yield task, task.id in held

    def named(self, ids: Iterable[str]) -> list[Task]:
        """The tasks of these ids."""
        return self._named(list(ids))

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
            # By the index
            free = (
                "update tasks set owner = '', lease_until = 0 where owner <> '' and"
                " owner = ?"
            )
            self._db.execute(free, (owner,))

    def events(self, task_id: str) -> list[tuple[float, str, str]]:
        """When, what, and the server's own words, oldest first."""
        return self._read(
            "select at, event, raw from events where task_id = ? order by at, rowid",
            task_id,
        )

    def spent(self, base_url: str) -> ledger.CurrentSpending:
        """Where one stands with the money today."""
        return ledger.current_spending(self._read, base_url)

    def books(self, base_url: str) -> ledger.SpendingReport:
        """What was spent there, by day and by model."""
        return ledger.spending_report(self._read, base_url)

    def learnt(self, base_url: str) -> dict[str, str]:
        """What has shown itself about a base URL: its route, the place of a task's
        status, its rest's end.
        """
        found = dict(
            self._read("select name, value from learnt where base_url = ?", base_url)
        )
        latest = time.time() + LONGEST_REST
        return {
            name: value
            for name, value in found.items()
            if not _is_rest(name) or _moment(value) <= latest
        }

    def learn(self, base_url: str, name: str, value: str) -> None:
        with self._writing():
            self._db.execute(
                "insert or replace into learnt values (?, ?, ?)",
                (base_url, name, value),
            )

    def uploaded(self, base_url: str, digest: str) -> str:
        """Where that content can still be read by the service; empty if nowhere."""
        wanted = (
            "select url from uploads where base_url = ? and digest = ? and until > ?"
            " and until <= ?"
        )
        now = time.time()
        found = self._read(wanted, base_url, digest, now, now + LONGEST_REST)
        return str(found[0][0]) if found else ""

    def upload_ends(self, base_url: str, url: str) -> float:
        """Until when an upload could be read by the service; 0 for an address that is
        no known upload.
        """
        found = self._read(
            "select max(until) from uploads where base_url = ? and url = ?",
            base_url,
            url,
        )
        return float(found[0][0] or 0)

    def remember_upload(
        self, base_url: str, digest: str, url: str, seconds: float
    ) -> None:
        with self._writing():
            self._db.execute(
                "delete from uploads where until < ?", (time.time() - ENDED_UPLOADS,)
            )
            # An earlier address of the same content stays known, under no digest that
            # is ever looked for.
            self._db.execute(
                "update or replace uploads set digest = digest || ' ' || url where"
                " base_url = ? and digest = ?",
                (base_url, digest),
            )
            self._db.execute(
                "insert or replace into uploads values (?, ?, ?, ?)",
                (base_url, digest, url, time.time() + seconds),
            )

    # ---- what can be undone

    def push_undo(self, tasks_before: list[Task]) -> None:
        """Keep tasks as they were before they were cleared or deleted together. Raises
        StoreError.
        """
        if not tasks_before:
            return
        now = time.time()
        with self._writing():
            turn = (
                1
                + self._db.execute(
                    "select coalesce(max(turn), 0) from undo"
                ).fetchone()[0]
            )
            rows = ((turn, now, schema.encode(task)) for task in tasks_before)
            self._db.executemany("insert into undo values (?, ?, ?)", rows)
            self._db.execute(
                "delete from undo where turn <= ? or at < ?",
                (turn - UNDO_GROUPS, now - KEPT_FOR),
            )

    def peek_undo(self) -> list[Task]:
        """What `pop_undo` would answer. Raises StoreError."""
        return self._undo(self._read(_LAST_UNDO, time.time() - KEPT_FOR))

    def pop_undo(self) -> list[Task]:
        """The tasks that were put away last, as they were before; they can't be asked
        for again. Raises StoreError.

        Only as long as the trash keeps their files. None where there are none.
        """
        if not self.peek_undo():
            return []
        with self._writing():
            rows = self._db.execute(_LAST_UNDO, (time.time() - KEPT_FOR,)).fetchall()
            self._db.executemany(
                "delete from undo where turn = ?", {(turn,) for turn, _ in rows}
            )
        return self._undo(rows)

    def _undo(self, rows: list[Any]) -> list[Task]:
        tasks = []
        for _, data in rows:
            with suppress(*schema.UNREADABLE):
                tasks.append(schema.decode(data))
        return tasks

    # ---- the work behind it

    def _lease(self, owner: str, now: float, task_id: str) -> None:
        self._db.execute(
            "update tasks set owner = ?, lease_until = ? where id = ?",
            (owner, now + LEASE, task_id),
        )

    def _judge(self) -> "_Judge":
        """Raises sqlite3.Error."""
        owners = [row[0] for row in self._db.execute(_OWNERS)]
        return _Judge(time.time(), [owner for owner in owners if lease.is_gone(owner)])

    def _add_event(self, task_id: str, event: str, raw: str) -> None:
        self._db.execute(
            "insert into events values (?, ?, ?, ?)", (task_id, time.time(), event, raw)
        )

    def _tasks(self, where: str, *values: object) -> list[Task]:
        return self._read_tasks(
            self._read(f"select id, data from tasks {where}", *values)
        )

    def _named(self, ids: list[str]) -> list[Task]:
        return self._tasks(f"where {_NAMED}", json.dumps(ids))

    def _read_tasks(self, rows: Iterable[tuple[str, bytes]]) -> list[Task]:
        tasks = []
        for task_id, data in rows:
            try:
                tasks.append(schema.decode(data))
            except schema.UNREADABLE as error:
                notice = (
                    f"Task {task_id} in the queue file can't be read and is left out:"
                    f" {error}."
                )
                if notice not in self.notices:
                    self.notices.append(notice)
        return tasks

    def _read(self, query: str, *values: object) -> list[Any]:
        with self._asking():
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Whatever goes wrong with the file is a StoreError."""
        if not self._usable:  # a new start has failed: by now it may be possible
            self._open_whole()
        try:
            yield
        except _FAULTS as error:
            raise self._error(error) from error

    @contextmanager
    def _writing(self) -> Iterator[Iterator[int]]:
        """One transaction; whatever goes wrong with the file is a StoreError, and
        nothing was written.

        Gives the numbers of the writes of tasks.
        """
        with self._asking():
            # SQLite itself would go on writing to a file that was removed
            self._check_place()
            with self._db:
                self._db.execute("begin immediate")
                first = newest(self._db) + 1
                numbers = count(first)
                yield numbers
            last = next(numbers) - 1
            if last >= first:
                self.highest = last

    def _damaged(self, message: str) -> DamagedError:
        error = DamagedError(message)
        error.generation = self.generation
        return error

    def _newer(self) -> StoreError:
        return StoreError(
            f"The queue file {self.path} was made by a newer runapi-tui: update this"
            " one."
        )

    def _error(self, error: Exception) -> StoreError:
        whole_code = getattr(error, "sqlite_errorcode", 0)
        code = whole_code & 0xFF
        if code in _DAMAGED or isinstance(error, UnicodeDecodeError):
            return self._damaged(f"The queue file {self.path} is damaged: {error}.")
        if whole_code == sqlite3.SQLITE_READONLY_DBMOVED:
            return self._damaged(f"The queue file {self.path} is another one now.")
        if code == sqlite3.SQLITE_ERROR and (problem := self._schema_error(str(error))):
            return problem
        if isinstance(error, sqlite3.Error) and self._lacks_locks(error):
            return StoreError(f"The queue file {self.path} can't be used: {_NO_LOCKS}.")
        reason = _REASONS.get(code) or getattr(error, "strerror", None) or error
        return StoreError(f"The queue file {self.path} can't be used: {reason}.")

    def _schema_error(self, told: str) -> StoreError | None:
        """What it means that the file's tables aren't as expected; None if they are."""
        if self._usable:
            with suppress(sqlite3.Error):
                if (
                    self._db.execute("pragma user_version").fetchone()[0]
                    > schema.VERSION
                ):
                    # Another process has brought it up while it was open here
                    return self._newer()
        if any(words in told for words in _BROKEN_SCHEMA):
            return self._damaged(f"The queue file {self.path} is damaged: {told}.")
        return None

    def _lacks_locks(self, error: sqlite3.Error) -> bool:
        """Whether that came of a disk on which nothing can be locked, which some call a
        lock of another program.
        """
        code = getattr(error, "sqlite_errorcode", 0)
        if code & 0xFF == sqlite3.SQLITE_BUSY:
            return not journal.locks_work(self.path.parent)
        return code in _LOCK_ERRORS


_LAST_UNDO = """
select turn, data from undo where turn = (select max(turn) from undo where at >= ?) order by rowid
"""


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


class _Judge(NamedTuple):
    """What is needed to say whether a task is watched, as it is just now."""

    now: float
    gone: list[str]
    """Owners that have ended."""

    def held_by_another(self, owner: str, lease_until: float, ours: str) -> bool:
        return (
            owner != ours
            and owner not in self.gone
            and lease.is_held(owner, lease_until, self.now)
        )

    def values(self, ours: str) -> dict[str, object]:
        """What `_HELD` asks for."""
        latest = lease.latest_end(self.now)
        return {
            "owner": ours,
            "now": self.now,
            "latest": latest,
            "gone": json.dumps(self.gone),
        }


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


def _is_rest(name: str) -> bool:
    return name == "rest" or name.startswith("rest ")


def _moment(text: str) -> float:
    """A time as it was learnt; endless for what is none."""
    try:
        moment = float(text or 0)
    except ValueError:
        return math.inf
    return moment if math.isfinite(moment) else math.inf


def _text(data: bytes) -> str:
    """Text of the file. A page that isn't UTF-8 must not make the others unreadable."""
    return data.decode(errors="replace")


def _identity(path: Path, *, link: bool = False) -> tuple[int, int] | None:
    """Which file that is, or which `link`; None if there is none. Raises OSError where
    that can't be seen.
    """
    try:
        found = path.stat(follow_symlinks=not link)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
