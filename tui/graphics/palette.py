"""Nearly the same picture in fewer bytes.

The bytes are saved by few colours, well chosen, and by neighbours that are equal.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from PIL import Image, ImageChops

_NEAREST = Image.Resampling.NEAREST
_PLAIN = Image.Dither.NONE  # dithering costs a third more bytes
_BLOCKS = ((2, 1), (1, 2), (2, 2), (2, 3))
"""Width and height in pixels of smoothed blocks; a band of sixels holds whole ones."""
_ROUNDS = 2
"""How often the colours of a palette are moved to their means."""
_WHITE = 255
_SQUARES = [min(_WHITE, error * error) for error in range(256)]
"""The square of each error in a channel, as far as a channel can hold it."""

Level = TypeVar("Level")


def first_affordable(
    levels: Sequence[Level], cost: Callable[[Level], int], most: float
) -> int:
    """Returns the index of the first level that costs no more than `most`.

    Levels become cheaper from one to the next. If none is cheap enough, it is the last.
    """

    def is_affordable(level: Level) -> bool:
        return cost(level) <= most

    return bisect_left(levels, True, hi=len(levels) - 1, key=is_affordable)


def smooth(image: Image.Image, tolerance: int) -> Image.Image:
    """Returns the image with one colour for each small block that is nearly plain.

    That is where the block's mean error in each channel is at most `tolerance` of 255.
    """
    smoothed = image
    if not tolerance:
        return smoothed
    for block in _BLOCKS:
        flat = enlarge_blocks(image.reduce(block), block, image.size)
        is_close = _where_close(image, flat, block, tolerance)
        mask = enlarge_blocks(is_close, block, image.size)
        smoothed = Image.composite(flat, smoothed, mask)
    return smoothed


def _where_close(
    image: Image.Image, flat: Image.Image, block: tuple[int, int], tolerance: int
) -> Image.Image:
    """Returns a mask with a pixel per block: white where `flat` will do."""
    difference = ImageChops.difference(image, flat)
    squares = difference.point(_SQUARES * 3)
    red, green, blue = squares.reduce(block).split()
    worst = ImageChops.lighter(green, blue)
    worst = ImageChops.lighter(red, worst)
    most = tolerance * tolerance
    is_close = [_WHITE if square <= most else 0 for square in range(256)]
    return worst.point(is_close)


def enlarge_blocks(
    small: Image.Image, block: tuple[int, int], size: tuple[int, int]
) -> Image.Image:
    """Returns every pixel as a block, cut to `size`: the opposite of `Image.reduce`."""
    width = small.width * block[0]
    height = small.height * block[1]
    large = small.resize((width, height), _NEAREST)
    return large.crop((0, 0, *size))


def reduce_colours(image: Image.Image, colours: int) -> Image.Image:
    """Returns the image in at most `colours` colours, each the mean of its pixels.

    Pillow's octree is fast but coarse; moving its colours to their means is worth 2 to
    4 dB.
    """
    width = -(-image.width // 2)
    height = -(-image.height // 2)
    sample = image.resize((width, height), _NEAREST)
    reduced = sample.quantize(colours, Image.Quantize.FASTOCTREE)
    for _ in range(_ROUNDS):
        means = _mean_palette(sample, reduced)
        reduced = sample.quantize(palette=means, dither=_PLAIN)
    return image.quantize(palette=_mean_palette(sample, reduced), dither=_PLAIN)


def _mean_palette(image: Image.Image, reduced: Image.Image) -> Image.Image:
    """Returns by each colour of `reduced` the mean of those pixels in `image`.

    `reduced` is the image in few colours. The palette is an image, as Pillow wants it.
    """
    numbers = Image.frombytes("L", reduced.size, reduced.tobytes())
    palette = reduced.getpalette() or []
    for channel, values in enumerate(image.split()):
        means = _means(numbers, values)
        for number, mean in means.items():
            palette[3 * number + channel] = mean
    holder = Image.new("P", (1, 1))
    holder.putpalette(palette)
    return holder


def _means(numbers: Image.Image, values: Image.Image) -> dict[int, int]:
    """Returns by each number the mean of the values that stand at its places."""
    sums = Counter[int]()
    counts = Counter[int]()
    # Counts every pair of number and value at once: ten times faster than a mask for
    # each number.
    merged = Image.merge("LA", (numbers, values))
    pairs: Any = merged.getcolors(1 << 16)
    for count, (number, value) in pairs:
        sums[number] += count * value
        counts[number] += count
    means: dict[int, int] = {}
    for number, count in counts.items():
        means[number] = round(sums[number] / count)
    return means
