"""Keys in the settings of other tools, and which of them belong to RunAPI."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from tui.service.base_url import DEFAULT_BASE_URL, canonical
from tui.settings import confirmed_hosts
from tui.settings.keyfiles.files import Unreadable, shown
from tui.text import mask, one_line

Read = Callable[[Mapping[str, str]], str]
"""Reads a setting, with the variables that it may use."""
_REFERENCE = r"\$\{[^}]{0,60}\}?"
FOR_HOME = (
    "its key is in a variable that isn't named RUNAPI_…, and such a variable is sent to"
    " runapi.ai only."
)
_OWN = "RUNAPI_"
"""How the names of variables begin that may be sent to another host."""


class FoundKey(Struct, frozen=True):
    """One key in one place. It doesn't show in a representation."""

    source: str
    """For people: `RUNAPI_API_KEY`, `~/.openclaw/openclaw.json (provider runapi)`."""
    kind: str
    """`environment`, `runapi`, `openclaw` or `hermes`."""
    api_key: str
    base_url: str = ""
    """The base URL that belongs to the key; empty if none is set there."""
    file: Path | None = None
    """The file that names both, if it is another tool's."""
    is_for_home: bool = False
    """Whether it may be sent to RunAPI's own hosts only.

    Then it is the value of a variable that another tool's settings chose.
    """

    @property
    def asks_first(self) -> bool:
        """Whether its base URL, named by another tool, has still to be confirmed."""
        if self.file is None or not self.base_url or is_home(self.base_url):
            return False
        return not confirmed_hosts.is_confirmed(self.file, self.base_url)

    def is_like(self, other: "FoundKey") -> bool:
        """Return whether both are the same key for the same service."""
        return (self.api_key, self.base_url) == (other.api_key, other.base_url)

    def __repr__(self) -> str:
        return f"FoundKey({self.source!r}, {mask(self.api_key)!r}, {self.base_url!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [
            ("source", self.source),
            ("api_key", mask(self.api_key)),
            ("base_url", self.base_url),
        ]


class FoundKeys:
    """The keys of one tool, and why others can't be used.

    `known` are the variables that its settings may name.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.found: list[FoundKey] = []
        self.notes: list[str] = []
        self.lacks_file = False
        self.known: Mapping[str, str] = {}
        self._places: dict[str, str | None] = {}

    def read_or_note(
        self, read: Callable[[Path], dict[str, Any]], path: Path
    ) -> dict[str, Any]:
        """Return what `read` finds in a file; adds a note if it can't be used."""
        try:
            return read(path)
        except Unreadable as error:
            self.lacks_file = True
            self.note(str(error))
            return {}

    def note(self, note: str) -> None:
        """Add a note, once."""
        if note not in self.notes:
            self.notes.append(note)

    def note_double(self, path: Path, name: str) -> None:
        """Add a note that a file has a name twice, if there is one."""
        if name:
            self.note(
                f"{shown(path)} sets {one_line(name, 40)} twice: the last counts."
            )

    def base_url(self, find: Read) -> str:
        """Return a base URL, with its variables filled in.

        Any variable may stand for RunAPI's own, and RUNAPI_..._URL for another: a host
        must not be told what else the environment holds, and a key must not be shown.
        """
        whole = find(self.known)
        try:
            if canonical(whole) == DEFAULT_BASE_URL:
                return whole
        except ValueError:
            pass
        urls = {
            name: value
            for name, value in self.known.items()
            if name.startswith(_OWN) and name.endswith("_URL")
        }
        return find(urls)

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
            self.note(f"{source} is not used: {error}")
        if place and not is_home(place):
            self.note(
                f"{source} is not at runapi.ai: its key belongs to {one_line(place, 80)}."
            )
        self._places.setdefault(name.strip(), place)
        return place

    def place(self, name: str) -> str | None:
        """Return what `provider` returned for the first one of that name.

        One that is spelled the same comes before one that only differs in capitals. A
        RunAPI that isn't set up has no base URL of its own.
        """
        name = name.strip()
        for known in (name, *self._places):
            if known in self._places and known.casefold() == name.casefold():
                return self._places[known]
        return "" if is_runapi(name) else None

    def key(self, source: str, path: Path, find: Read, base_url: str | None) -> None:
        """Add the key that `find` returns, unless it is blank or known already.

        For another host than RunAPI's own, `find` gets only variables named RUNAPI_...
        """
        if base_url is None:
            return
        own = {name: self.known[name] for name in self.known if name.startswith(_OWN)}
        api_key = find(own).strip()
        whole = find(self.known).strip()
        is_for_home = False
        if is_home(base_url or DEFAULT_BASE_URL):
            is_for_home = api_key != whole
            api_key = whole
        unset = re.search(_REFERENCE, api_key)
        if api_key != whole and (unset or not api_key):
            self.note(f"{source} is not used: {FOR_HOME}")
            return
        if unset:
            self.note(f"{source} is not used: {one_line(unset[0])} is not set.")
            return
        key = FoundKey(source, self.kind, api_key, base_url, path, is_for_home)
        if api_key and not any(known.is_like(key) for known in self.found):
            self.found.append(key)

    def variables(self, path: Path, variables: Mapping[str, Read]) -> None:
        """Add RUNAPI_API_KEY, which needs no provider: its name says whose it is."""
        if "RUNAPI_API_KEY" not in variables:
            return
        source = shown(path, "RUNAPI_API_KEY")
        base_url = self.place("runapi")
        if "RUNAPI_BASE_URL" in variables and base_url is not None:
            own = self.base_url(variables["RUNAPI_BASE_URL"])
            if own:
                base_url = self.provider(source, "runapi", own)
        self.key(source, path, variables["RUNAPI_API_KEY"], base_url)


def _place(base_url: str) -> str:
    """Return a provider's base URL; empty if none is set. Raises ValueError."""
    unset = re.search(_REFERENCE, base_url)
    if unset:
        raise ValueError(
            f"{one_line(unset[0])} in its base URL is not set, or is no {_OWN}…_URL."
        )
    if not base_url.strip():
        return ""
    return canonical(base_url)


def is_runapi(name: str) -> bool:
    """Return whether a provider's name is RunAPI's own."""
    return name.strip().casefold() == "runapi"


def is_home(base_url: str) -> bool:
    """Return whether a base URL is RunAPI's own: runapi.ai or below it, encrypted."""
    try:
        parts = urlsplit(base_url.strip())
        host = parts.hostname or ""
    except ValueError:
        return False
    is_own_host = host == "runapi.ai" or host.endswith(".runapi.ai")
    return is_own_host and parts.scheme == "https" and "@" not in parts.netloc
