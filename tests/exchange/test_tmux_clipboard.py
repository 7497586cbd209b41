"""A copy that tmux keeps to itself is shown where it can be selected."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.app import HALF, TestApp
from tui.exchange.tmux_clipboard import swallows_copies
from tui.screens.copied import CopiedScreen
from tui.screens.share import copy


@pytest.fixture
def tmux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns the file of a program called tmux that answers "external"."""
    program = tmp_path / "bin" / "tmux"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho external\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("TMUX", "/tmp/tmux-0/default,1,0")
    return program


@pytest.mark.parametrize(
    ("answer", "swallows"), [("external", True), ("off", True), ("on", False)]
)
def test_the_setting_decides(answer: str, swallows: bool, tmux: Path) -> None:
    tmux.write_text(
        f'#!/bin/sh\n[ "$*" = "show-options -sv set-clipboard" ] && echo {answer}\n'
    )
    assert swallows_copies() is swallows


def test_a_tmux_that_does_not_answer_is_trusted(tmux: Path) -> None:
    tmux.write_text("#!/bin/sh\nexit 1\n")
    assert not swallows_copies()
    assert not swallows_copies({"PATH": str(tmux.parent)})


@pytest.mark.usefixtures("tmux")
async def test_what_tmux_keeps_is_shown_whole_with_what_turns_copying_on() -> None:
    app = TestApp(terminal=replace(HALF, multiplexer="tmux"))
    async with app.running(100, 30) as pilot:
        copy(app, "a [b]long\x1b[31m text[/]\nof two lines", "a text")
        await app.sees("set -g set-clipboard on", "a [b]long text[/]", "of two lines")
        await app.until(lambda: isinstance(app.screen, CopiedScreen))
        await pilot.press("escape")
        await app.until(lambda: app.screen is app.main)


@pytest.mark.usefixtures("tmux")
async def test_outside_of_tmux_nothing_is_asked() -> None:
    app = TestApp()
    async with app.running(100, 30) as pilot:
        copy(app, "a text")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert app.screen is app.main


async def test_the_last_copy_is_found_in_the_palette() -> None:
    app = TestApp()
    async with app.running(100, 30) as pilot:
        await pilot.press("ctrl+p", *"copied text", "enter")
        await app.until(lambda: "Nothing was copied yet." in app.told)
        copy(app, "word " * 30 + "end")
        await pilot.press("ctrl+p", *"copied text", "enter")
        await app.sees("word word", " end")
        await pilot.press("escape")
        assert app.screen is app.main
