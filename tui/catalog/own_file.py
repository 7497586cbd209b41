"""What a family file of the user's own may hold: text that is inert, and not too much."""

from typing import Any

from tui.system.toml_file import parse_toml
from tui.text import inert, one_line

MOST_BYTES = 100_000
"""The largest file; the bundled ones have less than a tenth of that."""
MOST_ENTRIES = 200
"""In a table or a list."""
_MOST_CHARACTERS = 2000
_SENTENCES = {
    *("name", "provider", "service", "about", "prices_as_of"),
    *("slug", "action", "title", "label", "help", "why"),
}
"""Keys of what is shown on one line, and cut there."""


def cleaned(text: str) -> dict[str, Any]:
    """Return the tables of a file, with all text made inert. Raises ValueError."""
    tables = parse_toml(text)
    result: dict[str, Any] = _cleaned("the file", tables)
    return result


def _cleaned(key: str, value: Any) -> Any:
    if isinstance(value, str):
        return one_line(value, _MOST_CHARACTERS) if key in _SENTENCES else inert(value)
    if isinstance(value, list):
        _check_size(key, value)
        return [_cleaned(key, item) for item in value]
    if isinstance(value, dict):
        _check_size(key, value)
        return _cleaned_table(value)
    return value


def _cleaned_table(table: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in table.items():
        name = one_line(key, _MOST_CHARACTERS)
        if not name:
            raise ValueError("a key has no name")
        if name in result:
            raise ValueError(f"two keys look the same: {name}")
        result[name] = _cleaned(name, value)
    return result


def _check_size(key: str, entries: Any) -> None:
    if len(entries) > MOST_ENTRIES:
        raise ValueError(
            f"{key} has {len(entries):,} entries, more than {MOST_ENTRIES}"
        )
