"""Checks the user's own keys: Textual accepts wrong ones silently."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping

from textual.binding import Binding, BindingType
from textual.dom import DOMNode

import tui.screens
import tui.widgets
from tui.text import did_you_mean, one_line


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
    users: dict[str, str] = {}
    for name, value in keys.items():
        entry = f"[keys] {one_line(name, 60)}"
        if name not in ids:
            hint = did_you_mean(name, ids)
            yield f"{entry}: there is no such key id. {hint}".rstrip()
            continue
        for key in (part.strip() for part in value.split(",")):
            shown = one_line(key, 60)
            if not key or key.endswith("+"):
                yield f"{entry}: {one_line(value, 60)!r} is not a key."
                continue
            user = users.setdefault(key, name)
            if user != name:
                yield f"{entry}: the key {shown} is already used by {user}."


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
