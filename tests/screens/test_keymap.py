"""Keys of one's own that can't work are told."""

import re
from pathlib import Path

import pytest
from textual.binding import Binding

import tui.app  # noqa: F401 (its keys are among all)
from tests.app import TestApp, past
from tui.screens.help import SECTIONS
from tui.screens.keymap import Reach, all_bindings, check
from tui.widgets.key_texts import key_name

ROOT = Path(__file__).parents[2]

BINDINGS = (
    Binding("ctrl+j", "x", "X", id="generate"),
    Binding("ctrl+o", "y", "Y", id="model"),
)
HERE = [Reach(BINDINGS)]


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
    assert sentence in " ".join(check(keys, HERE).problems)


def test_good_keys_are_not_talked_about() -> None:
    assert check({"generate": "ctrl+g,f5", "model": "f2"}, HERE).problems == []


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"generate": "cntrl+x"}, "there is no key cntrl+x. Did you mean ctrl?"),
        ({"generate": "F99"}, "there is no key F99."),
        ({"generate": "F6"}, "there is no key F6. Use f6."),
        ({"generate": "ctrl+shift+g"}, "send ctrl+shift+g as ctrl+g."),
        ({"generate": "ctrl+G"}, "send ctrl+G as ctrl+g."),
        ({"generate": "shift+g"}, "send shift+g as G."),
        ({"generate": "ctrl+i"}, "send ctrl+i as tab."),
        ({"generate": "ctrl+m"}, "send ctrl+m as enter."),
        ({"generate": "ctrl+h"}, "send ctrl+h as backspace."),
        ({"generate": "ctrl+1"}, "most terminals don't send ctrl+1."),
        ({"generate": "ctrl+c"}, "ctrl+c copies the selected text."),
        ({"generate": "g"}, "g writes into the text while you write."),
        ({"generate": "/"}, "/ writes into the text while you write."),
        ({"generate": "ctrl+a"}, "ctrl+a edits the text while you write."),
        ({"generate": "ctrl+o"}, "ctrl+o is already used by model, which has no other"),
        ({"model": "ctrl+q"}, "ctrl+q is already used by quit"),
        ({"model": "ctrl+p"}, "ctrl+p is already used by palette"),
        ({"retry": "u"}, "u is already used by reuse"),
        ({"sooner": "ctrl+t"}, "ctrl+t is already used by queue"),
    ],
    ids=lambda value: " ".join(value.values()) if isinstance(value, dict) else "",
)
def test_a_key_that_cannot_work_in_the_app_is_told(
    keys: dict[str, str], sentence: str
) -> None:
    (told,) = check(keys).problems
    assert told.startswith(f"[keys] {next(iter(keys))}: ")
    assert sentence in told


@pytest.mark.parametrize(
    "keys",
    [
        {"generate": "ctrl+g", "pick": "f3"},
        {"history": "f9"},
        {"reuse": "B", "edit": "D"},
        {"generate": "ctrl+j,g"},
        {"zoom": "alt+z"},
        {"next-result": "]"},
    ],
    ids=lambda keys: " ".join(keys),
)
def test_keys_that_work_in_the_app_are_not_talked_about(keys: dict[str, str]) -> None:
    assert check(keys).problems == []


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


def test_help_has_no_ids_that_do_not_exist() -> None:
    ids = {binding.id for binding in ALL if isinstance(binding, Binding)}
    listed = {key_id for row in SECTIONS.values() for key_id in row.split()}
    assert listed - ids == set()


def test_every_key_id_is_one_key_that_the_documents_tell() -> None:
    # A key that is called by what it does, as send, stop and watch, is one key.
    named = {(b.id, b.key) for b in ALL if isinstance(b, Binding) and b.id}
    ids = [name for name, _ in named]
    twice = {name for name in ids if ids.count(name) > 1}
    assert twice == {"help"}  # ? where no text is edited
    assert [name for name in ids if name not in TOLD] == []


MOVING = {"up", "down", "left", "right", "home", "end", "pageup", "pagedown", *"hjklgG"}
"""Keys that move, in a list or over a picture."""
SAME = {
    "Send": "Generate",
    "Filter": "Search",
    "History": "Search",
    "Newest image": "Newest",
    "Watch": "Stop",
}
"""Labels of one meaning."""
SEVERAL = {
    "enter": "the obvious, whatever has the focus",
    "escape": "one level back, or no to a question, or out of the first page",
    "f2": "the page for a key comes before there is a layout",
    "i": "all about what is shown, as facts beside an image",
    "y": "yes is what everyone tries; on text pages it copies",
    "ctrl+r": "again goes to the prompt before, as in a shell",
    "n": "no is what everyone tries",
    "s": "no task allows more than one of them; images stand side by side",
    "d": "compared images have nothing to drop; it shows the difference",
    "b": "compares, and blinks where images are compared",
    "space": "pages through text, as in a pager, and through compared images",
    "ctrl+j": "sends, or saves what waits to be sent",
    "f5": "as ctrl+j",
    "f6": "in the form, as alt+u; marks among files, where no form is in reach",
    "plus": "sizes where there are pictures, at once in the queue",
    "minus": "sizes where there are pictures, at once in the queue",
    "shift+down": "moves: a task in the queue, a zoomed picture by its height",
    "shift+up": "moves: a task in the queue, a zoomed picture by its height",
}
"""Keys that may have several meanings, and why."""


def test_a_key_means_the_same_on_every_page() -> None:
    meanings: dict[str, set[str]] = {}
    for binding in Binding.make_bindings(ALL):
        if binding.id and binding.key not in MOVING:
            label = SAME.get(binding.description, binding.description)
            meanings.setdefault(binding.key, set()).add(label)
    several = {key for key, labels in meanings.items() if len(labels) > 1}
    assert several == set(SEVERAL)


@pytest.mark.parametrize(
    ("keys", "kept"),
    [
        ({"generate": "ctrl+i", "model": "alt+m"}, {"model": "alt+m"}),
        ({"help": "ctrl+shift+h"}, {}),
        ({"generate": "ctrl+g"}, {}),
        (
            {"generate": "ctrl+g", "pick": "alt+p"},
            {"generate": "ctrl+g", "pick": "alt+p"},
        ),
        ({"generate": "ctrl+g", "pick": "ctrl+i"}, {}),
        ({"nothing": "f7"}, {}),
    ],
    ids=lambda value: " ".join(value),
)
def test_a_key_that_cannot_work_leaves_the_default(
    keys: dict[str, str], kept: dict[str, str]
) -> None:
    checked = check(keys)
    assert checked.keys == kept
    for name in keys:
        if name not in kept and name != "nothing":
            told = next(each for each in checked.problems if f"[keys] {name}:" in each)
            assert "The default stays: " in told


async def test_the_app_works_by_the_default_of_a_key_that_cannot_work() -> None:
    own = {"queue": "ctrl+i", "generate": "ctrl+g", "help": "alt+m", "undo": "B"}
    app = TestApp(keys=own)
    app.remember(past("a fox"))
    async with app.running(120, 36) as pilot:
        await app.sees("^j Generate", "^t Queue", "alt+m Help")
        problems = [told for told in app.told if "[keys]" in told]
        assert len(problems) == 2
        assert any("The default stays: ctrl+j, F5." in told for told in problems)
        await pilot.press("ctrl+t", "c")
        await app.sees("B brings it back")
        await pilot.press("B")
        await app.sees("Brought back 1 task.", without="B brings it back")


async def test_texts_written_at_mount_name_keys_of_ones_own() -> None:
    own = {"generate": "alt+m", "prompts": "alt+p"}
    app = TestApp(keys=own)
    async with app.running(120, 36):
        await app.sees("Describe the image, then press alt+m", "Press alt+p to choose")


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("ctrl+shift+h", "ctrl+shift+h"),
        ("shift+ctrl+f5", "ctrl+shift+F5"),
        ("alt+slash", "alt+/"),
        ("pagedown", "page down"),
    ],
)
def test_a_key_is_named_as_people_know_it(key: str, name: str) -> None:
    assert key_name(key) == name
    if "shift" in key:
        assert TestApp().get_key_display(Binding(key, "x")) == name


def test_many_unknown_ids_are_counted() -> None:
    keys = {f"unknown-{number}": "x" for number in range(20_000)}
    found = list(check(keys, HERE).problems)
    assert len(found) == 4
    assert "19,997 more ids are unknown" in found[-1]


def test_an_id_with_many_keys_is_told_once() -> None:
    found = check({"generate": "," * 100_000}, HERE).problems
    assert len(found) == 1
