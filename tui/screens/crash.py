"""Writes a crash down for whoever looks into it."""

import contextlib
import traceback
from pathlib import Path

from tui.system import atomic_file


def save_crash(error: Exception, folder: Path) -> str:
    """Writes the traceback into a folder; returns a sentence for the user."""
    log = folder / "crash.log"
    with contextlib.suppress(OSError):
        text = "".join(traceback.format_exception(error))
        atomic_file.save_small(log, text.encode(errors="replace"), 0o600)
    return (
        "runapi-tui crashed (a bug). Your tasks are safe: start it again."
        f" Details: {log}"
    )
