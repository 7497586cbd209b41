"""Drafted tasks on their way into the queue: any number, in the memory of a few."""

import os
import tempfile
from collections.abc import Iterator

from msgspec.structs import replace

from tui.catalog.price import cheapest
from tui.tasks import probe, schema
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
        self.probed = ""
        """The id of the task that is sent first; empty where all are sent."""

    def add(self, task: Task) -> None:
        """Raises OSError when the disk is full."""
        self._file.write(schema.encode(task) + b"\n")
        self.count += 1

    def __iter__(self) -> Iterator[Task]:
        """Yields the tasks that are in it at the start. Raises OSError."""
        job = self._job if self.count > 1 else ""
        self._file.flush()
        for line in self._lines(os.fstat(self._file.fileno()).st_size):
            task = replace(schema.decode(line), job=job)
            is_first = not self.probed or task.id == self.probed
            yield task if is_first else probe.set_aside(task)

    def probe(self) -> None:
        """Has the cheapest task sent first, and sets the others aside."""
        tasks = [(task.id, task.estimate_micro) for task in self]
        first = cheapest([estimate for _, estimate in tasks])
        self.probed, _ = tasks[first]

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
