"""The app inside tmux, whose terminals come and go."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from tests.app import TestApp, past
from tests.terminal.answering import KITTY, PLAIN, AnsweringTerminal
from tui.tasks.task import Result

pytestmark = pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is missing")

SENT = b"a=T,U=1"
PLACEHOLDER = "\U0010eeee".encode()
SIZE = ("-x", "100", "-y", "40")


class Tmux:
    """A server with the app in its first window, started without a terminal.

    `folder` needs a short path: that of a socket has about a hundred bytes.
    """

    def __init__(self, folder: Path, passthrough: str) -> None:
        config = folder / "tmux.conf"
        config.write_text(f"set -g allow-passthrough {passthrough}\n")
        self._command = ("tmux", "-S", str(folder / "tmux"), "-f", str(config))
        app = f"{sys.executable} -m tui --demo"
        self.tell("new-session", "-d", *SIZE, app)

    def tell(self, *words: str) -> str:
        # Not the terminal of the tests themselves
        others = ("TMUX", "TMUX_PANE", "LINES", "COLUMNS")
        env = {name: value for name, value in os.environ.items() if name not in others}
        return subprocess.run(
            (*self._command, *words),
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    def screen(self) -> str:
        """The text of the app's window."""
        return self.tell("capture-pane", "-p", "-t", ":0")

    def attach(self, answers: dict[str, bytes]) -> AnsweringTerminal:
        return AnsweringTerminal(answers, command=(*self._command, "attach"))


@pytest.fixture
def tmux(
    home: Path,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Tmux]:
    path = home / "red.png"
    Image.new("RGB", (512, 512), "red").save(path)
    TestApp().remember(past("red", results=(Result(url="", path=str(path)),)))
    folder = tmp_path_factory.mktemp("t")
    server = Tmux(folder, getattr(request, "param", "on"))
    try:
        yield server
    finally:
        server.tell("kill-server")


def test_each_terminal_that_attaches_is_asked_and_gets_the_pictures(
    tmux: Tmux,
) -> None:
    for _ in range(2):
        with closing(tmux.attach(KITTY)) as kitty:
            kitty.until(lambda: SENT in kitty.output, "a picture for kitty")
            kitty.until(lambda: PLACEHOLDER in kitty.output, "its place")
    with closing(tmux.attach(PLAIN)) as plain:
        plain.until(lambda: "images: quadrant" in tmux.screen(), "blocks")
        plain.until(lambda: PLACEHOLDER.decode() not in tmux.screen(), "no places")


def test_what_was_lost_while_the_window_was_hidden_is_sent_again(tmux: Tmux) -> None:
    with closing(tmux.attach(KITTY)) as kitty:
        kitty.until(lambda: SENT in kitty.output, "a picture for kitty")
        tmux.tell("new-window", "cat")
        tmux.tell("resize-window", "-t", ":0", "-x", "90")

        def is_drawn_anew() -> bool:
            rows = tmux.screen().splitlines()
            is_narrower = (
                max(map(len, rows), default=100) <= 95
            )  # with marks of placeholders
            return is_narrower and PLACEHOLDER.decode() in "".join(rows)

        kitty.until(is_drawn_anew, "another size of the picture")
        start = len(kitty.output)
        tmux.tell("select-window", "-t", ":0")
        kitty.until(lambda: SENT in kitty.output[start:], "the picture once more")


@pytest.mark.parametrize("tmux", ["off"], indirect=True)
def test_without_passthrough_nothing_becomes_a_title(tmux: Tmux) -> None:
    with closing(tmux.attach(KITTY)) as kitty:
        kitty.until_seen("images: half")
        assert "Gi=" not in tmux.tell("list-panes", "-aF", "#{pane_title}")
        assert b"\x1b_G" not in kitty.output


class SilentTmux:
    """A stand-in that notes each call, and fails until it shall `tell`."""

    def __init__(self, folder: Path) -> None:
        self._calls = folder / "calls"
        self._told = folder / "told"
        program = folder / "tmux"
        program.write_text(
            f"#!/bin/sh\necho >>'{self._calls}'\nexec cat '{self._told}' 2>&-\n"
        )
        program.chmod(0o755)

    @property
    def calls(self) -> int:
        return self._calls.stat().st_size if self._calls.exists() else 0

    def tell(self) -> None:
        """From now on, one terminal shows the pane."""
        self._told.write_text("@1\n7|7|@1|0|%0|xterm-256color\n")


@pytest.fixture
def silent_tmux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SilentTmux:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    monkeypatch.setenv("TMUX", "x,1,0")
    monkeypatch.setenv("TMUX_PANE", "%0")
    return SilentTmux(folder)


FOCUS = b"\x1b[I"
INSIDE = PLAIN | {"name": b"\x1bP>|tmux 3.3a\x1b\\"}


@pytest.mark.usefixtures("home")
def test_tmux_is_asked_in_turns_also_when_it_was_silent_at_first(
    silent_tmux: SilentTmux,
) -> None:
    with closing(AnsweringTerminal(INSIDE)) as terminal:
        terminal.until_seen("balance")
        silent_tmux.tell()
        before = silent_tmux.calls
        terminal.type(FOCUS)
        # The focus asks it for facts and viewers
        terminal.until(lambda: silent_tmux.calls > before + 3, "more questions")


@pytest.mark.usefixtures("home")
def test_tmux_is_not_asked_when_no_pixels_are_wanted(silent_tmux: SilentTmux) -> None:
    silent_tmux.tell()
    with closing(AnsweringTerminal(INSIDE, "--images", "half")) as terminal:
        terminal.until_seen("balance")
        before = silent_tmux.calls
        terminal.type(FOCUS)
        terminal.type(b"red fox")
        terminal.until_seen("red fox")
        terminal.type(b"\x11")
        assert terminal.until_ended() == 0
        assert silent_tmux.calls == before
