"""The app in real terminals, on a display of their own: is the picture there, is it
right, and does it stay?

Photographs of the screen are compared with the picture. `pytest -n0 -rP -m terminals`
tells the figures.
"""

import re
import shlex
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from tests.terminals.conftest import Cards
from tests.terminals.stage import APP, PLAIN, Look, area, find, look_at, missing, stage

pytestmark = pytest.mark.terminals

XTERM = ["xterm", "-fa", "DejaVu Sans Mono", "-fs", "10", "-geometry", "150x38+0+0"]
SIXEL = [*XTERM, "-ti", "vt340"]
KITTY = ["kitty", "--config", "NONE"]
for setting in (
    *("font_family=DejaVu Sans Mono", "font_size=10"),
    *(
        "remember_window_size=no",
        "initial_window_width=1200",
        "initial_window_height=640",
    ),
    *(
        "confirm_os_window_close=0",
        "update_check_interval=0",
        "linux_display_server=x11",
    ),
):
    KITTY += ["-o", setting]


@dataclass(frozen=True)
class Need:
    """What a way of drawing has to achieve; see `Look`."""

    psnr: float
    tint: float
    edges: tuple[float, float]

    def met(self, look: Look) -> bool:
        return (
            look.psnr >= self.psnr
            and look.tint <= self.tint
            and self.edges[0] <= look.edges <= self.edges[1]
        )


TRUE_PIXELS = Need(40, 1, (0.9, 1.1))
PALETTE = Need(35, 2, (0.9, 1.1))
SQUEEZED = Need(33, 2, (0.9, 1.1))
"""tmux 3.5 makes an image lower, so that it ends with a whole band of sixels."""
CELLS = Need(18, 3, (0, 0.75))


@dataclass(frozen=True)
class Place:
    """A terminal: its programs, the command that shows the app, told a folder for
    itself, and what it needs.
    """

    programs: tuple[str, ...]
    command: Callable[[Path], list[str]]
    need: Callable[[], Need]


def inside_tmux(
    terminal: Sequence[str], passthrough: str
) -> Callable[[Path], list[str]]:
    def command(folder: Path) -> list[str]:
        config = folder / "tmux.conf"
        settings = (
            f"allow-passthrough {passthrough}",
            "status off",
            "-as terminal-features ',*:RGB'",
        )
        config.write_text("".join(f"set -g {setting}\n" for setting in settings))
        app = shlex.join(["env", "COLORTERM=truecolor", *APP])
        return [
            *terminal,
            "tmux",
            "-S",
            str(folder / "tmux"),
            "-f",
            str(config),
            "new-session",
            app,
        ]

    return command


def recorded(terminal: Sequence[str]) -> Callable[[Path], list[str]]:
    """asciinema says that the terminal has no pixels."""

    def command(folder: Path) -> list[str]:
        app = shlex.join(APP)
        recording = str(folder / "recording")
        return [*terminal, "asciinema", "rec", "-q", "-c", app, recording]

    return command


def version(*command: str) -> tuple[int, ...]:
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return tuple(map(int, re.findall(r"\d+", said)[:2]))


def kitty_draws() -> Need:
    return TRUE_PIXELS if version("kitty", "--version") >= (0, 28) else CELLS


def tmux_draws() -> Need:
    return SQUEEZED if version("tmux", "-V") >= (3, 4) else CELLS


PLACES = {
    "xterm with Sixel": Place(
        ("xterm",), lambda _: [*SIXEL, "-e", *APP], lambda: PALETTE
    ),
    "xterm": Place(("xterm",), lambda _: [*XTERM, "-e", *APP], lambda: CELLS),
    "kitty": Place(("kitty",), lambda _: [*KITTY, *APP], kitty_draws),
    "asciinema in xterm": Place(
        ("xterm", "asciinema"), recorded([*SIXEL, "-e"]), lambda: PALETTE
    ),
    "tmux in xterm": Place(
        ("xterm", "tmux"), inside_tmux([*SIXEL, "-e"], "off"), tmux_draws
    ),
    "tmux with passthrough in xterm": Place(
        ("xterm", "tmux"), inside_tmux([*SIXEL, "-e"], "on"), tmux_draws
    ),
    "tmux with passthrough in kitty": Place(
        ("kitty", "tmux"), inside_tmux(KITTY, "on"), kitty_draws
    ),
}


@dataclass(frozen=True)
class Page:
    """Where the picture is seen: the keys from the queue to there, from there to
    another page, and back; how many plain pictures are there with a card.
    """

    name: str
    keys: tuple[str, ...]
    away: str
    back: str
    plain: int = 0


PREVIEW = Page("preview", (), "Return", "Escape")
GRID = Page("grid", ("v",), "Return", "Escape", plain=5)
VIEWER = Page("viewer", ("Return",), "Escape", "Return")


@pytest.mark.parametrize(
    ("name", "page"),
    [
        *((name, PREVIEW) for name in PLACES),
        *(
            (name, page)
            for name in ("xterm with Sixel", "kitty")
            for page in (GRID, VIEWER)
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_the_picture_is_right_and_stays(
    name: str, page: Page, cards: Cards, tmp_path: Path
) -> None:
    place = PLACES[name]
    if reason := missing(*place.programs):
        pytest.skip(reason)
    need = place.need()

    def right(photo: Image.Image, card: Image.Image = cards.newest) -> Look | None:
        look = look_at(photo, card)
        return look if look and need.met(look) else None

    with stage(place.command(tmp_path), tmp_path) as screen:
        screen.until("the picture", right)
        screen.press("ctrl+t", "End")
        preview = screen.until(
            "the other picture", lambda photo: right(photo, cards.oldest)
        ).box

        def complete(photo: Image.Image, card: Image.Image) -> bool | None:
            look = right(photo, card)
            if not look or (look.box == preview) != (page is PREVIEW):
                return None
            left, top, right_, bottom = look.box
            return (
                abs(
                    area(photo, PLAIN) / ((right_ - left) * (bottom - top)) - page.plain
                )
                < 0.05
                or None
            )

        screen.press(*page.keys)
        other = screen.until_still(
            "the other picture on the page", lambda photo: complete(photo, cards.oldest)
        )
        screen.press("Home")
        before = screen.until_still(
            "the picture on the page", lambda photo: complete(photo, cards.newest)
        )
        first = right(before)
        assert first
        print(
            f"{name}: {first.psnr:.1f} dB, tint {first.tint:.1f}, edges {first.edges:.2f}"
        )
        screen.press("End")
        screen.until_same("the other picture, and nothing of this one", other)
        screen.press("Home")
        screen.until_same("the picture again", before)

        screen.press("F1")
        screen.until_still(
            "the keys above a dimmed picture",
            lambda photo: None if find(photo, cards.newest) else True,
        )
        screen.press("q")
        screen.until_same("the picture without the keys", before)

        screen.press(page.away)
        screen.until(
            "another page",
            lambda photo: find(photo, cards.newest) not in (None, first.box) or None,
        )
        screen.press(page.back)
        screen.until_same("the picture on the former page", before)

        def smaller(photo: Image.Image) -> Look | None:
            look = right(photo)
            return (
                look
                if look and look.box[2] - look.box[0] < first.box[2] - first.box[0]
                else None
            )

        width, height = screen.size()
        screen.resize(width - 160, height - 60)
        screen.until("a smaller picture", smaller)
        screen.resize(width, height)
        screen.until_same("the picture in its first size", before)
        screen.quit()


@pytest.mark.parametrize("name", ["xterm with Sixel", "asciinema in xterm"])
def test_the_picture_follows_the_font(name: str, cards: Cards, tmp_path: Path) -> None:
    place = PLACES[name]
    if reason := missing(*place.programs):
        pytest.skip(reason)

    def right(photo: Image.Image) -> Look | None:
        look = look_at(photo, cards.newest)
        return look if look and PALETTE.met(look) else None

    with stage(place.command(tmp_path), tmp_path) as screen:
        before = screen.until_still("the picture", right)
        first = right(before)
        assert first
        cells = screen.size()

        def other(photo: Image.Image) -> bool | None:
            look = right(photo)
            return (look and look.box != first.box) or None

        screen.press("ctrl+t", "shift+KP_Subtract")
        screen.until("a smaller window", lambda _: screen.size() < cells or None)
        screen.press("Home")  # asciinema passes no signal on: a key is one
        screen.until("all of the picture in the smaller window", other)
        screen.press("shift+KP_Add")
        screen.until("the window of before", lambda _: screen.size() == cells or None)
        screen.press("Home")
        screen.until(
            "the picture as large", lambda photo: right(photo) == first or None
        )
        screen.quit()
