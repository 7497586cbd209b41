"""What a restart brings back: layout, theme, model and unsent drafts.

It is saved beside the queue and is no setting: a file that is missing or broken counts
as empty.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from tui.system import atomic_file
from tui.system.small_file import read_small_file

_NAME = "screen.json"


class Draft(Struct, frozen=True):
    """The values of a model's form that were not sent, or were sent last."""

    action: str
    model: str
    values: dict[str, Any]
    foreign: tuple[str, ...] = ()
    """Texts of the values that need not be the user's own words."""


class Remembered(Struct, frozen=True, kw_only=True):
    """What the last run left."""

    layout: str = ""
    hidden: tuple[str, ...] = ()
    """Panes that the user has hidden."""
    left: int = 0
    """Columns that the user has added to the panes on the left."""
    lower: int = 0
    """Rows that the user has added to the queue."""
    theme: str = ""
    action: str = ""
    model: str = ""
    """The model that the form showed, within `action`."""
    drafts: tuple[Draft, ...] = ()


def load(state: Path) -> Remembered:
    """Return what the last run left in its state folder. Blocks."""
    try:
        return msgspec.json.decode(
            read_small_file(state / _NAME), type=Remembered, strict=True
        )
    except (OSError, ValueError, msgspec.MsgspecError, RecursionError):
        return Remembered()


def save(state: Path, remembered: Remembered) -> None:
    """Save it for the next run. Blocks. Raises OSError."""
    atomic_file.make_private_folder(state)
    content = json.dumps(msgspec.to_builtins(remembered)).encode()
    atomic_file.save_small(state / _NAME, content, 0o600)
