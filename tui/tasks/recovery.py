"""What is left of a damaged queue file: it is renamed, and read as far as possible."""

import contextlib
import fcntl
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from tui.tasks import sqlite_pages

COMPANIONS = ("-wal", "-shm", "-journal")
"""Endings of the files that SQLite keeps beside its own."""
_DATA_COLUMN = {11: 10, 16: 15, 20: 15, 23: 15, 24: 15, 28: 15, 29: 15}
"""By a row's number of columns, in versions 1 to 7: the column of the task's data."""
# Numbers of columns: of an entry in the index `tasks_found`, of before version 6 and of
# since; in that of the ids; of an event; of something learnt about a base URL
_FOUND, _BY_ID, _EVENT, _LEARNT = (11, 15), 2, 4, 3
_WIDTHS = {*_DATA_COLUMN, *_FOUND, _BY_ID, _EVENT, _LEARNT}
_ID = re.compile("0[0-9a-z]{13}")


class FoundTask(NamedTuple):
    """A task in one of the states that it had."""

    id: str
    data: bytes


class FoundId(NamedTuple):
    """The id of a task that was in the file, from an index."""

    id: str


class FoundEvent(NamedTuple):
    """An event of a task."""

    task_id: str
    at: float
    event: str
    raw: str


class FoundFact(NamedTuple):
    """Something learnt about a base URL."""

    base_url: str
    name: str
    value: str


_Found = FoundTask | FoundId | FoundEvent | FoundFact


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keeps other processes from renaming damaged files here. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError:  # NFS can't lock folders
            os.close(handle)
            handle = os.open(folder / "queue.lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.lockf(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def set_aside(path: Path) -> Path:
    """Renames a damaged file, with SQLite's companions; returns its new path.

    Raises OSError.
    """
    stamp = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(2).hex()}"
    damaged = path.with_name(f"{path.stem}-damaged-{stamp}{path.suffix}")
    rename(path, damaged)
    return damaged


def rename(path: Path, to: Path) -> None:
    """Renames a file with SQLite's companions, or these alone, replacing others.

    Raises OSError.
    """
    try:
        path.replace(to)
    except FileNotFoundError:
        to.unlink(missing_ok=True)
    for ending in COMPANIONS:
        target = to.with_name(to.name + ending)
        target.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + ending).replace(target)


def is_orphaned(path: Path) -> bool:
    """Tells whether all that is left of a file is a write-ahead log with content.

    Raises OSError.
    """
    if path.exists():
        return False
    try:
        return path.with_name(path.name + "-wal").stat().st_size > 0
    except FileNotFoundError:
        return False


@contextmanager
def opened(damaged: Path) -> Iterator[sqlite3.Connection]:
    """Opens a damaged file for what SQLite can read of it. Raises sqlite3.Error."""
    uri = f"{damaged.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as db:
        db.text_factory = lambda text: text.decode(errors="replace")
        # Without it, nothing is read of a file that was cut off.
        db.execute("pragma writable_schema = on")
        yield db


def readable_tasks(damaged: Path) -> Iterator[bytes]:
    """Yields the data of every task that SQLite can still read.

    It reads from both ends towards the damage.
    """
    seen: set[object] = set()
    # A file of version 1 has no rowids
    for order in ("rowid", "rowid desc", "id", "id desc"):
        query = f"select id, data from tasks order by {order}"
        # SQLite's error messages may be broken text, too
        unreadable = contextlib.suppress(sqlite3.Error, UnicodeDecodeError)
        with unreadable, opened(damaged) as db:
            for task_id, data in db.execute(query):
                if task_id in seen:
                    break
                seen.add(task_id)
                if isinstance(data, bytes):
                    yield data


def on_pages(damaged: Path) -> Iterator[_Found]:
    """Yields everything on undamaged pages, in any order. Raises OSError."""
    for record in sqlite_pages.records(damaged, _WIDTHS):
        read = _in_table if record.in_table else _in_index
        found = _as_task(record.values) or read(record.values)
        if found is not None:
            yield found


def _in_table(values: tuple[sqlite_pages.Value, ...]) -> _Found | None:
    match values:
        case (str(task_id), int(at) | float(at), str(event), str(raw)):
            return FoundEvent(task_id, at, event, raw)
    return None


def _in_index(values: tuple[sqlite_pages.Value, ...]) -> _Found | None:
    match values:
        case (str(task_id), int()) | (str(task_id), str(), str(), *_, int()) if (
            _ID.fullmatch(task_id)
        ):
            return FoundId(task_id)
        case (str(base_url), str(name), str(value)) if base_url.startswith("http"):
            return FoundFact(base_url, name, value)
    return None


def _as_task(values: tuple[sqlite_pages.Value, ...]) -> FoundTask | None:
    """Returns the task in a row; None for anything else.

    In version 1, the rows of tasks are those of an index.
    """
    column = _DATA_COLUMN.get(len(values))
    if column is None:
        return None
    task_id = values[0]
    data = values[column]
    if isinstance(task_id, str) and isinstance(data, bytes):
        return FoundTask(task_id, data)
    return None
