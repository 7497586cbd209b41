"""Judges the files of this machine that a request uploads: whole, known images only.

Whoever made a request name a file that is something else, such as a key, gets nothing.
May decode an image: call it in a thread.
"""

import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from tui.text import one_line

if TYPE_CHECKING:
    from tui.images.files import ImageInfo

_REMEMBERED = 64
"""Files that are not decoded again while they are unchanged: a job may name one often."""


def judge_file(path: Path) -> "ImageInfo":
    """Returns the facts of a file that is a whole image. Raises ImageError, OSError."""
    facts = path.stat()
    signature = (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns)
    return _judge_once(path, (*signature, facts.st_ctime_ns))


@lru_cache(maxsize=_REMEMBERED)
def _judge_once(path: Path, _signature: tuple[int, ...]) -> "ImageInfo":
    from tui.images.files import inspect_pixels  # Pillow takes long to load

    return inspect_pixels(path)


def content_problem(name: str, content: bytes) -> str:
    """Returns why these very bytes are no whole image, or nothing.

    `name` is that of the file that they were read from.
    """
    from tui.images.files import ImageError, inspect_pixels

    try:
        with tempfile.TemporaryDirectory(
            prefix="runapi-tui-", ignore_cleanup_errors=True
        ) as folder:
            copy = Path(folder) / name
            copy.write_bytes(content)
            inspect_pixels(copy)
    except ImageError as error:
        return str(error)
    except OSError as error:
        return (
            f"{one_line(name, 80)} can't be checked, as the folder for temporary files"
            f" can't be used: {one_line(error.strerror or error, 120)}."
        )
    return ""
