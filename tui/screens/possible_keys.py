"""Tells keys that no terminal sends, or that mean another one."""

import re
import unicodedata

from textual.keys import KEY_TO_UNICODE_NAME, REPLACED_KEYS, Keys

from tui.text import did_you_mean, one_line

_MODIFIERS = ("ctrl", "alt", "shift", "super", "hyper", "meta")
_NAMED = {
    *(key.value for key in Keys if re.fullmatch("[a-z0-9]+", key.value)),
    *REPLACED_KEYS,
    *KEY_TO_UNICODE_NAME,
}
"""Keys that Textual knows by a name."""
_SAME = {
    "ctrl+i": "tab",
    "ctrl+m": "enter",
    "ctrl+h": "backspace",
    "ctrl+left_square_bracket": "escape",
}
"""Keys that terminals send as another one."""


def why_impossible(key: str) -> str:
    """Returns why a key can't be used, as a sentence, or nothing.

    The key is as Textual names it: a single sign by its name.
    """
    shown = one_line(key, 60)
    *modifiers, last = key.split("+")
    for modifier in modifiers:
        if modifier not in _MODIFIERS:
            hint = did_you_mean(modifier, _MODIFIERS)
            return f"there is no key {shown}. {hint}".rstrip()
    if not _is_known(last):
        lower = last.lower()
        if lower in _NAMED:
            right = "+".join([*modifiers, lower])
            return f"there is no key {shown}. Use {right}."
        return f"there is no key {shown}. {did_you_mean(last, _NAMED)}".rstrip()
    if key in _SAME:
        return f"terminals send {shown} as {_SAME[key]}. Use another key."
    return _why_unsent(set(modifiers), last, shown)


def _why_unsent(modifiers: set[str], last: str, shown: str) -> str:
    is_letter = len(last) == 1 and last.isalpha()
    if is_letter and modifiers == {"shift"}:
        return f"terminals send {shown} as {last.upper()}. Use {last.upper()}."
    if "ctrl" in modifiers and is_letter and (last.isupper() or "shift" in modifiers):
        plain = f"ctrl+{last.lower()}"
        return f"most terminals send {shown} as {plain}. Use {plain} or an F key."
    if "ctrl" in modifiers and last.isdecimal():
        return f"most terminals don't send {shown}. Use ctrl and a letter, or an F key."
    return ""


def _is_known(name: str) -> bool:
    """Returns whether a key without modifiers exists."""
    if len(name) == 1 or name in _NAMED:
        return True
    try:
        unicodedata.lookup(name.replace("_", " "))
    except KeyError:
        return False
    return name.islower()
