"""Other services that the user lets have a key, each as named by one file.

Another tool's settings can name any host. RunAPI's own gets a key without a question.
"""

import json
import os
from pathlib import Path

from tui import paths
from tui.system import atomic_file
from tui.system.small_file import read_small_file

_MOST = 1_000


def is_confirmed(file: Path, base_url: str) -> bool:
    """Return whether the user has confirmed this base URL in this file."""
    return _pair(file, base_url) in _load()


def confirm(file: Path, base_url: str) -> None:
    """Remember that a key may be sent to what this file names.

    Raises OSError or PlaceError.
    """
    confirmed = _load()
    pair = _pair(file, base_url)
    if pair not in confirmed:
        confirmed.append(pair)
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    content = json.dumps(confirmed[-_MOST:]).encode()
    atomic_file.save_small(path, content, 0o600)


def _pair(file: Path, base_url: str) -> list[str]:
    return [os.path.abspath(file), base_url]


def _load() -> list[list[str]]:
    """Return pairs of file and base URL; none where they can't be read."""
    try:
        saved = json.loads(read_small_file(_path()))
    except (OSError, ValueError, RecursionError, paths.PlaceError):
        return []
    return saved if isinstance(saved, list) else []


def _path() -> Path:
    return paths.state_dir() / "confirmed.json"
