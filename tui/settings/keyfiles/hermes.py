"""Keys in the settings of Hermes Agent: `config.yaml` and `.env` in its folder."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tui.paths import home
from tui.settings.keyfiles.files import YAML_LIMIT, Unreadable, read, shown, yaml
from tui.settings.keyfiles.found import FoundKeys, is_home
from tui.settings.keyfiles.variables import dotenv, filled, mentions

_REFERENCE = r"\$\{(?:env:)?(?P<name>[^}]+)\}"
_URL = ("api", "url", "base_url", "baseUrl")
_KEY = ("api_key", "apiKey")
_VARIABLE = ("key_env", "keyEnv", "api_key_env", "apiKeyEnv")


def find(env: Mapping[str, str]) -> FoundKeys:
    """Return all keys for RunAPI that Hermes would use, in its order of precedence."""
    gathered = FoundKeys("hermes")
    folder = home(env.get("HERMES_HOME", "").strip() or "~/.hermes")
    config = folder / "config.yaml"
    settings = gathered.read_or_note(_settings, config)
    if gathered.notes:
        return gathered  # it could have said that its RunAPI is at another host
    filed = gathered.read_or_note(
        lambda path: dotenv(path, wanted=bool(settings)), folder / ".env"
    )
    variables = {**env, **filed}  # Hermes lets its own file win

    for name, place, entry in _providers(settings):
        source = shown(config, place)
        url = filled(_text(entry, _URL), _REFERENCE, variables)
        base_url = gathered.provider(source, name, url)
        key = variables.get(_text(entry, _VARIABLE), "") or filled(
            _text(entry, _KEY), _REFERENCE, variables
        )
        if not key and is_home(url):
            # Hermes takes the name from the host
            key = variables.get("RUNAPI_API_KEY", "")
        gathered.key(source, key, base_url)
    gathered.variables(
        folder / ".env",
        {name: filled(text, _REFERENCE, variables) for name, text in filed.items()},
    )
    return gathered


def _providers(settings: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield name, place for people, and settings of each provider."""
    newer = settings.get("providers")
    older = settings.get("custom_providers")
    model = settings.get("model")
    for key, entry in newer.items() if isinstance(newer, dict) else ():
        if isinstance(entry, dict):
            name = key if key.casefold() == "runapi" else _text(entry, ("name",)) or key
            yield name, f"provider {key}", entry
    for entry in older if isinstance(older, list) else ():
        if isinstance(entry, dict) and (name := _text(entry, ("name",))):
            yield name, f"custom provider {name}", entry
    if isinstance(model, dict) and _text(model, _URL):
        # The address may be left over from another provider: then the key is another's
        # too.
        name = _text(model, ("provider",)).casefold()
        if name in ("custom", "runapi") or name.startswith("custom:"):
            yield name.removeprefix("custom:"), "model", model


def _settings(path: Path) -> dict[str, Any]:
    text = read(path, YAML_LIMIT)
    if not text or not mentions(text):
        return {}
    settings = yaml(text, path)
    if not isinstance(settings, dict):
        raise Unreadable(path, "not a mapping")
    return settings


def _text(entry: dict[str, Any], names: tuple[str, ...]) -> str:
    """Return the first of these settings that has a text, trimmed; or nothing."""
    for name in names:
        value = entry.get(name)
        if isinstance(value, str) and value not in ("", "~", "null"):
            return value.strip()
    return ""
