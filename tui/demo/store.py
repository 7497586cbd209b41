"""What the embedded service keeps: tasks, uploaded files and the account, in one SQLite
file or in memory.

Several processes share the file. Whatever happens to it, the service goes on: while it
can't be written to, all is kept in memory; one that went away is written anew; a
damaged one is set aside.
"""

import sqlite3
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from threading import RLock
from typing import TypeVar

from tui.demo.answers import Refusal
from tui.system import atomic_file

T = TypeVar("T")

LOCK_WAIT = 1.0
"""Seconds for which another process's write is waited for; after that the request is
answered with 503.
"""
OPEN_AGAIN = 5.0
"""Seconds after which a file that couldn't be used is tried again."""

_TABLES = {
    "tasks": (
        "id text primary key, key text unique, digest text not null, route text not"
        " null, action text not null, model text not null, params text not null, cost"
        " integer not null, refund integer not null, born real not null, duration real"
        " not null"
    ),
    "uploads": (
        "name text primary key, file_name text not null, media_type text not null, born"
        " real not null, created text not null, size integer not null, data blob not"
        " null"
    ),
    "troubles": (
        "name text not null, word text not null, times integer not null, primary key"
        " (name, word)"
    ),
    "facts": "name text primary key, value real not null",
}
_INDEX = "create index if not exists tasks_paid on tasks (born, duration, cost, refund)"
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_IN_MEMORY = -1
_MISSING = -2
_UNREADABLE = -3


class DemoStore:
    """The tables, wherever they are. Safe between threads; nothing is opened before it
    is first needed.
    """

    def __init__(self, file: Path | None, clock: Callable[[], float]) -> None:
        """`file` is made where there is none (0600, its folder 0700); without one all
        is kept in memory.
        """
        self.file = file
        self.partial = False
        """Whether the file has rows that can't be read: what is not found may still
        exist.
        """
        self._clock = clock
        self._lock = RLock()
        self._database: sqlite3.Connection | None = None
        self._close: Callable[[], object] = lambda: None
        self._inode = _IN_MEMORY
        self._open_again_at = 0.0
        self._latest = 0.0

    def open(self) -> None:
        """Open the file now. Without this, the first request does it and waits for the
        disk.
        """
        with suppress(Refusal):
            self.now()

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` answers; it may be called twice, if the file fails. Raises
        Refusal when it is locked.
        """
        with self._lock:
            try:
                return work(self._ready())
            except sqlite3.Error as error:
                if _code(error) in _BUSY:
                    message = (
                        "Another process is writing to the demo's file. Try again."
                    )
                    raise Refusal(503, {"error": message}) from error
                if self._inode == _IN_MEMORY:
                    raise
                self._leave_file(error)
                return work(self._ready())

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The same in one transaction, which is undone if anything is raised."""

        def together(database: sqlite3.Connection) -> T:
            with database:
                database.execute("begin immediate")
                return work(database)

        return self.read(together)

    def now(self) -> float:
        """The service's time, in seconds."""
        return self.read(self.time)

    def time(self, database: sqlite3.Connection) -> float:
        """The service's time, in seconds: the clock's, which goes on from where it was
        if that is set back.
        """
        clock = self._clock()
        now = clock + fact(database, "shift")
        latest = max(self._latest, fact(database, "latest"))
        if now < latest:
            now = latest
            note(database, "shift", now - clock)
        self._latest = now
        return now

    def _ready(self) -> sqlite3.Connection:
        if (
            self.file
            and time.monotonic() >= self._open_again_at
            and self._inode != _inode(self.file)
        ):
            self._open(self.file)
        if self._database is None:
            self._use(_opened(":memory:"), _IN_MEMORY)
        assert self._database
        return self._database

    def _open(self, file: Path) -> None:
        """Go on with the file, and with what was kept without it."""
        database = None
        try:
            atomic_file.make_private_folder(file.parent)
            if not file.exists():
                file.touch(mode=0o600)
            database = _opened(file)
            if self._database:
                _copy(self._database, database)
        except (sqlite3.Error, OSError) as error:
            if database:
                database.close()
            if _code(error) in _BUSY:
                raise
            self._leave_file(error)
            return
        self.partial = False
        self._use(database, _inode(file))

    def _leave_file(self, error: Exception) -> None:
        """Go on in memory with all that can be read, and look at the file again later."""
        assert self.file
        if self._database is None or self._inode != _IN_MEMORY:
            memory = _opened(":memory:")
            whole = (
                _copy(self._database, memory)
                if self._database
                else _copy_file(self.file, memory)
            )
            self.partial = not whole
            self._use(memory, _IN_MEMORY)
        self._open_again_at = time.monotonic() + OPEN_AGAIN
        if _code(error) in _DAMAGED:
            with suppress(OSError):
                _set_aside(self.file)
                self.partial = False
                self._open_again_at = 0

    def _use(self, database: sqlite3.Connection, inode: int) -> None:
        self._close()
        self._database = database
        self._close = weakref.finalize(self, database.close)
        self._inode = inode


def fact(database: sqlite3.Connection, name: str, default: float = 0.0) -> float:
    """A number that is kept under a name."""
    found = database.execute(
        "select value from facts where name = ?", (name,)
    ).fetchone()
    return default if found is None else float(found[0])


def note(database: sqlite3.Connection, name: str, value: float) -> None:
    """Keep a number under a name."""
    database.execute("insert or replace into facts values (?, ?)", (name, value))


def _opened(place: Path | str) -> sqlite3.Connection:
    """A file with all tables. Raises sqlite3.Error."""
    database = sqlite3.connect(
        place, timeout=LOCK_WAIT, isolation_level=None, check_same_thread=False
    )
    try:
        database.execute("pragma auto_vacuum = full")
        # Some file systems know no shared memory: any mode will do
        with suppress(sqlite3.OperationalError):
            database.execute("pragma journal_mode = wal")
        # A kill loses nothing. A power cut may take the last moments, but this is play
        # money.
        database.execute("pragma synchronous = normal")
        with database:
            database.execute("begin immediate")
            for table, columns in _TABLES.items():
                database.execute(f"create table if not exists {table} ({columns})")
            database.execute(_INDEX)
    except BaseException:
        database.close()
        raise
    return database


def _copy(source: sqlite3.Connection, target: sqlite3.Connection) -> bool:
    """Copy all that `target` doesn't have; whether everything could be read. Raises
    sqlite3.Error of `target`.
    """
    problems: list[sqlite3.Error] = []

    def rows(table: str) -> Iterator[tuple[object, ...]]:
        try:
            yield from source.execute(f"select * from {table} order by rowid")
        except sqlite3.Error as error:
            problems.append(error)

    with target:
        target.execute("begin immediate")
        for table in _TABLES:
            columns = target.execute(f"select * from {table} limit 0").description
            marks = ", ".join("?" * len(columns))
            target.executemany(
                f"insert or ignore into {table} values ({marks})", rows(table)
            )
    return not problems


def _copy_file(file: Path, target: sqlite3.Connection) -> bool:
    """The same of a file that can't be written to."""
    if _inode(file) == _MISSING:
        return True
    if _copy_read_only(file, "mode=ro", target):
        return True
    # Where SQLite can make no file beside it: what is in the write-ahead log can't be
    # read then.
    return (
        _copy_read_only(file, "immutable=1", target)
        and not _beside(file, "-wal").exists()
    )


def _copy_read_only(file: Path, mode: str, target: sqlite3.Connection) -> bool:
    try:
        with closing(
            sqlite3.connect(
                f"{file.absolute().as_uri()}?{mode}", uri=True, timeout=LOCK_WAIT
            )
        ) as source:
            return _copy(source, target)
    except sqlite3.Error:
        return False


def _beside(file: Path, ending: str) -> Path:
    """One of the files that SQLite makes for this one."""
    return file.with_name(file.name + ending)


def _set_aside(file: Path) -> None:
    """Rename a damaged file, so that a new one can be made. Raises OSError."""
    file.replace(file.with_name(f"{file.stem}-damaged{file.suffix}"))
    for ending in ("-wal", "-shm"):
        _beside(file, ending).unlink(missing_ok=True)


def _inode(file: Path) -> int:
    try:
        return file.stat().st_ino
    except (FileNotFoundError, NotADirectoryError):
        return _MISSING
    except OSError:
        return _UNREADABLE


def _code(error: Exception) -> int:
    """SQLite's result code, without its details."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return code & 0xFF
