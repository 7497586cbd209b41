"""The chunks that image files are made of: read, made, joined; and the texts in them.

PNG has chunks, JPEG segments, WebP chunks of its own; all are called chunks here. EXIF
and XMP stand in all three. Pixels are never decoded. Formats: the PNG specification
(w3.org/TR/png), ITU T.81 for JPEG, RFC 9649 for WebP, CIPA DC-008 for EXIF.
"""

import html
import re
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from tui.images.files import CostlyError, DamagedError, ImageError, ImageInfo

MOST_TEXT = 2_000_000  # of one text, before and after it is unpacked
_MOST_CHUNKS = 300_000  # libpng writes one for 8 kB
_MOST_TAGS = 1_000  # of a directory of EXIF

_OURS = "runapi-tui"
_XMP_TEXT = "XML:com.adobe.xmp"  # of a PNG
_TEXTS = (
    *(_OURS, "parameters", "prompt", "invokeai_metadata", "sd-metadata"),
    *("Comment", "Description", "Source", "Author", "UserComment"),
)
_TEXT_CHUNKS = (b"tEXt", b"zTXt", b"iTXt")
_HEADS = {"PNG": b"\x89PNG\r\n\x1a\n", "JPEG": b"\xff\xd8"}
SIGNATURE_KINDS = (b"caBX", b"C2PA")
# What a picture is shown by: chunks of PNG and WebP, segments of JPEG (SHOW: whatever
# is for decoders alone).
VISIBLE_KINDS = {
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
TEXT_KINDS = (*_TEXT_CHUNKS, *PREFIXES, b"COM")
# What tells that an image is whole: its pixels and its end (of JPEG by markers).
_PIXEL_KINDS = (b"IDAT", b"VP8 ", b"VP8L", b"ANMF", b"\xff\xda")
_LAST_KINDS = {"PNG": b"IEND", "JPEG": b"\xff\xd9"}
_FRAME_HEADERS = {
    bytes([0xFF, marker])
    for marker in range(0xC0, 0xD0)
    if marker not in (0xC4, 0xC8, 0xCC)
}
_MOST_BLOCKS = 1_000_000  # of a GIF, which are no longer than 255 bytes
_MOST_FILL = 64  # bytes before a JPEG's marker
_MOST_EXIF = 65_600  # bytes that are searched for the orientation: all of a JPEG
_MOST_PROFILE = 1_000_000  # bytes of an unpacked colour profile: Pillow's own limit
# The chunks of a PNG beside the critical ones that a decoder is given, with the lengths
# that they may have.
_DECODED = {
    b"tRNS": range(1, 257),
    b"gAMA": range(4, 5),
    b"cHRM": range(32, 33),
    b"sRGB": range(1, 2),
    b"cICP": range(4, 5),
    b"iCCP": range(4, _MOST_PROFILE),
    b"EXIF": range(8, _MOST_EXIF),
}
# By colour type: the bytes that a tRNS has at least; other types have none.
_LEAST_TRANSPARENT = {0: 2, 2: 6, 3: 1}
_DAMAGED = "The image is damaged or incomplete."
_TOO_MANY = "The image has too many parts to be looked at here."
_MARKER = re.compile(rb"\xff+([^\x00\xff])")
_SCAN = b"\xda"
_JPEG_END = b"\xd9"
# The segments that a decoder of JPEG is given, with their least lengths: libjpeg passes
# over shorter ones.
_LEAST_SEGMENT = {b"SHOW": 0, b"EXIF": 8, b"JFIF": 14, b"Adobe": 12, b"ICC": 15}
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")

ORIENTATION = 0x0112
_EXIF_IFD = 0x8769
_COMMENT = 0x9286
_LONG = 4
"""The type of a tag of four bytes; the orientation has two, but not by all writers."""
_CODES = (b"UNICODE\0", b"ASCII\0\0\0", b"JIS\0\0\0\0\0", bytes(8))
# Texts of the main directory, by their names in a PNG: description, make, model, artist
_TEXT_TAGS = {0x010E: "Description", 0x010F: "", 0x0110: "", 0x013B: "Author"}
# Flags of WebP's extended header (VP8X)
_WEBP_XMP = 4
_WEBP_EXIF = 8
WEBP_ALPHA = 16
_WEBP_PROFILE = 32
NO_TAGS = b"MM\0*\0\0\0\x08\0\0\0\0\0\0"
_RECIPE = (
    b'<rdf:Description rdf:about="" xmlns:runapi="urn:runapi-tui">'
    b"<runapi:recipe>%s</runapi:recipe></rdf:Description>"
)
_ANY_RECIPE = re.compile(re.escape(_RECIPE).replace(b"%s", b"([^<]*)"))
_XMP_DESCRIPTION = (b"dc:description", "Description")
_ANY_TAG = re.compile(rb"<[^<>]*>")
_PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta'
    ' xmlns:x="adobe:ns:meta/"><rdf:RDF'
    ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"></rdf:RDF></x:xmpmeta><?xpacket'
    ' end="w"?>'
).encode()


class Chunk(NamedTuple):
    """A chunk as it stands in the file (`raw`), and what it holds (`body`).

    Bytes after the end of an image are a chunk without a kind, and so is a chunk of a
    PNG that can be passed over and has a wrong checksum: it means nothing.
    """

    kind: bytes
    raw: bytes | memoryview
    body: bytes | memoryview


def read_chunks(form: str, data: memoryview) -> Iterator[Chunk]:
    """Yields the chunks of a file. Raises ImageError where it is damaged."""
    walk = {"PNG": _png, "JPEG": _jpeg, "WEBP": _webp}.get(form)
    if walk is None:
        return
    try:
        for number, chunk in enumerate(walk(data)):
            if number == _MOST_CHUNKS:
                raise CostlyError(_TOO_MANY)
            yield chunk
    except (struct.error, IndexError) as error:
        raise DamagedError(_DAMAGED) from error


def is_animated_png(data: memoryview) -> bool:
    """Tells whether a PNG has further frames. Raises ImageError where it is damaged."""
    return any(chunk.kind == b"fdAT" for chunk in read_chunks("PNG", data))


def _png(data: memoryview) -> Iterator[Chunk]:
    """Yields the chunks of a PNG.

    Raises struct.error and IndexError if it is cut off, or a critical chunk has a wrong
    checksum: those alone decide, as in libpng. Their names begin with a capital letter.
    """
    at = 8
    kind = b""
    while kind != b"IEND":
        size, kind = struct.unpack_from(">I4s", data, at)
        end = _within(data, at + 12 + size)
        (checksum,) = struct.unpack_from(">I", data, end - 4)
        name = b"EXIF" if kind == b"eXIf" else kind
        if zlib.crc32(data[at + 4 : end - 4]) != checksum:
            if _is_critical(kind):
                raise IndexError
            name = b""
        yield Chunk(name, data[at:end], data[at + 8 : end - 4])
        at = end
    yield Chunk(b"", data[at:], b"")


def _is_critical(kind: bytes) -> bool:
    """Returns whether a PNG can't be decoded without a chunk of this kind."""
    return not kind[0] & 0x20


def decodable_png(data: memoryview) -> bytes:
    """Returns a PNG with the chunks alone that its first picture is decoded with.

    What has a wrong checksum, a wrong length or garbage in it is left out, unless that
    is critical; so are texts, of any length. Raises DamagedError, and ImageError where
    it has too many parts.
    """
    before: list[bytes | memoryview] = [_HEADS["PNG"]]
    pixels: list[bytes | memoryview] = []
    seen = set()
    colour_type = 0
    for chunk in read_chunks("PNG", data):
        kind = chunk.kind
        if kind == b"IHDR" and len(chunk.body) == 13:
            colour_type = chunk.body[9]
        if kind in (b"IDAT", b"IEND"):
            pixels.append(chunk.raw)
        elif kind in _DECODED:
            if kind not in seen and _is_sound(chunk, colour_type):
                before.append(chunk.raw)
                seen.add(kind)
        elif kind and _is_critical(kind):
            before.append(chunk.raw)
    # All of it before the pixels, so that it is known before they are decoded
    return b"".join((*before, *pixels))


def _is_sound(chunk: Chunk, colour_type: int) -> bool:
    """Returns whether a decoder can make something of a chunk that isn't critical."""
    size = len(chunk.body)
    if size not in _DECODED[chunk.kind]:
        return False
    if chunk.kind == b"tRNS":
        return size >= _LEAST_TRANSPARENT.get(colour_type, _MOST_PROFILE)
    if chunk.kind == b"iCCP":
        return is_whole_profile(bytes(chunk.body))
    return True


def is_whole_profile(body: bytes) -> bool:
    """Returns whether a colour profile can be unpacked, to a size that is bearable."""
    _, _, packed = body.partition(b"\0")
    if packed[:1] != b"\0":  # the method, which is always zlib
        return False
    unpacker = zlib.decompressobj()
    try:
        unpacker.decompress(packed[1:], _MOST_PROFILE)
    except zlib.error:
        return False
    return unpacker.eof


def _jpeg(data: memoryview) -> Iterator[Chunk]:
    """Yields the segments of a JPEG. Raises struct.error and IndexError as `_png`."""
    at = 2
    marker = b""
    while marker != _JPEG_END and at < len(data):
        marker, chunk = _segment(data, at)
        end = at + len(chunk.raw)
        if marker == _SCAN:
            after = _AFTER_SCAN.search(data, end)
            end = after.start() if after else len(data)
        yield chunk._replace(raw=data[at:end])
        at = end
    yield Chunk(b"", data[at:], b"")


def _segment(data: memoryview, at: int) -> tuple[bytes, Chunk]:
    """Returns the marker of a JPEG's segment, and the segment, of a scan its header.

    Raises struct.error and IndexError if it is cut off.
    """
    found = _MARKER.match(data, at)
    if not found:
        raise IndexError
    marker = found[1]
    start = found.end()
    size = 0
    if marker not in b"\x01\xd9":
        (size,) = struct.unpack_from(">H", data, start)
    end = _within(data, start + size)
    segment = data[start + 2 : end]
    kind = _segment_kind(marker, segment)
    prefix = PREFIXES.get(kind, b"")
    return marker, Chunk(kind, data[at:end], segment[len(prefix) :])


def _marker_at(data: memoryview, at: int) -> int:
    """Returns the place of a JPEG's marker behind any fill bytes."""
    found = _MARKER.match(data, at)
    return found.start(1) - 1 if found else at


def decodable_jpeg(data: memoryview) -> bytes:
    """Returns a JPEG without the segments that its picture isn't decoded with.

    Comments and data of other programs may be of any length, or garbage; so are fill
    bytes, and EXIF after the first, which Pillow takes one by one. What isn't even a
    JPEG's beginning stays as it is. Raises CostlyError for too many parts.
    """
    kept: list[memoryview] = [data[:2]]
    has_exif = False
    at = 2
    try:
        for _ in range(_MOST_CHUNKS):
            marker, chunk = _segment(data, at)
            if marker in (_SCAN, _JPEG_END):
                return b"".join((*kept, data[_marker_at(data, at) :]))
            least = _LEAST_SEGMENT.get(chunk.kind)
            end = at + len(chunk.raw)
            is_further = has_exif and chunk.kind == b"EXIF"
            if least is not None and len(chunk.body) >= least and not is_further:
                kept.append(data[_marker_at(data, at) : end])
                has_exif = has_exif or chunk.kind == b"EXIF"
            at = end
    except (struct.error, IndexError):
        return bytes(data)
    raise CostlyError(_TOO_MANY)


def without_extras(chunk: Chunk) -> Chunk:
    """Returns a visible chunk without what no decoder needs of it.

    That is the small picture in a JPEG's JFIF header, whatever follows the facts in its
    Adobe segment, and the name of a PNG's colour profile.
    """
    if chunk.kind == b"JFIF":
        # The marker, size, name, version and density; no small picture
        facts = bytes(chunk.body[:12]).ljust(12, b"\0") + bytes(2)
        return make_segment(b"\xe0", chunk.kind, facts)
    if chunk.kind == b"Adobe":
        return make_segment(b"\xee", chunk.kind, bytes(chunk.body[:12]))
    if chunk.kind == b"iCCP":
        _, _, rest = bytes(chunk.body).partition(b"\0")
        return make_chunk("PNG", b"iCCP", b"ICC Profile\0" + rest)
    return chunk


def make_segment(marker: bytes, kind: bytes, body: bytes) -> Chunk:
    """Returns a segment of a JPEG."""
    head = struct.pack(">2sH", b"\xff" + marker, 2 + len(body))
    return Chunk(kind, head + body, body)


def _segment_kind(marker: bytes, segment: memoryview) -> bytes:
    """Returns the kind of a JPEG's segment: SHOW, COM, or of an application."""
    if marker == b"\xfe":
        return b"COM"
    is_application = b"\xe0" <= marker <= b"\xef"
    if not is_application:
        return b"SHOW"
    name, _, _ = bytes(segment[:38]).partition(b"\0")
    return _SEGMENTS.get(marker + name, b"APP")


def _webp(data: memoryview) -> Iterator[Chunk]:
    """Yields the chunks of a WebP. Raises struct.error and IndexError as `_png`."""
    at = 12
    (size,) = struct.unpack_from("<I", data, 4)
    whole = _within(data, 8 + size)
    image = data[:whole]
    while at < whole:
        kind, size = struct.unpack_from("<4sI", data, at)
        start = at + 8
        end = _within(image, start + size)
        body = data[start:end]
        if kind == b"EXIF" and body[:6] == PREFIXES[kind]:
            body = body[6:]
        yield Chunk(kind, data[at:end], body)
        at = end + size % 2
    yield Chunk(b"", data[at:], b"")


def claim(head: bytes) -> tuple[str, int, int]:
    """Returns format, width and height by the first 64 bytes of a PNG, JPEG or WebP.

    Of a JPEG the sides are zeros, as they stand further behind; other formats are "".
    """
    if head[:2] == _HEADS["JPEG"]:
        return "JPEG", 0, 0
    try:
        if head[:8] == _HEADS["PNG"]:
            return "PNG", *_size_in(head[12:16], head[16:])
        if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
            return "WEBP", *_size_in(head[12:16], head[20:])
    except struct.error:
        pass  # cut off: the decoder says so
    return "", 0, 0


def outline(data: bytes) -> tuple[str, int, int]:
    """Returns format, width and height of a file that has all its parts.

    Its pixels are not decoded; the size is that of the upright image. Raises
    DamagedError where it is damaged or cut off, ImageError for another kind.
    """
    view = memoryview(data)
    form = form_of(view)
    try:
        if form == "GIF":
            width, height = struct.unpack_from("<2H", view, 6)
            is_whole = _is_whole_gif(view)
        else:
            width, height, is_whole = _outline_of_parts(form, view)
    except (struct.error, IndexError) as error:
        raise DamagedError(_DAMAGED) from error
    if not is_whole or not width or not height:
        raise DamagedError(_DAMAGED)
    return form, width, height


def form_of(data: memoryview) -> str:
    """Returns the format of a file by its first bytes. Raises ImageError."""
    head = bytes(data[:12])
    for form, start in _HEADS.items():
        if head.startswith(start):
            return form
    if head[:4] == b"RIFF" and head[8:] == b"WEBP":
        return "WEBP"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    raise ImageError("The file is not a PNG, JPEG, WebP or GIF image.")


def _is_whole_gif(data: memoryview) -> bool:
    """Returns whether a GIF has an image before its end. Raises IndexError if cut off.

    Raises CostlyError where it has too many blocks.
    """
    at = _after_colours(13, data[10])
    has_image = False
    is_inside = False  # of blocks of data, which an empty one ends
    for _ in range(_MOST_BLOCKS):
        kind = data[at]
        if is_inside:
            is_inside = kind != 0
            at += 1 + kind
        elif kind == 0x3B:  # the end
            return has_image
        elif kind == 0x2C:  # an image
            has_image = True
            is_inside = True
            at = _after_colours(at + 10, data[at + 9]) + 1
        elif kind == 0x21:  # an extension
            is_inside = True
            at += 2
        else:
            return False
    raise CostlyError(_TOO_MANY)


def _after_colours(at: int, flags: int) -> int:
    """Returns the place behind a GIF's table of colours, if the flags tell of one."""
    return at + 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else at


def _outline_of_parts(form: str, data: memoryview) -> tuple[int, int, bool]:
    """Returns width and height, and whether there are pixels and an end.

    Raises ImageError, struct.error and IndexError where it is damaged.
    """
    size = (0, 0)
    turn = 0
    has_pixels = False
    last = b""
    for chunk in read_chunks(form, data):
        kind = chunk.kind
        if not kind:
            continue
        if kind == b"EXIF" and not turn and len(chunk.body) in _DECODED[kind]:
            turn = orientation(bytes(chunk.body))
        if form == "JPEG":
            kind = b"\xff" + bytes(chunk.raw[:_MOST_FILL]).lstrip(b"\xff")[:1]
        if not any(size):
            size = _size_in(kind, chunk.body)
        has_pixels = has_pixels or kind in _PIXEL_KINDS
        last = kind
    has_end = last == _LAST_KINDS.get(form, last)
    return *upright(size, turn), has_pixels and has_end


def _size_in(kind: bytes, body: bytes | memoryview) -> tuple[int, int]:
    """Returns width and height, if a chunk tells them; else zeros.

    Raises struct.error and IndexError.
    """
    if kind == b"IHDR":
        width, height = struct.unpack_from(">2I", body)
        return width, height
    if kind in _FRAME_HEADERS:
        height, width = struct.unpack_from(">2H", body, 1)
        return width, height
    if kind == b"VP8X":
        wide = int.from_bytes(body[4:7], "little")
        high = int.from_bytes(body[7:10], "little")
        return wide + 1, high + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<2H", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", body, 1)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return 0, 0


def _within(data: memoryview, end: int) -> int:
    """Returns `end`. Raises IndexError where the file ends before it."""
    if end > len(data):
        raise IndexError
    return end


def make_chunk(form: str, kind: bytes, body: bytes) -> Chunk:
    """Returns a new chunk. Raises ImageError for what is too long for a JPEG."""
    if form == "PNG":
        name = b"eXIf" if kind == b"EXIF" else kind
        size = struct.pack(">I", len(body))
        checksum = struct.pack(">I", zlib.crc32(name + body))
        return Chunk(kind, size + name + body + checksum, body)
    if form == "WEBP":
        head = struct.pack("<4sI", kind, len(body))
        return Chunk(kind, head + body, body)
    prefix = PREFIXES[kind]
    segment_size = 2 + len(prefix) + len(body)
    if segment_size > 0xFFFF:
        raise ImageError("The metadata is too long for a JPEG.")
    head = struct.pack(">2sH", b"\xff\xe1", segment_size)
    return Chunk(kind, head + prefix + body, body)


def with_metadata(
    form: str, chunks: list[Chunk], exif: bytes, xmp: bytes
) -> list[Chunk]:
    """Returns the chunks with this EXIF and XMP; an empty one is left out.

    Raises ImageError as `make_chunk` does.
    """
    new: list[Chunk] = []
    if exif:
        new.append(make_chunk(form, b"EXIF", exif))
    if xmp:
        new.append(make_chunk(form, b"XMP ", xmp))
    others = [chunk for chunk in chunks if chunk.kind not in PREFIXES]
    at = 0
    if form == "WEBP":  # behind the image, but before bytes that don't belong to it
        at = len(others)
        if others[-1].kind == b"":
            at -= 1
    elif form == "PNG" or others[0].kind == b"JFIF":
        at = 1
    return [*others[:at], *new, *others[at:]]


def join_chunks(image: ImageInfo, chunks: list[Chunk]) -> bytes:
    """Returns a whole file; WebP gets the header that says which metadata it has."""
    if image.format != "WEBP":
        content = b"".join(chunk.raw for chunk in chunks)
        return _HEADS[image.format] + content
    data = bytearray()
    rest = bytearray()
    for chunk in _with_webp_header(chunks):
        if not chunk.kind:
            rest += chunk.raw
            continue
        data += chunk.raw
        if len(chunk.raw) % 2:
            data += b"\0"
    head = struct.pack("<4sI4s", b"RIFF", 4 + len(data), b"WEBP")
    return head + data + rest


def _with_webp_header(chunks: list[Chunk]) -> list[Chunk]:
    """Returns the chunks of a WebP with the right flags in its extended header."""
    kinds = {chunk.kind for chunk in chunks}
    flags = 0
    if b"ICCP" in kinds:
        flags |= _WEBP_PROFILE
    if b"EXIF" in kinds:
        flags |= _WEBP_EXIF
    if b"XMP " in kinds:
        flags |= _WEBP_XMP
    first = chunks[0]
    if first.kind == b"VP8X":
        others = first.body[0] & ~(_WEBP_EXIF | _WEBP_XMP | _WEBP_PROFILE)
        body = bytes([others | flags]) + first.body[1:]
        return [make_chunk("WEBP", b"VP8X", body), *chunks[1:]]
    if not flags:
        return chunks
    # Bit 4 of a lossless image's fifth byte says that it has transparency.
    if first.kind == b"VP8L" and first.body[4] & 16:
        flags |= WEBP_ALPHA
    sides = (side - 1 for side in _size_in(first.kind, first.body))  # as it is stored
    body = struct.pack("<I", flags)
    body += b"".join(side.to_bytes(3, "little") for side in sides)
    return [make_chunk("WEBP", b"VP8X", body), *chunks]


def text_chunk(name: str, text: str) -> Chunk:
    """Returns a text of a PNG."""
    # Most readers take UTF-8 from iTXt alone, some know nothing but tEXt.
    if text.isascii():
        return make_chunk("PNG", b"tEXt", f"{name}\0{text}".encode())
    return make_chunk("PNG", b"iTXt", f"{name}\0\0\0\0\0{text}".encode())


def keyword(chunk: Chunk) -> str:
    """Returns the name of a text of a PNG; nothing for other chunks."""
    if chunk.kind not in _TEXT_CHUNKS:
        return ""
    name, _, _ = bytes(chunk.body[:80]).partition(b"\0")
    return name.decode("latin-1")


# EXIF: a directory of tags is known by its place in the file, and so is every value of
# more than four bytes.

_Entry = tuple[int, int, bytes]
"""Type, count, and the value or its offset."""
_Tags = dict[int, _Entry]


class _Exif(NamedTuple):
    """The directories of EXIF that are of use here."""

    order: str
    """The byte order, as `struct` writes it."""
    main: _Tags
    tags: _Tags
    """The EXIF directory, which the main one points to."""
    after: bytes
    """The offset of the directory after the main one."""


def _read_exif(exif: bytes) -> _Exif:
    """Returns the directories of EXIF. Raises struct.error when damaged."""
    order = "<" if exif[:2] == b"II" else ">"
    main, after = _directory(exif, order, exif[4:8])
    tags: _Tags = {}
    if _EXIF_IFD in main:
        _, _, place = main[_EXIF_IFD]
        tags, _ = _directory(exif, order, place)
    return _Exif(order, main, tags, after)


def _directory(exif: bytes, order: str, place: bytes) -> tuple[_Tags, bytes]:
    """Returns a directory and the offset of the next one. Raises struct.error."""
    (at,) = struct.unpack(order + "I", place)
    (count,) = struct.unpack_from(order + "H", exif, at)
    if count > _MOST_TAGS:
        raise struct.error
    tags: _Tags = {}
    place_of_row = at + 2
    for _ in range(count):
        tag, *entry = struct.unpack_from(order + "HHI4s", exif, place_of_row)
        kind, size, value = entry
        tags[tag] = (kind, size, value)
        place_of_row += 12
    after = exif[place_of_row : place_of_row + 4]
    return tags, after.ljust(4, b"\0")


def _tag_value(exif: bytes, order: str, entry: _Entry) -> bytes:
    """Returns a value: it stands in its entry, or where the entry points to."""
    _, size, value = entry
    if size <= 4:
        return value[:size]
    (at,) = struct.unpack(order + "I", value)
    return exif[at : at + size]


def orientation(exif: bytes) -> int:
    """Returns how an image has to be turned, 1 to 8; 1 is upright, or unknown."""
    order = "<" if exif[:2] == b"II" else ">"
    try:
        main, _ = _directory(exif, order, exif[4:8])
        kind, _, value = main[ORIENTATION]
        width = "I" if kind == _LONG else "H"
        (turn,) = struct.unpack_from(order + width, value)
    except (struct.error, KeyError):
        return 1
    return turn if 1 <= turn <= 8 else 1


def upright(size: tuple[int, int], turn: int) -> tuple[int, int]:
    """Returns the width and height of an image that was turned by its orientation."""
    width, height = size
    return (height, width) if turn >= 5 else size


def with_comment(exif: bytes, text: str) -> bytes:
    """Returns EXIF with this comment; damaged EXIF as it was.

    New directories follow all that was there, which stays where it is pointed to.
    """
    try:
        order, main, tags, after = _read_exif(exif or NO_TAGS)
    except struct.error:
        return exif
    if not main.keys() - {_EXIF_IFD} and not tags.keys() - {_COMMENT}:
        # Nothing but a comment of ours: begin anew, or the file would grow each time.
        exif = NO_TAGS
        order, main, tags, after = _read_exif(NO_TAGS)

    def here() -> bytes:
        """Returns the offset of what is appended next."""
        return struct.pack(order + "I", len(exif))

    exif += bytes(len(exif) % 2)
    # Big-endian whatever the byte order of the file, as A1111 writes it.
    comment = b"UNICODE\0" + text.encode("utf-16-be")
    tags[_COMMENT] = (7, len(comment), here())
    exif += comment
    main[_EXIF_IFD] = (4, 1, here())
    exif += _pack_directory(order, tags, bytes(4))
    new_main = _pack_directory(order, main, after)
    return exif[:4] + here() + exif[8:] + new_main


def _pack_directory(order: str, tags: _Tags, after: bytes) -> bytes:
    """Returns a directory as bytes, with the offset of the next one."""
    packed = bytearray(struct.pack(order + "H", len(tags)))
    for tag, entry in sorted(tags.items()):
        packed += struct.pack(order + "HHI4s", tag, *entry)
    return bytes(packed + after)


def with_recipe(xmp: bytes, text: str) -> bytes:
    """Returns XMP with our JSON in it; as it was where there is no place for it."""
    escapes = {ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&"}
    recipe = _RECIPE % text.translate(escapes).encode()
    xmp = _ANY_RECIPE.sub(b"", xmp) or _PACKET
    at = xmp.rfind(b"</rdf:RDF>")
    if at < 0:
        return xmp
    return xmp[:at] + recipe + xmp[at:]


# The texts that stand in a file, by the names that they have in a PNG.


def read_texts(chunk: Chunk) -> Iterator[tuple[str, str]]:
    """Yields the names and texts of a chunk. May raise anything where it is damaged."""
    name = keyword(chunk)
    if name in _TEXTS:
        yield name, _png_text(chunk, name)
    elif chunk.kind == b"EXIF":
        yield from _exif_texts(bytes(chunk.body))
    elif chunk.kind == b"XMP ":
        yield from _xmp_texts(bytes(chunk.body))
    elif name == _XMP_TEXT:
        yield from _xmp_texts(_png_text(chunk, name).encode())
    elif chunk.kind == b"COM":
        yield "Comment", _decoded(bytes(chunk.body))


def _xmp_texts(xmp: bytes) -> Iterator[tuple[str, str]]:
    """Yields the names and texts of XMP."""
    found = _ANY_RECIPE.search(xmp)
    if found:
        recipe = _decoded(found[1])
        yield _OURS, html.unescape(recipe)
    # Where Draw Things and Midjourney write: as an element, or as an attribute
    for tag, name in ((b"exif:UserComment", "UserComment"), _XMP_DESCRIPTION):
        start = xmp.find(b"<" + tag + b">")
        end = xmp.find(b"</" + tag + b">", start)
        attribute = re.search(tag + rb'="([^"]*)"', xmp)
        if 0 <= start < end:
            text = _decoded(_ANY_TAG.sub(b"", xmp[start:end]))
            yield name, html.unescape(text).strip()
        elif attribute:
            yield name, html.unescape(_decoded(attribute[1]))


def _png_text(chunk: Chunk, name: str) -> str:
    """Returns the text behind its name. Raises IndexError and zlib.error."""
    rest = bytes(chunk.body[len(name) + 1 :])
    is_packed = False
    if chunk.kind == b"zTXt":
        is_packed = True
        rest = rest[1:]  # the method, which is always zlib
    elif chunk.kind == b"iTXt":
        is_packed = bool(rest[0])
        _, _, rest = rest[2:].split(b"\0", 2)  # behind language and translated name
    if is_packed:
        unpacker = zlib.decompressobj()
        rest = unpacker.decompress(rest, MOST_TEXT)
    return _decoded(rest)


def _exif_texts(exif: bytes) -> Iterator[tuple[str, str]]:
    """Yields the names and texts of EXIF. Raises struct.error when damaged."""
    order, main, tags, _ = _read_exif(exif)
    for tag in main.keys() & _TEXT_TAGS.keys():
        value = _decoded(_tag_value(exif, order, main[tag])).rstrip("\0")
        name, _, text = value.partition(":")
        if name.lower() == "prompt":  # where ComfyUI writes into WebP
            yield "prompt", text
        elif _TEXT_TAGS[tag]:
            yield _TEXT_TAGS[tag], value
    # Some writers put the comment into the main directory, as a text of type 2.
    for directory in (tags, main):
        if _COMMENT in directory:
            kind, _, _ = directory[_COMMENT]
            comment = _tag_value(exif, order, directory[_COMMENT])
            yield "parameters", _comment_text(comment, is_text=kind == 2)
            return


def _comment_text(comment: bytes, *, is_text: bool) -> str:
    """Returns a comment of EXIF: as text, or behind eight bytes that name its code."""
    code = comment[:8]
    if is_text or code not in _CODES:
        return _decoded(comment).strip("\0")
    comment = comment[8:]
    if code != b"UNICODE\0":
        return _decoded(comment).rstrip("\0")
    # Writers disagree on the byte order: the half with more zeros is the upper one.
    first_zeros = comment[::2].count(0)
    second_zeros = comment[1::2].count(0)
    encoding = "utf-16-be" if first_zeros >= second_zeros else "utf-16-le"
    return comment.decode(encoding, "ignore").strip("\0\ufeff\ufffe")


def _decoded(text: bytes) -> str:
    """Returns text in UTF-8, or else in Latin-1, which all bytes are."""
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")
