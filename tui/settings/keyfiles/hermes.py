"""Keys in the settings of Hermes Agent: `config.yaml`, `.env` and the pool of
`auth.json`, in the folder of its active profile.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from tui.settings.keyfiles import doubles, hermes_places
from tui.settings.keyfiles.files import (
    YAML_LIMIT,
    Unreadable,
    json5,
    read,
    shown,
    yaml,
)
from tui.settings.keyfiles.found import FoundKeys, is_home
from tui.settings.keyfiles.variables import dotenv, filled, mentions

_REFERENCE = r"\$\{(?:env:)?(?P<name>[^}]+)\}"
_URL = ("api", "url", "base_url", "baseUrl")
_KEY = ("api_key", "apiKey")
_VARIABLE = ("key_env", "keyEnv", "api_key_env", "apiKeyEnv")


def find(env: Mapping[str, str]) -> FoundKeys:
    """Return all keys for RunAPI that Hermes would use, in its order of precedence."""
    gathered = FoundKeys("hermes")
    places = hermes_places.places(env)
    if places.problem:
        gathered.note(places.problem)
    folder = places.folder
    config = folder / "config.yaml"
    settings = gathered.read_or_note(partial(_settings, gathered), config)
    if gathered.lacks_file:
        return gathered  # it could have said that its RunAPI is at another host
    filed = gathered.read_or_note(
        lambda path: dotenv(path, wanted=bool(settings)), folder / ".env"
    )
    gathered.known = {**env, **filed}  # Hermes lets its own file win

    for provider in _providers(settings):
        source = shown(config, provider.place)
        url = gathered.base_url(partial(_filled, _text(provider.settings, _URL)))
        base_url = gathered.provider(source, provider.name, url)
        # Hermes derives the variable's name from the host
        default = "RUNAPI_API_KEY" if is_home(url) else ""
        key = partial(_key, provider.settings, default)
        gathered.key(source, config, key, base_url)
    pooled: set[str] = set()
    for home in dict.fromkeys((folder, places.root)):
        path = home / "auth.json"
        pool = gathered.read_or_note(_pool, path)
        for name in pool:
            if name not in pooled:  # a profile's own keys hide those of the root
                _gather_pool(gathered, path, name, pool[name])
        pooled |= pool.keys()
    own = {name: partial(_filled, text) for name, text in filed.items()}
    gathered.variables(folder / ".env", own)
    return gathered


def broken(env: Mapping[str, str]) -> str:
    """Return why settings that don't mention RunAPI can't be read, or ""."""
    path = hermes_places.places(env).folder / "config.yaml"
    try:
        text = read(path, YAML_LIMIT)
        if text and not mentions(text):
            yaml(text, path)
    except Unreadable as error:
        return str(error)
    return ""


def _pool(path: Path) -> dict[str, Any]:
    """Return the keys of `auth.json` by provider, if it mentions RunAPI.

    Raises Unreadable.
    """
    text = read(path)
    if not text or not mentions(text):
        return {}
    store = json5(text, path)
    pool = store.get("credential_pool") if isinstance(store, dict) else None
    if not isinstance(pool, dict):
        return {}
    return {
        name: entries
        for name, entries in pool.items()
        if isinstance(entries, list) and entries
    }


def _gather_pool(
    gathered: FoundKeys, path: Path, provider: str, entries: list[Any]
) -> None:
    """Add a provider's keys, in the order of their priorities.

    Hermes writes no key that it only borrows, from a variable for example: such an
    entry is found where the key itself is.
    """
    name = provider.removeprefix("custom:")
    own = [entry for entry in entries if isinstance(entry, dict)]
    for number, entry in enumerate(sorted(own, key=_priority), 1):
        label = _text(entry, ("label",)) or str(number)
        source = shown(path, f"{provider}, {label}")
        url = _text(entry, ("base_url",))
        place = gathered.provider(source, name, url) if url else gathered.place(name)
        key = _text(entry, ("access_token",))
        if place is not None and key and _text(entry, ("auth_type",)) == "oauth":
            gathered.note(
                f"{source} is a sign-in, not a key: set RUNAPI_API_KEY, or add a key"
                " with `hermes auth add custom:runapi --type api-key`."
            )
            continue
        gathered.key(source, path, partial(_constant, key), place)


def _priority(entry: dict[str, Any]) -> int:
    value = entry.get("priority")
    return value if isinstance(value, int) else 0


def _constant(text: str, variables: Mapping[str, str]) -> str:
    return text


def _filled(text: str, variables: Mapping[str, str]) -> str:
    return filled(text, _REFERENCE, variables)


def _key(settings: dict[str, Any], default: str, variables: Mapping[str, str]) -> str:
    """Return a provider's key: of the variable it names, its own, or of `default`."""
    variable = _text(settings, _VARIABLE)
    if variables.get(variable):
        return variables[variable]
    return _filled(_text(settings, _KEY), variables) or variables.get(default, "")


class _Provider(NamedTuple):
    """A provider of models."""

    name: str
    place: str
    """Where it is in the file, for people."""
    settings: dict[str, Any]


def _providers(settings: dict[str, Any]) -> Iterator[_Provider]:
    """Yield all providers of the file."""
    newer = settings.get("providers")
    if isinstance(newer, dict):
        for key, entry in newer.items():
            if not isinstance(entry, dict):
                continue
            name = key
            if key.casefold() != "runapi":
                name = _text(entry, ("name",)) or key
            yield _Provider(name, f"provider {key}", entry)
    older = settings.get("custom_providers")
    if isinstance(older, list):
        for entry in older:
            if not isinstance(entry, dict):
                continue
            name = _text(entry, ("name",))
            if name:
                yield _Provider(name, f"custom provider {name}", entry)
    model = settings.get("model")
    if isinstance(model, dict) and _text(model, _URL):
        # The address may be that of an earlier provider: then so is the key.
        name = _text(model, ("provider",)).casefold()
        if name in ("custom", "runapi") or name.startswith("custom:"):
            yield _Provider(name.removeprefix("custom:"), "model", model)


def _settings(gathered: FoundKeys, path: Path) -> dict[str, Any]:
    """Return the settings, if they mention RunAPI. Raises Unreadable."""
    text = read(path, YAML_LIMIT)
    if not text or not mentions(text):
        return {}
    settings = yaml(text, path)
    gathered.note_double(path, doubles.in_yaml(text))
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
