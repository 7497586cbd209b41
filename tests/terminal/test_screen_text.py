"""The last filter before the terminal: text is never obeyed, cells stay where they are."""

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import ControlType, Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.color import Color
from textual.content import Content
from textual.filter import ANSIToTruecolor, Monochrome
from textual.widgets import (
    DataTable,
    Footer,
    Input,
    Label,
    OptionList,
    Static,
    TextArea,
)

from tests.pty_app import pty_app
from tui.terminal.screen_text import ScreenText
from tui.terminal.textual_private import OpenApp
from tui.text import on_screen

BLACK = Color(0, 0, 0)
EVIL = "\x1b]52;c;ZXZpbA==\x07\x9b31m\x9d0;title\x9c\u202e\u2066\u2028\x7f\U000e0041\ud800x"
KITTY = "\x1b_Ga=p,i=1\x1b\\\U0010eeee\u0305"
FORBIDDEN = ("Cc", "Cs", "Zl", "Zp")


def is_harmless(text: str) -> bool:
    return on_screen(text) == text and not any(
        unicodedata.category(character) in FORBIDDEN for character in text
    )


@settings(deadline=None, derandomize=True)
@given(
    st.text(
        st.characters() | st.sampled_from("\x1b\t\n\x9b\u200d\ufe0f\ud800☺👩家\u202e")
    )
)
def test_what_is_removed_has_no_cells(text: str) -> None:
    shown = on_screen(text)
    assert is_harmless(shown)
    assert cell_len(shown) == cell_len(text)


@pytest.mark.parametrize(
    "text",
    ["família 家 👩\u200d🎨 ☺\ufe0f", "नमस्ते", "שלום", "سلام", "\U0010eeee\u0305"],
)
def test_letters_and_emoji_stay(text: str) -> None:
    assert on_screen(text) is text or on_screen(text) == text


def test_a_million_joiners_are_read_once_each() -> None:
    """Were they quadratic, this would not end."""
    assert on_screen("\u200d" * 1_000_000 + "\x1b") == ""


def test_harmless_lines_pass_as_they_are_and_so_do_pixels() -> None:
    pixels = Segment(KITTY, None, [(ControlType.CURSOR_FORWARD, 0)])
    harmless = [Segment("fox"), Segment("家", Style(bold=True))]
    assert ScreenText([]).apply(harmless, BLACK) is harmless
    assert ScreenText([]).apply([Segment(EVIL), pixels], BLACK) == [
        Segment("]52;c;ZXZpbA==31m0;title\ufffdx"),
        pixels,
    ]


def test_textuals_own_filters_follow() -> None:
    assert not ScreenText([Monochrome()]).keeps_colours
    [shown] = ScreenText([Monochrome()]).apply(
        [Segment("a\x1bb", Style(color="#ff0000"))], BLACK
    )
    assert shown.text == "ab"
    assert shown.style != Style(color="#ff0000")


class Page(OpenApp):
    """One of each widget that shows text, with an evil one."""

    BINDINGS = [("f5", "bell", f"Key {EVIL}")]
    TOOLTIP_DELAY = 0.01

    def compose(self) -> ComposeResult:
        label = Label(Content(f"Label {EVIL}"), id="label")
        label.tooltip = Content(f"Tip {EVIL}")
        static = Static(f"Static {EVIL}", markup=False)
        static.styles.border = ("round", "red")
        static.border_title = Content(f"Title {EVIL}")
        static.border_subtitle = Content(f"Subtitle {EVIL}")
        yield static
        yield Input(f"Input {EVIL}")
        yield Input(placeholder=f"Hint {EVIL}")
        yield TextArea(f"Area {EVIL}\nsecond")
        yield OptionList(f"Option {EVIL}", markup=False)
        table: DataTable[str] = DataTable()
        table.styles.height = 8
        yield table
        yield label
        yield Footer()

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        table.add_column(f"Column {EVIL}")
        table.add_row(f"Row {EVIL}")
        self.notify(f"Toast {EVIL}", title=f"Heading {EVIL}", markup=False, timeout=60)


async def test_no_widget_can_write_an_escape() -> None:
    app = Page()
    async with app.run_test(size=(120, 60), tooltips=True, notifications=True) as pilot:
        await pilot.hover("#label")
        await pilot.pause(0.1)
        await pilot.pause()
        lines = app.screen._compositor.render_strips()
        text = "".join(segment.text for line in lines for segment in line)
        assert is_harmless(text)
        for word in (
            *("Label", "Static", "Title", "Subtitle", "Input", "Hint", "Area"),
            *("Option", "Column", "Row", "Toast", "Heading", "Key", "Tip"),
        ):
            assert f"{word} " in text
        assert {cell_len(line.text) for line in lines} == {120}


async def test_there_is_one_filter_and_it_keeps_textuals() -> None:
    app = Page()
    async with app.run_test():
        [found] = app.get_line_filters()
        assert [found] == list(app.get_line_filters())
        assert isinstance(found.others[0], ANSIToTruecolor)


async def test_what_is_copied_is_what_was_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = Page()
    async with app.run_test():
        app.copy_to_clipboard(f"a\tb\n{EVIL}")
        assert app.clipboard == "a\tb\nx"


MODEL = r"""
name = "Evil\u001b]52;c;ZXZpbA==\u0007 \u009b31m\u202e"
provider = "Provider\u001b]0;owned\u0007"
service = "flux_2"
[params.prompt]
kind = "text"
label = "Label\u001b[2J[/b][@click=app.quit]"
help = "Help\u009d0;owned\u009c"
[[models]]
slug = "flux-2-pro-text-to-image"
action = "text_to_image"
title = "Title\u001b_Gi=1\u001b\\ [bold"
[models.routes]
unified = ["prompt"]
[[models]]
slug = "another"
action = "text_to_image"
title = "Another"
[models.routes]
unified = ["prompt"]
"""


@pytest.mark.slow
def test_a_terminal_gets_no_escape_from_a_model_of_ones_own(home: Path) -> None:
    folder = home / ".config/runapi-tui/models"
    folder.mkdir(parents=True)
    (folder / "a\x1b]0;owned\x07.toml").write_text(MODEL)
    (folder / "broken\x1b]0;owned\x07\x9b.toml").write_text("x")
    with pty_app(size=(200, 50)) as app:
        for word in ("Evil", "Title", "Label", "broken"):
            app.until_seen(word)
        app.type(b"\x11")
        app.until_ended()
        seen = bytes(app.output)
    # The shape of the mouse pointer is Textual's own, the title ours
    own = {b"\x1b]22;default", b"\x1b]2;runapi-tui"}
    assert set(re.findall(rb"\x1b\][^\x07\x1b]*", seen)) <= own
    assert b"owned" not in seen
    assert b"\x1b_Gi=1\x1b" not in seen
    text = seen.decode(errors="replace")
    assert not [
        character
        for character in text
        if "\x80" <= character <= "\x9f" or character in "\u202e\u2066"
    ]


async def test_pasted_controls_stay_out_of_every_field() -> None:
    from tests.app import TestApp

    app = TestApp()
    async with app.running(120, 40) as pilot:
        app.post_message(events.Paste("fox\x9b31m \u202eגיל \x1b[31mred\u200d"))
        await pilot.pause()
        await pilot.pause()
        assert app.main
        assert app.main.form.values()["prompt"] == "fox גיל red\u200d"
