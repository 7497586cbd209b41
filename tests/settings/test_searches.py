"""Saved searches are lines of a plain file: read with bounds, the rest left as it is."""

import os
from pathlib import Path

import pytest

from tui.settings.searches import FILE, SavedSearches, SearchProblem


def test_a_search_is_saved_replaced_and_deleted(tmp_path: Path) -> None:
    searches = SavedSearches(tmp_path / "config")
    assert searches.load() == {}
    searches.save("best", " rated:>3 sort:rating ")
    searches.save("lake", 'lake "in  the snow')
    searches.save("best", "rated:5")
    assert searches.load() == {"best": "rated:5", "lake": 'lake "in  the snow"'}
    assert searches.find("lake") == 'lake "in  the snow"'
    searches.delete("best")
    assert (tmp_path / "config" / FILE).read_text() == 'lake: lake "in  the snow"\n'
    with pytest.raises(SearchProblem, match=r"no saved search best\. There are: lake"):
        searches.find("best")


def test_lines_of_the_users_own_stay(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text(
        "\ufeff# my searches\r\nowl : owl date:today\r\n\nno search\nowl: twice",
        "utf-8",
    )
    (tmp_path / FILE).symlink_to(file)
    searches = SavedSearches(tmp_path)
    assert searches.load() == {"owl": "twice"}
    searches.save("owl", "owl")
    searches.save("fox", "fox")
    assert searches.load() == {"owl": "owl", "fox": "fox"}
    searches.delete("owl")
    assert file.read_bytes() == b"# my searches\r\n\nno search\nfox: fox\n"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("", "fox"),
        ("a b", "fox"),
        ("../x", "fox"),
        ("x" * 61, "fox"),
        ("fox\n", "fox"),
        ("fox", " "),
        ("fox", "x" * 1001),
        ("fox", "\x1b[2J"),
    ],
)
def test_what_is_no_name_or_no_search_is_not_saved(
    name: str, line: str, tmp_path: Path
) -> None:
    with pytest.raises(SearchProblem):
        SavedSearches(tmp_path / "config").save(name, line)
    assert not (tmp_path / "config").exists()


def test_a_line_acts_on_no_terminal(tmp_path: Path) -> None:
    hostile = "a: \x1b]52;c;aGk=\x07fox\t\u202e sort:cost\x1b[2J\nb\x1b[2J: fox\n"
    (tmp_path / FILE).write_text(hostile)
    assert SavedSearches(tmp_path).load() == {"a": "fox  sort:cost"}


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a: b\n" * 100_000])
def test_a_file_that_is_none_is_told_and_stays(content: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(content)
    searches = SavedSearches(tmp_path)
    with pytest.raises(SearchProblem, match=r"searches\.txt"):
        searches.load()
    with pytest.raises(SearchProblem, match=r"searches\.txt"):
        searches.save("fox", "fox")
    assert (tmp_path / FILE).read_bytes() == content


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / FILE)
    with pytest.raises(SearchProblem, match="not a regular file"):
        SavedSearches(tmp_path).load()


def test_it_does_not_grow_for_ever(tmp_path: Path) -> None:
    full = "".join(f"s{number}: fox\n" for number in range(500))
    (tmp_path / FILE).write_text(full)
    searches = SavedSearches(tmp_path)
    assert len(searches.load()) == 500
    searches.save("s7", "owl")
    with pytest.raises(SearchProblem, match="holds no more"):
        searches.save("another", "fox")
    assert searches.load()["s7"] == "owl"


def test_a_file_that_holds_too_many_loses_those_that_are_deleted(
    tmp_path: Path,
) -> None:
    full = "".join(f"s{number}: fox\n" for number in range(10_000))
    (tmp_path / FILE).write_text(full)
    searches = SavedSearches(tmp_path)
    searches.delete("s7")
    assert "s7" not in searches.load()
    assert len(searches.load()) == 500
