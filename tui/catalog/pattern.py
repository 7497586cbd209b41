"""Patterns of params: a part of regular expressions that never takes long to match."""

import re

LONGEST = 200
"""Characters that a text may have where a param has a pattern."""
_STEPS = 50_000_000
"""What matching may take at most, by a bound that is several times too high."""
_TOKEN = re.compile(
    r"""
    (?P<open>\((?:\?:)?)
    | (?P<close>\))
    | (?P<or>\|)
    | (?P<edge>[\^$])
    | (?P<repeat>[*+?]|\{(?P<low>[0-9]{1,3})(?:(?P<comma>,)(?P<high>[0-9]{1,3})?)?\})
    | (?P<one>\\[dDwWsS] | \\[^\w\s] | \[\^?\]?(?:\\.|[^\]\\\[])*\] | [^\\*+?{}()|^$\[\]])
    """,
    re.VERBOSE,
)


class PatternError(ValueError):
    """A pattern that isn't used; the text says why."""


def check_pattern(pattern: str) -> None:
    """Raise PatternError for a pattern that might take long, or is none.

    Nothing is repeated but single characters, so that the ways to match a text can be
    counted.
    """
    if len(pattern) > LONGEST:
        raise PatternError(f"it has more than {LONGEST} characters")
    if _most_steps(pattern) > _STEPS:
        raise PatternError("it could take too long: it repeats too much")
    try:
        re.compile(pattern)
    except re.error as error:
        raise PatternError(str(error)) from error


def _most_steps(pattern: str) -> int:
    """Return in how many steps a text is matched at most. Raises PatternError."""
    ways = 1 if pattern.startswith("^") and "|" not in pattern else LONGEST
    length = 1
    before = ""
    at = 0
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        if token is None:
            raise PatternError(f"{pattern[at : at + 10]!r} in it is not supported")
        if token["repeat"]:
            if before != "one":
                raise PatternError("only single characters can be repeated in it")
            ways *= _choices(token)
            length += int(token["low"] or 0)
        elif token["or"]:
            ways *= 2
        elif token["one"]:
            length += 1
        before = str(token.lastgroup)
        at = token.end()
    return ways * length


def _choices(repeat: re.Match[str]) -> int:
    """Return how many counts of a character a quantifier allows in a text."""
    if repeat[0] == "?":
        return 2
    if repeat["low"] is None or (repeat["comma"] and not repeat["high"]):
        return LONGEST
    if not repeat["comma"]:
        return 1
    return max(1, int(repeat["high"]) - int(repeat["low"]) + 1)


def matches(pattern: str, text: str) -> bool:
    """Return whether a checked pattern finds a text that doesn't end with a line feed.

    `$` in a pattern also matches before such a line feed.
    """
    if len(text) > LONGEST:
        return False
    return bool(re.search(pattern, text)) and not text.endswith("\n")
