"""Keys as terminals send them."""

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.message import Message
from textual.widgets import Input, TextArea

from tui.terminal.keyboard import Keyboard


def pressed(data: str) -> events.Key:
    """Returns the one key that a terminal's bytes mean."""
    keyboard = Keyboard()
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


@pytest.mark.parametrize("text", ["👩\u200d👩\u200d👧", "می\u200cخواهم"])
async def test_typed_joiners_are_part_of_the_text(text: str) -> None:
    class Fields(App[None]):
        def compose(self) -> ComposeResult:
            yield TextArea()
            yield Input()

    app = Fields()
    async with app.run_test() as pilot:
        for field in (app.query_one(TextArea), app.query_one(Input)):
            field.focus()
            await pilot.pause()
            for message in Keyboard().feed(text):
                field.post_message(message)
            await pilot.pause()
        assert app.query_one(TextArea).text == text
        assert app.query_one(Input).value == text
