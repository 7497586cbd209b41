"""Where images differ: how much, at which size, and what is none of it."""

from pathlib import Path

import pytest
from PIL import Image, ImageFilter

from tui.images.difference import SIDE, Comparison, difference
from tui.images.files import ImageError

GREY = (120, 120, 120)


def written(path: Path, image: Image.Image) -> Path:
    image.save(path)
    return path


def plain(size: tuple[int, int] = (100, 80)) -> Image.Image:
    return Image.new("RGB", size, GREY)


def with_square(image: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    changed = image.copy()
    changed.paste(colour, (10, 10, 50, 30))
    return changed


def test_what_differs_is_red_to_yellow_and_the_rest_is_dark_grey(
    tmp_path: Path,
) -> None:
    one = written(tmp_path / "one.png", plain())
    other = written(tmp_path / "other.png", with_square(plain(), (250, 20, 130)))
    little = written(tmp_path / "little.png", with_square(plain(), (120, 120, 140)))
    found = difference(one, other)
    assert found.share == pytest.approx(0.1)
    assert found.describe() == "10 % of the pixels differ"
    assert found.heat.size == (100, 80)
    assert found.heat.getpixel((20, 20)) == (255, 212, 0)
    assert difference(one, little).heat.getpixel((20, 20)) == (190, 0, 0)
    red, green, blue = (band.getpixel((80, 60)) for band in found.heat.split())
    assert red == green == blue == 0.4 * GREY[0]


@pytest.mark.parametrize(
    ("box", "sentence"),
    [
        ((10, 10, 12, 11), "less than 0.1 % of the pixels differ"),
        ((0, 0, 100, 75), "6.2 % of the pixels differ"),
        ((0, 0, 400, 300), "100 % of the pixels differ"),
    ],
)
def test_how_much_differs_is_said_in_one_sentence(
    box: tuple[int, int, int, int], sentence: str, tmp_path: Path
) -> None:
    changed = plain((400, 300))
    changed.paste("black", box)
    one = written(tmp_path / "one.png", plain((400, 300)))
    other = written(tmp_path / "other.png", changed)
    assert difference(one, other).describe() == sentence


def test_only_pixels_that_are_the_same_are_called_identical(tmp_path: Path) -> None:
    one = written(tmp_path / "one.png", plain())
    near = written(tmp_path / "near.png", Image.new("RGB", (100, 80), (121, 120, 120)))
    small = written(tmp_path / "small.png", plain((50, 40)))
    assert difference(one, one).describe() == "identical"
    assert not difference(one, near).is_identical
    assert difference(one, near).share == 0
    assert difference(one, small).describe() == "no difference at 50×40"


def test_large_images_are_compared_at_a_bounded_size(tmp_path: Path) -> None:
    noise = Image.effect_noise((1600, 1200), 60).convert("RGB")
    one = written(tmp_path / "one.png", noise.filter(ImageFilter.GaussianBlur(4)))
    small = written(tmp_path / "small.png", Image.open(one).resize((800, 600)))
    assert max(difference(one, one).heat.size) == SIDE
    assert "no difference at" in difference(one, one).describe()
    found = difference(one, small)
    assert found.heat.size == (800, 600)
    assert found.share < 0.01


def test_other_shapes_and_other_files_are_refused_in_words(tmp_path: Path) -> None:
    one = written(tmp_path / "one.png", plain())
    wide = written(tmp_path / "wide.png", plain((200, 80)))
    with pytest.raises(ImageError, match="different shapes"):
        difference(one, wide)
    with pytest.raises(ImageError, match="not there"):
        difference(one, tmp_path / "gone.png")


def test_a_comparison_is_computed_once_and_fits_its_box(tmp_path: Path) -> None:
    one = written(tmp_path / "one.png", plain())
    other = written(tmp_path / "other.png", with_square(plain(), (0, 0, 0)))
    comparison = Comparison(one, other)
    assert comparison.found is None
    small = comparison(other, (50, 50))
    assert small.size == (50, 40)
    one.unlink()
    assert comparison.heat(other).size == (100, 80)
    assert comparison.found
