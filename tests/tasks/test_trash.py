"""Deleted files can be restored for a while, and no other file is touched."""

import os
import time
from pathlib import Path

import pytest

from tui.tasks import trash

DAY = 86400.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    return folder


def write(path: Path, content: str = "") -> str:
    path.write_text(content or path.name)
    return str(path)


def everything(folder: Path) -> dict[str, str]:
    """All files below, by their path, but the trash's."""
    files = (
        path
        for path in folder.rglob("*")
        if path.is_file() and ".trash" not in path.parts
    )
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def thrown(folder: Path) -> list[str]:
    return sorted(path.read_text() for path in (folder / ".trash").iterdir())


def test_what_was_thrown_comes_back(folder: Path) -> None:
    paths = [
        write(folder / name)
        for name in ("a.png", "20261101-z-image-füchse 家\n-2.webp", ".hidden")
    ]
    kept = write(folder / "kept.png")
    os.utime(paths[0], (5, 5))
    before = everything(folder)
    trash.throw(paths, str(folder))
    assert everything(folder) == {"kept.png": "kept.png"}
    assert (folder / ".trash").stat().st_mode & 0o777 == 0o700
    trash.restore([*paths, kept, str(folder / "nosuch.png")], str(folder))
    assert everything(folder) == before
    assert Path(paths[0]).stat().st_mtime == 5
    assert thrown(folder) == []


def test_a_newer_file_of_that_name_stays(folder: Path) -> None:
    names = ("file.png", "folder.png", "link.png")
    paths = [write(folder / name, "old") for name in names]
    trash.throw(paths, str(folder))
    write(folder / "file.png", "new")
    (folder / "folder.png").mkdir()
    (folder / "link.png").symlink_to("nowhere")
    trash.restore(paths, str(folder))
    assert everything(folder) == {"file.png": "new"}
    assert os.readlink(folder / "link.png") == "nowhere"
    assert thrown(folder) == ["old"] * 3


def test_files_of_one_name_do_not_destroy_each_other(folder: Path) -> None:
    path = folder / "a.png"
    for content in ("first", "second", "third"):
        trash.throw([write(path, content)], str(folder))
    assert thrown(folder) == ["first", "second", "third"]
    for content in ("third", "second", "first"):  # as they are undone
        trash.restore([str(path)], str(folder))
        assert path.read_text() == content
        path.unlink()
    trash.restore([str(path)], str(folder))
    assert everything(folder) == {}


def test_a_name_that_ends_another_is_not_confused_with_it(folder: Path) -> None:
    longer = write(folder / "20261101-a.png", "longer")
    trash.throw([longer], str(folder))
    trash.restore([str(folder / "a.png")], str(folder))
    assert everything(folder) == {}
    trash.restore([longer], str(folder))
    assert everything(folder) == {"20261101-a.png": "longer"}


def test_nothing_elsewhere_is_touched(folder: Path, tmp_path: Path) -> None:
    (folder / "sub").mkdir()
    outside = write(tmp_path / "outside.png")
    (folder / "link.png").symlink_to(outside)
    (folder / "dead.png").symlink_to("nowhere")
    untouched = [
        outside,
        str(folder / "sub" / ".." / "b.png"),
        write(folder / "b.png").replace("/images/", "/images/../images/"),
        str(folder / "link.png"),
        str(folder / "dead.png"),
        str(folder / "sub"),
        str(folder / ".."),
        str(folder),
        str(folder / "gone.png"),
        "b.png",
        "",
    ]
    before = everything(tmp_path)
    for work in (trash.throw, trash.restore):
        work(untouched, str(folder))
        assert everything(tmp_path) == before
        assert os.readlink(folder / "link.png") == outside
        assert not (folder / ".trash").exists()

    trash.throw([write(folder / "outside.png", "inside")], str(folder))
    Path(outside).unlink()
    trash.restore([outside], str(folder))  # another file of that name
    assert not Path(outside).exists()


def test_the_old_is_emptied_once_something_is_thrown_away(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bin_ = folder / ".trash"
    start = time.time_ns()
    days = {"old": 0.0, "older": 1.0, "young": 4.0}
    for name, day in days.items():
        with monkeypatch.context() as then:
            then.setattr(time, "time_ns", lambda day=day: start + int(day * DAY * 1e9))
            trash.throw([write(folder / name)], str(folder))
    write(bin_ / "somebody's own.png")
    os.utime(bin_ / "somebody's own.png", (5, 5))
    (bin_ / "1700000000000000000-a folder").mkdir()
    with monkeypatch.context() as then:
        then.setattr(time, "time", lambda: start / 1e9 + 8.5 * DAY)
        then.setattr(time, "time_ns", lambda: start + int(8.5 * DAY * 1e9))
        trash.restore([str(folder / "old")], str(folder))
        trash.throw([write(folder / "old")], str(folder))  # its time begins anew
        (bin_ / "1700000000000000000-a folder").rmdir()
        assert thrown(folder) == ["old", "somebody's own.png", "young"]


def test_where_no_trash_can_be_made_files_stay(folder: Path) -> None:
    write(folder / ".trash", "a file of that name")
    path = write(folder / "a.png")
    trash.throw([path], str(folder))
    trash.restore([path], str(folder))
    assert Path(path).read_text() == "a.png"
    trash.throw(["/nosuch/a.png"], "/nosuch")
    trash.restore(["/nosuch/a.png"], "/nosuch")
