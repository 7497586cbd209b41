"""iTerm2's inline images: a JPEG in one escape sequence."""

import io
from base64 import b64encode

from PIL import Image
from textual.geometry import Size

from tui.graphics.palette import first_affordable

_MOST_PIXELS = 1600
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
    """The sequence that draws the image over `size` cells from the cursor on; of
    `budget` bytes, if that isn't 0.

    iTerm2 keeps the ratio and moves the cursor whatever it is told; WezTerm would
    scroll at the last line.
    """

    whole = min(1.0, _MOST_PIXELS / max(image.size))

    def sequence(level: _Level) -> str:
        quality, scale = level
        width, height = (max(1, round(side * whole * scale)) for side in image.size)
        jpeg = io.BytesIO()
        image.resize((width, height), Image.Resampling.LANCZOS).save(
            jpeg, "JPEG", quality=quality, subsampling=0, optimize=True
        )
        data = jpeg.getvalue()
        keys = f"inline=1;size={len(data)};width={size.width};height={size.height}"
        return f"\x1b]1337;File={keys};doNotMoveCursor=1:{b64encode(data).decode()}\x07"

    best = (
        first_affordable(_LEVELS, lambda level: len(sequence(level)), budget)
        if budget
        else 0
    )
    return sequence(_LEVELS[best])
