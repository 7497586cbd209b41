"""Reads texts from the SQLite databases of other tools, and leaves no trace there.

A database in write-ahead mode is opened so that its log and its shared memory are read
where they are, and never made, changed or removed.
"""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic

from tui.settings.keyfiles.files import Unreadable
from tui.system.small_file import LIMIT
from tui.text import file_size

_LARGEST = 4_000_000_000
"""Bytes of a database; only few of its pages are read."""
_SECONDS = 1.0
"""For all that is asked of one database, locks included."""
_LOCK_WAIT = 0.2
_STEPS = 1_000
"""Instructions of SQLite between two looks at the clock."""
_WAL_VERSION = 18
"""Offset of the byte that is 2 for a database in write-ahead mode."""


class Rows:
    """An open database of another tool."""

    def __init__(self, path: Path, db: sqlite3.Connection) -> None:
        self._path = path
        self._db = db

    def text(self, table: str, column: str, **where: str | None) -> str:
        """Return a text of the row that has these values; empty without one.

        The names are this program's own; a table that isn't there, or isn't a plain
        one, has no rows. Raises Unreadable.
        """
        try:
            kind = self._db.execute(
                "select type from main.sqlite_schema where name = ?", (table,)
            ).fetchone()
            if kind is None or kind[0] != "table":
                return ""
            tests = " and ".join(f'"{name}" is ?' for name in where)
            found = self._db.execute(
                f'select "{column}" from main."{table}" where {tests}',
                tuple(where.values()),
            ).fetchone()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise _unreadable(self._path, error) from None
        value = found[0] if found else ""
        return value if isinstance(value, str) else ""


@contextmanager
def opened(path: Path) -> Iterator[Rows | None]:
    """Open a database to read it; None where there is no such file.

    Raises Unreadable.
    """
    try:
        options = _options(path)
    except (FileNotFoundError, NotADirectoryError):
        yield None
        return
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", "") or "no such name"
        raise Unreadable(path, reason) from None
    try:
        db = sqlite3.connect(
            f"{Path(os.path.abspath(path)).as_uri()}?{options}",
            uri=True,
            timeout=_LOCK_WAIT,
            isolation_level=None,
        )
    except sqlite3.Error as error:
        raise _unreadable(path, error) from None
    with closing(db):
        end = monotonic() + _SECONDS
        db.set_progress_handler(lambda: int(monotonic() > end), _STEPS)
        db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LIMIT)
        try:
            # Views and triggers of others run nothing.
            db.execute("pragma trusted_schema = off")
            db.execute("pragma query_only = on")
            db.execute("pragma cell_size_check = on")
        except sqlite3.Error as error:
            raise _unreadable(path, error) from None
        yield Rows(path, db)


def _options(path: Path) -> str:
    """Return how SQLite has to open the file so that it makes none beside it.

    Raises OSError and Unreadable.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise Unreadable(path, "it is not a regular file")
        if found.st_size > _LARGEST:
            raise Unreadable(path, f"it is larger than {file_size(_LARGEST)}")
        head = file.read(_WAL_VERSION + 1)
    if head and not head.startswith(b"SQLite format 3\0"):
        raise Unreadable(path, "not a database of SQLite")
    log = _size(path, "-wal")
    if not log:
        # Nothing is in a log: the file alone says all, also in a folder that may not be
        # written to. A rollback journal would be in the way of that.
        return "mode=ro" if _size(path, "-journal") else "mode=ro&immutable=1"
    if not _size(path, "-shm"):
        raise Unreadable(
            path,
            "its log (-wal) was left behind by a crash: start OpenClaw once, or set"
            " RUNAPI_API_KEY",
        )
    return "mode=ro&readonly_shm=1"


def _size(path: Path, ending: str) -> int:
    try:
        return os.stat(f"{path}{ending}").st_size
    except OSError:
        return 0


def _unreadable(path: Path, error: Exception) -> Unreadable:
    """Return what is wrong, without any of the content."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    reasons = {
        sqlite3.SQLITE_BUSY: "another program is writing to it: try again",
        sqlite3.SQLITE_INTERRUPT: "reading it takes too long",
        sqlite3.SQLITE_TOOBIG: f"a text in it is larger than {file_size(LIMIT)}",
        sqlite3.SQLITE_CANTOPEN: "it can't be opened: check its permissions",
    }
    return Unreadable(path, reasons.get(code, "it is damaged, or not as expected"))
