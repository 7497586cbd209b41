"""The app as a user starts it: `runapi-tui --demo` on a pseudo-terminal of its own, in
a session of its own.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

_SECONDS = 30.0
"""After which a test gives up; nothing takes that long."""

_SET_SIZE = termios.TIOCSWINSZ
_ROOT = Path(__file__).parent.parent


def start(delay: float) -> None:
    """What the process on the terminal does: the command, on a service that makes small
    pictures in `delay` seconds.
    """
    from tui import session
    from tui.cli import main as program
    from tui.demo import pictures

    prepare = session.prepare
    session.prepare = lambda **options: replace(
        prepare(**options, poll_seconds=0.1), demo_delay=delay
    )
    pictures.picture_size = lambda *_: (256, 256)
    sys.argv[0] = "runapi-tui"
    program.main()


class PtyApp:
    """A running app and the other side of its terminal."""

    def __init__(
        self,
        *options: str,
        size: tuple[int, int] = (100, 40),
        delay: float = 0.0,
        errors: Path | None = None,
        command: Sequence[str] = (),
    ) -> None:
        """With `errors`, stderr is that file; with `command`, that runs instead."""
        self.output = bytearray()
        """All that was read from the terminal so far."""
        self.ended: int | None = None
        """The exit code, once it has ended."""
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            self.resize(size, (10, 20), 0)
            # Not what the process itself has: pytest and readline put LINES and COLUMNS
            # into that.
            env = {
                name: value
                for name, value in os.environ.items()
                if name not in ("LINES", "COLUMNS")
            }
            if errors:
                os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT), 2)
            env |= {"TERM": "xterm-256color", "PYTHONPATH": str(_ROOT)}
            code = f"from tests.pty_app import start; start({delay})"
            app = [sys.executable, "-c", code, "--demo", *options]
            program = [*command] or app
            os.execvpe(program[0], program, env)

    def resize(
        self, size: tuple[int, int], cell: tuple[int, int], terminal: int | None = None
    ) -> None:
        """Tell the kernel how many cells there are, and their pixels."""
        pixels = (size[0] * cell[0], size[1] * cell[1])
        told = struct.pack("4H", size[1], size[0], *pixels)
        fcntl.ioctl(self.terminal if terminal is None else terminal, _SET_SIZE, told)

    def type(self, keys: bytes) -> None:
        """As a terminal sends it."""
        os.write(self.terminal, keys)

    def read(self, seconds: float = 0.0) -> bytes:
        """What the app has written, empty after so many seconds without a byte."""
        if not select.select([self.terminal], [], [], seconds)[0]:
            return b""
        try:
            data = os.read(self.terminal, 1 << 16)
        except OSError:  # nobody has the terminal open any more
            data = b""
        self.output += data
        return data

    def until(
        self, condition: Callable[[], object], what: str, *, read: bool = True
    ) -> None:
        """Wait until the condition holds; with `read`, what the app writes meanwhile is
        read.
        """
        end = time.monotonic() + _SECONDS
        while not condition():
            assert time.monotonic() < end, (
                f"not in time: {what}; last words: {bytes(self.output[-500:])!r}"
            )
            if read and self.terminal >= 0:
                self.read(0.05)
            else:
                time.sleep(0.02)

    def until_seen(self, text: str, start: int = 0) -> None:
        """Read until that text was written, counted from a former length of `output`."""
        wanted = text.encode()
        self.until(
            lambda: wanted in _words(self.output[start:]), f"{text!r} on the screen"
        )

    def until_ended(self, *, read: bool = True) -> int:
        """The exit code, -N for a signal."""
        self.until(self._look, "the end of the process", read=read)
        assert self.ended is not None
        return self.ended

    def until_stopped(self) -> None:
        """Until a signal has stopped the process."""
        found: list[int] = []

        def stopped() -> bool:
            pid, status = os.waitpid(self.process, os.WNOHANG | os.WUNTRACED)
            found.extend([status] if pid and os.WIFSTOPPED(status) else [])
            return bool(found)

        self.until(stopped, "that the process is stopped")

    @property
    def has_ended(self) -> bool:
        return self._look()

    def _look(self) -> bool:
        if self.ended is None:
            pid, status = os.waitpid(self.process, os.WNOHANG)
            if pid:
                self.ended = os.waitstatus_to_exitcode(status)
        return self.ended is not None

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process, number)

    @property
    def raw(self) -> bool:
        """Whether keys come one by one and aren't echoed."""
        local: int = termios.tcgetattr(self.terminal)[3]
        return not local & (termios.ICANON | termios.ECHO)

    def hang_up(self) -> None:
        """The terminal goes away."""
        os.close(self.terminal)
        self.terminal = -1

    def close(self) -> None:
        if not self._look():
            os.kill(self.process, signal.SIGKILL)
            self.ended = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        if self.terminal >= 0:
            self.hang_up()


@contextmanager
def pty_app(
    *options: str,
    size: tuple[int, int] = (100, 40),
    delay: float = 0.0,
    errors: Path | None = None,
) -> Iterator[PtyApp]:
    """An app that has opened its queue."""
    app = PtyApp(*options, size=size, delay=delay, errors=errors)
    try:
        app.until_seen("balance")  # the last thing to appear
        yield app
    finally:
        app.close()


def _words(output: bytes | bytearray) -> bytes:
    """What was written, without what moves the cursor and colours it."""
    return re.sub(rb"\x1b(?:_[^\x1b]*\x1b\\|\[[0-?]*[ -/]*[@-~])", b"", bytes(output))


def pictures(home: Path) -> list[Path]:
    """The images that were saved."""
    return sorted((home / "Pictures").rglob("*.png"))
