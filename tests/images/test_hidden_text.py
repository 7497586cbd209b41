"""Text that is hidden in the pixels, and in corners of files: read, and taken out."""

import gzip
import io
import struct
import zlib
from itertools import product
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from tui.images import containers, hidden_text
from tui.images.files import ImageError
from tui.images.metadata import read, strip

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
CASES = Path(__file__).parent / "cases"
TEXT = "a secret fox\nNegative prompt: bad\nSteps: 20, Seed: 42, Size: 64x48"


def hiding(mark: str, mode: str = "RGBA", by_columns: bool = True) -> Image.Image:
    """A picture with a text in its low bits, as stealth pnginfo writes it."""
    payload = TEXT.encode()
    if mark.endswith("comp"):
        payload = gzip.compress(payload)
    data = mark.encode() + struct.pack(">I", 8 * len(payload)) + payload
    bits = [byte >> shift & 1 for byte in data for shift in range(7, -1, -1)]
    image = Image.effect_noise((64, 48), 90).convert(mode)
    in_alpha = "png" in mark
    if in_alpha:
        image.putalpha(254)
    pixels = image.load()
    assert pixels
    places = product(range(64), range(48))
    if not by_columns:
        places = ((x, y) for y, x in product(range(48), range(64)))  # type: ignore[assignment]
    left = iter(bits)
    for place in places:
        values = list(pixels[place])  # type: ignore[arg-type]
        for band in [len(values) - 1] if in_alpha else range(3):
            values[band] = values[band] & 0xFE | next(left, 0)
        pixels[place] = tuple(values)
    return image


@pytest.mark.parametrize(
    ("mark", "mode"),
    [
        ("stealth_pnginfo", "RGBA"),
        ("stealth_pngcomp", "RGBA"),
        ("stealth_pngcomp", "LA"),
        ("stealth_rgbinfo", "RGB"),
        ("stealth_rgbcomp", "RGB"),
        ("stealth_rgbinfo", "RGBA"),
    ],
)
@pytest.mark.parametrize("by_columns", [True, False])
def test_a_hidden_recipe_is_read_and_cleared(
    mark: str, mode: str, by_columns: bool, tmp_path: Path
) -> None:
    path = tmp_path / "fox.png"
    image = hiding(mark, mode, by_columns)
    image.save(path, dpi=(300, 300))
    found = read(path)
    assert found
    assert found.values["prompt"] == "a secret fox"
    strip(path, tmp_path / "copy.png")
    assert read(tmp_path / "copy.png") is None
    assert hidden_text.find(tmp_path / "copy.png") is None
    with Image.open(tmp_path / "copy.png") as copy:
        assert copy.info["dpi"] == pytest.approx((300, 300), abs=0.01)
        assert copy.mode == image.mode
        pairs = zip(copy.tobytes(), image.tobytes(), strict=True)
        assert all(abs(new - old) <= 1 for new, old in pairs)


def test_the_case_is_cleared(tmp_path: Path) -> None:
    strip(CASES / "stealth_alpha.png", tmp_path / "copy.png")
    assert read(tmp_path / "copy.png") is None


def test_where_it_cannot_be_cleared_there_is_no_copy(tmp_path: Path) -> None:
    image = hiding("stealth_pngcomp")
    image.save(tmp_path / "still.webp", lossless=True, exact=True)
    image.save(tmp_path / "moving.png", save_all=True, append_images=[image.rotate(9)])
    for name in ("still.webp", "moving.png"):
        with pytest.raises(ImageError, match=f"{name} has text hidden in its pixels"):
            strip(tmp_path / name, tmp_path / "copy")
        assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("name", ["moving.png", "moving.webp"])
@pytest.mark.parametrize("mark", ["stealth_pngcomp", "stealth_rgbinfo"])
def test_a_later_frame_is_searched_too(mark: str, name: str, tmp_path: Path) -> None:
    plain = Image.effect_noise((64, 48), 90).convert("RGBA")
    for frames in ([plain, hiding(mark)], [plain, plain.rotate(180), hiding(mark)]):
        first, *others = frames
        path = tmp_path / name
        first.save(path, save_all=True, append_images=others, lossless=True, exact=True)
        with pytest.raises(ImageError, match=f"{name} has text hidden in its pixels"):
            strip(path, tmp_path / "copy")
        assert not (tmp_path / "copy").exists()
    plain.save(
        path,
        save_all=True,
        append_images=[plain.rotate(180)],
        lossless=True,
        exact=True,
    )
    strip(path, tmp_path / "copy")


@pytest.mark.parametrize("flipped", [[0], [7, 50, 119], range(0, 96, 8)])
def test_a_mark_with_flipped_bits_is_one(flipped: list[int], tmp_path: Path) -> None:
    image = hiding("stealth_pnginfo")
    for at in flipped:
        place = divmod(at, 48)
        red, green, blue, alpha = image.getpixel(place)  # type: ignore[misc]
        image.putpixel(place, (red, green, blue, alpha ^ 1))
    path = tmp_path / "fox.png"
    image.save(path)
    strip(path, tmp_path / "copy.png")
    with Image.open(tmp_path / "copy.png") as copy:
        assert copy.getchannel("A").getextrema() == (255, 255)


@pytest.mark.parametrize("colour_type", [0, 2, 6])
def test_a_picture_too_large_to_be_decoded_is_copied(
    colour_type: int, tmp_path: Path
) -> None:
    row = 1 + 10_000 * {0: 1, 2: 3, 6: 4}[colour_type]
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(bytes(row)) for _ in range(9_000))
    header = struct.pack(">2I5B", 10_000, 9_000, 8, colour_type, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    rest = chunk(b"IDAT", packed + packer.flush()) + chunk(b"IEND", b"")
    path = tmp_path / "vast.png"
    path.write_bytes(start + chunk(b"tEXt", b"parameters\0fox") + rest)
    strip(path, tmp_path / "copy.png")
    assert (tmp_path / "copy.png").read_bytes() == start + rest


def test_one_too_large_that_hides_text_is_refused(tmp_path: Path) -> None:
    """Its first row has the mark in its low bits."""
    mark = b"stealth_rgbinfo"
    bits = bytes(byte >> shift & 1 for byte in mark for shift in range(7, -1, -1))
    packer = zlib.compressobj(1)
    row = bytes(1 + 3 * 10_000)
    packed = packer.compress(b"\0" + bits + row[1 + len(bits) :])
    packed += b"".join(packer.compress(row) for _ in range(8_999))
    header = struct.pack(">2I5B", 10_000, 9_000, 8, 2, 0, 0, 0)
    path = tmp_path / "vast.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", packed + packer.flush())
        + chunk(b"IEND", b"")
    )
    with pytest.raises(ImageError, match=r"vast\.png is too large to be searched"):
        strip(path, tmp_path / "copy.png")
    assert not (tmp_path / "copy.png").exists()


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (200, 1), (11, 11)])
def test_small_pictures_hide_nothing(size: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / "small.png"
    Image.new("RGBA", size, (1, 1, 1, 1)).save(path)
    assert read(path) is None
    strip(path, tmp_path / "copy.png")
    assert (tmp_path / "copy.png").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("length", [0, 7, 2**31, 2**32 - 1])
@pytest.mark.parametrize("mark", ["stealth_pnginfo", "stealth_pngcomp"])
def test_a_mark_with_a_wrong_length_hurts_nobody(
    mark: str, length: int, tmp_path: Path
) -> None:
    image = Image.new("RGBA", (64, 48))
    data = mark.encode() + struct.pack(">I", length) + b"rest"
    bits = [byte >> shift & 1 for byte in data for shift in range(7, -1, -1)]
    alpha = Image.new("L", (48, 64))
    alpha.putdata([254 + bit for bit in bits] + [255] * (48 * 64 - len(bits)))
    image.putalpha(alpha.transpose(Image.Transpose.TRANSPOSE))
    path = tmp_path / "odd.png"
    image.save(path)
    assert read(path) is None
    strip(path, tmp_path / "copy.png")
    with Image.open(tmp_path / "copy.png") as copy:
        assert copy.getchannel("A").getextrema() == (255, 255)


# ---- corners of files


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, 2 + len(content)) + content


def test_no_corner_of_a_jpeg_tells_anything(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.effect_noise((16, 16), 90).convert("RGB").save(buffer, "JPEG")
    jpeg = buffer.getvalue()
    start = 2 + 2 + struct.unpack(">H", jpeg[4:6])[0]
    header = b"JFIF\0\1\1\0\0\1\0\1\1\1" + b"fox"  # a small picture of one pixel
    adobe = b"Adobe\0\x64\0\0\0\0\1" + b"secret fox"
    parts = [
        segment(0xE0, header),
        segment(0xE0, b"JFXX\0\x13fox"),
        segment(0xEE, adobe),
        segment(0xFE, b"a fox"),
        segment(0xEB, b"JP\0\1fox"),
        segment(0xED, b"Photoshop 3.0\0fox"),
        segment(0xE2, b"FPXR\0fox"),
    ]
    path = tmp_path / "fox.jpg"
    path.write_bytes(jpeg[:2] + b"".join(parts) + jpeg[start:] + b"fox")
    strip(path, tmp_path / "copy.jpg")
    assert b"fox" not in (tmp_path / "copy.jpg").read_bytes()
    with Image.open(path) as before, Image.open(tmp_path / "copy.jpg") as after:
        assert before.tobytes() == after.tobytes()


def test_no_corner_of_a_png_tells_anything(tmp_path: Path) -> None:
    profile = zlib.compress(SRGB)
    buffer = io.BytesIO()
    Image.effect_noise((16, 16), 90).save(buffer, "PNG")
    png = buffer.getvalue()
    chunks = [
        (b"iCCP", b"a fox\0\0" + profile),
        (b"foXy", b"fox"),
        (b"tIME", b"fox"),
        (b"sPLT", b"fox"),
        (b"eXIf", b"MM\0*fox"),
        (b"caBX", b"fox"),
    ]
    made = b"".join(containers.make_chunk("PNG", *each).raw for each in chunks)
    path = tmp_path / "fox.png"
    path.write_bytes(png[:33] + made + png[33:] + b"fox")
    strip(path, tmp_path / "copy.png")
    copy = (tmp_path / "copy.png").read_bytes()
    assert b"fox" not in copy
    assert b"ICC Profile\0\0" + profile in copy


def test_messages_of_damage_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "cut.png"
    Image.new("RGB", (8, 8)).save(path)
    path.write_bytes(path.read_bytes()[:-6])
    with pytest.raises(ImageError, match=r"cut\.png"):
        strip(path, tmp_path / "copy.png")


def test_a_picture_that_would_change_otherwise_is_not_copied(tmp_path: Path) -> None:
    image = hiding("stealth_rgbinfo", "RGB")
    image.save(tmp_path / "key.png", transparency=image.getpixel((60, 40)))
    rows = [
        b"\0" + b"".join(bytes((value, 0)) for value in row)
        for row in batched_rows(image)
    ]
    header = struct.pack(">2I5B", *image.size, 16, 2, 0, 0, 0)
    (tmp_path / "deep.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"".join(rows)))
        + chunk(b"IEND", b"")
    )
    for name in ("key.png", "deep.png"):
        assert hidden_text.find(tmp_path / name)
        with pytest.raises(ImageError, match=f"{name} has text hidden in its pixels"):
            strip(tmp_path / name, tmp_path / "copy")
        assert not (tmp_path / "copy").exists()


def batched_rows(image: Image.Image) -> list[bytes]:
    """The bytes of each row."""
    data, size = image.tobytes(), 3 * image.width
    return [data[at : at + size] for at in range(0, len(data), size)]


def chunk(kind: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize(
    ("profile", "kept"),
    [
        (b"the secret fox " * 20, None),
        (SRGB[:36] + b"fox " + SRGB[40:], None),
        (SRGB[:-5], None),
        (SRGB, SRGB),
        (SRGB + b"the secret fox " * 5_000, SRGB),
    ],
    ids=["text", "no mark", "cut off", "true", "with text behind it"],
)
def test_a_profile_that_is_none_is_left_out(
    profile: bytes, kept: bytes | None, kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "fox"
    image = Image.effect_noise((16, 16), 90).convert("RGB")
    image.save(path, kind, icc_profile=profile)
    strip(path, tmp_path / "copy")
    assert b"secret" not in (tmp_path / "copy").read_bytes()
    with Image.open(path) as before, Image.open(tmp_path / "copy") as after:
        assert after.info.get("icc_profile") == kept
        assert after.tobytes() == before.tobytes()
