"""From a fetched file to a saved image.

A kill at any moment leaves one file and no other:

1. A result is fetched into a part file beside the images, and verified.
2. Its final name and its digest are recorded in the queue (`Result.reserved`).
3. The file gets that name.
4. The queue records that it is saved.

By record and digest, whoever continues the task knows which steps are done.

Everything but `sweep` blocks and runs in threads.
"""

import asyncio
import hashlib
import os
import re
import stat
from collections.abc import Collection, Iterable
from contextlib import suppress
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from msgspec.structs import replace

from tui.images import other_kinds
from tui.service.inline_pictures import is_inline
from tui.system import atomic_file
from tui.tasks import naming
from tui.tasks.cache import TaskCache
from tui.tasks.task import Result, Status, Task

_PART = re.compile(r"\.([0-9a-hjkmnp-tv-z]{14})-\d{1,5}\.part")
# `atomic_file.replacing` makes these while a recipe is embedded in a part file.
_PART_OF_PART = re.compile(r"\." + _PART.pattern + r"\.[0-9a-f]{8}\.part")


# ---- a file and its name


def part_name(task: Task, index: int) -> str:
    """Returns the name of a result's file until it is whole."""
    return f".{task.id}-{index}.part"


def verified(result: Result, part: Path, as_they_came: Collection[str] = ()) -> Result:
    """Returns the result with what its file is, once that is on the disk for good.

    `as_they_came` are digests of pictures that aren't decoded here, and can't have been
    damaged on their way: they are taken although a part seems to be missing. Raises
    ImageError for anything but a whole image, of whatever kind; OSError.
    """
    from tui.images import files

    # First, because a disk that fails to read is not the image's fault
    sha256 = _digest(part)
    kind = other_kinds.kind_of(part)
    if kind:
        raise files.OtherKindError(
            f"a result is {kind}, which this program doesn't save."
        )
    try:
        facts = files.inspect(part)
    except files.OddKindError:
        if sha256 not in as_they_came:
            raise
        facts = files.as_it_came(part)
    atomic_file.forbid_writing(part)
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
    """Returns a verified result with a free name.

    The name reserved before is kept if it is still free. Raises OSError.
    """
    from tui.images import files

    reserved = Path(result.reserved)
    if _may_be_reserved(result, Path(task.out_dir)) and not os.path.lexists(reserved):
        atomic_file.make_folder(reserved.parent)
        return result
    name = PurePosixPath(naming.render(template, task, index))
    folder = Path(task.out_dir) / name.parent
    atomic_file.make_folder(folder)
    free = files.free_name(folder, name.name, result.format)
    return replace(result, reserved=str(free))


def _may_be_reserved(result: Result, folder: Path) -> bool:
    """Tells whether this program can have reserved the name for a result there."""
    from tui.images import files

    reserved = Path(result.reserved)
    if folder not in reserved.parents or ".." in reserved.parts:
        return False
    return files.may_be_ours(reserved.name, result.format)


def give_name(result: Result, part: Path) -> None:
    """Gives a verified file its reserved name.

    Raises FileExistsError if the name is taken, and OSError, also where another process
    has replaced the part file.
    """
    if not is_verified(result, part):
        raise OSError(f"{part.name} is not the file that was verified.")
    target = Path(result.reserved)
    atomic_file.give_name(part, target)
    atomic_file.sync_folder(target.parent)


# ---- recovery of an interrupted save


class SavedUpTo(Enum):
    """How far an interrupted process came in saving a result."""

    NOTHING = "nothing"
    PART = "part"
    """The whole file is there and verified, without its name."""
    NAMED = "named"
    """The file has its name; only the record is missing."""


def saved_up_to(result: Result, part: Path, others: Collection[str]) -> SavedUpTo:
    """Returns how far a result is saved already. Raises OSError.

    `others` are files of other results: one of them may be the same image, under a name
    that both reserved.
    """
    if not _may_be_reserved(result, part.parent):
        return SavedUpTo.NOTHING
    target = Path(result.reserved)
    has_part = is_verified(result, part)
    if is_verified(result, target) and result.reserved not in others:
        if not has_part:
            return SavedUpTo.NAMED
        if os.path.samefile(part, target):
            part.unlink()
            return SavedUpTo.NAMED
        # Another result is the same image: this one has no name yet.
    _remove_placeholder(target)
    return SavedUpTo.PART if has_part else SavedUpTo.NOTHING


def _remove_placeholder(target: Path) -> None:
    """Removes the empty file that a kill may leave; see `atomic_file.give_name`."""
    with suppress(OSError):
        status = target.lstat()
        if stat.S_ISREG(status.st_mode) and status.st_size == 0:
            target.unlink()


def is_verified(result: Result, file: Path) -> bool:
    """Tells whether a file has the content that was verified."""
    return bool(result.sha256) and digest(file) == result.sha256


def digest(path: Path) -> str:
    """Returns the SHA-256 of a file in hex; "" if it is not a readable file."""
    try:
        return _digest(path) if stat.S_ISREG(path.lstat().st_mode) else ""
    except OSError:
        return ""


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def part_in_the_way(task_id: str, folder: Path) -> str:
    """Returns a file that saving the task's results would replace, or "".

    It matters where somebody else has chosen the id: what has it is not known to be a
    part file of this program.
    """
    names = os.listdir(folder) if folder.is_dir() else []
    for name in sorted(names):
        found = _PART.fullmatch(name)
        if found and found[1] == task_id:
            return str(folder / name)
    return ""


# ---- part files that nobody needs


class _PartFile(NamedTuple):
    path: Path
    task_id: str
    inode: int
    changed_at: float


async def sweep(cache: TaskCache, folders: Iterable[Path]) -> list[Path]:
    """Removes part files of killed processes from output folders; returns their paths.

    A name alone proves nothing: only those of a task that this queue has, in that
    task's own folder, are removed. Those of live tasks stay for whoever continues them,
    and those of imported tasks because their ids are the word of a file.
    """
    found = await asyncio.to_thread(_part_files, {Path(folder) for folder in folders})
    if not found:
        return []
    tasks = await cache.named(sorted({part.task_id for part in found}))
    known = {task.id: task for task in tasks}
    stray = [part for part in found if _is_stray(part, known.get(part.task_id))]
    return await asyncio.to_thread(_remove, stray)


def _part_files(folders: Iterable[Path]) -> list[_PartFile]:
    parts = []
    for folder in folders:
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                found = _PART.fullmatch(name) or _PART_OF_PART.fullmatch(name)
                if not found or not entry.is_file(follow_symlinks=False):
                    continue
                status = entry.stat(follow_symlinks=False)
                parts.append(
                    _PartFile(folder / name, found[1], status.st_ino, status.st_mtime)
                )
    return parts


def _is_stray(part: _PartFile, task: Task | None) -> bool:
    if task is None or task.live or task.imported:
        return False
    if part.path.parent != Path(task.out_dir):
        return False
    # A task that is set aside may have a verified file that only lacks its name, or a
    # picture that came with the answer.
    has_reserved = any(
        result.reserved or is_inline(result.url) for result in task.results
    )
    return task.status is not Status.FETCHING or not has_reserved


def _remove(parts: Iterable[_PartFile]) -> list[Path]:
    removed = []
    for part in parts:
        with suppress(OSError):
            status = part.path.lstat()
            is_unchanged = (status.st_ino, status.st_mtime) == (
                part.inode,
                part.changed_at,
            )
            if is_unchanged:
                part.path.unlink()
                removed.append(part.path)
    return removed
