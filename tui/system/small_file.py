"""Reads small files with limits: no FIFO, device or huge file can block the program."""

import os
import stat
from pathlib import Path

from tui.text import file_size

LIMIT = 1_000_000
"""Default for the largest size in bytes."""


class NotReadable(OSError):
    """A file that can't be used; `strerror` says why."""


def read_small_file(path: Path, limit: int = LIMIT) -> bytes:
    """Return the content of a regular file of at most `limit` bytes.

    Raises FileNotFoundError where there is none; NotReadable for a larger file, for
    anything but a regular file, and for an impossible path; and OSError.
    """
    if str(path).startswith("~"):
        # A home folder that is not known: never a folder of that name in the working
        # folder.
        raise FileNotFoundError(path)
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise NotReadable(None, "it is not a regular file", str(path))
            content = file.read(limit + 1)
    except ValueError as error:  # a zero byte in its name
        raise NotReadable(None, "no file has such a name", str(path)) from error
    if len(content) > limit:
        raise NotReadable(None, f"it is larger than {file_size(limit)}", str(path))
    return content


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
