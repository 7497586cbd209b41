"""The models that the user has marked, kept beside the queue."""

import json
from pathlib import Path

from tui.system.small_file import read_small_file

Key = tuple[str, str]
"""Action and slug."""


def load(state: Path) -> list[Key]:
    """In the order in which they were marked; none where the file is missing or can't
    be read.
    """
    try:
        saved = json.loads(read_small_file(state / "favourites.json"))
        return [(str(action), str(slug)) for action, slug in saved]
    except (OSError, ValueError, TypeError, RecursionError):
        return []


def save(state: Path, keys: list[Key]) -> None:
    """Raises OSError."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = state / "favourites.part"
    part.write_text(json.dumps(keys), encoding="utf-8")
    part.replace(state / "favourites.json")
