"""Makes images ready for the terminal: scaled to its cells, in its own format."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

from PIL import Image
from rich.style import Style
from textual.geometry import Offset, Size
from textual.strip import Strip

from tui.graphics import iterm, kitty, sixel
from tui.graphics.blocks import CellPicture, draw_cells
from tui.graphics.cell_size import CAREFUL_CELL, USUAL_CELL
from tui.graphics.probe import PIXELS, Images, Terminal
from tui.graphics.sixel import encode_sixel
from tui.system.helper_process import run_in_helper


@dataclass(frozen=True)
class Drawing:
    """An image made ready for `size` cells."""

    size: Size
    text: CellPicture
    """The image in characters."""
    written: list[str]
    """Raw sequences that draw the characters, a row each."""
    overlay: list[str]
    """Raw sequences that draw the pixels, each from the start of its row on."""
    upload: str = ""
    """What has to reach the terminal before the pixels are drawn."""
    free: str = ""
    """What undoes `upload`."""
    image_id: int = 0
    _file: kitty.SharedFile | None = field(default=None, repr=False, compare=False)
    """The file that `upload` names: it lives as long as the drawing."""

    @cached_property
    def rows(self) -> list[Strip]:
        """Its cells as Textual composes them."""
        return self.text.strips()

    def fits(self, space: Size) -> bool:
        return self.size.width <= space.width and self.size.height <= space.height

    def offset(self, space: Size) -> Offset:
        """Returns where the image begins in the middle of `space`.

        It is negative where the image is larger than the space.
        """
        across = space.width - self.size.width
        down = space.height - self.size.height
        return Offset(across // 2, down // 2)

    def line(self, y: int, space: Size, style: Style) -> Strip:
        """Returns line `y` of a space with the image in its middle."""
        left, top = self.offset(space)
        if not 0 <= y - top < self.size.height:
            return Strip.blank(space.width, style)
        row = self.rows[y - top].apply_style(style)
        if left < 0:
            return row.crop(-left, space.width - left)
        right = space.width - left - self.size.width
        return row.crop_pad(self.size.width, left, right, style)

    def sequences(
        self, rows: list[str], corner: Offset, background: tuple[int, int, int]
    ) -> str:
        """Returns the text that draws `rows` from the cell `corner` of the screen on.

        The rows are `overlay` or `written`. The cursor stays where it is.
        """
        colour = "\x1b[48;2;{};{};{}m".format(*background)
        column = corner.x + 1
        lines = [
            f"\x1b[{line};{column}H{colour}{row}"
            for line, row in enumerate(rows, corner.y + 1)
        ]
        return f"\x1b7{''.join(lines)}\x1b[0m\x1b8"


@dataclass(frozen=True)
class DrawingOptions:
    """How an image is drawn, beside its size and the terminal."""

    image_id: int = 0
    """The kitty image to replace; 0 for a new one."""
    rough: bool = False
    """Draw half blocks alone, and no pixels."""
    text: CellPicture | None = None
    """The characters of a rough drawing of the same image, to be used again."""
    background: tuple[int, int, int] = (0, 0, 0)
    """The colour around the image."""
    above_others: bool = False
    """The image never reaches the last line of the screen."""


_USUAL = DrawingOptions()


def draw(
    shrink: Callable[[tuple[int, int]], Image.Image],
    space: Size,
    terminal: Terminal,
    options: DrawingOptions = _USUAL,
) -> Drawing:
    """Returns the image as large as fits into `space` cells.

    `shrink(box)` gives it in RGB, no larger than `box` pixels; what it raises is passed
    on. Its pixels take no more than `terminal.budget` bytes. This takes tenths of a
    second, so it belongs in a thread.
    """
    guess = CAREFUL_CELL if terminal.images is Images.SIXEL else USUAL_CELL
    cell = terminal.cell or guess
    cell_width, cell_height = cell
    box = _box(space, terminal.images, cell, options.above_others)
    image = _enlarged(shrink(box), box)
    columns = -(-image.width // cell_width)
    rows = -(-image.height // cell_height)
    size = Size(columns, rows)
    text = _text(image, size, terminal, options)
    drawing = Drawing(size, text, text.written(), [])
    if options.rough:
        return drawing
    pixels = (columns * cell_width, rows * cell_height)
    match terminal.images:
        case Images.SIXEL:
            sequence = run_in_helper(
                encode_sixel, image, pixels, options.background, terminal.budget
            )
            return replace(drawing, overlay=[sequence])
        case Images.ITERM:
            sequence = run_in_helper(iterm.inline, image, size, terminal.budget)
            return replace(drawing, overlay=[sequence])
        case Images.KITTY:
            image_id = options.image_id or kitty.new_id()
            place = kitty.Placement(image_id, size, pixels)
            sent = kitty.upload(image, place, terminal)
            return replace(
                drawing,
                overlay=kitty.placeholders(size, image_id),
                upload=sent.text,
                free=kitty.free(terminal, image_id),
                image_id=image_id,
                _file=sent.file,
            )
    return drawing


def _text(
    image: Image.Image, size: Size, terminal: Terminal, options: DrawingOptions
) -> CellPicture:
    """Returns the image in characters, unless rough as fine as the terminal has."""
    if options.rough:
        return draw_cells(image, size, Images.HALF)
    if options.text:
        return options.text
    if terminal.images in PIXELS:
        return draw_cells(image, size, terminal.blocks)
    return draw_cells(image, size, terminal.images)


def _box(
    space: Size, images: Images, cell: tuple[int, int], above_others: bool
) -> tuple[int, int]:
    """Returns the pixels that an image may take in `space` cells."""
    cell_width, cell_height = cell
    width = min(space.width, kitty.MOST_CELLS) * cell_width
    height = min(space.height, kitty.MOST_CELLS) * cell_height
    if images in (Images.SIXEL, Images.ITERM) and not above_others:
        # After it xterm and iTerm2 go to the next line: on the last line of the screen
        # they would scroll.
        height = max(cell_height, height - cell_height)
    if images is Images.SIXEL:
        # The most whole cells
        most_width = sixel.MOST_PIXELS // cell_width * cell_width
        most_height = sixel.MOST_PIXELS // cell_height * cell_height
        width = min(width, most_width)
        height = min(height, most_height)
    return width, height


def _enlarged(image: Image.Image, box: tuple[int, int]) -> Image.Image:
    """Returns the image as large as fits into `box`; a larger one stays as it is."""
    box_width, box_height = box
    scale = min(box_width / image.width, box_height / image.height)
    if scale <= 1:
        return image
    width = max(1, round(image.width * scale))
    height = max(1, round(image.height * scale))
    return image.resize((width, height), Image.Resampling.LANCZOS)
