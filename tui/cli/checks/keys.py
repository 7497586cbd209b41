"""Checks the API key: there is one, and nothing hides a better one."""

from collections.abc import Iterator

from tui.session import Session
from tui.settings import credentials
from tui.settings.keyfiles.files import UNREADABLE
from tui.system.finding import Finding, Level
from tui.text import mask, one_line

_CORRECT = "Correct that file, in which a key may be, or set RUNAPI_API_KEY."


def check(session: Session) -> Iterator[Finding]:
    """Yield where the key is from, and why others can't be used."""
    credential = session.credential
    if session.demo:
        yield Finding(Level.OK, "key", "The demo needs no key.")
    elif credential.api_key:
        source = one_line(credential.key_from, 200)
        yield Finding(
            Level.OK, "key", f"The key {mask(credential.api_key)} is from {source}."
        )
    else:
        yield Finding(
            Level.ERROR,
            "key",
            "No API key was found.",
            "Set RUNAPI_API_KEY, or run `runapi-tui login`.",
        )
    _, found = credentials.find_all()
    notes = dict.fromkeys((*credential.notes, *found))
    for note in notes:
        step = _CORRECT if UNREADABLE in note else ""
        yield Finding(Level.WARNING, "key", note, step)
    if session.demo or credential.api_key:
        return
    for problem in credentials.broken_elsewhere():
        if problem not in notes:
            yield Finding(Level.OK, "key", f"{problem} It doesn't mention RunAPI.")
