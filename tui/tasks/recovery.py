"""What is left of a damaged queue file: set aside under another name, and read as far
as it can be read.
"""

import contextlib
import fcntl
import os
import re
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from tui.tasks import sqlite_pages

COMPANIONS = ("-wal", "-shm", "-journal")
"""Endings of the files that SQLite keeps beside its own."""
_DATA_AT = {11: 10, 16: 15, 20: 15, 23: 15}
"""Where a task's data stands in a row with so many columns: of version 1, 2, 3, 4."""
_FOUND, _BY_ID, _EVENT, _LEARNT = 11, 2, 4, 3
"""Columns of an entry of the index `tasks_found` and of that of the ids, of an event,
of what was learnt.
"""
_ID = re.compile("0[0-9a-z]{13}")


class TaskLeft(NamedTuple):
    """A task that stands on a page, in one of the states that it had."""

    id: str
    data: bytes


class IdLeft(NamedTuple):
    """A task that an index names: it was in the file."""

    id: str


class EventLeft(NamedTuple):
    """What happened to a task."""

    task_id: str
    at: float
    event: str
    raw: str


class LearntLeft(NamedTuple):
    """What was known of a base URL."""

    base_url: str
    name: str
    value: str


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """While no other process sets a file of this folder aside. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError:  # NFS locks no folders
            os.close(handle)
            handle = os.open(folder / "queue.lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.lockf(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def set_aside(path: Path) -> Path:
    """Rename a damaged file, with SQLite's companions; answers its new name. Raises
    OSError.
    """
    stamp = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    aside = path.with_name(f"{path.stem}-damaged-{stamp}{path.suffix}")
    rename(path, aside)
    return aside


def rename(path: Path, to: Path) -> None:
    """Rename a file with SQLite's companions, or these alone, in the place of whatever
    stands there. OSError.
    """
    try:
        path.replace(to)
    except FileNotFoundError:
        to.unlink(missing_ok=True)
    for ending in COMPANIONS:
        to.with_name(to.name + ending).unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + ending).replace(to.with_name(to.name + ending))


def is_orphaned(path: Path) -> bool:
    """Whether a write-ahead log with something in it is all that is left of a file.
    Raises OSError.
    """
    try:
        return (
            not path.exists() and path.with_name(path.name + "-wal").stat().st_size > 0
        )
    except FileNotFoundError:
        return False


@contextmanager
def opened(aside: Path) -> Iterator[sqlite3.Connection]:
    """A damaged file, to read what SQLite can read of it. Raises sqlite3.Error."""
    with closing(
        sqlite3.connect(f"{aside.absolute().as_uri()}?mode=ro", uri=True)
    ) as db:
        db.text_factory = lambda text: text.decode(errors="replace")
        # Else nothing is read of a file that was cut
        db.execute("pragma writable_schema = on")
        yield db


def readable_tasks(aside: Path) -> Iterator[bytes]:
    """The data of every task that SQLite can still read, from both ends towards the
    damage.
    """
    seen: set[object] = set()
    # A file of version 1 has no rowids
    for order in ("rowid", "rowid desc", "id", "id desc"):
        try:
            with opened(aside) as db:
                for task_id, data in db.execute(
                    f"select id, data from tasks order by {order}"
                ):
                    if task_id in seen:
                        break
                    seen.add(task_id)
                    if isinstance(data, bytes):
                        yield data
        except (
            sqlite3.Error,
            UnicodeDecodeError,
        ):  # its words of what is wrong may be broken too
            continue


def on_pages(aside: Path) -> Iterator[TaskLeft | IdLeft | EventLeft | LearntLeft]:
    """Everything that stands on pages which are whole, whatever became of the others.
    Raises OSError.
    """
    for in_table, values in sqlite_pages.records(
        aside, {*_DATA_AT, _FOUND, _BY_ID, _EVENT, _LEARNT}
    ):
        match values:
            case (str(task_id), *_) if len(values) in _DATA_AT and isinstance(
                data := values[_DATA_AT[len(values)]], bytes
            ):
                yield TaskLeft(task_id, data)
            case (str(task_id), int()) | (str(task_id), str(), str(), *_, int()) if (
                not in_table and _ID.fullmatch(task_id)
            ):
                yield IdLeft(task_id)
            case (str(task_id), int(at) | float(at), str(event), str(raw)) if in_table:
                yield EventLeft(task_id, at, event, raw)
            case (str(base_url), str(name), str(value)) if (
                not in_table and base_url.startswith("http")
            ):
                yield LearntLeft(base_url, name, value)
            case _:
                pass
