"""A key and where it was found."""

from typing import Any

from msgspec import Struct

from tui.text import mask


class Found(Struct, frozen=True):
    """One key in one place. It is in no representation."""

    source: str
    """For people: `RUNAPI_API_KEY`, `~/.openclaw/openclaw.json (provider runapi)`."""
    kind: str
    """`environment`, `runapi`, `openclaw` or `hermes`."""
    api_key: str
    base_url: str = ""
    """The base URL that belongs to the key; empty if nothing is said there."""

    def __repr__(self) -> str:
        return f"Found({self.source!r}, {mask(self.api_key)!r}, {self.base_url!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("source", self.source), ("api_key", mask(self.api_key)), ("base_url", self.base_url)]
