"""Few colours: `python benchmarks/colours.py [side]`. Prints the table of
docs/figures.md.

Ten kinds of pictures (`tests/graphics/kinds.py`) in at most 255 colours: how near they
come, as PSNR in dB, the colours that are used, and how long that takes on one core;
beside Pillow's median cut, and its octree with colours moved to their means, which was
used before. Then what a terminal shows of them, in how many bytes, and the time of the
whole way: as Sixel, and as 256 colours of Kitty graphics over SSH.
"""

import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageChops, ImageStat

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from textual.geometry import Size  # noqa: E402

from tests.fake_terminal import FakeTerminal  # noqa: E402
from tests.graphics.kinds import KINDS  # noqa: E402
from tui.graphics import kitty, palette, sixel  # noqa: E402
from tui.graphics.probe import Images, Terminal  # noqa: E402

COLOURS = 255
SIDE = 400
ROUNDS = 3
BUDGET = 40_000
"""Bytes of a picture over SSH."""
Reduce = Callable[[Image.Image, int], Image.Image]
Encode = Callable[[Image.Image], str]


def median_cut(image: Image.Image, colours: int) -> Image.Image:
    return image.quantize(colours, Image.Quantize.MEDIANCUT)


def former(image: Image.Image, colours: int) -> Image.Image:
    """An octree of a quarter of the pixels, twice moved to the means."""
    sample = palette._half(image)
    reduced = sample.quantize(colours, Image.Quantize.FASTOCTREE)
    for _ in range(2):
        means = palette._mean_palette(sample, reduced)
        reduced = sample.quantize(palette=means, dither=Image.Dither.NONE)
    means = palette._mean_palette(sample, reduced)
    return image.quantize(palette=means, dither=Image.Dither.NONE)


WAYS: dict[str, Reduce] = {
    "ours": palette.reduce_colours,
    "median cut": median_cut,
    "octree, moved to means": former,
}


def nearness(shown: Image.Image, image: Image.Image) -> str:
    """PSNR in dB."""
    difference = ImageChops.difference(shown.convert("RGB"), image)
    squares = sum(ImageStat.Stat(difference).sum2)
    if not squares:
        return "exact"
    values = 3 * image.width * image.height
    return f"{10 * math.log10(255**2 * values / squares):.1f} dB"


def timed(work: Callable[[], object]) -> float:
    """Milliseconds of computing, the least of some rounds."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times) * 1000


def as_sixel(image: Image.Image) -> str:
    return sixel.encode_sixel(image, image.size, (0, 0, 0))


def over_ssh(image: Image.Image) -> str:
    size = Size(image.width // 10, image.height // 20)
    place = kitty.Placement(1, size, image.size)
    terminal = Terminal(Images.KITTY, "", cell=(10, 20), budget=BUDGET)
    return kitty._upload_inline(image, place, terminal)


def shown(text: str, size: tuple[int, int]) -> Image.Image:
    """What a terminal makes of it, at the size of its cells."""
    terminal = FakeTerminal(received=bytearray(text.encode()))
    (image,) = terminal.kitty_images() or terminal.sixel_images()
    if image.size == size:
        return image
    return image.resize(size, Image.Resampling.BILINEAR)


ENCODERS: dict[str, Encode] = {"Sixel": as_sixel, "Kitty graphics": over_ssh}
COMPARED = ("ours", "octree, moved to means")


def in_few_colours(image: Image.Image, reduce: Reduce) -> tuple[str, float]:
    """Returns a cell of the table, and its milliseconds."""
    reduced = reduce(image, COLOURS)
    used = len(reduced.getcolors() or [])
    spent = timed(lambda: reduce(image, COLOURS))
    return f"{nearness(reduced, image)}, {used}, {spent:.0f} ms", spent


def sent(image: Image.Image, encode: Encode, reduce: Reduce) -> tuple[str, float]:
    """Returns a cell of the table, and its milliseconds."""
    for module in (kitty, sixel):
        module.reduce_colours = reduce  # type: ignore[attr-defined]
    text = encode(image)
    spent = timed(lambda: encode(image))
    near = nearness(shown(text, image.size), image)
    return f"{near}, {len(text) / 1000:.0f} KB, {spent:.0f} ms", spent


def table(side: int) -> None:
    titles = ["kind", *WAYS]
    for encoder in ENCODERS:
        titles += [f"{encoder}, {name}" for name in COMPARED]
    print("|", " | ".join(titles), "|")
    print("|---" * len(titles) + "|")
    sums = [0.0] * (len(titles) - 1)
    for kind, paint in KINDS.items():
        image = paint(side)
        found = [in_few_colours(image, reduce) for reduce in WAYS.values()]
        for encode in ENCODERS.values():
            found += [sent(image, encode, WAYS[name]) for name in COMPARED]
        sums = [total + spent for total, (_, spent) in zip(sums, found, strict=True)]
        print("|", " | ".join([kind, *(cell for cell, _ in found)]), "|", flush=True)
    means = [f"{total / len(KINDS):.0f} ms" for total in sums]
    print("|", " | ".join(["mean time", *means]), "|")


if __name__ == "__main__":
    table(int(sys.argv[1]) if len(sys.argv) > 1 else SIDE)
