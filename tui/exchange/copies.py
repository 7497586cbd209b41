"""Saves copies of pictures where the user wants them, over nothing that exists."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from tui.paths import home

_MOST_NUMBERED = 10_000


def save(files: Sequence[str], target: str) -> list[Path]:
    """Copies pictures to a file, or into a folder, which is made if it is missing.

    Where a name is taken, the copy gets a number. Returns the copies. Raises OSError.
    """
    path = home(target)
    is_folder = len(files) > 1 or target.endswith("/") or path.is_dir()
    if is_folder:
        path.mkdir(parents=True, exist_ok=True)
        return [_copy(Path(file), path / Path(file).name) for file in files]
    path.parent.mkdir(parents=True, exist_ok=True)
    (file,) = files
    if not path.suffix:
        path = path.with_name(path.name + Path(file).suffix)
    return [_copy(Path(file), path)]


def _copy(file: Path, wanted: Path) -> Path:
    """Copies a file; returns the path that was free. Raises OSError."""
    for number in range(1, _MOST_NUMBERED):
        path = wanted if number == 1 else wanted.with_stem(f"{wanted.stem}-{number}")
        if os.path.lexists(path):
            continue
        try:
            handle = path.open("xb")
        except FileExistsError:
            continue
        try:
            with handle, file.open("rb") as source:
                shutil.copyfileobj(source, handle)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path
    raise FileExistsError(f"{wanted.name} exists too often in {wanted.parent}.")
