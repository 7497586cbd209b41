"""Keys in the settings of OpenClaw, and under its former names Clawdbot and Moltbot.

Commands that print a secret are never run. The `.env` of the current folder, which
OpenClaw reads too, is left alone: a folder that one happens to be in must not decide
which key is used.
"""

import os.path
import re
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from tui.paths import home
from tui.settings.keyfiles.files import Unreadable, inside, json5, read, shown
from tui.settings.keyfiles.found import FoundKeys
from tui.settings.keyfiles.includes import Includes
from tui.settings.keyfiles.variables import dotenv, filled, mentions
from tui.text import one_line

_NAMES = ("openclaw", "clawdbot", "moldbot", "moltbot")
_AGENTS = 50
"""How many agents' keys are read at most."""
_REFERENCE = r"(?<!\$)\$\{(?P<name>[A-Z_][A-Z0-9_]*)\}"
_WHOLE = r"(?:\$|secretref-env:|__env__:)(?P<name>[A-Z][A-Z0-9_]*)"
"""Short forms, in fields that hold a secret."""


def find(env: Mapping[str, str]) -> FoundKeys:
    """Return all keys for RunAPI that OpenClaw would use, in its order of precedence."""
    gathered = FoundKeys("openclaw")
    folder = _folder(env)
    config = _config(env, folder)
    settings = gathered.read_or_note(_settings, config)
    if gathered.notes:
        return gathered  # it could have said that its RunAPI is at another host
    inline = _texts(_at(settings, "env")) | _texts(_at(settings, "env", "vars"))
    filed = gathered.read_or_note(
        lambda path: dotenv(path, wanted=bool(settings)), folder / ".env"
    )
    secrets = _Secrets({**inline, **filed, **env}, settings, folder, gathered)

    for name, provider in _at(settings, "models", "providers").items():
        source = shown(config, f"provider {name}")
        place = gathered.provider(
            source, name, secrets.text(_at(provider).get("baseUrl"))
        )
        if place is not None:
            gathered.key(
                source, secrets.secret(source, _at(provider).get("apiKey")), place
            )
    for profiles in _profiles(folder):
        for name, profile in gathered.read_or_note(_read_profiles, profiles).items():
            place = gathered.place(str(_at(profile).get("provider")))
            if place is not None:
                source = shown(profiles, name)
                held = [
                    _at(profile).get(field)
                    for field in ("keyRef", "key", "tokenRef", "token")
                ]
                gathered.key(
                    source,
                    secrets.secret(source, next(filter(None, held), None)),
                    place,
                )
    for name, skill in _at(settings, "skills", "entries").items():
        source = shown(config, f"skill {name}")
        if name.casefold().startswith("runapi"):
            gathered.key(
                source,
                secrets.secret(source, _at(skill).get("apiKey")),
                gathered.place("runapi"),
            )
        gathered.key(
            source,
            secrets.text(_at(skill, "env").get("RUNAPI_API_KEY")),
            gathered.place("runapi"),
        )
    for path, variables in ((folder / ".env", filed), (config, inline)):
        gathered.variables(path, variables)
    return gathered


class _Secrets:
    """Resolves fields that hold a secret."""

    def __init__(
        self,
        variables: Mapping[str, str],
        settings: dict[str, Any],
        folder: Path,
        gathered: FoundKeys,
    ) -> None:
        self._variables = variables
        self._providers = _at(settings, "secrets", "providers")
        self._defaults = _at(settings, "secrets", "defaults")
        self._folder = folder
        self._gathered = gathered

    def text(self, value: Any) -> str:
        """Return text with its references filled in; empty for anything else."""
        if not isinstance(value, str):
            return ""
        return filled(value, _REFERENCE, self._variables)

    def secret(self, source: str, value: Any) -> str:
        """Return the secret; empty if there is none, or if it can't be read.

        Adds a note that says why, where the user doesn't know.
        """
        if isinstance(value, str):
            whole = re.fullmatch(_WHOLE, value.strip())
            return self.text(f"${{{whole['name']}}}" if whole else value)
        where, name = _at(value).get("source"), _at(value).get("id")
        if not (isinstance(where, str) and isinstance(name, str)):
            return ""
        if where == "env":
            return self.text(f"${{{name}}}")
        if where == "file":
            provider = (
                _at(value).get("provider") or self._defaults.get("file") or "default"
            )
            return self._in_file(_at(self._providers, str(provider)), name)
        self._gathered.notes.append(
            f"{source} gets its key from `{one_line(where, 20)}`, which runapi-tui"
            " doesn't run: set RUNAPI_API_KEY."
        )
        return ""

    def _in_file(self, provider: dict[str, Any], name: str) -> str:
        """Return a secret from a file, which must be in OpenClaw's own folder.

        Another tool's setting must not make this program read any file.
        """
        path = _home_path(str(provider.get("path")), self._variables)
        try:
            if not inside(path, self._folder):
                raise Unreadable(
                    path,
                    "it is outside OpenClaw's folder, so set RUNAPI_API_KEY instead",
                )
            if (text := read(path)) is None:
                raise Unreadable(path, "there is no such file")
            value = text if provider.get("mode") == "singleValue" else json5(text, path)
        except Unreadable as error:
            self._gathered.notes.append(str(error))
            return ""
        if value is text:
            return text
        for step in name.split("/")[1:]:
            value = _at(value).get(step.replace("~1", "/").replace("~0", "~"))
        return value if isinstance(value, str) else ""


def _settings(path: Path) -> dict[str, Any]:
    text = read(path)
    if not text or not (mentions(text) or "$include" in text):
        return {}
    settings = Includes(path).opened(json5(text, path))
    if not isinstance(settings, dict):
        raise Unreadable(path, "not an object")
    return settings


def _read_profiles(path: Path) -> dict[str, Any]:
    text = read(path)
    return _at(json5(text, path), "profiles") if text and mentions(text) else {}


def _profiles(folder: Path) -> list[Path]:
    try:
        agents = sorted(
            islice((folder / "agents").iterdir(), _AGENTS),
            key=lambda agent: (agent.name != "main", agent),
        )
    except OSError:
        return []
    return [agent / "agent" / "auth-profiles.json" for agent in agents]


def _folder(env: Mapping[str, str]) -> Path:
    if named := _first(env, "STATE_DIR"):
        return _home_path(named, env)
    folders = [_home_path(f"~/.{name}", env) for name in _NAMES]
    return next(filter(os.path.exists, folders), folders[0])


def _config(env: Mapping[str, str], folder: Path) -> Path:
    if named := _first(env, "CONFIG_PATH"):
        return _home_path(named, env)
    files = [folder / f"{name}.json" for name in _NAMES]
    return next(filter(os.path.exists, files), files[0])


def _first(env: Mapping[str, str], name: str) -> str:
    return (
        env.get(f"OPENCLAW_{name}", "").strip()
        or env.get(f"CLAWDBOT_{name}", "").strip()
    )


def _home_path(text: str, env: Mapping[str, str]) -> Path:
    """Return a path; `~` is OpenClaw's home, which may differ from the user's."""
    own = env.get("OPENCLAW_HOME", "").strip()
    if own and (text == "~" or text.startswith("~/")):
        return home(own + text[1:])
    return home(text)


def _at(value: Any, *keys: str) -> dict[str, Any]:
    """Return the object at a place of untrusted JSON; empty if there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _texts(values: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in values.items() if isinstance(value, str)}
