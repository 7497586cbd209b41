"""What a headless command shows on stderr while tasks are under way."""

import sys
import time
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tui.session import Session
from tui.system import streams
from tui.system.streams import print_message
from tui.text import clock, one_line

if TYPE_CHECKING:
    from tui.tasks.engine_state import EngineState
    from tui.tasks.task import Task

_REDRAW_SECONDS = 0.1
_WIDTH = 79
_SHORT_WAIT = 5.0
"""Seconds that the service may ask to wait without a message."""


class ProgressLine:
    """Keeps one line on stderr up to date; silent where stderr is no terminal."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._tasks: Mapping[str, Task] = {}
        self._count = 0
        self._drawn_at = 0.0

    def follow(self, tasks: Mapping[str, "Task"], count: int) -> None:
        """Show `tasks`, which changes as they are loaded, of `count` in all."""
        self._tasks = tasks
        self._count = count

    def update(self, _task: "Task") -> None:
        """Redraw the line, unless that was done just now."""
        now = time.monotonic()
        if not self._is_terminal or not self._count:
            return
        if now - self._drawn_at > _REDRAW_SECONDS:
            self._drawn_at = now
            streams.redraw_line(self._line())

    def clear(self) -> None:
        """Remove the line, so that other output can be printed."""
        if self._is_terminal:
            streams.redraw_line("")

    def _line(self) -> str:
        tasks = self._tasks.values()
        counts = Counter(str(task.status) for task in tasks)
        parts = " · ".join(
            [
                f"{self._count:,} in all",
                *(f"{count} {status}" for status, count in counts.items()),
                *(task.note for task in tasks if task.note and task.live),
            ]
        )
        return one_line(parts, _WIDTH)


class PauseMessages:
    """Says on stderr why nothing is sent: the queue is paused, or the service is busy."""

    def __init__(self, session: Session) -> None:
        self._resume = session.command("resume")
        self._paused = False
        self._announced_until = 0.0

    def update(self, state: "EngineState") -> None:
        """Print a message for each change that matters."""
        earliest = max(self._announced_until, time.time() + _SHORT_WAIT)
        if state.rest_until > earliest:
            print_message(
                "The service asked to wait. Sending continues at"
                f" {clock(state.rest_until)}."
            )
            self._announced_until = state.rest_until + 1
        if state.paused and not self._paused:
            print_message(
                "The queue is paused. Nothing more is sent until"
                f" `{self._resume}`, or p in the app."
            )
        elif self._paused and not state.paused:
            print_message("The queue is no longer paused.")
        self._paused = state.paused
