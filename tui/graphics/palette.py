"""Nearly the same picture in fewer bytes.

The bytes are saved by few colours, well chosen, and by neighbours that are equal.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar

from PIL import Image, ImageChops, ImageStat

_NEAREST = Image.Resampling.NEAREST
_PLAIN = Image.Dither.NONE  # dithering costs a third more bytes
_BLOCKS = ((2, 1), (1, 2), (2, 2), (2, 3))
"""Width and height in pixels of smoothed blocks; a band of sixels holds whole ones."""
_ROUNDS = 2
"""How often the colours of a palette are moved to their means."""
_CHEAP = 5
"""How often what a level costs has to fit, for the first ones to be tried next."""
_ENOUGH = 0.5
"""The part of the wanted colours below which an octree has found too few."""
_PIXELS_OF_A_COLOUR = 2
"""Pixels for each colour of an image, below which it is taken for a photo."""
_MOST_CUT = 8192
"""Colours that a median cut starts from."""
_MOST_BITS = 4
"""Low bits of each channel that a median cut may leave out."""
_GAIN = 1.1
"""By how much a median cut gets better at least when it is improved."""
_SETTLED = 0.1
"""The part of the pixels that may still be moved when colours count as settled."""
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
    last = len(levels) - 1

    @cache
    def cost_of(index: int) -> int:
        return cost(levels[index])

    def is_affordable(index: int) -> bool:
        return cost_of(index) <= most

    # Each trial encodes a picture. Where the middle is cheap, the first levels most
    # likely are affordable, which saves two trials of five.
    low = 0
    high = last
    middle = last // 2
    if middle > 1 and cost_of(middle) * _CHEAP <= most:
        low, high = (0, 1) if is_affordable(1) else (2, middle)
    return bisect_left(range(last), True, low, high, key=is_affordable)


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
    """Returns the image in at most `colours` colours; exactly, if it has no more.

    Otherwise each is the mean of its pixels, and the image is at least as near as
    Pillow's median cut makes it. Pillow's octree is the fastest and the best of photos
    and of flat areas, but it tells no more than 16 greys apart, and few soft colours.
    """
    if image.getcolors(colours):
        return image.quantize(colours, Image.Quantize.MEDIANCUT)
    sample = _half(image)
    octree = sample.quantize(colours, Image.Quantize.FASTOCTREE)
    used = octree.getcolors() or []
    if len(used) < _ENOUGH * colours:
        return _cut_colours(image, colours)
    for _ in range(_ROUNDS):
        means = _mean_palette(sample, octree)
        octree = sample.quantize(palette=means, dither=_PLAIN)
    near = image.quantize(palette=_mean_palette(sample, octree), dither=_PLAIN)
    if not _is_photo(image):
        cut = _coarse(sample).quantize(colours, Image.Quantize.MEDIANCUT)
        if _error(cut, sample) < _GAIN * _error(near, image):
            return _cut_colours(image, colours)
    return near


def _half(image: Image.Image) -> Image.Image:
    """Returns every other pixel of every other row."""
    width = -(-image.width // 2)
    height = -(-image.height // 2)
    return image.resize((width, height), _NEAREST)


def _is_photo(image: Image.Image) -> bool:
    """Tells whether an image has so many colours that a median cut is no better."""
    most = image.width * image.height // _PIXELS_OF_A_COLOUR
    return image.getcolors(most) is None


def _cut_colours(image: Image.Image, colours: int) -> Image.Image:
    """Returns the image in as many colours, by a median cut that is then improved.

    Its time grows with the colours that it starts from, so those are made fewer where
    the image has many.
    """
    coarse = _coarse(image)
    # Improved until hardly a pixel changes its colour
    settled = max(1, int(_SETTLED * image.width * image.height))
    reduced = coarse.quantize(colours, Image.Quantize.MEDIANCUT, kmeans=settled)
    if coarse is not image:
        means = _mean_palette(image, reduced)
        reduced.putpalette(means.getpalette() or [])
    return reduced


def _coarse(image: Image.Image) -> Image.Image:
    """Returns the image without as many low bits as it takes to have few colours."""
    coarse = image
    bits = 0
    while bits < _MOST_BITS and coarse.getcolors(_MOST_CUT) is None:
        bits += 1
        coarse = image.point(_without_bits(bits) * 3)
    return coarse


def _without_bits(bits: int) -> list[int]:
    """Returns by each level the middle of those that differ in their low bits alone."""
    span = 1 << bits
    return [level // span * span + span // 2 for level in range(256)]


def _error(reduced: Image.Image, image: Image.Image) -> float:
    """Returns the mean over all pixels of the squared errors of their channels."""
    difference = ImageChops.difference(reduced.convert("RGB"), image)
    return sum(ImageStat.Stat(difference).sum2) / (image.width * image.height)


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
