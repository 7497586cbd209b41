"""Images made ready for the terminal: scaled to its cells and written as it wants to
read them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from PIL import Image
from rich.style import Style
from textual.geometry import Offset, Size
from textual.strip import Strip

from tui.graphics import iterm, kitty, sixel
from tui.graphics.blocks import CellPicture, cells
from tui.graphics.helper_process import run_in_helper
from tui.graphics.probe import PIXELS, Images, Terminal
from tui.graphics.textual_image_adapter import USUAL_CELL


@dataclass(frozen=True)
class Drawing:
    """An image made ready for `size` cells.

    `text` are its cells. What is `written` and `overlay` are raw sequences that draw
    them, and its pixels, each from the start of its row on; `upload` has to reach the
    terminal before its pixels and `free` takes it back. What `upload` names lives as
    long as the drawing.
    """

    size: Size
    text: CellPicture
    written: list[str]
    overlay: list[str]
    upload: str = ""
    free: str = ""
    image_id: int = 0
    _file: kitty.SharedFile | None = field(default=None, repr=False, compare=False)

    @cached_property
    def rows(self) -> list[Strip]:
        """Its cells as Textual composes them."""
        return self.text.strips()

    def fits(self, space: Size) -> bool:
        return self.size.width <= space.width and self.size.height <= space.height

    def offset(self, space: Size) -> Offset:
        """Where the image begins when it is in the middle of `space`; negative where it
        is larger.
        """
        return Offset(
            (space.width - self.size.width) // 2, (space.height - self.size.height) // 2
        )

    def line(self, y: int, space: Size, style: Style) -> Strip:
        """Line `y` of a space with the image in its middle."""
        left, top = self.offset(space)
        if not 0 <= y - top < self.size.height:
            return Strip.blank(space.width, style)
        row = self.rows[y - top].apply_style(style)
        if left < 0:
            return row.crop(-left, space.width - left)
        return row.crop_pad(
            self.size.width, left, space.width - left - self.size.width, style
        )

    def sequences(
        self, rows: list[str], corner: Offset, background: tuple[int, int, int]
    ) -> str:
        """The sequences that draw its `overlay` or what is `written` from the cell
        `corner` of the screen on.
        """
        colour = "\x1b[48;2;{};{};{}m".format(*background)
        lines = (
            f"\x1b[{corner.y + 1 + y};{corner.x + 1}H{colour}{row}"
            for y, row in enumerate(rows)
        )
        return f"\x1b7{''.join(lines)}\x1b[0m\x1b8"


def draw(
    shrink: Callable[[tuple[int, int]], Image.Image],
    space: Size,
    terminal: Terminal,
    image_id: int = 0,
    *,
    rough: bool = False,
    text: CellPicture | None = None,
    ground: tuple[int, int, int] = (0, 0, 0),
) -> Drawing:
    """The image as large as fits into `space` cells; takes tenths of a second, so it
    belongs in a thread.

    `shrink(box)` gives it in RGB, no larger than `box` pixels. `image_id` is that of
    the kitty image to replace. Pixels take no more than `terminal.budget` bytes; a
    `rough` drawing has none, is in half blocks, and its `text` may serve the better
    one. `ground` is the colour around it.
    """
    cell = terminal.cell or USUAL_CELL
    box = (
        min(space.width, kitty.MOST_CELLS) * cell[0],
        min(space.height, kitty.MOST_CELLS) * cell[1],
    )
    if terminal.images in (Images.SIXEL, Images.ITERM):
        # After it xterm and iTerm2 go to the next line: on the last line of the screen
        # they would scroll.
        box = (box[0], max(cell[1], box[1] - cell[1]))
    if terminal.images is Images.SIXEL:
        most = [sixel.MOST_PIXELS // side * side for side in cell]
        box = (min(box[0], most[0]), min(box[1], most[1]))
    image = _enlarged(shrink(box), box)
    size = Size(-(-image.width // cell[0]), -(-image.height // cell[1]))
    if rough:
        text = cells(image, size, Images.HALF)
        return Drawing(size, text, text.written(), [])
    text = text or cells(
        image, size, terminal.blocks if terminal.images in PIXELS else terminal.images
    )
    written = text.written()
    pixels = (size.width * cell[0], size.height * cell[1])
    match terminal.images:
        case Images.SIXEL:
            return Drawing(
                size,
                text,
                written,
                [
                    run_in_helper(
                        sixel.encode_sixel, image, pixels, ground, terminal.budget
                    )
                ],
            )
        case Images.ITERM:
            return Drawing(
                size,
                text,
                written,
                [run_in_helper(iterm.inline, image, size, terminal.budget)],
            )
        case Images.KITTY:
            image_id = image_id or kitty.new_id()
            sent = kitty.upload(image, size, pixels, terminal, image_id)
            overlay = kitty.placeholders(size, image_id)
            return Drawing(
                size,
                text,
                written,
                overlay,
                sent.text,
                kitty.free(terminal, image_id),
                image_id,
                sent.file,
            )
    return Drawing(size, text, written, [])


def _enlarged(image: Image.Image, box: tuple[int, int]) -> Image.Image:
    scale = min(box[0] / image.width, box[1] / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS) if scale > 1 else image
