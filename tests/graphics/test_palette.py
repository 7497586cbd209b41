"""Few colours: exact where a picture has no more, and near where it has."""

import math
import random
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat
from textual.geometry import Size

from tests.graphics.kinds import KINDS
from tests.graphics.test_drawing import decoded
from tui.graphics.drawing import draw
from tui.graphics.palette import first_affordable, reduce_colours
from tui.graphics.probe import Images, Terminal

CASES = Path(__file__).parent.parent / "images" / "cases"
COLOURS = 255
BUDGET = 40_000


def nearness(shown: Image.Image, image: Image.Image) -> float:
    """PSNR in dB."""
    squares = ImageStat.Stat(ImageChops.difference(shown.convert("RGB"), image)).sum2
    values = 3 * image.width * image.height
    return 10 * math.log10(255**2 * values / max(1e-9, sum(squares)))


def is_equal(one: Image.Image, other: Image.Image, most: int = 0) -> bool:
    """Tells whether no channel of any pixel differs by more than `most`."""
    ranges = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other)).extrema
    return all(high <= most for _, high in ranges)


def scattered(count: int, span: int, seed: int) -> Image.Image:
    """So many colours of a cube of that side, a few of them nearly everywhere."""
    dice = random.Random(seed)
    colours = set[tuple[int, int, int]]()
    while len(colours) < count:
        red, green, blue = (100 + dice.randrange(span) for _ in range(3))
        colours.add((red, green, blue))
    known = list(colours)
    weighted = dice.choices(known[:5], k=3600 - count)
    pixels = known + weighted
    dice.shuffle(pixels)
    data = bytes(channel for pixel in pixels for channel in pixel)
    return Image.frombytes("RGB", (60, 60), data)


def drawn(image: Image.Image, images: Images, budget: int = 0) -> Image.Image:
    """What a terminal shows of the image, whose size isn't changed."""
    terminal = Terminal(images, "", cell=(10, 20), budget=budget)
    space = Size(image.width // 10, image.height // 20 + 1)
    return decoded(draw(lambda _: image, space, terminal)).convert("RGB")


@pytest.mark.parametrize("count", [1, 2, 16, 63, 254, 255])
@pytest.mark.parametrize("span", [7, 40, 150])
def test_as_many_colours_as_there_are_are_kept(count: int, span: int) -> None:
    image = scattered(count, span, seed=count)
    for most in (count, COLOURS):
        reduced = reduce_colours(image, most)
        assert is_equal(reduced, image)
        assert len(reduced.getcolors() or []) <= most


def test_a_ramp_of_greys_is_exact() -> None:
    ramp = Image.open(CASES / "grey_ramp_64.png").convert("RGB")
    assert is_equal(reduce_colours(ramp, COLOURS), ramp)
    # Scaled, it has all greys but a few
    large = ramp.resize((400, 400), Image.Resampling.LANCZOS)
    assert nearness(reduce_colours(large, COLOURS), large) > 70


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_as_near_as_a_median_cut_and_an_octree(kind: str) -> None:
    image = KINDS[kind](200)
    ours = nearness(reduce_colours(image, COLOURS), image)
    for method in (Image.Quantize.MEDIANCUT, Image.Quantize.FASTOCTREE):
        assert ours >= nearness(image.quantize(COLOURS, method), image)


@pytest.mark.parametrize("colours", [64, 16])
@pytest.mark.parametrize("kind", ["grey ramp", "soft gradient", "dark", "sky"])
def test_fewer_soft_colours_are_as_near(kind: str, colours: int) -> None:
    image = KINDS[kind](200)
    ours = nearness(reduce_colours(image, colours), image)
    for method in (Image.Quantize.MEDIANCUT, Image.Quantize.FASTOCTREE):
        assert ours >= nearness(image.quantize(colours, method), image)


def test_a_rare_colour_is_kept_beside_many_others() -> None:
    image = KINDS["dark"](200)
    image.paste((250, 10, 200), (0, 0, 9, 9))
    reduced = reduce_colours(image, 64).convert("RGB")
    shown = reduced.getpixel((4, 4))
    assert isinstance(shown, tuple)
    assert abs(shown[0] - 250) + abs(shown[1] - 10) + abs(shown[2] - 200) < 40


def test_sixels_show_each_grey_as_near_as_percents_allow() -> None:
    ramp = Image.open(CASES / "grey_ramp_64.png").convert("RGB")
    soft = KINDS["grey ramp"](200)
    for image in (ramp.resize((200, 200), Image.Resampling.NEAREST), soft):
        assert is_equal(drawn(image, Images.SIXEL), image, most=1)


def test_sixels_spend_no_registers_on_colours_that_look_the_same() -> None:
    """More colours than registers, but fewer as soon as they are percents."""
    image = Image.new("RGB", (200, 200))
    for y in range(200):
        for x in range(0, 200, 10):
            image.paste((20 + y // 8, 40 + y // 4, 60 + x // 10), (x, y, x + 10, y + 1))
    assert len(image.getcolors(1 << 16) or []) > COLOURS
    assert is_equal(drawn(image, Images.SIXEL), image, most=1)


@pytest.mark.parametrize("budget", [0, BUDGET])
def test_kitty_shows_few_colours_exactly_and_leaves_the_rest_clear(budget: int) -> None:
    image = scattered(COLOURS, 40, seed=1).resize((200, 190), Image.Resampling.NEAREST)
    terminal = Terminal(Images.KITTY, "", cell=(10, 20), budget=budget)
    shown = decoded(draw(lambda _: image, Size(20, 10), terminal))
    assert shown.size == (200, 200)
    alpha = shown.getchannel("A")
    left, top, right, bottom = alpha.getbbox() or (0, 0, 0, 0)
    assert (right - left, bottom - top) == image.size
    assert is_equal(shown.crop((left, top, right, bottom)), image)


@pytest.mark.parametrize(
    ("most", "index", "trials"),
    [(100, 0, [10, 90, 100]), (95, 1, [10, 90, 100]), (60, 2, [10, 90, 20, 50])],
)
def test_first_levels_are_tried_early_where_others_are_cheap(
    most: int, index: int, trials: list[int]
) -> None:
    tried = list[int]()

    def cost(level: int) -> int:
        tried.append(level)
        return level

    levels = [100, 90, 50, 20, 10, 5, 4, 3, 2]
    assert first_affordable(levels, cost, most) == index
    assert tried == trials
