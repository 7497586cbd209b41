"""Shows messages one after the other at the foot of the page, and keeps them."""

import time
import weakref
from collections import deque
from typing import Any

from textual.app import App
from textual.screen import Screen
from textual.timer import Timer

from tui.screens.confirm import ConfirmScreen
from tui.widgets.message_line import MessageLine, Notice

KEPT = 200
"""Messages that can be read again."""
_LEAST_TIME = 5.0
_MOST_TIME = 30.0
_CHARACTERS_A_SECOND = 14
"""How quickly a message is read, with some patience."""


class Messages:
    """The messages of one app. A problem is not replaced by what is no problem."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self.kept: deque[Notice] = deque(maxlen=KEPT)
        """The latest is last."""
        self._shown: Notice | None = None
        self._line: MessageLine | None = None
        self._timer: Timer | None = None
        self._seen_on: weakref.ref[Screen[Any]] | None = None
        """Where the user may have read it; a page that is closed isn't kept by this."""
        self._waiting: tuple[Notice, float] | None = None
        """What isn't a problem, and came while one was shown: the latest alone is true."""

    def show(self, notice: Notice, seconds: float | None = None) -> None:
        """Shows a message for `seconds`, or as long as it takes to read it."""
        notice = notice._replace(at=time.time())
        self.kept.append(notice)
        time_to_read = len(notice.text) / _CHARACTERS_A_SECOND
        shown_for = min(_MOST_TIME, max(_LEAST_TIME, time_to_read, seconds or 0))
        is_problem = self._shown and self._shown.severity != "information"
        if is_problem and notice.severity == "information":
            self._waiting = notice, shown_for
        else:
            self._show(notice, shown_for)

    def page_changed(self) -> None:
        """Shows the message of this moment on the page that is in front now.

        What isn't a problem stays with the page on which it was read.
        """
        if self._shown is None:
            return
        is_problem = self._shown.severity != "information"
        seen_on = self._seen_on and self._seen_on()
        if is_problem or self._seen_on is None or seen_on is self._page():
            self._place(self._shown)
        else:
            self._remove_line()

    def _show(self, notice: Notice, seconds: float) -> None:
        self._shown = notice
        self._seen_on = None
        if self._timer:
            self._timer.stop()
        self._timer = self._app.set_timer(seconds, self.end)
        self._place(notice)

    def end(self) -> None:
        """Ends the message of this moment; shows the one that waits."""
        self._shown = None
        if self._timer:
            self._timer.stop()
        self._remove_line()
        if self._waiting:
            notice, seconds = self._waiting
            self._waiting = None
            self._show(notice, seconds)

    def outdate(self, start: str) -> None:
        """Ends the message of this moment if it begins so: it isn't true any more."""
        if self._shown and self._shown.text.startswith(start):
            self.end()

    def _place(self, notice: Notice) -> None:
        self._remove_line()
        page = self._page()
        if page is not None and page.is_running:
            self._line = MessageLine(notice)
            page.mount(self._line)
            page.call_after_refresh(self._note_seen, notice, page)

    def _note_seen(self, notice: Notice, page: "Screen[Any]") -> None:
        if notice is self._shown and page is self._page():
            self._seen_on = weakref.ref(page)

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
