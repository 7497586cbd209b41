"""Which picture stands where on a sheet of tasks, and what is said of it."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.exchange.pictures import failed, task_of
from tui.exchange.pictures import Picture, facts, pictures_of
from tui.exchange.task_sheet import UnknownAxisError, by_parameters, grid, varying
from tui.images.contact_sheet import SheetTable
from tui.tasks.task import Result, Status, Task


def result(name: str) -> Result:
    return Result(url="https://files.example/x.png", path=f"/pictures/{name}.png")


def matrix(models: Iterable[str], seeds: Iterable[int]) -> list[Task]:
    return [
        task_of(result(f"{model}-{seed}"), model=model, seed=seed)
        for model in models
        for seed in seeds
    ]


def names(table: SheetTable) -> list[list[str]]:
    """The names of the files by rows; "-" without a file, "" for a gap."""
    return [
        ["" if cell is None else cell.path.stem if cell.path else "-" for cell in row]
        for row in table.rows
    ]


def listed(tasks: Iterable[Task]) -> list[Picture]:
    return list(pictures_of(tasks))


def test_rows_and_columns_are_the_values_of_two_parameters() -> None:
    tasks = matrix(["z-image", "imagen-4"], [9, 10])
    tasks.append(failed(model="imagen-4", seed=11))
    table, pictures = by_parameters(listed(tasks), ["model", "seed"])
    assert table.row_titles == ("z-image", "imagen-4")
    assert table.column_titles == ("seed 9", "seed 10", "seed 11")
    assert names(table) == [
        ["z-image-9", "z-image-10", ""],
        ["imagen-4-9", "imagen-4-10", "-"],
    ]
    (blank,) = (cell for cell in table.cells if not cell.path)
    assert blank.reason == "failed: The prompt was refused: moderation"
    assert [picture.path for picture in pictures] == [c.path for c in table.cells]
    assert [picture.task.id for picture in pictures] == [task.id for task in tasks]


def test_numbers_are_sorted_and_words_stay_in_their_order() -> None:
    tasks = matrix(["z-image", "a-model"], [10, 9, 100])
    table, _ = by_parameters(listed(tasks), ["seed", "model"])
    assert table.row_titles == ("seed 9", "seed 10", "seed 100")
    assert table.column_titles == ("z-image", "a-model")


def test_several_pictures_of_one_place_stand_below_each_other() -> None:
    tasks = matrix(["z-image"], [1, 2])
    tasks.append(task_of(result("again"), model="z-image", seed=1))
    table, _ = by_parameters(listed(tasks), ["model", "seed"])
    assert names(table) == [["z-image-1", "z-image-2"], ["again", ""]]
    assert table.row_titles == ("z-image", "z-image")


def test_one_parameter_has_rows_of_its_pictures() -> None:
    tasks = matrix(["z-image", "imagen-4"], range(9))
    table, _ = by_parameters(listed(tasks), ["model"])
    assert [len(row) for row in table.rows] == [8, 1, 8, 1]
    assert table.row_titles == ("z-image", "z-image", "imagen-4", "imagen-4")
    assert table.column_titles == ()


def test_values_of_one_picture_each_are_a_grid() -> None:
    table, pictures = by_parameters(listed(matrix(["z-image"], [4, 3, 2, 1])), ["seed"])
    assert names(table) == [["z-image-1", "z-image-2"], ["z-image-3", "z-image-4"]]
    assert table.row_titles == ()
    assert next(table.cells).caption == f"seed 1\n{pictures[0].task.id[-6:]}"


def test_a_task_without_the_parameter_has_a_row_of_its_own() -> None:
    tasks = [*matrix(["z-image"], [1, 1]), task_of(result("none"))]
    table, _ = by_parameters(listed(tasks), ["seed"])
    assert table.row_titles == ("seed 1", "no seed")


def test_an_unknown_parameter_is_told_with_the_nearest() -> None:
    pictures = listed(matrix(["z-image"], [1]))
    with pytest.raises(UnknownAxisError, match=r"'sed'\. Did you mean seed\?$"):
        by_parameters(pictures, ["sed"])
    with pytest.raises(UnknownAxisError):
        by_parameters(pictures, ["\x1b]0;x\x07"])


@pytest.mark.parametrize(
    ("count", "columns"),
    [(1, 1), (2, 2), (3, 3), (4, 2), (6, 3), (7, 4), (12, 4), (200, 20)],
)
def test_a_grid_is_a_little_wider_than_high(count: int, columns: int) -> None:
    tasks = [task_of(result(str(number))) for number in range(count)]
    table, pictures = grid(listed(tasks))
    assert len(table.rows[0]) == columns
    assert [picture.task for picture in pictures] == tasks


def test_what_all_have_in_common_is_said_once() -> None:
    tasks = matrix(["z-image", "imagen-4"], [7])
    table, _ = grid(listed(tasks))
    assert table.title == "a lake"
    assert table.note == "seed 7 · 2 pictures · $0.02"
    assert [cell.caption for cell in table.cells] == [
        f"{task.model}\n{task.id[-6:]}" for task in tasks
    ]
    tasks[0] = task_of(result("x"), prompt="a fox", cost_micro=50_000)
    table, _ = grid(listed(tasks))
    assert table.title == ""
    assert [cell.caption for cell in table.cells] == [
        f"a fox\nz-image · $0.05 · {tasks[0].id[-6:]}",
        f"a lake\nimagen-4 · seed 7 · $0.01 · {tasks[1].id[-6:]}",
    ]


def test_pictures_of_one_task_are_counted_and_its_cost_once() -> None:
    task = task_of(*(result(str(number)) for number in range(3)))
    table, _ = grid(listed([task]))
    assert table.note == "z-image · 3 pictures · $0.01"
    assert next(table.cells).caption == f"1/3 · {task.id[-6:]}"


def test_ratings_are_shown_and_can_be_rows(tmp_path: Path) -> None:
    ratings = (0, 3, -1, 5)
    results = [replace(result(str(rating)), rating=rating) for rating in ratings]
    pictures = listed([task_of(*results), task_of(result("none"))])
    captions = [cell.caption for cell in grid(pictures).table.cells]
    assert [caption.split(" · ")[0] for caption in captions[:4]] == [
        "1/4",
        "★★★",
        "rejected",
        "★★★★★",
    ]
    table, _ = by_parameters(pictures, ["rating"])
    assert table.row_titles == ("★★★★★", "★★★", "no rating", "rejected")
    assert names(table) == [["5"], ["3"], ["0", "none"], ["-1"]]


def test_dropped_and_retried_tasks_are_left_out() -> None:
    kept = failed()
    tasks = [kept, failed(retried_by=kept.id), task_of(status=Status.DROPPED)]
    assert [picture.task for picture in listed(tasks)] == [kept]


def test_facts_hold_no_folder_and_no_secret(tmp_path: Path) -> None:
    task = task_of(
        source_image_urls=["/home/me/secret/cat.png", "https://u:p@h/a.png?token=x"],
        callback_url="https://me.example/hook",
        enhance=True,
        quality="high",
    )
    told = facts(Picture(task, None, None))
    assert "callback_url" not in told
    assert told["source_image_urls"] == "cat.png, https://h/a.png"
    assert (told["enhance"], told["quality"]) == ("enhance yes", "high")


def test_what_differs_makes_the_rows_and_columns_by_itself() -> None:
    tasks = matrix(["z-image", "imagen-4"], [9, 10, 11])
    assert varying(listed(tasks)) == ["model", "seed"]
    assert varying(listed(matrix(["z-image"], [9, 10]))) == ["seed"]
    assert varying(listed(matrix(["z-image"], [9]))) == []
    one = listed(matrix(["z-image"], [9]))
    assert by_parameters(one, []).table == grid(one).table
