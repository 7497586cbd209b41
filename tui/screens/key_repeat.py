"""A key that is held down pays once."""

from typing import Any

from textual import events
from textual.app import App

from tui.catalog.spec import Model, Values
from tui.terminal.textual_private import bindings_in_reach

SAME_AGAIN = 0.6
"""Seconds within which the same request is taken for a key that was held down, not for
a second request.
"""
ONCE_A_PRESS = frozenset({"retry", "grid-retry", "stop"})
"""Ids of keys that do nothing more while they are held down.

Each means another thing the next time, some of which are paid: retry, send and stop.
"""
JOB: tuple[None, Values] = (None, {})
"""The request of a whole job, as it is remembered."""


class KeyRepeat:
    """Judges whether a key, or a request to pay, repeats the one before.

    Times are those of the events, however late they are handled.
    """

    def __init__(self) -> None:
        self._key = ""
        self._key_at = 0.0
        self._pressed_at = 0.0
        self._request: tuple[Model | None, Values] = JOB
        self._request_at = -SAME_AGAIN

    def is_held_down(self, event: events.Event, app: App[Any]) -> bool:
        """Whether the event is a key that works once per press, and is held down."""
        if isinstance(event, events.Key):
            if not event.is_forwarded and self._repeats(event, app):
                return True
            self._pressed_at = event.time
        elif isinstance(event, events.MouseDown):
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
        self._request_at = self._pressed_at

    def is_repeated_request(self, model: Model, values: Values) -> bool:
        """Whether a request comes from the key press, held down, that sent the last one.

        After a job any request counts: the same key left the job's page.
        """
        after_job = self._request == JOB
        same = after_job or self._request == (model, values)
        repeated = same and self._pressed_at - self._request_at < SAME_AGAIN
        if not (repeated and after_job):
            self._request = (model, values)
        self._request_at = self._pressed_at
        return repeated


def _works_once(key: str, app: App[Any]) -> bool:
    """Whether a key has a binding on the page that works once per press."""
    for bindings in bindings_in_reach(app.screen):
        for binding in bindings.key_to_bindings.get(key, ()):
            if binding.id in ONCE_A_PRESS:
                return True
    return False
