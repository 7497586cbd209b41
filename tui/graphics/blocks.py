"""Pictures made of characters.

In each cell stand the shape and the two colours that come nearest to the image.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import islice
from typing import Any, NamedTuple

from PIL import Image, ImageMath
from rich.color import Color
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip

from tui.graphics.probe import Images
from tui.graphics.textual_image_adapter import renderable
from tui.system.helper_process import run_in_helper

_LANCZOS = Image.Resampling.LANCZOS
_UNITS = 24
"""Areas are whole numbers of so many parts of a cell: 4, 6 and 8 divide it."""
_Grid = tuple[int, int]
"""The columns and rows of parts that a cell is divided into."""
_Colour = tuple[int, int, int]
_Cell = tuple[str, _Colour, _Colour]
_Mean = tuple[int, ...]
_Bands = tuple[Image.Image, ...]
"""An image's red, green and blue."""


class _Shape(NamedTuple):
    """A character and the parts of the cell that it fills, counted row by row."""

    character: str
    grid: _Grid
    parts: Sequence[int]

    @property
    def area(self) -> int:
        """The units of the cell that it fills."""
        return len(self.parts) * _part_area(self.grid)


def _part_area(grid: _Grid) -> int:
    columns, rows = grid
    return _UNITS // (columns * rows)


# A shape and its inverse draw the same with their colours swapped, so that one of the
# two is enough.
_ROWS = [
    _Shape(character, (1, 8), range(7 - number, 8))
    for number, character in enumerate("▁▂▃▄▅▆▇")
]
_COLUMNS = [
    _Shape(character, (8, 1), range(number + 1))
    for number, character in enumerate("▏▎▍▌▋▊▉")
]
_EIGHTHS = [*_ROWS, *_COLUMNS]
_CORNERS = ([0], [1], [2], [3], [0, 3])
_QUADRANTS = [
    _Shape(character, (2, 2), parts)
    for character, parts in zip("▘▝▖▗▚", _CORNERS, strict=True)
]
_LEFT_HALF = 0b010101
_FIRST_SEXTANT = 0x1FB00


def _sextant(bits: int) -> _Shape:
    """Returns the sextant whose part `n` is filled where bit `n` is set."""
    # Unicode leaves the left half out, which is a block element already.
    number = bits - 1
    if bits > _LEFT_HALF:
        number -= 1
    parts = [part for part in range(6) if bits >> part & 1]
    return _Shape(chr(_FIRST_SEXTANT + number), (2, 3), parts)


_SEXTANTS = [_sextant(bits) for bits in range(1, 32) if bits != _LEFT_HALF]
_SHAPES = {
    Images.QUADRANT: [*_EIGHTHS, *_QUADRANTS],
    Images.SEXTANT: [*_EIGHTHS, *_SEXTANTS],
}


@dataclass(frozen=True)
class CellPicture:
    """A picture of characters, row by row."""

    size: Size
    """Its columns and rows."""
    characters: str
    """One a cell."""
    inside: bytes
    """The colour of each character: three bytes of RGB a cell."""
    outside: bytes
    """The colour of each cell's background, likewise."""

    def strips(self) -> list[Strip]:
        """Returns the rows for Textual to cut and to tint; takes about 10 µs a cell."""
        segments = [_segment(*cell) for cell in self._cells()]
        width = self.size.width
        strips: list[Strip] = []
        for start in range(0, len(segments), width):
            row = segments[start : start + width]
            strips.append(Strip(row, width))
        return strips

    def written(self) -> list[str]:
        """Returns the rows for a terminal of 24-bit colours; takes 1 µs a cell."""
        cells = self._cells()
        width = self.size.width
        return [_written_row(islice(cells, width)) for _ in range(self.size.height)]

    def _cells(self) -> Iterator[_Cell]:
        """Yields each cell's character, its colour and the colour around it."""
        inside = iter(self.inside)
        outside = iter(self.outside)
        return zip(
            self.characters,
            zip(inside, inside, inside, strict=True),
            zip(outside, outside, outside, strict=True),
            strict=True,
        )


def _written_row(cells: Iterable[_Cell]) -> str:
    """Returns a row of cells for a terminal, each colour only where it changes."""
    ink: _Colour | None = None
    ground: _Colour | None = None
    parts: list[str] = []
    for character, inside, outside in cells:
        if outside != ground:
            ground = outside
            parts.append("\x1b[48;2;{};{};{}m".format(*outside))
        if inside != ink and character != " ":
            ink = inside
            parts.append("\x1b[38;2;{};{};{}m".format(*inside))
        parts.append(character)
    return "".join(parts)


def draw_cells(image: Image.Image, size: Size, images: Images) -> CellPicture:
    """Returns the image as `size` characters."""
    if images in _SHAPES:
        return run_in_helper(_draw_shapes, image, size, images)
    if images is Images.ASCII:
        return _draw_ascii(image, size)
    return _draw_halves(image, size)


def _draw_ascii(image: Image.Image, size: Size) -> CellPicture:
    """Returns the image as characters whose ink stands for white on black."""
    small = image.resize(size, _LANCZOS)
    characters = renderable("unicode").Image(small, *size)
    console = Console(file=io.StringIO(), width=size.width)
    lines = console.render_lines(characters, pad=False)[: size.height]
    text = "".join(segment.text for line in lines for segment in line)
    colour_bytes = 3 * len(text)
    white = b"\xff" * colour_bytes
    black = bytes(colour_bytes)
    return CellPicture(size, text, white, black)


def _draw_halves(image: Image.Image, size: Size) -> CellPicture:
    """Returns the image with two pixels in each cell, one above the other."""
    small = image.resize((size.width, 2 * size.height), _LANCZOS)
    pixels = small.tobytes()
    row_bytes = 3 * size.width
    upper = bytearray()
    lower = bytearray()
    for top in range(0, len(pixels), 2 * row_bytes):
        middle = top + row_bytes
        upper += pixels[top:middle]
        lower += pixels[middle : middle + row_bytes]
    return CellPicture(size, "▀" * size.area, bytes(upper), bytes(lower))


def _draw_shapes(image: Image.Image, size: Size, images: Images) -> CellPicture:
    """Returns the image in the shapes that come nearest to it."""
    shapes = _SHAPES[images]
    grids = {shape.grid for shape in shapes}
    parts = {grid: _part_images(image, size, grid) for grid in grids}
    best = _best_shapes(parts, shapes).tobytes()
    colours: dict[_Grid, list[list[_Mean]]] = {}
    for grid, images_of_grid in parts.items():
        colours[grid] = [_part_colours(part) for part in images_of_grid]
    characters: list[str] = []
    inks = bytearray()
    grounds = bytearray()
    for cell, number in enumerate(best):
        shape = shapes[number]
        inside: list[_Mean] = []
        outside: list[_Mean] = []
        for part, of_cells in enumerate(colours[shape.grid]):
            side = inside if part in shape.parts else outside
            side.append(of_cells[cell])
        ink = _mean(inside)
        ground = _mean(outside)
        characters.append(shape.character if ink != ground else " ")
        inks += bytes(ink)
        grounds += bytes(ground)
    text = "".join(characters)
    return CellPicture(size, text, bytes(inks), bytes(grounds))


def _part_colours(part: _Bands) -> list[_Mean]:
    """Returns a part's colour in each cell."""
    channels = [band.tobytes() for band in part]
    return list(zip(*channels, strict=True))


def _part_images(image: Image.Image, size: Size, grid: _Grid) -> list[_Bands]:
    """Returns for each part of a cell its mean colour in all cells, as images."""
    columns, rows = grid
    fine_size = (size.width * columns, size.height * rows)
    fine = image.resize(fine_size, Image.Resampling.BOX)
    parts = []
    for y in range(rows):
        for x in range(columns):
            # Takes each `columns`th pixel of each `rows`th row. Pillow adds half a
            # pixel to where it looks.
            left = x + 0.5 - columns / 2
            top = y + 0.5 - rows / 2
            part = fine.transform(
                size,
                Image.Transform.AFFINE,
                (columns, 0, left, 0, rows, top),
                Image.Resampling.NEAREST,
            )
            parts.append(part.split())
    return parts


def _best_shapes(
    parts: dict[_Grid, list[_Bands]], shapes: Sequence[_Shape]
) -> Image.Image:
    """Returns the number of the shape with the smallest error, for each cell.

    The error of the two mean colours is the smallest where the squares of the sums
    inside and outside, each divided by its area, add up to the most. Pillow computes
    all cells at once.
    """
    images: dict[str, Image.Image] = {}
    for grid, bands in parts.items():
        for number, part in enumerate(bands):
            for channel, band in enumerate(part):
                images[f"{grid}{number}{channel}"] = band.convert("I")

    def choose(known: dict[str, Any]) -> Any:
        def total(grid: _Grid, numbers: Sequence[int], channel: int) -> Any:
            names = [f"{grid}{number}{channel}" for number in numbers]
            return sum(known[name] for name in names) * _part_area(grid)

        def score(shape: _Shape, channel: int) -> Any:
            inside = total(shape.grid, shape.parts, channel)
            outside = wholes[channel] - inside
            rest = _UNITS - shape.area
            return inside * inside / shape.area + outside * outside / rest

        grid = shapes[0].grid
        every_part = range(len(parts[grid]))
        wholes = [total(grid, every_part, channel) for channel in range(3)]
        ranked: list[Any] = []
        for number, shape in enumerate(shapes):
            scores = sum(score(shape, channel) for channel in range(3))
            # The number is the last digit of what is compared.
            ranked.append(scores * len(shapes) + number)
        return reduce(known["max"], ranked) % len(shapes)

    chosen: Image.Image = ImageMath.lambda_eval(choose, **images)
    return chosen.convert("L")


def _mean(colours: list[_Mean]) -> _Mean:
    """Returns the mean of some colours."""
    count = len(colours)
    channels = zip(*colours, strict=True)
    return tuple(round(sum(channel) / count) for channel in channels)


def _segment(character: str, inside: _Colour, outside: _Colour) -> Segment:
    """Returns a cell as Textual composes it."""
    ink = None if character == " " else Color.from_rgb(*inside)
    ground = Color.from_rgb(*outside)
    return Segment(character, Style(color=ink, bgcolor=ground))
