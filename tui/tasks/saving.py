"""From a fetched file to a saved picture, so that a kill at any moment leaves one file
and no other.

A result's file is fetched as a `.part` beside the pictures and verified. Then its final
name and its digest are noted in the queue (`Result.reserved`), then the file gets that
name, then it is noted as saved. Whoever carries the task on finds by the note and the
digest which of these steps were done.

Everything but `sweep` blocks and runs in threads.
"""

import asyncio
import hashlib
import os
import re
import stat
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from msgspec.structs import replace

from tui.system import atomic_file
from tui.tasks import naming
from tui.tasks.cache import TaskCache
from tui.tasks.task import Result, Status, Task

FOREIGN_FOR = 86400.0
"""Seconds for which a part that belongs to no task of this queue is left alone: another
queue may be writing it.
"""
_PART = re.compile(r"\.([0-9a-hjkmnp-tv-z]{14})-\d{1,5}\.part")
# What `atomic.replacing` makes while facts are written into a part.
_PART_OF_PART = re.compile(r"\." + _PART.pattern + r"\.[0-9a-f]{8}\.part")


# ---- a file and its name


def verified(result: Result, part: Path) -> Result:
    """What a fetched file is, its content on the disk for good. Raises ImageError for
    no whole image, OSError.
    """
    from tui.images import files

    # First: what the disk refuses to read is no fault of the image
    sha256 = _digest(part)
    facts = files.inspect(part)
    atomic_file.sync_file(part)
    return replace(
        result,
        sha256=sha256,
        format=facts.format,
        width=facts.width,
        height=facts.height,
        bytes=facts.bytes,
    )


def reserve(task: Task, index: int, result: Result, template: str) -> Result:
    """A verified result with a name that is free by now: the one noted before, if it
    still is. Raises OSError.
    """
    from tui.images import files

    noted = Path(result.reserved)
    if (
        result.reserved
        and noted.suffix == files.suffix_of(result.format)
        and not os.path.lexists(noted)
    ):
        noted.parent.mkdir(parents=True, exist_ok=True)
        return result
    name = PurePosixPath(naming.render(template, task, index))
    folder = Path(task.out_dir) / name.parent
    folder.mkdir(parents=True, exist_ok=True)
    return replace(
        result, reserved=str(files.free_name(folder, name.name, result.format))
    )


def give_name(result: Result, part: Path) -> None:
    """Give a verified file the name that was noted for it, unless something has it:
    FileExistsError.

    Raises OSError, also where another process has put a file of its own in the part's
    place.
    """
    if not is_verified(result, part):
        raise OSError(f"{part.name} is not the file that was verified.")
    target = Path(result.reserved)
    atomic_file.give_name(part, target)
    atomic_file.sync_folder(target.parent)


# ---- what an ended process has left


class Left(Enum):
    """What a process that was ended while it saved a result has left."""

    NOTHING = "nothing"
    PART = "part"
    """The whole file, verified, without its name."""
    SAVED = "saved"
    """The file with its name; only the note is missing."""


def left_behind(result: Result, part: Path, others: Collection[str]) -> Left:
    """What there is of a result already, by what was noted of it. Raises OSError.

    `others` are files of other results: one of them may be the same picture, under a
    name that both wanted.
    """
    if not result.reserved:
        return Left.NOTHING
    target = Path(result.reserved)
    has_part = is_verified(result, part)
    if is_verified(result, target) and result.reserved not in others:
        if not has_part:
            return Left.SAVED
        if os.path.samefile(part, target):
            part.unlink()
            return Left.SAVED
        # The same picture of somebody else: ours has no name yet.
    _clear_placeholder(target)
    return Left.PART if has_part else Left.NOTHING


def _clear_placeholder(target: Path) -> None:
    """Remove the empty file that a killed process may have left under its noted name;
    see `atomic.give_name`.
    """
    with suppress(OSError):
        status = target.lstat()
        if stat.S_ISREG(status.st_mode) and status.st_size == 0:
            target.unlink()


def is_verified(result: Result, file: Path) -> bool:
    """Whether a file is there with the content that was verified."""
    return bool(result.sha256) and digest(file) == result.sha256


def digest(path: Path) -> str:
    """SHA-256 of a file's content in hex; empty for what is no file or can't be read."""
    try:
        return _digest(path) if stat.S_ISREG(path.lstat().st_mode) else ""
    except OSError:
        return ""


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Part(NamedTuple):
    path: Path
    task_id: str
    inode: int
    changed_at: float


async def sweep(cache: TaskCache, folders: Iterable[Path]) -> list[Path]:
    """Remove parts that killed processes have left in these output folders; answers
    which.

    Those of live tasks are left to whoever carries them on, who uses them or writes
    them anew. A part of a task that isn't in this queue goes once it is old. Nothing
    but files of exactly our names is looked at.
    """
    found = await asyncio.to_thread(_parts, {Path(folder) for folder in folders})
    if not found:
        return []
    known = {
        task.id: task
        for task in await cache.named(sorted({part.task_id for part in found}))
    }
    stray = [part for part in found if _is_stray(part, known.get(part.task_id))]
    return await asyncio.to_thread(_removed, stray)


def _parts(folders: Iterable[Path]) -> list[_Part]:
    parts = []
    for folder in folders:
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                name = _PART.fullmatch(entry.name) or _PART_OF_PART.fullmatch(
                    entry.name
                )
                if name and entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    parts.append(
                        _Part(
                            folder / entry.name, name[1], status.st_ino, status.st_mtime
                        )
                    )
    return parts


def _is_stray(part: _Part, task: Task | None) -> bool:
    if task is None:
        return time.time() - part.changed_at > FOREIGN_FOR
    if task.live:
        return False
    # What is set aside may have a verified file there that only lacks its name.
    return not (
        task.status is Status.FETCHING
        and any(result.reserved for result in task.results)
    )


def _removed(parts: Iterable[_Part]) -> list[Path]:
    removed = []
    for part in parts:
        with suppress(OSError):
            status = part.path.lstat()
            # Written by nobody meanwhile
            if (status.st_ino, status.st_mtime) == (part.inode, part.changed_at):
                part.path.unlink()
                removed.append(part.path)
    return removed
