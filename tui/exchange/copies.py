"""Saves copies of pictures where the user wants them, over nothing that exists."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tui.paths import home
from tui.system import atomic_file


def save(files: Sequence[str], target: str) -> list[Path]:
    """Copies pictures to a file, or into a folder, which is made if it is missing.

    Where a name is taken, the copy gets a number. Returns the copies. Raises OSError.
    """
    path = home(target)
    if len(files) > 1 or target.endswith("/") or path.is_dir():
        folder = path
        wanted = [folder / Path(file).name for file in files]
    else:
        folder = path.parent
        suffix = path.suffix or Path(files[0]).suffix
        wanted = [path.with_suffix(suffix)]
    folder.mkdir(parents=True, exist_ok=True)
    # On its file system, and gone afterwards with whatever isn't whole
    with tempfile.TemporaryDirectory(prefix=".", dir=folder) as place:
        part = Path(place) / "part"
        saved = []
        for file, name in zip(files, wanted, strict=True):
            shutil.copyfile(file, part)
            saved.append(atomic_file.give_free_name(part, name))
    return saved
