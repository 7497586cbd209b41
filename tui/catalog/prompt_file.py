"""Reads prompts from a stream, one per line, in any encoding that editors save text in.

It opens no files.
"""

import codecs
import re
from collections.abc import Iterator
from io import BufferedIOBase

from tui.text import invisible

LONGEST = 1_000_000
"""Characters of a line at most; every model takes far less."""
_CHUNK = 1 << 16
"""Bytes that are read at once; the encoding is judged by the first such chunk that
isn't plain ASCII.
"""
_NOT_TEXT = "is not a text file: it needs one prompt per line, in UTF-8"
_CUT = 3
"""Bytes of a character at most that lack others."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BINARY = re.compile(
    rb"\x89PNG|\xff\xd8\xff|GIF8[79]a|RIFF....WEBP|....ftyp|%PDF-|PK\x03\x04|\x1f\x8b",
    re.DOTALL,
)
"""How files of images, documents and archives begin."""
_MULTIBYTE = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_NO_TEXT = re.compile("[\x00-\x08\x0e-\x19\x1b-\x1f\x7f]|ï»¿")
"""Controls that stand in no text file (1A is where DOS ended one), and a BOM that was
read in a wrong encoding.
"""
_NUL = re.compile("\0")
_LINE_END = re.compile(r"\r\n|\r|\n")
_EDGES = re.compile(r"\A[\s\ufeff]+|[\s\ufeff]+\Z")


class PromptFileError(ValueError):
    """Why prompts can't be read, and where; the words follow the file's name."""


def read(stream: BufferedIOBase) -> Iterator[str]:
    """Yields the prompts of a stream of bytes.

    White space around them and blank lines are left out.

    The bytes decide between UTF-8, UTF-16 (without a BOM too) and Windows-1252, which
    includes Latin-1's letters. Lines end with LF, CR LF or CR alone. No more than a
    chunk and a line are in memory.

    Raises PromptFileError, also after some prompts, and OSError.
    """
    number = 0
    rest = ""
    for text in _texts(stream):
        *lines, rest = _LINE_END.split(rest + text)
        for line in lines:
            number += 1
            yield from _prompt(line, number)
        if len(rest) > LONGEST:
            raise _too_long(number + 1)
    yield from _prompt(rest, number + 1)


def _prompt(line: str, number: int) -> Iterator[str]:
    """Yields the prompt of a line, unless it is blank. Raises PromptFileError."""
    if len(line) > LONGEST:
        raise _too_long(number)
    if not invisible(line):
        yield _EDGES.sub("", line)


def _too_long(number: int) -> PromptFileError:
    return PromptFileError(
        f"can't be read: line {number:,} is longer than {LONGEST:,} characters"
    )


def _texts(stream: BufferedIOBase) -> Iterator[str]:
    """Yields the decoded text in pieces, none of which ends within a CR LF."""
    decoder = _Decoder()
    held = ""  # a CR whose LF may be yet to come
    chunk = _read_chunk(stream)
    while chunk:
        following = b""
        if len(chunk) == _CHUNK:
            following = _read_chunk(stream)
        text = held + decoder.decode(chunk, final=not following)
        held = ""
        if text.endswith("\r"):
            held = "\r"
            text = text.removesuffix(held)
        yield text
        chunk = following
    yield held


def _read_chunk(stream: BufferedIOBase) -> bytes:
    """Returns a whole chunk, or the rest of the stream.

    It reads no more once the end was seen: a terminal would ask again.
    """
    chunk = bytearray()
    while len(chunk) < _CHUNK:
        piece = stream.read1(_CHUNK - len(chunk))
        if not piece:
            break
        chunk += piece
    return bytes(chunk)


class _Decoder:
    """Decodes chunk after chunk, in the encoding that the first of them decide."""

    def __init__(self) -> None:
        self._begun = False
        self._encoding = ""  # not known as long as all is ASCII
        self._kept = b""
        """Bytes of a character that may be cut, while the encoding isn't known."""
        self._incremental: codecs.IncrementalDecoder | None = None
        self._ends = 0
        """Lines that have ended so far."""
        self._last = ""
        """The last character so far."""

    def decode(self, chunk: bytes, *, final: bool) -> str:
        """Returns the text of the next chunk. Raises PromptFileError."""
        if not self._begun:
            self._begun = True
            chunk = self._without_bom(chunk)
        if self._incremental is None:
            chunk = self._kept + chunk
            # A character that is cut decides nothing yet.
            complete = chunk if final else chunk[:-_CUT]
            if complete.isascii() and b"\0" not in complete:
                self._kept = chunk[len(complete) :]
                return self._checked(complete.decode("ascii"))
            self._set_encoding(_guess_encoding(chunk, final))
        assert self._incremental
        try:
            text = self._incremental.decode(chunk, final)
        except UnicodeDecodeError as error:
            good = error.object[: error.start]
            self._checked(good.decode(self._encoding))
            if self._encoding == "cp1252":
                raise self._refused("isn't text") from None
            raise self._refused(f"isn't {self._encoding.upper()}") from None
        return self._checked(text)

    def _without_bom(self, chunk: bytes) -> bytes:
        """Returns the first chunk without its BOM. Raises PromptFileError."""
        if _BINARY.match(chunk):
            raise PromptFileError(_NOT_TEXT)
        for bom, encoding in _BOMS:
            if chunk.startswith(bom):
                self._set_encoding(encoding)
                return chunk.removeprefix(bom)
        return chunk

    def _set_encoding(self, encoding: str) -> None:
        self._encoding = encoding
        create = codecs.getincrementaldecoder(encoding)
        self._incremental = create()

    def _checked(self, text: str) -> str:
        """Returns the text, and counts its lines.

        Raises PromptFileError for characters that no text file has.
        """
        # Any bytes are Windows-1252, so they have to look like text as well.
        unwanted = _NO_TEXT if self._encoding == "cp1252" else _NUL
        wrong = unwanted.search(text)
        if wrong:
            self._count(text[: wrong.start()])
            raise self._refused("isn't text")
        self._count(text)
        return text

    def _count(self, text: str) -> None:
        """Adds the ends of lines in the next piece of text."""
        self._ends += len(_LINE_END.findall(text))
        if self._last == "\r" and text.startswith("\n"):
            self._ends -= 1  # the CR was counted
        if text:
            self._last = text[-1]

    def _refused(self, reason: str) -> PromptFileError:
        """Returns the error for the line that has begun."""
        line = f"line {self._ends + 1:,} {reason}"
        return PromptFileError(
            f"can't be read: {line}. Save it as UTF-8, one prompt per line"
        )


def _guess_encoding(chunk: bytes, final: bool) -> str:
    """Returns the encoding of bytes without a BOM that aren't all ASCII.

    Unless `final`, the last character may be cut. Raises PromptFileError.
    """
    if b"\0" in chunk:
        return _guess_wide_encoding(chunk, final)
    if _decoded(chunk, "utf-8", final) is not None:
        return "utf-8"
    # Text of single bytes has next to none of these sequences, so that the file is
    # UTF-8, but damaged: read as Windows-1252, its good lines would become other
    # prompts.
    rest, sequences = _MULTIBYTE.subn(b"", chunk)
    strange = sum(byte > 127 for byte in rest)
    if sequences >= 2 * strange + 2:
        return "utf-8"
    return "cp1252"


def _guess_wide_encoding(chunk: bytes, final: bool) -> str:
    """Returns which UTF-16 bytes with NULs are in. Raises PromptFileError for neither.

    At least a quarter of the characters have to be Western: their other byte is a NUL.
    """
    # The high byte comes second in little endian.
    little = chunk[1::2].count(0)
    big = chunk[::2].count(0)
    encoding = "utf-16-le" if little >= big else "utf-16-be"
    text = _decoded(chunk, encoding, final)
    western = max(little, big)
    if text is None or _NO_TEXT.search(text) or western < len(text) / 4:
        raise PromptFileError(_NOT_TEXT)
    return encoding


def _decoded(chunk: bytes, encoding: str, final: bool) -> str | None:
    """Returns the text of bytes; None where they aren't in that encoding.

    Unless `final`, the last character may be cut.
    """
    try:
        return codecs.getincrementaldecoder(encoding)().decode(chunk, final)
    except UnicodeDecodeError:
        return None
