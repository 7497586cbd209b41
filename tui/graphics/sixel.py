"""Sixel: pixels as text, in at most 256 colours."""

import re

from PIL import Image

from tui.graphics.palette import (
    enlarge_blocks,
    first_affordable,
    reduce_colours,
    smooth,
)
from tui.graphics.textual_image_adapter import renderable

MOST_PIXELS = 1000
"""xterm draws nothing of an image that is wider or higher."""
_BAND = 6
# Colours (one more is the ground), tolerance, and the side of the squares that become
# one pixel; from the best on.
_LEVELS = (
    (255, 0, 1),
    (255, 4, 1),
    (128, 6, 1),
    (64, 4, 1),
    (64, 6, 1),
    (40, 6, 1),
    (32, 8, 1),
    (24, 12, 1),
    (32, 6, 2),
    (24, 6, 2),
    (16, 8, 2),
    (24, 6, 3),
    (16, 6, 3),
    (16, 6, 4),
    (16, 6, 6),
    (16, 6, 12),
    (16, 6, 24),
    (16, 6, 48),
)
_Level = tuple[int, int, int]
# Without a budget photos are kept to what others need, 110 KB for 400 × 400 pixels,
# while the eye sees no less.
_USUAL = 0.69
_UNSEEN = 3
_SAMPLED_BANDS = 16
# Registers are defined in whole percents.
_SHOWN = [round(round(level / 2.55) * 2.55) for level in range(256)]
"""What a terminal shows of each level of a channel."""
_HEADER = re.compile(r'"1;1;\d+;\d+')
_REGISTER = re.compile(r"#(\d+)(;2;\d+;\d+;\d+)?")


def encode_sixel(
    image: Image.Image,
    size: tuple[int, int],
    ground: tuple[int, int, int],
    budget: int = 0,
) -> str:
    """Returns the image as one sixel sequence; of at most `budget` bytes, if not 0.

    `size` are the pixels of all its cells. What the image leaves of them is of the
    colour `ground`: where fewer are asked for, tmux fills the rest with any other
    colour, or stretches the image over it.
    """
    # What has no pixels is of the colour in register 0.
    percent = (round(value / 2.55) for value in ground)
    header = '"1;1;{};{}#0;2;{};{};{}'.format(*size, *percent)
    levels = _LEVELS if budget else _LEVELS[:_UNSEEN]
    most = budget or _USUAL * image.width * image.height
    most -= len(header)
    sample = _sample(image)

    def sample_cost(level: _Level) -> int:
        # The colours' definitions are as long for a sample as for the whole.
        return len(_encode(sample, level, with_colours=False))

    share = sample.height / image.height
    start = first_affordable(levels, sample_cost, most * share)
    text = _encode(image, levels[start])
    if budget:
        # The whole may cost more than its sample.
        for level in levels[start + 1 :]:
            if len(text) <= most:
                break
            text = _encode(image, level)
    return _HEADER.sub(header, text, count=1)


def _encode(image: Image.Image, level: _Level, with_colours: bool = True) -> str:
    """Returns the image in sixels, with register 0 left free.

    Without `with_colours`, the colours of the other registers aren't defined.
    """
    colours, tolerance, side = level
    if side > 1:
        image = enlarge_blocks(image.reduce(side), (side, side), image.size)
    smoothed = smooth(image, tolerance)
    shown = smoothed.point(_SHOWN * 3)
    if shown.getcolors(colours):
        # Colours that are told apart by no terminal take no register from others
        smoothed = shown
    reduced = reduce_colours(smoothed, colours)
    text: str = renderable("sixel").image_to_sixels(reduced)

    def register(found: re.Match[str]) -> str:
        # One after the other, without a gap: tmux 3.5 loses those behind it.
        number = f"#{int(found[1]) + 1}"
        if not found[2]:
            return number
        # 0.12 takes a colour register for selected once it is defined; xterm and foot
        # select it only when told to.
        return f"{number}{found[2]}{number}" if with_colours else ""

    return _REGISTER.sub(register, text)


def _sample(image: Image.Image) -> Image.Image:
    """Returns some bands of the image, enough to estimate the bytes of the whole."""
    bands = -(-image.height // _BAND)
    tops = range(0, image.height, _BAND * max(1, bands // _SAMPLED_BANDS))
    sample = Image.new("RGB", (image.width, min(image.height, len(tops) * _BAND)))
    for number, top in enumerate(tops):
        bottom = min(top + _BAND, image.height)
        band = image.crop((0, top, image.width, bottom))
        sample.paste(band, (0, number * _BAND))
    return sample
