"""Recognises keys that are held down, so that one press pays once."""

from collections.abc import Callable

from textual import events

from tui.catalog.spec import Model, Values

SAME_AGAIN = 0.6
"""Seconds within which the same request counts as a key that is held down."""
ONCE_A_PRESS = frozenset({"retry", "grid-retry", "stop"})
"""Ids of keys that act once, however long they are held down.

The next time each means something else, some of which is paid: retry, send and stop.
"""
JOB: tuple[None, Values] = (None, {})
"""Stands for the requests of a job."""


class KeyRepeat:
    """Decides whether a key, or a request to pay, repeats the one before.

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
        """Returns whether a key that works once per press is being held down.

        `ids_of` returns the ids of the bindings that a key has now.
        """
        is_quick = event.time - self._key_at < SAME_AGAIN
        is_same = event.key == self._key
        self._key = event.key
        self._key_at = event.time
        if not is_same or not is_quick:
            return False
        return bool(ONCE_A_PRESS & ids_of(event.key))

    def note_job(self) -> None:
        """Remembers that a job was sent from its own page."""
        self._request = JOB
        self._request_at = self._pressed_at

    def is_repeated_request(self, model: Model, values: Values) -> bool:
        """Returns whether the key press that sent the last request sends this one, too.

        After a job any request counts: the same key closed the job's page.
        """
        is_after_job = self._request == JOB
        is_same = is_after_job or self._request == (model, values)
        is_quick = self._pressed_at - self._request_at < SAME_AGAIN
        is_repeated = is_same and is_quick
        if not (is_repeated and is_after_job):
            self._request = (model, values)
        self._request_at = self._pressed_at
        return is_repeated
