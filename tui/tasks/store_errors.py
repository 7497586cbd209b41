"""What can go wrong with the queue file, and what to do about it."""

import sqlite3

REASONS = {
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
"""What to do, by SQLite's code."""
NO_LOCKS = (
    "its disk has no file locks, so that programs would spoil it for each other: "
    "set XDG_STATE_HOME to a folder on a local disk"
)
LOCK_ERRORS = (
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_IOERR_LOCK,
    sqlite3.SQLITE_IOERR_RDLOCK,
    sqlite3.SQLITE_IOERR_SHMLOCK,
    sqlite3.SQLITE_IOERR_SHMMAP,
    sqlite3.SQLITE_IOERR_SHMOPEN,
)
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
BROKEN_SCHEMA = (
    "no such table",
    "no such column",
    "no such index",
    "has no column",
    "already exists",
)
"""Words of SQLite for a file whose tables aren't as expected."""
FAULTS = (sqlite3.Error, OSError, UnicodeDecodeError)
"""What goes wrong with a file; the last one where SQLite's own words quote a broken
page.
"""


class StoreError(Exception):
    """The queue file can't be used; the text says why and what to do."""


class DamagedError(StoreError):
    """The file's content is broken, or the file is gone; `Store.start_over` saves what
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
