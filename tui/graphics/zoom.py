"""A part of an image, each of its pixels as one of the terminal's, or as a square of
them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

Pair = tuple[int, int]


class ZoomSource:
    """Keeps the image that is looked at decoded, one at a time: the next part of it is
    there at once.

    `path` is the file that was seen last, `size` that of its image, `dots` the pixels
    that there is room for.
    """

    def __init__(
        self, cells: Callable[[], Pair] | None, background: tuple[int, int, int]
    ) -> None:
        """`cells` tells the space of a terminal without pixels: there a dot is half a
        cell, which is about square and has a colour of its own in every kind of blocks.
        `background` is the colour around a small image.
        """
        self.path: Path | None = None
        self.size: Pair = (0, 0)
        self.dots: Pair = (0, 0)
        self.background = background
        self._cells = cells
        self._whole: Image | None = None

    def over(self, path: Path, box: Pair) -> "Image":
        """The whole image, to be seen in `box` pixels. Only one thread at a time comes
        here; raises ImageError.
        """
        from tui.graphics.kitty import MOST_CELLS
        from tui.images.files import whole

        if self._whole is None or path != self.path:
            self.path = self._whole = None
            self._whole = whole(path)
            self.path, self.size = path, self._whole.size
        width, height = self._cells() if self._cells else (0, 0)
        self.dots = (
            (min(width, MOST_CELLS), 2 * min(height, MOST_CELLS))
            if self._cells
            else box
        )
        return self._whole


@dataclass(frozen=True)
class Crop:
    """What of a file a picture shows: `x` and `y` are the middle, in shares of the
    image's sides; a pixel of the image is `zoom` dots wide and high.
    """

    source: ZoomSource
    x: float = 0.5
    y: float = 0.5
    zoom: int = 1

    def __call__(self, path: Path, box: Pair) -> "Image":
        from PIL import Image

        whole = self.source.over(path, box)
        dots = self.source.dots
        part = whole.crop(self.part())
        side = (self.zoom * box[0] / dots[0], self.zoom * box[1] / dots[1])
        part = part.resize(
            (round(part.width * side[0]), round(part.height * side[1])),
            Image.Resampling.NEAREST,
        )
        # A picture enlarges what is smaller than its box. On whole dots nothing is
        # blurred.
        left, top = (
            int(max(0, room - length) / 2 * count / room) * room // count
            for room, length, count in zip(box, part.size, dots, strict=True)
        )
        filled = Image.new("RGB", box, self.source.background)
        filled.paste(part, (left, top))
        return filled

    def part(self) -> tuple[int, int, int, int]:
        """What is seen, in pixels of the image: left, top, right and bottom."""
        (left, right), (top, bottom) = map(
            self._span, (self.x, self.y), self.source.size, self.source.dots
        )
        return left, top, right, bottom

    def _span(self, middle: float, side: int, dots: int) -> Pair:
        length = min(side, -(-dots // self.zoom))
        start = min(max(0, round(middle * side - length / 2)), side - length)
        return start, start + length

    def moved(self, across: int, down: int) -> "Crop":
        """The crop so many quarters of the view further on. It never gets farther
        beyond an edge than that.
        """
        left, top, right, bottom = self.part()
        width, height = self.source.size
        if not (width and height):
            return self
        x = ((left + right) / 2 + across * (right - left) / 4) / width
        return replace(
            self, x=x, y=((top + bottom) / 2 + down * (bottom - top) / 4) / height
        )

    def describe(self, path: Path) -> str:
        """In words: `2:1, 512,256 of 2048 × 2048`; no more than the first of it until
        that file was seen.
        """
        left, top, *_ = self.part()
        width, height = self.source.size
        seen = (
            f", {left},{top} of {width} × {height}" if path == self.source.path else ""
        )
        return f"{self.zoom}:1{seen}"
