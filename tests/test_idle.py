"""An app that nobody touches writes nothing: batteries, SSH links and screen recordings
are grateful.
"""

import os
import pty
import select
import signal
import sys


def heard(terminal: int, seconds: float) -> bytes:
    """What is written to the terminal, empty after so long a silence."""
    return (
        os.read(terminal, 1 << 16)
        if select.select([terminal], [], [], seconds)[0]
        else b""
    )


def test_an_idle_app_writes_zero_bytes() -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(
            sys.executable, [sys.executable, "-m", "tui", "--demo", "--images", "half"]
        )
    try:
        written = b""
        while b"balance" not in written:  # the last thing to appear
            written += heard(terminal, 20)
        while heard(terminal, 1.0):
            pass
        assert heard(terminal, 2.0) == b""
    finally:
        os.kill(child, signal.SIGTERM)
        os.close(terminal)
        os.waitpid(child, 0)
