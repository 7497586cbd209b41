"""Keys in the settings of other tools, and which of them belong to RunAPI."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from tui.service.base_url import canonical
from tui.settings.keyfiles.files import Unreadable, shown
from tui.text import mask, one_line

_REFERENCE = r"\$\{[^}]{0,60}\}?"


class FoundKey(Struct, frozen=True):
    """One key in one place. It doesn't show in a representation."""

    source: str
    """For people: `RUNAPI_API_KEY`, `~/.openclaw/openclaw.json (provider runapi)`."""
    kind: str
    """`environment`, `runapi`, `openclaw` or `hermes`."""
    api_key: str
    base_url: str = ""
    """The base URL that belongs to the key; empty if none is set there."""

    def __repr__(self) -> str:
        return f"FoundKey({self.source!r}, {mask(self.api_key)!r}, {self.base_url!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [
            ("source", self.source),
            ("api_key", mask(self.api_key)),
            ("base_url", self.base_url),
        ]


class FoundKeys:
    """The keys of one tool, and why others can't be used."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.found: list[FoundKey] = []
        self.notes: list[str] = []
        self._places: dict[str, str | None] = {}

    def read_or_note(
        self, read: Callable[[Path], dict[str, Any]], path: Path
    ) -> dict[str, Any]:
        """Return what `read` finds in a file; adds a note if it can't be used."""
        try:
            return read(path)
        except Unreadable as error:
            self.notes.append(str(error))
            return {}

    def provider(self, source: str, name: str, base_url: str) -> str | None:
        """Return the base URL for this provider's key; empty if none is set.

        Returns None if it isn't RunAPI, by name or by host: another service's key must
        not be sent to RunAPI, nor RunAPI's key to an address that isn't understood.
        """
        if not is_runapi(name) and not is_home(base_url):
            return None
        place: str | None = None
        try:
            place = _place(base_url)
        except ValueError as error:
            self.notes.append(f"{source} is not used: {error}")
        if place and not is_home(place):
            self.notes.append(
                f"{source} is not at runapi.ai: its key belongs to {one_line(place, 80)}."
            )
        self._places.setdefault(name.strip().casefold(), place)
        return place

    def place(self, name: str) -> str | None:
        """Return what `provider` returned for the first one of that name.

        A RunAPI that isn't set up has no base URL of its own.
        """
        default = "" if is_runapi(name) else None
        return self._places.get(name.strip().casefold(), default)

    def key(self, source: str, api_key: str, base_url: str | None) -> None:
        """Add a key, unless it is blank or known already."""
        if base_url is None or not api_key.strip():
            return
        unset = re.search(_REFERENCE, api_key)
        if unset:
            self.notes.append(f"{source} is not used: {one_line(unset[0])} is not set.")
            return
        key = FoundKey(source, self.kind, api_key.strip(), base_url)
        for known in self.found:
            if known.api_key == key.api_key and known.base_url == key.base_url:
                return
        self.found.append(key)

    def variables(self, path: Path, variables: Mapping[str, str]) -> None:
        """Add RUNAPI_API_KEY, which needs no provider: its name says whose it is."""
        key = variables.get("RUNAPI_API_KEY", "")
        if not key:
            return
        source = shown(path, "RUNAPI_API_KEY")
        base_url = self.place("runapi")
        own = variables.get("RUNAPI_BASE_URL", "")
        if own and base_url is not None:
            base_url = self.provider(source, "runapi", own)
        self.key(source, key, base_url)


def _place(base_url: str) -> str:
    """Return a provider's base URL; empty if none is set. Raises ValueError."""
    unset = re.search(_REFERENCE, base_url)
    if unset:
        raise ValueError(f"{one_line(unset[0])} in its base URL is not set.")
    if not base_url.strip():
        return ""
    return canonical(base_url)


def is_runapi(name: str) -> bool:
    """Return whether a provider's name is RunAPI's own."""
    return name.strip().casefold() == "runapi"


def is_home(base_url: str) -> bool:
    """Return whether the host is RunAPI's own."""
    try:
        host = urlsplit(base_url.strip()).hostname or ""
    except ValueError:
        return False
    return host == "runapi.ai" or host.endswith(".runapi.ai")
