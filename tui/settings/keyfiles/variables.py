"""Variables in other tools' settings: `.env` files, and references in a text."""

import re
from collections.abc import Mapping
from pathlib import Path

from tui.settings.keyfiles.files import read

_LIMIT = 100_000


def mentions(text: str | None) -> bool:
    """Whether a file speaks of RunAPI at all; most don't, and aren't worth parsing."""
    return "runapi" in (text or "").casefold()


def dotenv(path: Path, *, wanted: bool) -> dict[str, str]:
    """What a `.env` file sets; nothing if it neither mentions RunAPI nor is wanted.
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
    """`text` with its references replaced; `name` in `reference` is the variable. What
    isn't set stays as it is.
    """
    return re.sub(
        reference, lambda found: variables.get(found["name"]) or found[0], text
    )
