"""Reduces a PNG to what its picture is shown by: nothing else fits into its chunks.

Anybody may write text behind the pixels of a zlib stream, or into a chunk that should
have four bytes. Lengths: the PNG specification (w3.org/TR/png), 11.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tui.images.containers import Chunk, is_whole_profile, make_chunk, read_chunks
from tui.images.files import DamagedError, ImageError, decoded, run_apart

_MOST_UNPACKED = 2_000_000_000  # bytes of pixels of all frames together
_BLOCK = 1 << 20  # bytes
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_PALETTE = 3  # a colour type
_SIZES = {
    b"gAMA": 4,
    b"cHRM": 32,
    b"sRGB": 1,
    b"cICP": 4,
    b"pHYs": 9,
    b"mDCV": 24,
    b"mDCv": 24,
    b"cLLI": 8,
    b"cLLi": 8,
}
# By colour type, as the sizes of these depend on it
_SIZES_BY_TYPE = {
    b"sBIT": {0: 1, 2: 3, 3: 3, 4: 2, 6: 4},
    b"bKGD": {0: 2, 2: 6, 3: 1, 4: 2, 6: 6},
    b"tRNS": {0: 2, 2: 6},
}
_FRAME = struct.Struct(">5I2H2B")  # the body of fcTL, with its number
_NUMBER = struct.Struct(">I")
# The passes of an interlaced picture: first column and row, and the steps
_PASSES = (
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
    *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
)
_DAMAGED = "The image is damaged or incomplete."


class _Header(NamedTuple):
    """What IHDR says."""

    width: int
    height: int
    depth: int
    colour_type: int
    packing: int
    filters: int
    interlacing: int


def without_extras(chunks: Iterable[Chunk]) -> list[Chunk]:
    """Returns the chunks of a PNG without whatever its picture isn't shown by.

    Pixels that are exactly those stay as they are packed; frames that the animation
    doesn't count are left out. Raises ImageError where pixels are damaged, or too many.
    """
    first, *rest = chunks
    if first.kind != b"IHDR" or len(first.body) != 13:
        raise DamagedError(_DAMAGED)
    header = _Header(*struct.unpack(">2I5B", first.body))
    if header.colour_type not in _CHANNELS:
        raise DamagedError(_DAMAGED)
    by_kind: dict[bytes, Chunk] = {}
    for chunk in rest:
        if chunk.kind not in by_kind and _is_needed(chunk, header):
            by_kind[chunk.kind] = chunk
    frames = _Frames(header, by_kind.pop(b"acTL", None))
    pixels = list(frames.read(rest))
    before = [chunk for kind, chunk in by_kind.items() if kind != b"IEND"]
    return [first, *before, *pixels, make_chunk("PNG", b"IEND", b"")]


def without_unused_colours(chunks: list[Chunk], path: Path) -> list[Chunk]:
    """Returns the chunks of a PNG with zeros for the colours that no pixel has.

    Those of an animation stay, as its frames share them. May take seconds: pixels are
    decoded. Raises ImageError where they can't be.
    """
    kinds = {chunk.kind for chunk in chunks}
    if b"PLTE" not in kinds or b"acTL" in kinds:
        return chunks
    used = run_apart(_used_colours, path)
    for chunk in chunks:
        if chunk.kind == b"bKGD":
            used.add(chunk.body[0])
    return [_with_colours(chunk, used) for chunk in chunks]


def _used_colours(path: Path) -> set[int]:
    """Returns the numbers of the colours that a picture's pixels have."""
    counts = decoded(path).histogram()
    return {number for number, count in enumerate(counts) if count}


def _with_colours(chunk: Chunk, used: set[int]) -> Chunk:
    """Returns a palette, or its transparency, with zeros for what isn't used."""
    if chunk.kind not in (b"PLTE", b"tRNS"):
        return chunk
    size = 3 if chunk.kind == b"PLTE" else 1
    body = bytearray(chunk.body)
    for at in range(0, len(body), size):
        if at // size not in used:
            body[at : at + size] = bytes(size)
    return make_chunk("PNG", chunk.kind, bytes(body))


def _is_needed(chunk: Chunk, header: _Header) -> bool:
    """Tells whether a chunk beside the pixels is one that the picture is shown by."""
    size = len(chunk.body)
    kind = chunk.kind
    if kind == b"PLTE":
        return header.colour_type == _PALETTE and size <= 3 << header.depth
    if kind == b"tRNS" and header.colour_type == _PALETTE:
        return size <= 1 << header.depth
    if kind == b"iCCP":
        return is_whole_profile(bytes(chunk.body))
    if kind == b"acTL":
        return size == 8
    wanted = _SIZES_BY_TYPE.get(kind, {}).get(header.colour_type)
    return size == _SIZES.get(kind, wanted)


def corner(chunks: Iterable[Chunk], side: int) -> bytes | None:
    """Returns the upper left corner of a PNG as a PNG, unpacking no more than its rows.

    None stands for one that is interlaced, animated or has a shorter side. Raises
    DamagedError. The beginnings of rows are those of a smaller picture, since filters
    look to the left and up alone.
    """
    header: _Header | None = None
    kept = {}
    parts: list[bytes | memoryview] = []
    for chunk in chunks:
        if chunk.kind == b"IHDR" and len(chunk.body) == 13:
            header = _Header(*struct.unpack(">2I5B", chunk.body))
        elif chunk.kind in (b"PLTE", b"tRNS"):
            kept[chunk.kind] = chunk
        elif chunk.kind == b"IDAT":
            parts.append(chunk.body)
        elif chunk.kind == b"fdAT":
            return None
    if header is None or header.colour_type not in _CHANNELS:
        raise DamagedError(_DAMAGED)
    if header.interlacing or min(header.width, header.height) < side:
        return None
    whole_row = _unpacked_size(header, (header.width, 1))
    row = _unpacked_size(header, (side, 1))
    try:
        rows = b"".join(_unpacked(zlib.decompressobj(), parts, side * whole_row))
    except zlib.error as error:
        raise DamagedError(_DAMAGED) from error
    starts = range(0, side * whole_row, whole_row)
    pixels = b"".join(rows[at : at + row] for at in starts)
    small = header._replace(width=side, height=side)
    made = (
        make_chunk("PNG", b"IHDR", struct.pack(">2I5B", *small)),
        *kept.values(),
        make_chunk("PNG", b"IDAT", zlib.compress(pixels)),
        make_chunk("PNG", b"IEND", b""),
    )
    return _file_of(made)


def whole_picture(data: memoryview) -> bytes:
    """Returns a PNG with all its frames that are shown. Raises ImageError."""
    return _file_of(without_extras(read_chunks("PNG", data)))


def _file_of(chunks: Iterable[Chunk]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(bytes(chunk.raw) for chunk in chunks)


class _Frames:
    """The pixels of a PNG, one frame after the other, with their numbers."""

    def __init__(self, header: _Header, animation: Chunk | None) -> None:
        self._header = header
        self._animation = animation
        self._left = 0  # frames that the animation still counts
        if animation:
            self._left, _ = struct.unpack(">2I", animation.body)
        self._number = 0  # of the next chunk of the animation
        self._room = _MOST_UNPACKED

    def read(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """Yields the chunks of all frames. Raises ImageError."""
        if self._animation:
            yield self._animation
        size = (self._header.width, self._header.height)
        kind = b"IDAT"
        parts: list[bytes | memoryview] = []
        for chunk in chunks:
            if chunk.kind == b"IDAT":
                parts.append(chunk.body)
            elif chunk.kind == b"fdAT" and kind == b"fdAT":
                parts.append(chunk.body[_NUMBER.size :])
            elif chunk.kind == b"fcTL" and self._left:
                # One before IDAT says that the picture is the first frame
                if parts:
                    yield from self._pixels(kind, parts, size)
                    kind = b"fdAT"
                    parts = []
                size = _frame_size(chunk)
                body = self._numbered(bytes(chunk.body[_NUMBER.size :]))
                yield make_chunk("PNG", b"fcTL", body)
                self._left -= 1
            elif chunk.kind == b"fcTL":
                break
        yield from self._pixels(kind, parts, size)

    def _numbered(self, body: bytes) -> bytes:
        """Returns what a chunk of an animation holds, with the next number."""
        number = self._number
        self._number += 1
        return _NUMBER.pack(number) + body

    def _pixels(
        self,
        kind: bytes,
        parts: list[bytes | memoryview],
        size: tuple[int, int],
    ) -> Iterator[Chunk]:
        """Yields the chunks of a frame's pixels."""
        wanted = _unpacked_size(self._header, size)
        self._room -= wanted
        if self._room < 0:
            raise ImageError("The image has too many pixels to be copied.")
        if not _is_exactly(parts, wanted):
            parts = [_packed_again(parts, wanted)]
        for part in parts:
            body = bytes(part)
            if kind == b"fdAT":
                body = self._numbered(body)
            yield make_chunk("PNG", kind, body)


def _frame_size(control: Chunk) -> tuple[int, int]:
    """Returns width and height of a frame. Raises DamagedError."""
    if len(control.body) != _FRAME.size:
        raise DamagedError(_DAMAGED)
    _, width, height, *_ = _FRAME.unpack(control.body)
    return width, height


def _unpacked_size(header: _Header, size: tuple[int, int]) -> int:
    """Returns the bytes of a frame's pixels, with one before each row."""
    width, height = size
    bits = header.depth * _CHANNELS[header.colour_type]
    total = 0
    passes = _PASSES if header.interlacing else ((0, 0, 1, 1),)
    for left, top, step, row_step in passes:
        columns = -(-max(0, width - left) // step)
        rows = -(-max(0, height - top) // row_step)
        if columns:
            total += rows * (1 + -(-columns * bits // 8))
    return total


def _unpacked(
    unpacker: "zlib._Decompress", parts: list[bytes | memoryview], most: int
) -> Iterator[bytes]:
    """Yields at most `most` unpacked bytes, in blocks. Raises zlib.error."""
    rest = b"".join(parts)
    while most and not unpacker.eof:
        block = unpacker.decompress(rest, min(most, _BLOCK))
        rest = unpacker.unconsumed_tail
        if not rest and not block:
            break
        most -= len(block)
        yield block


def _is_exactly(parts: list[bytes | memoryview], wanted: int) -> bool:
    """Tells whether a stream has as many bytes, and no others behind them."""
    unpacker = zlib.decompressobj()
    total = 0
    try:
        for block in _unpacked(unpacker, parts, wanted + 1):
            total += len(block)
    except zlib.error:
        return False
    return unpacker.eof and not unpacker.unused_data and total == wanted


def _packed_again(parts: list[bytes | memoryview], wanted: int) -> bytes:
    """Returns a stream of the first bytes alone. Raises DamagedError."""
    packer = zlib.compressobj()
    packed = bytearray()
    total = 0
    try:
        for block in _unpacked(zlib.decompressobj(), parts, wanted):
            total += len(block)
            packed += packer.compress(block)
    except zlib.error as error:
        raise DamagedError(_DAMAGED) from error
    if total < wanted:
        raise DamagedError(_DAMAGED)
    return bytes(packed + packer.flush())
