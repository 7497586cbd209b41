"""What is left of a damaged queue file: set aside under another name, and read as far as it can be read."""

import contextlib
import fcntl
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """While no other process sets a file of this folder aside. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def set_aside(path: Path) -> Path:
    """Rename a damaged file, with SQLite's companions; answers its new name. Raises OSError."""
    stamp = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    aside = path.with_name(f"{path.stem}-damaged-{stamp}{path.suffix}")
    rename(path, aside)
    return aside


def rename(path: Path, to: Path) -> None:
    """Rename a file with SQLite's companions, in the place of whatever stands there. Raises OSError."""
    path.replace(to)
    for ending in ("-wal", "-shm"):
        to.with_name(to.name + ending).unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + ending).replace(to.with_name(to.name + ending))


def readable_tasks(aside: Path) -> Iterator[bytes]:
    """The data of every task that can still be read, from both ends towards the damage."""
    seen: set[object] = set()
    for order in ("rowid", "rowid desc", "id", "id desc"):  # a file of version 1 has no rowids
        try:
            with closing(sqlite3.connect(f"{aside.absolute().as_uri()}?mode=ro", uri=True)) as db:
                db.execute("pragma writable_schema = on")  # else nothing is read of a file that was cut
                for task_id, data in db.execute(f"select id, data from tasks order by {order}"):
                    if task_id in seen:
                        break
                    seen.add(task_id)
                    if isinstance(data, bytes):
                        yield data
        except sqlite3.Error:
            continue
