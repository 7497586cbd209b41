"""Pages as people see them: five very different forms, and every other page.

After a wanted change: `pytest tests/test_snapshots.py -n0 --snapshot-update`.
"""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import textual
from PIL import Image
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from tests.app import TestApp, past
from tui.catalog.load import bundled
from tui.screens.setup import SetupScreen
from tui.tasks.task import LIVE, Problem, Result, SetAside, Status, Task
from tui.widgets import form
from tui.widgets.picture import Picture

ROOT = Path(__file__).parent.parent
MADE_WITH = "8.2.8"
WANTED = bool(os.environ.get("RUNAPI_TUI_SNAPSHOTS"))
"""CI sets it: its versions are those of tests/constraints.txt, so nothing may be skipped."""
OTHER_VERSION = (
    f"the snapshots were made with Textual {MADE_WITH}, this is {textual.__version__}"
)
SKIPPED = textual.__version__ != MADE_WITH
FORMS = [
    ("flux-2-pro-text-to-image", ""),
    ("ideogram-v3-character-edit", ""),
    ("wan-2.7-image-pro", ""),
    ("recraft-crisp-upscale", ""),
    ("gpt-image-2", "text_to_image"),
]
SIZES = {"narrow": (80, 24), "wide": (140, 44)}
NOW = 1_786_708_800.0
"""2026-08-14, 12:00 UTC: the clock of these tests stands still."""
DAY = 86_400.0

needs_its_textual = pytest.mark.skipif(SKIPPED, reason=OTHER_VERSION)


def test_snapshots_are_of_the_textual_of_the_constraints() -> None:
    lines = (ROOT / "tests/constraints.txt").read_text("utf-8").splitlines()
    assert f"textual=={MADE_WITH}" in lines


@pytest.mark.skipif(not WANTED, reason="RUNAPI_TUI_SNAPSHOTS is not set")
def test_no_snapshot_is_skipped_where_all_are_wanted() -> None:
    assert not SKIPPED, OTHER_VERSION


@needs_its_textual
@pytest.mark.parametrize(
    ("size", "theme"), [("wide", "textual-dark"), ("narrow", "textual-light")]
)
@pytest.mark.parametrize(("slug", "action"), FORMS, ids=[slug for slug, _ in FORMS])
def test_form(
    slug: str,
    action: str,
    size: str,
    theme: str,
    snap_compare: Callable[..., bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The listed price, however long the picture takes
    monkeypatch.setattr(form, "REST", 3600)
    app = TestApp(theme=theme, api="service")

    async def show(pilot: Pilot[None]) -> None:
        await asyncio.wait_for(app.opened.wait(), 30)
        await pilot.pause()
        await app.workers.wait_for_complete()  # balance and prices
        assert app.main
        await app.main.show_model(
            bundled().find(slug, action),
            {"prompt": "A lighthouse 灯台 at dusk, [red] roof"},
        )
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()

    assert snap_compare(app, terminal_size=SIZES[size], run_before=show)


def picture(number: int, colour: str) -> Result:
    """Saves a picture of a sun that has come so far, in the current folder."""
    path = Path(f"sun-{number}.png")
    image = Image.new("RGB", (320, 240), colour)
    image.paste("#f0e0a0", (40 + 60 * number, 60, 120 + 60 * number, 140))
    image.save(path)
    url = f"https://cdn.example/{path.name}"
    return Result(
        url=url, path=str(path), format="PNG", width=320, height=240, bytes=1234
    )


def remembered() -> list[Task]:
    """Tasks of each kind, oldest first; ids, times and prices are always the same."""
    first, second, third = (
        picture(number, colour)
        for number, colour in enumerate(("#205080", "#a04020", "#207040"))
    )
    kinds: list[tuple[str, Status, dict[str, Any]]] = [
        ("an old map", Status.COMPLETED, {"results": (first,)}),
        ("a boat", Status.COMPLETED, {"results": (second,), "favourite": True}),
        ("a wolf", Status.FAILED, {"error": Problem("failed", "There is no picture.")}),
        ("a hut", Status.REJECTED, {"error": Problem("validation", "seed: too high.")}),
        ("霧の森 [1]", Status.COMPLETED, {"results": (third,)}),
        ("a red kite", Status.HELD, {"job": "01m7snapshots0"}),
        ("a blue kite", Status.HELD, {"job": "01m7snapshots0"}),
        (
            "an owl",
            Status.PROCESSING,
            {"watched": False, "set_aside": SetAside.STOPPED},
        ),
    ]
    tasks = []
    for number, (prompt, status, fields) in enumerate(kinds):
        made = NOW - 600 + 60 * number - (2 * DAY if number == 0 else 0)
        times = {"created_at": made, "updated_at": made + 13}
        if status is not Status.HELD:
            times["sent_at"] = made + 1
        if status not in LIVE:
            times["finished_at"] = made + 13
        tasks.append(
            past(prompt, status, id=f"01m7snapshot{number:02}", **times, **fields)
        )
    return tasks


PAGES = {
    "queue": ("MainScreen", ["ctrl+t"], 0),
    "history": ("HistoryScreen", ["f9"], 0),
    "grid": ("GridScreen", ["ctrl+t", "down", "v"], 3),
    "viewer": ("ViewerScreen", ["ctrl+t", "down", "down", "enter"], 1),
    "job": ("BatchScreen", ["f8"], 0),
    "money": ("MoneyScreen", ["ctrl+t", "dollar_sign"], 0),
    "help": ("HelpScreen", ["ctrl+t", "f1"], 0),
}
"""By name: its class, the keys that lead to it, and how many pictures it shows."""


@pytest.fixture
def still(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stops the clock and whatever moves on a page; the current folder is the home."""
    monkeypatch.chdir(home)
    localtime = time.localtime
    monkeypatch.setattr(time, "time", lambda: NOW)
    monkeypatch.setattr(time, "localtime", lambda moment=NOW: localtime(moment))
    monkeypatch.setattr(Input, "_toggle_cursor", lambda _: None)
    monkeypatch.setattr(TextArea, "_toggle_cursor_blink_visible", lambda _: None)
    monkeypatch.setattr(form, "REST", 3600)


def drawn(app: TestApp) -> list[Picture]:
    """The pictures of the page that show what they should."""
    return [
        picture
        for picture in app.screen.query(Picture)
        if picture._drawn and picture._drawn == picture._requested
    ]


@needs_its_textual
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("page", PAGES)
def test_page(
    page: str,
    size: str,
    still: None,
    snap_compare: Callable[..., bool],
) -> None:
    name, keys, pictures = PAGES[page]
    app = TestApp(api="service")
    app.remember(*remembered(), paused=True)

    async def show(pilot: Pilot[None]) -> None:
        await asyncio.wait_for(app.opened.wait(), 30)
        await pilot.pause()
        await app.workers.wait_for_complete()
        assert app.main
        app.main.form.set_prompt("a {red|blue} fox")
        await pilot.press(*keys)
        await app.until(lambda: type(app.screen).__name__ == name)
        here = app.screen
        # The worker that opened a page ends with the page: only those of the page itself.
        for worker in [worker for worker in app.workers if worker.node is here]:
            await worker.wait()
        await app.until(lambda: len(drawn(app)) >= pictures)
        await pilot.pause()

    assert snap_compare(app, terminal_size=SIZES[size], run_before=show)


@needs_its_textual
@pytest.mark.parametrize("size", SIZES)
def test_setup(size: str, still: None, snap_compare: Callable[..., bool]) -> None:
    app = TestApp(demo=False)

    async def show(pilot: Pilot[None]) -> None:
        await app.until(lambda: isinstance(app.screen, SetupScreen))
        await app.workers.wait_for_complete()
        await pilot.pause()

    assert snap_compare(app, terminal_size=SIZES[size], run_before=show)
