"""Every text can be read and the focus can be seen, in every theme that is shipped.

Measured on what the pages really draw, by the contrast of WCAG 2.2.
"""

import re
from collections.abc import Iterable, Iterator

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.pilot import Pilot
from textual.theme import BUILTIN_THEMES

from tests.app import TestApp, past
from tui.tasks.task import Problem, SetAside, Status
from tui.widgets import themes
from tui.widgets.themes import FOCUS_CONTRAST, TEXT_CONTRAST, contrast

ANSI = [name for name, theme in BUILTIN_THEMES.items() if name.startswith("ansi")]
COLOURED = [name for name in BUILTIN_THEMES if name not in ANSI]
PAGES = {
    "main": [],
    "queue": ["ctrl+t"],
    "job": ["f8"],
    "history": ["f9"],
    "money": ["ctrl+t", "dollar_sign"],
    "help": ["ctrl+t", "f1"],
    "inspect": ["ctrl+t", "i"],
    "models": ["ctrl+o"],
}
"""By name: the keys that lead there."""
ROUNDING = 0.05
"""By how much a contrast may be lower because colours are whole numbers."""


def text_segments(app: TestApp) -> Iterator[Segment]:
    """Yields what has a letter or a figure; the page behind a dialog is dimmed."""
    strips = app.screen._compositor.render_strips()
    area = app.screen.region
    if app.screen.is_modal:
        area = next(iter(app.screen.query(".frame"))).region
    for strip in strips[area.y : area.bottom]:
        for segment in strip.crop(area.x, area.right):
            if re.search(r"\w", segment.text) and not segment.control:
                yield segment


def colours(style: Style) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    assert style.color
    assert style.bgcolor
    text, ground = style.color.get_truecolor(), style.bgcolor.get_truecolor()
    if style.reverse:
        text, ground = ground, text
    return tuple(text), tuple(ground)  # type: ignore[return-value]


def grey(rgb: tuple[int, int, int]) -> tuple[int, int, int]:
    """As Textual shows a colour where NO_COLOR is set."""
    return Color(*rgb).monochrome.rgb


def unreadable(app: TestApp) -> Iterator[str]:
    for segment in text_segments(app):
        style = segment.style
        assert style
        if style.dim:  # how dim that is, each terminal decides
            yield f"{segment.text!r} is dim"
            continue
        text, ground = colours(style)
        least = min(contrast(text, ground), contrast(grey(text), grey(ground)))
        if least < TEXT_CONTRAST - ROUNDING:
            yield f"{segment.text!r}: {least:.2f}, {text} on {ground}"


def unseen_focus(app: TestApp) -> Iterator[str]:
    for frame in app.screen.query(".frame"):
        if not (frame.has_focus_within or frame.has_focus):
            continue
        kind, colour = frame.styles.border_top
        around = frame.background_colors[0]
        seen = contrast(colour.rgb, around.rgb)
        if seen < FOCUS_CONTRAST:
            yield f"the frame of {frame.id}: {seen:.2f}"
        if kind != "heavy":
            yield f"the frame of {frame.id} shows the focus by colour alone"


async def fill(app: TestApp, pilot: Pilot[None]) -> None:
    assert app.main
    await app.sees("○ held", "✗ failed", "◇ set aside", "● completed")
    await pilot.press("ctrl+j")  # an empty prompt is an error
    await pilot.pause()


def tasks() -> TestApp:
    app = TestApp()
    app.remember(
        past("a fox"),
        past("a wolf", Status.FAILED, error=Problem("failed", "There is no picture.")),
        past("a kite", Status.HELD),
        past(
            "an owl",
            Status.PROCESSING,
            watched=False,
            set_aside=SetAside.STOPPED,
        ),
        past("a hut", Status.HELD, set_aside=SetAside.INTERRUPTED, watched=False),
        paused=True,
    )
    return app


async def problems(page: str, names: Iterable[str]) -> list[str]:
    """Returns what can't be read or seen on a page, in these themes."""
    app = tasks()
    found = []
    async with app.running(120, 40) as pilot:
        await fill(app, pilot)
        await pilot.press(*PAGES[page])
        await pilot.pause()
        for theme in names:
            app.theme = theme
            await pilot.pause()
            bad = {*unreadable(app), *unseen_focus(app)}
            found += [f"{theme}: {problem}" for problem in sorted(bad)]
    return found


@pytest.mark.parametrize("page", PAGES)
async def test_every_text_can_be_read_in_our_themes(page: str) -> None:
    found = await problems(page, [theme.name for theme in themes.OWN])
    assert not found, "\n".join(found[:40])


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
async def test_every_text_can_be_read_in_textuals_themes(page: str) -> None:
    found = await problems(page, COLOURED)
    assert not found, "\n".join(found[:40])


@pytest.mark.parametrize("theme", ANSI)
async def test_the_terminals_own_colours_are_used_as_they_are(theme: str) -> None:
    """They can't be measured: text is the default colour, the focus a heavier line."""
    app = tasks()
    async with app.running(120, 40) as pilot:
        await fill(app, pilot)
        app.theme = theme
        await pilot.press("ctrl+t")
        await pilot.pause()
        for segment in text_segments(app):
            assert segment.style
            assert not segment.style.dim, segment.text
        assert not [line for line in unseen_focus_lines(app) if line != "heavy"]


def unseen_focus_lines(app: TestApp) -> Iterator[str]:
    for frame in app.screen.query(".frame"):
        if frame.has_focus_within:
            yield frame.styles.border_top[0]


def test_contrast_is_that_of_wcag() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)
    assert contrast((8, 9, 10), (8, 9, 10)) == 1
