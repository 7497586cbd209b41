"""Kitty graphics: an image uploaded once, shown where placeholders stand in the text."""

import io
import os
import tempfile
from base64 import b64encode
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import randrange
from weakref import finalize

from PIL import Image
from textual.geometry import Size

from tui.graphics.helper_process import run_in_helper
from tui.graphics.palette import first_affordable, reduce_colours, smooth
from tui.graphics.probe import Terminal, through_tmux
from tui.graphics.textual_image_adapter import renderable

MOST_CELLS = 250
"""Placeholders count to 297."""
_PLACEHOLDER = "\U0010eeee"
_CHUNK = 4096
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
    """A file of pixels that the terminal reads; only for this user, and gone when
    nobody needs it any more.
    """

    def __init__(self, pixels: bytes, folder: Path) -> None:
        # Mode 0600
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=f"{os.getpid()}-")
        self.path = Path(name)
        finalize(self, self.path.unlink, missing_ok=True)
        with open(descriptor, "wb") as file:
            file.write(pixels)


@dataclass(frozen=True)
class Upload:
    """What brings an image to the terminal; `file` has to live as long as it may be
    sent again.
    """

    text: str
    file: SharedFile | None = None


def new_id() -> int:
    """An id that no other image on this terminal has, nor, most likely, one of another
    program.
    """
    high, low = divmod(next(_numbers), len(_COLOURS))
    return (high % 255 + 1) << 24 | _COLOURS[low]


def upload(
    image: Image.Image,
    size: Size,
    pixels: tuple[int, int],
    terminal: Terminal,
    image_id: int,
) -> Upload:
    """The image, in the middle of `size` cells of so many `pixels`, under an id; the
    same id replaces the image before.
    """
    keys = f"i={image_id},c={size.width},r={size.height},q=2"
    if terminal.shared:
        try:
            file = SharedFile(_centred(image, pixels).tobytes(), terminal.shared)
        except OSError:  # no place left: the long way
            pass
        else:
            name = b64encode(bytes(file.path)).decode()
            return Upload(
                f"\x1b_Ga=T,U=1,f=32,{keys},t=f,s={pixels[0]},v={pixels[1]};{name}\x1b\\",
                file,
            )
    return Upload(run_in_helper(_inline, image, size, pixels, keys, terminal))


def _inline(
    image: Image.Image,
    size: Size,
    pixels: tuple[int, int],
    keys: str,
    terminal: Terminal,
) -> str:
    """The image as messages to the terminal."""
    if not terminal.budget:
        return _sent(_png(_centred(image, pixels), compress_level=1), keys, terminal)
    made = dict[_Level, str]()

    def cost(level: _Level) -> int:
        made[level] = _sent(_lean(image, pixels, level), keys, terminal)
        return len(made[level])

    shown = len(_PLACEHOLDER.encode()) * size.area
    most = max(terminal.budget - shown, terminal.budget // 2)
    level = _LEVELS[first_affordable(_LEVELS, cost, most)]
    if level not in made:
        cost(level)
    return made[level]


def free(terminal: Terminal, image_id: int) -> str:
    """What takes an image back."""
    return _wrapped(f"\x1b_Ga=d,d=I,i={image_id},q=2\x1b\\", terminal)


def placeholders(size: Size, image_id: int) -> list[str]:
    """The text that shows an image, a row each. The first cell of a row says which row
    it is, and of which image; those that follow it count on.
    """
    library = renderable("tgp").Image(Image.new("1", (1, 1)))
    library.terminal_image_id = image_id
    more = _PLACEHOLDER * (size.width - 1)
    firsts = library._render_diacritics(1, size.height)
    return [
        f"\x1b[38;5;{image_id & 255}m{first.text.rstrip()}{more}" for first in firsts
    ]


def _sent(png: bytes, keys: str, terminal: Terminal) -> str:
    data = b64encode(png).decode()
    chunks = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
    heads = [f"a=T,U=1,f=100,{keys}", *["q=2"] * (len(chunks) - 1)]
    more = [*[1] * (len(chunks) - 1), 0]
    messages = (
        f"\x1b_G{head},m={m};{chunk}\x1b\\"
        for head, m, chunk in zip(heads, more, chunks, strict=True)
    )
    return "".join(_wrapped(message, terminal) for message in messages)


def _wrapped(sequence: str, terminal: Terminal) -> str:
    return through_tmux(sequence) if terminal.multiplexer == "tmux" else sequence


def _centred(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    canvas = Image.new("RGBA", size)
    canvas.paste(image, ((size[0] - image.width) // 2, (size[1] - image.height) // 2))
    return canvas


def _lean(image: Image.Image, size: tuple[int, int], level: _Level) -> bytes:
    """A PNG of few bytes; the terminal enlarges it to its cells."""
    colours, tolerance, scale = level
    if scale < 1:
        image = image.resize(_scaled(image.size, scale), Image.Resampling.LANCZOS)
        size = _scaled(size, scale)
    reduced = reduce_colours(smooth(image, tolerance), colours)
    clear = colours
    canvas = Image.new("P", size, clear)
    canvas.putpalette([*(reduced.getpalette() or []), *bytes(768)][: 3 * (clear + 1)])
    canvas.paste(reduced, ((size[0] - image.width) // 2, (size[1] - image.height) // 2))
    return _png(canvas, transparency=clear)


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _png(image: Image.Image, **options: int) -> bytes:
    png = io.BytesIO()
    image.save(png, "PNG", **options)
    return png.getvalue()
