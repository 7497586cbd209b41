"""`sheet` and `export-picks`, as a script runs them."""

import json
import os
import resource
import signal
from pathlib import Path

import pytest
from msgspec.structs import replace
from PIL import Image

from tests.cli.test_export import run
from tests.exchange.pictures import failed, saved, task_of
from tui.paths import folders
from tui.tasks.store import Store
from tui.tasks.task import Task


@pytest.fixture
def pictures(home: Path) -> Path:
    """The folder of saved pictures."""
    folder = folders().output
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of commands."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def queue(pictures: Path) -> list[Task]:
    """Four pictures of a job, one more, and one that failed."""
    tasks = [
        task_of(
            saved(pictures / f"{model}-{colour}.png", colour),
            model=model,
            quality=colour,
            job="01m7xyp84pz243",
        )
        for model in ("z-image", "imagen-4")
        for colour in ("red", "blue")
    ]
    tasks.append(task_of(saved(pictures / "fox.png", "lime"), prompt="a fox"))
    tasks.append(failed())
    store = Store(folders().queue)
    store.add_missing([(task, []) for task in tasks])
    store.close()
    return tasks


def colours(sheet: Path) -> set[object]:
    with Image.open(sheet) as image:
        found = {colour for _, colour in image.getcolors(1 << 20) or []}
    named = {(255, 0, 0): "red", (0, 0, 255): "blue", (0, 255, 0): "lime"}
    return {named[colour] for colour in found if colour in named}


def test_a_sheet_is_written_and_its_path_printed(queue: list[Task], here: Path) -> None:
    said = run("sheet", "--all")
    sheet = here / "sheet.png"
    assert (said.returncode, said.stdout, said.stderr) == (0, f"{sheet}\n", "")
    assert colours(sheet) == {"red", "blue", "lime"}
    before = sheet.read_bytes()
    again = run("sheet", "--search", "fox", "-o", "sheet.png")
    assert again.stdout == f"{here / 'sheet-2.png'}\n"
    assert sheet.read_bytes() == before
    assert colours(here / "sheet-2.png") == {"lime"}
    os.mkdir("below")
    run("sheet", queue[0].id, "-o", "below")
    assert colours(here / "below" / "sheet.png") == {"red"}


def test_a_sheet_as_json_says_what_is_where(queue: list[Task], here: Path) -> None:
    said = run(
        *("sheet", "--job", queue[0].job, queue[5].id, "--json"),
        *("--by", "model", "--by", "quality", "-o", "matrix.png"),
    )
    assert said.returncode == 0
    sheet = json.loads(said.stdout)
    assert sheet["file"] == str(here / "matrix.png")
    with Image.open(sheet["file"]) as image:
        assert image.size == (sheet["width"], sheet["height"])
    told = [(cell["number"], cell["id"], cell["problem"]) for cell in sheet["cells"]]
    # The failed one is of z-image, and has no quality
    assert told == [
        (1, queue[0].id, None),
        (2, queue[1].id, None),
        (3, queue[5].id, "failed: The prompt was refused: moderation"),
        (4, queue[2].id, None),
        (5, queue[3].id, None),
    ]
    assert [cell["picture"] for cell in sheet["cells"]] == [1, 1, None, 1, 1]
    assert sheet["cells"][0]["file"] == queue[0].files[0]
    assert sheet["cells"][0]["prompt"] == "a lake"


def test_a_picture_that_is_gone_is_told(
    queue: list[Task], pictures: Path, here: Path
) -> None:
    (pictures / "fox.png").unlink()
    said = run("sheet", "--all")
    assert said.returncode == 0
    assert "5: fox.png is not there." in said.stderr
    assert colours(here / "sheet.png") == {"red", "blue"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["sheet"], "Name tasks or jobs by id, or give --search or --all."),
        (["sheet", "--all", "--search", "x"], "--all can't be combined"),
        (["sheet", "nothing"], "There is no task nothing in the queue."),
        (["sheet", "--search", "giraffe"], "None of these tasks has a picture."),
        (["sheet", "--search", "status:failed"], "None of these tasks has a picture."),
        (["sheet", "--all", "--by", "modle"], "Did you mean model?"),
        (["sheet", "--all", *("--by", "model") * 4], "give --by three times at most"),
        (["sheet", "--all", "-o", "sheet.jpg"], "a name that ends with .png"),
        (
            ["sheet", "--all", "-o", "/proc/no/sheet.png"],
            "can't be written to /proc/no",
        ),
        (["export-picks", "--all"], "Missing option '--out'"),
        (["export-picks", "--out", "picks"], "Name tasks or jobs by id"),
        (["export-picks", "--all", "--out", "/proc/no"], "Nothing can be written"),
        (["export-picks", "giraffe", "--out", "picks"], "There is no task giraffe"),
    ],
)
def test_what_can_not_be_done_is_a_sentence(
    words: list[str], says: str, queue: list[Task], here: Path
) -> None:
    said = run(*words)
    assert (said.returncode, said.stdout) == (4, "")
    assert says in said.stderr
    assert "Traceback" not in said.stderr
    assert os.listdir(here) == []


def test_picks_are_exported_with_a_sheet_and_a_list(
    queue: list[Task], here: Path
) -> None:
    said = run("export-picks", "--search", "lake", "--out", "picks")
    picks = here / "picks"
    names = [Path(task.files[0]).name for task in queue[:4]]
    assert (said.returncode, said.stderr) == (0, f"4 pictures are in {picks}.\n")
    assert said.stdout.splitlines() == [
        str(picks / name) for name in (*names, "sheet.png", "picks.jsonl")
    ]
    assert sorted(os.listdir(picks)) == sorted([*names, "picks.jsonl", "sheet.png"])
    assert colours(picks / "sheet.png") == {"red", "blue"}
    lines = (picks / "picks.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [task.id for task in queue[:4]]
    again = run("export-picks", queue[0].job, "--out", "picks", "--json")
    told = json.loads(again.stdout)
    assert told == {
        "folder": str(picks),
        "files": [str(picks / name) for name in names],
        "sheet": str(picks / "sheet.png"),
        "list": str(picks / "picks.jsonl"),
        "problems": [],
    }


def test_ratings_choose_pictures(queue: list[Task], pictures: Path, here: Path) -> None:
    results = [
        replace(saved(pictures / f"{number}.png", colour), rating=rating)
        for number, (colour, rating) in enumerate(
            [("red", -1), ("blue", 3), ("lime", 5)]
        )
    ]
    task = task_of(*results)
    store = Store(folders().queue)
    store.add_missing([(task, [])])
    store.close()
    assert run("sheet", "--all", "--rated", "4").returncode == 0
    assert colours(here / "sheet.png") == {"lime"}
    said = run("export-picks", task.id, "--out", "picks")
    assert said.returncode == 0
    assert "1 rejected picture is left out." in said.stderr
    assert sorted(os.listdir("picks")) == [
        *("1.png", "2.png", "picks.jsonl", "sheet.png")
    ]
    said = run("export-picks", "--search", "is:rejected", "--out", "none")
    assert said.returncode == 4
    assert "None of these tasks has a picture to export." in said.stderr


def test_a_full_disk_is_told_and_what_fits_is_there(
    queue: list[Task], pictures: Path, here: Path
) -> None:
    Image.effect_noise((400, 400), 90).save(pictures / "fox.png")

    def small_files_only() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, 120_000))

    assert (pictures / "fox.png").stat().st_size > 120_000
    said = run("export-picks", "--all", "--out", "picks", preexec_fn=small_files_only)
    assert said.returncode == 1
    assert "fox.png is not exported: file too large." in said.stderr
    assert "Traceback" not in said.stderr
    names = [Path(task.files[0]).name for task in queue[:4]]
    assert sorted(os.listdir("picks")) == sorted([*names, "picks.jsonl", "sheet.png"])


def test_the_commands_are_in_the_help() -> None:
    said = run("--help")
    assert "export-picks" in said.stdout
    assert "  sheet " in said.stdout
    assert "--by" in run("sheet", "--help").stdout
