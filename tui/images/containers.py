"""The parts that image files are made of: found, made, put together again; the texts in
them.

PNG has chunks, JPEG segments, WebP chunks of its own; EXIF and XMP stand in all three.
Pixels are never decoded.
"""

import html
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from tui.images.files import ImageError, ImageInfo

MOST_TEXT = 2_000_000  # of one text, before and after it is unpacked
_MOST_PARTS = 100_000

_OURS = "runapi-tui"
_TEXTS = (_OURS, "parameters", "prompt")
_TEXT_CHUNKS = (b"tEXt", b"zTXt", b"iTXt")
_HEADS = {"PNG": b"\x89PNG\r\n\x1a\n", "JPEG": b"\xff\xd8"}
SIGNED = (b"caBX", b"C2PA")
# What a picture is shown by: chunks of PNG and WebP, segments of JPEG (SHOW: whatever
# is for decoders alone).
SHOWN = {
    *b"IHDR PLTE tRNS IDAT IEND acTL fcTL fdAT gAMA cHRM sRGB iCCP sBIT bKGD pHYs cICP"
    b" mDCV mDCv cLLI cLLi".split(),
    *(b"VP8X", b"ICCP", b"ANIM", b"ANMF", b"ALPH", b"VP8 ", b"VP8L"),
    *(b"SHOW", b"JFIF", b"ICC", b"Adobe"),
}
_SEGMENTS = {
    b"\xe0JFIF": b"JFIF",
    b"\xe1Exif": b"EXIF",
    b"\xe1http://ns.adobe.com/xap/1.0/": b"XMP ",
    b"\xe2ICC_PROFILE": b"ICC",
    b"\xebJP": b"C2PA",
    b"\xeeAdobe": b"Adobe",
}
PREFIXES = {b"EXIF": b"Exif\0\0", b"XMP ": b"http://ns.adobe.com/xap/1.0/\0"}
TELLING = (*_TEXT_CHUNKS, *PREFIXES)
_MARKER = re.compile(rb"\xff+([^\x00\xff])")
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")

ORIENTATION, _EXIF_IFD, _COMMENT = 0x0112, 0x8769, 0x9286
NO_TAGS = b"MM\0*\0\0\0\x08\0\0\0\0\0\0"
_RECIPE = (
    b'<rdf:Description rdf:about="" xmlns:runapi="urn:runapi-tui">'
    b"<runapi:recipe>%s</runapi:recipe></rdf:Description>"
)
_ANY_RECIPE = re.compile(re.escape(_RECIPE).replace(b"%s", b"([^<]*)"))
_PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta'
    ' xmlns:x="adobe:ns:meta/"><rdf:RDF'
    ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"></rdf:RDF></x:xmpmeta><?xpacket'
    ' end="w"?>'
).encode()


class Part(NamedTuple):
    """A chunk or segment as it stands in the file, and what it holds. After the end of
    an image, no kind.
    """

    kind: bytes
    raw: bytes | memoryview
    body: bytes | memoryview


def parts(form: str, data: memoryview) -> Iterator[Part]:
    """The parts of a file. ImageError where it is damaged."""
    walk = {"PNG": _png, "JPEG": _jpeg, "WEBP": _webp}.get(form)
    try:
        for number, part in enumerate(walk(data) if walk else ()):
            if number == _MOST_PARTS:
                raise ImageError("The image has too many parts.")
            yield part
    except (struct.error, IndexError) as error:
        raise ImageError("The image is damaged or incomplete.") from error


def _png(data: memoryview) -> Iterator[Part]:
    at, kind = 8, b""
    while kind != b"IEND":
        size, kind = struct.unpack_from(">I4s", data, at)
        end = _within(data, at + 12 + size)
        yield Part(
            b"EXIF" if kind == b"eXIf" else kind, data[at:end], data[at + 8 : end - 4]
        )
        at = end
    yield Part(b"", data[at:], b"")


def _jpeg(data: memoryview) -> Iterator[Part]:
    at, marker = 2, b""
    while marker != b"\xd9" and at < len(data):
        found = _MARKER.match(data, at)
        if not found:
            raise IndexError
        marker, start = found[1], found.end()
        size = 0 if marker in b"\x01\xd9" else struct.unpack_from(">H", data, start)[0]
        end, kind = _within(data, start + size), b"SHOW"
        if marker == b"\xfe" or b"\xe0" <= marker <= b"\xef":
            name = bytes(data[start + 2 : min(end, start + 40)]).partition(b"\0")[0]
            kind = _SEGMENTS.get(marker + name, b"APP")
        body = data[start + 2 + len(PREFIXES.get(kind, b"")) : end]
        if marker == b"\xda":
            after = _AFTER_SCAN.search(data, end)
            end = after.start() if after else len(data)
        yield Part(kind, data[at:end], body)
        at = end
    yield Part(b"", data[at:], b"")


def _webp(data: memoryview) -> Iterator[Part]:
    at, whole = 12, _within(data, 8 + struct.unpack_from("<I", data, 4)[0])
    while at < whole:
        kind, size = struct.unpack_from("<4sI", data, at)
        end = _within(data[:whole], at + 8 + size)
        body = data[at + 8 : end]
        if kind == b"EXIF" and body[:6] == PREFIXES[kind]:
            body = body[6:]
        yield Part(kind, data[at:end], body)
        at = end + size % 2
    yield Part(b"", data[at:], b"")


def _within(data: memoryview, end: int) -> int:
    if end > len(data):
        raise IndexError
    return end


def made(form: str, kind: bytes, body: bytes) -> Part:
    """A new part. ImageError for what is too long for it."""
    if form == "PNG":
        typed = (b"eXIf" if kind == b"EXIF" else kind) + body
        return Part(
            kind,
            struct.pack(">I", len(body)) + typed + struct.pack(">I", zlib.crc32(typed)),
            body,
        )
    if form == "WEBP":
        return Part(kind, struct.pack("<4sI", kind, len(body)) + body, body)
    size = 2 + len(PREFIXES[kind]) + len(body)
    if size > 0xFFFF:
        raise ImageError("That is more than a JPEG can tell.")
    return Part(
        kind, struct.pack(">2sH", b"\xff\xe1", size) + PREFIXES[kind] + body, body
    )


def described(form: str, parts: list[Part], tags: bytes, packet: bytes) -> list[Part]:
    """The parts with this EXIF and XMP, or none where they are empty."""
    new = [
        made(form, kind, body)
        for kind, body in ((b"EXIF", tags), (b"XMP ", packet))
        if body
    ]
    parts = [part for part in parts if part.kind not in PREFIXES]
    first, last = (
        int(form == "PNG" or parts[0].kind == b"JFIF"),
        len(parts) - (parts[-1].kind == b""),
    )
    at = last if form == "WEBP" else first
    return parts[:at] + new + parts[at:]


def joined(image: ImageInfo, parts: list[Part]) -> bytes:
    if image.format != "WEBP":
        return _HEADS[image.format] + b"".join(part.raw for part in parts)
    kinds = {part.kind for part in parts}
    flags = 8 * (b"EXIF" in kinds) | 4 * (b"XMP " in kinds)
    first = parts[0]
    if first.kind == b"VP8X":
        parts = [
            made(
                "WEBP", b"VP8X", bytes([first.body[0] & ~12 | flags]) + first.body[1:]
            ),
            *parts[1:],
        ]
    elif flags:
        clear = first.kind == b"VP8L" and first.body[4] & 16
        sides = b"".join(
            (side - 1).to_bytes(3, "little") for side in (image.width, image.height)
        )
        parts = [
            made("WEBP", b"VP8X", struct.pack("<I", flags | (clear and 16)) + sides),
            *parts,
        ]
    chunks = b"".join(
        bytes(part.raw) + b"\0" * (len(part.raw) % 2) for part in parts if part.kind
    )
    rest = b"".join(part.raw for part in parts if not part.kind)
    return struct.pack("<4sI4s", b"RIFF", 4 + len(chunks), b"WEBP") + chunks + rest


def text_chunk(name: str, text: str) -> Part:
    # Most readers take UTF-8 from iTXt alone, some know nothing but tEXt.
    if text.isascii():
        return made("PNG", b"tEXt", f"{name}\0{text}".encode())
    return made("PNG", b"iTXt", f"{name}\0\0\0\0\0{text}".encode())


def keyword(part: Part) -> str:
    return (
        bytes(part.body[:80]).partition(b"\0")[0].decode("latin-1")
        if part.kind in _TEXT_CHUNKS
        else ""
    )


# EXIF: a directory of tags is known by its place in the file, and so is every value of
# more than four bytes.

_Tags = dict[int, tuple[int, int, bytes]]


def _tags(exif: bytes) -> tuple[str, _Tags, _Tags, bytes]:
    """The byte order, the main and the EXIF directory, where the next one is.
    struct.error when damaged.
    """
    order = "<" if exif[:2] == b"II" else ">"
    main, after = _directory(exif, order, exif[4:8])
    return (
        order,
        main,
        _directory(exif, order, main[_EXIF_IFD][2])[0] if _EXIF_IFD in main else {},
        after,
    )


def _directory(exif: bytes, order: str, place: bytes) -> tuple[_Tags, bytes]:
    (at,) = struct.unpack(order + "I", place)
    (count,) = struct.unpack_from(order + "H", exif, at)
    rows = (
        struct.unpack_from(order + "HHI4s", exif, at + 2 + 12 * row)
        for row in range(count)
    )
    end = at + 2 + 12 * count
    return {tag: (kind, size, held) for tag, kind, size, held in rows}, exif[
        end : end + 4
    ].ljust(4, b"\0")


def _held(exif: bytes, order: str, entry: tuple[int, int, bytes]) -> bytes:
    _, size, held = entry
    (at,) = struct.unpack(order + "I", held)
    return held[:size] if size <= 4 else exif[at : at + size]


def orientation(exif: bytes) -> int:
    with suppress(struct.error, KeyError):
        order, main, _, _ = _tags(exif)
        (turn,) = struct.unpack_from(order + "H", main[ORIENTATION][2])
        return turn if 1 <= turn <= 8 else 1
    return 1


def commented(exif: bytes, text: str) -> bytes:
    """EXIF with this comment. New directories follow all that was there, which stays
    where it is pointed to.
    """
    try:
        order, main, tags, after = _tags(exif or NO_TAGS)
    except struct.error:
        return exif
    if not main.keys() - {_EXIF_IFD} and not tags.keys() - {_COMMENT}:
        exif, order, main, tags, after = NO_TAGS, ">", {}, {}, bytes(4)

    def packed(tags: _Tags, after: bytes) -> bytes:
        rows = (
            struct.pack(order + "HHI4s", tag, *entry)
            for tag, entry in sorted(tags.items())
        )
        return struct.pack(order + "H", len(tags)) + b"".join(rows) + after

    exif += bytes(len(exif) % 2)
    # Whatever the byte order: so does A1111
    comment = b"UNICODE\0" + text.encode("utf-16-be")
    tags[_COMMENT] = 7, len(comment), struct.pack(order + "I", len(exif))
    exif += comment
    main[_EXIF_IFD] = 4, 1, struct.pack(order + "I", len(exif))
    exif += packed(tags, bytes(4))
    return (
        exif[:4] + struct.pack(order + "I", len(exif)) + exif[8:] + packed(main, after)
    )


def packet(xmp: bytes, text: str) -> bytes:
    """XMP with our JSON in it; as it was where there is no place for it."""
    inert = text.translate(
        {ord(character): f"\\u{ord(character):04x}" for character in "<>&"}
    )
    xmp = _ANY_RECIPE.sub(b"", xmp) or _PACKET
    at = xmp.rfind(b"</rdf:RDF>")
    return xmp[:at] + _RECIPE % inert.encode() + xmp[at:] if at >= 0 else xmp


# The texts that stand in a file, by the names that they have in a PNG.


def texts(part: Part) -> Iterator[tuple[str, str]]:
    if (name := keyword(part)) in _TEXTS:
        rest = bytes(part.body[len(name) + 1 :])
        packed = part.kind == b"zTXt" or (part.kind == b"iTXt" and rest[0])
        if part.kind != b"tEXt":
            rest = rest[1:] if part.kind == b"zTXt" else rest[2:].split(b"\0", 2)[2]
        yield (
            name,
            _decoded(
                zlib.decompressobj().decompress(rest, MOST_TEXT) if packed else rest
            ),
        )
    elif part.kind == b"EXIF":
        exif = bytes(part.body)
        order, main, tags, _ = _tags(exif)
        # Where ComfyUI writes into WebP
        for tag in main.keys() & {0x010E, 0x010F, 0x0110}:
            name, _, text = _decoded(_held(exif, order, main[tag])).partition(":")
            if name.lower() == "prompt":
                yield "prompt", text.rstrip("\0")
        if _COMMENT not in tags:
            return
        comment = _held(exif, order, tags[_COMMENT])
        code, comment = comment[:8], comment[8:]
        if code == b"UNICODE\0":
            # Writers disagree on the byte order: the half with more zeros is the upper
            # one.
            big = comment[::2].count(0) >= comment[1::2].count(0)
            yield (
                "parameters",
                comment.decode("utf-16-be" if big else "utf-16-le", "ignore"),
            )
        else:
            yield "parameters", _decoded(comment)
    elif part.kind == b"XMP " and (found := _ANY_RECIPE.search(part.body)):
        yield _OURS, html.unescape(_decoded(found[1]))


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")
