"""What a restart brings back: layout, theme, model and unsent drafts.

It is saved beside the queue and is no setting: a file that is missing or broken counts
as empty.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, structs

from tui.system import atomic_file
from tui.system.small_file import read_small_file

MOST_DRAFTS = 30
"""Models whose drafts are kept; those that were changed last."""
_LARGEST_FILE = 20_000_000
"""Bytes that are saved and read, at most: without the oldest drafts, if need be."""
_NAME = "screen.json"


class Draft(Struct, frozen=True):
    """What stands in a model's form: it was not sent, or was sent last."""

    action: str
    model: str
    values: dict[str, Any]
    """By param: the text as it was typed, also where it is no value; or a choice."""
    foreign: dict[str, tuple[str, ...]] = {}
    """By param: texts that need not be the user's own words."""
    unchecked: tuple[str, ...] = ()
    """Params whose values are sent without a check."""

    @property
    def key(self) -> tuple[str, str]:
        return self.action, self.model


class Remembered(Struct, frozen=True, kw_only=True):
    """What the last run left."""

    layout: str = ""
    hidden: tuple[str, ...] = ()
    """Panes that the user has hidden."""
    wider: int = 0
    """Columns that the user has added to the picture, or has taken from it."""
    higher: int = 0
    """Rows that the user has added to the queue."""
    recent: tuple[tuple[str, str], ...] = ()
    """Action and slug of the models of the latest tasks, latest first."""
    theme: str = ""
    action: str = ""
    model: str = ""
    """The model that the form showed, within `action`."""
    drafts: tuple[Draft, ...] = ()
    """The latest last."""

    def with_drafts(self, drafts: Iterable[Draft]) -> "Remembered":
        """Returns it with newer drafts; the oldest are dropped where there are many."""
        kept = {draft.key: draft for draft in self.drafts}
        for draft in drafts:
            kept.pop(draft.key, None)
            kept[draft.key] = draft
        return structs.replace(self, drafts=tuple(kept.values())[-MOST_DRAFTS:])


def load(state: Path) -> Remembered:
    """Return what the last run left in its state folder. Blocks."""
    try:
        content = read_small_file(state / _NAME, _LARGEST_FILE)
        return msgspec.json.decode(content, type=Remembered, strict=True)
    except (OSError, ValueError, msgspec.MsgspecError, RecursionError):
        return Remembered()


def save(state: Path, changed: Mapping[str, Any], drafts: Iterable[Draft]) -> None:
    """Save what has changed for the next run. Blocks. Raises OSError.

    Everything else stays as it is in the file: another window may have changed it.
    """
    atomic_file.make_private_folder(state)
    kept = [_encodable(draft) for draft in drafts]
    remembered = structs.replace(load(state).with_drafts(kept), **changed)
    content = msgspec.json.encode(remembered)
    while len(content) > _LARGEST_FILE and remembered.drafts:
        remembered = structs.replace(remembered, drafts=remembered.drafts[1:])
        content = msgspec.json.encode(remembered)
    atomic_file.save_small(state / _NAME, content, 0o600)


def _encodable(draft: Draft) -> Draft:
    """Returns a draft as JSON can hold it."""
    values: dict[str, Any] = {}
    for name, value in draft.values.items():
        values[name] = _as_json(value) if isinstance(value, str) else value
    foreign: dict[str, tuple[str, ...]] = {}
    for name, texts in draft.foreign.items():
        foreign[name] = tuple(_as_json(text) for text in texts)
    return structs.replace(draft, values=values, foreign=foreign)


def _as_json(text: str) -> str:
    """Returns a text without what is no UTF-8, as the names of some files."""
    return text.encode("utf-8", "replace").decode()
