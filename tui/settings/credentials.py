"""Where the API key and the base URL come from, and how that is told. The key itself is
never shown.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from tui.paths import NO_HOME, home
from tui.service.base_url import DEFAULT_BASE_URL, canonical
from tui.settings.keyfiles.files import Unreadable, read
from tui.settings.keyfiles.found import FoundKey, FoundKeys
from tui.text import mask, one_line


class Credential(Struct, frozen=True):
    """The key and base URL in force. `key_from` and `url_from` name their sources for
    people.
    """

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


def everything(env: Mapping[str, str] = os.environ) -> tuple[list[FoundKey], list[str]]:
    """All keys there are, in order of precedence, and a sentence on whatever can't be
    read or resolved.
    """
    saved, note = _read(runapi_config(env))
    notes = [note] * bool(note)
    found = _usable(_own(env, saved), notes)
    for gathered in _of_tools(env):
        notes += gathered.notes
        found += _usable(gathered.found, notes)
    return found, notes


def find(
    base_url: str = "", env: Mapping[str, str] = os.environ, source: str = ""
) -> Credential:
    """The first source that has one wins, for key and base URL separately: option,
    environment, RunAPI's file. Then OpenClaw's and Hermes Agent's settings, where a key
    comes with its base URL.

    `source` asks for the key of another kind or source than the first, as `everything`
    names them. An absent key is an empty one. Raises CredentialError.
    """
    saved, note = _read(runapi_config(env))
    notes = [note] * bool(note)
    found = [key for key in _own(env, saved) if source in ("", key.kind, key.source)]
    tools = _of_tools(env)
    while not found and (gathered := next(tools, None)):
        notes += gathered.notes
        found = [
            key
            for key in _usable(gathered.found, notes)
            if source in ("", key.kind, key.source)
        ]
    if source and not found:
        notes.append(f"No key comes from {one_line(source, 80)}.")
    key = found[0] if found else FoundKey("", "", "")
    path = str(runapi_config(env))
    url, url_from = _first(
        (base_url, "--base-url"),
        (env.get("RUNAPI_BASE_URL"), "RUNAPI_BASE_URL"),
        (key.base_url if key.kind in ("openclaw", "hermes") else "", key.source),
        (saved.get("base_url"), path),
        (saved.get("baseUrl"), path),
        (DEFAULT_BASE_URL, "default"),
    )
    try:
        api_key = usable(key.api_key) if key.api_key else ""
        return Credential(api_key, canonical(url), key.source, url_from, tuple(notes))
    except ValueError as error:
        raise CredentialError(
            f"{error} (from {key.source if 'API key' in str(error) else url_from})"
        ) from error


def _own(env: Mapping[str, str], saved: dict[str, Any]) -> list[FoundKey]:
    """Of the environment and of RunAPI's file."""
    path = str(runapi_config(env))
    places = [
        (
            "RUNAPI_API_KEY",
            "environment",
            (env.get("RUNAPI_API_KEY"),),
            (env.get("RUNAPI_BASE_URL"),),
        ),
        (
            path,
            "runapi",
            (saved.get("api_key"), saved.get("apiKey")),
            (saved.get("base_url"), saved.get("baseUrl")),
        ),
    ]
    return [
        FoundKey(source, kind, key, _text(*urls))
        for source, kind, keys, urls in places
        if (key := _text(*keys))
    ]


def _of_tools(env: Mapping[str, str]) -> Iterator[FoundKeys]:
    """Of other tools, each read only when it is its turn."""
    from tui.settings.keyfiles import hermes, openclaw

    yield openclaw.find(env)
    yield hermes.find(env)


def _usable(found: list[FoundKey], notes: list[str]) -> list[FoundKey]:
    good = []
    for key in found:
        try:
            usable(key.api_key)
            good.append(key)
        except ValueError as error:
            notes.append(f"{key.source} is not used: {error}")
    return good


def usable(key: str) -> str:
    """The key, trimmed. Raises ValueError for text that can't be one."""
    key = key.strip()
    if not (
        0 < len(key) <= 512 and key.isascii() and key.isprintable() and " " not in key
    ):
        raise ValueError(
            "That is not an API key: it has spaces, line breaks or characters that no key has."
        )
    return key


def save(api_key: str, env: Mapping[str, str] = os.environ) -> Path:
    """Put the key where RunAPI's own tools look for it (0600), keeping whatever else
    that file says.

    Raises CredentialError; then nothing has changed.
    """
    import tempfile  # rarely needed, and slow to load

    path = runapi_config(env)
    if str(path).startswith("~"):
        raise CredentialError(
            f"There is no home folder to save the key in: {NO_HOME}. Set RUNAPI_API_KEY instead."
        )
    saved, note = _read(path)
    if note:
        raise CredentialError(f"{note} Mend or move it, then save again.")
    saved.pop("apiKey", None)
    try:
        key = usable(api_key)
    except ValueError as error:
        raise CredentialError(str(error)) from error
    saved |= {
        "api_key": key,
        "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Made as 0600
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".config-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(saved, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise CredentialError(
            f"The key can't be saved in {path}: {error.strerror}."
        ) from error
    return path


def _read(path: Path) -> tuple[dict[str, Any], str]:
    try:
        text = read(path)
        saved = {} if text is None else json.loads(text)
    except Unreadable as error:
        return {}, str(error)
    except (ValueError, RecursionError) as error:
        return {}, f"{path} can't be read: {one_line(error)}."
    return (
        (saved, "")
        if isinstance(saved, dict)
        else ({}, f"{path} can't be read: not a JSON object.")
    )


def _text(*values: Any) -> str:
    """The first that says anything."""
    return next(
        (value.strip() for value in values if isinstance(value, str) and value.strip()),
        "",
    )


def _first(*sources: tuple[Any, str]) -> tuple[str, str]:
    return next(
        ((text, source) for value, source in sources if (text := _text(value))),
        ("", ""),
    )
