"""The tables of the queue file, and how a file of an earlier version becomes one of
this version.
"""

import contextlib
import sqlite3
from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from tui.tasks import journal
from tui.tasks.ledger import cost_of, limited
from tui.tasks.lineage import picture_names
from tui.tasks.search import search_words, seed_word, tag_words
from tui.tasks.task import SetAside, Task

encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Task).decode
UNREADABLE = (msgspec.MsgspecError, UnicodeError, TypeError)
"""What `decode` raises for a row's data that is no task."""

_VERSION_1 = """
create table tasks (
    id text primary key, created_at real not null, updated_at real not null,
    status text not null, model text not null, prompt text not null, remote_id text not null,
    base_url text not null, owner text not null default '', lease_until real not null default 0,
    data blob not null
) without rowid;
create index tasks_by_status on tasks (status);
create index tasks_by_update on tasks (updated_at);
create table events (
    task_id text not null, at real not null, event text not null, raw text not null
);
create index events_by_task on events (task_id, at);
create table uploads (
    base_url text not null, digest text not null, url text not null, until real not null,
    primary key (base_url, digest)) without rowid;
create table learnt (base_url text not null, name text not null, value text not null,
    primary key (base_url, name)) without rowid;
"""

# A table with rowids, whose rows of some KB don't spill into pages of their own; a
# covering index, which a search reads through instead of the tasks themselves; what the
# queue pane shows as an index of its own.
_VERSION_2 = """
alter table tasks rename to tasks_1;
drop index tasks_by_status;
drop index tasks_by_update;
create table tasks (
    id text primary key, created_at real not null, updated_at real not null,
    status text not null, model text not null, words text not null, remote_id text not null,
    base_url text not null, job text not null, cost_micro integer, favourite integer not null,
    cleared integer not null, deleted integer not null,
    owner text not null, lease_until real not null, data blob not null
);
create index tasks_by_status on tasks (status);
create index tasks_by_update on tasks (updated_at);
create index tasks_by_remote_id on tasks (remote_id);
create index tasks_shown on tasks (id) where cleared = 0 and deleted = 0;
create index tasks_found on tasks
    (id, words, status, model, created_at, cost_micro, job, favourite, cleared, deleted);
"""

# Whose key a task belongs to; what it has cost, and when: the ledger reads this index
# alone.
_VERSION_3 = """
alter table tasks add column profile text not null default '';
alter table tasks add column spent_at real not null default 0;
alter table tasks add column bill text;
alter table tasks add column bill_micro integer;
create index tasks_billed on tasks (base_url, bill, spent_at, model, bill_micro);
"""

# What is newer is told by numbers, never by clocks: `revision` counts the snapshots of
# a task, `seq` the writes to this file. Who watches anything, and what is made and not
# saved yet, are indexes of their own. What can be undone.
_VERSION_4 = """
alter table tasks add column revision integer not null default 0;
alter table tasks add column unsaved_until real not null default 0;
alter table tasks add column seq integer not null default 0;
drop index if exists tasks_by_update;
create table undo (turn integer not null, at real not null, data blob not null);
create index undo_by_turn on undo (turn);
"""
_VERSION_4_INDEXES = """
create index tasks_by_seq on tasks (seq);
create index tasks_watched on tasks (owner) where owner <> '';
create index tasks_unsaved on tasks (unsaved_until) where unsaved_until > 0;
"""

# What a job and a day have cost is read from one index each, before each submit; their
# ceilings compare charges with estimates.
_VERSION_5 = """
alter table tasks add column estimate_micro integer;
"""
_VERSION_5_INDEXES = """
create index tasks_of_job on tasks
    (job, model, estimate_micro, bill, status, bill_micro) where job <> '';
create index tasks_of_day on tasks
    (bill, spent_at, model, estimate_micro, status, bill_micro);
"""

# What the user thinks of the pictures, and the seed, are searched for.
_VERSION_6 = """
alter table tasks add column rating integer not null default 0;
alter table tasks add column tags text not null default '';
alter table tasks add column seed text not null default '';
alter table tasks add column pictures text not null default '';
drop index tasks_found;
create index tasks_found on tasks
    (id, words, status, model, created_at, cost_micro, job, favourite, cleared, deleted,
    rating, tags, seed, pictures);
"""

# A key that the caller gave is one task, whichever process asks again, and when.
_VERSION_7 = """
alter table tasks add column caller_key text not null default '';
create index tasks_by_caller_key on tasks (caller_key) where caller_key <> '';
"""


def decode(data: bytes | str) -> Task:
    """Returns the task in a row's data, or in a line. Raises what is in `UNREADABLE`."""
    task = _decode(data)
    if task.set_aside is SetAside.IMPORTED and not task.imported:
        # An earlier version imported it as it stood. Its row is still this queue's: it
        # is written over by its revision, and deleted is deleted.
        from tui.tasks.imported import history

        past = history(task)
        return replace(past, revision=task.revision, deleted=task.deleted)
    return task


COLUMNS = 29
_COLUMNS_2 = 16


def row(
    task: Task, owner: str = "", lease_until: float = 0, seq: int = 0
) -> tuple[object, ...]:
    """A task as its row; `seq` is the number of the write, which `Store` counts."""
    marks = (task.favourite, task.cleared, task.deleted)
    named = (
        task.status,
        task.model,
        search_words(task),
        task.remote_id,
        task.base_url,
        task.job,
    )
    times = (task.id, task.created_at, task.updated_at)
    data = (owner, lease_until, encode(task))
    numbers = (task.revision, task.expires_at, seq)
    estimate = None
    if task.estimate_micro is not None:
        estimate = limited(task.estimate_micro)
    return (
        *times,
        *named,
        task.cost_micro,
        *marks,
        *data,
        task.profile,
        *cost_of(task),
        *numbers,
        estimate,
        task.rating,
        tag_words(task),
        seed_word(task),
        picture_names(task),
        task.caller_key,
    )


UPDATE_UNSENT = """
update tasks set updated_at = ?, data = ?, spent_at = ?, bill = ?, bill_micro = ?,
    revision = ?, seq = ?, owner = '', lease_until = 0
where id = ?
"""
"""Quicker than a whole row where thousands are written: most indexes stay as they are.
"""


def unsent(task: Task, seq: int) -> tuple[object, ...]:
    """The values of `UPDATE_UNSENT` for a task of which nothing else has changed."""
    return (task.updated_at, encode(task), *cost_of(task), task.revision, seq, task.id)


_SET_BILL = "update tasks set spent_at = ?, bill = ?, bill_micro = ? where rowid = ?"


def _run(db: sqlite3.Connection, script: str) -> None:
    for statement in script.split(";"):  # executescript would commit in between
        db.execute(statement)


def _first(db: sqlite3.Connection) -> None:
    _run(db, _VERSION_1)


def _second(db: sqlite3.Connection) -> None:
    _run(db, _VERSION_2)
    for *plain, owner, lease_until, data in db.execute("select * from tasks_1"):
        try:
            columns = row(decode(data), owner, lease_until)[:_COLUMNS_2]
        except UNREADABLE:  # kept as it is: `Store` tells of it
            columns = (*plain, "", None, False, False, False, owner, lease_until, data)
        db.execute(f"insert into tasks values ({', '.join('?' * _COLUMNS_2)})", columns)
    db.execute("drop table tasks_1")


def _change_each(db: sqlite3.Connection, change: Callable[[int, Task], None]) -> None:
    """Calls `change` with the row number of each task that can be read, and the task."""
    for (number,) in db.execute("select rowid from tasks").fetchall():
        with contextlib.suppress(*UNREADABLE):
            (data,) = db.execute(
                "select data from tasks where rowid = ?", (number,)
            ).fetchone()
            change(number, decode(data))


def _third(db: sqlite3.Connection) -> None:
    _run(db, _VERSION_3)

    def add_bill(number: int, task: Task) -> None:
        db.execute(_SET_BILL, (*cost_of(task), number))

    _change_each(db, add_bill)


def _fourth(db: sqlite3.Connection) -> None:
    _run(db, _VERSION_4)
    for (number,) in db.execute("select rowid from tasks order by rowid").fetchall():
        revision, unsaved_until = 0, 0.0
        with contextlib.suppress(*UNREADABLE):
            (data,) = db.execute(
                "select data from tasks where rowid = ?", (number,)
            ).fetchone()
            task = decode(data)
            revision, unsaved_until = task.revision, task.expires_at
        # Each write took the next row
        numbers = (revision, unsaved_until, number, number)
        db.execute(
            "update tasks set revision = ?, unsaved_until = ?, seq = ? where rowid = ?",
            numbers,
        )
    _run(db, _VERSION_4_INDEXES)


def _fifth(db: sqlite3.Connection) -> None:
    _run(db, _VERSION_5)

    def add_estimate(number: int, task: Task) -> None:
        if task.estimate_micro is not None:
            db.execute(
                "update tasks set estimate_micro = ? where rowid = ?",
                (limited(task.estimate_micro), number),
            )
        if task.imported:  # it counts for no ceiling
            db.execute(_SET_BILL, (*cost_of(task), number))

    _change_each(db, add_estimate)
    _run(db, _VERSION_5_INDEXES)


def _sixth(db: sqlite3.Connection) -> None:
    _run(db, _VERSION_6)

    def add_words(number: int, task: Task) -> None:
        words = (seed_word(task), picture_names(task))
        if any(words):
            db.execute(
                "update tasks set seed = ?, pictures = ? where rowid = ?",
                (*words, number),
            )

    _change_each(db, add_words)


def _seventh(db: sqlite3.Connection) -> None:
    _run(db, _VERSION_7)  # no earlier version knew such keys


_STEPS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _first,
    _second,
    _third,
    _fourth,
    _fifth,
    _sixth,
    _seventh,
)
VERSION = len(_STEPS)
_NO_VERSION = 1000
"""A number beyond which the file's own version is no version, but damage."""


def prepare(db: sqlite3.Connection, *, may_log: bool = True) -> int:
    """Bring an open file up to this version; answers the version that it has then,
    which may be a newer one.

    Without `may_log` the journal stays as it is.

    Raises sqlite3.Error; with the code SQLITE_CORRUPT also for a header that can't be
    right.
    """
    found = _version(db)
    if found > VERSION:
        return found
    if may_log:
        journal.choose(db)
    # A power cut must not undo "this was sent": every commit reaches the disk.
    db.execute("pragma synchronous = full")
    if found < VERSION:
        with db:
            db.execute("begin immediate")
            found = _version(db)  # another process may have been faster
            for step in _STEPS[found:]:
                step(db)
            found = max(found, VERSION)
            db.execute(f"pragma user_version = {found}")
    return found


def _version(db: sqlite3.Connection) -> int:
    found = int(db.execute("pragma user_version").fetchone()[0])
    if not 0 <= found <= _NO_VERSION:
        error = sqlite3.DatabaseError(f"{found} is no version")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error
    return found
