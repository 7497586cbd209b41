"""Keys of one's own that can't work are told."""

import re
from pathlib import Path

import pytest
from textual.binding import Binding

import tui.app  # noqa: F401 (its keys are among all)
from tui.screens.keymap import all_bindings, problems_with

ROOT = Path(__file__).parents[2]

BINDINGS = [
    Binding("ctrl+j", "x", "X", id="generate"),
    Binding("ctrl+o", "y", "Y", id="model"),
]


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"genrate": "ctrl+g"}, "Did you mean generate?"),
        ({"generate": ""}, "is not a key"),
        ({"generate": "ctrl+"}, "is not a key"),
        ({"generate": "ctrl+g", "model": "f2,ctrl+g"}, "already used by generate"),
    ],
    ids=["misspelt", "empty", "unfinished", "taken"],
)
def test_what_cannot_work_is_told(keys: dict[str, str], sentence: str) -> None:
    assert sentence in " ".join(problems_with(keys, BINDINGS))


def test_good_keys_are_not_talked_about() -> None:
    assert list(problems_with({"generate": "ctrl+g,f5", "model": "f2"}, BINDINGS)) == []


ALL = list(all_bindings())
TOLD = set(re.findall(r"`([^`]+)`", (ROOT / "docs/keys.md").read_text("utf-8")))


def test_keys_of_the_app_of_pages_and_of_parts_within_them_are_known() -> None:
    ids = {binding.id for binding in ALL if isinstance(binding, Binding)}
    assert {"quit", "generate", "take-source", "grid-back", "inspect-top"} <= ids


def test_every_binding_says_what_it_is() -> None:
    """No tuples: they can have neither an id nor a tooltip."""
    assert [binding for binding in ALL if not isinstance(binding, Binding)] == []


@pytest.mark.parametrize(
    "shown",
    [b for b in ALL if isinstance(b, Binding) and b.show],
    ids=lambda shown: str(shown.id),
)
def test_a_key_in_the_footer_has_an_id_a_tooltip_and_a_line_in_the_documents(
    shown: Binding,
) -> None:
    assert shown.id
    assert shown.tooltip
    assert shown.id in TOLD


def test_every_key_id_is_one_key_that_the_documents_tell() -> None:
    # A key that is called by what it does, as send, stop and watch, is one key.
    named = {(b.id, b.key) for b in ALL if isinstance(b, Binding) and b.id}
    ids = [name for name, _ in named]
    assert [name for name in ids if ids.count(name) > 1] == []
    assert [name for name in ids if name not in TOLD] == []


def test_many_unknown_ids_are_counted() -> None:
    keys = {f"unknown-{number}": "x" for number in range(20_000)}
    found = list(problems_with(keys, BINDINGS))
    assert len(found) == 4
    assert "19,997 more ids are unknown" in found[-1]


def test_an_id_with_many_keys_is_told_once() -> None:
    found = list(problems_with({"generate": "," * 100_000}, BINDINGS))
    assert len(found) == 1
