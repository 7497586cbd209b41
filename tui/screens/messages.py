"""Shows messages one after the other at the foot of the page, and keeps them."""

import time
from collections import deque
from typing import Any

from textual.app import App
from textual.screen import Screen
from textual.timer import Timer

from tui.screens.confirm import ConfirmScreen
from tui.widgets.message_line import MessageLine, Notice
from tui.widgets.status import StatusLine

KEPT = 200
"""Messages that can be read again."""
_LEAST_TIME = 5.0
_MOST_TIME = 30.0
_CHARACTERS_A_SECOND = 14
"""How quickly a message is read, with some patience."""
_MOST_WAITING = 5
"""Messages that wait for their turn; older ones can be read in the list."""


class Messages:
    """The messages of one app. A problem is not replaced by what is no problem."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self.kept: deque[Notice] = deque(maxlen=KEPT)
        """The latest is last."""
        self._shown: Notice | None = None
        self._line: MessageLine | None = None
        self._timer: Timer | None = None
        self._waiting: deque[tuple[Notice, float]] = deque(maxlen=_MOST_WAITING)

    def show(self, notice: Notice, seconds: float | None = None) -> None:
        """Shows a message for `seconds`, or as long as it takes to read it."""
        notice = notice._replace(at=time.time())
        self.kept.append(notice)
        time_to_read = len(notice.text) / _CHARACTERS_A_SECOND
        shown_for = min(_MOST_TIME, max(_LEAST_TIME, time_to_read, seconds or 0))
        is_problem = self._shown and self._shown.severity != "information"
        if is_problem and notice.severity == "information":
            self._waiting.append((notice, shown_for))
        else:
            self._show(notice, shown_for)

    def page_changed(self) -> None:
        """Shows the message of this moment on the page that is in front now."""
        if self._shown:
            self._place(self._shown)

    def dismiss(self) -> bool:
        """Ends the message; returns whether there was one."""
        if self._shown is None:
            return False
        self._next()
        return True

    def _show(self, notice: Notice, seconds: float) -> None:
        self._shown = notice
        if self._timer:
            self._timer.stop()
        self._timer = self._app.set_timer(seconds, self._next)
        self._place(notice)

    def _next(self) -> None:
        self._shown = None
        if self._timer:
            self._timer.stop()
        self._remove_line()
        if self._waiting:
            self._show(*self._waiting.popleft())

    def _place(self, notice: Notice) -> None:
        self._remove_line()
        page = self._page()
        if page is not None and page.is_running:
            rows = 2 if page.query(StatusLine) else 1
            self._line = MessageLine(notice, rows)
            page.mount(self._line)

    def _remove_line(self) -> None:
        if self._line:
            self._line.remove()
            self._line = None

    def _page(self) -> "Screen[Any] | None":
        """Returns the page in front; a question is never covered."""
        pages = [
            page
            for page in self._app.screen_stack
            if not isinstance(page, ConfirmScreen)
        ]
        return pages[-1] if pages else None
