"""Snippets and wildcards as plain files: what can't be used is a sentence."""

from pathlib import Path

import pytest

from tui.settings.prompt_files import PromptFileProblem, PromptFiles


def written(folder: Path, kind: str, **files: str | bytes) -> PromptFiles:
    (folder / kind).mkdir()
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (folder / kind / f"{name}.txt").write_bytes(data)
    return PromptFiles(folder)


def test_a_wildcard_has_the_lines_that_are_neither_blank_nor_comments(
    tmp_path: Path,
) -> None:
    text = "# animals\n\nfox\r\n  owl \n\x1b[31mcat\x1b[m\n# end\n"
    files = written(tmp_path, "wildcards", animals=text)
    found = files.wildcards(["a __animals__"])
    assert found.lines == {"animals": ["fox", "owl", "cat"]}
    assert found.problems == {}


def test_only_what_is_named_is_read_and_what_its_lines_name(tmp_path: Path) -> None:
    files = written(tmp_path, "wildcards", a="x __b__\n", b="y __a__\n", c="z\n")
    assert set(files.wildcards(["__a__", 7, None]).lines) == {"a", "b"}
    assert files.wildcards([r"\__a__"]).lines == {}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"# nothing\n\n", "has no line to use"),
        (b"x\n" * 10_001, "more than 10,000 lines"),
        (b"x" * 400_001, "larger than"),
        (b"\x89PNG\r\n", "not a text file"),
    ],
)
def test_a_wildcard_that_cannot_be_used_is_a_problem(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    found = written(tmp_path, "wildcards", odd=content).wildcards(["__odd__"])
    assert found.lines == {}
    assert reason in found.problems["odd"]


def test_an_unknown_wildcard_says_where_it_would_be(tmp_path: Path) -> None:
    problems = PromptFiles(tmp_path).wildcards(["__nothing__"]).problems
    assert "wildcards/nothing.txt" in problems["nothing"]


def test_a_chain_of_many_wildcards_ends(tmp_path: Path) -> None:
    chain = {f"w{number}": f"__w{number + 1}__" for number in range(300)}
    found = written(tmp_path, "wildcards", **chain).wildcards(["__w0__"])
    assert len(found.lines) + len(found.problems) <= 101
    assert any("more than" in problem for problem in found.problems.values())


def test_snippets_are_listed_and_read(tmp_path: Path) -> None:
    files = written(tmp_path, "snippets", castle="old \x1b[1mcastle\n", city="x")
    (tmp_path / "snippets" / "not one.txt").touch()
    (tmp_path / "snippets" / "neither.md").touch()
    assert files.snippet_names() == ["castle", "city"]
    assert files.snippet("castle") == "old castle"
    assert PromptFiles(tmp_path / "nowhere").snippet_names() == []


def test_a_snippet_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    files = written(tmp_path, "snippets", odd=b"\xff\xfe", large=b"x" * 400_001)
    for name, reason in {"odd": "UTF-8", "large": "larger", "no": "No such"}.items():
        with pytest.raises(PromptFileProblem, match=reason):
            files.snippet(name)
