"""Pictures with an ICC profile: their colours are shown as sRGB has them."""

import random
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.ImageCms import ImageCmsProfile, createProfile
from textual.geometry import Size

from tests.graphics.test_drawing import decoded, painted
from tests.images import profiles
from tui.graphics.drawing import draw
from tui.graphics.probe import PIXELS, Images, Terminal
from tui.images import colour, contact_sheet, difference, thumbnails
from tui.images.contact_sheet import SheetCell, SheetTable
from tui.images.files import thumbnail, whole
from tui.images.thumbnails import ThumbnailCache

CASES = Path(__file__).parent / "cases"
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
SWAPPED = profiles.rgb("grb")
TURNED = profiles.rgb("gbr")
SRGB = ImageCmsProfile(createProfile("sRGB")).tobytes()
BOX = (16, 16)
SIDE = 600
"""Pixels of an image that has a small picture on disk."""

Colour = tuple[int, ...]


def near(one: Colour, other: Colour, most: int = 3) -> bool:
    """Tells whether two colours are the same but for a JPEG's or a curve's rounding."""
    return all(abs(a - b) <= most for a, b in zip(one, other, strict=True))


def pixel(image: Image.Image) -> Colour:
    found = image.getpixel((image.width // 2, image.height // 2))
    assert isinstance(found, tuple)
    return found


def saved(image: Image.Image, path: Path, profile: bytes | None, **kw: Any) -> Path:
    image.save(path, icc_profile=profile, **kw)
    return path


@pytest.mark.parametrize(
    "name", ["icc_swapped_primaries.png", "icc_swapped_primaries.jpg"]
)
def test_swapped_primaries_are_green(name: str) -> None:
    for way in (whole, lambda path: thumbnail(path, BOX)):
        assert near(pixel(way(CASES / name)), GREEN, 1)


@pytest.mark.parametrize(
    ("profile", "stored", "shown"),
    [
        (SWAPPED, RED, GREEN),
        (SWAPPED, GREEN, RED),
        (TURNED, RED, GREEN),
        (TURNED, GREEN, BLUE),
        (profiles.rgb(gamma=1), (55, 55, 55), (128, 128, 128)),
        (profiles.rgb(gamma=1), (55, 0, 255), (128, 0, 255)),
    ],
)
@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_a_profile_counts_in_each_format(
    suffix: str, profile: bytes, stored: Colour, shown: Colour, tmp_path: Path
) -> None:
    image = Image.new("RGB", (40, 24), stored)
    options: dict[str, object] = {"quality": 100}
    if suffix == "webp":
        options["lossless"] = True
    path = saved(image, tmp_path / f"a.{suffix}", profile, **options)
    for way in (whole, lambda path: thumbnail(path, BOX)):
        assert near(pixel(way(path)), shown)


@pytest.mark.parametrize(
    ("mode", "stored", "profile", "shown"),
    [
        ("P", RED, SWAPPED, GREEN),
        ("L", 55, profiles.grey(1), (128, 128, 128)),
        ("LA", (55, 255), profiles.grey(1), (128, 128, 128)),
        ("I;16", 55 * 256, profiles.grey(1), (128, 128, 128)),
        ("L", 55, profiles.rgb(gamma=1), (128, 128, 128)),
        ("1", 1, profiles.grey(1), (255, 255, 255)),
    ],
)
def test_a_profile_counts_in_each_mode(
    mode: str, stored: object, profile: bytes, shown: Colour, tmp_path: Path
) -> None:
    if mode == "P":
        image = Image.new("RGB", (40, 24), RED).quantize(4)
    else:
        image = Image.new(mode, (40, 24), stored)  # type: ignore[arg-type]
    path = saved(image, tmp_path / "a.png", profile)
    for way in (whole, lambda path: thumbnail(path, BOX)):
        assert near(pixel(way(path)), shown)


@pytest.mark.parametrize("is_palette", [False, True])
def test_what_is_transparent_stays_so(is_palette: bool, tmp_path: Path) -> None:
    image = Image.new("RGBA", (64, 64), (*RED, 0))
    image.paste((*RED, 255), (32, 0, 64, 64))
    if is_palette:
        image = image.quantize(8)
    shown = whole(saved(image, tmp_path / "a.png", SWAPPED))
    assert near(shown.getpixel((60, 30)), GREEN)  # type: ignore[arg-type]
    checker = {shown.getpixel((4, 4)), shown.getpixel((12, 4))}
    assert checker == {(102, 102, 102), (153, 153, 153)}


def test_inks_are_what_their_profile_says(tmp_path: Path) -> None:
    image = Image.new("CMYK", (40, 24), (255, 0, 0, 0))
    plain = saved(image, tmp_path / "plain.jpg", None, quality=100)
    printed = saved(image, tmp_path / "printed.jpg", profiles.cmyk(), quality=100)
    assert near(pixel(whole(plain)), (0, 255, 255))
    red, green, blue = pixel(whole(printed))
    assert green > 150
    assert max(red, blue) < 90
    assert near(pixel(thumbnail(printed, BOX)), (red, green, blue))


@pytest.mark.parametrize(
    ("mode", "profile"),
    [
        ("RGB", b""),
        ("RGB", b"not a profile"),
        ("RGB", SWAPPED[:200]),
        ("RGB", SWAPPED[:-60]),
        ("RGB", SWAPPED.replace(b"acsp", b"nope")),
        ("RGB", SWAPPED.replace(b"mntr", b"link")),
        ("RGB", SWAPPED.replace(b"rXYZ", b"none")),
        ("RGB", profiles.grey(1)),
        ("RGB", profiles.cmyk()),
        ("P", profiles.grey(1)),
        ("L", profiles.cmyk()),
        ("CMYK", SWAPPED),
        ("CMYK", profiles.cmyk()[:300]),
        ("RGB", SRGB),
        ("RGB", SWAPPED + bytes(5 << 20)),
    ],
)
def test_other_profiles_change_nothing(
    mode: str, profile: bytes, tmp_path: Path
) -> None:
    image = Image.linear_gradient("L").resize((40, 24))
    image = Image.merge("RGB", (image, image.rotate(180), image)).convert(mode)
    plain = saved(image, tmp_path / "plain.jpg", None) if mode == "CMYK" else None
    if mode in ("P", "L"):
        plain = saved(image, tmp_path / "plain.png", None)
    plain = plain or saved(image, tmp_path / "plain.webp", None, lossless=True)
    other = tmp_path / f"other{plain.suffix}"
    options: dict[str, object] = {"lossless": True} if plain.suffix == ".webp" else {}
    saved(image, other, profile, **options)
    assert whole(other).tobytes() == whole(plain).tobytes()


def test_a_profile_with_any_damage_refuses_no_picture(tmp_path: Path) -> None:
    dice = random.Random(5)
    for number in range(30):
        damaged = bytearray(dice.choice((SWAPPED, SRGB)))
        for _ in range(dice.choice((1, 4, 40))):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        path = saved(Image.new("RGB", (8, 8), RED), tmp_path / "a.png", bytes(damaged))
        assert whole(path).size == (8, 8), number


def test_a_profile_that_changes_nothing_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = Image.new("RGB", (8, 8), RED)
    image.info["icc_profile"] = SRGB
    colour.srgb_converter(image, "RGB")
    monkeypatch.setitem(sys.modules, "PIL.ImageCms", None)
    assert colour.srgb_converter(image, "RGB")(image).getpixel((0, 0)) == RED
    assert colour._transform.cache_info().hits


@pytest.mark.parametrize(
    "images", [*sorted(PIXELS), Images.SEXTANT, Images.QUADRANT, Images.HALF]
)
def test_each_way_of_drawing_has_its_colours(images: Images, tmp_path: Path) -> None:
    path = saved(Image.new("RGB", (40, 40), RED), tmp_path / "a.png", SWAPPED)
    terminal = Terminal(images, "", cell=(10, 20), truecolor=True)
    drawing = draw(lambda box: thumbnail(path, box), Size(6, 4), terminal)
    shown = painted(drawing.rows) if images not in PIXELS else decoded(drawing)
    assert near(pixel(shown.convert("RGB")), GREEN)


def test_small_pictures_on_disk_have_its_colours(tmp_path: Path) -> None:
    path = saved(Image.new("RGB", (SIDE, SIDE), RED), tmp_path / "a.png", SWAPPED)
    for _ in range(2):
        small = ThumbnailCache(tmp_path / "thumbs").shrink(path, (64, 64))
        assert near(pixel(small), GREEN)
    (kept,) = (tmp_path / "thumbs").iterdir()
    assert "icc_profile" not in Image.open(kept).info


def test_small_pictures_of_earlier_versions_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(Image.new("RGB", (SIDE, SIDE), RED), tmp_path / "a.png", SWAPPED)
    folder = tmp_path / "thumbs"
    with monkeypatch.context() as earlier:
        earlier.setattr("tui.images.thumbnails._WAY", b"")
        ThumbnailCache(folder).shrink(path, (64, 64))
    thumbnails._digest.cache_clear()
    (old,) = folder.iterdir()
    Image.new("RGB", (512, 512), RED).save(old, "JPEG")
    small = ThumbnailCache(folder).shrink(path, (64, 64))
    assert near(pixel(small), GREEN)


def test_comparisons_and_contact_sheets_have_its_colours(tmp_path: Path) -> None:
    one = saved(Image.new("RGB", (40, 40), RED), tmp_path / "one.png", SWAPPED)
    other = saved(Image.new("RGB", (40, 40), GREEN), tmp_path / "other.png", None)
    assert difference.difference(one, other).share == 0
    table = SheetTable(rows=((SheetCell(one, "a"),),))
    sheet = contact_sheet.save(table, tmp_path / "sheet.png")
    counts = Image.open(sheet.path).convert("RGB").getcolors(1 << 16) or []
    shown = {colour for _, colour in counts if isinstance(colour, tuple)}
    assert any(near(colour, GREEN) for colour in shown)
    assert RED not in shown
