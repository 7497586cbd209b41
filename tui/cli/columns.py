"""Lays out names with their values in two columns, for people."""

import re
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Iterator

from tui.text import one_line

Rows = Iterable[tuple[str, object]]
"""Names with their values; an empty value is left out."""

_GAP = "  "
_LEAST_NAMES = 14  # cells, so that tables of few rows look alike
_MOST_NAME = 40  # characters
_MOST_VALUE = 2000
_LEAST_VALUES = 20  # cells; with less, a value stands below its name

_WIDE = "\ufe0f"  # has the character before it drawn as an emoji
# A character with its selectors, skin tones and keycap, and the emoji joined to it.
_SIGN = re.compile(
    "(?s:.)(?:[\ufe00-\ufe0f\u20e3\U0001f3fb-\U0001f3ff]"
    "|\u200d[\u2190-\u2bff\U0001f000-\U0001faff])*"
)


def table(rows: Rows) -> str:
    """Return rows of two columns, as wide as the terminal; elsewhere a line for each.

    Between the columns are always two spaces at least.
    """
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    return "\n".join(_lines(rows, width))


def _lines(rows: Rows, width: int) -> Iterator[str]:
    """Yield the lines of a table; with a width of 0, values aren't wrapped."""
    texts = [
        (one_line(name, _MOST_NAME), one_line(value, _MOST_VALUE))
        for name, value in rows
        if value != ""
    ]
    names = max((cells(name) for name, _ in texts), default=0)
    names = max(names, _LEAST_NAMES)
    if not width:
        for name, value in texts:
            yield f"{_padded(name, names)}{_GAP}{value}"
        return
    room = width - names - len(_GAP)
    for name, value in texts:
        if room >= _LEAST_VALUES:
            start = _padded(name, names)
            for line in wrapped(value, room):
                yield f"{start}{_GAP}{line}"
                start = " " * names
        else:
            yield from wrapped(name, width)
            for line in wrapped(value, max(1, width - len(_GAP))):
                yield f"{_GAP}{line}"


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cells(text))


def cells(text: str) -> int:
    """Return how many cells of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(map(_cells_of, _SIGN.findall(text)))


def _cells_of(sign: str) -> int:
    """Return those of a character and what is drawn in its place."""
    if _WIDE in sign:
        return 2
    if unicodedata.category(sign[0]) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(sign[0]) in "WF" else 1


def wrapped(text: str, width: int) -> Iterator[str]:
    """Yield the lines of a text, of as many cells at most; long words are broken."""
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if cells(joined) <= width:
            line = joined
            continue
        if line:
            yield line
        line = ""
        for sign in _SIGN.findall(word):
            if line and cells(line + sign) > width:
                yield line
                line = ""
            line += sign
    yield line
