"""Says which rule of a sandbox made a command fail, and the way out."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from tui.cli.exit_codes import EXIT_CODES, OTHER_ERROR
from tui.system import sandbox, writable

_NETWORK = EXIT_CODES["network"]
_DENIED = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR)
"""SQLite's codes for a queue file where nothing can be written."""


def sandbox_rule(code: int, error: BaseException | None = None) -> str:
    """Return a sentence for a command that ended with this code, or this error.

    Empty where no sandbox is to blame.
    """
    own = _own_folders()
    for cause in _causes(error):
        if isinstance(cause, OSError) and isinstance(cause.filename, str | bytes):
            place = _place(Path(os.fsdecode(cause.filename)), own)
            rule = sandbox.why_not_written(place, cause)
            if rule:
                return rule
        elif _is_denied(cause):
            return _unwritten(own)
    if code == _NETWORK:
        return sandbox.why_not_connected() or _unwritten(own)
    return _unwritten(own) if code == OTHER_ERROR else ""


def _is_denied(error: BaseException) -> bool:
    """Return whether SQLite could not write."""
    code = getattr(error, "sqlite_errorcode", 0)
    return isinstance(error, sqlite3.Error) and code & 0xFF in _DENIED


def _own_folders() -> list[Path]:
    """Return this program's folders, those that it can't do without first."""
    from tui.paths import PlaceError, folders

    try:
        own = folders(os.environ.get("RUNAPI_TUI_OUTPUT", ""))
    except PlaceError:
        return []
    return [own.state, own.output, own.cache]


def _unwritten(own: list[Path]) -> str:
    """Return the rule that keeps the command from a folder of this program."""
    for folder in own:
        refusal = writable.refusal(folder)
        rule = sandbox.why_not_written(folder, refusal) if refusal else ""
        if rule:
            return rule
    return ""


def _place(failed: Path, own: list[Path]) -> Path:
    """Return the narrowest folder to allow where this path could not be written."""
    for folder in own:
        if failed in (folder, *folder.parents) or folder in failed.parents:
            return folder
    return failed.parent if failed.suffix == ".part" else failed


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
