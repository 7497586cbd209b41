"""The user's own keys: what Textual takes without a word and would leave a binding
without its key.
"""

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
    known = {
        binding.id: binding
        for binding in bindings
        if isinstance(binding, Binding) and binding.id
    }
    taken: dict[str, str] = {}
    for name, wanted in keys.items():
        shown = one_line(name, 60)
        if name not in known:
            hint = did_you_mean(name, known)
            yield f"[keys] {shown}: there is no such key id. {hint}".rstrip()
            continue
        for key in wanted.split(","):
            if not key.strip() or key.strip().endswith("+"):
                yield f"[keys] {shown}: {one_line(wanted, 60)!r} is no key."
            elif taken.setdefault(key.strip(), name) != name:
                yield (
                    f"[keys] {shown}: {one_line(key, 60)} is taken by"
                    f" {taken[key.strip()]} already."
                )


def all_bindings() -> Iterator[BindingType]:
    """Yields the bindings of the app and of every page and widget; loads all of them."""
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
