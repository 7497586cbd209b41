"""The one adapter over textual-image (0.12 to 0.14): its encoders, kept away from the terminal.

What the library does itself is left out on purpose: it asks the terminal at import, resizes and encodes on the
event loop, writes kitty images past Textual's writer and never frees them (it says `I=`, an image number,
where the terminal knows an id), and names kitty images by a 24-bit colour that is lost without COLORTERM.
"""

import io
import re
import sys
import threading
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from random import randint
from typing import Any, TextIO

from PIL import Image
from rich.console import Console
from rich.style import Style
from textual.geometry import Offset, Size
from textual.strip import Strip

from tui.terminal import Images, Terminal, through_tmux

_USUAL_CELL = (10, 20)
_MOST_CELLS = 250  # placeholders count to 297
_MOST_SIXEL_PIXELS = 1000  # xterm draws nothing of a larger one; encoding takes time, too
_KITTY_CHUNK = 4096
_IMPORT = threading.Lock()
_LANCZOS = Image.Resampling.LANCZOS
_REGISTER = re.compile(r"(#\d+);2;\d+;\d+;\d+")


@dataclass(frozen=True)
class Drawing:
    """An image made ready for `size` cells.

    `rows` are its cells as text. `overlay` are raw sequences that draw its pixels, each from the start of its
    row on; `upload` has to reach the terminal before them and `free` takes it back.
    """

    size: Size
    rows: list[Strip]
    overlay: list[str]
    upload: str = ""
    free: str = ""
    image_id: int = 0

    def fits(self, space: Size) -> bool:
        return self.size.width <= space.width and self.size.height <= space.height

    def offset(self, space: Size) -> Offset:
        """Where the image begins when it is in the middle of `space`; negative where it is larger."""
        return Offset((space.width - self.size.width) // 2, (space.height - self.size.height) // 2)

    def line(self, y: int, space: Size, style: Style) -> Strip:
        """Line `y` of a space with the image in its middle."""
        left, top = self.offset(space)
        if not 0 <= y - top < self.size.height:
            return Strip.blank(space.width, style)
        row = self.rows[y - top].apply_style(style)
        if left < 0:
            return row.crop(-left, space.width - left)
        return row.crop_pad(self.size.width, left, space.width - left - self.size.width, style)

    def overlay_at(self, corner: Offset, background: tuple[int, int, int]) -> str:
        """The sequences that draw the pixels with the upper left one in the cell `corner` of the screen."""
        colour = "\x1b[48;2;{};{};{}m".format(*background)
        rows = (f"\x1b[{corner.y + 1 + y};{corner.x + 1}H{colour}{row}" for y, row in enumerate(self.overlay))
        return f"\x1b7{''.join(rows)}\x1b[0m\x1b8"


def draw(
    shrink: Callable[[tuple[int, int]], Image.Image], space: Size, terminal: Terminal, image_id: int = 0
) -> Drawing:
    """The image as large as fits into `space` cells; takes tenths of a second, so it belongs in a thread.

    `shrink(box)` gives it no larger than `box` pixels. `image_id` is that of the kitty image to replace.
    """
    cell = terminal.cell or _USUAL_CELL
    box = (min(space.width, _MOST_CELLS) * cell[0], min(space.height, _MOST_CELLS) * cell[1])
    if terminal.images is Images.SIXEL:
        # After an image xterm goes to the line below it: on the last line of the screen it would scroll.
        height = max(cell[1], box[1] - cell[1])
        box = (min(box[0], _MOST_SIXEL_PIXELS), min(height, _MOST_SIXEL_PIXELS))
    image = _enlarged(shrink(box), box)
    size = Size(-(-image.width // cell[0]), -(-image.height // cell[1]))
    if terminal.images is Images.SIXEL:
        return Drawing(size, _cells(image, size, Images.HALF), [_sixels(image)])
    if terminal.images is Images.KITTY:
        return _kitty(image, size, cell, terminal, image_id or _new_id())
    return Drawing(size, _cells(image, size, terminal.images), [])


def _enlarged(image: Image.Image, box: tuple[int, int]) -> Image.Image:
    scale = min(box[0] / image.width, box[1] / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, _LANCZOS) if scale > 1 else image


def _cells(image: Image.Image, size: Size, images: Images) -> list[Strip]:
    if images is Images.ASCII:
        renderable = _library("unicode").Image(image.resize(size, _LANCZOS), *size)
        style = Style(color="#ffffff", bgcolor="#000000")  # its characters stand for white on black
    else:
        dots = (size.width, 2 * size.height)
        renderable = _library("halfcell").Image(image.resize(dots, _LANCZOS), *size)
        style = Style.null()
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=size.width)
    lines = console.render_lines(renderable, style=style, pad=False)
    return [Strip(line, size.width) for line in lines[: size.height]]


def _sixels(image: Image.Image) -> str:
    sixels: str = _library("sixel").image_to_sixels(image)
    # 0.12 takes a colour register for selected once it is defined; xterm and foot select it only when told to.
    return _REGISTER.sub(r"\g<0>\1", sixels)


def _kitty(image: Image.Image, size: Size, cell: tuple[int, int], terminal: Terminal, image_id: int) -> Drawing:
    """An upload and the placeholders where the terminal shows it. The same id replaces the image before."""
    png = _png(image, (size.width * cell[0], size.height * cell[1]), terminal.remote)
    data = b64encode(png).decode()
    chunks = [data[start : start + _KITTY_CHUNK] for start in range(0, len(data), _KITTY_CHUNK)]
    keys = [f"a=T,U=1,f=100,i={image_id},c={size.width},r={size.height},", *[""] * (len(chunks) - 1)]
    more = [*[1] * (len(chunks) - 1), 0]
    wrap = through_tmux if terminal.multiplexer == "tmux" else str
    return Drawing(
        size,
        _cells(image, size, Images.HALF),
        _placeholders(size, image_id),
        upload="".join(
            wrap(f"\x1b_G{key}q=2,m={m};{chunk}\x1b\\") for key, m, chunk in zip(keys, more, chunks, strict=True)
        ),
        free=wrap(f"\x1b_Ga=d,d=I,i={image_id},q=2\x1b\\"),
        image_id=image_id,
    )


def _png(image: Image.Image, size: tuple[int, int], remote: bool) -> bytes:
    """The image in the middle of a transparent canvas of whole cells; 256 colours are a quarter of the bytes."""
    corner = ((size[0] - image.width) // 2, (size[1] - image.height) // 2)
    png = io.BytesIO()
    if remote:
        reduced = image.quantize(255, method=Image.Quantize.FASTOCTREE)
        canvas = Image.new("P", size, 255)
        canvas.putpalette(reduced.getpalette() or [])
        canvas.paste(reduced, corner)
        canvas.save(png, "PNG", transparency=255)
    else:
        canvas = Image.new("RGBA", size)
        canvas.paste(image, corner)
        canvas.save(png, "PNG", compress_level=1)
    return png.getvalue()


def _new_id() -> int:
    """An id of its low byte, told as one of the 256 colours that even tmux keeps, and its high byte."""
    return randint(1, 255) << 24 | randint(16, 255)


def _placeholders(size: Size, image_id: int) -> list[str]:
    renderable = _library("tgp").Image(Image.new("1", (1, 1)))
    renderable.terminal_image_id = image_id
    segments = renderable._render_diacritics(*size)
    return [f"\x1b[38;5;{image_id & 255}m{segment.text.rstrip()}" for segment in segments]


def _library(name: str) -> Any:
    """A module of textual_image.renderable, imported without a question to the terminal.

    The package asks the terminal at import when stdout is one; the modules ask for the size of a cell, which
    nobody needs here as every size is given in cells.
    """
    with _IMPORT:
        stdout = sys.__stdout__
        sys.__stdout__ = stdout and _NotATerminal(stdout)  # type: ignore[assignment, misc]
        try:
            module: Any = import_module(f"textual_image.renderable.{name}")
        finally:
            sys.__stdout__ = stdout  # type: ignore[misc]
    module.get_cell_size = lambda: _USUAL_CELL
    return module


class _NotATerminal:
    """A stream that says that it is no terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def isatty(self) -> bool:
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
