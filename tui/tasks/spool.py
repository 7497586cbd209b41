"""Drafted tasks on their way into the queue: any number, in the memory of a few."""

import os
import tempfile
from collections.abc import Iterator

from msgspec.structs import replace

from tui.tasks import schema
from tui.tasks.task import Task, new_id

_BLOCK = 1 << 18
"""Bytes that are read at once."""


class Spool:
    """Tasks in a nameless temporary file, in the order of `add`.

    It can be read any number of times, also by several threads at once. Two or more
    tasks get a job in common.
    """

    def __init__(self) -> None:
        self.count = 0
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed with this object
        self._job = new_id()

    def add(self, task: Task) -> None:
        """Raises OSError when the disk is full."""
        self._file.write(schema.encode(task) + b"\n")
        self.count += 1

    def __iter__(self) -> Iterator[Task]:
        """Yields the tasks that are in it at the start. Raises OSError."""
        job = self._job if self.count > 1 else ""
        self._file.flush()
        for line in self._lines(os.fstat(self._file.fileno()).st_size):
            yield replace(schema.decode(line), job=job)

    def _lines(self, end: int) -> Iterator[bytes]:
        """Yields the lines of the first `end` bytes, for any number of readers."""
        position = 0
        rest = b""
        while position < end:
            size = min(_BLOCK, end - position)
            block = os.pread(self._file.fileno(), size, position)
            if not block:
                return
            position += len(block)
            *lines, rest = (rest + block).split(b"\n")
            yield from lines
