"""Nearly the same picture in fewer bytes: few colours, well chosen, and neighbours that
are equal.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from PIL import Image, ImageChops

_NEAREST = Image.Resampling.NEAREST
_PLAIN = Image.Dither.NONE  # dithering costs a third more bytes
# Their heights divide a band of sixels.
_BLOCKS = ((2, 1), (1, 2), (2, 2), (2, 3))
_ROUNDS = 2

Level = TypeVar("Level")


def first_affordable(
    levels: Sequence[Level], cost: Callable[[Level], int], most: float
) -> int:
    """The index of the first level that costs no more than `most`; of the last one if
    none does.

    Levels become cheaper from one to the next.
    """
    return bisect_left(
        levels, True, hi=len(levels) - 1, key=lambda level: cost(level) <= most
    )


def smooth(image: Image.Image, tolerance: int) -> Image.Image:
    """The image with small blocks in one colour wherever that is off by no more than
    `tolerance` of 255.
    """
    smooth = image
    for block in _BLOCKS if tolerance else ():
        small = image.reduce(block)
        flat = enlarge_blocks(small, block, image.size)
        squares = (
            ImageChops.difference(image, flat)
            .point(lambda off: min(255, off * off))
            .reduce(block)
        )
        red, green, blue = squares.split()
        worst = ImageChops.lighter(red, ImageChops.lighter(green, blue))
        close = worst.point(lambda off: 255 if off <= tolerance * tolerance else 0)
        smooth = Image.composite(flat, smooth, enlarge_blocks(close, block, image.size))
    return smooth


def enlarge_blocks(
    small: Image.Image, block: tuple[int, int], size: tuple[int, int]
) -> Image.Image:
    """Every pixel as a block of pixels, cut to `size`: what `reduce` has made smaller."""
    large = small.resize((small.width * block[0], small.height * block[1]), _NEAREST)
    return large.crop((0, 0, *size))


def reduce_colours(image: Image.Image, colours: int) -> Image.Image:
    """The image in at most so many colours, each the mean of what it stands for.

    Pillow's octree is fast but coarse; moving its colours to their means is worth 2 to
    4 dB.
    """
    part = image.resize((-(-image.width // 2), -(-image.height // 2)), _NEAREST)
    found = part.quantize(colours, Image.Quantize.FASTOCTREE)
    for _ in range(_ROUNDS):
        found = part.quantize(palette=_centred(part, found), dither=_PLAIN)
    return image.quantize(palette=_centred(part, found), dither=_PLAIN)


def _centred(image: Image.Image, found: Image.Image) -> Image.Image:
    """A palette of the means of those pixels of the image that `found` shows in one
    colour.
    """
    numbers = Image.frombytes("L", found.size, found.tobytes())
    palette = found.getpalette() or []
    for channel, values in enumerate(image.split()):
        sums = dict[int, list[int]]()
        # Counts every pair of colour and value at once: ten times faster than a mask
        # for each colour.
        pairs: Any = Image.merge("LA", (numbers, values)).getcolors(1 << 16)
        for count, (number, value) in pairs:
            total = sums.setdefault(number, [0, 0])
            total[0] += count * value
            total[1] += count
        for number, (total_value, count) in sums.items():
            palette[3 * number + channel] = round(total_value / count)
    centred = Image.new("P", (1, 1))
    centred.putpalette(palette)
    return centred
