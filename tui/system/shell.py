"""Quotes words of commands that people copy: the same word in every shell.

That is a POSIX shell, bash, dash, zsh with any of its options, and fish.
"""

import re
from collections.abc import Iterable

from tui.text import plain

_BARE = re.compile(r"-{0,2}[a-z0-9][\w@+./:,-]+(?:=[\w@+./-][\w@+./:,-]*)?", re.ASCII)
"""Words that no shell expands. Capitals at the start, dots and single letters are not
among them: they may be global aliases of zsh."""
_ESCAPED = re.compile(r"(\\{2,}|\\(?='|\Z)|')")
"""What fish reads differently between single quotes, or what would end them. Other
backslashes are themselves in every shell."""


def word(text: str) -> str:
    """Return a word, quoted where a shell might do something with it."""
    return text if _BARE.fullmatch(text) else quoted(text)


def quoted(text: str) -> str:
    """Return a word in quotes, without control characters: no shell spells them alike.

    Neither `!` nor a line break does anything between single quotes.
    """
    parts = _ESCAPED.split(plain(text, max(len(text), 1)))
    written: list[str] = []
    for number, part in enumerate(parts):
        if number % 2:
            written += [f"\\{character}" for character in part]
        elif part:  # '' within a word is a quote in zsh with RC_QUOTES
            written.append(f"'{part}'")
    return "".join(written) or "''"


def command(words: Iterable[str]) -> str:
    """Return a command line of these words."""
    return " ".join(map(word, words))
