"""An app that nobody touches writes nothing: batteries, SSH links and screen recordings are grateful."""

import os
import pty
import select
import signal
import sys

SETTLED = 1.0  # seconds of silence after which start-up is over


def silent(terminal: int, seconds: float) -> bool:
    """Whether nothing is written for so long; reads what is."""
    if not select.select([terminal], [], [], seconds)[0]:
        return True
    os.read(terminal, 1 << 16)
    return False


def test_an_idle_app_writes_zero_bytes() -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-m", "tui", "--demo", "--images", "half"])
    try:
        assert not silent(terminal, 20)  # it has started
        while not silent(terminal, SETTLED):
            pass
        assert silent(terminal, 2.0)
    finally:
        os.kill(child, signal.SIGTERM)
        os.close(terminal)
        os.waitpid(child, 0)
