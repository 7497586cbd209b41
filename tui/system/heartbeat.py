"""An event loop that wakes by itself, for places where nothing else can wake it.

A thread, and a signal's handler, wake asyncio's loop by a byte that they send through a
pair of sockets. Sandboxes that deny `sendto` (Codex's does, by default) refuse that
byte, and asyncio drops the error: a loop that waits for a thread would wait for ever,
and no SIGTERM would end it. A loop with a timer looks at its work at each beat.
"""

import asyncio
import socket
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

BEAT = 0.5
"""Seconds between two beats."""
QUICK_BEAT = 0.02
"""The same where nothing else wakes the loop: each result of a thread, and each key,
waits for so long at most.
"""


def run(main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, on a loop that wakes by itself, from the first moment until it
    is closed.
    """
    with asyncio.Runner() as runner:
        start(runner.get_loop())
        return runner.run(main)


def start(loop: asyncio.AbstractEventLoop) -> None:
    """Wake the loop from time to time, until it is closed."""
    pause = BEAT if _can_be_woken() else QUICK_BEAT

    # Not a task: those are cancelled first when a loop ends, which then still waits for
    # its threads.
    def beat() -> None:
        loop.call_later(pause, beat)

    beat()


def _can_be_woken() -> bool:
    """Whether a byte passes between two sockets of this process."""
    try:
        ours, theirs = socket.socketpair()
    except OSError:
        return False
    with ours, theirs:
        try:
            ours.send(b"\0")
        except OSError:
            return False
    return True
