"""Keys of one's own that can't work are told."""

import re
from pathlib import Path

import pytest
from textual.binding import Binding

from tui.app import RunApp
from tui.screens.keymap import page_bindings, problems

BINDINGS = [
    Binding("ctrl+j", "x", "X", id="generate"),
    Binding("ctrl+o", "y", "Y", id="model"),
]


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
    assert sentence in " ".join(problems(keys, BINDINGS))


def test_good_keys_are_not_talked_about() -> None:
    assert list(problems({"generate": "ctrl+g,f5", "model": "f2"}, BINDINGS)) == []


def test_every_key_has_an_id_of_its_own_that_the_documents_tell() -> None:
    named = [
        b
        for b in (*RunApp.BINDINGS, *page_bindings())
        if isinstance(b, Binding) and b.id
    ]
    # A key that is called by what it does, as send, stop and watch, is one key.
    ids = [name for name, _ in {(binding.id, binding.key) for binding in named}]
    told = re.findall(r"`([^`]+)`", Path("docs/keys.md").read_text())
    assert [name for name in ids if ids.count(name) > 1] == []
    assert [name for name in ids if name not in told] == []
