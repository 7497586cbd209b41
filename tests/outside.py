"""Tells which test writes outside the folder for temporary files."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHECKOUT = Path(__file__).parent.parent
_CACHES = (".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache")
TEMPORARY = Path(tempfile.gettempdir())
"""Where temporary files go as far as the system is concerned; those of tests lie in a
folder of their own there.
"""
_ALLOWED = (
    *{str(TEMPORARY), os.path.realpath(TEMPORARY)},
    *(str(_CHECKOUT / name) for name in _CACHES),
    "/dev",
    "/proc",
)
_CHANGED = {
    # Of an event: which of its arguments are paths that are written to.
    "os.chmod": (0,),
    "os.chown": (0,),
    "os.link": (1,),
    "os.mkdir": (0,),
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.rmdir": (0,),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "os.utime": (0,),
    "sqlite3.connect": (0,),
}


class Outside:
    """Watches what this process writes; other processes have their home in a temporary
    folder alone.
    """

    def __init__(self) -> None:
        self._found: list[str] = []
        sys.addaudithook(self._audit)

    def found(self) -> list[str]:
        """What was written to outside since this was last asked."""
        found, self._found = self._found, []
        return found

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = args
            writes = (
                bool(flags & _WRITES) if mode is None else bool(set("wax+") & set(mode))
            )
            if writes:
                self._note(event, path)
        elif event in _CHANGED:
            in_open_folder = (
                event.startswith("os.") and isinstance(args[-1], int) and args[-1] >= 0
            )
            for place in _CHANGED[event]:
                if not in_open_folder:
                    self._note(event, args[place])

    def _note(self, event: str, path: Any) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return  # an open file
        text = os.fsdecode(path)
        if text == ":memory:" or "__pycache__" in text:
            return
        whole = os.path.abspath(text.removeprefix("file:"))
        if not any(
            whole == folder or whole.startswith(folder + os.sep) for folder in _ALLOWED
        ):
            self._found.append(f"{event}: {whole}")
