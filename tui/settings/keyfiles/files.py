"""Reads files that others wrote, with limits: no file takes long or causes a crash."""

import json
import os
import re
from pathlib import Path
from typing import Any

from tui.system.small_file import LIMIT, read_small_file
from tui.text import one_line

YAML_LIMIT = 250_000
"""The same for YAML, which takes a second per megabyte."""
_DEPTH = 30
"""Levels of lists and objects that a file may have, whatever its parser would take."""
_JSON5_TOKEN = re.compile(
    r"""
    "(?:[^"\\]|\\.)*+"?  # a string, or all the rest where its end is missing
    | '(?:[^'\\]|\\.)*+'?
    | //[^\n\r]*+
    | /\*.*?(?:\*/|\Z)
    | [\[\]{}]
    """,
    re.DOTALL | re.VERBOSE,
)


_PLACE = re.compile(r"near (\d{1,9})\b")
"""How pyjson5 says after how many characters it has stopped."""
UNREADABLE = "can't be read"
"""What every text of `Unreadable` has."""


class Unreadable(Exception):
    """A file that can't be used; the text says why, without any of its content."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{shown(path)} {UNREADABLE}: {one_line(why)}.")


def shown(path: Path, part: str = "") -> str:
    """Return a path as people write it, and which part of the file is meant."""
    text = str(path)
    home = os.path.expanduser("~")
    if text.startswith(f"{home}{os.sep}"):
        text = f"~{text.removeprefix(home)}"
    if part:
        text = f"{text} ({one_line(part, 60)})"
    return one_line(text)


def inside(path: Path, folder: Path) -> bool:
    """Return whether a path leads into the folder, with all links followed."""
    try:
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
    except ValueError:  # no name at all
        return False


def read(path: Path, limit: int = LIMIT) -> str | None:
    """Return the text of a regular file of at most `limit` bytes; None without one.

    Raises Unreadable.
    """
    try:
        content = read_small_file(path, limit)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Unreadable(path, error.strerror or "no such name") from None
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise Unreadable(path, "not text in UTF-8") from None


def json5(text: str, path: Path) -> Any:
    """Parse JSON, or JSON5 with comments and the like. Raises Unreadable."""
    if _is_deep(text):  # each parser, and each Python, has another limit of its own
        raise Unreadable(path, "nested too deeply")
    try:
        return json.loads(text)
    except ValueError:
        import pyjson5

        try:
            return pyjson5.decode(text, maxdepth=_DEPTH)
        except (pyjson5.Json5Exception, ValueError) as error:
            raise Unreadable(path, f"not JSON5{_line_of(error, text)}") from None


def _line_of(error: Exception, text: str) -> str:
    """Return the line of an error of pyjson5, as ` (line 3)`, or "".

    The exception itself quotes the file.
    """
    place = _PLACE.search(str(error))
    return f" (line {text.count(chr(10), 0, int(place[1])) + 1})" if place else ""


def yaml(text: str, path: Path) -> Any:
    """Parse YAML with every scalar as text: dates and numbers could take long.

    Raises Unreadable.
    """
    from yaml import YAMLError, load, parse
    from yaml.events import CollectionEndEvent, CollectionStartEvent

    loader = yaml_loader()
    depth = 0
    try:
        # The C loader recurses without a limit and crashes the process, so the depth
        # is checked first.
        for event in parse(text, loader):
            if isinstance(event, CollectionStartEvent):
                depth += 1
            elif isinstance(event, CollectionEndEvent):
                depth -= 1
            if depth > _DEPTH:
                raise Unreadable(path, "nested too deeply")
            # What is merged in could name another host
            if getattr(event, "value", "") == "<<":
                raise Unreadable(path, "it has merge keys (<<), which are not followed")
        return load(text, loader)
    except (YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        # Newer parsers reject deep nesting before they report the first level.
        if mark and _open_brackets(text[: mark.index]) > _DEPTH:
            raise Unreadable(path, "nested too deeply") from None
        line = f" (line {mark.line + 1})" if mark else ""
        raise Unreadable(path, f"not YAML{line}") from None


def yaml_loader() -> Any:
    """Return the loader that takes every scalar as text, in C if that is there."""
    try:
        from yaml import CBaseLoader
    except ImportError:
        from yaml import BaseLoader

        return BaseLoader
    return CBaseLoader


def _is_deep(json5: str) -> bool:
    """Return whether lists and objects are nested beyond the limit.

    Brackets in strings and comments don't count.
    """
    depth = 0
    for found in _JSON5_TOKEN.finditer(json5):
        token = found[0]
        if token in ("[", "{"):
            depth += 1
        elif token in ("]", "}"):
            depth -= 1
        if depth > _DEPTH:
            return True
    return False


def _open_brackets(text: str) -> int:
    """Return how many brackets of either kind are open at the end of the text."""
    opened = text.count("[") + text.count("{")
    closed = text.count("]") + text.count("}")
    return opened - closed
