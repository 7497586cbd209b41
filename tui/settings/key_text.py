"""What people paste as a key, and the key in it."""

import re

_QUOTES = (('"', '"'), ("'", "'"), ("`", "`"), ("“", "”"), ("‘", "’"))
_NAME = re.compile(r"(?:export\s+|set\s+|\$env:)?[A-Z][A-Z0-9_]*(?:KEY|TOKEN)\s*=\s*")
"""A line of a shell or of a `.env` file; keys have no capital name with `=` in front."""
_HEADER = re.compile(r"(?:authorization:\s*)?bearer\s+", re.IGNORECASE)
_LONGEST = 512
_LAYERS = 4


def valid_key(text: str) -> str:
    """Return the key, without spaces, quotes and the `NAME=` or `Bearer` before it.

    Raises ValueError for text that can't be a key; it doesn't quote the text.
    """
    key = text.strip()
    for _ in range(_LAYERS):
        bare = _without_quotes(key)
        for prefix in (_NAME, _HEADER):
            bare = prefix.sub("", bare, count=1) if prefix.match(bare) else bare
        bare = bare.strip()
        if bare == key:
            break
        key = bare
    if any(mark in key for pair in _QUOTES for mark in pair):
        raise ValueError("That is not an API key: it has quotes. Write the key alone.")
    if key.startswith("$"):
        raise ValueError(
            "That is not an API key: it names a variable, whose value wasn't filled in."
        )
    is_plain = key.isascii() and key.isprintable() and " " not in key
    if not is_plain or not 0 < len(key) <= _LONGEST:
        raise ValueError(
            "That is not an API key: it has spaces, line breaks or characters that no"
            " key has."
        )
    return key


def _without_quotes(text: str) -> str:
    for opening, closing in _QUOTES:
        if len(text) > 1 and text[0] == opening and text[-1] == closing:
            return text[1:-1].strip()
    return text
