"""What is sent to a terminal for an image, decoded again: how near it comes, and in how
many bytes.
"""

import base64
import gc
import io
import math
import re
import stat
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageStat
from textual.geometry import Size
from textual.strip import Strip

from tests.fake_terminal import FakeTerminal
from tui.cli.doctor import card
from tui.graphics.blocks import _SHAPES, draw_cells
from tui.graphics.drawing import Drawing, DrawingOptions, draw
from tui.graphics.palette import first_affordable, reduce_colours, smooth
from tui.graphics.probe import PIXELS, Images, Terminal

CELL = (10, 20)
SPACE = Size(40, 21)


@pytest.fixture(scope="module")
def painting() -> Image.Image:
    """Gradients and edges, as illustrations have them."""
    slope = Image.linear_gradient("L").resize((400, 400))
    round_ = Image.radial_gradient("L").resize((400, 400))
    image = Image.merge(
        "RGB", (slope, round_, slope.transpose(Image.Transpose.ROTATE_90))
    )
    image = image.point(lambda value: 48 + value * 140 // 255)
    pen = ImageDraw.Draw(image)
    for number in range(40):
        x, y = number * 97 % 400, number * 53 % 400
        pen.ellipse(
            (x, y, x + 60, y + 30),
            fill=(60 + number * 3, 150 - number * 2, 90 + number),
        )
    return image.filter(ImageFilter.GaussianBlur(1))


@pytest.fixture(scope="module")
def photo(painting: Image.Image) -> Image.Image:
    """The same with grain everywhere."""
    grain = Image.effect_noise(painting.size, 24).convert("RGB")
    return ImageChops.add(painting, grain, scale=1, offset=-128)


def drawn(
    image: Image.Image, images: Images, budget: int = 0, shared: Path | None = None
) -> Drawing:
    def shrink(box: tuple[int, int]) -> Image.Image:
        small = image.copy()
        small.thumbnail(box, Image.Resampling.LANCZOS)
        return small

    return draw(
        shrink, SPACE, Terminal(images, "", cell=CELL, budget=budget, shared=shared)
    )


def sent(drawing: Drawing) -> str:
    """What its pixels take; placeholders are text."""
    return drawing.upload or "".join(drawing.overlay)


def decoded(drawing: Drawing) -> Image.Image:
    terminal = FakeTerminal(received=bytearray(sent(drawing).encode()))
    if "1337" in sent(drawing):
        data = re.search(r":([\w+/=]+)\x07\Z", sent(drawing))
        assert data
        return Image.open(io.BytesIO(base64.b64decode(data[1])))
    return (terminal.kitty_images() or terminal.sixel_images())[0]


def nearness(image: Image.Image, like: Image.Image) -> float:
    """PSNR in dB: 40 is as good as equal, 20 is coarse."""
    if image.size != like.size:
        image = image.resize(like.size, Image.Resampling.BILINEAR)
    squares = ImageStat.Stat(ImageChops.difference(image.convert("RGB"), like)).sum2
    return 10 * math.log10(255**2 * like.width * like.height * 3 / max(1, sum(squares)))


def painted(strips: list[Strip]) -> Image.Image:
    """What a terminal that draws blocks itself makes of text: 24 × 24 pixels a cell."""
    shapes = {shape.character: shape for kind in _SHAPES.values() for shape in kind}
    image = Image.new("RGB", (24 * strips[0].cell_length, 24 * len(strips)))
    for y, strip in enumerate(strips):
        for x, (character, style) in enumerate(
            (text, segment.style) for segment in strip for text in segment.text
        ):
            assert style
            assert style.bgcolor
            left, top = 24 * x, 24 * y
            image.paste(
                tuple(style.bgcolor.get_truecolor()), (left, top, left + 24, top + 24)
            )
            columns, rows = shapes[character].grid if character in shapes else (1, 2)
            width, height = 24 // columns, 24 // rows
            for part in (
                shapes[character].parts
                if character in shapes
                else [0] * (character == "▀")
            ):
                assert style.color
                x0, y0 = left + part % columns * width, top + part // columns * height
                image.paste(
                    tuple(style.color.get_truecolor()),
                    (x0, y0, x0 + width, y0 + height),
                )
    return image


@pytest.mark.parametrize("images", [Images.QUADRANT, Images.SEXTANT])
def test_every_shape_is_found(images: Images) -> None:
    shapes = _SHAPES[images]
    assert len({shape.character for shape in shapes}) == len(shapes)
    style = [(200, 30, number) for number in range(len(shapes))]
    image = Image.new("RGB", (24 * len(shapes), 24), (10, 20, 30))
    for number, (shape, colour) in enumerate(zip(shapes, style, strict=True)):
        width, height = 24 // shape.grid[0], 24 // shape.grid[1]
        for part in shape.parts:
            x, y = (
                24 * number + part % shape.grid[0] * width,
                part // shape.grid[0] * height,
            )
            image.paste(colour, (x, y, x + width, y + height))
    strips = draw_cells(image, Size(len(shapes), 1), images).strips()
    assert not ImageChops.difference(painted(strips), image).getbbox()


def test_a_cell_of_one_colour_is_a_space() -> None:
    (strip,) = draw_cells(
        Image.new("RGB", (20, 20), (1, 2, 3)), Size(2, 1), Images.SEXTANT
    ).strips()
    assert strip.text == "  "
    assert {
        segment.style and segment.style.bgcolor and segment.style.bgcolor.name
        for segment in strip
    } == {"#010203"}


def test_finer_characters_come_nearer(painting: Image.Image) -> None:
    half, quadrant, sextant = (
        nearness(painted(drawn(painting, images).rows), painting)
        for images in (Images.HALF, Images.QUADRANT, Images.SEXTANT)
    )
    assert half + 1 < quadrant < sextant


@pytest.mark.parametrize("images", sorted(PIXELS))
def test_what_pixels_stand_on_are_the_finest_characters(
    images: Images, painting: Image.Image
) -> None:
    terminal = Terminal(images, "", cell=CELL, blocks=Images.SEXTANT)
    rows = draw(lambda box: painting.resize((100, 100)), Size(10, 6), terminal).rows
    assert {*"".join(row.text for row in rows)} & {
        shape.character for shape in _SHAPES[Images.SEXTANT]
    }


@pytest.mark.parametrize(
    ("images", "least", "grainy", "most"),
    [
        (Images.KITTY, 90, 90, 900_000),
        (Images.SIXEL, 36, 28, 110_000),
        (Images.ITERM, 37, 30, 150_000),
    ],
)
def test_pixels_come_near(
    images: Images,
    least: float,
    grainy: float,
    most: int,
    photo: Image.Image,
    painting: Image.Image,
) -> None:
    for image, limit in ((painting, least), (photo, grainy)):
        drawing = drawn(image, images)
        assert drawing.size == (40, 20)
        assert nearness(decoded(drawing), image) > limit
    assert len(sent(drawn(painting, images))) < most


@pytest.mark.parametrize("budget", [40_000, 3_000])
@pytest.mark.parametrize("images", sorted(PIXELS))
def test_a_budget_is_kept(images: Images, budget: int, photo: Image.Image) -> None:
    drawing = drawn(photo, images, budget)
    assert drawing.size == (40, 20)
    assert budget / 5 < len(sent(drawing)) <= budget
    assert nearness(decoded(drawing), photo) > 15


def test_a_budget_that_is_no_limit_costs_nothing(painting: Image.Image) -> None:
    assert sent(drawn(painting, Images.SIXEL, 1_000_000)) == sent(
        drawn(painting, Images.SIXEL)
    )


def test_a_local_kitty_reads_the_image_from_a_private_file(
    painting: Image.Image, tmp_path: Path
) -> None:
    folder = tmp_path / "shown"
    folder.mkdir()
    drawing = drawn(painting, Images.KITTY, shared=folder)
    (path,) = folder.iterdir()
    name = base64.b64encode(bytes(path)).decode()
    assert f"t=f,s=400,v=400;{name}\x1b" in drawing.upload
    assert len(drawing.upload) < 1000
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (
        Image.frombytes("RGBA", (400, 400), path.read_bytes()).convert("RGB")
        == painting
    )
    del drawing
    gc.collect()
    assert not list(folder.iterdir())


def test_without_a_place_for_files_the_image_itself_is_sent(
    painting: Image.Image, tmp_path: Path
) -> None:
    drawing = drawn(painting, Images.KITTY, shared=tmp_path / "gone")
    assert nearness(decoded(drawing), painting) > 90


def test_inline_images_have_the_size_of_their_cells(painting: Image.Image) -> None:
    (overlay,) = drawn(painting, Images.ITERM).overlay
    assert re.match(
        r"\x1b]1337;File=inline=1;size=\d+;width=40;height=20;doNotMoveCursor=1:",
        overlay,
    )


def test_what_sixels_leave_of_their_cells_is_of_the_ground() -> None:
    image = Image.new("RGB", (35, 80), "red")
    narrow = Size(4, 5)
    (sequence,) = draw(
        lambda _: image,
        narrow,
        Terminal(Images.SIXEL, "", cell=CELL),
        DrawingOptions(background=(0, 51, 255)),
    ).overlay
    assert '"1;1;40;80#0;2;0;20;100' in sequence
    # No pixel of the image is of that register
    assert len(re.findall(r"#0\b", sequence)) == 1


def test_smoothing_stays_within_its_tolerance(photo: Image.Image) -> None:
    smoothed = smooth(photo, 6)
    off = ImageStat.Stat(ImageChops.difference(smoothed, photo))
    assert 0 < max(off.rms) <= 6
    assert smooth(photo, 0) == photo


def test_colours_are_the_means_of_what_they_stand_for(painting: Image.Image) -> None:
    plain = painting.quantize(64, Image.Quantize.FASTOCTREE)
    assert (
        nearness(reduce_colours(painting, 64), painting) > nearness(plain, painting) + 1
    )
    two = Image.new("RGB", (9, 9), (250, 0, 0))
    two.paste((0, 0, 9), (0, 0, 4, 9))
    assert reduce_colours(two, 16).convert("RGB") == two


def test_the_first_level_within_the_most_is_taken() -> None:
    levels = [9, 7, 5, 3]
    assert [
        first_affordable(levels, lambda level: level, most)
        for most in (10, 9, 8, 5, 4, 3, 1)
    ] == [
        0,
        0,
        1,
        2,
        3,
        3,
        3,
    ]


@pytest.mark.parametrize("images", [*Images])
def test_the_card_shows_the_chosen_way_and_those_below(images: Images) -> None:
    shown = card(
        Terminal(images, "", cell=CELL, blocks=Images.QUADRANT, truecolor=True)
    )
    ways = re.findall(
        r"^(\w+)(?: \(([\w ]+)\))?, (\d+) (?:K?B): [a-z].*\.$", shown, re.MULTILINE
    )
    below = [Images.SEXTANT, Images.QUADRANT, Images.HALF, Images.ASCII]
    assert [name for name, _, _ in ways] == [
        *([images] if images in PIXELS else []),
        *below,
    ]
    assert [name for name, mark, _ in ways if mark == "chosen"] == [images] * (
        images is not Images.NONE
    )
    assert all(int(size) for _, _, size in ways)
    assert (
        "\x1b_Ga=T" in shown,
        "\x1bP0;0;0q" in shown,
        "\x1b]1337;" in shown,
    ) == tuple(images is way for way in (Images.KITTY, Images.SIXEL, Images.ITERM))
