"""Collects the garbage of closed pages when nobody is waiting."""

import gc
import sys
from collections.abc import Callable

from textual.timer import Timer

ROUNDS = 4
"""How often memory is collected after a page was closed: work that ends later, such as
closing widgets or threads, still uses some of it.
"""
PAUSE = 1.0
"""Seconds after a page was closed until the first round, so that the next page is
painted first.
"""


def tune() -> None:
    """Tunes the collector and the threads once the first page is painted."""
    gc.freeze()
    # A page's widgets are many objects: fewer, not longer pauses.
    gc.set_threshold(20_000, 20, 50)
    gc.enable()
    # Seconds that a key waits, at most, for the threads that draw.
    sys.setswitchinterval(0.0005)


class MemoryCollector:
    """Collects garbage some time after a page was closed.

    Widgets that were removed are cycles of many objects, and the collector's own
    thresholds are far apart.
    """

    def __init__(self, set_timer: Callable[[float, Callable[[], None]], Timer]) -> None:
        self._set_timer = set_timer
        self._timer: Timer | None = None
        self._rounds = 0

    def schedule(self) -> None:
        """Plans the rounds, from the first one on."""
        self._rounds = ROUNDS
        if self._timer is None:
            self._timer = self._set_timer(PAUSE, self._collect)

    def _collect(self) -> None:
        gc.collect()
        self._timer = None
        self._rounds -= 1
        if self._rounds > 0:
            pause = PAUSE * (ROUNDS - self._rounds)
            self._timer = self._set_timer(pause, self._collect)
