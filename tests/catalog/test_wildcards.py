"""`__name__` in a prompt is a group of the lines of its file."""

from typing import Any

import pytest

from tui.catalog.batch import MOST, BatchError, alternatives, count_alternatives
from tui.catalog.wildcards import Wildcards, names_in

ANIMALS = Wildcards(
    {
        "animal": ["fox", "owl"],
        "one": ["cat"],
        "nested": ["{old|young} __animal__", "a | b } c"],
        "slash": ["x\\", "y"],
        "big_cats": ["lion"],
        "loop": ["__loop__"],
        "a": ["__b__"],
        "b": ["__a__", "x"],
    }
)


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("a __animal__ runs", ["a fox runs", "a owl runs"]),
        ("{red|blue} __one__", ["red cat", "blue cat"]),
        ("{__animal__|dog}", ["fox", "owl", "dog"]),
        ("__animal____one__", ["foxcat", "owlcat"]),
        ("__big_cats__", ["lion"]),
        (r"\__animal__ and __one__", ["__animal__ and cat"]),
        (r"\__animal__", ["__animal__"]),
        (
            "{__nested__|z}",
            ["old fox", "old owl", "young fox", "young owl", "a | b } c", "z"],
        ),
        ("__slash__|", ["x\\|", "y|"]),
        ("____ __ __x", ["____ __ __x"]),
    ],
)
def test_a_name_stands_for_each_line(text: str, texts: list[str]) -> None:
    assert alternatives(text, ANIMALS) == texts
    assert count_alternatives(text, ANIMALS) == len(texts)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("an __unknown__", "no wildcard file unknown.txt"),
        ("__loop__", "loop contains itself"),
        ("__a__", "contains itself"),
    ],
)
def test_what_stands_for_nothing_is_an_error(text: str, reason: str) -> None:
    with pytest.raises(BatchError, match=reason):
        alternatives(text, ANIMALS)


def test_too_many_are_refused_before_they_are_made() -> None:
    many = Wildcards({"x": [str(number) for number in range(MOST // 2)]})
    assert count_alternatives("__x__", many) == MOST // 2
    with pytest.raises(BatchError, match="more than"):
        count_alternatives("__x__ __x__", many)
    doubling = {f"w{n}": [f"__w{n + 1}__ __w{n + 1}__"] for n in range(60)}
    with pytest.raises(BatchError, match="too long"):
        count_alternatives("__w0__", Wildcards(doubling | {"w60": ["x" * 1000]}))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("__a__", {"a": ["__b__"] * 300, "b": ["{x|}"] * 300}),
        ("__a__", {"a": ["__b__"] * 300, "b": ["x"] * 1000}),
        ("__b__" * 300, {"b": ["x"] * 1000}),
        ("{__b__|__b__}" * 300, {"b": ["x"] * 1000}),
        ("__a__", {"a": ["{x|y}"] * (MOST - 1)}),
    ],
)
def test_short_files_that_make_many_texts_are_refused_by_their_number(
    text: str, lines: dict[str, list[str]]
) -> None:
    with pytest.raises(BatchError, match="more than 10,000 texts"):
        count_alternatives(text, Wildcards(lines))


def test_a_name_is_read_once() -> None:
    class Lines(dict[str, list[str]]):
        def get(self, name: str, default: Any = None) -> Any:
            asked.append(name)
            return super().get(name, default)

    asked: list[str] = []
    lines = Lines({f"w{n}": [f"__w{n + 1}____w{n + 1}__"] for n in range(12)})
    lines["w12"] = ["a", "\\{b"]
    assert count_alternatives("__w11____w11__ __w12__", Wildcards(lines)) == 32
    assert asked == ["w11", "w12"]
    text = alternatives("__w8__", Wildcards(Lines(lines | {"w12": ["{"]})))
    assert text == ["{" * 16]


def test_names_are_found_once_and_not_behind_a_backslash() -> None:
    assert names_in(r"__a__ __b-1__ __a__ \__c__ __d e__") == ["a", "b-1"]
    assert names_in(None) == []
