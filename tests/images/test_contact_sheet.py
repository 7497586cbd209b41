"""Contact sheets, judged by their pixels: which picture is where, and what is bounded."""

import os
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from tui.images.contact_sheet import MOST_PICTURES, SheetCell, SheetTable, save
from tui.images.files import ImageError

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
GROUND = (22, 22, 25)
MOUNT = (33, 33, 37)


def picture(
    folder: Path, colour: tuple[int, ...], size: tuple[int, int] = (300, 200)
) -> Path:
    mode = "RGBA" if len(colour) == 4 else "RGB"
    path = folder / f"{'-'.join(map(str, colour))}-{size[0]}x{size[1]}.png"
    Image.new(mode, size, colour).save(path)
    return path


def sheet_of(*rows: tuple[SheetCell | None, ...], **titles: object) -> SheetTable:
    return SheetTable(rows=rows, **titles)  # type: ignore[arg-type]


def drawn(table: SheetTable, folder: Path) -> Image.Image:
    with Image.open(save(table, folder / "sheet.png").path) as image:
        return image.convert("RGB")


def box_of(image: Image.Image, colour: tuple[int, int, int]) -> tuple[int, ...]:
    """Left, top, right and bottom of what has exactly this colour."""
    difference = ImageChops.difference(image, Image.new("RGB", image.size, colour))
    red, green, blue = difference.split()
    largest = ImageChops.lighter(red, ImageChops.lighter(green, blue))
    box = largest.point([255] + [0] * 255).getbbox()
    assert box, f"nothing is {colour}"
    return box


def inked(image: Image.Image, box: tuple[int, int, int, int]) -> bool:
    """Whether something is written on the ground in a part of a sheet."""
    colours = image.crop(box).getcolors(1 << 20)
    return colours is not None and {colour for _, colour in colours} != {GROUND}


def test_pictures_stand_in_rows_and_columns_with_their_captions(tmp_path: Path) -> None:
    cells = [
        SheetCell(picture(tmp_path, colour), "a caption") for colour in (RED, BLUE)
    ]
    green = SheetCell(picture(tmp_path, GREEN), "")
    image = drawn(sheet_of((cells[0], cells[1]), (None, green)), tmp_path)
    red, blue, under = (box_of(image, colour) for colour in (RED, BLUE, GREEN))
    assert red[1] == blue[1]
    assert red[2] < blue[0]
    assert under[0] == blue[0]
    assert under[1] > blue[3]
    for box in (red, blue, under):  # as they are, not larger
        assert (box[2] - box[0], box[3] - box[1]) == (300, 200)
    assert inked(image, (red[0], red[3], red[2], red[3] + 30))
    gap = (red[0], under[1], red[2], under[3])
    assert not inked(image, gap)


def test_a_picture_is_shrunk_to_its_cell_and_keeps_its_shape(tmp_path: Path) -> None:
    wide = SheetCell(picture(tmp_path, RED, (2000, 500)))
    high = SheetCell(picture(tmp_path, BLUE, (500, 2000)))
    image = drawn(sheet_of((wide, high)), tmp_path)
    left, top, right, bottom = box_of(image, RED)
    assert (right - left, bottom - top) == (512, 128)
    left, top, right, bottom = box_of(image, BLUE)
    assert (right - left, bottom - top) == (128, 512)


def test_titles_stand_above_and_at_the_left(tmp_path: Path) -> None:
    cell = SheetCell(picture(tmp_path, RED))
    bare = box_of(drawn(sheet_of((cell,)), tmp_path), RED)
    titled = drawn(
        sheet_of(
            (cell,),
            title="a lake at dusk",
            note="z-image",
            column_titles=("16:9",),
            row_titles=("seed 7",),
        ),
        tmp_path,
    )
    left, top, right, _ = box_of(titled, RED)
    assert left > bare[0]
    assert top > bare[1]
    assert inked(titled, (0, top, left, titled.height))
    assert inked(titled, (left, top - 40, right, top))


@pytest.mark.parametrize("title", ["wide " * 400, "w" * 5000, "x\ny\x1b[31m\u202e"])
def test_long_and_odd_texts_stay_in_their_places(title: str, tmp_path: Path) -> None:
    cell = SheetCell(picture(tmp_path, RED), f"{title}\n{title}\nnever seen")
    odd = SheetCell(None, title, title)
    table = sheet_of((cell, odd), (cell, odd), row_titles=(title, ""), title=title)
    image = drawn(table, tmp_path)
    assert not inked(image, (0, 0, 10, image.height))
    assert not inked(image, (image.width - 10, 0, image.width, image.height))
    assert box_of(image, RED)[2] < image.width


def test_what_is_missing_or_damaged_is_a_blank_with_its_reason(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    cells = (
        SheetCell(picture(tmp_path, RED)),
        SheetCell(None, "", "failed: moderation"),
        SheetCell(damaged),
        SheetCell(tmp_path / "gone.png"),
        SheetCell(pipe),
    )
    sheet = save(sheet_of(cells), tmp_path / "sheet.png")
    assert sorted(sheet.problems) == [3, 4, 5]
    assert "gone.png is not there." in sheet.problems.values()
    with Image.open(sheet.path) as image:
        left, top, right, bottom = box_of(image, RED)
        step = (image.width - 2 * left + (left // 2)) // len(cells)
        for number in range(1, len(cells)):
            at = left + number * step
            blank = image.crop((at, top, at + right - left, bottom))
            colours = {colour for _, colour in blank.getcolors(1 << 20) or []}
            assert MOUNT in colours
            assert len(colours) > 5  # the reason is written there


def test_a_picture_is_upright_and_on_a_neutral_ground(tmp_path: Path) -> None:
    turned = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (400, 200), RED).save(turned, exif=exif, quality=100)
    clear = picture(tmp_path, (0, 0, 255, 0), (300, 300))
    table = sheet_of((SheetCell(turned), SheetCell(clear)))
    image = drawn(table, tmp_path)
    red, green, _ = image.split()
    left, top, right, bottom = ImageChops.subtract(red, green).point(
        [0] * 200 + [255] * 56
    ).getbbox() or (0, 0, 0, 0)
    assert 0 < 2 * (right - left) - 10 < bottom - top
    colours = {colour for _, colour in image.getcolors(1 << 20) or []}
    assert {(102, 102, 102), (153, 153, 153)} <= colours
    assert BLUE not in colours


def test_nothing_is_written_over(tmp_path: Path) -> None:
    table = sheet_of((SheetCell(picture(tmp_path, RED)),))
    target = tmp_path / "out" / "sheet.png"
    first = save(table, target)
    before = first.path.read_bytes()
    (tmp_path / "out" / "sheet-2.png").symlink_to(tmp_path / "elsewhere.png")
    third = save(table, target)
    assert third.path == tmp_path / "out" / "sheet-3.png"
    assert first.path.read_bytes() == before
    assert not (tmp_path / "elsewhere.png").exists()
    assert sorted(os.listdir(target.parent)) == [
        "sheet-2.png",
        "sheet-3.png",
        "sheet.png",
    ]


def test_a_place_that_is_no_folder_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    table = sheet_of((SheetCell(picture(tmp_path, RED)),))
    with pytest.raises(ImageError, match=r"can't be written to .*\.$"):
        save(table, tmp_path / "file" / "sheet.png")


def test_a_sheet_is_bounded(tmp_path: Path) -> None:
    red = picture(tmp_path, RED, (20, 10))
    cell = SheetCell(red, "a caption")
    many = [cell] * MOST_PICTURES
    with pytest.raises(ImageError, match="at most 200"):
        save(sheet_of((*many, cell)), tmp_path / "sheet.png")
    # Each in a row and a column of its own
    sparse = [(*[None] * number, cell) for number in range(MOST_PICTURES)]
    with pytest.raises(ImageError, match="too many for one sheet"):
        save(sheet_of(*sparse), tmp_path / "sheet.png")
    with pytest.raises(ImageError, match="no picture"):
        save(sheet_of(), tmp_path / "sheet.png")
    assert list(tmp_path.glob("*.png")) == [red]
    rows = [tuple(many[at : at + 20]) for at in range(0, MOST_PICTURES, 20)]
    sheet = save(sheet_of(*rows), tmp_path / "sheet.png")
    assert sheet.width * sheet.height < 40_000_000
    one_row = save(sheet_of(tuple(many)), tmp_path / "sheet.png")
    assert one_row.width < 65_535
