"""Files of deleted tasks, kept for a while beside the images for undo.

Only what this program saved is moved, restored or removed: the queue has recorded the
file's size and digest, and its content still has both. A name alone proves nothing.

In the trash, a file's name is `<time of its deletion>-<digest>-<its name>`: two files
of one name don't collide, and a file that was put there by anybody else stays.
"""

import contextlib
import hashlib
import os
import re
import stat
import time
from pathlib import Path
from typing import NamedTuple

from tui.system import atomic_file
from tui.tasks.task import Result, Task

KEPT_FOR = 7 * 86400.0
"""Seconds. A file is removed after that, once another one is deleted there."""
_NAME = ".trash"
_DIGITS = 16  # of a digest, in a name
_DELETED = re.compile(r"(\d{19})-(?:([0-9a-f]{16})-)?(.+)", re.DOTALL)
"""Matches a file's name in the trash: nanoseconds since the epoch, the beginning of its
digest (which earlier versions left out), and its name."""
_MOST_FOLDERS = 8
"""Folders between the output folder and an image."""


class _DeletedFile(NamedTuple):
    path: Path
    name: str
    """The name that the file had before."""
    deleted_at: float
    """Seconds since the epoch."""
    digest: str
    """The beginning of its digest; "" where an earlier version put it there."""


class _Identity(NamedTuple):
    """Which file it is, and in which state."""

    device: int
    inode: int
    size: int
    changed_at: int


class Thrown(NamedTuple):
    """What became of a task's files."""

    moved: int
    """How many are in the trash now."""
    kept: list[str]
    """Paths of those that stay: they were changed since they were saved, are not known
    to be this program's, or can't be moved."""


def throw(task: Task) -> Thrown:
    """Moves the files that were saved for a task into the trash beside them."""
    moved = 0
    kept: list[str] = []
    for result in task.results:
        if not os.path.lexists(result.path):
            continue
        if _throw_one(task, result):
            moved += 1
        else:
            kept.append(result.path)
    return Thrown(moved, kept)


def _throw_one(task: Task, result: Result) -> bool:
    """Moves a result's file into the trash; returns whether it did."""
    path = _own_path(task, result)
    if path is None:
        return False
    identity = _verified(path, result)
    if identity is None:
        return False
    trash = path.parent / _NAME
    target = trash / f"{time.time_ns()}-{result.sha256[:_DIGITS]}-{path.name}"
    with contextlib.suppress(OSError):
        trash.mkdir(exist_ok=True, mode=0o700)
        if not _is_folder(trash):
            return False
        empty(trash)
        path.rename(target)
        if _identity(target) == identity:
            return True
        # Another file took the name after it was verified.
        atomic_file.give_name(target, path)
    return False


def restore(task: Task) -> None:
    """Moves a task's files back, the latest of each, unless a new file has the name."""
    for result in task.results:
        path = _own_path(task, result)
        if path is None or os.path.lexists(path):
            continue
        for file in reversed(_deleted_files(path.parent / _NAME)):
            if file.name == path.name and _verified(file.path, result):
                with contextlib.suppress(OSError):
                    atomic_file.give_name(file.path, path)
                break


def empty(trash: Path) -> None:
    """Removes the files that were deleted more than `KEPT_FOR` ago.

    One whose name doesn't have the digest of its content was not put there like that by
    this program, and stays.
    """
    for file in _deleted_files(trash):
        is_old = file.deleted_at < time.time() - KEPT_FOR
        if is_old and file.digest and _digest(file.path).startswith(file.digest):
            with contextlib.suppress(OSError):
                file.path.unlink()


def _own_path(task: Task, result: Result) -> Path | None:
    """Returns where this program saved a result; None where it can't have done that.

    The path has to be below the task's folder, by way of no link, and of a name that
    an image of this format gets.
    """
    from tui.images.files import may_be_ours

    path = Path(result.path)
    folder = Path(task.out_dir)
    # A root holds everything: no output folder is one.
    is_below = len(folder.parts) > 1 and folder.is_absolute() and folder in path.parents
    if task.imported or not is_below or ".." in path.parts:
        return None
    below = path.parent.relative_to(folder)
    if len(below.parts) > _MOST_FOLDERS or _is_linked(folder, below):
        return None
    return path if may_be_ours(path.name, result.format) else None


def _is_linked(folder: Path, below: Path) -> bool:
    """Tells whether a link leads from a folder to one below it."""
    try:
        return (folder / below).resolve() != folder.resolve() / below
    except (OSError, RuntimeError, ValueError):  # a link to itself, or no path at all
        return True


def _verified(path: Path, result: Result) -> _Identity | None:
    """Returns which file has the content that was saved; None if this one hasn't."""
    if len(result.sha256) != hashlib.sha256().digest_size * 2:
        return None
    before = _identity(path)
    if before is None or before.size != result.bytes:
        return None
    is_same = _digest(path) == result.sha256 and _identity(path) == before
    return before if is_same else None


def _identity(path: Path) -> _Identity | None:
    """Returns which regular file has a path; None for anything else."""
    try:
        found = path.lstat()
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return _Identity(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def _digest(path: Path) -> str:
    """Returns the SHA-256 of a regular file, in hex; "" if it can't be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return ""
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return ""


def _is_folder(path: Path) -> bool:
    """Tells whether this is a folder itself, not a link to one."""
    return path.is_dir() and not path.is_symlink()


def _deleted_files(trash: Path) -> list[_DeletedFile]:
    """Returns the files in the trash, oldest first."""
    if not _is_folder(trash):
        return []
    try:
        names = sorted(os.listdir(trash))
    except OSError:
        return []
    files = []
    for found in filter(None, map(_DELETED.fullmatch, names)):
        nanoseconds, digest, name = found.groups()
        deleted_at = int(nanoseconds) / 1e9
        files.append(_DeletedFile(trash / found[0], name, deleted_at, digest or ""))
    return files
