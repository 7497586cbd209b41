"""What a terminal pastes when files are dropped on it."""

import shlex
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.widgets.path_completion import dropped_images

NAMES = (
    "fox.png",
    "A fox, at dawn (1).JPG",
    "l'été 50%.webp",
    "#1?.gif",
    "雪&$HOME;`x`.png",
)


def backslashed(path: str) -> str:
    return "".join(
        f"\\{letter}" if letter in " ,()'%#?&$;`" else letter for letter in path
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "written",
    [
        str,
        shlex.quote,
        backslashed,
        lambda path: f"{shlex.quote(path)} ",
        lambda path: f" {path}\r\n",
        lambda path: f"file://{quote(path)}",
        lambda path: f"FILE://localhost{quote(path)}\r\n",
        lambda path: f"'file://{quote(path)}'",
        lambda path: f"file:{quote(path)}",
    ],
)
def test_a_path_in_every_way(
    written: Callable[[str], str], name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.touch()
    assert dropped_images(written(str(path))) == [str(path)]


def test_several_in_their_order(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in reversed(NAMES)]
    for path in paths:
        Path(path).touch()
    for text in (
        "\n".join(paths),
        shlex.join(paths),
        "\r\n".join(f"file://{quote(path)}" for path in paths),
    ):
        assert dropped_images(text) == paths


def test_the_home_folder_and_the_current_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "fox.png").touch()
    monkeypatch.chdir(home)
    assert (
        dropped_images("~/fox.png")
        == dropped_images("./fox.png")
        == [str(home / "fox.png")]
    )


def test_anything_else_is_text(tmp_path: Path) -> None:
    path = tmp_path / "fox.png"
    path.touch()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "nowhere.png").symlink_to(tmp_path / "gone")
    others = [
        tmp_path / name
        for name in (
            "folder.png",
            "notes.txt",
            "nowhere.png",
            "gone.png",
            "fox.png/x.png",
        )
    ]
    texts = [
        f"a fox like {path}",
        f"{path} at dawn",
        f"'{path}",
        f"https://a.b{path}",
        f"{path}\0",
        f"{path}%00",
    ]
    for text in (
        *map(str, others),
        *texts,
        "",
        "\n",
        "'",
        "~",
        "~\0",
        "~\ud800",
        "file://",
        "x" * 10**6,
        f"{path}\n" * 10**4,
    ):
        assert dropped_images(text) == [], text


@given(st.text() | st.text("'\"\\ /~%:file\0\n"))
def test_no_text_hurts(text: str) -> None:
    assert dropped_images(text) == []
