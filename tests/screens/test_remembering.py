"""What a restart brings back is saved soon, once, and beside what others have saved."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tui.catalog.request import LONGEST_TEXT
from tui.screens.remembering import Remembering
from tui.settings import remembered
from tui.settings.remembered import MOST_DRAFTS, Draft, Remembered

LONG = "x" * (LONGEST_TEXT + 1)


class Clock:
    """Timers that a test ends."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], Any]] = []

    def set_timer(self, seconds: float, callback: Callable[[], Any]) -> None:
        self.waiting.append(callback)

    async def pass_by(self) -> None:
        waiting, self.waiting = self.waiting, []
        for callback in waiting:
            await callback()


def draft(model: str, prompt: str) -> Draft:
    return Draft("text_to_image", model, {"prompt": prompt})


async def test_many_changes_are_saved_by_one_timer(tmp_path: Path) -> None:
    clock = Clock()
    remembering = Remembering(tmp_path, clock.set_timer)
    for length in range(5):
        remembering.keep_draft(draft("a", "fox"[:length]))
    remembering.change(theme="nord")
    assert len(clock.waiting) == 1
    assert remembered.load(tmp_path) == Remembered()
    await clock.pass_by()
    saved = remembered.load(tmp_path)
    assert (saved.theme, saved.drafts) == ("nord", (draft("a", "fox"),))
    remembering.change(theme="nord")
    assert clock.waiting == []


async def test_two_windows_keep_each_others_changes(tmp_path: Path) -> None:
    clock = Clock()
    one = Remembering(tmp_path, clock.set_timer)
    two = Remembering(tmp_path, clock.set_timer)
    one.change(theme="nord")
    one.keep_draft(draft("a", "fox"))
    two.change(layout="write")
    two.keep_draft(draft("b", "owl"))
    await clock.pass_by()
    saved = remembered.load(tmp_path)
    assert (saved.theme, saved.layout) == ("nord", "write")
    assert saved.drafts == (draft("a", "fox"), draft("b", "owl"))


async def test_drafts_are_bounded_and_the_latest_are_kept_whole(tmp_path: Path) -> None:
    remembering = Remembering(tmp_path, Clock().set_timer)
    for number in range(MOST_DRAFTS + 5):
        remembering.keep_draft(draft(str(number), LONG))
    remembering.keep_draft(draft("7", "again"))
    await remembering.save()
    saved = remembered.load(tmp_path).drafts
    assert len(saved) == MOST_DRAFTS
    assert saved[-1] == draft("7", "again")
    assert {kept.values["prompt"] for kept in saved[:-1]} == {LONG}


async def test_the_file_stays_small_enough_to_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "_LARGEST_FILE", 2 * len(LONG) + 1000)
    remembering = Remembering(tmp_path, Clock().set_timer)
    for model in "abc":
        remembering.keep_draft(draft(model, LONG))
    await remembering.save()
    assert remembered.load(tmp_path).drafts == (draft("b", LONG), draft("c", LONG))


async def test_what_is_no_utf8_does_not_spoil_the_file(tmp_path: Path) -> None:
    remembering = Remembering(tmp_path, Clock().set_timer)
    remembering.keep_draft(draft("a", "caf\udce9.png"))
    await remembering.save()
    assert remembered.load(tmp_path).drafts == (draft("a", "caf?.png"),)


async def test_a_folder_that_cannot_be_written_to_costs_no_more_than_the_memory(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").touch()
    remembering = Remembering(tmp_path / "file", Clock().set_timer)
    remembering.change(theme="nord")
    await remembering.save()
    assert remembering.current.theme == "nord"


async def test_what_could_not_be_saved_is_saved_later(tmp_path: Path) -> None:
    clock = Clock()
    state = tmp_path / "state"
    state.touch()
    remembering = Remembering(state, clock.set_timer)
    remembering.change(theme="nord", layout="write")
    remembering.keep_draft(draft("a", "fox"))
    remembering.keep_draft(draft("b", "owl"))
    await clock.pass_by()
    assert len(clock.waiting) == 1
    remembering.change(theme="gruvbox")
    remembering.keep_draft(draft("a", "a red fox"))
    await clock.pass_by()
    assert len(clock.waiting) == 1
    state.unlink()
    await clock.pass_by()
    saved = remembered.load(state)
    assert (saved.theme, saved.layout) == ("gruvbox", "write")
    assert saved.drafts == (draft("b", "owl"), draft("a", "a red fox"))
    assert clock.waiting == []
