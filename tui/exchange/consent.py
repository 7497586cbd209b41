"""What others named in a request, and the user has agreed to: files and callbacks.

A pasted command or path may name any file of this machine for upload, and any address to
be called. Before anything is sent, the user sees the whole name once.
"""

import os
from collections.abc import Collection, Iterable
from typing import NamedTuple

from tui.catalog.reach import Reached, reached_by
from tui.catalog.spec import Model, Values
from tui.paths import home
from tui.text import one_line

_LONGEST_NAME = 10_000


class Named(NamedTuple):
    """A file with the one that it is a link to, or a callback's address."""

    name: str
    target: str = ""
    """The real path of a file; empty for an address."""

    def describe(self) -> str:
        """Return what would happen, on one line."""
        name = one_line(self.name, _LONGEST_NAME)
        target = one_line(self.target, _LONGEST_NAME)
        if not target:
            return f"The service calls {name}"
        if target == name:
            return f"Upload {name}"
        return f"Upload {name}, a link to {target}"


class Consent:
    """Remembers for one run of the app what the user has agreed to."""

    def __init__(self) -> None:
        self._agreed: set[Named] = set()

    def needed(
        self,
        requests: Iterable[tuple[Model, Values]],
        foreign: Collection[str] | None = None,
    ) -> list[Named]:
        """Return what of some requests the user has to agree to first, in order.

        `foreign` are the texts in them that are not the user's own words; without it,
        none is. Links may be followed on slow disks: call it in a thread.
        """
        reached = {
            found
            for model, values in requests
            for found in reached_by(model, values)
            if foreign is None or found.text in foreign
        }
        return sorted({_named(found) for found in reached} - self._agreed)

    def agree(self, named: Iterable[Named]) -> None:
        """Remember that the user has agreed: to these targets, not to later ones."""
        self._agreed |= set(named)


def question(named: Collection[Named]) -> str:
    """Return what to ask the user; empty where there is nothing to ask."""
    if not named:
        return ""
    lines = "\n".join(one.describe() for one in named)
    return f"Pasted, dropped or filled in, not typed by you:\n{lines}\n"


def _named(reached: Reached) -> Named:
    if not reached.is_file:
        return Named(reached.text)
    path = os.path.abspath(home(reached.text))
    return Named(path, os.path.realpath(path))
