"""The models that the user has marked, saved beside the queue."""

import json
from pathlib import Path

from tui.system import atomic_file
from tui.system.small_file import read_small_file

Key = tuple[str, str]
"""Action and slug."""


def load(state: Path) -> list[Key]:
    """Return the models in the order in which they were marked.

    Returns none where the file is missing or can't be read.
    """
    try:
        saved = json.loads(read_small_file(state / "favourites.json"))
        return [(str(action), str(slug)) for action, slug in saved]
    except (OSError, ValueError, TypeError, RecursionError):
        return []


def save(state: Path, keys: list[Key]) -> None:
    """Save the marked models. Raises OSError."""
    atomic_file.make_private_folder(state)
    content = json.dumps(keys).encode()
    atomic_file.save_small(state / "favourites.json", content, 0o600)
