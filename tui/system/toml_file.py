"""Reads TOML files of the user's own, with limits: none of them takes long."""

import re
from pathlib import Path
from typing import Any

from tui.system.small_file import read_small_file

_PARTS = 20
"""Parts that a key may have: Python's parser is cubic in their number."""
_QUOTED = re.compile(
    r'''
    """(?:[^\\]|\\.)*?(?:"""|\Z)
    | \'\'\'.*?(?:\'\'\'|\Z)
    | "(?:[^"\\\n]|\\.)*+"?
    | '[^'\n]*+'?
    | \#[^\n]*+
    ''',
    re.DOTALL | re.VERBOSE,
)
_PART = r"[\w-]++[ \t]*+\.[ \t]*+"
_LONG_KEY = re.compile(rf"(?<![\w-])(?:{_PART}){{{_PARTS}}}")


def read_toml(path: Path, limit: int) -> dict[str, Any]:
    """Return the tables of a file of at most `limit` bytes.

    Raises OSError, as `read_small_file` does, and ValueError for anything but TOML.
    """
    return parse_toml(read_small_file(path, limit).decode())


def parse_toml(text: str) -> dict[str, Any]:
    """Return the tables of a text. Raises ValueError for anything but TOML."""
    import msgspec

    if _LONG_KEY.search(_QUOTED.sub("quoted", text)):
        raise ValueError(f"a key has more than {_PARTS} parts")
    try:
        tables: dict[str, Any] = msgspec.toml.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return tables
