"""The app in real terminals, on a display of their own: is the picture there, is it right, and does it stay?

Photographs of the screen are compared with the picture. `pytest -n0 -rP -m terminals` tells the figures.
"""

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from tests.terminals.stage import APP, Look, find, look_at, missing, stage

pytestmark = pytest.mark.terminals

XTERM = ["xterm", "-fa", "Monospace", "-fs", "10", "-geometry", "150x45+0+0"]
SIXEL = [*XTERM, "-ti", "vt340"]
KITTY = ["kitty", "--config", "NONE"]
for setting in (
    *("font_size=10", "remember_window_size=no", "initial_window_width=1200", "initial_window_height=760"),
    *("confirm_os_window_close=0", "update_check_interval=0", "linux_display_server=x11"),
):
    KITTY += ["-o", setting]


@dataclass(frozen=True)
class Need:
    """What a way of drawing has to achieve; see `Look`."""

    psnr: float
    tint: float
    edges: tuple[float, float]

    def met(self, look: Look) -> bool:
        return look.psnr >= self.psnr and look.tint <= self.tint and self.edges[0] <= look.edges <= self.edges[1]


TRUE_PIXELS = Need(45, 1, (0.9, 1.1))
PALETTE = Need(35, 2, (0.9, 1.1))
CELLS = Need(18, 3, (0, 0.75))


@dataclass(frozen=True)
class Place:
    """A terminal: its programs, the command that shows the app, told a folder for itself, and any of its needs."""

    programs: tuple[str, ...]
    command: Callable[[Path], list[str]]
    needs: Callable[[], tuple[Need, ...]]


def kitty_draws() -> tuple[Need, ...]:
    said = subprocess.run(["kitty", "--version"], capture_output=True, text=True, check=True).stdout
    return (TRUE_PIXELS if tuple(map(int, re.findall(r"\d+", said)[:2])) >= (0, 28) else CELLS,)


PLACES = {
    "xterm with Sixel": Place(("xterm",), lambda _: [*SIXEL, "-e", *APP], lambda: (PALETTE,)),
    "xterm": Place(("xterm",), lambda _: [*XTERM, "-e", *APP], lambda: (CELLS,)),
    "kitty": Place(("kitty",), lambda _: [*KITTY, *APP], kitty_draws),
}


@pytest.mark.parametrize("name", PLACES)
def test_the_picture_is_right_and_stays(name: str, card: Image.Image, tmp_path: Path) -> None:
    place = PLACES[name]
    if reason := missing(*place.programs):
        pytest.skip(reason)
    needs = place.needs()

    def right(photo: Image.Image) -> Look | None:
        look = look_at(photo, card)
        return look if look and any(need.met(look) for need in needs) else None

    def gone(photo: Image.Image) -> bool | None:
        return None if find(photo) else True

    with stage(place.command(tmp_path), tmp_path) as screen:
        first = screen.until("the picture", right)
        print(f"{name}: {first.psnr:.1f} dB, tint {first.tint:.1f}, edges {first.edges:.2f}")

        screen.press("ctrl+t", "Down")
        screen.until("the other picture", gone)
        screen.press("Up")
        before = screen.until_still("the picture, with the queue's focus", right)
        screen.press("Down")
        screen.until("the other picture once more", gone)
        screen.press("Up")
        screen.until_same("the picture again", before)

        screen.press("F1")
        screen.until_still("the keys above a dimmed picture", gone)
        screen.press("q")
        screen.until_same("the picture without the keys", before)

        def smaller(photo: Image.Image) -> Look | None:
            look = right(photo)
            return look if look and look.box[2] - look.box[0] < first.box[2] - first.box[0] else None

        width, height = screen.size()
        screen.resize(width - 160, height - 60)
        screen.until("a smaller picture", smaller)
        screen.resize(width, height)
        screen.until_same("the picture in its first size", before)
        screen.quit()
