"""Nothing but its picture is in the stripped copy of a JPEG or WebP, as far as can be."""

import struct
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageSequence

from tui.images.metadata import strip

SECRET = b"the secret fox  "


def encoded(kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image = Image.effect_noise((33, 21), 90).convert("RGB")
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, 2 + len(content)) + content


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack("<4sI", kind, len(body)) + body + bytes(len(body) % 2)


def webp(*chunks: bytes) -> bytes:
    content = b"WEBP" + b"".join(chunks)
    return struct.pack("<4sI", b"RIFF", len(content)) + content


JPEG = encoded("JPEG")
PROGRESSIVE = encoded("JPEG", progressive=True)
LOSSY = encoded("WEBP")[12:]
EXTENDED = chunk(b"VP8X", bytes(4) + bytes((32, 0, 0, 20, 0, 0)))


def moving(lossless: bool) -> bytes:
    """An animation whose first frame has an unknown part."""
    image = Image.effect_noise((33, 21), 90).convert("RGB")
    data = encoded(
        "WEBP", save_all=True, append_images=[image.rotate(180)], lossless=lossless
    )
    at = data.index(b"ANMF")
    (size,) = struct.unpack_from("<I", data, at + 4)
    body = data[at + 8 : at + 8 + size] + chunk(b"UNKN", SECRET)
    return webp(data[12:at], chunk(b"ANMF", body), data[at + 8 + size :])


FILES = {
    "lines": JPEG[:-2] + segment(0xDC, b"\0\x15" + SECRET) + JPEG[-2:],
    "lines of progressive": PROGRESSIVE[:-2] + segment(0xDC, SECRET) + b"\xff\xd9",
    "unused table": JPEG[:2] + segment(0xDB, b"\3" + SECRET * 4) + JPEG[2:],
    "unused deep table": JPEG[:2] + segment(0xDB, b"\x12" + SECRET * 8) + JPEG[2:],
    "unknown part": moving(lossless=False),
    "unknown part, lossless": moving(lossless=True),
    "alpha of an opaque one": webp(EXTENDED, chunk(b"ALPH", SECRET), LOSSY),
}


@pytest.mark.parametrize("data", FILES.values(), ids=list(FILES))
def test_what_no_decoder_needs_is_left_out(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "fox"
    path.write_bytes(data)
    strip(path, tmp_path / "copy")
    assert b"secret" not in (tmp_path / "copy").read_bytes()
    assert frames(tmp_path / "copy") == frames(path)


def frames(path: Path) -> list[bytes]:
    with Image.open(path) as image:
        return [
            frame.convert("RGB").tobytes() for frame in ImageSequence.Iterator(image)
        ]
