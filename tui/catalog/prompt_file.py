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

    UTF-8, UTF-16 (without a BOM too) and Windows-1252, which includes Latin-1's
    letters, are told apart by the bytes. Lines end with LF, CR LF or CR alone. No more
    than a chunk and a line are in memory.

    Raises PromptFileError, also after some prompts, and OSError.
    """
    number, rest = 0, ""
    for text in _texts(stream):
        *lines, rest = _LINE_END.split(rest + text)
        for line in lines:
            number += 1
            yield from _prompt(line, number)
        if len(rest) > LONGEST:
            raise _too_long(number + 1)
    yield from _prompt(rest, number + 1)


def _prompt(line: str, number: int) -> Iterator[str]:
    if len(line) > LONGEST:
        raise _too_long(number)
    if not invisible(line):
        yield _EDGES.sub("", line)


def _too_long(number: int) -> PromptFileError:
    return PromptFileError(
        f"can't be read: line {number:,} is longer than {LONGEST:,} characters"
    )


def _texts(stream: BufferedIOBase) -> Iterator[str]:
    """The decoded text in pieces, none of which ends within a CR LF."""
    decode = _Decoder()
    held = ""  # a CR whose LF may be yet to come
    chunk = _filled(stream)
    while chunk:
        following = _filled(stream) if len(chunk) == _CHUNK else b""
        text = held + decode(chunk, final=not following)
        held = "\r" if text.endswith("\r") else ""
        yield text.removesuffix("\r") if held else text
        chunk = following
    yield held


def _filled(stream: BufferedIOBase) -> bytes:
    """A whole chunk, or what is left; asks for nothing more once the end was seen, as
    of a terminal.
    """
    chunk = bytearray()
    while len(chunk) < _CHUNK and (piece := stream.read1(_CHUNK - len(chunk))):
        chunk += piece
    return bytes(chunk)


class _Decoder:
    """Decodes chunk after chunk, in the encoding of the first one that tells it."""

    def __init__(self) -> None:
        self._begun = False
        self._encoding = ""  # not known as long as all is ASCII
        self._kept = b""
        self._incremental: codecs.IncrementalDecoder | None = None
        self._ends = 0
        """Lines that have ended so far."""
        self._last = ""

    def __call__(self, chunk: bytes, *, final: bool) -> str:
        if not self._begun:
            self._begun = True
            chunk = self._begin(chunk)
        if self._incremental is None:
            chunk, self._kept = self._kept + chunk, b""
            if not final:
                # A character that is cut tells nothing yet.
                chunk, self._kept = chunk[:-_CUT], chunk[-_CUT:]
            if chunk.isascii() and b"\0" not in chunk:
                return self._checked(chunk.decode("ascii"))
            chunk, self._kept = chunk + self._kept, b""
            self._take(_guessed(chunk, final))
        assert self._incremental
        try:
            text = self._incremental.decode(chunk, final)
        except UnicodeDecodeError as error:
            self._checked(error.object[: error.start].decode(self._encoding))
            encoding = "text" if self._encoding == "cp1252" else self._encoding.upper()
            raise self._refused(f"isn't {encoding}") from None
        return self._checked(text)

    def _begin(self, chunk: bytes) -> bytes:
        """What follows the BOM, if there is one."""
        if _BINARY.match(chunk):
            raise PromptFileError(_NOT_TEXT)
        for bom, encoding in _BOMS:
            if chunk.startswith(bom):
                self._take(encoding)
                return chunk.removeprefix(bom)
        return chunk

    def _take(self, encoding: str) -> None:
        self._encoding = encoding
        self._incremental = codecs.getincrementaldecoder(encoding)()

    def _checked(self, text: str) -> str:
        """`text`, its lines counted. Raises PromptFileError for characters that no text
        file has.
        """
        # Whatever bytes are Windows-1252, so that they must look like text as well.
        wrong = (_NO_TEXT if self._encoding == "cp1252" else _NUL).search(text)
        self._count(text[: wrong.start()] if wrong else text)
        if wrong:
            raise self._refused("isn't text")
        return text

    def _count(self, text: str) -> None:
        # Of a CR LF, which was counted
        within = self._last == "\r" and text.startswith("\n")
        self._ends += len(_LINE_END.findall(text)) - within
        self._last = text[-1:] or self._last

    def _refused(self, what: str) -> PromptFileError:
        line = f"line {self._ends + 1:,} {what}"
        return PromptFileError(
            f"can't be read: {line}. Save it as UTF-8, one prompt per line"
        )


def _guessed(chunk: bytes, final: bool) -> str:
    """The encoding of bytes without a BOM that aren't all ASCII. Raises
    PromptFileError.
    """
    if b"\0" in chunk:
        return _guessed_wide(chunk, final)
    if _decoded(chunk, "utf-8", final) is not None:
        return "utf-8"
    # Text of single bytes has next to none of these sequences, so that the file is
    # UTF-8, but damaged: read as Windows-1252, its good lines would become other
    # prompts.
    left, sequences = _MULTIBYTE.subn(b"", chunk)
    strange = sum(byte > 127 for byte in left)
    return "utf-8" if sequences >= 2 * strange + 2 else "cp1252"


def _guessed_wide(chunk: bytes, final: bool) -> str:
    """UTF-16, if a quarter of its characters at least are Western ones, whose other
    byte is a NUL.
    """
    high = {"utf-16-le": chunk[1::2], "utf-16-be": chunk[::2]}
    encoding = max(high, key=lambda name: high[name].count(0))
    text = _decoded(chunk, encoding, final)
    western = high[encoding].count(0)
    if text is None or _NO_TEXT.search(text) or western < len(text) / 4:
        raise PromptFileError(_NOT_TEXT)
    return encoding


def _decoded(chunk: bytes, encoding: str, final: bool) -> str | None:
    """None where it isn't in that encoding; unless `final`, the last character may be
    cut.
    """
    try:
        return codecs.getincrementaldecoder(encoding)().decode(chunk, final)
    except UnicodeDecodeError:
        return None
