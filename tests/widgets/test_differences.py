"""What differs in several pictures: values, and of long texts the words."""

from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.app import past
from tui.tasks.task import Result, Task
from tui.widgets.differences import (
    Difference,
    differences,
    differences_table,
    differing_words,
)

FOX = "a red fox in deep snow, at dawn, seen from far away"


def title_of(task: Task) -> str:
    return task.model.upper()


def made(width: int = 1024, **fields: Any) -> tuple[Task, int]:
    values = fields.pop("values", {"prompt": FOX, "seed": 1})
    result = Result(url="", path="/tmp/a.png", width=width, height=1024)
    return past("", values=values, results=(result,), **fields), 0


def rows(*pictures: tuple[Task, int]) -> dict[str, tuple[str, ...]]:
    return {row.name: row.values for row in differences(pictures, title_of)}


def test_what_is_the_same_is_not_listed() -> None:
    assert rows(made(), made()) == {}
    assert rows(made(), made(), made(values={"prompt": FOX, "seed": 2})) == {
        "seed": ("1", "1", "2")
    }


def test_all_that_may_differ_is_listed_in_order() -> None:
    other = made(
        2048,
        model="z-image",
        action="remix_image",
        cost_micro=90_000,
        values={
            "prompt": FOX.replace("red", "blue"),
            "aspect_ratio": "16:9",
            "images": ["a", "b"],
        },
    )
    assert rows(made(), other) == {
        "prompt": ("red", "blue"),
        "model": ("FLUX-2-PRO-TEXT-TO-IMAGE", "Z-IMAGE"),
        "action": ("text to image", "remix image"),
        "seed": ("1", "–"),
        "size": ("1024×1024", "2048×1024"),
        "cost": ("$0.05", "$0.09"),
        "aspect ratio": ("–", "16:9"),
        "images": ("–", "a, b"),
    }


def test_a_result_that_is_not_there_has_no_size() -> None:
    task, _ = made()
    assert rows((task, 0), (task, 7)) == {"size": ("1024×1024", "–")}


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ((FOX, FOX.replace("red", "blue")), ["red", "blue"]),
        (("a fox", "a fox, oil painting"), ["", "oil painting"]),
        (("a red fox in deep snow", "a fox in snow"), ["red … deep", ""]),
        (("a b c", "a x c", "a b c", "a b y"), ["b c", "x", "b c", "y"]),
        (("霧の森の赤い鳥居", "霧の森の青い鳥居"), ["赤", "青"]),
        (("", "a fox"), ["", "a fox"]),
        (("a fox", "a fox"), ["", ""]),
    ],
)
def test_only_the_words_that_differ_are_left(
    texts: tuple[str, ...], words: list[str]
) -> None:
    assert differing_words(texts) == words


def test_texts_that_differ_by_a_sign_alone_are_shown_as_they_are() -> None:
    one = {"prompt": f"{FOX}.", "seed": 1}
    assert rows(made(), made(values=one))["prompt"] == (FOX, f"{FOX}.")


def test_long_hostile_texts_are_bounded_and_inert() -> None:
    many = " ".join(f"w{number}" for number in range(50_000))
    nasty = "\x1b]52;c;aGk=\x07[/red]\u202e" + "\n" * 9 + "x" * 9_000
    found = rows(made(values={"prompt": many}), made(values={"prompt": nasty}))
    assert all(len(text) <= 120 for text in found["prompt"])
    assert "\x1b" not in str(found)
    assert "\n" not in "".join(found["prompt"])


def text_of(table: Any, width: int) -> list[str]:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(table)
    return [line.rstrip() for line in captured.get().splitlines()]


def test_the_table_fits_whatever_its_texts_are() -> None:
    wide = Difference("prompt", ("霧の森" * 30, "a fox", "–") * 3)
    seeds = Difference("seed", tuple("123456789"))
    for width in (60, 80, 200):
        table = differences_table([wide, seeds], 9, 1, width)
        lines = text_of(table, width)
        assert all(cell_len(line) <= width for line in lines)
        assert lines[0].split() == ["1", "▸2", *"3456789"]
        assert lines[-1].split() == ["seed", *"123456789"]
        assert len(lines) <= 6


def test_without_a_difference_a_sentence_says_so() -> None:
    assert text_of(differences_table([], 2, 0, 80), 80) == ["Same request."]
