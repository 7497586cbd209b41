"""How changes of the queue file reach the disk: by log or by rollback journal.

A write-ahead log needs memory that processes share, and some disks have none (9p,
virtiofs, vboxsf, NFS). A rollback journal only needs file locks.
"""

import contextlib
import errno
import fcntl
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

_NO_SHARED_MEMORY = (
    sqlite3.SQLITE_IOERR_SHMOPEN,
    sqlite3.SQLITE_IOERR_SHMLOCK,
    sqlite3.SQLITE_IOERR_SHMMAP,
    sqlite3.SQLITE_IOERR_LOCK,
    sqlite3.SQLITE_PROTOCOL,
)
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
_TRIES, _PAUSE = 200, 0.02


def choose(db: sqlite3.Connection) -> None:
    """Sets the journal of an open file. Raises sqlite3.Error; see `needs_rollback`."""
    if _mode(db) in ("wal", "memory") or _has_shared_memory(_folder(db)):
        _write_ahead(db)


def needs_rollback(error: sqlite3.Error) -> bool:
    """Tells whether an error may mean that this disk can't have the file's log."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code in _NO_SHARED_MEMORY or code & 0xFF == sqlite3.SQLITE_CANTOPEN


def roll_back(path: Path, why: sqlite3.Error) -> None:
    """Changes a file's write-ahead log into a rollback journal, losing nothing.

    The file isn't open in this process. Raises `why` where that fails, too.
    """
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            # Then the log is read without shared memory
            db.execute("pragma locking_mode = exclusive")
            _patiently(lambda: db.execute("pragma journal_mode = delete").fetchone())
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            raise
        raise why from error


def locks_work(folder: Path) -> bool:
    """Tells whether files in a folder can be locked, as far as a test shows it."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _NO_LOCKS
    return True


def _write_ahead(db: sqlite3.Connection) -> None:
    try:
        _patiently(lambda: db.execute("pragma journal_mode = wal").fetchone())
    except sqlite3.OperationalError as error:
        # The file can be read nevertheless
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_READONLY:
            raise
    # The first read opens the shared memory
    db.execute("select count(*) from sqlite_master").fetchone()


def _patiently(work: Callable[[], object]) -> None:
    """Repeats what SQLite refuses at once while another process is busy."""
    for tries_left in range(_TRIES, -1, -1):
        try:
            work()
            return
        except sqlite3.OperationalError as error:
            if not tries_left or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(_PAUSE)


def _has_shared_memory(folder: Path) -> bool:
    """Tests it with a file of its own; returns True where no test is possible."""
    path = folder / f".probe-{os.getpid()}-{os.urandom(4).hex()}.db"
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("pragma synchronous = off")
            db.execute("pragma user_version = 1")
            try:
                mode = db.execute("pragma journal_mode = wal").fetchone()[0]
                db.execute("pragma user_version = 2")
            except sqlite3.OperationalError as error:
                return not needs_rollback(error)
            return bool(mode == "wal")
    except sqlite3.Error:
        # The disk is full or the folder not writable: the queue file will show it.
        return True
    finally:
        for ending in ("", "-journal", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                path.with_name(path.name + ending).unlink()


def _mode(db: sqlite3.Connection) -> str:
    return str(db.execute("pragma journal_mode").fetchone()[0])


def _folder(db: sqlite3.Connection) -> Path:
    return Path(db.execute("pragma database_list").fetchone()[2]).parent
