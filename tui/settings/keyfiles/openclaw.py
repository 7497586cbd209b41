"""Keys in the settings of OpenClaw, and under its former names Clawdbot and Moltbot.

Commands that print a secret are never run. The `.env` of the current folder, which
OpenClaw reads too, is ignored: a folder that one happens to be in must not decide which
key is used.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from tui.settings.keyfiles import doubles, openclaw_places, openclaw_stores
from tui.settings.keyfiles.files import Unreadable, inside, json5, read, shown
from tui.settings.keyfiles.found import FoundKeys, Read
from tui.settings.keyfiles.includes import Includes
from tui.settings.keyfiles.variables import dotenv, filled, mentions
from tui.text import one_line

_REFERENCE = r"(?<!\$)\$\{(?P<name>[A-Z_][A-Z0-9_]*)\}"
_WHOLE = r"(?:\$|secretref-env:|__env__:)(?P<name>[A-Z][A-Z0-9_]*)"
"""Short forms, in fields that hold a secret."""


def find(env: Mapping[str, str]) -> FoundKeys:
    """Return all keys for RunAPI that OpenClaw would use, in its own order."""
    gathered = FoundKeys("openclaw")
    folder, problem = openclaw_places.folder(env)
    if problem:
        gathered.note(problem)
    config = openclaw_places.config(env, folder)
    settings = gathered.read_or_note(partial(_settings, gathered), config)
    if gathered.lacks_file:
        return gathered  # it could have said that its RunAPI is at another host
    inline = _texts(_at(settings, "env")) | _texts(_at(settings, "env", "vars"))
    filed = gathered.read_or_note(
        lambda path: dotenv(path, wanted=bool(settings)), folder / ".env"
    )
    gathered.known = {**inline, **filed, **env}
    secrets = _Secrets(env, settings, folder, gathered)

    providers = _at(settings, "models", "providers")
    for name, provider in providers.items():
        source = shown(config, f"provider {name}")
        url = gathered.base_url(partial(_filled, _at(provider).get("baseUrl")))
        place = gathered.provider(source, name, url)
        key = partial(secrets.secret, source, _at(provider).get("apiKey"))
        gathered.key(source, config, key, place)
    for agent in openclaw_places.agents(folder):
        _gather(gathered, secrets, openclaw_stores.agent_profiles, agent.database)
        _gather(gathered, secrets, _read_profiles, agent.profiles)
    shared = openclaw_stores.shared(folder)
    _gather(gathered, secrets, openclaw_stores.shared_profiles, shared)
    skills = _at(settings, "skills", "entries")
    for name, skill in skills.items():
        source = shown(config, f"skill {name}")
        place = gathered.place("runapi")
        if name.casefold().startswith("runapi"):
            key = partial(secrets.secret, source, _at(skill).get("apiKey"))
            gathered.key(source, config, key, place)
        own = partial(_filled, _at(skill, "env").get("RUNAPI_API_KEY"))
        gathered.key(source, config, own, place)
    gathered.variables(folder / ".env", _as_they_are(filed))
    gathered.variables(config, _as_they_are(inline))
    return gathered


def broken(env: Mapping[str, str]) -> str:
    """Return why settings that don't mention RunAPI can't be read, or ""."""
    folder, _ = openclaw_places.folder(env)
    path = openclaw_places.config(env, folder)
    try:
        text = read(path)
        if text and not mentions(text):
            json5(text, path)
    except Unreadable as error:
        return str(error)
    return ""


def _as_they_are(variables: Mapping[str, str]) -> dict[str, Read]:
    """Return variables that may not name others."""
    return {name: partial(_constant, text) for name, text in variables.items()}


def _constant(text: str, variables: Mapping[str, str]) -> str:
    return text


def _gather(
    gathered: FoundKeys,
    secrets: "_Secrets",
    read_store: Callable[[Path], dict[str, Any]],
    path: Path,
) -> None:
    """Add the keys of a store of profiles that are for RunAPI."""
    profiles = _at(gathered.read_or_note(read_store, path), "profiles")
    for name, profile in profiles.items():
        settings = _at(profile)
        place = gathered.place(str(settings.get("provider")))
        source = shown(path, name)
        if place is not None and settings.get("type") == "oauth":
            gathered.note(
                f"{source} is a sign-in, not a key: set RUNAPI_API_KEY, or save a key"
                " with `openclaw models auth paste-api-key --provider runapi`."
            )
            continue
        value = None
        for field in ("keyRef", "key", "tokenRef", "token"):
            value = value or settings.get(field)
        gathered.key(source, path, partial(secrets.secret, source, value), place)


def _filled(value: Any, variables: Mapping[str, str]) -> str:
    """Return text with its references filled in; empty for anything else."""
    if not isinstance(value, str):
        return ""
    return filled(value, _REFERENCE, variables)


class _Secrets:
    """Resolves fields that hold a secret."""

    def __init__(
        self,
        env: Mapping[str, str],
        settings: dict[str, Any],
        folder: Path,
        gathered: FoundKeys,
    ) -> None:
        self._env = env
        self._providers = _at(settings, "secrets", "providers")
        self._defaults = _at(settings, "secrets", "defaults")
        self._folder = folder
        self._gathered = gathered

    def secret(self, source: str, value: Any, variables: Mapping[str, str]) -> str:
        """Return the secret; empty if there is none, or if it can't be read.

        Adds a note that says why, where the user doesn't know.
        """
        if isinstance(value, str):
            whole = re.fullmatch(_WHOLE, value.strip())
            text = f"${{{whole['name']}}}" if whole else value
            return _filled(text, variables)
        reference = _at(value)
        where = reference.get("source")
        name = reference.get("id")
        if not isinstance(where, str) or not isinstance(name, str):
            return ""
        if where == "env":
            return _filled(f"${{{name}}}", variables)
        if where == "store":
            return self._stored(source, name)
        if where == "file":
            default = self._defaults.get("file") or "default"
            provider = reference.get("provider") or default
            return self._in_file(_at(self._providers, str(provider)), name)
        self._gathered.note(
            f"{source} gets its key from `{one_line(where, 20)}`, which runapi-tui"
            " doesn't run: set RUNAPI_API_KEY."
        )
        return ""

    def _stored(self, source: str, name: str) -> str:
        """Return a secret of OpenClaw's own store; adds a note where it can't be."""
        path = openclaw_stores.shared(self._folder)
        try:
            found = openclaw_stores.secret(path, name)
        except Unreadable as error:
            self._gathered.note(str(error))
            return ""
        if not found:
            self._gathered.note(
                f"{source} names the secret {one_line(name, 60)}, which OpenClaw's store"
                " doesn't have: `openclaw secrets store set` saves it."
            )
        return found

    def _in_file(self, provider: dict[str, Any], name: str) -> str:
        """Return a secret from a file; empty, with a note, if it can't be read."""
        path = openclaw_places.path(str(provider.get("path")), self._env)
        try:
            text = self._read(path)
            if provider.get("mode") == "singleValue":
                return text
            value = json5(text, path)
        except Unreadable as error:
            self._gathered.note(str(error))
            return ""
        _, *steps = name.split("/")
        for step in steps:
            key = step.replace("~1", "/").replace("~0", "~")
            value = _at(value).get(key)
        return value if isinstance(value, str) else ""

    def _read(self, path: Path) -> str:
        """Return the text of a file in OpenClaw's own folder. Raises Unreadable.

        Another tool's setting must not make this program read any file.
        """
        if not inside(path, self._folder):
            raise Unreadable(
                path,
                "it is outside OpenClaw's folder, so set RUNAPI_API_KEY instead",
            )
        text = read(path)
        if text is None:
            raise Unreadable(path, "there is no such file")
        return text


def _settings(gathered: FoundKeys, path: Path) -> dict[str, Any]:
    """Return the settings, if they may mention RunAPI. Raises Unreadable."""
    text = read(path)
    if not text or not (mentions(text) or "$include" in text):
        return {}
    settings = Includes(path).opened(json5(text, path))
    gathered.note_double(path, doubles.in_json5(text))
    if not isinstance(settings, dict):
        raise Unreadable(path, "not an object")
    return settings


def _read_profiles(path: Path) -> dict[str, Any]:
    """Return an agent's store of profiles, if it mentions RunAPI. Raises Unreadable."""
    text = read(path)
    if not text or not mentions(text):
        return {}
    store = json5(text, path)
    return store if isinstance(store, dict) else {}


def _at(value: Any, *keys: str) -> dict[str, Any]:
    """Return the object at a place of untrusted JSON; empty if there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _texts(values: dict[str, Any]) -> dict[str, str]:
    """Return the values that are texts."""
    return {name: value for name, value in values.items() if isinstance(value, str)}
