"""Snippets and wildcards in the form: completed, counted and priced, never sent as names."""

from pathlib import Path

import pytest

from tests.app import TestApp
from tui.tasks.task import Status


@pytest.fixture
def config(home: Path) -> Path:
    folder = home / ".config" / "runapi-tui"
    (folder / "snippets").mkdir(parents=True)
    (folder / "wildcards").mkdir()
    return folder


async def test_a_wildcard_is_counted_and_priced_then_each_line_sent(
    config: Path,
) -> None:
    (config / "wildcards" / "animal.txt").write_text("fox\nowl\n# cat\n")
    app = TestApp()
    async with app.running(100, 30) as pilot:
        await pilot.press(*"red __animal__")
        await app.sees("Generate 2 ", "$0.10")
        await pilot.press("ctrl+j")
        assert app.engine
        tasks = app.engine.tasks
        await app.until(lambda: len(tasks) == 2)
        assert {task.prompt for task in tasks.values()} == {"red fox", "red owl"}


async def test_an_unknown_wildcard_is_an_error_under_the_field() -> None:
    app = TestApp()
    async with app.running(100, 30) as pilot:
        await pilot.press(*"red __animal__")
        await app.sees("There is no file wildcards/animal.txt")
        await pilot.press("ctrl+j")
        await app.workers.wait_for_complete()
        assert app.engine
        assert not app.engine.tasks


async def test_what_has_changed_since_is_shown_before_it_is_sent(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.widgets.form.REST", 600)
    file = config / "wildcards" / "animal.txt"
    file.write_text("fox\nowl\n")
    app = TestApp()
    async with app.running(100, 30) as pilot:
        assert app.engine
        tasks = app.engine.tasks
        await pilot.press(*"red __animal__")
        await app.sees("Generate 2 ", "$0.10")
        file.write_text("fox\nowl\ncat\n")
        await pilot.press("ctrl+j")
        await app.until(lambda: app.told)
        await app.sees("Generate 3 ", "$0.15")
        assert not tasks
        await pilot.press("ctrl+j")
        await app.until(lambda: len(tasks) == 3)


async def test_a_snippet_is_completed_by_tab_and_undo_brings_the_name_back(
    config: Path,
) -> None:
    (config / "snippets" / "castle.txt").write_text("an old castle,\nin fog\n")
    (config / "snippets" / "cat.txt").write_text("a cat")
    app = TestApp()
    async with app.running(100, 30) as pilot:
        assert app.main
        form = app.main.form
        await pilot.press(*"at :cas")
        await app.sees("tab  :castle", without=":cat")
        await pilot.press("tab")
        await app.until(
            lambda: form.values().get("prompt") == "at an old castle,\nin fog"
        )
        await pilot.press("ctrl+z")
        assert form.values()["prompt"] == "at :cas"


async def test_tab_without_a_snippet_goes_to_the_next_field(config: Path) -> None:
    (config / "snippets" / "cat.txt").write_text("a cat")
    app = TestApp()
    async with app.running(100, 30) as pilot:
        assert app.main
        prompt = app.focused
        await pilot.press(*"a ratio of 1:c", "tab")
        assert app.focused is not prompt
        assert app.main.form.values()["prompt"] == "a ratio of 1:c"


async def test_the_page_of_a_job_knows_wildcards_too(config: Path) -> None:
    (config / "wildcards" / "animal.txt").write_text("fox\nowl\n")
    app = TestApp()
    async with app.running(100, 36) as pilot:
        await pilot.press(*"red __animal__", "ctrl+b")
        await app.sees("Send 2", "red fox", "red owl")
        await pilot.press("ctrl+j")
        assert app.engine
        tasks = app.engine.tasks
        await app.until(lambda: len(tasks) == 2)
        await app.until_task(pilot, lambda task: task.status is Status.COMPLETED)
