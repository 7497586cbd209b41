"""A part of an image: which pixels, how large, and where the image ends."""

import random
from pathlib import Path

import pytest
from PIL import Image, ImageChops
from textual.geometry import Size

from tests.fake_terminal import FakeTerminal
from tui.graphics.drawing import draw
from tui.graphics.probe import Images, Terminal
from tui.graphics.zoom import Crop, DecodedImages, ZoomSource, finer
from tui.images.files import ImageError

GREY = (30, 30, 30)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """100×80 pixels that are all black or white, by chance."""
    return written(tmp_path / "noise.png", (100, 80))


def written(path: Path, size: tuple[int, int]) -> Path:
    chance = random.Random(7)
    pixels = bytes(chance.choice((0, 255)) for _ in range(size[0] * size[1]))
    Image.frombytes("L", size, pixels).convert("RGB").save(path)
    return path


def same(one: Image.Image, other: Image.Image) -> bool:
    return (
        one.size == other.size and ImageChops.difference(one, other).getbbox() is None
    )


@pytest.mark.parametrize(
    ("x", "y", "zoom", "part"),
    [
        (0.5, 0.5, 1, (35, 28, 65, 53)),
        (0.0, 1.0, 1, (0, 55, 30, 80)),
        (0.5, 0.5, 2, (42, 34, 57, 47)),
        (9.0, -9.0, 8, (96, 0, 100, 4)),
    ],
)
def test_a_pixel_of_the_image_is_one_of_the_terminal_or_a_square(
    x: float, y: float, zoom: int, part: tuple[int, int, int, int], path: Path
) -> None:
    crop = Crop(ZoomSource(None, GREY), x, y, zoom)
    shown = crop(path, (30, 25))
    assert crop.part() == part
    wanted = Image.open(path).crop(part)
    wanted = wanted.resize(
        (zoom * wanted.width, zoom * wanted.height), Image.Resampling.NEAREST
    )
    assert same(shown, wanted.crop((0, 0, 30, 25)))


def test_where_there_are_no_pixels_it_is_half_a_cell(path: Path) -> None:
    crop = Crop(ZoomSource(lambda: Size(10, 6), GREY))
    for images in (Images.HALF, Images.QUADRANT, Images.SEXTANT):
        rows = draw(
            lambda box: crop(path, box), Size(10, 6), Terminal(images, "", cell=(9, 19))
        ).rows
        assert crop.part() == (45, 34, 55, 46)
        part = Image.open(path).crop(crop.part()).convert("L")
        for y, row in enumerate(rows):
            cells = [(char, segment.style) for segment in row for char in segment.text]
            for x, (character, style) in enumerate(cells):
                assert style
                fore, back = (colour.triplet[0] > 127 if colour and colour.triplet else None
                              for colour in (style.color, style.bgcolor))  # fmt: skip
                seen = {"▀": (fore, back), "▄": (back, fore), " ": (back, back)}[
                    character
                ]
                assert seen == tuple(
                    part.getpixel((x, 2 * y + below)) == 255 for below in (0, 1)
                )


def test_kitty_is_sent_these_very_pixels(path: Path) -> None:
    crop = Crop(ZoomSource(None, GREY))
    upload = draw(
        lambda box: crop(path, box),
        Size(5, 2),
        Terminal(Images.KITTY, "", cell=(10, 20)),
    ).upload
    sent = FakeTerminal(received=bytearray(upload.encode())).kitty_images()
    assert [
        same(image.convert("RGB"), Image.open(path).crop(crop.part())) for image in sent
    ] == [True]
    assert crop.part() == (25, 20, 75, 60)


@pytest.mark.parametrize("box", [(300, 200), (60, 200), (300, 40)])
def test_a_small_image_is_not_enlarged_but_stands_in_the_middle(
    box: tuple[int, int], path: Path
) -> None:
    shown = Crop(ZoomSource(None, GREY))(path, box)
    wanted = Image.new("RGB", box, GREY)
    part = Crop(ZoomSource(None, GREY))(path, (min(100, box[0]), min(80, box[1])))
    wanted.paste(part, ((box[0] - part.width) // 2, (box[1] - part.height) // 2))
    assert same(shown, wanted)


def test_it_moves_by_quarters_up_to_the_edges(path: Path) -> None:
    crop = Crop(ZoomSource(None, GREY))
    assert crop.moved(1, 1) == crop  # nothing is known yet
    crop(path, (40, 40))
    seen = []
    for across, down in ((1, 0), (1, 0), (4, 0), (4, 0), (-1, 0), (0, -4), (0, 1)):
        crop = crop.moved(across, down)
        seen.append(crop.part()[:2])
    assert seen == [(40, 20), (50, 20), (60, 20), (60, 20), (50, 20), (50, 0), (50, 10)]
    assert crop.describe(path) == "1:1, 50,10 of 100×80"


def test_the_file_is_read_once_and_the_next_one_takes_its_place(
    path: Path, tmp_path: Path
) -> None:
    source = ZoomSource(None, GREY)
    first = Crop(source)(path, (40, 40))
    other = written(tmp_path / "other.png", (60, 50))
    path.unlink()
    assert same(Crop(source)(path, (40, 40)), first)
    Crop(source)(other, (40, 40))
    assert (source.size, Crop(source).describe(path)) == ((60, 50), "1:1")
    with pytest.raises(ImageError, match="not there"):
        Crop(source)(path, (40, 40))
    assert Crop(source).describe(path) == "1:1"


@pytest.mark.parametrize(
    ("finer", "zoom", "part", "scale"),
    [
        (2.0, 1, (20, 15, 80, 65), "1:2"),
        (2.0, 2, (35, 28, 65, 53), "1:1"),
        (0.5, 1, (42, 34, 57, 47), "2:1"),
        (1.5, 1, (28, 21, 73, 59), "1:1.5"),
    ],
)
def test_a_finer_image_is_seen_at_the_scale_of_another(
    finer: float, zoom: int, part: tuple[int, int, int, int], scale: str, path: Path
) -> None:
    crop = Crop(ZoomSource(None, GREY), zoom=zoom, finer=finer)
    shown = crop(path, (30, 25))
    assert crop.part() == part
    assert shown.size == (30, 25)
    assert crop.describe(path) == f"{scale}, {part[0]},{part[1]} of 100×80"


def test_a_few_decoded_images_are_kept_up_to_so_many_pixels(tmp_path: Path) -> None:
    kept = DecodedImages(2 * 100 * 80)
    paths = [written(tmp_path / f"{number}.png", (100, 80)) for number in range(4)]
    images = [kept.get(path) for path in paths[:3]]
    kept.get(paths[0])
    kept.get(paths[3])  # there is room beside two
    for path in paths:
        path.unlink()
    assert kept.get(paths[0]) is images[0]
    assert kept.get(paths[2]) is images[2]
    with pytest.raises(ImageError, match="not there"):
        kept.get(paths[1])
    kept.clear()
    with pytest.raises(ImageError, match="not there"):
        kept.get(paths[0])


@pytest.mark.parametrize(
    ("size", "counted", "ratio"),
    [
        ((2048, 2048), (1024, 1024), 2),
        ((1000, 1000), (1024, 1024), 1000 / 1024),
        ((1344, 768), (1024, 1024), 1),
        ((3072, 2048), (1024, 1536), 2),
        ((0, 0), (1024, 1024), 1),
        ((1024, 1024), (0, 0), 1),
    ],
)
def test_images_of_one_shape_have_one_scale_and_similar_ones_their_pixels(
    size: tuple[int, int], counted: tuple[int, int], ratio: float
) -> None:
    assert finer(size, counted) == pytest.approx(ratio)
