"""A terminal that goes away, stalls, or is lent to a shell: the work goes on, and the
terminal is given back.
"""

import signal
import sqlite3
import termios
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.pty_app import PtyApp, pictures, pty_app

pytestmark = pytest.mark.slow

WIDE = (160, 45)
LET_GO = (
    b"\x1b[?1049l",
    b"\x1b[?25h",
    b"\x1b[?2004l",
    b"\x1b[?1000l",
    b"\x1b[?1003l",
    b"\x1b[<u",
)
"""The alternate screen is left, the cursor is back, pastes, mouse and keys are told as
before.
"""


def queue_of(home: Path) -> Path:
    return next(home.rglob("queue.db"))


def held(home: Path) -> int:
    """How many tasks somebody still watches."""
    with closing(sqlite3.connect(queue_of(home))) as queue:
        count: int = queue.execute(
            "select count(*) from tasks where owner != ''"
        ).fetchone()[0]
        return count


def until_shown(app: PtyApp, home: Path) -> None:
    """One picture is made, saved and drawn."""
    app.until_seen("Describe")
    app.type(b"fox")
    app.until_seen("3 / 5,000")
    app.type(b"\n")
    app.until(lambda: pictures(home), "a saved picture")
    app.until(lambda: b"a=T,U=1" in app.output, "a picture on the screen")


def test_a_terminal_that_goes_away_ends_the_app(home: Path) -> None:
    with pty_app("--images", "kitty", size=WIDE, delay=1.0) as app:
        until_shown(app, home)
        # One more is on its way, and much is waiting to be written.
        app.type(b"demo:slow")
        app.until_seen("12 / 5,000")
        app.type(b"\n")
        app.until_seen("processing")
        app.hang_up()
        assert app.until_ended() == 0
    assert held(home) == 0


def test_the_terminal_is_given_back_after_stops(home: Path) -> None:
    with pty_app("--images", "kitty", size=WIDE) as app:
        assert app.raw
        until_shown(app, home)
        # Lent to a shell, and back.
        app.signal(signal.SIGTSTP)
        app.until_stopped()
        assert not app.raw
        while app.read():
            pass
        assert all(sequence in app.output for sequence in LET_GO)
        start = len(app.output)
        app.signal(signal.SIGCONT)
        until_painted(app, start)
        assert app.raw
        # Stopped without notice, while a shell has changed the terminal and its size.
        app.signal(signal.SIGSTOP)
        app.until_stopped()
        cook(app.terminal)
        start = len(app.output)
        app.signal(signal.SIGCONT)
        until_painted(app, start)
        assert app.raw
        app.type(b"es")
        app.until_seen("5 / 5,000", start)
        start = len(app.output)
        app.type(b"\x11")
        assert app.until_ended() == 0
        assert not app.raw
        assert all(sequence in app.output[start:] for sequence in LET_GO)


def until_painted(app: PtyApp, start: int) -> None:
    """All of the page is there once more: its upper and lower parts, and the picture."""
    for text in ("Models", "Queue", "balance", "completed"):
        app.until_seen(text, start)
    app.until(lambda: b"a=T,U=1" in app.output[start:], "the picture")


def cook(terminal: int) -> None:
    """What a shell does to a terminal that a stopped program has left."""
    attributes = termios.tcgetattr(terminal)
    attributes[0] |= termios.ICRNL
    attributes[3] |= termios.ICANON | termios.ECHO | termios.ISIG
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)


CTRL_J = b"\x1b[106;5u"
"""As the key that it is, however quickly it comes."""


def until_one_more(app: PtyApp, home: Path, number: int) -> None:
    """A picture is asked for and saved, so many in all; nothing that the app writes is
    read.
    """
    for letter in b"a fox in snow":
        app.type(bytes([letter]))
        time.sleep(0.02)  # a frame for each key, more of them than may wait
    app.type(CTRL_J)
    app.until(lambda: len(pictures(home)) == number, "a saved picture", read=False)


def test_a_terminal_that_nobody_reads_stops_nothing(home: Path) -> None:
    with pty_app("--images", "kitty", size=WIDE) as app:
        for number in range(1, 7):
            until_one_more(app, home, number)
        start = len(app.output)
        app.until_seen("78 / 5,000", start)
        app.until_seen("$49.70", start)
        until_painted(app, start)
        # Once more, and now it is ended from elsewhere.
        for number in range(7, 9):
            until_one_more(app, home, number)
        start = len(app.output)
        app.signal(signal.SIGTERM)
        assert app.until_ended(read=False) == 0
        while app.read():
            pass
        # What nobody has read is dropped, so that the last words can be.
        assert all(sequence in app.output[start:] for sequence in LET_GO)
