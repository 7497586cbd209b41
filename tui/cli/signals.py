"""Signals of a headless command: the first lets it end in order, a later one kills it."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tui.cli.exit_codes import INTERRUPTED
from tui.session import Session
from tui.text import inert

SETTLING = 15.0
"""Seconds that an interrupted command may take to set unsent tasks aside, whatever
signals come: longer than it waits for a locked queue file.
"""


def handle_signals(handler: Callable[..., Any], *names: signal.Signals) -> None:
    """Install a handler; a signal that nohup or a shell's `&` ignores stays ignored."""
    for name in names:
        if signal.getsignal(name) is not signal.SIG_IGN:
            signal.signal(name, handler)


class Signals:
    """Cancels the command at the first signal and ends the process at a later one.

    A later signal has no effect until unsent tasks are set aside, within `SETTLING`:
    people often press ctrl+c three times.
    """

    def __init__(self, session: Session) -> None:
        self._unsettled = (
            "Killed before unsent tasks could be set aside. An open app or"
            f" `{session.command('resume')}` sends them;"
            f" `{session.command('drop --all')}` takes them back.\n"
        )
        self.settled = False
        """Whether nothing is left to set aside."""
        self._first_at: float | None = None

    def listen(self) -> None:
        """From now on, let signals cancel the current asyncio task."""
        self._task = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        handle_signals(self._handle, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def _handle(self, number: int, _frame: object) -> None:
        now = time.monotonic()
        if self._first_at is None:
            self._first_at = now
            assert self._task
            self._loop.call_soon_threadsafe(self._task.cancel)
        elif number == signal.SIGHUP:
            return
        elif self.settled:
            os._exit(INTERRUPTED)
        elif now - self._first_at > SETTLING:
            with suppress(OSError):
                os.write(2, inert(self._unsettled).encode())
            os._exit(INTERRUPTED)
