"""What is written to a terminal that reads late, or never."""

import os
import pty
import select
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue

import pytest

from tui.terminal import writer
from tui.terminal.writer import Writer

FRAME = "\x1b[1;1H" + "f" * 8000 + "\x1b[3;3H"
PICTURE = "\x1b_Ga=T;" + "p" * 8000 + "\x1b\\"
FREE = "\x1b_Ga=d\x1b\\"


class Terminal:
    """Both sides of a pseudo-terminal, a writer on it, and what the writer tells."""

    def __init__(self) -> None:
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        self.slave = os.fdopen(slave, "w")
        self.gone = SimpleQueue[str]()
        self.caught_up = SimpleQueue[bool]()
        self.writer = Writer(
            self.slave, lambda: self.gone.put("gone"), self.caught_up.put
        )

    def read_until(self, end: bytes) -> bytes:
        found = b""
        limit = time.monotonic() + 10
        while not found.endswith(end):
            assert time.monotonic() < limit, found[-200:]
            if select.select([self.master], [], [], 0.1)[0]:
                found += os.read(self.master, 1 << 16)
        return found


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    with on_a_terminal() as found:
        yield found


@contextmanager
def on_a_terminal() -> Iterator[Terminal]:
    found = Terminal()
    yield found
    found.writer.discard()
    for close in (found.slave.close, lambda: os.close(found.master)):
        with suppress(OSError):
            close()


@pytest.mark.parametrize("own", [True, False])
def test_frames_that_nobody_read_are_dropped_whole_and_a_repaint_is_asked_for(
    own: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not own:  # as for a user whose terminal belongs to another
        monkeypatch.setattr(writer, "open_again", lambda *_: None)
    with on_a_terminal() as terminal:
        for _ in range(200):
            terminal.writer.write(FRAME)
        terminal.writer.write(PICTURE)
        terminal.writer.write(FREE)
        came = terminal.read_until(FREE.encode()).decode()
        assert terminal.caught_up.get(timeout=10) is False  # the picture wasn't dropped
        frames = came.removesuffix(PICTURE + FREE)
        assert len(frames) < len(came)
        assert frames == FRAME * (len(frames) // len(FRAME))
        terminal.writer.write(FRAME)
        assert terminal.read_until(b"\x1b[3;3H").decode() == FRAME


def test_pictures_are_bounded_too(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_MOST_BYTES", 100_000)
    for _ in range(200):
        terminal.writer.write(PICTURE)
    terminal.writer.write(FREE)
    came = terminal.read_until(FREE.encode()).decode().removesuffix(FREE)
    assert came == PICTURE * (len(came) // len(PICTURE))
    assert terminal.caught_up.get(timeout=10) is True


def test_the_last_words_reach_a_terminal_that_has_not_read(terminal: Terminal) -> None:
    for _ in range(20):
        terminal.writer.write(FRAME)
    terminal.writer.close("\x1b[?1049l", 0.2)
    assert terminal.read_until(b"\x1b[?1049l")


def test_a_terminal_that_is_gone_is_told_once(terminal: Terminal) -> None:
    for _ in range(20):
        terminal.writer.write(FRAME)
    os.close(terminal.master)
    assert terminal.gone.get(timeout=10) == "gone"
    terminal.writer.write(FRAME)
    terminal.writer.close("\x1b[?1049l", 10)
    assert terminal.gone.empty()
