"""Standard streams that may be closed, full, or of a narrow encoding.

Results on stdout are written, or an error says that they are missing; an error of
stderr never ends the program.
"""

import codecs
import errno
import io
import json
import os
import sys
from typing import Any

_ESCAPES = "runapi-tui-escapes"


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
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stdout is None or sys.stdout is sys.__stdout__:
        sys.stdout = _writer(_Results(1, "w", closefd=False), sys.stdout)
    if sys.stderr is None or sys.stderr is sys.__stderr__:
        sys.stderr = _writer(_Messages(2, "w", closefd=False), sys.stderr)


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


def _writer(raw: io.FileIO, before: Any) -> io.TextIOWrapper:
    """Return a text stream like Python's own that can write every character."""
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(before, "encoding", None) or "utf-8",
        errors=_ESCAPES,
        line_buffering=isinstance(raw, _Messages) or raw.isatty(),
    )


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """Write characters outside an encoding as JSON escapes: JSON stays valid."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(json.dumps(character)[1:-1] for character in missing), error.end
