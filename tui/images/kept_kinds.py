"""Pictures that are kept as they come: which kind they are, how large, and if whole.

Nothing here decodes them. Their formats: ISO 14496-12 (the boxes of AVIF, HEIC, JPEG XL
and JPEG 2000), TIFF 6.0, the BITMAPINFOHEADER of Windows, and SVG 2.
"""

import re
import struct
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

HEAD = 1024
"""Bytes of a file that tell its kind: an SVG may begin with comments."""
NAMES = {
    "AVIF": "an AVIF image",
    "HEIC": "a HEIC image",
    "JXL": "a JPEG XL image",
    "JP2": "a JPEG 2000 image",
    "TIFF": "a TIFF image",
    "BMP": "a BMP image",
    "SVG": "an SVG drawing",
}
SUFFIXES = {
    "AVIF": ".avif",
    "HEIC": ".heic",
    "JXL": ".jxl",
    "JP2": ".jp2",
    "TIFF": ".tiff",
    "BMP": ".bmp",
    "SVG": ".svg",
}
_BRANDS = {
    "AVIF": {b"avif", b"avis"},
    "HEIC": {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"},
}
_BEGINNINGS = {
    b"\xff\x0a": "JXL",  # without boxes
    b"\0\0\0\x0cJXL \r\n\x87\n": "JXL",
    b"\0\0\0\x0cjP  \r\n\x87\n": "JP2",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}
_BMP_HEADERS = {12, 40, 52, 56, 64, 108, 124}  # bytes
_OS2_HEADER = 12
_NO_PACKING = (0, 3)  # of a BMP: plain, or with masks for the colours
# The root element of an SVG, behind what may precede it in XML. What has matched is never
# tried in another way: a few comments would take for ever.
_SVG = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*+"
    rb"(?:(?><\?.{0,500}?\?>|<!--.{0,900}?-->|<!DOCTYPE\s+svg.{0,500}?>)\s*+)*+"
    rb"<(?:\w{1,20}:)?svg[\s>/]",
    re.DOTALL,
)
_SVG_START = re.compile(rb"<(?:\w{1,20}:)?svg[^>]*>")
_SVG_END = re.compile(
    rb"</(?:\w{1,20}:)?svg\s*+>\s*+(?:(?><!--.{0,900}?-->)\s*+)*+\Z", re.DOTALL
)
_SVG_SIDE = rb"\s%s\s{0,9}=\s{0,9}[\"'](\d{1,7})(?:\.\d{0,9})?(?:px)?[\"']"
_NUMBER = re.compile(rb"-?\d{1,7}(?:\.\d{0,9})?")
_SVG_BOX = re.compile(rb"\sviewBox\s{0,9}=\s{0,9}[\"']([^\"']{0,100})")
_SVG_TAIL = 4096  # bytes in which its end is looked for
_PIXEL_BOXES = {
    "AVIF": {b"mdat", b"idat"},
    "HEIC": {b"mdat", b"idat"},
    "JXL": {b"jxlc", b"jxlp"},
    "JP2": {b"jp2c"},
}
_MOST_BOXES = 10_000
_MOST_SIZES = 1_000
_MOST_TAGS = 1_000
_MOST_PIECES = 1_000_000
# Tags of TIFF: sides, and places and lengths of strips or tiles
_WIDTH, _HEIGHT, _ORIENTATION = 256, 257, 274
_PIECES = ((273, 279), (324, 325))
_TURNED = 5  # from this orientation on, the sides are swapped
_TYPES = {1: "B", 3: "H", 4: "I"}


class Outline(NamedTuple):
    """What a whole file says about itself."""

    format: str
    width: int
    """In pixels, of AVIF and HEIC as stored; 0 if the file doesn't say it."""
    height: int


def format_of(head: bytes) -> str:
    """Returns the format of a picture by its first `HEAD` bytes; "" for any other file.

    PNG, JPEG, WebP and GIF are others: those are decoded.
    """
    if head[4:8] == b"ftyp":
        return _format_of_boxes(head)
    for start, form in _BEGINNINGS.items():
        if head.startswith(start):
            return form
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    return "SVG" if _SVG.match(head[:HEAD]) else ""


def _format_of_boxes(head: bytes) -> str:
    """Returns AVIF or HEIC by the brands of the first box, or "" for a video."""
    size = min(int.from_bytes(head[:4], "big"), 256)
    major = head[8:12]
    if not any(major in brands for brands in _BRANDS.values()):
        return ""
    brands = {head[at : at + 4] for at in range(8, size, 4)}
    return "AVIF" if brands & _BRANDS["AVIF"] else "HEIC"


def outline(data: memoryview) -> Outline:
    """Returns what a picture of these kinds says about itself.

    Raises ValueError where a part or the end of it is missing.
    """
    head = bytes(data[:HEAD])
    form = format_of(head)
    if not form:
        raise ValueError("of no kind that is kept")
    try:
        if form == "TIFF":
            return Outline(form, *_tiff(data))
        if form == "BMP":
            return Outline(form, *_bmp(data))
        if form == "SVG":
            return Outline(form, *_svg(data))
        if form == "JXL" and head[:2] == b"\xff\x0a":
            return Outline(form, 0, 0)  # its end can't be found without decoding it
        return Outline(form, *_boxes(form, data))
    except (struct.error, IndexError) as error:
        raise ValueError("a part is missing") from error


def _boxes(form: str, data: memoryview) -> tuple[int, int]:
    """Returns the size in a file of boxes. Raises IndexError where one is cut off."""
    kinds = set()
    size = (0, 0)
    for kind, body in _boxes_in(data):
        kinds.add(kind)
        if kind == b"meta":
            size = _largest(body, b"ispe", ">II", 8)
        elif kind == b"jp2h":
            height, width = _largest(body, b"ihdr", ">II", 4)
            size = (width, height)
    if b"meta" in kinds and form in _BRANDS:
        kinds.add(b"idat")  # small pixels may stand within it
    if not kinds & _PIXEL_BOXES[form]:
        raise IndexError
    return size


def _boxes_in(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yields the boxes of a file. Raises struct.error and IndexError if one is cut."""
    at = 0
    for _ in range(_MOST_BOXES):
        if at == len(data):
            return
        size, kind = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start)
            start += 8
        end = at + size if size else len(data)
        if not start <= end <= len(data):
            raise IndexError
        yield kind, data[start:end]
        at = end
    raise IndexError


def _largest(body: memoryview, kind: bytes, form: str, skipped: int) -> tuple[int, int]:
    """Returns the largest size that stands so far behind the name of a box."""
    sizes = [(0, 0)]
    for found in islice(re.finditer(re.escape(kind), body), _MOST_SIZES):
        with_size = body[found.start() + skipped :]
        if len(with_size) >= struct.calcsize(form):
            one, other = struct.unpack_from(form, with_size)
            sizes.append((one, other))
    return max(sizes, key=lambda size: size[0] * size[1])


def _bmp(data: memoryview) -> tuple[int, int]:
    """Returns the size of a BMP. Raises IndexError where pixels are missing."""
    start, header = struct.unpack_from("<2I", data, 10)
    if header == _OS2_HEADER:
        width, height, _, depth = struct.unpack_from("<4H", data, 18)
        packing = packed = 0
    else:
        width, height, _, depth, packing, packed = struct.unpack_from(
            "<2i2H2I", data, 18
        )
    height = abs(height)  # negative where it begins at the top
    length = packed
    if packing in _NO_PACKING:
        length = (width * depth + 31) // 32 * 4 * height
    if width <= 0 or not height or start + length > len(data):
        raise IndexError
    return width, height


def _svg(data: memoryview) -> tuple[int, int]:
    """Returns the size of an SVG, if it says one. Raises IndexError if it has no end."""
    found = _SVG_START.search(data[: _SVG_TAIL + HEAD])
    if not found:
        raise IndexError
    start = found[0]
    if not start.endswith(b"/>") and not _SVG_END.search(data[-_SVG_TAIL:]):
        raise IndexError
    sides = [re.search(_SVG_SIDE % name, start) for name in (b"width", b"height")]
    if all(sides):
        width, height = (int(side[1]) for side in sides if side)
        return width, height
    box = _SVG_BOX.search(start)
    numbers = _NUMBER.findall(box[1]) if box else []
    if len(numbers) != 4:
        return 0, 0
    wide, high = (round(float(number)) for number in numbers[2:])
    return max(0, wide), max(0, high)


def _tiff(data: memoryview) -> tuple[int, int]:
    """Returns the size of a TIFF's first picture.

    Raises struct.error and IndexError where a piece of it is not in the file.
    """
    order = "<" if data[0] == ord("I") else ">"
    (at,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, at)
    if not 0 < count <= _MOST_TAGS:
        raise IndexError
    tags: dict[int, tuple[int, ...]] = {}
    wanted = {_WIDTH, _HEIGHT, _ORIENTATION, *(tag for pair in _PIECES for tag in pair)}
    for place in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind, length = struct.unpack_from(order + "2HI", data, place)
        if tag in wanted:
            tags[tag] = _values(data, order, place, kind, length)
    width, height = tags.get(_WIDTH, ()), tags.get(_HEIGHT, ())
    pieces = [
        (start, length)
        for starts, lengths in _PIECES
        for start, length in zip(
            tags.get(starts, ()), tags.get(lengths, ()), strict=False
        )
    ]
    if not width or not height or not pieces:
        raise IndexError
    if any(start + length > len(data) for start, length in pieces):
        raise IndexError
    if tags.get(_ORIENTATION, (1,))[0] >= _TURNED:
        return height[0], width[0]
    return width[0], height[0]


def _values(
    data: memoryview, order: str, place: int, kind: int, length: int
) -> tuple[int, ...]:
    """Returns the numbers of a tag. Raises struct.error and IndexError."""
    letter = _TYPES.get(kind)
    if letter is None or length > _MOST_PIECES:
        raise IndexError
    form = f"{order}{length}{letter}"
    at = place + 8
    if struct.calcsize(form) > 4:
        (at,) = struct.unpack_from(order + "I", data, at)
    return struct.unpack_from(form, data, at)
