"""Small pictures on disk: a page of images reads kilobytes instead of megabytes.

A small picture is named by the bytes of its image, so it outlives a move and is never
that of another file. Any of them may be lost, damaged or impossible to keep: then the
image itself is read. Blocking work, for threads.
"""

import os
import re
import time
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b, file_digest
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from tui.system import atomic_file

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 512
"""Pixels of a small picture's longer side."""
_QUALITY = 85
_WAY = b"sRGB"
"""How small pictures are made: part of their names, so that older ones aren't used."""
_EVERY = 50
"""Small pictures that are made between two looks at what all of them take."""
_OWN_NAME = re.compile(r"[0-9a-f]{32}\.jpg")
"""Matches what `_digest` names; nothing else in the folder is removed."""
_UNUSED = 30 * 86400
"""Seconds after which one that nobody looked at goes: its image may have been deleted.
"""


class ThumbnailCache:
    """The small pictures in a folder; at most `most` of them, of at most `most_bytes`
    together.
    """

    def __init__(
        self, folder: Path, most: int = 2_000, most_bytes: int = 64_000_000
    ) -> None:
        self._folder = folder
        self._most = most
        self._most_bytes = most_bytes
        self._made = 0

    def shrink(self, path: Path, box: tuple[int, int]) -> "Image":
        """What `images.thumbnail` gives, from a small picture where its pixels suffice.
        ImageError as there.
        """
        from tui.images.files import (
            ImageError,
            measure_of_own,
            thumbnail,
            thumbnail_of_own,
        )

        if min(box) > SIDE:
            return thumbnail(path, box)
        try:
            kept = self._folder / f"{_digest(path, *_stamp(path))}.jpg"
        except OSError:
            return thumbnail(path, box)  # which knows why it can't be read
        with suppress(ImageError, OSError):
            known = measure_of_own(kept)
            if max(known.width, known.height) == SIDE and known.format == "JPEG":
                if box[0] > known.width and box[1] > known.height:
                    return thumbnail(path, box)
                small = thumbnail_of_own(kept, box)
                os.utime(kept)
                return small
        small = thumbnail(path, (SIDE, SIDE))
        if max(small.size) == SIDE:  # others are small themselves
            self._keep(small, kept)
        if box[0] > small.width and box[1] > small.height:
            return thumbnail(path, box)
        small.thumbnail((max(1, box[0]), max(1, box[1])))
        return small

    def _keep(self, small: "Image", target: Path) -> None:
        with suppress(OSError):
            atomic_file.make_private_folder(self._folder)
            content = BytesIO()
            small.save(content, "JPEG", quality=_QUALITY)
            atomic_file.save_small(target, content.getvalue(), 0o600)
            if self._made % _EVERY == 0:
                self._prune()
            self._made += 1

    def _prune(self) -> None:
        """Removes what was not used for longest."""
        files = []
        for entry in os.scandir(self._folder):
            if not _OWN_NAME.fullmatch(entry.name):
                continue
            with suppress(OSError):  # other processes prune, too
                known = entry.stat(follow_symlinks=False)
                files.append((known.st_mtime_ns, known.st_size, entry.path))
        total = 0
        for number, (used, size, path) in enumerate(sorted(files, reverse=True)):
            total += size
            if (
                number >= self._most
                or total > self._most_bytes
                or used < (time.time() - _UNUSED) * 1e9
            ):
                with suppress(OSError):
                    os.unlink(path)


def _stamp(path: Path) -> tuple[int, int, int]:
    """What changes when a file does."""
    known = path.stat()
    if not path.is_file():  # opening a pipe would wait for ever
        raise OSError(f"{path} is no file")
    return known.st_ino, known.st_size, known.st_mtime_ns


@lru_cache(10_000)
def _digest(path: Path, *stamp: int) -> str:
    """Names what is in a file, which is read once."""
    with open(path, "rb") as file:
        digest = file_digest(file, lambda: blake2b(digest_size=16, person=_WAY))
        return digest.hexdigest()
