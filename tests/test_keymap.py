"""Keys of one's own that can't work are told."""

import pytest
from textual.binding import Binding

from tui.keymap import key_problems

BINDINGS = [Binding("ctrl+j", "x", "X", id="generate"), Binding("ctrl+o", "y", "Y", id="model")]


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"genrate": "ctrl+g"}, "Did you mean generate?"),
        ({"generate": ""}, "is no key"),
        ({"generate": "ctrl+"}, "is no key"),
        ({"generate": "ctrl+g", "model": "f2,ctrl+g"}, "taken by generate"),
    ],
)
def test_what_cannot_work_is_told(keys: dict[str, str], sentence: str) -> None:
    assert sentence in " ".join(key_problems(keys, BINDINGS))


def test_good_keys_are_not_talked_about() -> None:
    assert list(key_problems({"generate": "ctrl+g,f5", "model": "f2"}, BINDINGS)) == []
