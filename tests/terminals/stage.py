"""A real terminal on an X display that nobody sees, and what a photograph of it shows."""

import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from PIL import (
    Image,
    ImageChops,
    ImageDraw,
    ImageFilter,
    ImageGrab,
    ImageStat,
    features,
)

PLAIN = (255, 0, 255)
"""A colour that only a plain picture has."""
ROOT = Path(__file__).parent.parent.parent
APP = [sys.executable, "-m", "tui", "--demo"]
_SIDE = 1024
_MARK = _SIDE // 8
_MARKS = {
    (0, 0): (255, 0, 0),
    (1, 0): (0, 255, 0),
    (0, 1): (0, 0, 255),
    (1, 1): (255, 255, 0),
}
_STRIPES = (0.3, 0.74, 0.7, 0.86)
_STRIPE = 8
_PATIENCE = 15.0
_PAUSE = 0.05
_STILL = 0.2
Box = tuple[int, int, int, int]
T = TypeVar("T")


def paint_card() -> Image.Image:
    """A test card: corners to find it by, ramps and discs for its colours, stripes for
    its edges.
    """
    ramp = Image.linear_gradient("L").resize((_SIDE, _SIDE))
    round_ = Image.radial_gradient("L").resize((_SIDE, _SIDE))
    card = Image.merge("RGB", (ramp, round_, ramp.transpose(Image.Transpose.ROTATE_90)))
    # Nothing as pure as the corners
    card = card.point(lambda value: 48 + value * 140 // 255)
    draw = ImageDraw.Draw(card)
    for number in range(5):
        left, top = 260 + 80 * number, 300 + 50 * number
        draw.ellipse(
            (left, top, left + 200, top + 200),
            fill=(200 - 30 * number, 60 + 25 * number, 90),
        )
    card = card.filter(ImageFilter.GaussianBlur(2))
    draw = ImageDraw.Draw(card)
    x0, y0, x1, y1 = (round(share * _SIDE) for share in _STRIPES)
    for number, x in enumerate(range(x0, x1, _STRIPE)):
        draw.rectangle(
            (x, y0, x + _STRIPE - 1, y1),
            fill=(240, 240, 240) if number % 2 else (20, 20, 20),
        )
    for (column, row), colour in _MARKS.items():
        x, y = column * (_SIDE - _MARK), row * (_SIDE - _MARK)
        draw.rectangle((x, y, x + _MARK - 1, y + _MARK - 1), fill=colour)
    return card


class Look(NamedTuple):
    """How the card looks on a photograph.

    `psnr` in decibels; `tint` is the mean distance of colours, of 255, where details
    don't count; `edges` is what is left of the stripes' contrast: 1 in pixels, 0 in
    cells.
    """

    box: Box
    psnr: float
    tint: float
    edges: float


def find(photo: Image.Image, card: Image.Image) -> Box | None:
    """Where the card is, if all of it is there."""
    right, bottom = card.width - 1, card.height - 1
    marks = [
        card.getpixel(corner)
        for corner in ((0, 0), (right, 0), (0, bottom), (right, bottom))
    ]
    if not all(
        where(photo.resize((160, 100), Image.Resampling.NEAREST), mark)
        for mark in marks
    ):
        return None
    first, second, third, last = (where(photo, mark) for mark in marks)
    if not (first and second and third and last):
        return None
    box = (first[0], first[1], last[2], last[3])
    corners = (third[0], second[1], second[2], third[3])
    fits = all(abs(a - b) <= 1 for a, b in zip(box, corners, strict=True))
    return box if fits and min(box[2] - box[0], box[3] - box[1]) > 100 else None


def where(photo: Image.Image, colour: Any) -> Box | None:
    """Where that colour is, or nearly that."""
    return _of(photo, colour).getbbox()


def area(photo: Image.Image, colour: Any) -> int:
    """How many pixels are of that colour, or nearly that."""
    return _of(photo, colour).histogram()[255]


def _of(photo: Image.Image, colour: Any) -> Image.Image:
    red, green, blue = (
        band.point([255 * (abs(value - wanted) <= 40) for value in range(256)])
        for band, wanted in zip(photo.split(), colour, strict=True)
    )
    return ImageChops.darker(ImageChops.darker(red, green), blue)


def look_at(photo: Image.Image, card: Image.Image) -> Look | None:
    """What a photograph shows of the card; None where it isn't there as a whole."""
    box = find(photo, card)
    if not box:
        return None
    seen = photo.crop(box)
    wanted = card.resize(seen.size, Image.Resampling.LANCZOS)
    apart = ImageStat.Stat(ImageChops.difference(seen, wanted))
    error = sum(apart.sum2) / (3 * seen.width * seen.height)
    psnr = 10 * math.log10(255**2 / error) if error else 99.0
    coarse = (image.resize((16, 16), Image.Resampling.BOX) for image in (seen, wanted))
    tint = sum(ImageStat.Stat(ImageChops.difference(*coarse)).mean) / 3
    return Look(box, psnr, tint, _contrast(seen) / _contrast(wanted))


def _contrast(image: Image.Image) -> float:
    """The mean step from a pixel of the stripes to the next."""
    x0, y0, x1, y1 = _STRIPES
    inside = (x0 + 0.02, y0 + 0.03, x1 - 0.02, y1 - 0.03)
    left, top, right, bottom = (
        round(share * side) for share, side in zip(inside, image.size * 2, strict=True)
    )
    grey = image.convert("L")
    here, there = (
        grey.crop((left + step, top, right + step, bottom)) for step in (0, 1)
    )
    return ImageStat.Stat(ImageChops.difference(here, there)).mean[0]


def apart(one: Image.Image, other: Image.Image) -> Box | None:
    """Where two photographs differ. Single lines don't count: xterm lets glyphs stick
    out of their cells, and forgets them there.
    """
    red, green, blue = ImageChops.difference(one, other).split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return most.point([0] * 16 + [255] * 240).filter(ImageFilter.MinFilter(3)).getbbox()


@dataclass
class Stage:
    """A display with one terminal on it, and hands on its keyboard."""

    display: str
    env: Mapping[str, str]
    folder: Path
    terminal: "subprocess.Popen[bytes]"
    window: str = ""

    def photo(self) -> Image.Image:
        return ImageGrab.grab(xdisplay=self.display).convert("RGB")

    def press(self, *keys: str) -> None:
        if keys:
            self._hand("key", *keys)

    def resize(self, width: int, height: int) -> None:
        self._hand("windowsize", self.window, str(width), str(height))

    def size(self) -> tuple[int, int]:
        told = dict(
            line.split("=", 1)
            for line in self._hand(
                "getwindowgeometry", "--shell", self.window
            ).splitlines()
        )
        return int(told["WIDTH"]), int(told["HEIGHT"])

    def quit(self) -> None:
        """Leave the app, which ends the terminal."""
        self.press("ctrl+q")
        self.terminal.wait(_PATIENCE)

    def until(self, what: str, told: Callable[[Image.Image], T | None]) -> T:
        """What is told of the first photograph of which anything is."""
        end = time.monotonic() + _PATIENCE
        former: Image.Image | None = None
        while True:
            photo = self.photo()
            if photo != former and (found := told(photo)) is not None:
                return found
            if time.monotonic() > end:
                photo.save(self.folder / "last.png")
                raise AssertionError(
                    f"not seen in time: {what}; see {self.folder / 'last.png'}"
                )
            former = photo
            time.sleep(_PAUSE)

    def until_still(
        self, what: str, told: Callable[[Image.Image], object]
    ) -> Image.Image:
        """The first photograph of which anything is told and after which nothing
        changes for a while.
        """
        former: Image.Image | None = None
        since = 0.0
        while True:
            photo = self.until(
                what, lambda photo: photo if told(photo) is not None else None
            )
            if photo != former:
                former, since = photo, time.monotonic()
            elif time.monotonic() > since + _STILL:
                return photo
            time.sleep(_PAUSE)

    def until_same(self, what: str, wanted: Image.Image) -> None:
        """Until the screen is as on that photograph, and all of it."""
        wanted.save(self.folder / "wanted.png")
        self.until(
            f"{what}, as in wanted.png",
            lambda photo: None if apart(photo, wanted) else True,
        )

    def meet(self) -> None:
        """Wait for the window, and give it the keyboard."""
        end = time.monotonic() + _PATIENCE
        while not (
            found := self._hand("search", "--onlyvisible", "--class", ".").split()
        ):
            assert self.terminal.poll() is None, "the terminal has ended at once"
            assert time.monotonic() < end, "there is no window"
            time.sleep(_PAUSE)
        self.window = found[-1]
        self._hand("windowfocus", "--sync", self.window)

    def _hand(self, *words: str) -> str:
        done = subprocess.run(
            ["xdotool", *words],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
        )
        assert done.returncode == 0 or words[0] == "search", done.stderr
        return done.stdout


def missing(*programs: str) -> str:
    """What a stage for these would need that isn't here, as a phrase; empty if all is."""
    unknown = [
        program
        for program in ("Xvfb", "xdotool", *programs)
        if not shutil.which(program)
    ]
    if not features.check("xcb"):
        unknown.append("a Pillow that can photograph an X display")
    return f"not installed: {', '.join(unknown)}" if unknown else ""


@contextmanager
def stage(command: Sequence[str], folder: Path) -> Iterator[Stage]:
    """The command on a display of its own, in an environment with nothing of another
    terminal.
    """
    reader, writer = os.pipe()
    screen = [
        "Xvfb",
        "-displayfd",
        str(writer),
        "-screen",
        "0",
        "1280x800x24",
        "-nolisten",
        "tcp",
        "-noreset",
    ]
    with _running(screen, os.environ, pass_fds=[writer]):
        os.close(writer)
        with open(reader) as told:
            display = f":{told.readline().strip()}"
        env = {name: os.environ[name] for name in ("PATH", "HOME", "TZ")}
        env |= {
            "DISPLAY": display,
            "LC_ALL": "C.UTF-8",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "PYTHONPATH": str(ROOT),
        }
        try:
            with _running(command, env) as terminal:
                stage = Stage(display, env, folder, terminal)
                stage.meet()
                yield stage
        finally:
            if (socket := folder / "tmux").exists():  # its server is nobody's child
                subprocess.run(
                    ["tmux", "-S", str(socket), "kill-server"],
                    capture_output=True,
                    timeout=_PATIENCE,
                )


@contextmanager
def _running(
    command: Sequence[str], env: Mapping[str, str], pass_fds: Sequence[int] = ()
) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=pass_fds,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
