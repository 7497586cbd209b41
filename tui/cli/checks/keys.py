"""Checks the API key: there is one, and nothing hides a better one."""

from collections.abc import Iterator

from tui.session import Session
from tui.settings import credentials
from tui.system.finding import Finding, Level
from tui.text import mask, one_line


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
    _, notes = credentials.find_all()
    for note in dict.fromkeys((*credential.notes, *notes)):
        yield Finding(Level.WARNING, "key", note)
