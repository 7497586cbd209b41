"""Small files of settings, read with bounds: a FIFO, a device or a huge file makes
nobody wait.
"""

import os
import stat
from pathlib import Path

from tui.text import file_size

LIMIT = 1_000_000
"""Bytes that are read at most, unless something else is said."""


class NotReadable(OSError):
    """What lies there can't be used; `strerror` says why."""


def read_small_file(path: Path, limit: int = LIMIT) -> bytes:
    """The content of a regular file of at most `limit` bytes.

    Raises OSError, of which FileNotFoundError says that there is none, and NotReadable
    for anything but a regular file, a larger one, or a path that can't be one.
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
