"""Where two images differ: a picture of it, and how much of them. For threads."""

from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from PIL import Image, ImageChops

from tui.images.files import ImageError, measure, thumbnail

SIDE = 1000
"""Pixels of the longer side at which images are compared, at most."""
_LEAST = 10
"""Steps of 256 by which a pixel differs at least; fewer are compression or rounding."""
_DIMMED = 0.4
"""What is left of an image's brightness below the differences."""
_ALIKE = 0.02
"""By how much two shapes may differ, as one is a rounded copy of the other."""


@dataclass(frozen=True)
class Difference:
    """How two images differ."""

    heat: Image.Image
    """The second image, dark and grey; red to yellow where it differs."""
    share: float
    """The part of the pixels that differ, 0 to 1."""
    is_identical: bool
    """Whether not one pixel differs, by however little."""
    is_scaled: bool
    """Whether at least one image was scaled for this."""

    def describe(self) -> str:
        """Returns how much differs: `12 % of the pixels differ`."""
        width, height = self.heat.size
        if self.is_identical and not self.is_scaled:
            return "identical"
        if self.is_identical:
            return f"no difference at {width}×{height}"
        percent = 100 * self.share
        if percent < 0.1:
            return "less than 0.1 % of the pixels differ"
        if percent < 10:
            return f"{percent:.1f} % of the pixels differ"
        return f"{percent:.0f} % of the pixels differ"


class Comparison:
    """Compares two files once, when it is first asked."""

    def __init__(self, first: Path, second: Path) -> None:
        self.paths = (first, second)
        self.found: Difference | None = None
        """None until it was asked."""
        self._lock = Lock()

    def heat(self, _path: Path) -> Image.Image:
        """Returns the picture of the differences. Raises ImageError."""
        with self._lock:
            if self.found is None:
                self.found = difference(*self.paths)
            return self.found.heat

    def __call__(self, path: Path, box: tuple[int, int]) -> Image.Image:
        """Returns that picture within `box` pixels. Raises ImageError."""
        small = self.heat(path).copy()
        small.thumbnail((max(1, box[0]), max(1, box[1])))
        return small


def difference(first: Path, second: Path) -> Difference:
    """Compares two images, the larger one scaled to the size of the smaller.

    Both are scaled to `SIDE` at most. Raises ImageError where one can't be read, or
    they have different shapes.
    """
    one = thumbnail(first, (SIDE, SIDE))
    two = thumbnail(second, (SIDE, SIDE))
    if not _are_alike(one.size, two.size):
        raise ImageError("Images of different shapes can't be compared by pixels.")
    size = min(one.size, two.size)
    is_scaled = any(_is_scaled(path, size) for path in (first, second))
    one, two = (_resized(image, size) for image in (one, two))
    by_colour = ImageChops.difference(one, two)
    red, green, blue = by_colour.split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    counts = most.histogram()
    share = sum(counts[_LEAST:]) / (size[0] * size[1])
    return Difference(_heat(two, most), share, sum(counts[1:]) == 0, is_scaled)


def _heat(image: Image.Image, steps: Image.Image) -> Image.Image:
    """Returns an image in dark grey, with colours where there are steps."""
    grey = image.convert("L").point(lambda value: value * _DIMMED)
    no_blue = Image.new("L", image.size)
    glow = Image.merge("RGB", (steps.point(_red), steps.point(_green), no_blue))
    return Image.composite(glow, grey.convert("RGB"), steps.point(_is_seen))


def _are_alike(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Returns whether two sizes have one shape."""
    ratio = one[0] * other[1] / (one[1] * other[0])
    return abs(ratio - 1) < _ALIKE


def _is_scaled(path: Path, size: tuple[int, int]) -> bool:
    known = measure(path)
    return (known.width, known.height) != size


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    if image.size == size:
        return image
    return image.resize(size, Image.Resampling.LANCZOS)


def _is_seen(step: int) -> int:
    return 255 if step >= _LEAST else 0


def _red(step: int) -> int:
    """Returns how red a difference is: a small one is as clear as a large one."""
    return min(255, 170 + step)


def _green(step: int) -> int:
    """Returns how yellow a difference is: the larger, the more."""
    return min(255, 2 * max(0, step - 24))
