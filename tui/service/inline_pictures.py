"""Pictures that an answer holds itself, as base64, instead of naming their addresses.

They are taken out of the answer's bytes before anything else reads it: it becomes as
small as any other, to be searched, kept and shown.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping

SCHEME = "inline:"
"""Begins the address of a picture that came with an answer; its SHA-256 follows."""
MOST_BYTES = 48_000_000
"""Bytes of an answer with pictures in it: a large PNG, or a few smaller ones."""
_MOST_PICTURES = 256
_MOST_TEXTS = 400_000
"""Quotes in an answer that is searched."""
_SHORTEST = 40
"""Characters; no picture is smaller."""
_SHORTEST_UNKNOWN = 200
"""Characters of a text that is of no known kind, in a field of base64."""
_SIGNATURES = (
    *(b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF"),
    *(b"II*\0", b"MM\0*", b"<svg", b"\0\0\0\x0cJXL "),
)
_XML_HEAD = 1024
"""Bytes in which an SVG's first element is looked for."""
_BOX = b"ftyp"
"""In the fifth place, it begins AVIF, HEIC and videos."""
# How a text of JSON begins that may be a picture in base64, with all that escapes may
# add: in a field of base64, after the scheme `data:`, or as one of a known kind.
_DATA = (
    rb"data:(?:image|video|application)\\{0,4}/[\w.+-]{1,40}"
    rb"(?:;[\w=.+\\-]{1,40}){0,3};base64,"
)
_HEAD = re.compile(
    rb'(?P<field>"(?:b64_json|image_base64|base64|b64|image|output|result)\\{0,4}"\s{0,9}:\s{0,9}\\{0,4})'
    rb'"(?:' + _DATA + rb")?"
    rb'|"(?P<data>' + _DATA + rb")"
    rb'|"(?=iVBORw0KG|\\{0,4}[/_]9j|R0lGOD|UklGR|AAAA.[GWm2]Z0eXB|SUkqA|TU0AK|PHN2Z|PD94bWwg'
    rb"|AAAADEpYTCAN)"
)
_LINE_BREAK = re.compile(rb"\\+[nrt]")
_CODE = re.compile(rb"\\+u00([0-9a-fA-F]{2})")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")

Pictures = Mapping[str, bytes]
"""Pictures by address."""


def address_of(picture: bytes) -> str:
    """Returns the address under which a picture's place in the answer is known."""
    return SCHEME + hashlib.sha256(picture).hexdigest()


def is_inline(address: str) -> bool:
    """Tells whether an address is of a picture that came with the answer."""
    return address.startswith(SCHEME)


def digest_of(address: str) -> str:
    """Returns the SHA-256 of the picture at an inline address, in hex."""
    return address.removeprefix(SCHEME)


def taken_out(content: bytes) -> tuple[bytes, dict[str, bytes]]:
    """Returns an answer with addresses in the place of its pictures, and the pictures.

    What only looks like one stays as it is.
    """
    pictures: dict[str, bytes] = {}
    pieces: list[bytes] = []
    done = 0
    if content.count(b'"') > _MOST_TEXTS:
        return content, pictures
    for head in _HEAD.finditer(content):
        end = content.find(b'"', head.end())
        if end - head.end() < _SHORTEST or len(pictures) >= _MOST_PICTURES:
            continue
        # Within a quoted text the quote has backslashes, which belong to that.
        text = content[head.end() : end].rstrip(b"\\")
        picture = _decoded(text)
        is_of_field = bool(head["field"]) and len(text) >= _SHORTEST_UNKNOWN
        if picture and (head["data"] or is_of_field or _is_known(picture)):
            address = address_of(picture)
            pictures[address] = picture
            start = 1 + (head.end("field") if head["field"] else head.start())
            pieces += (content[done:start], address.encode())
            done = head.end() + len(text)
    return b"".join((*pieces, content[done:])), pictures


def _decoded(text: bytes) -> bytes:
    """Returns the bytes that a text is in base64; nothing for any other text."""
    if b"\\" in text:
        text = _LINE_BREAK.sub(b"", text)
        text = _CODE.sub(lambda code: bytes((int(code[1], 16),)), text)
        text = text.replace(b"\\", b"")
    digits = text.translate(_URL_SAFE).rstrip(b"=")
    try:
        return base64.b64decode(digits + b"=" * (-len(digits) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _is_known(picture: bytes) -> bool:
    """Tells whether bytes begin as a picture does, be it of a kind that isn't saved."""
    is_xml = picture.startswith(b"<?xml")
    if is_xml and b"<svg" in picture[:_XML_HEAD]:
        return True
    return picture.startswith(_SIGNATURES) or picture[4:8] == _BOX
