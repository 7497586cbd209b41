"""Exports of pictures: what is in the folder then, and what never is."""

import errno
import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from PIL import Image

from tests.exchange.pictures import saved, task_of
from tui.exchange.export_picks import Export, ExportError, export
from tui.exchange.pictures import pictures_of
from tui.images import contact_sheet
from tui.system import atomic_file
from tui.tasks.task import Result, Task


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "picks"


def exported(out: Path, *tasks: Task) -> Export:
    return export(pictures_of(tasks), out)


def lines(done: Export) -> list[dict[str, Any]]:
    assert done.listing
    return [json.loads(line) for line in done.listing.read_text().splitlines()]


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_files_a_sheet_and_a_list_are_in_the_folder(source: Path, out: Path) -> None:
    lake = task_of(
        replace(saved(source / "lake.png", "red"), rating=4),
        seed=7,
        favourite=True,
        tags=("client",),
        remote_id="tsk_1",
    )
    fox = task_of(saved(source / "fox.png", "blue"), cost_micro=None)
    done = exported(out, lake, fox)
    assert (done.problems, done.known, done.not_on_sheet) == ([], 0, 0)
    assert names(out) == ["fox.png", "lake.png", "picks.jsonl", "sheet.png"]
    assert done.files == [out / "lake.png", out / "fox.png"]
    assert (out / "fox.png").read_bytes() == (source / "fox.png").read_bytes()
    first, second = lines(done)
    assert first == {
        "file": "lake.png",
        "id": lake.id,
        "picture": 1,
        "task_id": "tsk_1",
        "action": "text_to_image",
        "model": "z-image",
        "values": {"prompt": "a lake", "seed": 7},
        "cost_usd": 0.01,
        "rating": 4,
        "tags": ["client"],
        "favourite": True,
        "sha256": hashlib.sha256((out / "lake.png").read_bytes()).hexdigest(),
    }
    assert (second["file"], second["cost_usd"]) == ("fox.png", None)
    assert stat.S_IMODE((out / "picks.jsonl").stat().st_mode) == 0o600
    with Image.open(out / "sheet.png") as sheet:
        colours = {colour for _, colour in sheet.getcolors(1 << 20) or []}
    assert {(255, 0, 0), (0, 0, 255)} <= colours


def test_the_list_names_no_folder_of_this_machine(source: Path, out: Path) -> None:
    task = task_of(
        saved(source / "lake.png"),
        source_image_urls=[str(source / "cat.png")],
        out_dir=str(source),
        key="idempotency-key",
    )
    done = exported(out, task)
    assert done.listing
    text = done.listing.read_text()
    assert str(source.parent) not in text
    assert "idempotency-key" not in text
    assert "cat.png" in text


def test_a_taken_name_gets_a_number(source: Path, out: Path) -> None:
    (source / "more").mkdir()
    first = task_of(saved(source / "lake.png", "red"))
    second = task_of(saved(source / "more" / "lake.png", "blue"))
    out.mkdir()
    for name in ("lake.png", "sheet.png", "picks.jsonl"):
        (out / name).write_text("mine")
    done = exported(out, first, second)
    assert done.files == [out / "lake-2.png", out / "lake-3.png"]
    assert (done.sheet, done.listing) == (out / "sheet-2.png", out / "picks-2.jsonl")
    for name in ("lake.png", "sheet.png", "picks.jsonl"):
        assert (out / name).read_text() == "mine"
    assert len(names(out)) == 7


def test_the_same_export_again_adds_nothing(source: Path, out: Path) -> None:
    tasks = [task_of(saved(source / f"{name}.png", name)) for name in ("red", "blue")]
    first = exported(out, *tasks)
    before = names(out)
    again = exported(out, *tasks)
    assert names(out) == before
    assert (again.known, again.files) == (2, first.files)


def test_links_are_not_written_through(source: Path, out: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine.png").write_text("mine")
    out.mkdir()
    (out / "lake.png").symlink_to(outside / "mine.png")
    (out / "sheet.png").symlink_to(outside / "new.png")
    (out / "picks.jsonl").symlink_to(outside / "new.jsonl")
    done = exported(out, task_of(saved(source / "lake.png")))
    assert done.files == [out / "lake-2.png"]
    assert names(outside) == ["mine.png"]
    assert (outside / "mine.png").read_text() == "mine"
    assert names(out) == [
        *("lake-2.png", "lake.png", "picks-2.jsonl", "picks.jsonl"),
        *("sheet-2.png", "sheet.png"),
    ]


@pytest.mark.parametrize(
    ("name", "harmless"),
    [
        (".bashrc", "bashrc.png"),
        ("-rf *.png", "rf.png"),
        ("a\nb\x1b[31m\u202e.png", "a-b-31m.png"),
        ("con.png", "image-con.png"),
        ("lake.html", "lake.png"),
        ("picks.jsonl", "picks.png"),
    ],
)
def test_a_name_that_is_none_of_ours_is_made_harmless(
    name: str, harmless: str, source: Path, out: Path
) -> None:
    result = saved(source / "x.png")
    (source / "x.png").rename(source / name)
    task = task_of(Result(url="", path=str(source / name), sha256=result.sha256))
    done = exported(out, task)
    assert [path.name for path in done.files] == [harmless]
    assert names(out) == sorted([harmless, "picks.jsonl", "sheet.png"])


def test_what_is_gone_or_no_image_is_told_and_the_rest_exported(
    source: Path, out: Path
) -> None:
    results = [saved(source / f"{name}.png") for name in ("gone", "text", "pipe", "ok")]
    (source / "gone.png").unlink()
    (source / "text.png").write_text("password = 1234")
    (source / "pipe.png").unlink()
    os.mkfifo(source / "pipe.png")
    done = exported(out, *map(task_of, results))
    assert done.problems == [
        "gone.png is not exported: no such file or directory.",
        "text.png is not exported: it is not an image any more.",
        "pipe.png is not exported: it is not a file.",
    ]
    assert names(out) == ["ok.png", "picks.jsonl", "sheet.png"]
    assert [line["file"] for line in lines(done)] == ["ok.png"]


def test_a_picture_that_was_edited_is_exported_as_it_is(
    source: Path, out: Path
) -> None:
    task = task_of(saved(source / "lake.png", "red"))
    Image.new("RGB", (5, 5), "blue").save(source / "lake.png")
    done = exported(out, task)
    (line,) = lines(done)
    content = (source / "lake.png").read_bytes()
    assert (out / "lake.png").read_bytes() == content
    assert line["sha256"] == hashlib.sha256(content).hexdigest()


def test_a_disk_that_fills_up_leaves_no_half_of_a_file(
    source: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [task_of(saved(source / f"{name}.png", name)) for name in ("red", "blue")]
    give_name = atomic_file.give_name

    def full(part: Path, target: Path) -> None:
        if target.name == "red.png":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        give_name(part, target)

    monkeypatch.setattr(atomic_file, "give_name", full)
    done = exported(out, *tasks)
    assert done.problems == ["red.png is not exported: no space left on device."]
    assert names(out) == ["blue.png", "picks.jsonl", "sheet.png"]


def test_an_interruption_leaves_whole_files_alone(
    source: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic_file, "sync_file", interrupt)
    with pytest.raises(KeyboardInterrupt):
        exported(out, task_of(saved(source / "lake.png")))
    assert names(out) == []


def test_a_folder_that_can_not_be_is_a_sentence(source: Path, out: Path) -> None:
    out.write_text("a file")
    with pytest.raises(ExportError, match=r"Nothing can be written to .*\.$"):
        exported(out / "below", task_of(saved(source / "lake.png")))
    assert out.read_text() == "a file"


def test_a_sheet_has_the_first_pictures_alone(
    source: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_sheet, "MOST_PICTURES", 1)
    tasks = [task_of(saved(source / f"{name}.png", name)) for name in ("red", "blue")]
    done = exported(out, *tasks)
    assert (len(done.files), done.not_on_sheet, done.problems) == (2, 1, [])
    with Image.open(out / "sheet.png") as sheet:
        colours = {colour for _, colour in sheet.getcolors(1 << 20) or []}
    assert (255, 0, 0) in colours
    assert (0, 0, 255) not in colours
