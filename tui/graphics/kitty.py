"""Kitty graphics: an image is sent once, and shown at placeholders in the text."""

import io
import os
import tempfile
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from random import randrange
from weakref import finalize

from PIL import Image
from textual.geometry import Size

from tui.graphics.palette import first_affordable, reduce_colours, smooth
from tui.graphics.probe import Terminal
from tui.graphics.textual_image_adapter import renderable
from tui.graphics.tmux import through_tmux
from tui.system.helper_process import run_in_helper

MOST_CELLS = 250
"""Placeholders count to 297."""
_PLACEHOLDER = "\U0010eeee"
_CHUNK = 4096
"""Bytes of base64 in one message at most (kitty's graphics protocol)."""
# Colours (one more is what is clear), tolerance and scale; from the best on.
_LEVELS = (
    (255, 0, 1.0),
    (255, 4, 1.0),
    (255, 6, 1.0),
    (128, 6, 1.0),
    (128, 8, 1.0),
    (64, 8, 1.0),
    (128, 8, 0.75),
    (64, 8, 0.75),
    (40, 8, 0.75),
    (64, 8, 0.6),
    (40, 8, 0.6),
    (64, 8, 0.45),
    (40, 8, 0.45),
    (40, 8, 0.33),
    (40, 8, 0.25),
    (24, 8, 0.18),
    (15, 8, 0.12),
    (15, 8, 0.08),
)
_Level = tuple[int, int, float]
# An id's low byte is told as one of the 256 colours that even tmux keeps, its high byte
# beside it.
_COLOURS = range(16, 256)
_numbers = count(randrange(255 * len(_COLOURS)))


class SharedFile:
    """A file of pixels that the terminal reads.

    Only its user may read it (mode 0600). It is deleted when nothing refers to the
    object any more. Raises OSError where it can't be written.
    """

    def __init__(self, pixels: bytes, folder: Path) -> None:
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=f"{os.getpid()}-")
        self.path = Path(name)
        finalize(self, self.path.unlink, missing_ok=True)
        with open(descriptor, "wb") as file:
            file.write(pixels)


@dataclass(frozen=True)
class Placement:
    """The place of an image: its id, the `size` in cells, the `pixels` of these cells.

    The same id replaces the image that had it before.
    """

    image_id: int
    size: Size
    pixels: tuple[int, int]

    @property
    def keys(self) -> str:
        """The keys that all ways of transmission share; `q=2`: no answer is wanted."""
        return f"i={self.image_id},c={self.size.width},r={self.size.height},q=2"


@dataclass(frozen=True)
class Upload:
    """How an image gets to the terminal."""

    text: str
    """What is sent."""
    file: SharedFile | None = None
    """The file that `text` names; it has to live as long as that may be sent again."""


def new_id() -> int:
    """Returns an id that no other image has, nor, most likely, another program."""
    high, low = divmod(next(_numbers), len(_COLOURS))
    return (high % 255 + 1) << 24 | _COLOURS[low]


def upload(image: Image.Image, place: Placement, terminal: Terminal) -> Upload:
    """Returns what sends the image, centred in its place."""
    if terminal.shared:
        try:
            return _upload_by_file(image, place, terminal.shared)
        except OSError:  # no space left: through the terminal, which takes longer
            pass
    return Upload(run_in_helper(_upload_inline, image, place, terminal))


def _upload_by_file(image: Image.Image, place: Placement, folder: Path) -> Upload:
    """Returns what names a file of the pixels. Raises OSError if it isn't written."""
    canvas = _centred(image, place.pixels)
    file = SharedFile(canvas.tobytes(), folder)
    width, height = place.pixels
    name = b64encode(bytes(file.path)).decode()
    keys = f"a=T,U=1,f=32,{place.keys},t=f,s={width},v={height}"
    return Upload(f"\x1b_G{keys};{name}\x1b\\", file)


def _upload_inline(image: Image.Image, place: Placement, terminal: Terminal) -> str:
    """Returns the image as messages to the terminal, within its budget."""
    if not terminal.budget:
        canvas = _centred(image, place.pixels)
        png = _png(canvas, compress_level=1)
        return _messages(png, place.keys, terminal)

    @cache
    def encode(level: _Level) -> str:
        png = _small_png(image, place.pixels, level)
        return _messages(png, place.keys, terminal)

    placeholder_bytes = len(_PLACEHOLDER.encode()) * place.size.area
    most = max(terminal.budget - placeholder_bytes, terminal.budget // 2)
    number = first_affordable(_LEVELS, lambda level: len(encode(level)), most)
    return encode(_LEVELS[number])


def free(terminal: Terminal, image_id: int) -> str:
    """Returns what deletes an image from the terminal's memory."""
    return _through_multiplexer(f"\x1b_Ga=d,d=I,i={image_id},q=2\x1b\\", terminal)


def placeholders(size: Size, image_id: int) -> list[str]:
    """Returns the text that shows an image, row by row.

    The first cell of a row names the image and the row; the cells after it count on.
    """
    library = renderable("tgp").Image(Image.new("1", (1, 1)))
    library.terminal_image_id = image_id
    more = _PLACEHOLDER * (size.width - 1)
    colour = f"\x1b[38;5;{image_id & 255}m"
    rows: list[str] = []
    for first in library._render_diacritics(1, size.height):
        rows.append(f"{colour}{first.text.rstrip()}{more}")
    return rows


def _messages(png: bytes, keys: str, terminal: Terminal) -> str:
    """Returns a PNG in chunks, as the protocol wants it: `m=0` marks the last one."""
    data = b64encode(png).decode()
    messages: list[str] = []
    head = f"a=T,U=1,f=100,{keys}"
    for start in range(0, len(data), _CHUNK):
        end = start + _CHUNK
        more = int(end < len(data))
        message = f"\x1b_G{head},m={more};{data[start:end]}\x1b\\"
        messages.append(_through_multiplexer(message, terminal))
        head = "q=2"
    return "".join(messages)


def _through_multiplexer(sequence: str, terminal: Terminal) -> str:
    """Returns the sequence as the terminal's multiplexer lets it through."""
    if terminal.multiplexer == "tmux":
        return through_tmux(sequence)
    return sequence


def _centred(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Returns the image in the middle of `size` clear pixels."""
    canvas = Image.new("RGBA", size)
    canvas.paste(image, _margins(image, size))
    return canvas


def _margins(image: Image.Image, size: tuple[int, int]) -> tuple[int, int]:
    """Returns the pixels to the left of and above an image in the middle of `size`."""
    width, height = size
    left = (width - image.width) // 2
    top = (height - image.height) // 2
    return left, top


def _small_png(image: Image.Image, size: tuple[int, int], level: _Level) -> bytes:
    """Returns a PNG of few bytes; the terminal enlarges it to its cells."""
    colours, tolerance, scale = level
    if scale < 1:
        smaller = _scaled(image.size, scale)
        image = image.resize(smaller, Image.Resampling.LANCZOS)
        size = _scaled(size, scale)
    smoothed = smooth(image, tolerance)
    reduced = reduce_colours(smoothed, colours)
    clear = colours
    canvas = Image.new("P", size, clear)
    palette = reduced.getpalette() or []
    palette += bytes(3 * 256)
    canvas.putpalette(palette[: 3 * (clear + 1)])
    canvas.paste(reduced, _margins(image, size))
    return _png(canvas, transparency=clear)


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """Returns a size in pixels scaled, but never empty."""
    width = round(size[0] * scale)
    height = round(size[1] * scale)
    return max(1, width), max(1, height)


def _png(image: Image.Image, **options: int) -> bytes:
    """Returns the image as a PNG; the options are Pillow's."""
    png = io.BytesIO()
    image.save(png, "PNG", **options)
    return png.getvalue()
