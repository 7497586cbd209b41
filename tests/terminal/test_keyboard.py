"""Keys as terminals send them."""

import pytest
from textual import events
from textual.message import Message

from tui.terminal.keyboard import Keyboard


def pressed(data: str) -> events.Key:
    """Returns the one key that a terminal's bytes mean."""
    keyboard = Keyboard(late=False)
    messages: list[Message] = [*keyboard.feed(data)]
    while not messages:
        keyboard._parser.wait_no_longer()
        messages += keyboard.tick()
    (key,) = messages
    assert isinstance(key, events.Key)
    return key


@pytest.mark.parametrize("name", ["e", "1"])
def test_a_letter_with_alt_is_a_key_and_no_text(name: str) -> None:
    key = pressed(f"\x1b{name}")
    assert key.key == f"alt+{name}"
    assert not key.is_printable
    assert pressed(name).character == name
