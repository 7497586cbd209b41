"""The bundled family files as JSON in the cache folder, beside the text it was made of.

Python's TOML parser takes longer than everything else that reading the catalog does.
"""

import tomllib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Raw, Struct

from tui.system import atomic_file
from tui.system.small_file import read_small_file

NAME = "catalog.json"


class _Compiled(Struct):
    texts: list[str]
    """The family files word for word: other ones make this file useless."""
    families: Raw
    """A JSON array of what the parser makes of them."""


def as_json(texts: Sequence[str], cache: Path) -> bytes:
    """Returns a JSON array of what these texts of TOML say.

    It is read from the cache folder if it was made there of the same texts, and kept
    there otherwise, if it can be.
    """
    path = cache / NAME
    with suppress(OSError, msgspec.DecodeError):
        kept = msgspec.json.decode(read_small_file(path), type=_Compiled)
        if kept.texts == list(texts):
            return bytes(kept.families)
    families = msgspec.json.encode([tomllib.loads(text) for text in texts])
    with suppress(OSError):
        atomic_file.make_folder(cache, 0o700)
        with atomic_file.replacing(path, 0o600) as file:
            file.write(msgspec.json.encode(_Compiled(list(texts), Raw(families))))
    return families
