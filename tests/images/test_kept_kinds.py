"""Pictures that aren't decoded here are kept as they come, with what they say."""

import struct
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, features

from tui.images import files, kept_kinds
from tui.images.files import (
    DamagedError,
    ImageError,
    ImageInfo,
    inspect,
    inspect_pixels,
    measure,
    save_image,
    thumbnail,
    whole,
)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise() -> Image.Image:
    return Image.effect_noise((64, 48), 80).convert("RGB")


def written(folder: Path, data: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def boxes(*parts: tuple[bytes, bytes]) -> bytes:
    return b"".join(
        struct.pack(">I4s", 8 + len(body), kind) + body for kind, body in parts
    )


def heic(brand: bytes = b"heic") -> bytes:
    meta = bytes(4) + boxes((b"ispe", struct.pack(">3I", 0, 64, 48)))
    return boxes(
        (b"ftyp", brand + bytes(4) + b"mif1"), (b"meta", meta), (b"mdat", bytes(99))
    )


SVG = (
    b'<?xml version="1.0"?>\n<!-- made -->\n<svg width="64" height="48px">'
    + b"<g/>" * 50
    + b"</svg>\n"
)
KEPT = {
    ".heic": heic(),
    ".avif": heic(b"avif"),  # that can't be decoded
    ".tiff": encoded(noise(), "TIFF"),
    ".bmp": encoded(noise(), "BMP"),
    ".svg": SVG,
    ".jxl": boxes((b"JXL ", b"\r\n\x87\n"), (b"ftyp", b"jxl " + bytes(4)), (b"jxlc", bytes(50))),
    ".jp2": boxes(
        (b"jP  ", b"\r\n\x87\n"),
        (b"jp2h", boxes((b"ihdr", struct.pack(">2I", 48, 64) + bytes(6)))),
        (b"jp2c", bytes(50)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("suffix", KEPT)
def test_other_kinds_of_pictures_are_kept_as_they_come(
    suffix: str, tmp_path: Path
) -> None:
    data = KEPT[suffix]
    path = written(tmp_path, data, "fox.part")
    for look in (whole, lambda path: thumbnail(path, (10, 10))):
        with pytest.raises(ImageError, match="it is kept, but can't be shown here"):
            look(path)
    facts = measure(path)
    assert (facts.width, facts.height) == ((0, 0) if suffix == ".jxl" else (64, 48))
    with pytest.raises(ImageError, match="not a PNG, JPEG, WebP or GIF"):
        inspect_pixels(path)
    kept, saved = save_image(path, tmp_path / "kept", "fox")
    assert (kept.name, saved) == (f"fox{suffix}", facts)
    assert kept.read_bytes() == data
    for part in (0.5, 0.8, 0.98):
        cut = written(tmp_path, data[: int(len(data) * part)])
        with pytest.raises(DamagedError, match="damaged or incomplete"):
            inspect(cut)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (b'<svg width="64" height="48px"/>', (64, 48)),
        (b"<svg height='48.0' width='64.5'></svg>\n<!-- end -->", (64, 48)),
        (b'<svg viewBox="0 0 64 48" width="100%"></svg>', (64, 48)),
        (b'<svg:svg viewBox="-1.5,0,64,48"></svg:svg>', (64, 48)),
        (b"\xef\xbb\xbf<!DOCTYPE svg PUBLIC 'x'>\n<svg></svg>", (0, 0)),
    ],
)
def test_an_svg_may_say_its_size(text: bytes, size: tuple[int, int]) -> None:
    assert kept_kinds.outline(memoryview(text)) == ("SVG", *size)


def test_a_tiff_on_its_side_is_told_upright() -> None:
    data = encoded(noise(), "TIFF", tiffinfo={274: 6})
    assert kept_kinds.outline(memoryview(data)) == ("TIFF", 48, 64)


@pytest.mark.parametrize(
    "head", [b"<html><svg></svg>", b"<?xml version='1.0'?><html>", b"BM me", b"MM", b""]
)
def test_what_is_no_picture_is_none_of_them(head: bytes) -> None:
    assert kept_kinds.format_of(head) == ""


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(list(KEPT.values())),
    st.integers(0, 400),
    st.binary(max_size=12),
    st.integers(0, 10_000),
)
def test_nothing_but_damage_is_said_of_anything(
    data: bytes, at: int, other: bytes, end: int
) -> None:
    changed = (data[:at] + other + data[at + len(other) :])[:end]
    with suppress(ValueError):
        found = kept_kinds.outline(memoryview(changed))
        assert found.width >= 0 <= found.height


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_an_avif_is_shown_where_pillow_can_decode_it(tmp_path: Path) -> None:
    data = encoded(noise(), "AVIF")
    path = written(tmp_path, data, "fox.part")
    assert inspect_pixels(path) == inspect(path) == measure(path)
    assert measure(path) == files._outline(path) == ImageInfo("AVIF", 64, 48, len(data))
    assert thumbnail(path, (32, 32)).size == (32, 24)
    assert save_image(path, tmp_path / "kept", "fox")[0].suffix == ".avif"
    with pytest.raises(DamagedError):
        inspect(written(tmp_path, data[:-20]))


@pytest.mark.parametrize(
    "part", [b"<??>", b"<!---->", b"<!DOCTYPE svg>", b"<?x?> ", b"<!-- --> \n"]
)
def test_many_parts_before_a_drawing_are_looked_at_once(part: bytes) -> None:
    """If each were tried in two ways, a page of comments would take for ever."""
    many = part * (kept_kinds.HEAD // len(part) - 2)
    assert kept_kinds.format_of(many) == ""
    assert kept_kinds.format_of(many + b"<svg>") == "SVG"
    with pytest.raises(ValueError, match="part is missing"):
        kept_kinds.outline(memoryview(b"<svg></svg>" + b"<!---->" * 500 + b"x"))


def test_a_picture_that_takes_too_much_to_be_judged_is_not_called_none(
    tmp_path: Path,
) -> None:
    gif = encoded(noise(), "GIF")
    start = 13 + 3 * (2 << (gif[10] & 7))  # behind the header and its colours
    comments = b"!\xfe" + b"\x01 " * 1_100_000 + b"\0"
    path = written(tmp_path, gif[:start] + comments + gif[start:])
    with pytest.raises(files.OddKindError, match="too many parts"):
        inspect(path)
    kept = files.as_it_came(path)
    assert (kept.format, kept.bytes) == ("GIF", path.stat().st_size)
