"""What is written to the terminal, by a thread of its own: nobody else ever waits for
the terminal.
"""

import os
import select
import termios
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, TextIO

_MOST_FRAMES = 30
"""Frames that may wait. When there are more, the terminal is behind, and one repaint
says the same in less.
"""
_MOST_BYTES = 16_000_000
"""Bytes that may wait, those of pictures among them; one write more may be above that.
"""
_PICTURE = 1024
"""Bytes from which on a write that is no frame is taken for a picture."""
_PIECE = 16_384
_SMALL_PIECE = 512
"""Bytes written at once where a write may block: few, so that it rarely does."""
_LOOK = 0.1
"""Seconds after which a thread that waits for the terminal looks whether it is still
wanted.
"""
_UNCUT = b"\x18\x1b\\\x1b[?2026l"
"""Ends a sequence that was cut off, and the holding back of a frame (CAN, ST, end of
synchronized output).
"""


class _Write(NamedTuple):
    data: bytes
    frame: bool


class Writer:
    """Writes to a terminal in order, each text whole, and never makes the caller wait.

    Where the terminal doesn't read, frames that are out of date are dropped as a whole,
    and `on_caught_up` is called once it has read the rest: with True if pictures were
    dropped, too. `on_gone` is called when there is no terminal any more. Both are
    called in the thread.
    """

    def __init__(
        self,
        file: TextIO,
        on_gone: Callable[[], None],
        on_caught_up: Callable[[bool], None],
    ) -> None:
        self._on_gone = on_gone
        self._on_caught_up = on_caught_up
        own = open_again(file.fileno(), os.O_WRONLY)
        self._descriptor = file.fileno() if own is None else own
        self._own = own is not None
        self._waiting = deque[_Write]()
        self._frames = 0
        self._bytes = 0
        self._missed = False
        self._missed_pictures = False
        self._closing = False
        self._given_up = False
        self._last = b""
        self._news = threading.Condition()
        self._thread = threading.Thread(
            target=self._run, name="terminal-output", daemon=True
        )
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many writes the terminal has not begun to read."""
        return len(self._waiting)

    def write(self, text: str) -> None:
        """Have it written; after the end, nothing happens."""
        # Textual ends each frame by putting the cursor in its place.
        write = _Write(_encoded(text), text.endswith("H"))
        with self._news:
            if self._closing:
                return
            if self._bytes >= _MOST_BYTES:
                self._drop(lambda waiting: True)
            elif self._frames >= _MOST_FRAMES:
                self._drop(lambda waiting: waiting.frame)
            if write.frame and self._missed:
                return
            self._waiting.append(write)
            self._frames += write.frame
            self._bytes += len(write.data)
            self._news.notify()

    def _drop(self, unwanted: Callable[[_Write], bool]) -> None:
        """Forget writes that wait."""
        kept = [write for write in self._waiting if not unwanted(write)]
        self._missed_pictures |= any(
            unwanted(write) and not write.frame and len(write.data) >= _PICTURE
            for write in self._waiting
        )
        self._missed = True
        self._waiting = deque(kept)
        self._frames = sum(1 for write in kept if write.frame)
        self._bytes = sum(len(write.data) for write in kept)

    def close(self, last: str, seconds: float) -> None:
        """Wait until all is written, so many seconds at most.

        A terminal that hasn't read by half of that time loses what waits, and gets
        `last` alone.
        """
        with self._news:
            self._closing = True
            self._last = _encoded(last)
            self._news.notify()
        self._thread.join(seconds / 2)
        if self._thread.is_alive():
            self._given_up = True
            self._thread.join(seconds / 2)

    def discard(self) -> None:
        """The terminal is gone: forget all that waits, and end."""
        with self._news:
            self._closing = True
            self._given_up = True
            self._last = b""
            self._waiting.clear()
            self._news.notify()

    def _run(self) -> None:
        try:
            while (data := self._next()) is not None and self._put(data):
                pass
            if self._given_up and self._last and self._own:
                with suppress(termios.error):
                    termios.tcflush(self._descriptor, termios.TCOFLUSH)
                self._put(_UNCUT + self._last, ends=time.monotonic() + 1)
        except OSError:
            with self._news:
                self._closing = True
                self._waiting.clear()
            self._on_gone()
        finally:
            if self._own:
                os.close(self._descriptor)

    def _next(self) -> bytes | None:
        """What is to be written next, None at the end."""
        with self._news:
            while not self._waiting:
                if self._closing:
                    return None
                if self._missed:
                    self._on_caught_up(self._missed_pictures)
                    self._missed = self._missed_pictures = False
                self._news.wait()
            write = self._waiting.popleft()
            self._frames -= write.frame
            self._bytes -= len(write.data)
            return write.data

    def _put(self, data: bytes, ends: float | None = None) -> bool:
        """Whether all of it was written before it was given up. Raises OSError where
        the terminal is gone.
        """
        rest = memoryview(data)
        while rest:
            if self._given_up if ends is None else time.monotonic() > ends:
                return False
            if (
                not self._own
                and not select.select([], [self._descriptor], [], _LOOK)[1]
            ):
                continue
            try:
                written = os.write(
                    self._descriptor, rest[: _PIECE if self._own else _SMALL_PIECE]
                )
            except BlockingIOError:
                # A terminal with room for one byte may be ready and yet refuse a line
                # feed, which takes two.
                time.sleep(0.001)
                select.select([], [self._descriptor], [], _LOOK)
            else:
                rest = rest[written:]
        return True


def _encoded(text: str) -> bytes:
    """As UTF-8, whatever the locale: terminals know no other encoding by now."""
    return text.encode(errors="replace")


def open_again(descriptor: int, flags: int) -> int | None:
    """The same terminal opened once more, so that reading or writing can't block; None
    where that can't be.

    The standard streams themselves stay as they are: the shell and other programs share
    them.
    """
    try:
        return os.open(
            os.ttyname(descriptor), flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        )
    except OSError:
        return None
