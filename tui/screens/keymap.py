"""Checks the user's own keys: Textual accepts wrong ones silently."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Input, TextArea

import tui.screens
import tui.widgets
from tui.screens.possible_keys import why_impossible
from tui.text import by_count, did_you_mean, one_line
from tui.widgets.key_texts import key_name, types

_SHOWN = 3
"""Unknown ids that have a sentence of their own."""
_MOST_KEYS = 20
"""Of one id."""
_PANES = {
    "MainScreen": (
        ("QueueTable",),
        ("Preview",),
        ("_ModelList", "Sidebar"),
        ("Field", "ParamForm"),
    ),
    "HistoryScreen": (("QueueTable",),),
    "HelpScreen": (("PagedText",),),
    "MessagesScreen": (("PagedText",),),
    "CopiedScreen": (("PagedText",),),
    "ModelPickerScreen": (("_ModelList", "Sidebar"),),
}
"""Widgets of other modules, by page: from the one with the focus outwards."""
_TYPED_IN = ("ParamForm", "BatchScreen", "SourcesScreen", "PaletteScreen")
"""Where a text is edited when the keys are needed."""
_KEPT = {"ctrl+c": "copies the selected text"}
"""Keys that the app keeps, and what they do."""


@dataclass(frozen=True)
class Reach:
    """The bindings that keys reach at one place: of the focus, its page and the app."""

    bindings: tuple[Binding, ...]
    edits_text: bool = False
    """Whether the focus is in a text there."""


class Checked(NamedTuple):
    """The user's keys that work, and a sentence for each of the others."""

    keys: Mapping[str, str]
    """By id; an id that isn't among them keeps its default keys."""
    problems: Sequence[str]


def check(keys: Mapping[str, str], reaches: Iterable[Reach] | None = None) -> Checked:
    """Returns which keys work in some places; without `reaches`, in all of the app."""
    if not keys:
        return Checked({}, [])
    # All pages are loaded for this: only where there are keys to check.
    places = list(all_reaches() if reaches is None else reaches)
    defaults = _defaults(places)
    own = {name: value for name, value in keys.items() if name in defaults}
    refused = _refused(own, defaults, places)
    told = [
        f"{problem} {_default_sentence(defaults[name])}"
        for name, problem in refused.items()
    ]
    good = {name: value for name, value in own.items() if name not in refused}
    return Checked(good, [*_unknown(keys, defaults), *told])


def _defaults(reaches: Iterable[Reach]) -> dict[str, list[str]]:
    """Returns the default keys of all ids."""
    defaults: dict[str, list[str]] = {}
    for reach in reaches:
        for binding in reach.bindings:
            if binding.id:
                known = defaults.setdefault(binding.id, [])
                known += [key for key in _split(binding.key) if key not in known]
    return defaults


def _default_sentence(keys: Iterable[str]) -> str:
    shown = ", ".join(key_name(key) for key in keys if not key.startswith("super+"))
    return f"The default stays: {shown}."


def _unknown(
    keys: Mapping[str, str], defaults: Mapping[str, list[str]]
) -> Iterator[str]:
    """Yields sentences for ids that don't exist."""
    unknown = [name for name in keys if name not in defaults]
    for name in unknown[:_SHOWN]:
        hint = did_you_mean(name, defaults)
        yield f"{_entry(name)}: there is no such key id. {hint}".rstrip()
    if len(unknown) > _SHOWN:
        yield by_count(
            len(unknown) - _SHOWN,
            "[keys]: 1 more id is unknown; docs/keys.md lists them all.",
            "[keys]: {count} more ids are unknown; docs/keys.md lists them all.",
        )


def _refused(
    own: Mapping[str, str],
    defaults: Mapping[str, list[str]],
    reaches: Sequence[Reach],
) -> dict[str, str]:
    """Returns what is wrong with keys, by the ids that keep their default ones."""
    refused: dict[str, str] = {}
    for name, value in own.items():
        problem = _impossible(name, value)
        if not problem:
            problem = _typed(name, value, defaults[name], reaches)
        if problem:
            refused[name] = problem
    while True:
        good = {name: _split(own[name]) for name in own if name not in refused}
        # One at a time: the default of this one may be the key of another.
        shared = next(_shared(good, defaults, reaches), None)
        if shared is None:
            return refused
        name, problem = shared
        refused[name] = problem


def _impossible(name: str, value: str) -> str:
    for key in (part.strip() for part in value.split(",", _MOST_KEYS)):
        if not key or key.endswith("+") or "," in key:
            return f"{_entry(name)}: {one_line(value, 60)!r} is not a key."
    for key in _split(value):
        if key in _KEPT:
            return f"{_entry(name)}: {key} {_KEPT[key]}. Use another key."
        problem = why_impossible(key)
        if problem:
            return f"{_entry(name)}: {problem}"
    return ""


def _typed(name: str, value: str, default: list[str], reaches: Iterable[Reach]) -> str:
    """Returns what is wrong with keys that a text would take, or nothing."""
    if all(map(types, default)):
        return ""  # meant for where no text is edited
    for reach in reaches:
        ids = {binding.id for binding in reach.bindings if not binding.priority}
        if not reach.edits_text or name not in ids:
            continue
        editing = _editing_keys() - set(default)
        for key in _split(value):
            if key in editing:
                return (
                    f"{_entry(name)}: {key} edits the text while you write."
                    " Use another key."
                )
        if all(map(types, _split(value))):
            key = one_line(value, 60)
            return (
                f"{_entry(name)}: {key} writes into the text while you write."
                " Use ctrl and a letter, or an F key."
            )
    return ""


def _shared(
    own: Mapping[str, list[str]],
    defaults: Mapping[str, list[str]],
    reaches: Iterable[Reach],
) -> Iterator[tuple[str, str]]:
    """Yields ids of the user's whose key is another id's, too, in one place."""
    in_force = {name: own.get(name, keys) for name, keys in defaults.items()}
    for reach in reaches:
        users: dict[str, str] = {}
        ids = dict.fromkeys(binding.id for binding in reach.bindings if binding.id)
        # Ids without own keys first: the sentence is about one that has some.
        for name in sorted(ids, key=lambda each: each in own):
            for key in in_force[name]:
                user = users.setdefault(key, name)
                was_so = key in defaults[name] and key in defaults[user]
                if user == name or was_so:
                    continue
                culprit, other = (name, user) if name in own else (user, name)
                yield culprit, _shared_sentence(culprit, key, other, in_force)


def _shared_sentence(
    name: str, key: str, user: str, in_force: Mapping[str, list[str]]
) -> str:
    shown = one_line(key, 60)
    if len(in_force[user]) == 1:
        return (
            f"{_entry(name)}: the key {shown} is already used by {user}, which has no"
            " other key. Use another one, or give that id a key of its own."
        )
    return (
        f"{_entry(name)}: the key {shown} is already used by {user}. Use another one,"
        " or give that id other keys."
    )


def _split(keys: str) -> list[str]:
    """Returns keys one by one, signs by their names: `/` is slash."""
    parts = (part.strip() for part in keys.split(",", _MOST_KEYS))
    made = Binding.make_bindings([Binding(part, "") for part in parts if part])
    return [binding.key for binding in made]


def _entry(name: str) -> str:
    return f"[keys] {one_line(name, 60)}"


def _editing_keys() -> set[str]:
    """Returns the keys that a text needs for itself."""
    bindings = (*Input.BINDINGS, *TextArea.BINDINGS)
    return {binding.key for binding in Binding.make_bindings(bindings)}


def all_bindings() -> Iterator[BindingType]:
    """Yields the bindings of the app and of all pages and widgets; imports them all."""
    for place in _places():
        yield from vars(place).get("BINDINGS", ())


def all_reaches() -> Iterator[Reach]:
    """Yields what keys reach from each pane of each page; imports them all."""
    places = list(_places())
    by_name: dict[str, list[type[DOMNode]]] = {}
    for place in places:
        by_name.setdefault(place.__name__, []).append(place)
    app = _bindings_of(by_name.get("RunApp", []))
    for place in places:
        if not issubclass(place, Screen):
            continue
        beside = [
            other
            for other in places
            if other.__module__ == place.__module__ and not issubclass(other, Screen)
        ]
        page = _bindings_of([*beside, *place.__mro__])
        for pane in _PANES.get(place.__name__, ((),)):
            inner = _bindings_of(part for name in pane for part in by_name[name])
            edits = {*pane, place.__name__} & {*_TYPED_IN}
            yield Reach((*inner, *page, *app), bool(edits))


def _bindings_of(places: Iterable[type]) -> tuple[Binding, ...]:
    return tuple(
        binding
        for place in places
        if place.__module__.startswith("tui.")
        for binding in vars(place).get("BINDINGS", ())
    )


def _places() -> Iterator[type[DOMNode]]:
    """Yields the app's own class, its pages and widgets."""
    for package in (tui.screens, tui.widgets):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    for place in dict.fromkeys(_subclasses(DOMNode)):
        if place.__module__.startswith("tui."):
            yield place


def _subclasses(parent: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for child in parent.__subclasses__():
        yield child
        yield from _subclasses(child)
