"""Keys on imported tasks: what a file says is shown, and neither sent nor thrown away."""

import json
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from tests.app import TestApp, past
from tui.screens.confirm import ConfirmScreen
from tui.tasks.archive import load
from tui.tasks.store import Store
from tui.tasks.task import Result, Status, Task


def imported(app: TestApp, *tasks: Task) -> None:
    """Imports tasks of an export, as anybody may have written it."""
    lines = [
        json.dumps(msgspec.to_builtins(task) | {"format": "runapi-tui 1"})
        for task in tasks
    ]
    store = Store(app.session.folders.queue)
    folder = app.session.folders.output
    assert load(store, lines, folder, print) == (len(tasks), 0)
    store.close()


async def test_s_asks_and_sends_the_values_as_a_new_task() -> None:
    app = TestApp()
    imported(
        app,
        past(
            "a red fox",
            Status.SUBMITTING,
            estimate_micro=1,
            body=b'{"model": "forged", "prompt": "forged"}',
            key="forged",
            service="me",
        ),
    )
    async with app.running(120, 40) as pilot:
        await app.sees("a red fox")
        await pilot.press("ctrl+t", "s")
        await app.until(lambda: isinstance(app.screen, ConfirmScreen))
        await app.sees(
            "already have been made and billed", "Send 1 request, about $0.0"
        )
        assert app.engine
        assert len(app.engine.tasks) == 1
        await pilot.press("escape")
        await app.until(lambda: not isinstance(app.screen, ConfirmScreen))
        assert len(app.engine.tasks) == 1
        await pilot.press("s")
        await app.until(lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        new = await app.until_task(
            pilot, lambda task: task.status is Status.COMPLETED and not task.imported
        )
        old = app.engine.tasks[new.retry_of]
    assert (old.status, old.retried_by) == (Status.DROPPED, new.id)
    assert (new.service, new.values) == ("flux_2", {"prompt": "a red fox"})
    assert b"forged" not in new.body


@pytest.mark.parametrize(("key", "status"), [("s", Status.HELD), ("r", Status.FAILED)])
async def test_nobody_is_asked_to_pay_for_what_cannot_be_sent(
    key: str, status: Status
) -> None:
    app = TestApp()
    values = {"prompt": "a red fox", "callback_url": "https://evil.example"}
    imported(app, past("a red fox", status, values=values))
    async with app.running(120, 40) as pilot:
        await app.sees("a red fox")
        await pilot.press("ctrl+t", key)
        await app.until(lambda: any("reports to https" in told for told in app.told))
        assert not isinstance(app.screen, ConfirmScreen)
        assert app.engine
        assert len(app.engine.tasks) == 1


async def test_x_leaves_every_file_where_it_is() -> None:
    app = TestApp()
    folder = app.session.folders.output
    folder.mkdir(parents=True)
    Image.new("RGB", (64, 64), "red").save(folder / "holiday.png")
    (folder / "thesis.odt").write_text("months of work")
    (folder / "linked.png").hardlink_to(folder / "holiday.png")
    names = ("holiday.png", "thesis.odt", "linked.png")
    results = tuple(Result(url="", path=str(folder / name)) for name in names)
    imported(app, past("a red fox", results=results))
    async with app.running(120, 40) as pilot:
        await app.sees("a red fox")
        await pilot.press("ctrl+t", "x")
        await app.until(lambda: any("2 files are kept" in told for told in app.told))
        await app.sees("The queue is empty")
    assert sorted(file.name for file in folder.iterdir()) == sorted(names)


async def test_x_keeps_an_image_that_was_changed_since() -> None:
    app = TestApp()
    async with app.running(120, 40) as pilot:
        await pilot.press(*"fox", "ctrl+j")
        task = await app.until_task(pilot, lambda task: task.status is Status.COMPLETED)
        file = Path(task.files[0])
        Image.new("RGB", (64, 64), "red").save(file)
        await pilot.press("ctrl+t", "x")
        await app.until(lambda: any("is kept: changed" in told for told in app.told))
        assert file.exists()
        await pilot.press("z")
        await app.sees("fox")
    assert file.exists()
