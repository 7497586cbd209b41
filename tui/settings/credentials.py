"""Where the API key and the base URL come from. The key itself is never shown."""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from tui.paths import NO_HOME, PlaceError, home
from tui.service.base_url import DEFAULT_BASE_URL, canonical
from tui.settings import confirmed_hosts
from tui.settings.key_text import valid_key
from tui.settings.keyfiles.files import Unreadable, read
from tui.settings.keyfiles.found import FOR_HOME, FoundKey, FoundKeys, is_home
from tui.system import atomic_file
from tui.text import mask, one_line


class Credential(Struct, frozen=True):
    """The key and base URL in use; `key_from` and `url_from` name their sources."""

    api_key: str
    base_url: str
    key_from: str
    url_from: str
    notes: tuple[str, ...] = ()
    """What could not be read, one sentence each."""

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("api_key", mask(self.api_key)), ("base_url", self.base_url)]

    def __repr__(self) -> str:
        return f"Credential({mask(self.api_key)!r}, {self.base_url!r})"


class CredentialError(Exception):
    """A base URL or key that can't be used; the text says why."""


def runapi_config(env: Mapping[str, str] = os.environ) -> Path:
    """Return the file in which RunAPI's own tools keep the key."""
    folder = env.get("RUNAPI_CONFIG_DIR", "").strip()
    if folder:
        return home(folder) / "config.json"
    base = env.get("XDG_CONFIG_HOME", "").strip() or "~/.config"
    return home(base) / "runapi" / "config.json"


def find_all(env: Mapping[str, str] = os.environ) -> tuple[list[FoundKey], list[str]]:
    """Return all keys in order of precedence, and why others can't be used."""
    saved, note = _read(runapi_config(env))
    notes = [note] if note else []
    found = _valid(_own_keys(env, saved), notes)
    for keys in _tool_keys(env):
        notes += keys.notes
        found += _valid(keys.found, notes)
    return found, notes


def broken_elsewhere(env: Mapping[str, str] = os.environ) -> list[str]:
    """Return which settings of other tools can't be read, though no key is expected.

    They don't mention RunAPI, as far as that can be said of a broken file.
    """
    from tui.settings.keyfiles import hermes, openclaw

    return list(filter(None, (openclaw.broken(env), hermes.broken(env))))


def find(
    base_url: str = "", env: Mapping[str, str] = os.environ, source: str = ""
) -> Credential:
    """Return the key and the base URL, each from the first source that has one.

    Sources are the option, the environment and RunAPI's file; then the settings of
    OpenClaw and Hermes Agent, where a key comes with its base URL.

    `source` limits the search to a kind or source of key, as `find_all` names them. An
    absent key is empty. Raises CredentialError.
    """
    saved, note = _read(runapi_config(env))
    notes = [note] if note else []
    own = _first(
        (base_url, "--base-url"),
        (env.get("RUNAPI_BASE_URL"), "RUNAPI_BASE_URL"),
    )
    key = _first_usable(_sought(env, saved, source, notes), own[0], notes)
    if source and not key.api_key:
        notes.append(f"No key comes from {one_line(source, 80)}.")
    path = str(runapi_config(env))
    url, url_from = _first(
        own,
        (key.base_url if key.file else "", key.source),
        (saved.get("base_url"), path),
        (saved.get("baseUrl"), path),
        (DEFAULT_BASE_URL, "default"),
    )
    api_key = key.api_key
    try:
        if api_key:
            api_key = valid_key(api_key)
    except ValueError as error:
        raise CredentialError(f"{error} (from {key.source})") from error
    try:
        place = canonical(url)
    except ValueError as error:
        raise CredentialError(f"{error} (from {url_from})") from error
    if key.is_for_home and not is_home(place):
        notes.append(f"{key.source} is not used at {place}: {FOR_HOME}")
        return Credential("", place, "", url_from, tuple(notes))
    return Credential(api_key, place, key.source, url_from, tuple(notes))


def _first_usable(keys: Iterator[FoundKey], own_url: str, notes: list[str]) -> FoundKey:
    """Return the first key that may be sent, or an empty one; adds to `notes`.

    With a base URL of the user's own, it doesn't matter what another tool's file says.
    """
    for key in keys:
        if own_url or not key.asks_first:
            return key
        notes.append(
            f"{key.source} is not used before {one_line(key.base_url, 80)} is confirmed:"
            " choose this key in the app, or set RUNAPI_BASE_URL."
        )
    return FoundKey("", "", "")


def _sought(
    env: Mapping[str, str], saved: dict[str, Any], source: str, notes: list[str]
) -> Iterator[FoundKey]:
    """Yield the keys of the source in order of precedence; adds to `notes`.

    Other tools' settings are only read while no key is found.
    """
    for key in _own_keys(env, saved):
        if source in ("", key.kind, key.source):
            yield key
    for keys in _tool_keys(env):
        notes += keys.notes
        for key in _valid(keys.found, notes):
            if source in ("", key.kind, key.source):
                yield key


def confirm(key: FoundKey) -> None:
    """Remember that the user lets the key be sent where its file says.

    Raises CredentialError.
    """
    if key.file is None:
        return
    try:
        confirmed_hosts.confirm(key.file, key.base_url)
    except OSError as error:
        reason = one_line(error.strerror or error)
        raise CredentialError(f"That can't be remembered: {reason}.") from error
    except PlaceError as error:
        raise CredentialError(str(error)) from error


def _own_keys(env: Mapping[str, str], saved: dict[str, Any]) -> list[FoundKey]:
    """Return the keys of the environment and of RunAPI's file."""
    from_env = FoundKey(
        source="RUNAPI_API_KEY",
        kind="environment",
        api_key=_text(env.get("RUNAPI_API_KEY")),
        base_url=_text(env.get("RUNAPI_BASE_URL")),
    )
    from_file = FoundKey(
        source=str(runapi_config(env)),
        kind="runapi",
        api_key=_text(saved.get("api_key"), saved.get("apiKey")),
        base_url=_text(saved.get("base_url"), saved.get("baseUrl")),
    )
    return [key for key in (from_env, from_file) if key.api_key]


def _tool_keys(env: Mapping[str, str]) -> Iterator[FoundKeys]:
    """Yield the keys of other tools; each tool's settings are only read when needed.

    No two keys have one source, whatever they are called in the settings.
    """
    from tui.settings.keyfiles import hermes, openclaw

    sources: set[str] = set()
    for find_keys in (openclaw.find, hermes.find):
        keys = find_keys(env)
        for at, key in enumerate(keys.found):
            source = key.source
            number = 2
            while source in sources:
                source = f"{key.source} #{number}"
                number += 1
            sources.add(source)
            keys.found[at] = structs.replace(key, source=source)
        yield keys


def _valid(found: list[FoundKey], notes: list[str]) -> list[FoundKey]:
    """Return the keys that can be keys, cleaned; adds a note for each of the others."""
    valid: list[FoundKey] = []
    for key in found:
        try:
            valid.append(structs.replace(key, api_key=valid_key(key.api_key)))
        except ValueError as error:
            notes.append(f"{key.source} is not used: {error}")
    return valid


def saved_key(env: Mapping[str, str] = os.environ) -> FoundKey | None:
    """Return the key in the file of RunAPI's own tools, with the base URL it is for."""
    saved, _ = _read(runapi_config(env))
    keys = (key for key in _own_keys(env, saved) if key.kind == "runapi")
    return next(keys, None)


def save(api_key: str, base_url: str = "", env: Mapping[str, str] = os.environ) -> Path:
    """Save the key in the file of RunAPI's own tools (0600), with what else it says.

    `base_url` is where the key was found to be accepted, and belongs to it from now on;
    RunAPI's own needs no mention, and without any the file's is left as it is. Raises
    CredentialError; then nothing has changed.
    """
    path = runapi_config(env)
    if str(path).startswith("~"):
        raise CredentialError(
            f"There is no home folder to save the key in: {NO_HOME}. Set RUNAPI_API_KEY"
            " instead."
        )
    saved, note = _read(path)
    if note:
        raise CredentialError(
            f"{note} The key was not saved. Repair or move the file, then save again."
        )
    saved.pop("apiKey", None)
    try:
        key = valid_key(api_key)
    except ValueError as error:
        raise CredentialError(str(error)) from error
    if base_url:
        saved = _with_place(saved, base_url)
    saved |= {
        "api_key": key,
        "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    text = json.dumps(saved, indent=2) + "\n"
    try:
        atomic_file.make_private_folder(path.parent)
        atomic_file.save_small(path, text.encode(), 0o600, sync=True)
    except OSError as error:
        raise CredentialError(
            f"The key can't be saved in {path}: {error.strerror}."
        ) from error
    return path


def _with_place(saved: dict[str, Any], base_url: str) -> dict[str, Any]:
    """Return the content of RunAPI's file for a key of this base URL."""
    former = _text(saved.get("base_url"), saved.get("baseUrl")) or DEFAULT_BASE_URL
    with suppress(ValueError):  # what can't be a base URL is replaced
        if canonical(former) == canonical(base_url):
            return saved
    kept = {name: saved[name] for name in saved if name not in ("base_url", "baseUrl")}
    if canonical(base_url) == DEFAULT_BASE_URL:
        return kept
    return kept | {"base_url": canonical(base_url)}


def _read(path: Path) -> tuple[dict[str, Any], str]:
    """Return the content of RunAPI's file, and why it can't be read, if so."""
    try:
        text = read(path)
        saved = {} if text is None else json.loads(text)
    except Unreadable as error:
        return {}, str(error)
    except (ValueError, RecursionError) as error:
        return {}, f"{path} can't be read: {one_line(error)}."
    if not isinstance(saved, dict):
        return {}, f"{path} can't be read: not a JSON object."
    return saved, ""


def _text(*values: Any) -> str:
    """Return the first value that is text and not blank, trimmed; or nothing."""
    for value in values:
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def _first(*sources: tuple[Any, str]) -> tuple[str, str]:
    """Return the first text that is not blank, with the name of its source."""
    for value, source in sources:
        text = _text(value)
        if text:
            return text, source
    return "", ""
