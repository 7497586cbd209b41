"""Runs the user's own command that tells of the end of a job."""

import contextlib
import os
import shlex
import signal
import subprocess

from tui.system.environment import child_environment
from tui.text import one_line

SECONDS = 10.0
"""How long a command may take; then it is killed."""


class CommandProblem(Exception):
    """Why a command can't be run, as a sentence for the user."""


class NotifyCommand:
    """Runs commands in sessions of their own, and kills those that stay."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()

    def run(self, command: str, sentence: str) -> None:
        """Runs a command, which gets the sentence as its last word; no shell reads it.

        Blocks until it ends, `SECONDS` at most. Raises CommandProblem.
        """
        none = subprocess.DEVNULL
        try:
            words = shlex.split(command)
            if not words:
                raise ValueError("it is blank")  # the sentence itself is no program
            process = subprocess.Popen(
                [*words, sentence],
                stdin=none,
                stdout=none,
                stderr=none,
                start_new_session=True,
                env=child_environment(),
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or one_line(error)
            raise CommandProblem(
                f"notify_command can't be run: {one_line(command, 80)}: {reason}."
            ) from error
        self._running.add(process)
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            _kill(process)
        finally:
            self._running.discard(process)

    def close(self) -> None:
        """Kills the commands that still run."""
        for process in list(self._running):
            _kill(process)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Kills a command with all that it has started in its session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
