"""Questions to the terminal about itself, while the app reads its keys."""

import re
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Lock

from tui.system.terminal_queries import DA1

_LAST_REPLY = re.compile(DA1.answer)
"""The answer with which each question ends."""


class Questions:
    """Asks one at a time, so that each answer belongs to the question before it."""

    def __init__(
        self, write: Callable[[str], None], seconds: float = 2.0, latest: float = 5.0
    ) -> None:
        """A question waits so many seconds; after `latest`, no answer comes any more."""
        self._write = write
        self._seconds = seconds
        self._latest = latest
        self._lock = Lock()
        self._replies: SimpleQueue[str] = SimpleQueue()
        self._owed_until = 0.0

    def take(self, reply: str) -> None:
        """Take what the terminal has answered."""
        self._replies.put(reply)

    def ask(self, query: str) -> bytes:
        """Return the answers to a query up to that to DA1, or those that come in time.

        It waits first for what the terminal still owes to the question before: that
        would be taken for its answer. Terminals may go away with what they owe, so this
        is no longer than `latest` since then.
        """
        with self._lock:
            self._received(self._owed_until)
            self._replies = SimpleQueue()
            start = time.monotonic()
            self._write(query)
            found = self._received(start + self._seconds)
            self._owed_until = 0.0 if _is_whole(found) else start + self._latest
        return "".join(found).encode()

    def _received(self, end: float) -> list[str]:
        """Return the replies up to that to DA1, or until a time."""
        found: list[str] = []
        while not _is_whole(found):
            left = end - time.monotonic()
            try:
                found.append(self._replies.get(timeout=max(0.0, left)))
            except Empty:
                break
        return found


def _is_whole(replies: list[str]) -> bool:
    return bool(replies) and _LAST_REPLY.fullmatch(replies[-1]) is not None
