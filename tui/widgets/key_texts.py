"""Names keys as they are in force, whatever the user has remapped."""

from typing import Any

from textual.dom import DOMNode
from textual.keys import KEY_DISPLAY_ALIASES, format_key
from textual.screen import Screen
from textual.widgets import Input, TextArea

from tui.terminal.textual_private import keys_in_force

_NAMES = {
    "backspace": "backspace",
    "delete": "delete",
    "enter": "enter",
    "escape": "escape",
    "pagedown": "page down",
    "pageup": "page up",
}
"""Keys whose names are easier to read in a sentence than their signs."""


_TYPED = ("space", "minus")
"""Keys that write something, though Textual shows them under other names."""


def key_text(node: DOMNode, binding_id: str) -> str:
    """Returns the first key of an id, as a sentence names it: `F4`, `ctrl+j`, `z`.

    It is found on the node, on its page and on the pages below; empty if it has none.
    """
    return next(map(key_name, keys_in_force(node, binding_id)), "")


def untyped_key_text(node: DOMNode, binding_id: str) -> str:
    """Returns the first key of an id that also works while a text is edited."""
    keys = keys_in_force(node, binding_id)
    return next((key_name(key) for key in keys if not types(key)), "")


def working_key_text(node: DOMNode, binding_id: str) -> str:
    """Returns the first key of an id that works now, whether a text is edited or not.

    It is empty where all of them would write into that text.
    """
    find = untyped_key_text if is_editing(node.screen) else key_text
    return find(node, binding_id)


def is_editing(page: Screen[Any]) -> bool:
    """Returns whether the focus of a page is in a text, which takes what is typed."""
    return isinstance(page.focused, Input | TextArea)


def types(key: str) -> bool:
    """Returns whether a key writes a character into a text that is edited."""
    return key in _TYPED or (
        len(format_key(key)) == 1 and key not in KEY_DISPLAY_ALIASES
    )


def key_name(key: str) -> str:
    """Returns a key by the name that people know: `f4` is F4, `slash` is /."""
    *modifiers, last = key.split("+")
    modifiers.sort(key=lambda modifier: modifier != "ctrl")
    if is_function_key(last):
        return "+".join([*modifiers, last.upper()])
    name = _NAMES.get(last) or format_key(last)
    return "+".join([*modifiers, name])


def is_function_key(key: str) -> bool:
    """Returns whether a key is `f1` and so on."""
    return key[:1] == "f" and key[1:].isdecimal()
