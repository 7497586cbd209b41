"""Pasted text is text: it is never a key and never pays, however the terminal sends it
and reads cut it.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest
from textual import events
from textual.message import Message

from tests.pty_app import pictures, pty_app
from tui.terminal.keyboard import MOST_PASTED, QUIET, Keyboard

START, END = "\x1b[200~", "\x1b[201~"
COLOURED = "\x1b[31mred\x1b[0m\nx\r\nd\x1b]0;title\x07r\x1b[15~"
"""As a terminal pastes it; the last is F5, which pays like ctrl+j."""


class Clock:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Typist:
    """A keyboard, and what came out of it: keys by name, pastes as `<text>`."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.keyboard = Keyboard(clock=self.clock)
        self.came: list[str] = []

    def reads(self, *parts: str, apart: float = 0.0001) -> "Typist":
        """So many reads, so many seconds apart."""
        for part in parts:
            self.clock.now += apart
            self._take(self.keyboard.tick())
            self._take(self.keyboard.feed(part))
        return self

    def waits(self, seconds: float = 0.2) -> list[str]:
        """What has come in all, once nothing more comes for so long."""
        self.clock.now += seconds
        self.keyboard._parser.wait_no_longer()  # which has a clock of its own
        self._take(self.keyboard.tick())
        return self.came

    def _take(self, messages: Iterable[Message]) -> None:
        for message in messages:
            if isinstance(message, events.Paste):
                self.came.append(f"<{message.text}>")
            elif isinstance(message, events.Key):
                self.came.append(message.key)
            else:
                self.came.append(type(message).__name__)


def together(came: list[str]) -> str:
    """All pastes as one text; anything else stands for itself."""
    return "".join(came).replace("><", "")


def test_coloured_text_is_one_paste() -> None:
    assert Typist().reads(START + COLOURED + END).waits() == ["<red\nx\ndr>"]


def test_a_paste_may_be_cut_anywhere() -> None:
    whole = "a" + START + COLOURED + END + "b"
    for first in range(1, len(whole)):
        for second in {first, min(first + 1, len(whole)), min(first + 4, len(whole))}:
            parts = [
                part
                for part in (whole[:first], whole[first:second], whole[second:])
                if part
            ]
            # Nothing that comes right behind a paste is a key, either.
            assert together(Typist().reads(*parts).waits()) == "a<red\nx\ndrb>", parts


def test_a_paste_may_come_character_by_character_on_a_slow_link() -> None:
    came = Typist().reads(*(START + COLOURED + END), apart=0.05).waits()
    assert came == ["<red\nx\ndr>"]


def test_its_mark_may_come_in_pieces_however_late() -> None:
    came = (
        Typist()
        .reads("\x1b[20", apart=0.3)
        .reads("0~x\n", "y" + END, apart=0.3)
        .waits()
    )
    assert came == ["<x\ny>"]


def test_marks_within_it_are_no_keys() -> None:
    assert Typist().reads(f"{START}a{START}b\n{END}").waits() == ["<ab\n>"]
    assert Typist().reads(f"{START}\x1b[3{END}").waits() == []
    # An end mark in the text itself is not the terminal's.
    assert Typist().reads(f"{START}a{END}\nrx{END}").waits() == ["<a\nrx>"]
    assert together(Typist().reads(f"{START}a{END}", f"\nrx{END}").waits()) == "<a\nrx>"


def test_two_pastes_stay_two() -> None:
    assert Typist().reads(f"{START}a{END}{START}b{END}").waits() == ["<a>", "<b>"]


def test_a_paste_without_an_end_ends_in_time_and_what_comes_late_is_no_key() -> None:
    typist = Typist().reads(START + "fox\n")
    assert typist.came == []
    assert typist.waits(QUIET) == ["<fox\n>"]
    assert typist.reads("xd\n").waits() == ["<fox\n>", "<xd\n>"]
    assert typist.reads("\n", apart=1).waits() == ["<fox\n>", "<xd\n>", "<\n>"]
    assert typist.reads("q" + END, apart=1).waits()[3:] == ["<q>"]
    assert typist.reads("\n", apart=1).waits()[4:] == ["ctrl+j"]


def test_a_key_after_a_paste_without_an_end_is_a_key() -> None:
    typist = Typist().reads(START + "fox")
    typist.waits(QUIET)
    assert typist.reads("\x11", apart=1).waits() == ["<fox>", "ctrl+q"]
    assert typist.reads("\n", apart=1).waits()[2:] == ["ctrl+j"]


def test_a_paste_of_megabytes_is_cut() -> None:
    typist = Typist().reads(START, *(["\x1b[31mabc\n" * 1000] * 600), END)
    paste, news = typist.waits()
    assert news == "PasteCut"
    assert len(paste) <= MOST_PASTED + len("<>")
    assert paste.endswith("…>")


@pytest.mark.parametrize(
    ("reads", "came"),
    [
        (["\n"], ["ctrl+j"]),
        (["x", "\n"], ["x", "<\n>"]),  # two reads, but at once
        (["x\n"], ["<x\n>"]),
        (["\n", "x"], ["<\nx>"]),
        (["one\ntwo"], ["<one\ntwo>"]),
        (["\x1b\n"], ["<\n>"]),
        (["\x1b", "\n"], ["<\n>"]),
        (["\x1b\r"], ["alt+enter"]),
        (["\x1b[13;3u"], ["alt+enter"]),
        (["\x1b[27;3;13~"], ["alt+enter"]),
        (["\x1b[13;2u"], ["shift+enter"]),
        (["\x1b[27;2;13~"], ["shift+enter"]),
        (["\r"], ["enter"]),
        (["\r\n"], ["<\n>"]),
        (["\r", "\n"], ["enter"]),
        (["\\\r\n"], ["<\n>"]),
        (["\\", "\r", "\n"], ["backslash", "enter"]),
        (["\n\n"], ["<\n>", "<\n>"]),
        (["\x1b[31m\n"], ["<\n>"]),
        (["\x1b[I\n"], ["AppFocus", "ctrl+j"]),  # what the terminal tells isn't typed
        (["\x1b[<35;5;5M\n", "\x1b[<35;6;5M"], ["MouseMove", "MouseMove", "ctrl+j"]),
        (["\x1b[<35;5", ";5M"], ["MouseMove"]),
        (["\x1b[106;5u"], ["ctrl+j"]),  # Kitty's protocol tells the key itself
        (["x\x1b[106;5u"], ["x", "ctrl+j"]),
        (["\x1b[106;5:3u"], []),  # it is released
        (["\x1b[106:74;5:1u"], ["ctrl+j"]),
        (["\x1b[9999999;5u", "a"], ["a"]),
        (["imagen\r"], ["i", "m", "a", "g", "e", "n", "enter"]),  # typed on a slow link
        (["x" * 70], ["x"] * 70),  # a key is held down
        (["a line of a text\rand another"], ["<a line of a text\nand another>"]),
        (["\x1b[A\x1bOB\x1b[15~"], ["up", "down", "f5"]),
        (["\x1b"], ["escape"]),
        (["\x1b["], ["left_square_bracket"]),
    ],
)
def test_a_line_feed_is_a_key_only_if_it_comes_alone(
    reads: list[str], came: list[str]
) -> None:
    assert Typist().reads(*reads).waits() == came


def test_a_text_that_the_terminal_does_not_mark_is_no_keys() -> None:
    text = "".join(f"line {number}\r" for number in range(2000))
    parts = [text[start : start + 4095] for start in range(0, len(text), 4095)]
    came = Typist().reads(*parts, "x", "\r", "\n").waits()
    assert all(part.startswith("<") for part in came)
    assert together(came).startswith("<line 0\nline 1\n")
    assert together(came).endswith("line 1999\nx\n>")


def test_typing_goes_on_after_all_that() -> None:
    typist = Typist().reads(START + COLOURED + END)
    assert typist.reads("f", "\n", apart=0.05).waits()[1:] == ["f", "ctrl+j"]


def test_nothing_pasted_pays_and_ctrl_j_does(home: Path) -> None:
    with pty_app("--images", "none") as app:
        app.type(f"{START}{COLOURED}{END}".encode())
        app.until_seen("dr")
        whole = f"{START}\x1b[1mowl\x1b[0m\né\n{END}".encode()
        for byte in whole:
            app.type(bytes([byte]))
        app.until_seen("é")
        app.type(b"lynx\n\\\r\n")
        app.until_seen("lynx")
        start = len(app.output)
        app.type(b"\x1b\nend")
        app.until_seen("end", start)
        assert not pictures(home)
        app.type(b"\n")
        app.until(lambda: pictures(home), "the picture of what was asked for")
        app.until_seen("completed")
        # To the queue, where letters are orders.
        app.type(b"\x14")
        app.until_seen("Inspect")
        app.type(f"{START}\x1b[31mx\nx\x1b[0m{END}".encode())
        app.type(b"\x11")
        assert app.until_ended() == 0
        assert len(pictures(home)) == 1


def test_a_paste_that_just_fits_is_whole() -> None:
    whole = "x" * MOST_PASTED
    assert Typist().reads(START, whole, END).waits() == [f"<{whole}>"]
