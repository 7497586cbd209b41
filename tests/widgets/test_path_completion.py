"""What a terminal pastes when files are dropped on it."""

import shlex
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tui.widgets.path_completion import Drop, read_drop, read_folder

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
    assert read_drop(written(str(path))) == Drop([str(path)])


def test_several_in_their_order(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in reversed(NAMES)]
    for path in paths:
        Path(path).touch()
    for text in (
        "\n".join(paths),
        shlex.join(paths),
        "\r\n".join(f"file://{quote(path)}" for path in paths),
    ):
        assert read_drop(text) == Drop(paths)


def test_the_home_folder_and_the_current_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "fox.png").touch()
    monkeypatch.chdir(home)
    assert (
        read_drop("~/fox.png")
        == read_drop("./fox.png")
        == Drop([str(home / "fox.png")])
    )


def test_anything_else_is_text(tmp_path: Path) -> None:
    path = tmp_path / "fox.png"
    path.touch()
    (tmp_path / "nowhere.png").symlink_to(tmp_path / "gone")
    others = [
        tmp_path / name
        for name in (
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
        "/",
        "//",
        "file:///",
        "notes.txt",
        "~\0",
        "~\ud800",
        "file://",
        "x" * 10**6,
        f"{path}\n" * 10**4,
    ):
        assert read_drop(text) is None, text


def test_what_is_no_image_is_named_and_no_text(tmp_path: Path) -> None:
    names = ("my notes.pdf", "it's.txt", "photos", "Makefile", "late.png")
    notes, quoted, photos, bare, image = (tmp_path / name for name in names)
    for path in (notes, quoted, bare, image):
        path.write_text("text")
    photos.mkdir()
    painted = tmp_path / "painted"
    Image.new("RGB", (2, 2)).save(painted, "PNG")
    no_image = "is not a PNG, JPEG, WebP or GIF image, so it was not used."
    expected = {
        str(notes): Drop([], f"my notes.pdf {no_image}"),
        f"{backslashed(str(notes))} ": Drop([], f"my notes.pdf {no_image}"),
        notes.as_uri(): Drop([], f"my notes.pdf {no_image}"),
        shlex.quote(str(quoted)): Drop([], f"it's.txt {no_image}"),
        str(bare): Drop([], f"Makefile {no_image}"),
        str(photos): Drop([], "photos is a folder, so it was not used."),
        str(painted): Drop([str(painted)]),
        f"{image}\r\n{notes}\r\n": Drop([str(image)], f"my notes.pdf {no_image}"),
        f"{notes}\n{bare}\n{photos}": Drop(
            [],
            "3 files are not PNG, JPEG, WebP or GIF images, so they were not used:"
            " my notes.pdf and others.",
        ),
    }
    for text, drop in expected.items():
        assert read_drop(text) == drop, text
    for prose in (f"read {bare}", f"{bare} and then", f"{bare},", "Makefile"):
        assert read_drop(prose) is None, prose


@given(st.text() | st.text("'\"\\ /~%:file\0\n"))
def test_no_text_hurts(text: str) -> None:
    assert read_drop(text) is None


@pytest.mark.parametrize("ending", [".jfif", ".jpe", ".apng", ".AVIF"])
def test_rarer_endings_are_those_of_images(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"fox{ending}"
    path.touch()
    sources = read_folder("", str(tmp_path)).sources
    assert path.name in [source.name for source in sources]
    assert read_drop(str(path)) == Drop([str(path)])
