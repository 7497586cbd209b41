"""Keeps what a restart brings back, and saves it soon after each change."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import structs

from tui.settings import remembered
from tui.settings.remembered import Draft, Remembered

_DELAY = 1.0
"""Seconds after a change within which it is saved: as much as a kill may lose."""


class Remembering:
    """Owns what the last run left, and what this one will leave.

    The file is written in a thread, at most once in a second, and only with what has
    changed here. A disk that can't be written to costs the memory and no more.
    """

    def __init__(
        self, state: Path, set_timer: Callable[[float, Callable[[], Any]], object]
    ) -> None:
        """Reads what the last run left in its state folder. Blocks."""
        self.current: Remembered = remembered.load(state)
        self._state = state
        self._set_timer = set_timer
        self._changed: dict[str, Any] = {}
        self._drafts: dict[tuple[str, str], Draft] = {}
        self._is_scheduled = False
        self._saving = asyncio.Lock()

    def change(self, **fields: Any) -> None:
        """Changes fields of `Remembered`; it is saved soon."""
        current = structs.replace(self.current, **fields)
        if current != self.current:
            self.current = current
            self._changed |= fields
            self._schedule()

    def keep_draft(self, draft: Draft) -> None:
        """Keeps what stands in a model's form; it is saved soon."""
        self._drafts.pop(draft.key, None)
        self._drafts[draft.key] = draft
        self._schedule()

    async def save(self) -> None:
        """Saves what has changed since the last time."""
        self._is_scheduled = False
        async with self._saving:
            changed, self._changed = self._changed, {}
            drafts, self._drafts = self._drafts, {}
            if changed or drafts:
                with suppress(OSError):
                    await asyncio.to_thread(
                        remembered.save, self._state, changed, list(drafts.values())
                    )

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._set_timer(_DELAY, self.save)
