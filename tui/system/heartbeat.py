"""An event loop that wakes on a timer, for places where nothing else can wake it.

A thread, and a signal's handler, wake asyncio's loop by a byte that they send through a
pair of sockets. Sandboxes that deny `sendto` (Codex's does, by default) refuse that
byte, and asyncio drops the error: a loop that waits for a thread would wait for ever,
and no SIGTERM would end it. A loop with a timer checks its work at each beat.
"""

import asyncio
import os
import socket
from collections.abc import Coroutine
from typing import Any, TypeVar

from tui.system.threads import AbandonedPool

T = TypeVar("T")

BEAT = 0.5
"""Seconds between two beats."""
QUICK_BEAT = 0.02
"""The same where nothing else wakes the loop: the longest delay of a thread's result."""
_MOST_THREADS = min(32, (os.cpu_count() or 1) + 4)  # as many as asyncio has


def run(main: Coroutine[Any, Any, T]) -> T:
    """Do as `asyncio.run`, on a loop that wakes on a timer until it is closed."""
    with asyncio.Runner() as runner:
        start(runner.get_loop())
        return runner.run(main)


def start(loop: asyncio.AbstractEventLoop) -> None:
    """Wake the loop from time to time, until it is closed.

    The end of the loop doesn't wait for threads whose result nobody awaits.
    """
    loop.set_default_executor(AbandonedPool(_MOST_THREADS, "asyncio"))
    pause = BEAT if _can_be_woken() else QUICK_BEAT

    # Not a task: those are cancelled first when a loop ends, which then still waits for
    # its threads.
    def beat() -> None:
        loop.call_later(pause, beat)

    beat()


def _can_be_woken() -> bool:
    """Return whether this process can send itself a byte through a socket pair."""
    try:
        sender, receiver = socket.socketpair()
    except OSError:
        return False
    with sender, receiver:
        try:
            sender.send(b"\0")
        except OSError:
            return False
    return True
