"""iTerm2's inline images: a JPEG in one escape sequence."""

import io
from base64 import b64encode

from PIL import Image
from textual.geometry import Size

from tui.graphics.palette import first_affordable

_MOST_PIXELS = 1600
"""Pixels of the longer side."""
# Quality and scale; from the best on. Colours at full resolution look better in fewer
# bytes than at half.
_LEVELS = (
    (85, 1.0),
    (75, 1.0),
    (60, 1.0),
    (45, 1.0),
    (30, 1.0),
    (45, 0.7),
    (30, 0.7),
    (30, 0.5),
    (30, 0.35),
    (25, 0.25),
    (20, 0.15),
    (20, 0.1),
)
_Level = tuple[int, float]


def inline(image: Image.Image, size: Size, budget: int = 0) -> str:
    """Returns the sequence that draws the image over `size` cells from the cursor on.

    It takes at most `budget` bytes, if that isn't 0. iTerm2 keeps the ratio and moves
    the cursor whatever it is told; WezTerm would scroll at the last line.
    """

    def sequence(level: _Level) -> str:
        data = _jpeg(image, level)
        keys = f"inline=1;size={len(data)};width={size.width};height={size.height}"
        text = b64encode(data).decode()
        return f"\x1b]1337;File={keys};doNotMoveCursor=1:{text}\x07"

    if not budget:
        return sequence(_LEVELS[0])
    level = first_affordable(_LEVELS, lambda level: len(sequence(level)), budget)
    return sequence(_LEVELS[level])


def _jpeg(image: Image.Image, level: _Level) -> bytes:
    """Returns the image as a JPEG of at most `_MOST_PIXELS` a side."""
    quality, scale = level
    most = min(1.0, _MOST_PIXELS / max(image.size))
    width = max(1, round(image.width * most * scale))
    height = max(1, round(image.height * most * scale))
    small = image.resize((width, height), Image.Resampling.LANCZOS)
    jpeg = io.BytesIO()
    small.save(jpeg, "JPEG", quality=quality, subsampling=0, optimize=True)
    return jpeg.getvalue()
