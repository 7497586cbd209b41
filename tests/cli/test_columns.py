"""Two columns for people: they never run together, however long or wide a text is."""

import sys

import pytest
from rich.cells import cell_len

from tui.cli import columns
from tui.cli.output import recipe_facts
from tui.images.recipes import Recipe

NAMES = {
    "short": "Steps",
    "long": "Distilled CFG Scale",
    "longest": "a name of a parameter " * 9,
    "wide": "負のプロンプトの強さを決める値",
    "emoji": "👍🏽 ❤️ 👨‍👩‍👧 ❤️‍🔥 1️⃣ 🇩🇪 🏳️‍🌈",
    "marks": "e\u0301te\u0301 \u200bx",
}


def facts(name: str, value: str) -> str:
    recipe = Recipe(source="a1111", model="m", other={"a": "b", name: value})
    return recipe_facts(recipe)


@pytest.mark.parametrize("name", NAMES.values(), ids=list(NAMES))
def test_between_the_columns_are_two_spaces(name: str) -> None:
    *_, before, last = facts(name, "3.5").splitlines()
    assert last.endswith("  3.5")
    start = columns.cells(last) - len("3.5")
    assert columns.cells(before) - len("b") == start


@pytest.mark.parametrize("text", [*NAMES["emoji"].split(), *NAMES.values(), "❤", "☺︎"])
def test_a_text_has_as_many_cells_as_in_the_app(text: str) -> None:
    assert columns.cells(text) == cell_len(text)


def test_an_emoji_stays_whole_at_the_end_of_a_line() -> None:
    assert list(columns.wrapped("❤️❤️👍🏽❤️‍🔥", 3)) == ["❤️", "❤️", "👍🏽", "❤️‍🔥"]


@pytest.mark.parametrize("width", [12, 30, 40, 80])
@pytest.mark.parametrize("name", NAMES.values(), ids=list(NAMES))
def test_a_narrow_terminal_gets_lines_that_fit(
    name: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    value = "一二三四五六七八九十" * 9 + " and some words, with commas, to the end"
    lines = facts(name, value).splitlines()
    assert all(columns.cells(line) <= width for line in lines)
    everything = "".join("".join(line.split()) for line in lines)
    assert "".join(value.split()) in everything or width > 12
    for word in ("commas", "end"):
        assert word in everything


def test_what_is_unsure_is_a_row() -> None:
    text = recipe_facts(Recipe(source="comfyui", note="Check it."))
    assert text.splitlines()[-1] == "note            Check it."
