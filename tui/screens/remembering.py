"""Keeps what a restart brings back, and saves it soon after each change."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import structs

from tui.settings import remembered
from tui.settings.remembered import Draft, Remembered

_DELAY = 1.0
"""Seconds after a change within which it is saved: as much as a kill may lose."""
_RETRY = 30.0
"""Seconds after which a save that failed is tried again, unless a change comes first."""


class Remembering:
    """Owns what the last run left, and what this one will leave.

    The file is written in a thread, at most once in a second, and only with what has
    changed here. A disk that can't be written to costs the memory and no more: what
    wasn't saved is saved with the next change, or a while later.
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
        self._is_retrying = False
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

    async def save(self) -> bool:
        """Saves what has changed since the last time; returns whether it could."""
        async with self._saving:
            changed, self._changed = self._changed, {}
            drafts, self._drafts = self._drafts, {}
            if not (changed or drafts):
                return True
            latest = list(drafts.values())
            try:
                await asyncio.to_thread(remembered.save, self._state, changed, latest)
            except OSError:
                self._changed = changed | self._changed
                newer = self._drafts
                older = {key: drafts[key] for key in drafts if key not in newer}
                self._drafts = older | newer  # the latest last
                return False
            return True

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._set_timer(_DELAY, self._save_in_time)

    async def _save_in_time(self) -> None:
        self._is_scheduled = False
        if not await self.save() and not self._is_retrying:
            self._is_retrying = True
            self._set_timer(_RETRY, self._retry)

    async def _retry(self) -> None:
        self._is_retrying = False
        await self._save_in_time()
