"""A key that is held down pays once."""

from collections.abc import Callable

from textual import events

from tui.catalog.spec import Model, Values

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

    def note_event(self, event: events.Event) -> None:
        """Remembers when a key or a button was pressed."""
        if isinstance(event, events.Key | events.MouseDown):
            self._pressed_at = event.time

    def is_repeated(
        self, event: events.Key, ids_of: Callable[[str], set[str | None]]
    ) -> bool:
        """Whether a key that works once per press is being held down.

        `ids_of` returns the ids of the bindings that a key has now.
        """
        quick = event.time - self._key_at < SAME_AGAIN
        same = event.key == self._key
        self._key, self._key_at = event.key, event.time
        return same and quick and not ONCE_A_PRESS.isdisjoint(ids_of(event.key))

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
