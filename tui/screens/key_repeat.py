"""Recognises keys that are held down, so that one press pays once."""

from typing import Any

from textual import events
from textual.app import App

from tui.catalog.spec import Model, Values
from tui.terminal.textual_private import bindings_in_reach

SAME_AGAIN = 0.6
"""Seconds within which the same request counts as a key that is held down."""
ONCE_A_PRESS = frozenset(
    {"again", "new-seed", "retry", "retry-failed", "stop", "variations"}
)
"""Ids of keys that act once, however long they are held down.

The next time each means something else, some of which is paid: retry, send and stop.
"""
_MOUSE = "mouse"
JOB: tuple[None, Values] = (None, {})
"""Stands for the requests of a job."""


class KeyRepeat:
    """Decides whether a key, or a request to pay, repeats the one before.

    Times are those of the events, however late they are handled.
    """

    def __init__(self) -> None:
        self._key = ""
        self._key_at = 0.0
        self._pressed = ""
        self._pressed_at = 0.0
        self._request_pressed = ""
        self._request: tuple[tuple[str, str] | None, Values] = JOB
        self._request_at = -SAME_AGAIN
        self._was_repeated = False
        self.is_news = False
        """Whether the last repeated request was the first of its press."""

    def is_held_down(self, event: events.Event, app: App[Any]) -> bool:
        """Whether the event is a key that works once per press, and is held down."""
        if isinstance(event, events.Key):
            if not event.is_forwarded and self._repeats(event, app):
                return True
            self._pressed = event.key
            self._pressed_at = event.time
        elif isinstance(event, events.MouseDown):
            self._pressed = _MOUSE
            self._pressed_at = event.time
        return False

    def _repeats(self, event: events.Key, app: App[Any]) -> bool:
        same = event.key == self._key
        quick = event.time - self._key_at < SAME_AGAIN
        self._key = event.key
        self._key_at = event.time
        return same and quick and _works_once(event.key, app)

    def note_job(self) -> None:
        """Remembers that a job was sent from its own page."""
        self._request = JOB
        self._note_press()

    def note_unsent(self) -> None:
        """Forgets the last request: nothing of it was sent, and it may come again at once.

        An enter that is held down, which asks, refuses and asks again, is still one.
        """
        if self._pressed != self._request_pressed:
            self._request_at = -SAME_AGAIN

    def _note_press(self) -> None:
        self._request_at = self._pressed_at
        self._request_pressed = self._pressed

    def is_repeated_request(self, model: Model, values: Values) -> bool:
        """Returns whether the key press that sent the last request sends this one, too.

        After a job any request counts: the same key closed the job's page.
        """
        is_after_job = self._request == JOB
        is_same = is_after_job or self._request == (model.key, values)
        is_quick = self._pressed_at - self._request_at < SAME_AGAIN
        is_repeated = is_same and is_quick
        self.is_news = is_repeated and not self._was_repeated
        self._was_repeated = is_repeated
        if not (is_repeated and is_after_job):
            self._request = (model.key, values)
        self._note_press()
        return is_repeated


def _works_once(key: str, app: App[Any]) -> bool:
    """Whether a key has a binding on the page that works once per press."""
    for bindings in bindings_in_reach(app.screen):
        for binding in bindings.key_to_bindings.get(key, ()):
            if binding.id in ONCE_A_PRESS:
                return True
    return False
