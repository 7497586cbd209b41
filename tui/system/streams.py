"""Standard streams that may be closed, full, or of a narrow encoding: results are told
or missed, never half and in silence; stderr is never a reason to stop.
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
    """Results can't be written to stdout. The work that they tell of is kept."""

    def __str__(self) -> str:
        return (
            "The results can't be written to stdout:"
            f" {(self.strerror or 'it is closed').lower()}."
        )


def prepare() -> None:
    """Make the three standard streams usable, whatever this process was started with.
    Call it first of all.
    """
    _occupy()
    codecs.register_error(_ESCAPES, _escaped)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stdout is None or sys.stdout is sys.__stdout__:
        sys.stdout = _writer(_Results(1, "w", closefd=False), sys.stdout)
    if sys.stderr is None or sys.stderr is sys.__stderr__:
        sys.stderr = _writer(_Remarks(2, "w", closefd=False), sys.stderr)


def finish() -> None:
    """Write what stdout still holds. Raises OutputError or BrokenPipeError."""
    sys.stdout.flush()


def give_up_stdout() -> None:
    """Nobody reads it any more: what it still holds goes nowhere, also at the
    interpreter's end.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _occupy() -> None:
    """Put something onto closed standard streams: the queue's file must not become
    number 2, where messages go.
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
    """Stdout. An error is told apart from those of files."""

    def write(self, data: Any, /) -> Any:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(error.errno or errno.EIO, error.strerror or "") from error


class _Remarks(io.FileIO):
    """Stderr. What can't be said is left out."""

    def write(self, data: Any, /) -> Any:
        try:
            return super().write(data)
        except OSError:
            return len(data)


def _writer(raw: io.FileIO, before: Any) -> io.TextIOWrapper:
    """A text stream as Python would have made it, but that it can write every
    character.
    """
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(before, "encoding", None) or "utf-8",
        errors=_ESCAPES,
        line_buffering=isinstance(raw, _Remarks) or raw.isatty(),
    )


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """Characters that a stream can't carry, as JSON writes them: a line of JSON stays
    one.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(json.dumps(character)[1:-1] for character in missing), error.end
