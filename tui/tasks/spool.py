"""Drafted tasks on their way into the queue: any number of them, in the memory of one."""

import os
import tempfile
from collections.abc import Iterator

from msgspec.structs import replace

from tui.tasks import schema
from tui.tasks.task import Task, new_id

_READ_AT_ONCE = 1 << 18
"""Bytes."""


class Spool:
    """Tasks in a nameless file of this process's own, read again as often as wished, in
    the order of `add`.

    What belongs together gets a job in common. Several readers may be at different
    places, in different threads.
    """

    def __init__(self) -> None:
        self.count = 0
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed with this object
        self._job = new_id()

    def add(self, task: Task) -> None:
        """Raises OSError for a full disk."""
        self._file.write(schema.encode(task) + b"\n")
        self.count += 1

    def __iter__(self) -> Iterator[Task]:
        """Those that were added before the reading began. Raises OSError."""
        job = self._job if self.count > 1 else ""
        self._file.flush()
        for line in self._lines(os.fstat(self._file.fileno()).st_size):
            yield replace(schema.decode(line), job=job)

    def _lines(self, end: int) -> Iterator[bytes]:
        """The lines of the file's first `end` bytes; the place of the reading is this
        generator's own.
        """
        position, rest = 0, b""
        while position < end:
            block = os.pread(
                self._file.fileno(), min(_READ_AT_ONCE, end - position), position
            )
            if not block:
                return
            position += len(block)
            *lines, rest = (rest + block).split(b"\n")
            yield from lines
