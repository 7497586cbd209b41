"""Nothing but its picture fits into the stripped copy of a PNG."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageSequence

from tui.images.containers import make_chunk
from tui.images.files import ImageError, decoded
from tui.images.metadata import strip

SECRET = b"the secret fox "
SIZE = (9, 7)


def png(
    *parts: tuple[bytes, bytes], colour_type: int = 2, interlaced: int = 0
) -> bytes:
    """A PNG of 9×7 pixels of 8 bits."""
    header = struct.pack(">2I5B", *SIZE, 8, colour_type, 0, 0, interlaced)
    chunks = ((b"IHDR", header), *parts)
    made = (bytes(make_chunk("PNG", *each).raw) for each in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(made)


ROWS = b"".join(b"\0" + bytes(range(row, row + 27)) for row in range(7))
INDEXES = (b"\0" + bytes(9)) * 6 + b"\0" + bytes([2] * 9)
PIXELS = (b"IDAT", zlib.compress(ROWS))
END = (b"IEND", b"")
LONG = b"gAMA sBIT bKGD pHYs sRGB cHRM cICP mDCV mDCv cLLI cLLi tRNS acTL fdAT PLTE".split()
# The rows of the seven passes of 9×7 pixels
PASSES = ((1, 2), (1, 1), (1, 3), (2, 2), (2, 5), (4, 4), (3, 9))
INTERLACED = b"".join(
    (b"\0" + bytes(range(3 * columns))) * rows for rows, columns in PASSES
)

HIDING = {
    "behind the end": png((b"IDAT", PIXELS[1] + SECRET), END),
    "chunk of its own": png(PIXELS, (b"IDAT", SECRET), END),
    "surplus rows": png((b"IDAT", zlib.compress(ROWS + SECRET * 9, 0)), END),
    "interlaced": png(
        (b"IDAT", zlib.compress(INTERLACED + SECRET, 0)), END, interlaced=1
    ),
    "second stream": png((b"IDAT", PIXELS[1] + zlib.compress(SECRET, 0)), END),
    "end": png(PIXELS, (b"IEND", SECRET)),
    "frame without control": png(PIXELS, (b"fdAT", b"\0\0\0\0" + SECRET), END),
    "palette of RGB": png((b"PLTE", SECRET), PIXELS, END),
    "unused colours": png(
        (b"PLTE", bytes(range(9)) + SECRET),
        (b"tRNS", b"\xff\0\x80" + SECRET[:5]),
        (b"IDAT", zlib.compress(INDEXES)),
        END,
        colour_type=3,
    ),
    **{kind.decode(): png((kind, SECRET * 4), PIXELS, END) for kind in LONG},
}


@pytest.mark.parametrize("data", HIDING.values(), ids=list(HIDING))
def test_no_text_fits_beside_the_picture(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "fox.png"
    path.write_bytes(data)
    strip(path, tmp_path / "copy.png")
    copy = (tmp_path / "copy.png").read_bytes()
    assert b"secret" not in copy
    assert SECRET[:5] not in copy
    before = decoded(path)
    with Image.open(tmp_path / "copy.png") as after:
        assert after.convert("RGBA").tobytes() == before.convert("RGBA").tobytes()


@pytest.mark.parametrize("parts", [1, 3, len(PIXELS[1])])
def test_what_is_the_picture_stays_as_it_is_packed(parts: int, tmp_path: Path) -> None:
    step = -(-len(PIXELS[1]) // parts)
    pixels = [
        (b"IDAT", PIXELS[1][at : at + step]) for at in range(0, len(PIXELS[1]), step)
    ]
    path = tmp_path / "fox.png"
    path.write_bytes(png((b"gAMA", b"\0\0\xb1\x8f"), (b"sRGB", b"\0"), *pixels, END))
    strip(path, tmp_path / "copy.png")
    assert (tmp_path / "copy.png").read_bytes() == path.read_bytes()


def moving() -> bytes:
    """An animation of three frames."""
    frames = [Image.effect_noise(SIZE, 90).convert("RGB") for _ in range(3)]
    buffer = BytesIO()
    frames[0].save(buffer, "PNG", save_all=True, append_images=frames[1:], duration=50)
    return buffer.getvalue()


def test_frames_are_their_pixels_and_those_that_count(tmp_path: Path) -> None:
    data = moving()
    at = data.index(b"fdAT")
    (size,) = struct.unpack(">I", data[at - 4 : at])
    body = data[at + 4 : at + 4 + size]
    longer = bytes(make_chunk("PNG", b"fdAT", body + SECRET).raw)
    more = data[: at - 4] + longer + data[at + 8 + size :]
    control = struct.pack(">5I2H2B", 5, *SIZE, 0, 0, 1, 9, 0, 0)
    frame = struct.pack(">I", 6) + zlib.compress(SECRET * 13, 0)
    extra = (make_chunk("PNG", b"fcTL", control), make_chunk("PNG", b"fdAT", frame))
    more = more[:-12] + b"".join(bytes(each.raw) for each in extra) + more[-12:]
    path = tmp_path / "fox.png"
    path.write_bytes(more)
    strip(path, tmp_path / "copy.png")
    assert b"secret" not in (tmp_path / "copy.png").read_bytes()
    with Image.open(BytesIO(data)) as before, Image.open(tmp_path / "copy.png") as copy:
        wanted = [frame.tobytes() for frame in ImageSequence.Iterator(before)]
        assert [frame.tobytes() for frame in ImageSequence.Iterator(copy)] == wanted


@pytest.mark.parametrize(
    "stream",
    [PIXELS[1][:-20], zlib.compress(ROWS[:-1]), b"no zlib at all", b""],
    ids=["cut off", "too short", "garbage", "empty"],
)
def test_damaged_pixels_are_not_copied(stream: bytes, tmp_path: Path) -> None:
    path = tmp_path / "fox.png"
    path.write_bytes(png((b"IDAT", stream), END))
    with pytest.raises(ImageError, match=r"fox\.png"):
        strip(path, tmp_path / "copy.png")
    assert not (tmp_path / "copy.png").exists()


def test_pixels_without_an_end_are_bounded(tmp_path: Path) -> None:
    bomb = zlib.compress(ROWS + bytes(30_000_000))
    path = tmp_path / "fox.png"
    path.write_bytes(png((b"IDAT", bomb), END))
    strip(path, tmp_path / "copy.png")
    assert (tmp_path / "copy.png").read_bytes() == png(PIXELS, END)
