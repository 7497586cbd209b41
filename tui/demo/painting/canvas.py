"""The canvas: a picture in progress, its coordinates, its dice, and the strokes that
everything is made of.

Places are counted in `Canvas.unit`s from the middle, or in fractions of the height, so
that one seed gives one composition at any size.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from random import Random

from PIL import Image, ImageDraw

from tui.demo.painting.palettes import RGB, mix, oklch, palette
from tui.demo.painting.words import read_motif

Point = tuple[float, float]
# The pixel row of a line in the landscape, units from the middle
Profile = Callable[[float], float]

WORK_PIXELS = 2_600_000  # a scene is drawn at about this many pixels, then resized
REACH = 3.3  # things are placed this many units to both sides: enough for 8:1


class Canvas:
    def __init__(self, size: tuple[int, int], prompt: str, key: str) -> None:
        scale = min(2.0, math.sqrt(WORK_PIXELS / (size[0] * size[1])))
        self.size = self.width, self.height = (
            max(1, round(size[0] * scale)),
            max(1, round(size[1] * scale)),
        )
        self.unit = min(
            math.cbrt(min(self.size) ** 2 * max(self.size)), 1.25 * self.height
        )
        self.half = self.width / self.unit / 2
        self.image = Image.new("RGB", self.size)
        self.draw = ImageDraw.Draw(self.image)
        self.key = key
        rng = self.rng("look")
        self.motif = read_motif(prompt, rng)
        colours = palette(self.motif.light, self.motif.hues, rng)
        self.zenith, self.middle, self.horizon, self.light, self.far, self.near = (
            colours
        )
        self.accents = [
            oklch(0.76, 0.15, rng.uniform(-25, 100) + turn) for turn in (0, 25, 290)
        ]
        self.dark = sum(self.zenith) < 240
        # The one away from the sun, where things stand
        self.side = -rng.choice((-1, 1))
        self.sun_x = -self.side * rng.uniform(0.15, 0.55) * self.half
        self.sun_y = rng.uniform(0.3, 0.52) + (
            0.36 if self.motif.light in ("sunset", "dawn", "dusk") else 0.0
        )

    def rng(self, name: str) -> Random:
        """Chance for one element, so that no element's dice depend on how many another
        one threw.
        """
        return Random(blake2b(f"{self.key}\x1f{name}".encode()).digest())

    def x(self, units: float) -> float:
        return self.width / 2 + units * self.unit

    def y(self, fraction: float) -> float:
        return fraction * self.height

    def shade(self, depth: float) -> RGB:
        """The colour of land from far (0) to near (1)."""
        return mix(self.far, self.near, depth)

    def mask(self, outline: Sequence[Point], strength: int = 255) -> Image.Image:
        mask = Image.new("L", self.size)
        ImageDraw.Draw(mask).polygon(outline, fill=strength)
        return mask

    def fill(
        self,
        mask: Image.Image,
        top: RGB,
        bottom: RGB,
        start: float = 0.0,
        end: float = 1.0,
    ) -> None:
        """Colour what the mask shows, from `top` at height `start` to `bottom` at
        height `end`.
        """
        if box := mask.getbbox():
            ends = [
                (row / self.height - start) / max(0.01, end - start)
                for row in (box[1], box[3])
            ]
            stops = [mix(top, bottom, min(1.0, max(0.0, place))) for place in ends]
            self.image.paste(
                gradient((box[2] - box[0], box[3] - box[1]), stops), box, mask.crop(box)
            )

    def dot(self, x: float, y: float, radius: float, colour: RGB) -> None:
        self.draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)

    def specks(self, places: Iterable[tuple[float, float, float, float, int]]) -> None:
        """Ellipses of light: centre, half width and half height in pixels, and
        strength.
        """
        mask = Image.new("L", self.size)
        draw = ImageDraw.Draw(mask)
        for x, y, wide, high, strength in places:
            draw.ellipse((x - wide, y - high, x + wide, y + high), fill=strength)
        self.fill(mask, self.light, self.light)

    def glow(self, x: float, y: float, radius: float, strength: float) -> None:
        reach = max(1, round(radius))
        # Pillow's gradient reaches 181 at the middle of its edges: end there, or the
        # square shows.
        fall = [round(strength * 255 * max(0.0, 1 - v / 178) ** 2) for v in range(256)]
        mask = Image.radial_gradient("L").point(fall).resize((reach * 2, reach * 2))
        self.image.paste(self.light, (round(x) - reach, round(y) - reach), mask)

    def cloud(
        self, name: str, wide: float, high: float, floor: int, gain: int, most: int
    ) -> Image.Image:
        """A mask of soft blobs of about `wide` by `high` units, where smooth noise
        exceeds `floor`.
        """
        rng, small = self.rng(name), (self.width // 4 + 1, self.height // 4 + 1)
        total = Image.new("L", small)
        for octave, weight in enumerate((1.0, 0.4, 0.25, 0.15)):
            across, down = (
                round(2 * REACH / length) << octave for length in (wide, high)
            )
            layer = Image.frombytes("L", (across, down), rng.randbytes(across * down))
            x, y = (
                (1 - self.half / REACH) / 2,
                (1 - self.height / self.unit / 2 / REACH) / 2,
            )
            seen = (x * across, y * down, (1 - x) * across, (1 - y) * down)
            total = Image.blend(
                total, layer.resize(small, Image.Resampling.BICUBIC, seen), weight
            )
        return total.point(
            [min(most, max(0, v - floor) * gain) for v in range(256)]
        ).resize(self.size)


def gradient(size: tuple[int, int], stops: Sequence[RGB]) -> Image.Image:
    """A vertical gradient through evenly spaced colours."""
    column = Image.new("RGB", (1, 256))
    for row in range(256):
        place = row / 255 * (len(stops) - 1)
        index = min(int(place), len(stops) - 2)
        column.putpixel((0, row), mix(stops[index], stops[index + 1], place - index))
    return column.resize((1, size[1]), Image.Resampling.BICUBIC).resize(
        size, Image.Resampling.NEAREST
    )


def noise(
    rng: Random, octaves: int = 1, sharp: bool = False
) -> Callable[[float], float]:
    """Endless smooth 1-D noise in about -1..1; sharp noise has pointed crests."""
    values = [rng.uniform(-1, 1) for _ in range(256)]

    def smooth(x: float) -> float:
        cell = math.floor(x)
        part = x - cell
        left, right = values[cell % 256], values[(cell + 1) % 256]
        return left + (right - left) * part * part * (3 - 2 * part)

    def total(x: float) -> float:
        levels = [smooth(x * 2**octave + 31.7 * octave) for octave in range(octaves)]
        if sharp:
            levels[:2] = [0.9 - 2.4 * abs(level) for level in levels[:2]]
        return sum(level / (1 << octave) for octave, level in enumerate(levels))

    return total
