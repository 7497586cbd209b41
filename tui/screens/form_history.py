"""What stood in the form before it was filled in, and after: undo and redo."""

from collections import deque
from dataclasses import dataclass

from textual.widgets.text_area import EditHistory

from tui.catalog.spec import Model, RouteName
from tui.settings.remembered import Draft

_MOST = 50
"""Former contents that are kept, at most."""


@dataclass(frozen=True)
class Filled:
    """What stood in the form at one moment."""

    model: Model
    route: RouteName
    draft: Draft
    history: EditHistory | None
    """What undo knew of its prompt."""


class FormHistory:
    """Former contents of the form, and those that undo has taken back."""

    def __init__(self) -> None:
        self._past: deque[Filled] = deque(maxlen=_MOST)
        self._future: deque[Filled] = deque(maxlen=_MOST)

    def note(self, before: Filled) -> None:
        """Remembers what stood in the form before it was filled in by something else."""
        self._past.append(before)
        self._future.clear()

    def undo(self, current: Filled) -> Filled | None:
        """Returns what stood in the form before, if anything did."""
        return _exchange(self._past, current, self._future)

    def redo(self, current: Filled) -> Filled | None:
        """Returns what `undo` has taken back last, if it has."""
        return _exchange(self._future, current, self._past)


def _exchange(
    source: deque[Filled], current: Filled, other: deque[Filled]
) -> Filled | None:
    if not source:
        return None
    other.append(current)
    return source.pop()
