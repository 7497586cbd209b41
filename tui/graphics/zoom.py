"""A part of an image, each of its pixels as one of the terminal's, or as a square."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil, sqrt
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

Pair = tuple[int, int]
Load = Callable[[Path], "Image"]
"""Returns the whole image of a file, in a thread. May raise ImageError."""
_SAME_SHAPE = 0.02
"""By how much the shapes of an image and its enlarged copy may differ, by rounding."""
_SAME_SIZE = 1 / 8
"""Sizes of other shapes that differ by less count as one.

Models make about as many pixels in any shape, and these stay pixels.
"""


class DecodedImages:
    """Keeps the images that were used last, so that a part of one is there at once."""

    def __init__(self, most_pixels: int = 0) -> None:
        """Keeps at most so many pixels beside an image that is being decoded."""
        self._most = most_pixels
        self._kept: dict[Path, Image] = {}
        self._lock = Lock()

    def get(self, path: Path) -> "Image":
        """Returns a file's whole image. Raises ImageError."""
        from tui.images.files import whole

        with self._lock:
            image = self._kept.pop(path, None)
            if image is None:
                # Two large images are never in memory at once.
                self._make_room()
                image = whole(path)
            self._kept[path] = image
            return image

    def clear(self) -> None:
        """Lets go of all of them."""
        with self._lock:
            self._kept.clear()

    def _make_room(self) -> None:
        while sum(_pixels(image) for image in self._kept.values()) > self._most:
            del self._kept[next(iter(self._kept))]


class ZoomSource:
    """Loads the image that is zoomed into, and knows how large it and its room are."""

    def __init__(
        self,
        cells: Callable[[], Pair] | None,
        background: tuple[int, int, int],
        load: Load | None = None,
    ) -> None:
        """Creates it without an image.

        `cells` returns the columns and rows of a terminal without pixels: there a dot
        is half a cell, which is about square and has a colour of its own in every kind
        of blocks. By default, `load` keeps the image that was decoded last.
        """
        self.path: Path | None = None
        """The file that was seen last."""
        self.size: Pair = (0, 0)
        """Width and height of its image."""
        self.dots: Pair = (0, 0)
        """Columns and rows of dots that there is room for."""
        self.background = background
        """The colour around a small image."""
        self._cells = cells
        self._load = load or DecodedImages().get

    def load(self, path: Path, box: Pair) -> "Image":
        """Returns the whole image, to be seen in `box` pixels. Raises ImageError.

        Only one thread at a time may call this.
        """
        from tui.graphics.kitty import MOST_CELLS

        if path != self.path:
            self.path = None
        whole = self._load(path)
        self.path = path
        self.size = whole.size
        self.dots = box
        if self._cells:
            width, height = self._cells()
            columns = min(width, MOST_CELLS)
            rows = 2 * min(height, MOST_CELLS)
            self.dots = (columns, rows)
        return whole


@dataclass(frozen=True)
class Crop:
    """The part of an image that a picture shows."""

    source: ZoomSource
    x: float = 0.5
    """The middle of the part, as a share of the image's width."""
    y: float = 0.5
    """The middle of the part, as a share of the image's height."""
    zoom: int = 1
    """Dots of the terminal that a pixel of the image is wide and high."""
    finer: float = 1.0
    """How many pixels of this image are as wide as one that `zoom` is about.

    So images of several sizes are seen at one scale.
    """

    def __call__(self, path: Path, box: Pair) -> "Image":
        """Returns the part of a file's image in `box` pixels. Raises ImageError."""
        from PIL import Image

        whole = self.source.load(path, box)
        columns, rows = self.source.dots
        box_width, box_height = box
        part = whole.crop(self.part())
        scale = self.zoom / self.finer
        width = round(part.width * scale * box_width / columns)
        height = round(part.height * scale * box_height / rows)
        way = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.LANCZOS
        part = part.resize((max(1, width), max(1, height)), way)
        # A picture enlarges an image that is smaller than its box, so that the part
        # needs a ground as large as the box.
        left = _margin(box_width, width, columns)
        top = _margin(box_height, height, rows)
        filled = Image.new("RGB", box, self.source.background)
        filled.paste(part, (left, top))
        return filled

    def part(self) -> tuple[int, int, int, int]:
        """Returns left, top, right and bottom of the part, in pixels of the image."""
        width, height = self.source.size
        columns, rows = self.source.dots
        left, right = self._span(self.x, width, columns)
        top, bottom = self._span(self.y, height, rows)
        return left, top, right, bottom

    def _span(self, middle: float, side: int, dots: int) -> Pair:
        """Returns where the part starts and ends along a side of the image."""
        visible = ceil(dots * self.finer / self.zoom)
        length = min(side, visible)
        start = round(middle * side - length / 2)
        start = max(0, start)
        start = min(start, side - length)
        return start, start + length

    def moved(self, across: int, down: int) -> "Crop":
        """Returns the crop so many quarters of the view further on.

        Its middle is never farther beyond the last view at an edge than that.
        """
        left, top, right, bottom = self.part()
        width, height = self.source.size
        if not width or not height:
            return self
        x = (left + right) / 2
        x += across * (right - left) / 4
        y = (top + bottom) / 2
        y += down * (bottom - top) / 4
        return replace(self, x=x / width, y=y / height)

    def describe(self, path: Path) -> str:
        """Returns scale and place: `2:1, 512,256 of 2048 × 2048`.

        Until that file was seen, it is the scale alone.
        """
        scale = self._scale()
        if path != self.source.path:
            return scale
        left, top, *_ = self.part()
        width, height = self.source.size
        return f"{scale}, {left},{top} of {width}×{height}"

    def _scale(self) -> str:
        """Returns how many dots for how many pixels: `2:1`, `1:4`."""
        if self.finer > self.zoom:
            return f"1:{self.finer / self.zoom:.3g}"
        return f"{self.zoom / self.finer:.3g}:1"


def finer(size: tuple[float, float], counted: tuple[float, float]) -> float:
    """Returns how many pixels of an image are as wide as one of another.

    Both are width and height; those of 0 are unknown, and count as the same.
    """
    width, height = size
    counted_width, counted_height = counted
    if not (width and height and counted_width and counted_height):
        return 1.0
    ratio = sqrt(width * height / (counted_width * counted_height))
    stretch = width * counted_height / (height * counted_width)
    has_other_shape = abs(stretch - 1) > _SAME_SHAPE
    return 1.0 if has_other_shape and abs(ratio - 1) < _SAME_SIZE else ratio


def _pixels(image: "Image") -> int:
    return image.width * image.height


def _margin(room: int, length: int, dots: int) -> int:
    """Returns the pixels before a centred part: whole dots, so that it stays sharp."""
    free = max(0, room - length)
    dots_before = int(free / 2 * dots / room)
    return dots_before * room // dots
