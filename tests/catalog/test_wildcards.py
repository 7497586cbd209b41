"""`__name__` in a prompt is a group of the lines of its file."""

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


def test_names_are_found_once_and_not_behind_a_backslash() -> None:
    assert names_in(r"__a__ __b-1__ __a__ \__c__ __d e__") == ["a", "b-1"]
    assert names_in(None) == []
