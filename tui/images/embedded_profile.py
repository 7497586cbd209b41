"""Keeps the colour profiles of images, if that is what they are: ICC.1:2022, 7.2 and 7.3.

Decoders pass over anything else, so it may be text.
"""

import struct
import zlib

from tui.images.containers import Chunk, make_chunk, make_segment

_LONGEST = 4 << 20  # bytes of a profile
_HEADER = 128  # bytes, before the number of tags
_MOST_TAGS = 200
_MARK = b"acsp"
_JPEG_NAME = b"ICC_PROFILE\0"
_JPEG_PART = 65_519  # bytes of a profile in a segment


def true_profile(content: bytes) -> bytes:
    """Returns a profile without what follows it; nothing where it is none."""
    try:
        (size,) = struct.unpack_from(">I", content)
        (count,) = struct.unpack_from(">I", content, _HEADER)
        if content[36:40] != _MARK or count > _MOST_TAGS or size > len(content):
            return b""
        for number in range(count):
            place = _HEADER + 4 + 12 * number
            _, start, length = struct.unpack_from(">4s2I", content, place)
            if start + length > size:
                return b""
    except struct.error:
        return b""
    return content[:size] if size >= _HEADER + 4 + 12 * count else b""


def with_true_profiles(form: str, chunks: list[Chunk]) -> list[Chunk]:
    """Returns the chunks of a PNG, JPEG or WebP without profiles that are none."""
    if form == "JPEG":
        return _of_jpeg(chunks)
    kept: list[Chunk] = []
    for chunk in chunks:
        if chunk.kind == b"iCCP":
            kept += _of_png(chunk)
        elif chunk.kind == b"ICCP":
            kept += _of_webp(chunk)
        else:
            kept.append(chunk)
    return kept


def _of_png(chunk: Chunk) -> list[Chunk]:
    """Returns the profile of a PNG, packed again where more was packed with it."""
    name, _, packed = bytes(chunk.body).partition(b"\0")
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(packed[1:], _LONGEST)
    except zlib.error:
        return []
    profile = true_profile(content)
    if not profile:
        return []
    if profile == content and unpacker.eof and not unpacker.unused_data:
        return [chunk]
    body = name + b"\0\0" + zlib.compress(profile)
    return [make_chunk("PNG", b"iCCP", body)]


def _of_webp(chunk: Chunk) -> list[Chunk]:
    profile = true_profile(bytes(chunk.body))
    if profile == chunk.body:
        return [chunk]
    return [make_chunk("WEBP", b"ICCP", profile)] if profile else []


def _of_jpeg(chunks: list[Chunk]) -> list[Chunk]:
    """Returns the chunks of a JPEG with its profile in segments of the same form."""
    parts = [chunk for chunk in chunks if chunk.kind == b"ICC"]
    if not parts:
        return chunks
    start = len(_JPEG_NAME)
    # Behind the name, a segment has its number and how many there are
    in_order = sorted(parts, key=lambda chunk: bytes(chunk.body[start : start + 1]))
    content = b"".join(bytes(chunk.body[start + 2 :]) for chunk in in_order)
    profile = true_profile(content)
    count = -(-len(profile) // _JPEG_PART)
    made: list[Chunk] = []
    for number in range(count):
        part = profile[number * _JPEG_PART : (number + 1) * _JPEG_PART]
        body = _JPEG_NAME + bytes([number + 1, count]) + part
        made.append(make_segment(b"\xe2", b"ICC", body))
    at = chunks.index(parts[0])
    others = [chunk for chunk in chunks[at:] if chunk.kind != b"ICC"]
    return [*chunks[:at], *made, *others]
