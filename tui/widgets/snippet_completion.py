"""Completes `:name` in a text to the snippet of that name."""

import re
from collections.abc import Sequence

from textual.widgets import TextArea

from tui.widgets.key_texts import key_text

_TYPED = re.compile(r"(?:\A|(?<=\s)):([A-Za-z0-9_-]*)\Z")
_SHOWN = 4
"""Names that are listed at most."""


class SnippetCompletion:
    """What may become of the word before the cursor of a text area."""

    def __init__(self, area: TextArea) -> None:
        self._area = area
        self._offered: list[str] = []

    @property
    def typed(self) -> str | None:
        """The begun name before the cursor; None where there is no colon before it."""
        row, column = self._area.cursor_location
        found = _TYPED.search(self._area.document.get_line(row)[:column])
        return found[1] if found else None

    @property
    def chosen(self) -> str:
        """The name that tab completes to; empty for none."""
        typed = self.typed
        if typed is None:
            return ""
        return next((name for name in self._offered if name.startswith(typed)), "")

    def offer(self, names: Sequence[str]) -> str:
        """Shows the first name that fits after the cursor.

        Returns a list of those that fit, or a sentence that there is none.
        """
        typed = self.typed
        self._offered = [
            name for name in names if typed is not None and name.startswith(typed)
        ]
        if not self._offered:
            return f"No snippet begins with :{typed}" if typed else ""
        # The whole name wins over a longer one.
        self._offered.sort(key=len)
        self._area.suggestion = self._offered[0][len(typed or "") :]
        shown = " ".join(f":{name}" for name in self._offered[:_SHOWN])
        more = " …" if len(self._offered) > _SHOWN else ""
        return f"{key_text(self._area, 'complete-snippet')}  {shown}{more}"

    def insert(self, text: str) -> None:
        """Replaces the begun name by a text; undo brings it back."""
        typed = self.typed
        if typed is None:
            return  # the cursor has moved
        row, column = self._area.cursor_location
        start = (row, column - len(typed) - 1)
        self._area.history.checkpoint()
        inserted = self._area.replace(text, start, (row, column))
        self._area.move_cursor(inserted.end_location)
        self._area.history.checkpoint()
        self._offered = []
