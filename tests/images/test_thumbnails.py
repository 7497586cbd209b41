"""Small pictures on disk: right, bounded, and never needed."""

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from tui.images import files
from tui.images.files import ImageError
from tui.images.thumbnails import SIDE, ThumbnailCache


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    def write(
        name: str = "a.png", size: tuple[int, int] = (1200, 800), mode: str = "RGB"
    ) -> Path:
        Image.linear_gradient("L").resize(size).convert(mode).save(tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "thumbs"


def unread(path: Path, box: tuple[int, int]) -> Image.Image:
    raise AssertionError(f"{path} was decoded")


def apart(one: Image.Image, other: Image.Image) -> int:
    """The largest difference of any channel."""
    assert one.size == other.size
    return max(high for _, high in ImageChops.difference(one, other).getextrema())  # type: ignore[misc]


def test_it_is_made_once_and_then_read(
    make: Callable[..., Path], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, thumbs = make(), ThumbnailCache(folder)
    first = thumbs.shrink(path, (300, 300))
    assert first.size == (300, 200)
    assert apart(first, files.thumbnail(path, (300, 300))) < 12
    (kept,) = folder.iterdir()
    assert Image.open(kept).size == (SIDE, 341)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    moved = path.rename(path.with_name("b.png"))  # the same bytes
    os.utime(kept, (1, 1))
    thumbnail = files.thumbnail
    monkeypatch.setattr(
        files,
        "thumbnail",
        lambda path, box: (thumbnail if path == kept else unread)(path, box),
    )
    assert apart(ThumbnailCache(folder).shrink(moved, (300, 300)), first) < 12
    assert kept.stat().st_mtime > 1  # it was used


@pytest.mark.parametrize(
    "box",
    [(600, 600), (600, 200), (400, 800), (9, 3000), (1, 1), (512, 342), (5000, 5000)],
)
@pytest.mark.parametrize("size", [(1200, 800), (300, 900), (40, 30), (3000, 2)])
def test_it_has_the_size_of_the_image_itself(
    box: tuple[int, int], size: tuple[int, int], make: Callable[..., Path], folder: Path
) -> None:
    path, thumbs = make(size=size), ThumbnailCache(folder)
    wanted = files.thumbnail(path, box)
    for _ in range(2):
        got = thumbs.shrink(path, box)
        assert max(abs(got.width - wanted.width), abs(got.height - wanted.height)) <= 1
        assert got.mode == "RGB"


@pytest.mark.parametrize("mode", ["RGBA", "LA", "I;16", "P"])
def test_what_is_odd_is_resolved_in_it(
    mode: str, make: Callable[..., Path], folder: Path
) -> None:
    path = make(mode=mode)
    for _ in range(2):
        got = ThumbnailCache(folder).shrink(path, (256, 256))
        assert apart(got.reduce(8), files.thumbnail(path, (256, 256)).reduce(8)) < 16


def test_another_image_under_the_same_name_is_another_one(
    make: Callable[..., Path], folder: Path
) -> None:
    path, thumbs = make(), ThumbnailCache(folder)
    thumbs.shrink(path, (100, 100))
    Image.new("RGB", (1200, 800), "red").save(path)
    assert thumbs.shrink(path, (100, 100)).getpixel((50, 30))[0] > 250  # type: ignore[index]
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize(
    "damage", ["empty", "cut", "text", "other", "large", "folder", "pipe", "link"]
)
def test_a_hostile_file_in_the_cache_is_not_used(
    damage: str, make: Callable[..., Path], folder: Path
) -> None:
    path = make()
    ThumbnailCache(folder).shrink(path, (100, 100))
    (kept,) = folder.iterdir()
    whole = kept.read_bytes()
    kept.unlink()
    match damage:
        case "empty" | "cut" | "text":
            kept.write_bytes(
                {"empty": b"", "cut": whole[:200], "text": b"\x1b]0;x\x07" * 99}[damage]
            )
        case "other":
            Image.new("RGB", (SIDE, 300)).save(kept, "PNG")
        case "large":
            Image.new("RGB", (4000, 4000)).save(kept, "JPEG")
        case "folder":
            kept.mkdir()
        case "pipe":
            os.mkfifo(kept)
        case "link":
            kept.symlink_to("/nowhere")
    for _ in range(2):
        assert (
            apart(
                ThumbnailCache(folder).shrink(path, (100, 100)),
                files.thumbnail(path, (100, 100)),
            )
            < 12
        )
    if damage != "folder":
        assert kept.read_bytes() == whole


@pytest.mark.parametrize("trouble", ["read only", "a file", "full"])
def test_without_a_place_nothing_is_kept_and_nothing_is_wrong(
    trouble: str,
    make: Callable[..., Path],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    if trouble == "a file":
        folder.parent.mkdir()
        folder.write_text("")
    elif trouble == "read only":
        monkeypatch.setattr(Path, "mkdir", full)
    else:
        monkeypatch.setattr(os, "replace", full)
    path = make()
    assert ThumbnailCache(folder).shrink(path, (300, 300)).size == (300, 200)
    assert not folder.is_dir() or not list(folder.iterdir())


def test_what_was_not_used_for_longest_makes_room(
    make: Callable[..., Path], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.images.thumbnails._EVERY", 1)
    thumbs = ThumbnailCache(folder, most=3)
    for number in range(5):
        thumbs.shrink(make(f"{number}.png", (600, 600 + number)), (50, 50))
        for kept in folder.iterdir():
            os.utime(kept, ns=(0, kept.stat().st_mtime_ns - 10**9))
    assert len(list(folder.iterdir())) == 3
    ThumbnailCache(folder, most_bytes=1).shrink(make("last.png", (600, 700)), (50, 50))
    assert not list(folder.iterdir())


def test_what_nobody_has_looked_at_for_long_goes(
    make: Callable[..., Path], folder: Path
) -> None:
    ThumbnailCache(folder).shrink(make(), (50, 50))
    (kept,) = folder.iterdir()
    os.utime(kept, (time.time() - 31 * 86400,) * 2)
    ThumbnailCache(folder).shrink(make("b.png", (600, 700)), (50, 50))
    assert len(list(folder.iterdir())) == 1
    assert not kept.exists()


def test_what_is_no_image_says_so(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("hello")
    os.mkfifo(tmp_path / "pipe.png")
    for name in ("text.png", "gone.png", "pipe.png", "."):
        with pytest.raises(ImageError):
            ThumbnailCache(folder).shrink(tmp_path / name, (100, 100))
