"""From a result to the next one: again, variations, a source, marks and ratings."""

import shutil
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec import structs
from PIL import Image
from textual.pilot import Pilot

from tests.app import TestApp, past
from tests.test_pays_once import hold
from tui.catalog.load import bundled
from tui.catalog.spec import Values
from tui.paths import home
from tui.screens.compare import CompareScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.grid import GridScreen
from tui.screens.history import HistoryScreen
from tui.screens.how_many import HowManyScreen
from tui.screens.line_prompt import LinePromptScreen
from tui.screens.picker import ModelPickerScreen
from tui.screens.sheet import SheetScreen
from tui.screens.task_form import TaskFormScreen
from tui.screens.viewer import ViewerScreen
from tui.tasks.task import REJECTED, Problem, Result, Status, Task
from tui.widgets import form
from tui.widgets.form_note import FormNote
from tui.widgets.preview import Preview
from tui.widgets.text_fields import Prompt

PAGES = {
    "queue": ["ctrl+t"],
    "history": ["f9"],
    "grid": ["ctrl+t", "v"],
    "viewer": ["ctrl+t", "enter"],
}
"""Keys to each page that lists results."""
SCREENS = {"history": HistoryScreen, "grid": GridScreen, "viewer": ViewerScreen}


def made(app: TestApp, prompt: str, count: int = 1, **fields: Any) -> Task:
    """A completed task with pictures that its run has saved."""
    folder = app.session.folders.output
    folder.mkdir(parents=True, exist_ok=True)
    files = [
        folder / f"{prompt.replace(' ', '-')}-{number}.png" for number in range(count)
    ]
    for number, file in enumerate(files):
        Image.new("RGB", (8, 8), (40 * number, 90, 40)).save(file)
    results = tuple(
        Result(url="", path=str(file), format="png", width=8, height=8)
        for file in files
    )
    return past(prompt, results=results, **fields)


def seeded(app: TestApp) -> Task:
    """A task of a model that takes seeds."""
    return made(
        app,
        "a red fox",
        model="imagen-4-fast",
        service="imagen_4",
        values={"prompt": "a red fox", "seed": 7},
    )


async def go_to(app: TestApp, pilot: Pilot[None], page: str) -> None:
    await app.sees("completed")
    for key in PAGES[page]:
        await pilot.press(key)
        await pilot.pause()
    if page in SCREENS:
        await app.until(lambda: isinstance(app.screen, SCREENS[page]))
        await pilot.pause()
    if page == "history":
        await app.sees("a red fox")
        await pilot.press("down")


def new_tasks(app: TestApp, before: int) -> list[Task]:
    assert app.engine
    return sorted(app.engine.tasks.values(), key=lambda task: task.id)[before:]


@pytest.mark.parametrize("page", PAGES)
async def test_one_key_sends_the_same_again_from_every_page(page: str) -> None:
    app = TestApp()
    app.remember(seeded(app))
    async with app.running(120, 36) as pilot:
        await go_to(app, pilot, page)
        await pilot.press("a")
        await app.until(lambda: new_tasks(app, 1))
        await pilot.pause()
        (new,) = new_tasks(app, 1)
        assert new.values == {"prompt": "a red fox", "seed": 7}
        assert not new.retry_of


@pytest.mark.parametrize("page", PAGES)
async def test_variations_have_seeds_of_their_own_and_are_one_job(page: str) -> None:
    app = TestApp()
    app.remember(seeded(app))
    async with app.running(120, 36) as pilot:
        await go_to(app, pilot, page)
        await pilot.press("m")
        await app.until(lambda: isinstance(app.screen, HowManyScreen))
        await app.sees("4   $0.16")
        await pilot.press("4")
        await app.until(lambda: len(new_tasks(app, 1)) == 4)
        new = new_tasks(app, 1)
        assert len({task.values["seed"] for task in new} | {7}) == 5
        assert len({task.job for task in new}) == 1
        assert sum(task.estimate_micro or 0 for task in new) == 160_000


async def test_on_a_job_the_shown_picture_is_meant() -> None:
    app = TestApp()
    app.remember(*(made(app, f"{name} fox", job="foxes") for name in ("red", "blue")))
    async with app.running(120, 36) as pilot:
        await app.sees("2 of 2")
        await pilot.press("ctrl+t", "right_square_bracket", "m")
        await app.until(lambda: isinstance(app.screen, HowManyScreen))
        await pilot.press("2")
        await app.until(lambda: len(new_tasks(app, 2)) == 2)
        varied = {task.prompt for task in new_tasks(app, 2)}
        assert len(varied) == 1
        shown = app.screen.query_one(Preview).results.shown
        assert shown
        assert varied == {shown.task.prompt}
        await pilot.press("u")
        await app.until(lambda: app.screen.query_one(Prompt).text == shown.task.prompt)


async def test_another_seed_is_another_one() -> None:
    app = TestApp()
    app.remember(seeded(app))
    async with app.running(120, 36) as pilot:
        await go_to(app, pilot, "queue")
        await pilot.press("A")
        await app.until(lambda: new_tasks(app, 1))
        (new,) = new_tasks(app, 1)
        assert new.values["seed"] != 7
        assert new.values["prompt"] == "a red fox"


async def test_a_key_that_is_held_down_sends_one_request() -> None:
    app = TestApp()
    app.remember(made(app, "a red fox"))
    async with app.running(120, 36) as pilot:
        await go_to(app, pilot, "queue")
        await hold(app, "a", 4)
        await app.until(lambda: new_tasks(app, 1))
        await pilot.pause()
        assert len(new_tasks(app, 1)) == 1


@pytest.mark.parametrize("page", PAGES)
async def test_the_shown_picture_becomes_a_source_where_one_goes_on_typing(
    page: str,
) -> None:
    app = TestApp()
    task = made(app, "a red fox", 4)
    app.remember(task)
    async with app.running(120, 36) as pilot:
        await go_to(app, pilot, page)
        await pilot.press("right" if page == "grid" else "right_square_bracket", "e")
        await app.until(lambda: isinstance(app.screen, ModelPickerScreen))
        await pilot.press("enter")
        await app.until(lambda: app.screen is app.main)
        await app.sees("the picture is the source")
        await pilot.press(*"blue")
        assert app.main
        values = app.main.form.values()
        assert values["prompt"] == "blue"
        (source,) = cast(list[str], values["source_image_urls"])
        assert home(source) == Path(task.files[1])
        await pilot.press("ctrl+z")  # what was typed
        await pilot.press("ctrl+z")  # the form
        await pilot.pause()
        assert app.main.filler.model.slug == "flux-2-pro-text-to-image"


@pytest.mark.parametrize("page", PAGES)
async def test_pictures_are_rated_one_after_the_other_and_undone(page: str) -> None:
    app = TestApp()
    task = made(app, "a red fox", 3)
    app.remember(task)

    def ratings() -> list[int]:
        assert app.engine
        return [result.rating for result in app.engine.tasks[task.id].results]

    async with app.running(120, 36) as pilot:
        await go_to(app, pilot, page)
        await pilot.press("4")
        await app.until(lambda: ratings() == [4, 0, 0])
        await pilot.press("X")
        await app.until(lambda: ratings() == [4, REJECTED, 0])
        await pilot.press("1")
        await app.until(lambda: ratings() == [4, REJECTED, 1])
        await pilot.press("z")
        await app.until(lambda: ratings() == [4, REJECTED, 0])
        await pilot.press("z")
        await app.until(lambda: ratings() == [4, 0, 0])
        assert "Rated 4: a red fox (1 of 3)." in app.told
        assert app.told[-2:] == [
            "Taken back: 1 ★, a red fox (3 of 3).",
            "Taken back: rejected, a red fox (2 of 3).",
        ]


async def test_tags_are_typed_and_found() -> None:
    app = TestApp()
    app.remember(made(app, "a red fox"), made(app, "an owl"))
    async with app.running(120, 36) as pilot:
        await go_to(app, pilot, "queue")
        await pilot.press("T")
        await app.until(lambda: isinstance(app.screen, LinePromptScreen))
        await pilot.press(*"Cover, BIRD", "enter")
        await app.until(
            lambda: app.engine and any(task.tags for task in app.engine.tasks.values())
        )
        await pilot.press("f9", *"tag:bird rting:3")
        await app.sees("0 found · not a filter: rting:3")
        await pilot.press(*["backspace"] * 8)
        await app.sees("1 found", "an owl", without="a red fox")


@pytest.mark.parametrize("page", ["queue", "grid", "history"])
async def test_marked_ones_are_sent_again_once_their_price_is_agreed_to(
    page: str,
) -> None:
    app = TestApp()
    app.remember(*(made(app, f"a red fox {number}") for number in range(3)))
    async with app.running(120, 36) as pilot:
        await go_to(app, pilot, page)
        await pilot.press("space", "space")
        await app.sees("2 marked")
        await pilot.press("a")
        await app.until(lambda: isinstance(app.screen, ConfirmScreen))
        await app.sees("Send 2 requests, about $0.10")
        await pilot.press("y")
        await app.until(lambda: len(new_tasks(app, 3)) == 2)
        await pilot.pause()
        new = new_tasks(app, 3)
        assert {task.prompt for task in new} == {"a red fox 1", "a red fox 2"}
        assert sum(task.estimate_micro or 0 for task in new) == 100_000
        assert "marked" not in app.text()


async def test_all_are_marked_and_unmarked() -> None:
    app = TestApp()
    app.remember(*(made(app, f"a red fox {number}") for number in range(5)))
    async with app.running(120, 36) as pilot:
        await go_to(app, pilot, "queue")
        await pilot.press("space", "down", "down", "V")
        await app.sees("4 marked")
        await pilot.press("ctrl+a")
        await app.sees("5 marked")
        await pilot.press("escape")
        await app.sees("Queue", without="marked")
        assert app.main
        assert app.main.queue.table.has_focus


async def test_all_failed_are_retried_after_one_question() -> None:
    app = TestApp()
    problem = Problem("moderation", "The prompt was refused.")
    app.remember(
        *(past(f"fox {n}", Status.FAILED, error=problem) for n in range(3)),
        made(app, "an owl"),
    )
    async with app.running(120, 36) as pilot:
        await app.sees("completed")
        await pilot.press("ctrl+t", "R")
        await app.until(lambda: isinstance(app.screen, ConfirmScreen))
        await app.sees("Send 3 requests, about $0.15")
        await pilot.press("y")
        await app.until(lambda: len(new_tasks(app, 4)) == 3)
        assert app.engine
        failed = [task for task in app.engine.tasks.values() if task.error]
        assert {task.error for task in failed} == {problem}
        assert all(task.retried_by for task in failed)
        await app.until(lambda: app.told)
        await pilot.press("R")
        await app.sees("No task has failed.")


async def test_a_waiting_task_is_edited_in_place() -> None:
    app = TestApp()
    waiting = [past(f"fox {number}", Status.HELD) for number in range(3)]
    app.remember(*waiting, paused=True)
    async with app.running(120, 36) as pilot:
        await app.sees("fox 2")
        await pilot.press(*"mine", "ctrl+t", "down", "e")
        await app.until(lambda: isinstance(app.screen, TaskFormScreen))
        await app.sees("Save")
        await pilot.press("ctrl+end", *" in the snow", "ctrl+j")
        await app.until(lambda: app.screen is app.main)
        await app.sees("fox 1 in the snow")
        assert app.engine
        assert app.main
        assert app.main.form.values()["prompt"] == "mine"
        tasks = app.engine.tasks
        assert len(tasks) == 3
        changed = tasks[waiting[1].id]
        assert changed.status is Status.HELD
        assert changed.turn == waiting[1].turn
        assert b"fox 1 in the snow" in changed.body
        assert changed.key
        await pilot.press("p")
        await app.until(
            lambda: all(task.status is Status.COMPLETED for task in tasks.values())
        )


async def test_a_copy_is_saved_over_nothing() -> None:
    app = TestApp()
    task = made(app, "a red fox", 2)
    app.remember(task)
    (app.session.folders.output / "x.png").write_text("mine")
    async with app.running(120, 36) as pilot:
        await go_to(app, pilot, "viewer")
        await pilot.press("w")
        await app.until(lambda: isinstance(app.screen, LinePromptScreen))
        await pilot.press(*str(app.session.folders.output / "x.png"), "enter")
        await app.sees("Saved: ")
    folder = app.session.folders.output
    assert (folder / "x.png").read_text() == "mine"
    assert (folder / "x-2.png").read_bytes() == Path(task.files[0]).read_bytes()


async def test_marked_pictures_are_compared_and_the_best_one_is_exported() -> None:
    app = TestApp()
    task = made(app, "a red fox", 3)
    app.remember(task)
    folder = app.session.folders.output / "picks"
    async with app.running(120, 36) as pilot:
        await go_to(app, pilot, "grid")
        await pilot.press("b")
        await app.sees("Mark the images to compare, each with space, then press b.")
        await pilot.press("space", "space", "b")
        await app.until(lambda: isinstance(app.screen, CompareScreen))
        await app.sees("Same request.")
        await pilot.press("escape")
        await app.until(lambda: isinstance(app.screen, GridScreen))
        await app.sees("1 of 3")  # where the comparison was left, not the last mark
        await pilot.press("escape", "home", "X", "5")
        await app.until(
            lambda: (
                app.engine
                and [each.rating for each in app.engine.tasks[task.id].results]
                == [REJECTED, 5, 0]
            )
        )
        await pilot.press("ctrl+a", "E")
        await app.until(lambda: isinstance(app.screen, LinePromptScreen))
        await pilot.press(*str(folder), "enter")
        await app.sees("2 pictures are in ")
    kept = {Path(file).name for file in task.files[1:]}
    assert {each.name for each in folder.iterdir()} == {
        "sheet.png",
        "picks.jsonl",
        *kept,
    }


async def test_what_comes_next_waits_for_the_picture() -> None:
    app = TestApp()
    first = past("a red fox", Status.HELD)
    app.remember(first, paused=True)
    async with app.running(120, 36) as pilot:
        await app.sees("a red fox")
        await pilot.press(*"mine", "ctrl+t", "t")
        await app.until(lambda: isinstance(app.screen, ModelPickerScreen))
        await pilot.press(*"topaz", "enter")
        await app.until(lambda: isinstance(app.screen, TaskFormScreen))
        await app.sees('Sent once the picture of "a red fox" is there')
        await app.sees("$0.10")
        assert "Source" not in app.text()
        await pilot.press("ctrl+j")
        await app.until(lambda: app.screen is app.main)
        await app.sees("Waits for the picture")
        assert app.main
        assert app.main.form.values()["prompt"] == "mine"
        (second,) = new_tasks(app, 1)
        assert (second.after, second.estimate_micro) == (first.id, 100_000)
        await pilot.press("e")  # what waits is changed in the same form
        await app.until(lambda: isinstance(app.screen, TaskFormScreen))
        await app.sees("It works from the picture of another task.")
        await pilot.press("ctrl+j")
        await app.until(lambda: app.screen is app.main)
        await app.sees("The task is changed")
        assert app.engine
        assert app.engine.tasks[second.id].after_param == "source_image_url"


@pytest.mark.hands_over("*.png")
async def test_each_task_of_a_job_gets_a_next_one_after_one_question() -> None:
    app = TestApp()
    job = [past(f"fox {number}", Status.HELD, job="foxes") for number in range(3)]
    app.remember(*job, paused=True)
    async with app.running(120, 36) as pilot:
        await app.sees("fox")
        await pilot.press("ctrl+t", "t")
        await app.until(lambda: isinstance(app.screen, ModelPickerScreen))
        await pilot.press(*"topaz", "enter")
        await app.until(lambda: isinstance(app.screen, TaskFormScreen))
        await pilot.press("ctrl+j")
        await app.until(lambda: isinstance(app.screen, ConfirmScreen))
        await app.sees("$0.30")
        await pilot.press("y")
        await app.until(lambda: len(new_tasks(app, 3)) == 3)
        assert {task.after for task in new_tasks(app, 3)} == {task.id for task in job}
        assert app.engine
        await app.engine.pause(False)
        tasks = app.engine.tasks
        await app.until(
            lambda: all(task.status is Status.COMPLETED for task in tasks.values())
        )


def matrix_of_foxes(app: TestApp) -> list[Task]:
    """A job of two models, three ratios and two seeds, but for one cell that failed."""
    cells = [
        ("a red fox", {"aspect_ratio": ratio, "seed": seed}, model)
        for model in ("flux-2-pro-text-to-image", "z-image")
        for ratio in ("1:1", "16:9", "3:4")
        for seed in (7, 8)
    ]
    tasks = [
        made(app, prompt, job="foxes", model=model, values={"prompt": prompt} | values)
        for prompt, values, model in cells
    ]
    tasks[-1] = structs.replace(
        tasks[-1], status=Status.FAILED, results=(), error=Problem("failed", "No.")
    )
    return tasks


async def test_a_job_is_a_table_by_what_varies_in_it() -> None:
    app = TestApp()
    app.remember(*matrix_of_foxes(app))
    async with app.running(140, 44) as pilot:
        await app.sees("11 of 12")
        await pilot.press("ctrl+t", "M")
        await app.until(lambda: isinstance(app.screen, SheetScreen))
        await app.sees("11 pictures")
        lines = app.text().splitlines()
        heading = next(line for line in lines if "1:1" in line)
        assert heading.index("1:1") < heading.index("16:9") < heading.index("3:4")
        # a third axis makes rows within rows, and each of them has its label
        await app.sees("Flux 2 Pro", "seed 7", "seed 8")
        await app.sees("12 of 12 · Flux 2 Pro · seed 7 · 1:1")
        await pilot.press("end")
        await app.sees("1 of 12 · Z Image · seed 8 · 3:4", "failed")
        await pilot.press("left")
        await app.sees("3 of 12 · Z Image · seed 8 · 16:9")
        await pilot.press("4")
        await app.sees("Rated 4: a red fox.", "★★★★")
        await pilot.press("home", "enter")
        await app.until(lambda: isinstance(app.screen, ViewerScreen))
        await pilot.press("escape")
        await app.until(lambda: isinstance(app.screen, SheetScreen))
        target = app.session.folders.output / "table.png"
        await pilot.press("w")
        await app.until(lambda: isinstance(app.screen, LinePromptScreen))
        assert "Drawing the table …" in app.told
        await pilot.press(*str(target), "enter")
        await app.sees("Saved: ")
        with Image.open(target) as sheet:
            assert sheet.width < 2 * sheet.height  # four rows, three ratios
        await pilot.press("escape")
        await app.until(lambda: app.screen is app.main)


async def test_a_comparison_leads_back_to_the_picture_shown_last() -> None:
    app = TestApp()
    tasks = [made(app, f"fox {number}", job="foxes") for number in range(3)]
    app.remember(*tasks)
    async with app.running(120, 36) as pilot:
        await app.sees("3 of 3")
        await pilot.press("ctrl+t", "space", "b")
        await app.until(lambda: isinstance(app.screen, CompareScreen))
        await pilot.press("space", "escape")
        await app.until(lambda: app.screen is app.main)
        assert app.main
        shown = app.main.preview.results
        await app.until(lambda: shown.shown and shown.shown.task.id == tasks[1].id)


async def test_the_grid_and_the_table_have_one_numbering_and_say_what_varies() -> None:
    app = TestApp()
    app.remember(*matrix_of_foxes(app))
    async with app.running(160, 44) as pilot:
        await app.sees("11 of 12")
        await pilot.press("ctrl+t", "v")
        await app.until(lambda: isinstance(app.screen, GridScreen))
        await app.sees("3  Z Image · seed 8 · 16:9 · a red")
        await app.sees("1  ✗ failed Z Image · seed 8 · 3:4")
        await pilot.press("escape", "M")
        await app.until(lambda: isinstance(app.screen, SheetScreen))
        await pilot.press("end", "left")
        await app.sees("3 of 12 · Z Image · seed 8 · 16:9")


async def test_a_table_follows_what_comes_meanwhile() -> None:
    app = TestApp()
    ratios = ("1:1", "16:9")
    app.remember(
        *(
            past(
                "a fox",
                Status.HELD,
                job="foxes",
                values={"prompt": "a fox", "aspect_ratio": ratio},
            )
            for ratio in ratios
        ),
        paused=True,
    )
    async with app.running(120, 36) as pilot:
        await app.sees("2 held")
        await pilot.press("ctrl+t", "M")
        await app.until(lambda: isinstance(app.screen, SheetScreen))
        await app.sees("1  ○ held 16:9", "2  ○ held 1:1")
        assert app.engine
        await app.engine.pause(False)
        await app.sees("● completed", without="held")


async def test_a_result_too_large_to_be_shown_is_told_before_it_is_paid(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(form, "REST", 0.01)
    source = tmp_path / "lake.png"
    Image.new("1", (4100, 5000)).save(source)
    topaz = bundled().find("topaz-upscale-image")
    app = TestApp()
    async with app.running(120, 36):
        assert app.main
        shown = app.main.form
        note = shown.query_one(FormNote)
        values: Values = {"source_image_url": str(source), "upscale_factor": 4}
        await shown.show(topaz, "service", values)
        await app.until(lambda: "16400×20000 pixels. It is saved" in note.text)
        await shown.show(topaz, "service", values | {"upscale_factor": 1})
        await app.until(lambda: "pixels" not in note.text)


async def test_a_result_too_large_to_be_shown_is_not_called_failed() -> None:
    app = TestApp()
    task = made(app, "a red fox")
    case = Path(__file__).parents[1] / "images/cases/topaz_8x_of_1024x1536.png"
    shutil.copy(case, task.files[0])
    app.remember(task)
    async with app.running(120, 36) as pilot:
        for keys in ([], ["ctrl+t", "v"], ["enter"]):
            await pilot.press(*keys)
            await app.sees("is too large to be shown here", without="failed")
