"""Files of deleted tasks, kept for a while beside the images for undo.

In the trash, a file's name is `<time of its deletion>-<its name>`: two files of one
name don't collide, and files that were not put there by this program stay.
"""

import contextlib
import os
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tui.system import atomic_file

KEPT_FOR = 7 * 86400.0
"""Seconds. A file is removed after that, once another one is deleted there."""
_NAME = ".trash"
_DELETED = re.compile(r"(\d{19})-(.+)", re.DOTALL)
"""Matches a file's name in the trash: nanoseconds since the epoch, and its name."""


class _DeletedFile(NamedTuple):
    path: Path
    name: str
    """The name that the file had before."""
    deleted_at: float
    """Seconds since the epoch."""


def throw(paths: list[str], out_dir: str) -> None:
    """Moves files of the output folder into the trash beside them.

    Files elsewhere stay, and those that can't be moved.
    """
    for path in _inside(paths, out_dir):
        if not path.is_file() or path.is_symlink():
            continue
        trash = path.parent / _NAME
        empty(trash)
        with contextlib.suppress(OSError):
            trash.mkdir(exist_ok=True, mode=0o700)
            path.rename(trash / f"{time.time_ns()}-{path.name}")


def restore(paths: list[str], out_dir: str) -> None:
    """Moves files back, the latest of each name, unless a new file has the name."""
    for path in _inside(paths, out_dir):
        latest = {file.name: file for file in _deleted_files(path.parent / _NAME)}
        file = latest.get(path.name)
        if file is None or os.path.lexists(path):
            continue
        with contextlib.suppress(OSError):
            atomic_file.give_name(file.path, path)


def empty(trash: Path) -> None:
    """Removes the files that were deleted more than `KEPT_FOR` ago."""
    for file in _deleted_files(trash):
        if file.deleted_at < time.time() - KEPT_FOR:
            with contextlib.suppress(OSError):
                file.path.unlink()


def _inside(paths: Iterable[str], out_dir: str) -> Iterator[Path]:
    """Yields the paths below the output folder, except by way of links."""
    folder = Path(out_dir)
    for path in map(Path, paths):
        if ".." in path.parts or folder not in path.parents:
            continue
        if path.parent.resolve().is_relative_to(folder.resolve()):
            yield path


def _deleted_files(trash: Path) -> list[_DeletedFile]:
    """Returns the files in the trash, oldest first."""
    try:
        names = sorted(os.listdir(trash))
    except OSError:
        return []
    files = []
    for found in filter(None, map(_DELETED.fullmatch, names)):
        nanoseconds, name = found.groups()
        files.append(_DeletedFile(trash / found[0], name, int(nanoseconds) / 1e9))
    return files
