"""Where the API key and the base URL come from, and how that is told. The key itself is never shown."""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from tui.keyfiles.found import Found
from tui.paths import home
from tui.service.wire import DEFAULT_BASE_URL, canonical
from tui.text import mask, one_line


class Credential(Struct, frozen=True):
    """The key and base URL in force. `key_from` and `url_from` name their sources for people."""

    api_key: str
    base_url: str
    key_from: str
    url_from: str
    notes: tuple[str, ...] = ()
    """What could not be read, a sentence each."""

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("api_key", mask(self.api_key)), ("base_url", self.base_url)]

    def __repr__(self) -> str:
        return f"Credential({mask(self.api_key)!r}, {self.base_url!r})"


class CredentialError(Exception):
    """A base URL or key that can't be used; the text says why."""


def runapi_config(env: Mapping[str, str] = os.environ) -> Path:
    """The file in which RunAPI's own tools keep the key."""
    if folder := env.get("RUNAPI_CONFIG_DIR", "").strip():
        return home(folder) / "config.json"
    base = env.get("XDG_CONFIG_HOME", "").strip() or "~/.config"
    return home(base) / "runapi" / "config.json"


def everything(env: Mapping[str, str] = os.environ) -> tuple[list[Found], list[str]]:
    """All keys there are, in order of precedence, and a sentence on whatever can't be read or resolved."""
    raise NotImplementedError


def find(base_url: str = "", env: Mapping[str, str] = os.environ, source: str = "") -> Credential:
    """The first source that has one wins, for key and base URL separately: option, environment, RunAPI's file.

    An absent key is an empty one. Raises CredentialError.
    """
    path = runapi_config(env)
    saved, note = _read(path)
    key, key_from = _first(
        (env.get("RUNAPI_API_KEY"), "RUNAPI_API_KEY"),
        (saved.get("api_key"), str(path)),
        (saved.get("apiKey"), str(path)),
    )
    url, url_from = _first(
        (base_url, "--base-url"),
        (env.get("RUNAPI_BASE_URL"), "RUNAPI_BASE_URL"),
        (saved.get("base_url"), str(path)),
        (saved.get("baseUrl"), str(path)),
        (DEFAULT_BASE_URL, "default"),
    )
    try:
        return Credential(usable(key) if key else "", canonical(url), key_from, url_from, (note,) * bool(note))
    except ValueError as error:
        raise CredentialError(f"{error} (from {key_from if 'API key' in str(error) else url_from})") from error


def usable(key: str) -> str:
    """The key, trimmed. Raises ValueError for text that can't be one."""
    key = key.strip()
    if not (0 < len(key) <= 512 and key.isascii() and key.isprintable() and " " not in key):
        raise ValueError("That is not an API key: it has spaces, line breaks or characters that no key has.")
    return key


def save(api_key: str, env: Mapping[str, str] = os.environ) -> Path:
    """Put the key where RunAPI's own tools look for it (0600), keeping whatever else that file says.

    Raises CredentialError; then nothing has changed.
    """
    import tempfile  # rarely needed, and slow to load

    path = runapi_config(env)
    saved, note = _read(path)
    if note:
        raise CredentialError(f"{note} Mend or move it, then save again.")
    saved.pop("apiKey", None)
    try:
        key = usable(api_key)
    except ValueError as error:
        raise CredentialError(str(error)) from error
    saved |= {"api_key": key, "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".config-")  # made as 0600
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(saved, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise CredentialError(f"The key can't be saved in {path}: {error.strerror}.") from error
    return path


def _read(path: Path) -> tuple[dict[str, Any], str]:
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, ""
    except (OSError, ValueError, RecursionError) as error:
        return {}, f"{path} can't be read: {one_line(getattr(error, 'strerror', None) or error)}."
    return (saved, "") if isinstance(saved, dict) else ({}, f"{path} can't be read: not a JSON object.")


def _first(*sources: tuple[Any, str]) -> tuple[str, str]:
    for value, source in sources:
        if isinstance(value, str) and value.strip():
            return value.strip(), source
    return "", ""
