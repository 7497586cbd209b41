"""Draws contact sheets: how large the cells are, and what is where.

All pictures are as large as their cells allow, never enlarged; all cells are of one
size.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path

from PIL import Image, ImageDraw

from tui.images import files
from tui.images.contact_sheet import MOST_PICTURES, SheetCell, SheetTable
from tui.images.files import ImageError
from tui.images.label_font import LabelFont

_SIDES = (512, 448, 384, 320, 256, 224, 192, 160, 128, 96)
"""Pixels of the longer side of the largest picture; the first that fits is taken."""
_MOST_PIXELS = 24_000_000  # of a sheet
_MOST_SIDE = 30_000
_NARROWEST = 0.5
"""Width of a cell at least, in parts of the side: captions need room."""
_TITLE_SIZE = 1.4
"""Size of the title, in sizes of the captions."""
_CAPTION_LINES = 2
_TITLE_LINES = 2
_ROW_TITLE_LINES = 4
_REASON_LINES = 6

_GROUND = (22, 22, 25)
_MOUNT = (33, 33, 37)
"""What is around a picture that doesn't fill its cell, or in place of one."""
_TEXT = (236, 236, 238)
_MUTED = (158, 158, 166)


@dataclass
class Painted:
    """A sheet in memory."""

    image: Image.Image
    problems: dict[int, str]
    lacks_letters: bool


def paint(table: SheetTable) -> Painted:
    """Returns the sheet of a table. Raises ImageError where that would be too large."""
    return _Painter(table).paint()


@dataclass(frozen=True)
class _Grid:
    """The places on a sheet, in pixels."""

    columns: int
    rows: int
    cell_width: int
    picture_height: int
    caption_height: int
    gap: int
    left: int = 0
    """Where the first column begins."""
    top: int = 0
    """Where the first row begins."""

    @property
    def size(self) -> tuple[int, int]:
        right, bottom = self.place(self.rows, self.columns)
        return right + self.gap, bottom + self.gap

    def place(self, row: int, column: int) -> tuple[int, int]:
        """Returns the left upper corner of a cell."""
        return (
            self.left + column * (self.cell_width + self.gap),
            self.top + row * (self.picture_height + self.caption_height + self.gap),
        )

    def mount(self, place: tuple[int, int]) -> tuple[int, int, int, int]:
        """Returns the corners of what holds the picture of a cell."""
        x, y = place
        return x, y, x + self.cell_width - 1, y + self.picture_height - 1


@dataclass
class _Pictures:
    """The pictures of a table, by the numbers of their cells."""

    shrunk: dict[int, Image.Image] = field(default_factory=dict)
    problems: dict[int, str] = field(default_factory=dict)


class _Painter:
    def __init__(self, table: SheetTable) -> None:
        self._table = table
        self._columns = max(
            [len(table.column_titles), *(len(row) for row in table.rows)]
        )
        count = sum(1 for _ in table.cells)
        if count == 0:
            raise ImageError("There is no picture for a sheet.")
        if count > MOST_PICTURES:
            raise ImageError(f"A sheet has at most {MOST_PICTURES} pictures.")
        self._side = self._fitting_side()
        size = min(28, max(13, self._side // 20))
        self._font = LabelFont(size)
        self._title_font = LabelFont(round(size * _TITLE_SIZE))
        self._gap = max(8, self._side // 24)

    def paint(self) -> Painted:
        pictures = self._pictures()
        grid = self._grid(list(pictures.shrunk.values()))
        image = Image.new("RGB", grid.size, _GROUND)
        draw = ImageDraw.Draw(image)
        self._write_titles(draw, grid)
        number = 0
        for row, cells in enumerate(self._table.rows):
            for column, cell in enumerate(cells):
                if not cell:
                    continue
                number += 1
                place = grid.place(row, column)
                draw.rectangle(grid.mount(place), fill=_MOUNT)
                picture = pictures.shrunk.pop(number, None)
                if picture:
                    image.paste(picture, _centred(picture, place, grid))
                else:
                    reason = pictures.problems.get(number, cell.reason)
                    self._write_reason(draw, grid, place, reason)
                self._write_caption(draw, grid, place, number, cell)
        lacks_letters = self._font.lacks_letters or self._title_font.lacks_letters
        return Painted(image, pictures.problems, lacks_letters)

    def _fitting_side(self) -> int:
        """Returns how large pictures may be. Raises ImageError."""
        rows = len(self._table.rows)
        for side in _SIDES:
            # With room for margins, captions and titles
            width = (self._columns + 1) * side * 1.1
            height = (rows + 0.5) * side * 1.3
            if width * height <= _MOST_PIXELS and max(width, height) <= _MOST_SIDE:
                return side
        raise ImageError(
            f"{rows}×{self._columns} cells are too many for one sheet: name fewer"
            " tasks, or parameters with fewer values."
        )

    def _pictures(self) -> _Pictures:
        found = _Pictures()
        paths = [cell.path for cell in self._table.cells]
        # As many at once as there are processes that decode
        with ThreadPoolExecutor(2) as pool:
            for number, shrunk in enumerate(pool.map(self._shrunk, paths), 1):
                if isinstance(shrunk, str):
                    found.problems[number] = shrunk
                elif shrunk:
                    found.shrunk[number] = shrunk
        return found

    def _shrunk(self, path: Path | None) -> Image.Image | str | None:
        """Returns a small picture, or a sentence where the file can't be shown."""
        if path is None:
            return None
        try:
            return files.thumbnail(path, (self._side, self._side))
        except ImageError as error:
            return str(error)

    def _grid(self, shrunk: list[Image.Image]) -> _Grid:
        """Returns the places for these pictures; the largest one fills its cell."""
        width = max((picture.width for picture in shrunk), default=self._side)
        height = max((picture.height for picture in shrunk), default=self._side // 2)
        lines = max(_count_lines(cell.caption) for cell in self._table.cells)
        caption = self._gap // 2 + lines * self._font.line_height
        grid = _Grid(
            columns=self._columns,
            rows=len(self._table.rows),
            cell_width=max(width, round(self._side * _NARROWEST)),
            picture_height=max(height, 3 * self._font.line_height),
            caption_height=caption,
            gap=self._gap,
        )
        return self._with_titles(grid)

    def _with_titles(self, grid: _Grid) -> _Grid:
        """Returns the grid moved to where the titles leave room."""
        table = self._table
        left = 2 * self._gap
        if any(table.row_titles):
            left += self._row_title_width() + self._gap
        top = 2 * self._gap
        grid = replace(grid, left=left)
        top += len(self._title_lines(grid)) * self._title_font.line_height
        if table.note:
            top += self._font.line_height
        if table.title or table.note:
            top += self._gap
        if any(table.column_titles):
            top += self._font.line_height + self._gap // 2
        return replace(grid, top=top)

    def _row_title_width(self) -> int:
        widest = max(self._font.width(title) for title in self._table.row_titles)
        return min(widest, round(self._side * _NARROWEST))

    def _title_lines(self, grid: _Grid) -> list[str]:
        room = grid.size[0] - 4 * self._gap
        return self._title_font.wrapped(self._table.title, room, _TITLE_LINES)

    def _write_titles(self, draw: ImageDraw.ImageDraw, grid: _Grid) -> None:
        table = self._table
        left = top = 2 * self._gap
        for line in self._title_lines(grid):
            self._title_font.write(draw, (left, top), line, _TEXT)
            top += self._title_font.line_height
        note = self._font.cut(table.note, grid.size[0] - 2 * left)
        self._font.write(draw, (left, top), note, _MUTED)
        for column, title in enumerate(table.column_titles):
            x, y = grid.place(0, column)
            line = self._font.cut(title, grid.cell_width)
            x += (grid.cell_width - self._font.width(line)) // 2
            y -= self._font.line_height + self._gap // 2
            self._font.write(draw, (x, y), line, _TEXT)
        for row, title in enumerate(table.row_titles):
            _, y = grid.place(row, 0)
            room = self._row_title_width()
            lines = self._font.wrapped(title, room, _ROW_TITLE_LINES)
            y += (grid.picture_height - len(lines) * self._font.line_height) // 2
            for line in lines:
                x = left + room - self._font.width(line)
                self._font.write(draw, (x, y), line, _TEXT)
                y += self._font.line_height

    def _write_reason(
        self,
        draw: ImageDraw.ImageDraw,
        grid: _Grid,
        place: tuple[int, int],
        reason: str,
    ) -> None:
        x, y = place
        room = grid.cell_width - 2 * self._gap
        fitting = max(1, grid.picture_height // self._font.line_height - 1)
        lines = self._font.wrapped(reason, room, min(_REASON_LINES, fitting))
        y += (grid.picture_height - len(lines) * self._font.line_height) // 2
        for line in lines:
            middle = x + (grid.cell_width - self._font.width(line)) // 2
            self._font.write(draw, (middle, y), line, _MUTED)
            y += self._font.line_height

    def _write_caption(
        self,
        draw: ImageDraw.ImageDraw,
        grid: _Grid,
        place: tuple[int, int],
        number: int,
        cell: SheetCell,
    ) -> None:
        x, y = place
        y += grid.picture_height + self._gap // 3
        label = cell.label or str(number)
        indent = self._font.width(label) + self._gap // 2
        self._font.write(draw, (x, y), label, _MUTED)
        lines = cell.caption.splitlines()[:_CAPTION_LINES]
        colours = (_TEXT, _MUTED)
        for line, colour in zip_longest(lines, colours[: len(lines)]):
            text = self._font.cut(line, grid.cell_width - indent)
            self._font.write(draw, (x + indent, y), text, colour)
            y += self._font.line_height


def _count_lines(caption: str) -> int:
    return min(_CAPTION_LINES, max(1, len(caption.splitlines())))


def _centred(
    picture: Image.Image, place: tuple[int, int], grid: _Grid
) -> tuple[int, int]:
    """Returns where the corner of a picture is in the middle of its cell."""
    x, y = place
    return (
        x + (grid.cell_width - picture.width) // 2,
        y + (grid.picture_height - picture.height) // 2,
    )
