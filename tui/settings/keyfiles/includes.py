"""`$include` in OpenClaw's settings: other files, merged in place."""

import os.path
from pathlib import Path
from typing import Any

from tui.settings.keyfiles.files import Unreadable, inside, json5, read

_LEVELS = 10
_FILES = 100


class Includes:
    """Follows includes of one file, within its folder only.

    A missing part could say that a key is meant for another host, so settings are only
    used when they are complete.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files = 0

    def opened(self, value: Any) -> Any:
        """Return `value` with all its includes. Raises Unreadable."""
        try:
            return self._opened(value, (self._path,))
        except RecursionError:
            raise Unreadable(self._path, "nested too deeply") from None

    def _opened(self, value: Any, chain: tuple[Path, ...]) -> Any:
        if isinstance(value, list):
            return [self._opened(item, chain) for item in value]
        if not isinstance(value, dict):
            return value
        own = {
            name: self._opened(item, chain)
            for name, item in value.items()
            if name != "$include"
        }
        if "$include" not in value:
            return own
        names = value["$include"]
        merged: Any = {}
        for name in names if isinstance(names, list) else [names]:
            merged = _merged(merged, self._read(str(name), chain))
        return _merged(merged, own) if own else merged

    def _read(self, name: str, chain: tuple[Path, ...]) -> Any:
        path = Path(os.path.normpath(chain[-1].parent / name))
        self._files += 1
        if not inside(path, self._path.parent):
            raise Unreadable(self._path, f"it includes {name}, outside its folder")
        if path in chain or len(chain) > _LEVELS or self._files > _FILES:
            raise Unreadable(
                self._path, f"its includes are circular or too deep, at {name}"
            )
        if (text := read(path)) is None:
            raise Unreadable(self._path, f"it includes {name}, which isn't there")
        return self._opened(json5(text, path), (*chain, path))


def _merged(below: Any, above: Any) -> Any:
    """Merge objects and join lists; of anything else the later one wins."""
    if isinstance(below, dict) and isinstance(above, dict):
        return below | {
            name: _merged(below[name], item) if name in below else item
            for name, item in above.items()
        }
    if isinstance(below, list) and isinstance(above, list):
        return [*below, *above]
    return above
