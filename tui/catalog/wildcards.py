"""Wildcards: `__name__` in a prompt stands for each line of a file of that name.

The files are read elsewhere; this is about texts.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

NAME = r"[A-Za-z0-9-]+(?:_[A-Za-z0-9-]+)*"
"""What a wildcard's name looks like, as a pattern."""
NAMED = re.compile(rf"\\?__({NAME})__")
"""A name in a prompt; with a backslash before it, it is literal."""


class WildcardError(ValueError):
    """Why a name stands for nothing, as a sentence for the user."""


class Wildcards(Struct, frozen=True):
    """What names stand for, as it was read."""

    lines: Mapping[str, Sequence[str]] = {}
    problems: Mapping[str, str] = {}
    """Sentences about names whose lines can't be read."""

    def lines_of(self, name: str) -> Sequence[str]:
        """Returns what a name stands for. Raises WildcardError."""
        found = self.lines.get(name)
        if found:
            return found
        raise WildcardError(
            self.problems.get(name)
            or f"There is no wildcard file {name}.txt. Write \\__{name}__ for the word"
            " itself."
        )

    def have_read(self, names: Iterable[str]) -> bool:
        """Whether all of the names were looked for."""
        return all(name in self.lines or name in self.problems for name in names)


NONE = Wildcards()


def names_in(text: object) -> list[str]:
    """Returns the names of wildcards in a prompt, each once."""
    if not isinstance(text, str) or "__" not in text:
        return []
    found = (match for match in NAMED.finditer(text) if match[0][0] == "_")
    return list(dict.fromkeys(match[1] for match in found))
