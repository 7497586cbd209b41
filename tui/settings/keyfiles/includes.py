"""`$include` in OpenClaw's settings: other files, merged in place."""

import os.path
from pathlib import Path
from typing import Any

from tui.settings.keyfiles.files import Unreadable, inside, json5, read

_LEVELS = 10
_INCLUDES = 100
_CHARACTERS = 1_000_000
"""In all includes together; a file counts each time that it is included."""


class Includes:
    """Follows includes of one file, within its folder only; reads each file once.

    A missing part could say that a key is meant for another host, so settings are only
    used when they are complete.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._includes = 0
        self._characters = 0
        self._files: dict[Path, tuple[Any, int]] = {}
        """What was read, with the characters that it and its includes have."""

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
        self._includes += 1
        if not inside(path, self._path.parent):
            raise Unreadable(self._path, f"it includes {name}, outside its folder")
        if path in chain or len(chain) > _LEVELS or self._includes > _INCLUDES:
            raise Unreadable(
                self._path, f"its includes are circular or too deep, at {name}"
            )
        if path in self._files:
            value, size = self._files[path]
            self._count(size)
            return value
        text = read(path)
        if text is None:
            raise Unreadable(self._path, f"it includes {name}, which isn't there")
        before = self._characters
        self._count(len(text))
        value = self._opened(json5(text, path), (*chain, path))
        self._files[path] = (value, self._characters - before)
        return value

    def _count(self, characters: int) -> None:
        """Count what is included. Raises Unreadable where it comes to too much."""
        self._characters += characters
        if self._characters > _CHARACTERS:
            raise Unreadable(
                self._path, f"its includes come to more than {_CHARACTERS:,} characters"
            )


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
