"""`login`: checks a key with the service, and saves it as the app's first page does."""

import getpass
import sys

from tui.cli.exit_codes import Stopped, UsageError, code_of
from tui.service.base_url import DEFAULT_BASE_URL
from tui.service.errors import ServiceError
from tui.session import Session, account
from tui.settings import credentials
from tui.settings.config import ConfigError
from tui.settings.credentials import CredentialError
from tui.settings.key_text import valid_key
from tui.settings.keyfiles.found import FoundKey
from tui.system import heartbeat
from tui.system.streams import print_message, print_result
from tui.text import mask, one_line

_MOST = 4_096
"""Characters of standard input that are read; no key is nearly as long."""


def login(session: Session, *, replace: bool) -> int:
    """Read a key, check it with the service, and save it. Returns the exit code.

    It is saved with the base URL that has accepted it. Raises UsageError for what can be
    no key, where another key would be lost without `replace`, and where the profile in
    use takes its key from elsewhere; CredentialError where it can't be saved.
    """
    if session.demo:
        raise UsageError("The demo has a key of its own.")
    if not session.saves_key:
        raise UsageError(
            f"Profile {session.profile} takes its key from elsewhere: see config.toml."
            " Nothing was changed."
        )
    key = _read_key()
    path = credentials.runapi_config()
    former = credentials.saved_key()
    is_other = former is not None and former.api_key != key
    if former and is_other and not replace:
        raise UsageError(
            f"{path} has another key, {_described(former)}. Nothing was changed:"
            " --replace puts this one in its place."
        )
    checked = session.with_key(key, str(path))
    try:
        summary = heartbeat.run(account(checked))
    except ServiceError as error:
        print_message(f"{error} The key was not saved.")
        return code_of(error.kind)
    base_url = checked.credential.base_url
    credentials.save(key, base_url)
    print_result(summary)
    print_message(f"The key is saved in {path}, for {base_url}.")
    if former and is_other:
        print_message(f"It replaces {_described(former)}.")
    note = _note(session, key)
    if note:
        print_message(note)
    return 0


def _described(key: FoundKey) -> str:
    """Return a saved key as it may be shown, with the base URL it is for."""
    place = one_line(key.base_url, 80) or DEFAULT_BASE_URL
    return f"{mask(key.api_key)} for {place}"


def _read_key() -> str:
    """Return the key that is typed, unseen, or comes on standard input.

    Raises UsageError and Stopped.
    """
    stream = sys.stdin
    try:
        typed = stream.isatty()
        text = getpass.getpass("API key: ") if typed else stream.read(_MOST)
    except EOFError:
        raise Stopped("Nothing was changed.") from None
    except (OSError, ValueError) as error:
        raise UsageError("Nothing can be read from stdin: it is closed.") from error
    if not text.strip():
        raise UsageError("No key was given. Nothing was changed.")
    try:
        return valid_key(text)
    except ValueError as error:
        raise UsageError(f"{error} Nothing was changed.") from error


def _note(session: Session, key: str) -> str:
    """Return what the next command uses instead of the key, or ""."""
    try:
        following = session.reload().credential
    except (ConfigError, CredentialError) as error:
        return str(error)
    if following.api_key == key:
        return ""
    if following.key_from:
        return (
            f"It is not used yet: {following.key_from} has another key, which counts."
        )
    return "\n".join(("It is not used yet.", *following.notes))
