"""Standard streams that may be closed, full, or of a narrow encoding.

Results on stdout are written, or an error says that they are missing; an error of
stderr never ends the program. Whatever is written to either, a terminal obeys nothing
of it: all commands print with the functions here, and the streams themselves escape
what passes them otherwise.
"""

import codecs
import errno
import io
import json
import os
import sys
from typing import Any, TextIO

from tui.text import escaped, inert, inert_json

_ESCAPES = "runapi-tui-escapes"
_WORDS = "runapi-tui-words"
_ASCII = {
    "…": "...",
    "·": "-",
    "×": "x",
    "→": "->",
    "←": "<-",
    "•": "*",
    "●": "*",
    "★": "*",
    "✓": "ok",
    "✗": "x",
    "▸": ">",
    "µ": "u",
    "—": "-",
    "–": "-",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
}
"""Signs of ours, and of other programs' typography, where the encoding lacks them."""


class OutputError(OSError):
    """Results can't be written to stdout. The work that they describe is kept."""

    def __str__(self) -> str:
        reason = (self.strerror or "it is closed").lower()
        return f"The results can't be written to stdout: {reason}."


def prepare() -> None:
    """Make the three standard streams usable, however this process was started.

    Call it before anything else.
    """
    _occupy()
    codecs.register_error(_ESCAPES, _escaped)
    codecs.register_error(_WORDS, _in_words)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stdout is None or sys.stdout is sys.__stdout__:
        sys.stdout = _writer(_Results(1, "w", closefd=False), sys.stdout)
    if sys.stderr is None or sys.stderr is sys.__stderr__:
        sys.stderr = _writer(_Messages(2, "w", closefd=False), sys.stderr)


def print_result(text: object = "", *, flush: bool = False) -> None:
    """Print a line, or lines, on stdout, without what a terminal would obey."""
    print(inert(str(text)), file=sys.stdout, flush=flush)


def print_json(value: object, indent: int | None = None) -> None:
    """Print a value as JSON on stdout, with escapes for what a terminal would obey."""
    print(inert_json(value, indent), file=sys.stdout)


def print_message(text: object, *, end: str = "\n") -> None:
    """Print a line, or lines, on stderr, without what a terminal would obey."""
    print(inert(str(text)), end=end, file=sys.stderr)


def print_drawing(drawing: str) -> None:
    """Print what the terminal has to obey: a picture of this program's own."""
    _write_raw(sys.stdout, f"{drawing}\n")


def redraw_line(text: str) -> None:
    """Replace the last line of stderr, a terminal, with this one."""
    _write_raw(sys.stderr, "\r\x1b[K")
    sys.stderr.write(" ".join(inert(text).split("\n")))
    sys.stderr.flush()


def _write_raw(stream: TextIO, sequence: str) -> None:
    write = stream.write_raw if isinstance(stream, _Writer) else stream.write
    write(sequence)


def finish() -> None:
    """Flush stdout. Raises OutputError or BrokenPipeError."""
    sys.stdout.flush()


def give_up_stdout() -> None:
    """Discard all further output: nobody reads it, not even when Python flushes it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _occupy() -> None:
    """Occupy closed standard streams.

    Otherwise the queue file could become number 2, where messages are written.
    """
    # Opened the wrong way round, so that reading and writing fail as they do on a
    # closed one.
    for number, flags in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDONLY)):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, flags)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)


class _Results(io.FileIO):
    """Stdout, whose errors differ from those of files."""

    def write(self, data: Any, /) -> Any:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(error.errno or errno.EIO, error.strerror or "") from error


class _Messages(io.FileIO):
    """Stderr, which drops what it can't write."""

    def write(self, data: Any, /) -> Any:
        try:
            return super().write(data)
        except OSError:
            return len(data)


class _Writer(io.TextIOWrapper):
    """Escapes what a terminal would obey, whoever writes it: click, Python, a library.

    The escapes are those of JSON, which stays valid.
    """

    def write(self, text: str, /) -> int:
        super().write(escaped(text))
        return len(text)

    def write_raw(self, sequence: str) -> None:
        """Write a sequence that the terminal has to obey."""
        super().write(sequence)


def _writer(raw: io.FileIO, before: Any) -> _Writer:
    """Return a text stream like Python's own that can write every character."""
    return _Writer(
        io.BufferedWriter(raw),
        encoding=_encoding(before),
        errors=_WORDS,
        line_buffering=isinstance(raw, _Messages) or raw.isatty(),
    )


def _encoding(before: Any) -> str:
    """Return the encoding of a stream of Python's own.

    The locale C has ASCII, which says nothing of the terminal: UTF-8 contains that.
    """
    wanted: str = getattr(before, "encoding", None) or "utf-8"
    is_ascii = codecs.lookup(wanted).name == "ascii"
    return "utf-8" if is_ascii and not os.environ.get("PYTHONIOENCODING") else wanted


def _in_words(error: UnicodeError) -> tuple[str | bytes, int]:
    """Write what an encoding lacks: signs in ASCII, letters in UTF-8, JSON in escapes.

    No letter is lost, and one that the encoding has stays as it names files.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    if error.object.startswith(("{", "[")):
        return _escaped(error)
    missing = error.object[error.start : error.end]
    words = "".join(map(_in_ascii, missing))
    return words.encode(errors="replace"), error.end


def _in_ascii(character: str) -> str:
    """Return a sign in ASCII; another character as it is."""
    if "\u2500" <= character <= "\u259f":
        return "-"  # a part of a frame or a bar
    return _ASCII.get(character, character)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """Write characters outside an encoding as JSON escapes: JSON stays valid."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return json.dumps(missing)[1:-1], error.end
