"""Checks the user's own keys: Textual accepts wrong ones silently."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping

from textual.binding import Binding, BindingType
from textual.dom import DOMNode

import tui.screens
import tui.widgets
from tui.text import by_count, did_you_mean, one_line

_SHOWN = 3
"""Unknown ids that have a sentence of their own."""
_MOST_KEYS = 20
"""Of one id."""


def problems(keys: Mapping[str, str]) -> list[str]:
    """Returns a sentence for each of the user's keys that can't work."""
    # All pages are loaded for this: only where there are keys to check.
    return list(problems_with(keys, all_bindings())) if keys else []


def problems_with(
    keys: Mapping[str, str], bindings: Iterable[BindingType]
) -> Iterator[str]:
    """Yields a sentence for each of the keys that these bindings can't take."""
    ids = {
        binding.id
        for binding in bindings
        if isinstance(binding, Binding) and binding.id
    }
    unknown = [name for name in keys if name not in ids]
    for name in unknown[:_SHOWN]:
        yield f"{_entry(name)}: there is no such key id. {did_you_mean(name, ids)}".rstrip()
    if len(unknown) > _SHOWN:
        yield by_count(
            len(unknown) - _SHOWN,
            "[keys]: 1 more id is unknown; docs/keys.md lists them all.",
            "[keys]: {count} more ids are unknown; docs/keys.md lists them all.",
        )
    users: dict[str, str] = {}
    for name, value in keys.items():
        problem = _problem(name, value, users) if name in ids else ""
        if problem:
            yield problem


def _problem(name: str, value: str, users: dict[str, str]) -> str:
    """Returns what is wrong with the keys of one id, or nothing; adds it to `users`."""
    for key in (part.strip() for part in value.split(",", _MOST_KEYS)):
        if not key or key.endswith("+") or "," in key:
            return f"{_entry(name)}: {one_line(value, 60)!r} is not a key."
        user = users.setdefault(key, name)
        if user != name:
            return f"{_entry(name)}: the key {one_line(key, 60)} is already used by {user}."
    return ""


def _entry(name: str) -> str:
    return f"[keys] {one_line(name, 60)}"


def all_bindings() -> Iterator[BindingType]:
    """Yields the bindings of the app and of all pages and widgets; imports them all."""
    for package in (tui.screens, tui.widgets):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    for place in dict.fromkeys(_subclasses(DOMNode)):
        if place.__module__.startswith("tui."):
            yield from vars(place).get("BINDINGS", ())


def _subclasses(parent: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for child in parent.__subclasses__():
        yield child
        yield from _subclasses(child)
