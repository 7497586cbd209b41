"""Says in plain words why a file of models can't be used, and in which line."""

import re
from collections.abc import Callable

from tui.text import one_line

_TYPES = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
}
"""What msgspec calls the types of values."""
_PLACE = r"(?: - at (?:`key` in )?`(?P<place>.*)`)?"


def _invalid(found: re.Match[str]) -> str:
    name = _name(found["place"])
    return f"{found['value']} is nothing that {name} can have"


def _mistyped(found: re.Match[str]) -> str:
    wanted = [_type(word) for word in found["wanted"].split(" | ") if word != "null"]
    given = _type(found["given"])
    return f"{_name(found['place'])} is {given}, but has to be {' or '.join(wanted)}"


def _missing(found: re.Match[str]) -> str:
    return f"{found['name']} is missing in {_name(found['place'])}"


def _unknown(found: re.Match[str]) -> str:
    return f"{found['name']} is no known key of {_name(found['place'])}"


def _own(found: re.Match[str]) -> str:
    """Return a reason of this program's own, without the place."""
    return found["why"]


_FORMS: dict[str, Callable[[re.Match[str]], str]] = {
    rf"Invalid enum value (?P<value>.*?){_PLACE}": _invalid,
    rf"Expected `(?P<wanted>.*?)`, got `(?P<given>.*?)`{_PLACE}": _mistyped,
    rf"Object missing required field `(?P<name>.*?)`{_PLACE}": _missing,
    rf"Object contains unknown field `(?P<name>.*?)`{_PLACE}": _unknown,
    r"(?P<why>.+) - at `[^`]*`": _own,
}


def plain_reason(error: Exception) -> str:
    """Return why a file can't be read or used."""
    if isinstance(error, UnicodeDecodeError):
        return "a byte is not UTF-8: save the file as UTF-8"
    reason = one_line(getattr(error, "strerror", None) or error)
    for form, words in _FORMS.items():
        found = re.fullmatch(form, reason)
        if found:
            return words(found)
    return reason


def place_of(error: Exception, text: str) -> str:
    """Return `:7` where the error is about line 7 of the file, or nothing.

    The reasons of msgspec name words of the file, but hardly ever a line.
    """
    if isinstance(error, UnicodeDecodeError):
        lines = error.object.count(b"\n", 0, error.start)
        return f":{lines + 1}"
    reason = one_line(error)
    if found := re.search(r"line (\d+)", reason):
        return f":{found[1]}"
    quoted = re.findall(r"[`']([^`'$]+)[`']", reason)
    # What is missing stands nowhere; the table that misses it is named last.
    words = [] if "missing" in reason else quoted
    words += reversed(re.findall(r"\w{3,}", reason))
    code = re.sub("#.*", "", text)
    for word in words:
        found = re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", code)
        if found:
            return f":{code.count(chr(10), 0, found.start()) + 1}"
    return ""


def _name(place: str | None) -> str:
    """Return the last key of a place such as `$.models[0].routes`."""
    names = re.findall(r"\.([\w-]+)", re.sub(r"\[.*?\]", "", place or ""))
    return names[-1] if names else "the file"


def _type(word: str) -> str:
    return _TYPES.get(word, word)
