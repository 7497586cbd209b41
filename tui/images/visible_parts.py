"""Reduces a JPEG or WebP to the parts that its picture is shown by.

What stands behind the compressed pixels in the same part can't be told from them without
decoding: it stays. Formats: ITU T.81, annex B, for JPEG; RFC 9649 for WebP.
"""

import re
import struct

from tui.images.containers import WEBP_ALPHA, Chunk, make_chunk, make_segment
from tui.images.files import DamagedError

_MARKER = re.compile(rb"\xff+([^\x00\xff])")
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_QUANTIZATION = 0xDB
_RESTARTS = 0xDD
# Tables for Huffman and arithmetic coding, the end, scans
_NEEDED = {*_FRAMES, 0xC4, 0xCC, 0xD9, 0xDA, _QUANTIZATION, _RESTARTS}
_FRAME_HEADER = 16  # bytes of an ANMF before its parts
_SUBCHUNKS = (b"ALPH", b"VP8 ", b"VP8L")
_DAMAGED = "The image is damaged or incomplete."


def of_jpeg(chunks: list[Chunk]) -> list[Chunk]:
    """Returns the chunks of a JPEG without other segments, and tables of no component.

    Raises DamagedError.
    """
    used: set[int] = set()
    for chunk in chunks:
        if _marker(chunk) in _FRAMES:
            used |= set(chunk.body[8::3])
    kept: list[Chunk] = []
    for chunk in chunks:
        marker = _marker(chunk)
        if marker == _QUANTIZATION:
            kept += _with_tables(chunk, used)
        elif chunk.kind != b"SHOW" or marker in _NEEDED:
            kept.append(chunk)
    return kept


def _marker(chunk: Chunk) -> int:
    """Returns the marker of a segment that is for decoders; 0 for others."""
    found = _MARKER.match(chunk.raw) if chunk.kind == b"SHOW" else None
    return found[1][0] if found else 0


def _with_tables(chunk: Chunk, used: set[int]) -> list[Chunk]:
    """Returns a segment of quantization tables with the used ones alone."""
    body = bytes(chunk.body)
    kept = b""
    at = 0
    while at < len(body):
        precision, number = divmod(body[at], 16)
        end = at + 1 + 64 * (1 + precision)
        if end > len(body):
            raise DamagedError(_DAMAGED)
        if number in used:
            kept += body[at:end]
        at = end
    if kept == body:
        return [chunk]
    return [make_segment(b"\xdb", b"SHOW", kept)] if kept else []


def of_webp(chunks: list[Chunk]) -> list[Chunk]:
    """Returns the chunks of a WebP without unknown parts of frames, and stray ones.

    Raises DamagedError.
    """
    first = chunks[0]
    has_alpha = first.kind == b"VP8X" and bool(first.body[0] & WEBP_ALPHA)
    kinds = [chunk.kind for chunk in chunks]
    kept: list[Chunk] = []
    for at, chunk in enumerate(chunks):
        is_before_lossy = kinds[at + 1 : at + 2] == [b"VP8 "]
        if chunk.kind == b"ANMF":
            kept.append(_frame(chunk))
        elif chunk.kind != b"ALPH" or (has_alpha and is_before_lossy):
            kept.append(chunk)
    return kept


def _frame(chunk: Chunk) -> Chunk:
    """Returns a frame of an animation with its pixels alone."""
    body = bytes(chunk.body)
    kept = body[:_FRAME_HEADER]
    at = _FRAME_HEADER
    while at < len(body):
        if at + 8 > len(body):
            raise DamagedError(_DAMAGED)
        kind, size = struct.unpack_from("<4sI", body, at)
        end = at + 8 + size + size % 2
        if kind in _SUBCHUNKS:
            kept += body[at:end]
        at = end
    return chunk if kept == body else make_chunk("WEBP", b"ANMF", kept)
