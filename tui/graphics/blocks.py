"""Pictures made of characters: in each cell the shape and the two colours that come
nearest to the image.
"""

import io
from collections.abc import Iterable, Sequence
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

from tui.graphics.helper_process import run_in_helper
from tui.graphics.probe import Images
from tui.graphics.textual_image_adapter import renderable

_LANCZOS = Image.Resampling.LANCZOS
# A cell is divided into columns and rows of parts; areas are told in 24ths of the cell.
_UNITS = 24
_Grid = tuple[int, int]
_Colour = tuple[int, int, int]


class _Shape(NamedTuple):
    """A character and the parts of the cell that it fills, counted row by row."""

    character: str
    grid: _Grid
    parts: Sequence[int]

    @property
    def area(self) -> int:
        return len(self.parts) * _UNITS // (self.grid[0] * self.grid[1])


# One of each pair: a cell is drawn by what a shape fills or by what it leaves,
# whichever character there is.
_EIGHTHS = [
    *(
        _Shape(character, (1, 8), range(7 - number, 8))
        for number, character in enumerate("▁▂▃▄▅▆▇")
    ),
    *(
        _Shape(character, (8, 1), range(number + 1))
        for number, character in enumerate("▏▎▍▌▋▊▉")
    ),
]
_CORNERS = ([0], [1], [2], [3], [0, 3])
_QUADRANTS = [
    _Shape(character, (2, 2), parts)
    for character, parts in zip("▘▝▖▗▚", _CORNERS, strict=True)
]
_LEFT_HALF = 0b010101
_SEXTANTS = [
    _Shape(
        chr(0x1FB00 + bits - 1 - (bits > _LEFT_HALF)),
        (2, 3),
        [part for part in range(6) if bits >> part & 1],
    )
    for bits in range(1, 32)
    if bits != _LEFT_HALF
]
_SHAPES = {
    Images.QUADRANT: [*_EIGHTHS, *_QUADRANTS],
    Images.SEXTANT: [*_EIGHTHS, *_SEXTANTS],
}


@dataclass(frozen=True)
class CellPicture:
    """A picture of characters: one a cell, row by row, and the colours in and around it
    as bytes of RGB.
    """

    size: Size
    characters: str
    inside: bytes
    outside: bytes

    def strips(self) -> list[Strip]:
        """The rows for Textual to cut and to tint; about 10 µs a cell."""
        found = [
            _segment(*cell)
            for cell in zip(self.characters, *self._colours(), strict=True)
        ]
        width = self.size.width
        return [
            Strip(found[start : start + width], width)
            for start in range(0, len(found), width)
        ]

    def written(self) -> list[str]:
        """The rows as a terminal of 24-bit colours reads them; about 1 µs a cell."""
        rows, cells = [], zip(self.characters, *self._colours(), strict=True)
        for _ in range(self.size.height):
            ink = ground = None
            parts = []
            for character, inside, outside in islice(cells, self.size.width):
                if outside != ground:
                    ground = outside
                    parts.append("\x1b[48;2;{};{};{}m".format(*outside))
                if inside != ink and character != " ":
                    ink = inside
                    parts.append("\x1b[38;2;{};{};{}m".format(*inside))
                parts.append(character)
            rows.append("".join(parts))
        return rows

    def _colours(self) -> tuple[Iterable[_Colour], Iterable[_Colour]]:
        inside, outside = iter(self.inside), iter(self.outside)
        return zip(inside, inside, inside, strict=True), zip(
            outside, outside, outside, strict=True
        )


def cells(image: Image.Image, size: Size, images: Images) -> CellPicture:
    """The image as `size` characters."""
    if images in _SHAPES:
        return run_in_helper(_fitted, image, size, images)
    if images is Images.ASCII:
        characters = renderable("unicode").Image(image.resize(size, _LANCZOS), *size)
        console = Console(file=io.StringIO(), width=size.width)
        lines = console.render_lines(characters, pad=False)[: size.height]
        text = "".join(segment.text for line in lines for segment in line)
        return CellPicture(
            size, text, bytes([255] * 3 * len(text)), bytes(3 * len(text))
        )  # they stand for white on black
    pixels, row = (
        image.resize((size.width, 2 * size.height), _LANCZOS).tobytes(),
        3 * size.width,
    )
    halves = [pixels[start : start + row] for start in range(0, len(pixels), row)]
    return CellPicture(
        size,
        "▀" * (size.width * size.height),
        b"".join(halves[::2]),
        b"".join(halves[1::2]),
    )


def _fitted(image: Image.Image, size: Size, images: Images) -> CellPicture:
    shapes = _SHAPES[images]
    parts = {
        grid: _parts(image, size, grid) for grid in {shape.grid for shape in shapes}
    }
    best = _best(parts, shapes).tobytes()
    pixels = {
        grid: [
            list(zip(*(band.tobytes() for band in part), strict=True))
            for part in parts[grid]
        ]
        for grid in parts
    }
    characters, within, around = list[str](), bytearray(), bytearray()
    for cell, number in enumerate(best):
        shape = shapes[number]
        inside: list[tuple[int, ...]] = []
        outside: list[tuple[int, ...]] = []
        for part, colours in enumerate(pixels[shape.grid]):
            (inside if part in shape.parts else outside).append(colours[cell])
        ink, ground = _mean(inside), _mean(outside)
        characters.append(shape.character if ink != ground else " ")
        within += bytes(ink)
        around += bytes(ground)
    return CellPicture(size, "".join(characters), bytes(within), bytes(around))


def _parts(
    image: Image.Image, size: Size, grid: _Grid
) -> list[tuple[Image.Image, ...]]:
    """The mean colour of each part of each cell: an image of all cells per part and
    channel.
    """
    columns, rows = grid
    fine = image.resize(
        (size.width * columns, size.height * rows), Image.Resampling.BOX
    )
    return [
        fine.transform(
            size,
            Image.Transform.AFFINE,
            (columns, 0, x + 0.5 - columns / 2, 0, rows, y + 0.5 - rows / 2),
            Image.Resampling.NEAREST,
        ).split()
        for y in range(rows)
        for x in range(columns)
    ]


def _best(
    parts: dict[_Grid, list[tuple[Image.Image, ...]]], shapes: Sequence[_Shape]
) -> Image.Image:
    """The number of each cell's best shape: the one that leaves its two colours least
    to be wrong about.

    That is where the squares of the sums inside and outside, each through its area, add
    up to the most. All cells are reckoned at once, by Pillow.
    """
    images = {
        f"{grid}{number}{channel}": band.convert("I")
        for grid, bands in parts.items()
        for number, part in enumerate(bands)
        for channel, band in enumerate(part)
    }

    def choose(known: dict[str, Any]) -> Any:
        def filled(grid: _Grid, numbers: Sequence[int], channel: int) -> Any:
            return sum(known[f"{grid}{number}{channel}"] for number in numbers) * (
                _UNITS // (grid[0] * grid[1])
            )

        def squares(shape: _Shape, channel: int) -> Any:
            inside = filled(shape.grid, shape.parts, channel)
            outside = wholes[channel] - inside
            return inside * inside / shape.area + outside * outside / (
                _UNITS - shape.area
            )

        columns, rows = shapes[0].grid
        wholes = [
            filled((columns, rows), range(columns * rows), channel)
            for channel in range(3)
        ]
        # The number rides along in what is compared.
        ranked = (
            sum(squares(shape, channel) for channel in range(3)) * len(shapes) + number
            for number, shape in enumerate(shapes)
        )
        return reduce(known["max"], ranked) % len(shapes)

    chosen: Image.Image = ImageMath.lambda_eval(choose, **images)
    return chosen.convert("L")


def _mean(colours: list[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(
        round(sum(channel) / len(colours)) for channel in zip(*colours, strict=True)
    )


def _segment(character: str, inside: _Colour, outside: _Colour) -> Segment:
    ink = None if character == " " else Color.from_rgb(*inside)
    return Segment(character, Style(color=ink, bgcolor=Color.from_rgb(*outside)))
