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
        own: dict[str, Any] = {}
        for name, item in value.items():
            if name != "$include":
                own[name] = self._opened(item, chain)
        if "$include" not in value:
            return own
        names = value["$include"]
        if not isinstance(names, list):
            names = [names]
        merged: Any = {}
        for name in names:
            included = self._read(str(name), chain)
            merged = _merged(merged, included)
        return _merged(merged, own) if own else merged

    def _read(self, name: str, chain: tuple[Path, ...]) -> Any:
        """Return what a file includes that the last one of a chain names.

        Raises Unreadable.
        """
        path = Path(os.path.normpath(chain[-1].parent / name))
        self._files += 1
        if not inside(path, self._path.parent):
            raise Unreadable(self._path, f"it includes {name}, outside its folder")
        if path in chain or len(chain) > _LEVELS or self._files > _FILES:
            raise Unreadable(
                self._path, f"its includes are circular or too deep, at {name}"
            )
        text = read(path)
        if text is None:
            raise Unreadable(self._path, f"it includes {name}, which isn't there")
        return self._opened(json5(text, path), (*chain, path))


def _merged(below: Any, above: Any) -> Any:
    """Merge objects and join lists; of anything else the later one wins."""
    if isinstance(below, dict) and isinstance(above, dict):
        merged = dict(below)
        for name, item in above.items():
            if name in below:
                item = _merged(below[name], item)
            merged[name] = item
        return merged
    if isinstance(below, list) and isinstance(above, list):
        return [*below, *above]
    return above
