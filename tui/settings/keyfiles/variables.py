"""Variables in other tools' settings: `.env` files, and references in a text."""

import re
from collections.abc import Mapping
from pathlib import Path

from tui.settings.keyfiles.files import read

_LIMIT = 100_000


def mentions(text: str | None) -> bool:
    """Return whether a file mentions RunAPI; most don't, and aren't worth parsing."""
    return "runapi" in (text or "").casefold()


def dotenv(path: Path, *, wanted: bool) -> dict[str, str]:
    """Return what a `.env` file sets, if it mentions RunAPI or is wanted anyway.

    Raises Unreadable.
    """
    text = read(path, _LIMIT)
    if not text:
        return {}
    if not wanted and not mentions(text):
        return {}
    from io import StringIO

    from dotenv.parser import parse_stream

    stream = StringIO(text.removeprefix("\ufeff"))
    variables: dict[str, str] = {}
    for line in parse_stream(stream):
        if line.key and line.value is not None:
            variables[line.key] = line.value
    return variables


def filled(text: str, reference: str, variables: Mapping[str, str]) -> str:
    """Return `text` with its references replaced; those to unset variables stay.

    The group `name` of `reference` is the variable.
    """

    def value(found: re.Match[str]) -> str:
        return variables.get(found["name"]) or found[0]

    return re.sub(reference, value, text)
