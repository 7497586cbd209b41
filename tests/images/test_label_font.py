"""Labels: every letter that some font has is written, and others are told."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from tui.images import label_font
from tui.images.files import ImageError
from tui.images.label_font import LabelFont


@pytest.fixture
def no_other_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_font, "system_fonts", tuple)


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The only folder that is searched for fonts."""
    monkeypatch.setattr(label_font, "_FOLDERS", (str(tmp_path),))
    label_font.system_fonts.cache_clear()
    yield tmp_path
    label_font.system_fonts.cache_clear()


def pixels(font: LabelFont, text: str) -> bytes:
    image = Image.new("RGB", (600, 60))
    font.write(ImageDraw.Draw(image), (10, 10), text, (255, 255, 255))
    return image.tobytes()


def test_a_text_is_written_as_wide_as_it_is_measured(no_other_fonts: None) -> None:
    font = LabelFont(20)
    image = Image.new("RGB", (600, 60))
    font.write(ImageDraw.Draw(image), (10, 10), "a lake at dusk", (255, 255, 255))
    box = image.getbbox()
    assert box
    assert abs(box[2] - 10 - font.width("a lake at dusk")) <= 2
    assert 10 <= box[1] < box[3] <= 10 + font.line_height


def test_accents_are_left_out_where_no_font_has_them(no_other_fonts: None) -> None:
    font = LabelFont(20)
    assert pixels(font, "Café – 16×9") == pixels(font, "Cafe - 16x9")
    assert not font.lacks_letters


def test_letters_that_no_font_has_are_boxes_and_told(no_other_fonts: None) -> None:
    font = LabelFont(20)
    assert pixels(font, "湖") == pixels(font, "家") != pixels(font, "")
    assert font.lacks_letters


@pytest.mark.skipif(not label_font.system_fonts(), reason="no known font is installed")
def test_a_font_of_the_system_has_more_letters() -> None:
    font = LabelFont(20)
    assert pixels(font, "Café") != pixels(font, "Cafe")
    assert not font.lacks_letters


def test_a_text_is_cut_to_its_room(no_other_fonts: None) -> None:
    font = LabelFont(20)
    assert font.cut("short", 200) == "short"
    cut = font.cut("a long text about a lake", 100)
    assert cut.endswith("…")
    assert cut.startswith("a long")
    assert font.width(cut) <= 100
    assert font.width(font.cut("i" * 100_000, 100)) <= 100
    assert font.cut("one\ntwo\x1b[31m\u202e", 200) == "one two"


def test_a_text_is_wrapped_between_words(no_other_fonts: None) -> None:
    font = LabelFont(20)
    lines = font.wrapped("flux-2-pro-text-to-image or another", 120, 5)
    assert "".join(lines).replace(" ", "") == "flux-2-pro-text-to-imageoranother"
    assert all(font.width(line) <= 120 for line in lines)
    assert lines[0].endswith("-")
    two = font.wrapped("word " * 100, 120, 2)
    assert len(two) == 2
    assert two[1].endswith("…")
    assert len(font.wrapped("w" * 500, 120, 3)) == 3
    assert font.wrapped("", 120, 3) == []


def test_fonts_are_found_by_name_in_folders_of_bounded_size(
    searched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = ImageFont.load_default(20)
    assert isinstance(own, ImageFont.FreeTypeFont)
    letters = own.font_bytes if isinstance(own.font_bytes, bytes) else b""
    (searched / "a" / "b").mkdir(parents=True)
    (searched / "a" / "b" / "DejaVuSans.ttf").write_bytes(letters or b"no font")
    (searched / "a" / "NotoSans-Regular.ttf").write_bytes(b"no font")
    (searched / "Comic.ttf").write_bytes(letters)
    found = label_font.system_fonts()
    assert [path.name for path in found] == ["DejaVuSans.ttf", "NotoSans-Regular.ttf"]
    font = LabelFont(20)
    pixels(font, "湖")  # fonts that are none are left alone
    assert font.lacks_letters
    label_font.system_fonts.cache_clear()
    monkeypatch.setattr(label_font, "_MOST_ENTRIES", 2)
    assert label_font.system_fonts() == ()


def test_pillow_without_letters_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_freetype(*_: object) -> BytesIO:
        raise ImportError("The _imagingft C module is not installed")

    monkeypatch.setattr(ImageFont, "load_default", no_freetype)
    with pytest.raises(ImageError, match=r"\.$"):
        LabelFont(20)
