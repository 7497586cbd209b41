"""What this installation found: the first thing to look at when something is odd."""

import platform
import sqlite3
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tui import __version__
from tui.session import Session
from tui.tasks.store import Store, StoreError
from tui.terminal import probe
from tui.text import mask

_LIBRARIES = ("textual", "textual-image", "httpx", "pillow")


def findings(session: Session) -> dict[str, Any]:
    """Facts by name, ready to be shown; the key masked."""
    credential = session.credential
    terminal = probe(session.config.images)
    return {
        "version": __version__,
        "key": f"{mask(credential.api_key)} from {credential.key_from}" if credential.api_key else "none found",
        "base_url": f"{credential.base_url} from {credential.url_from}",
        "route": _route(session),
        "config": str(session.folders.config_file),
        "queue": str(session.folders.queue),
        "images": str(session.folders.output),
        "cache": str(session.folders.cache),
        "terminal": terminal.name or "unknown",
        "drawn_as": f"{terminal.images}: {terminal.why}",
        "python": f"{platform.python_version()} ({Path(sys.executable)})",
        "libraries": ", ".join(
            [*(f"{name} {_version(name)}" for name in _LIBRARIES), f"sqlite {sqlite3.sqlite_version}"]
        ),
        "notes": [*credential.notes, *session.problems],
    }


def _route(session: Session) -> str:
    if session.config.api != "auto":
        return f"{session.config.api}, as set"
    if not session.folders.queue.exists():
        return "not known yet"
    try:
        store = Store(session.folders.queue)
        learnt = store.learnt(session.credential.base_url).get("route")
        store.close()
    except StoreError as error:
        return str(error)
    return f"{learnt}, as learnt" if learnt else "not known yet"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"
