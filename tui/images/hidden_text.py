"""Finds the text that some generators hide in the pixels, and clears it.

The low bits of alpha, or of red, green and blue, hold a mark, the number of bits that
follow, and text, plain or in gzip; down the columns, as the "stealth pnginfo" extension
of A1111 and NovelAI write it, and also along the rows.
"""

import io
import zlib
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageSequence

from tui.images import containers, png_picture
from tui.images.containers import MOST_TEXT
from tui.images.files import CostlyError, DamagedError, ImageError, decoded
from tui.text import one_line

_PLAIN = (b"stealth_pnginfo", b"stealth_rgbinfo")
_PACKED = (b"stealth_pngcomp", b"stealth_rgbcomp")
_MOST_FLIPPED = 12  # bits of a mark: it is known all the same
_MARK_BITS = 8 * len(_PLAIN[0])
_HEAD_BITS = _MARK_BITS + 32  # with the length
_LOW_BITS = bytes(ord("0") + (value & 1) for value in range(256))
_DEPTH_AT = 24  # the byte of a PNG's header that has its bits a channel
_GZIP = 31  # zlib's word for it
FORMATS = ("PNG", "WEBP")  # the others lose low bits
_MODES = ("RGB", "RGBA", "LA")
# The low bit becomes the highest one, so that black and white stay what they are; of
# alpha, whatever isn't transparent gets a low bit of 1.
_OF_COLOUR = [(value & 0xFE) | (value >> 7) for value in range(256)]
_OF_ALPHA = [value | 1 if value > 1 else 0 for value in range(256)]


def find(path: Path) -> str | None:
    """Returns the text hidden in an image; None where there is none. May take seconds.

    Raises ImageError where the image can't be read.
    """
    if _has_plain_corner(path):
        return None
    for plane in _planes(decoded(path)):
        text = _text(plane)
        if text is not None:
            return text
    return None


def without(path: Path) -> bytes | None:
    """Returns an image that hides text as a PNG without it; None where it hides none.

    Each value changes by 1 at most. Raises ImageError where the image can't be read, or
    hides text in another form than a PNG of 8 bits, also in a later frame.
    """
    if _has_plain_corner(path):
        return None
    try:
        image = decoded(path)
    except CostlyError as error:
        raise CostlyError(
            f"{one_line(path.name, 80)} is too large to be searched for text hidden in"
            " its pixels, or cleared of it."
        ) from error
    if not any(
        _mark(plane) for frame in _frames(image, path) for plane in _planes(frame)
    ):
        return None
    # A colour that stands for transparent would not be that colour any more
    has_key = image.mode == "RGB" and "transparency" in image.info
    if image.format != "PNG" or has_key or not _is_plain_png(path):
        raise ImageError(
            f"{one_line(path.name, 80)} has text hidden in its pixels, which can be"
            " removed from a plain PNG alone."
        )
    bands = list(image.split())
    for at, band in enumerate(bands):
        is_alpha = image.mode.endswith("A") and at == len(bands) - 1
        bands[at] = band.point(_OF_ALPHA if is_alpha else _OF_COLOUR)
    buffer = io.BytesIO()
    Image.merge(image.mode, bands).save(buffer, "PNG")
    return buffer.getvalue()


def _has_plain_corner(path: Path) -> bool:
    """Tells whether a PNG surely has no mark, by the corner where it would stand.

    Its pixels, which may take half a gigabyte, needn't be decoded for that.
    """
    data = memoryview(path.read_bytes())
    try:
        small = png_picture.corner(containers.read_chunks("PNG", data), _MARK_BITS)
        if small is None:
            return False
        image = Image.open(io.BytesIO(small), formats=("PNG",))
        return not any(_mark(plane) for plane in _planes(image))
    except Exception:  # decoders raise nearly anything; the whole file is judged later
        return False


def _frames(first: Image.Image, path: Path) -> Iterator[Image.Image]:
    """Yields all frames of an image. Raises DamagedError."""
    yield first
    try:
        content = path.read_bytes()
        if first.format == "PNG":
            content = png_picture.whole_picture(memoryview(content))
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if not getattr(image, "is_animated", False):
                return
            for frame in ImageSequence.Iterator(image):
                frame.load()
                yield frame
    except Exception as error:  # decoders raise nearly anything on broken data
        name = one_line(path.name, 80)
        raise DamagedError(f"{name} is damaged or incomplete.") from error


def _is_plain_png(path: Path) -> bool:
    """Tells whether a PNG is of one picture, with eight bits a channel."""
    data = memoryview(path.read_bytes())
    return data[_DEPTH_AT] == 8 and not containers.is_animated_png(data)


class _Plane:
    """The low bits of some of an image's bands, in one order."""

    def __init__(self, image: Image.Image, by_columns: bool) -> None:
        self._image = image
        self._by_columns = by_columns
        self._in_pixel = len(image.getbands())

    def bits(self, count: int) -> bytes:
        """Returns the first bits as zeros and ones, fewer where there are no more."""
        width, height = self._image.size
        pixels = -(-count // self._in_pixel)
        if self._by_columns:
            part = self._image.crop((0, 0, min(width, -(-pixels // height)), height))
            part = part.transpose(Image.Transpose.TRANSPOSE)
        else:
            part = self._image.crop((0, 0, width, min(height, -(-pixels // width))))
        return part.tobytes()[:count].translate(_LOW_BITS)


def _planes(image: Image.Image) -> Iterator[_Plane]:
    """Yields where text could be hidden in an image."""
    if image.format not in FORMATS or image.mode not in _MODES:
        return
    parts: list[Image.Image] = []
    if image.mode.endswith("A"):
        parts.append(image.getchannel("A"))
    if image.mode.startswith("RGB"):
        parts.append(Image.merge("RGB", image.split()[:3]))
    for part in parts:
        yield _Plane(part, by_columns=True)
        yield _Plane(part, by_columns=False)


def _mark(plane: _Plane) -> bytes:
    """Returns the mark of a hidden text; nothing where there is none."""
    bits = plane.bits(_MARK_BITS)
    if len(bits) < _MARK_BITS:
        return b""
    found = int(bits, 2)

    def flipped(mark: bytes) -> int:
        """Returns how many bits differ from a mark."""
        return (found ^ int.from_bytes(mark)).bit_count()

    nearest = min((*_PLAIN, *_PACKED), key=flipped)
    return nearest if flipped(nearest) <= _MOST_FLIPPED else b""


def _text(plane: _Plane) -> str | None:
    """Returns a hidden text; None where there is none, or none that can be read."""
    mark = _mark(plane)
    head = plane.bits(_HEAD_BITS)
    if not mark or len(head) < _HEAD_BITS:
        return None
    count = int(head[_MARK_BITS:], 2)
    if count > 8 * MOST_TEXT:
        return None
    content = _packed(plane.bits(_HEAD_BITS + count)[_HEAD_BITS:])
    if mark in _PACKED:
        try:
            content = zlib.decompressobj(_GZIP).decompress(content, MOST_TEXT)
        except zlib.error:
            return None
    return content.decode(errors="replace")


def _packed(bits: bytes) -> bytes:
    """Returns eight zeros or ones each as a byte."""
    whole = len(bits) // 8
    return int(bits[: 8 * whole] or b"0", 2).to_bytes(whole)
