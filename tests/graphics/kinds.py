"""Ten kinds of pictures, each hard on a small palette in its own way."""

import random
from collections.abc import Callable

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

Colour = tuple[int, int, int]
_SEED = 7


def _gradient(side: int, top: Colour, bottom: Colour) -> Image.Image:
    mask = Image.linear_gradient("L").resize((side, side), Image.Resampling.BICUBIC)
    size = (side, side)
    return Image.composite(
        Image.new("RGB", size, bottom), Image.new("RGB", size, top), mask
    )


def _grained(image: Image.Image, strength: float) -> Image.Image:
    """Returns the image with noise that is the same each time."""
    dice = random.Random(_SEED)
    channels = []
    for channel in image.split():
        grain = bytes(
            min(255, max(0, round(dice.gauss(128, strength))))
            for _ in range(image.width * image.height)
        )
        noise = Image.frombytes("L", image.size, grain)
        channels.append(ImageChops.add(channel, noise, offset=-128))
    return Image.merge("RGB", channels)


def _discs(image: Image.Image, count: int, step: int) -> Image.Image:
    """Returns the image with discs on it, in colours of that step."""
    dice = random.Random(_SEED)
    side = image.width
    pen = ImageDraw.Draw(image)
    for _ in range(count):
        x, y = dice.randrange(side), dice.randrange(side)
        radius = dice.randrange(side // 20, side // 5)
        colour = tuple(dice.randrange(0, 256, step) for _ in range(3))
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    return image


def _grey_ramp(side: int) -> Image.Image:
    return _gradient(side, (0, 0, 0), (255, 255, 255))


def _soft_gradient(side: int) -> Image.Image:
    down = _gradient(side, (70, 90, 120), (150, 130, 110))
    across = _gradient(side, (0, 0, 0), (60, 40, 50))
    return ImageChops.add(down, across.transpose(Image.Transpose.ROTATE_90))


def _photo(side: int) -> Image.Image:
    discs = _discs(_gradient(side, (60, 80, 50), (170, 160, 150)), 150, 1)
    return _grained(discs.filter(ImageFilter.GaussianBlur(side / 60)), 9)


def _illustration(side: int) -> Image.Image:
    large = _discs(Image.new("RGB", (2 * side, 2 * side), (240, 230, 200)), 60, 32)
    return large.resize((side, side), Image.Resampling.LANCZOS)


def _text(side: int) -> Image.Image:
    image = Image.new("RGB", (side, side), (250, 250, 245))
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(16)
    words = "The quick brown fox jumps over the lazy dog. " * 3
    for y in range(0, side, 20):
        pen.text((4, y), words, fill=(20 + y % 60, 30, 90), font=font)
    return image


def _dark(side: int) -> Image.Image:
    return _photo(side).point([level * level // 1400 for level in range(256)] * 3)


def _saturated(side: int) -> Image.Image:
    ramp = Image.linear_gradient("L").resize((side, side))
    hue = ramp.transpose(Image.Transpose.ROTATE_90)
    value = ramp.point([255 - level // 3 for level in range(256)])
    full = Image.new("L", (side, side), 255)
    return Image.merge("HSV", (hue, full, value)).convert("RGB")


def _alpha(side: int) -> Image.Image:
    """A glow on the checkerboard that stands for what is transparent."""
    ground = Image.new("RGB", (side, side), (102, 102, 102))
    for y in range(0, side, 8):
        for x in range(y % 16, side, 16):
            ground.paste((153, 153, 153), (x, y, x + 8, y + 8))
    glow = _gradient(side, (240, 60, 40), (250, 190, 40))
    mask = Image.radial_gradient("L").resize((side, side))
    mask = mask.point([max(0, 255 - 2 * level) for level in range(256)])
    return Image.composite(glow, ground, mask)


def _sky(side: int) -> Image.Image:
    down = _gradient(side, (150, 190, 240), (250, 220, 200))
    across = _gradient(side, (200, 210, 250), (255, 240, 235))
    mask = Image.radial_gradient("L").resize((side, side))
    clouds = Image.composite(down, across.transpose(Image.Transpose.ROTATE_90), mask)
    return _grained(clouds, 2)


def _few_colours(side: int) -> Image.Image:
    dice = random.Random(_SEED)
    tiles = Image.frombytes("RGB", (20, 10), dice.randbytes(600))
    return tiles.resize((side, side), Image.Resampling.NEAREST)


KINDS: dict[str, Callable[[int], Image.Image]] = {
    "grey ramp": _grey_ramp,
    "soft gradient": _soft_gradient,
    "photo": _photo,
    "illustration": _illustration,
    "text": _text,
    "dark": _dark,
    "saturated": _saturated,
    "alpha": _alpha,
    "sky": _sky,
    "few colours": _few_colours,
}
"""By each kind, what paints it as a square of so many pixels a side."""
