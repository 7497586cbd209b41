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
    text = read(path, _LIMIT) or ""
    if not (text and (wanted or mentions(text))):
        return {}
    from io import StringIO

    from dotenv.parser import parse_stream

    lines = parse_stream(StringIO(text.removeprefix("\ufeff")))
    return {
        line.key: line.value for line in lines if line.key and line.value is not None
    }


def filled(text: str, reference: str, variables: Mapping[str, str]) -> str:
    """Return `text` with its references replaced; those to unset variables stay.

    The group `name` of `reference` is the variable.
    """
    return re.sub(
        reference, lambda found: variables.get(found["name"]) or found[0], text
    )
