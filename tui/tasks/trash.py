"""Where files of deleted tasks lie for a while, beside the images, so that a deletion
can be undone.

A file is called `<moment of its deletion>-<its name>` there: no two of one name meet,
and nothing else is removed.
"""

import contextlib
import os
import re
import time
from pathlib import Path

from tui.system import atomic_file

KEPT_FOR = 7 * 86400.0
"""Seconds after which a deleted file is gone for good, once something else is deleted
there.
"""
_NAME = ".trash"
_THROWN = re.compile(r"(\d{19})-(.+)", re.DOTALL)


def throw(paths: list[str], out_dir: str) -> None:
    """Move files of the output folder into the trash beside them; what lies elsewhere
    is left alone.
    """
    for path in map(Path, paths):
        trash = path.parent / _NAME
        if _below(path, out_dir) and path.is_file() and not path.is_symlink():
            empty(trash)
            with contextlib.suppress(OSError):
                trash.mkdir(exist_ok=True, mode=0o700)
                path.rename(trash / f"{time.time_ns()}-{path.name}")


def restore(paths: list[str], out_dir: str) -> None:
    """Move files back to where they were, the latest of each name, unless something new
    stands there.
    """
    for path in map(Path, paths):
        trash = path.parent / _NAME
        thrown = {name: file for _, name, file in _thrown(trash)}
        if _below(path, out_dir) and path.name in thrown and not os.path.lexists(path):
            with contextlib.suppress(OSError):
                atomic_file.give_name(trash / thrown[path.name], path)


def empty(trash: Path) -> None:
    """Remove what has lain there for long."""
    for moment, _, file in _thrown(trash):
        if moment < time.time() - KEPT_FOR:
            with contextlib.suppress(OSError):
                (trash / file).unlink()


def _below(path: Path, out_dir: str) -> bool:
    """Whether a file lies in the output folder or one of its folders, and not by way of
    a link.
    """
    if ".." in path.parts or Path(out_dir) not in path.parents:
        return False
    return path.parent.resolve().is_relative_to(Path(out_dir).resolve())


def _thrown(trash: Path) -> list[tuple[float, str, str]]:
    """When, under which name, and as which file of the trash; oldest first."""
    with contextlib.suppress(OSError):
        found = map(_THROWN.fullmatch, sorted(os.listdir(trash)))
        return [(int(match[1]) / 1e9, match[2], match[0]) for match in found if match]
    return []
