"""A part of an image, each of its pixels as one of the terminal's, or as a square."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

Pair = tuple[int, int]


class ZoomSource:
    """Keeps one decoded image, so that the next part of it can be shown at once."""

    def __init__(
        self, cells: Callable[[], Pair] | None, background: tuple[int, int, int]
    ) -> None:
        """Creates it without an image.

        `cells` returns the columns and rows of a terminal without pixels: there a dot
        is half a cell, which is about square and has a colour of its own in every kind
        of blocks.
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
        self._whole: Image | None = None

    def load(self, path: Path, box: Pair) -> "Image":
        """Returns the whole image, to be seen in `box` pixels. Raises ImageError.

        Only one thread at a time may call this.
        """
        from tui.graphics.kitty import MOST_CELLS
        from tui.images.files import whole

        if self._whole is None or path != self.path:
            # Two large images are never in memory at once.
            self.path = None
            self._whole = None
            self._whole = whole(path)
            self.path = path
            self.size = self._whole.size
        self.dots = box
        if self._cells:
            width, height = self._cells()
            columns = min(width, MOST_CELLS)
            rows = 2 * min(height, MOST_CELLS)
            self.dots = (columns, rows)
        return self._whole


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

    def __call__(self, path: Path, box: Pair) -> "Image":
        """Returns the part of a file's image in `box` pixels. Raises ImageError."""
        from PIL import Image

        whole = self.source.load(path, box)
        columns, rows = self.source.dots
        box_width, box_height = box
        part = whole.crop(self.part())
        across = self.zoom * box_width / columns
        down = self.zoom * box_height / rows
        width = round(part.width * across)
        height = round(part.height * down)
        part = part.resize((width, height), Image.Resampling.NEAREST)
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
        visible = -(-dots // self.zoom)
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
        if path != self.source.path:
            return f"{self.zoom}:1"
        left, top, *_ = self.part()
        width, height = self.source.size
        return f"{self.zoom}:1, {left},{top} of {width}×{height}"


def _margin(room: int, length: int, dots: int) -> int:
    """Returns the pixels before a centred part: whole dots, so that it stays sharp."""
    free = max(0, room - length)
    dots_before = int(free / 2 * dots / room)
    return dots_before * room // dots
