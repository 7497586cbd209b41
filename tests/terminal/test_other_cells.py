"""The terminal's cells become others while the app runs: pictures follow."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from tests.app import TestApp, past
from tests.terminal.answering import SIXEL, AnsweringTerminal
from tui.tasks.task import Result

SIZE = (100, 40)
FOCUS = b"\x1b[I"
Change = Callable[[AnsweringTerminal], None]


@pytest.fixture
def picture(home: Path) -> None:
    """The queue has one result."""
    path = home / "red.png"
    Image.new("RGB", (512, 512), "red").save(path)
    TestApp().remember(past("red", results=(Result(url="", path=str(path)),)))


def cell(width: int, height: int) -> bytes:
    return b"\x1b[6;%d;%dt" % (height, width)


def sixels(width: int, height: int) -> bytes:
    return b"\x1b[?2;0;%d;%dS" % (width * SIZE[0], height * SIZE[1])


def zoom(terminal: AnsweringTerminal) -> None:
    """With the pixels of another scale in the kernel."""
    terminal.answers |= {"cell": cell(5, 10)}
    terminal.resize(SIZE, (10, 21))


def zoom_without_answer(terminal: AnsweringTerminal) -> None:
    terminal.answers = {"da1": SIXEL["da1"]}
    terminal.resize(SIZE, (5, 10))


def zoom_by_area(terminal: AnsweringTerminal) -> None:
    terminal.answers |= {"sixels": sixels(5, 10)}
    terminal.resize(SIZE, (5, 10))


def zoom_unseen(terminal: AnsweringTerminal) -> None:
    terminal.answers |= {"cell": cell(5, 10)}
    terminal.type(FOCUS)


def report(terminal: AnsweringTerminal) -> None:
    """In-band, as mode 2048 has it."""
    terminal.answers |= {"cell": cell(5, 10)}
    terminal.type(b"\x1b[48;%d;%d;%d;%dt" % (40, 100, 400, 500))


@pytest.mark.parametrize(
    ("answers", "change"),
    [
        ({"cell": cell(10, 20)}, zoom),
        ({}, zoom_without_answer),
        ({"sixels": sixels(10, 20)}, zoom_by_area),
        ({"cell": cell(10, 20)}, zoom_unseen),
        ({"cell": cell(10, 20), "mode": b"\x1b[?2048;2$y"}, report),
    ],
    ids=["signal", "silent", "area", "focus", "in-band"],
)
@pytest.mark.usefixtures("picture")
def test_a_picture_follows_the_font(answers: dict[str, bytes], change: Change) -> None:
    with closing(AnsweringTerminal(SIXEL | answers)) as terminal:
        terminal.until(terminal.widths, "the picture")
        terminal.until_seen("balance")
        before = max(terminal.widths())
        start = len(terminal.output)
        change(terminal)

        def has_followed() -> bool:
            half = before / 2  # thumbnails are far smaller
            return any(half - 20 <= width <= half for width in terminal.widths(start))

        terminal.until(has_followed, "the picture in other pixels")
        assert b"\x1b[2J" in terminal.output[start:]  # nothing is left of the old one
