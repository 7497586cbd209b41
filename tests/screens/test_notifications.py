"""The end of a job is told once, and only to somebody who looks elsewhere."""

import asyncio
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs
from textual import events

from tests.app import HALF, TestApp, past
from tui.exchange import notify_command
from tui.exchange.notify_command import CommandProblem, NotifyCommand
from tui.graphics.probe import Terminal
from tui.screens.notifications import describe, sequence
from tui.screens.terminal_title import title
from tui.tasks.task import Status
from tui.terminal.textual_private import driver_of

KITTY = replace(HALF, name="kitty 0.36")


async def ended(
    app: TestApp, monkeypatch: pytest.MonkeyPatch, *, blur: bool
) -> list[str]:
    """Ends a job of two; returns what was written to the terminal but frames."""
    written: list[str] = []
    driver = driver_of(app)
    assert driver
    monkeypatch.setattr(driver, "write", written.append)
    if blur:
        app.post_message(events.AppBlur())
        await app.until(lambda: not app.app_focus)
    job = [past(name, Status.PROCESSING, job="one") for name in ("fox", "owl")]
    for task in job:
        app.task_changed(task)
    for task in job:
        app.task_changed(structs.replace(task, status=Status.COMPLETED))
        app.task_changed(structs.replace(task, status=Status.COMPLETED, cleared=True))
    await app.workers.wait_for_complete()
    return [text for text in written if "\a" in text or "\x1b]" in text]


async def test_a_job_notifies_once_when_another_window_has_the_focus(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = TestApp(terminal=KITTY)
    async with app.running(100, 30):
        written = await ended(app, monkeypatch, blur=True)
    assert written == ["\a\x1b]9;Job done: 2 tasks.\x1b\\"]


async def test_a_job_that_is_watched_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = TestApp(terminal=KITTY)
    async with app.running(100, 30):
        assert await ended(app, monkeypatch, blur=False) == []


async def test_the_users_command_gets_the_sentence_as_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    script = tmp_path / "tell it.py"
    script.write_text(
        f"import os, sys\nopen({str(seen)!r}, 'w').write(repr(sys.argv[1:]))\n"
    )
    command = f"{sys.executable} '{script}' '$(x)'"
    monkeypatch.setenv("RUNAPI_TUI_NOTIFY_COMMAND", command)
    app = TestApp()
    async with app.running(100, 30):
        assert await ended(app, monkeypatch, blur=True) == []
    assert seen.read_text() == repr(["$(x)", "Job done: 2 tasks."])


def test_a_command_that_stays_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify_command, "SECONDS", 0.2)
    began = time.monotonic()
    NotifyCommand().run(f"{sys.executable} -c 'import time; time.sleep(60)'", "done")
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("command", ["no-such-command", "'open", "  "])
def test_a_command_that_cannot_be_run_is_a_problem(command: str) -> None:
    with pytest.raises(CommandProblem, match="notify_command can't be run"):
        NotifyCommand().run(command, "done")


async def test_a_command_that_hangs_holds_up_neither_the_app_nor_other_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun = threading.Event()
    ends = threading.Event()
    told: list[str] = []

    def hang(self: NotifyCommand, command: str, sentence: str) -> None:
        told.append(sentence)
        begun.set()
        ends.wait()

    monkeypatch.setattr(NotifyCommand, "run", hang)
    monkeypatch.setenv("RUNAPI_TUI_NOTIFY_COMMAND", "tell")
    app = TestApp()
    async with app.running(100, 30):
        pool = ThreadPoolExecutor(1)
        asyncio.get_running_loop().set_default_executor(pool)
        app.post_message(events.AppBlur())
        await app.until(lambda: not app.app_focus)
        try:
            for name in ("fox", "owl", "cat"):
                task = past(name, Status.PROCESSING)
                app.task_changed(task)
                app.task_changed(structs.replace(task, status=Status.COMPLETED))
                await app.until(begun.is_set)
            async with asyncio.timeout(20):
                await asyncio.to_thread(lambda: None)
            assert told == ["Done: fox"]
        finally:
            ends.set()
        await app.workers.wait_for_complete()
    assert told == ["Done: fox", "2 jobs have ended."]


def test_each_terminal_gets_what_it_shows() -> None:
    nine = "\x1b]9;a; b\x1b\\"
    urxvt = "\x1b]777;notify;runapi-tui;a, b\x1b\\"
    unknown = Terminal(HALF.images, "")
    inside = replace(KITTY, multiplexer="tmux")
    assert sequence("a; b", "osc", KITTY) == nine
    assert sequence("a; b", "auto", replace(HALF, name="foot 1.20")) == "\a" + urxvt
    assert sequence("a; b", "auto", unknown) == "\a"
    assert sequence("a; b", "osc", unknown) == nine + urxvt
    assert sequence("a; b", "bell", KITTY) == "\a"
    assert sequence("a", "osc", inside).startswith("\x1bPtmux;\x1b\x1b]9;a")
    assert sequence("a", "off", KITTY) == ""


def test_nothing_of_a_prompt_is_obeyed() -> None:
    hostile = past("a\x1b]52;c;x\x07 \x9c fox\nowl")
    told = sequence(describe([hostile]), "osc", KITTY)
    assert told == "\x1b]9;Done: a fox owl\x1b\\"


def test_the_sentence_counts() -> None:
    done, failed = past("fox"), past("owl", Status.FAILED)
    assert describe([failed]) == "Not done: owl"
    assert describe([past("x", Status.DROPPED)]) == ""
    assert describe([done, failed]) == "Job ended: 1 of 2 done, 1 not."


def test_the_title_counts_what_runs() -> None:
    assert title(0) == "runapi-tui"
    assert title(2) == "runapi-tui · 2 running"
