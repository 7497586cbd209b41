"""Drafted tasks on their way into the queue: any number of them, in the memory of one."""

import tempfile
from collections.abc import Iterator

from msgspec.structs import replace

from tui.tasks import schema
from tui.tasks.task import Task, new_id


class Spool:
    """Tasks in a nameless file of this process's own, read again as often as wished, in the order of `add`.

    What belongs together gets a job in common.
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
        """One reading at a time: they share the file's position."""
        job = self._job if self.count > 1 else ""
        self._file.seek(0)
        for line in self._file:
            yield replace(schema.decode(line), job=job)
