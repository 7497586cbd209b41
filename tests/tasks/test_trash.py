"""Deleted files can be restored for a while, and no other file is touched."""

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.app import past
from tui.tasks import trash
from tui.tasks.task import Result, Task

DAY = 86400.0
Spoil = Callable[[Path], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    return folder


def write(path: Path, content: str = "") -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(content or path.name)
    return path


def saved(folder: Path, *paths: Path, **fields: Any) -> Task:
    """A task that has saved these files, as the queue records it."""
    results = []
    for path in paths:
        content = path.read_bytes()
        kind = {".jpg": "JPEG", ".webp": "WEBP"}.get(path.suffix, "PNG")
        digest = hashlib.sha256(content).hexdigest()
        results.append(
            Result(
                url="",
                path=str(path),
                format=kind,
                sha256=digest,
                bytes=len(content),
            )
        )
    return past("a fox", out_dir=str(folder), results=tuple(results), **fields)


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
    names = ("a.png", "20261101-z-image-füchse-家-2.webp", "20261101/fox.jpg")
    paths = [write(folder / name) for name in names]
    write(folder / "kept.png")
    os.utime(paths[0], (5, 5))
    before = everything(folder)
    task = saved(folder, *paths)
    assert trash.throw(task).kept == []
    assert everything(folder) == {"kept.png": "kept.png"}
    assert (folder / ".trash").stat().st_mode & 0o777 == 0o700
    trash.restore(task)
    assert everything(folder) == before
    assert paths[0].stat().st_mtime == 5
    assert thrown(folder) == []


def test_a_newer_file_of_that_name_stays(folder: Path) -> None:
    names = ("file.png", "folder.png", "link.png")
    task = saved(folder, *[write(folder / name, "old") for name in names])
    trash.throw(task)
    write(folder / "file.png", "new")
    (folder / "folder.png").mkdir()
    (folder / "link.png").symlink_to("nowhere")
    trash.restore(task)
    assert everything(folder) == {"file.png": "new"}
    assert os.readlink(folder / "link.png") == "nowhere"
    assert thrown(folder) == ["old"] * 3


def test_files_of_one_name_do_not_destroy_each_other(folder: Path) -> None:
    path = folder / "a.png"
    tasks = []
    for content in ("first", "second", "third"):
        tasks.append(saved(folder, write(path, content)))
        trash.throw(tasks[-1])
    assert thrown(folder) == ["first", "second", "third"]
    for task, content in zip(tasks, ("first", "second", "third"), strict=True):
        trash.restore(task)
        assert path.read_text() == content
        path.unlink()
        trash.restore(task)
    assert everything(folder) == {}


def test_a_name_that_ends_another_is_not_confused_with_it(folder: Path) -> None:
    task = saved(folder, write(folder / "20261101-a.png", "longer"))
    (result,) = task.results
    shorter = replace(result, path=str(folder / "a.png"))
    trash.throw(task)
    trash.restore(replace(task, results=(shorter,)))
    assert everything(folder) == {}
    trash.restore(task)
    assert everything(folder) == {"20261101-a.png": "longer"}


def _replaced_by_link(path: Path) -> None:
    original = path.with_name("original")
    path.rename(original)
    path.symlink_to(original)


def _replaced_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _replaced_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


SPOILS: dict[str, Spoil] = {
    "edited": lambda path: path.write_text("edited by the user"),
    "edited, of the same size": lambda path: path.write_text("X" * len(path.name)),
    "a link": _replaced_by_link,
    "a folder": _replaced_by_folder,
    "a pipe": _replaced_by_pipe,
}


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=list(SPOILS))
def test_what_is_not_as_it_was_saved_stays(folder: Path, spoil: Spoil) -> None:
    path = write(folder / "a.png")
    task = saved(folder, path)
    spoil(path)
    before = (path.lstat().st_mode, everything(folder))
    assert trash.throw(task).kept == [str(path)]
    assert (path.lstat().st_mode, everything(folder)) == before
    assert not list(folder.glob(".trash/*"))


RECORDS: dict[str, Callable[[Result], Result]] = {
    "no digest": lambda result: replace(result, sha256=""),
    "half a digest": lambda result: replace(result, sha256=result.sha256[:16]),
    "no size": lambda result: replace(result, bytes=0),
    "no format": lambda result: replace(result, format=""),
    "another format": lambda result: replace(result, format="JPEG"),
}


@pytest.mark.parametrize("forge", RECORDS.values(), ids=list(RECORDS))
def test_what_is_not_recorded_as_saved_stays(
    folder: Path, forge: Callable[[Result], Result]
) -> None:
    path = write(folder / "a.png")
    task = saved(folder, path)
    task = replace(task, results=tuple(map(forge, task.results)))
    assert trash.throw(task).kept == [str(path)]
    assert everything(folder) == {"a.png": "a.png"}


@pytest.mark.parametrize(
    "name",
    ["thesis.odt", "my holiday (1).png", ".hidden.png", "a.png.txt", "a", "-a.png"],
)
def test_a_name_that_no_image_of_ours_gets_stays(folder: Path, name: str) -> None:
    path = write(folder / name)
    assert trash.throw(saved(folder, path)).kept == [str(path)]
    assert everything(folder) == {name: name}


def test_imported_results_are_never_moved(folder: Path) -> None:
    path = write(folder / "a.png")
    task = saved(folder, path)
    imported = replace(task, imported=True)
    assert trash.throw(imported).kept == [str(path)]
    assert everything(folder) == {"a.png": "a.png"}
    trash.throw(task)
    trash.restore(imported)
    assert everything(folder) == {}


def test_another_name_of_a_file_stays(folder: Path, tmp_path: Path) -> None:
    path = write(folder / "a.png")
    other = tmp_path / "other.png"
    os.link(path, other)
    assert trash.throw(saved(folder, path)).kept == []
    assert everything(tmp_path) == {"other.png": "a.png"}


def test_nothing_elsewhere_is_touched(folder: Path, tmp_path: Path) -> None:
    outside = write(tmp_path / "outside.png")
    (tmp_path / "far").mkdir()
    write(tmp_path / "far" / "b.png")
    (folder / "sub").symlink_to(tmp_path / "far")
    (folder / "inner").mkdir()
    (folder / "loop").symlink_to(folder / "inner")
    write(folder / "inner" / "c.png")
    write(folder / "d.png")
    paths = [
        outside,
        folder / "sub" / "b.png",
        folder / "loop" / "c.png",
        folder / "inner" / ".." / "d.png",
        folder / ".." / "images" / "d.png",
        folder / "inner" / ".." / ".." / "outside.png",
    ]
    task = saved(folder, *paths)
    before = everything(tmp_path)
    assert len(trash.throw(task).kept) == len(paths)
    for place in ("", ".", "/", "images", str(folder / "..")):
        trash.throw(replace(task, out_dir=place))
        trash.restore(replace(task, out_dir=place))
    assert everything(tmp_path) == before
    assert not list(tmp_path.rglob(".trash"))


def test_a_trash_that_is_a_link_is_none(folder: Path, tmp_path: Path) -> None:
    """Neither is anything moved there, nor is what lies there emptied or restored."""
    far = tmp_path / "far"
    path = write(folder / "a.png")
    digest = hashlib.sha256(b"a.png").hexdigest()
    old = write(far / f"1700000000000000000-{digest[:16]}-a.png", "a.png")
    (folder / ".trash").symlink_to(far)
    task = saved(folder, path)
    assert trash.throw(task).kept == [str(path)]
    path.unlink()
    trash.restore(task)
    assert not path.exists()
    assert old.exists()


def test_the_old_is_emptied_once_something_is_thrown_away(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bin_ = folder / ".trash"
    start = time.time_ns()
    days = {"old": 0.0, "older": 1.0, "young": 4.0}
    tasks = {}
    for name, day in days.items():
        tasks[name] = saved(folder, write(folder / f"{name}.png", name))
        with monkeypatch.context() as then:
            then.setattr(time, "time_ns", lambda day=day: start + int(day * DAY * 1e9))
            trash.throw(tasks[name])
    ours = hashlib.sha256(b"somebody's own").hexdigest()[:16]
    foreign = [
        "somebody's own.png",
        "1700000000000000000-holiday.png",
        f"1700000000000000000-{'0' * 16}-holiday.png",
        f"1700000000000000000-{ours[:15]}-holiday.png",
        f"170000000000000000-{ours}-holiday.png",
    ]
    for name in foreign:
        write(bin_ / name, "somebody's own")
        os.utime(bin_ / name, (5, 5))
    (bin_ / f"1700000000000000000-{ours}-a folder").mkdir()
    (bin_ / f"1700000000000000000-{ours}-a link").symlink_to(bin_ / foreign[0])
    with monkeypatch.context() as then:
        then.setattr(time, "time", lambda: start / 1e9 + 8.5 * DAY)
        then.setattr(time, "time_ns", lambda: start + int(8.5 * DAY * 1e9))
        trash.restore(tasks["old"])
        trash.throw(tasks["old"])  # its time begins anew
    (bin_ / f"1700000000000000000-{ours}-a folder").rmdir()
    (bin_ / f"1700000000000000000-{ours}-a link").unlink()
    assert thrown(folder) == ["old", *["somebody's own"] * len(foreign), "young"]


def test_what_an_earlier_version_threw_away_comes_back(folder: Path) -> None:
    task = saved(folder, write(folder / "a.png"))
    (folder / ".trash").mkdir()
    (folder / "a.png").rename(folder / ".trash" / "1700000000000000000-a.png")
    trash.restore(task)
    assert everything(folder) == {"a.png": "a.png"}


def test_only_the_saved_content_comes_back(folder: Path) -> None:
    task = saved(folder, write(folder / "a.png"))
    trash.throw(task)
    (file,) = (folder / ".trash").iterdir()
    file.write_text("X.png")
    trash.restore(task)
    assert everything(folder) == {}
    assert thrown(folder) == ["X.png"]


def test_a_file_that_takes_the_name_meanwhile_stays(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(folder / "a.png")
    task = saved(folder, path)
    rename = Path.rename

    def faster(source: Path, target: Path) -> Path:
        source.unlink()
        write(source, "other")
        return rename(source, target)

    with monkeypatch.context() as then:
        then.setattr(Path, "rename", faster)
        assert trash.throw(task).kept == [str(path)]
    assert everything(folder) == {"a.png": "other"}
    assert thrown(folder) == []


def test_where_no_trash_can_be_made_files_stay(folder: Path) -> None:
    write(folder / ".trash", "a file of that name")
    path = write(folder / "a.png")
    task = saved(folder, path)
    assert trash.throw(task).kept == [str(path)]
    path.unlink()
    trash.restore(task)
    assert not path.exists()
    nowhere = replace(task.results[0], path="/nosuch/a.png")
    task = replace(task, out_dir="/nosuch", results=(nowhere,))
    assert trash.throw(task).kept == []
    trash.restore(task)
