"""A file is whole at every moment, whatever fails while it is written or named."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tui.system import atomic_file


def write(path: Path, data: bytes, mode: int = 0o666) -> None:
    with atomic_file.replacing(path, mode) as file:
        file.write(data)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def failing(
    number: int, where: Callable[[int], bool] = lambda _: True
) -> Callable[..., Any]:
    """`os.fsync` on a disk that refuses it."""
    fsync = os.fsync

    def refused(descriptor: int) -> None:
        if where(descriptor):
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    return refused


def is_folder(descriptor: int) -> bool:
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)


def test_the_earlier_file_is_there_until_the_new_one_is_whole(folder: Path) -> None:
    path = folder / "file"
    path.write_text("earlier")
    path.chmod(0o640)
    with atomic_file.replacing(path) as file:
        file.write(b"later")
        assert path.read_text() == "earlier"
        assert mode(Path(file.name)) == 0o600
    assert path.read_text() == "later"
    assert mode(path) == 0o640
    assert os.listdir(folder) == ["file"]


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "full"), ValueError("odd"), KeyboardInterrupt()]
)
def test_whatever_goes_wrong_leaves_the_earlier_file_alone(
    folder: Path, error: BaseException
) -> None:
    path = folder / "file"
    path.write_text("earlier")

    def write() -> None:
        with atomic_file.replacing(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(type(error)):
        write()
    assert path.read_text() == "earlier"
    assert os.listdir(folder) == ["file"]


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_content_that_does_not_reach_the_disk_replaces_nothing(
    folder: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "file"
    path.write_text("earlier")
    monkeypatch.setattr(os, "fsync", failing(number))
    with pytest.raises(OSError, match=os.strerror(number)):
        write(path, b"later")
    assert path.read_text() == "earlier"
    assert os.listdir(folder) == ["file"]


@pytest.mark.parametrize(
    "number", [errno.EINVAL, errno.EIO, errno.ENOTSUP, errno.EBADF, errno.EACCES]
)
def test_a_folder_that_cannot_be_synced_is_no_failure(
    folder: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", failing(number, is_folder))
    write(folder / "file", b"content")
    assert (folder / "file").read_bytes() == b"content"


def test_a_file_system_without_fsync_keeps_files_all_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", failing(errno.EINVAL))
    write(folder / "file", b"content")
    atomic_file.sync_file(folder / "file")


def test_a_link_is_followed_also_one_that_leads_nowhere_yet(
    folder: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(folder / "file")
    for content in (b"first", b"second"):
        write(link, content, 0o600)
        assert link.is_symlink()
        assert (folder / "file").read_bytes() == content
    assert mode(folder / "file") == 0o600
    assert os.listdir(folder) == ["file"]


def test_a_long_name_is_no_hindrance(folder: Path) -> None:
    path = folder / ("ü" * 127)
    write(path, b"content")
    assert os.listdir(folder) == [path.name]


LINKS: dict[str, Callable[..., Any]] = {
    "links": os.link,
    "no links": lambda *_: (_ for _ in ()).throw(OSError(errno.EPERM, "no links")),
}


@pytest.fixture(params=["links", "no links", "no links and no rename that refuses"])
def file_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a file system may be able to do."""
    what = str(request.param)
    if what != "links":
        monkeypatch.setattr(os, "link", LINKS["no links"])
    if what.endswith("refuses"):
        monkeypatch.setattr(atomic_file, "_renamed", lambda source, target: False)
    return what


def test_a_name_is_given_once_and_never_over_another_file(
    folder: Path, file_system: str
) -> None:
    source, target = folder / "source", folder / "target"
    source.write_text("new")
    atomic_file.give_name(source, target)
    assert os.listdir(folder) == ["target"]
    source.write_text("newer")
    with pytest.raises(FileExistsError):
        atomic_file.give_name(source, target)
    target.unlink()
    target.symlink_to("nowhere")
    with pytest.raises(FileExistsError):
        atomic_file.give_name(source, target)
    assert source.read_text() == "newer"


def test_a_name_that_cannot_be_given_leaves_nothing(
    folder: Path, file_system: str
) -> None:
    with pytest.raises(FileNotFoundError):
        atomic_file.give_name(folder / "missing", folder / "target")
    assert os.listdir(folder) == []


def test_a_full_disk_is_told_as_it_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "source").write_text("new")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "link", full)
    with pytest.raises(OSError, match="No space left"):
        atomic_file.give_name(folder / "source", folder / "target")
    assert os.listdir(folder) == ["source"]


def test_a_small_file_gets_its_mode_and_replaces_a_link(folder: Path) -> None:
    (folder / "other").write_text("other")
    path = folder / "file"
    path.symlink_to("other")
    for sync in (False, True):
        atomic_file.save_small(path, b"secret", 0o600, sync=sync)
        assert (path.read_bytes(), path.is_symlink()) == (b"secret", False)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (folder / "other").read_text() == "other"
    assert sorted(os.listdir(folder)) == ["file", "other"]


def test_a_small_file_that_cannot_be_saved_leaves_the_old_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "file"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        atomic_file.save_small(path, b"new")
    assert (path.read_text(), os.listdir(folder)) == ("old", ["file"])


# ---- who else may read and write


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("no_umask")
def test_nobody_else_may_write_to_what_is_made(folder: Path) -> None:
    atomic_file.save_small(folder / "small", b"x")
    with atomic_file.replacing(folder / "replaced") as file:
        file.write(b"x")
    with atomic_file.writing(folder / "written") as file:
        file.write(b"x")
    atomic_file.make_folder(folder / "a" / "b")
    atomic_file.make_private_folder(folder / "c" / "d")
    assert {mode(folder / name) for name in ("small", "replaced", "written")} == {0o644}
    assert {mode(folder / name) for name in ("a", "a/b")} == {0o755}
    assert {mode(folder / name) for name in ("c", "c/d")} == {0o700}


def test_a_folder_that_is_there_stays_as_it_is(folder: Path) -> None:
    folder.chmod(0o750)
    atomic_file.make_folder(folder)
    atomic_file.make_private_folder(folder)
    assert mode(folder) == 0o750
    (folder / "file").touch()
    with pytest.raises(FileExistsError):
        atomic_file.make_folder(folder / "file")
    with pytest.raises(NotADirectoryError):
        atomic_file.make_folder(folder / "file" / "a")


def test_what_is_ours_is_made_private(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "file"
    assert atomic_file.make_private(path) == ""
    path.touch()
    path.chmod(0o664)
    assert atomic_file.make_private(path) == ""
    assert mode(path) == 0o600
    path.chmod(0o644)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    assert "belongs to another user" in atomic_file.make_private(path)
    assert mode(path) == 0o644


def test_it_is_told_where_that_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, mode: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    path = folder / "file"
    path.touch(0o644)
    monkeypatch.setattr(Path, "chmod", refuse)
    told = atomic_file.make_private(path)
    assert told.endswith("can't be changed: Operation not permitted.")
    atomic_file.forbid_writing(path)


def test_writing_is_forbidden_to_others_alone(folder: Path) -> None:
    path = folder / "file"
    path.touch()
    for before, after in ((0o666, 0o644), (0o777, 0o755), (0o600, 0o600)):
        path.chmod(before)
        atomic_file.forbid_writing(path)
        assert mode(path) == after
