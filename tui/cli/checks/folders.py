"""Checks the folders: each can be written to, and the queue file can be opened."""

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tui.session import Session
from tui.system import sandbox, writable
from tui.system.finding import Finding, Level
from tui.tasks.store import Store
from tui.tasks.store_errors import StoreError
from tui.text import one_line


class _Folder(NamedTuple):
    topic: str
    path: Path
    use: str
    """What it is for, as the end of a sentence."""
    variable: str
    without: Level
    """How bad it is where nothing can be written there."""


def check(session: Session) -> Iterator[Finding]:
    """Yield for each folder whether it can be written to."""
    folders = session.folders
    for folder in (
        _Folder("queue", folders.state, "the queue", "XDG_STATE_HOME", Level.ERROR),
        _Folder("images", folders.output, "images", "RUNAPI_TUI_OUTPUT", Level.ERROR),
        _Folder("cache", folders.cache, "the cache", "XDG_CACHE_HOME", Level.WARNING),
        _Folder("config", folders.config, "settings", "XDG_CONFIG_HOME", Level.WARNING),
    ):
        yield _folder(folder)
    if folders.queue.exists():
        yield from _queue(folders.queue)


def _folder(folder: _Folder) -> Finding:
    shown = one_line(folder.path, 200)
    refusal = writable.refusal(folder.path)
    if refusal is None:
        return Finding(
            Level.OK, folder.topic, f"{shown} can be written to, for {folder.use}."
        )
    return Finding(
        folder.without,
        folder.topic,
        f"{shown}, for {folder.use}, can't be written to:"
        f" {one_line(refusal.strerror).lower()}.",
        sandbox.why_not_written(folder.path, refusal) or _way_out(folder, refusal),
    )


def _way_out(folder: _Folder, refusal: OSError) -> str:
    """Return what helps against an error of writing to a folder."""
    elsewhere = f"set {folder.variable} to another folder."
    match refusal.errno:
        case errno.EACCES | errno.EPERM:
            return f"Change its permissions, or {elsewhere}"
        case errno.ENOTDIR | errno.EEXIST:
            return f"Move the file that is in its way, or {elsewhere}"
        case errno.ENOSPC | errno.EDQUOT:
            return f"Make room on that disk, or {elsewhere}"
        case _:
            return f"Nothing can be made there: {elsewhere}"


def _queue(path: Path) -> Iterator[Finding]:
    try:
        store = Store(path)
    except StoreError as error:
        yield Finding(Level.ERROR, "queue", one_line(error, 400))
        return
    for notice in store.notices:
        yield Finding(Level.WARNING, "queue", notice)
    store.close()
