"""What was cleared or deleted together, and can be brought back."""

import time
from contextlib import suppress
from typing import Any

from tui.tasks import schema
from tui.tasks.queue_file import QueueFile
from tui.tasks.task import Task
from tui.tasks.trash import KEPT_FOR

UNDO_GROUPS = 500
"""How often something can be undone."""
_LAST_UNDO = """
select turn, data from undo where turn = (select max(turn) from undo where at >= ?) order by rowid
"""


class UndoStack(QueueFile):
    """Keeps tasks as they were before. Every method raises StoreError."""

    def push_undo(self, tasks_before: list[Task]) -> None:
        """Keep tasks as they were before they were cleared, deleted or marked together. Raises
        StoreError.
        """
        if not tasks_before:
            return
        now = time.time()
        with self._writing():
            turn = (
                1
                + self._db.execute(
                    "select coalesce(max(turn), 0) from undo"
                ).fetchone()[0]
            )
            rows = ((turn, now, schema.encode(task)) for task in tasks_before)
            self._db.executemany("insert into undo values (?, ?, ?)", rows)
            self._db.execute(
                "delete from undo where turn <= ? or at < ?",
                (turn - UNDO_GROUPS, now - KEPT_FOR),
            )

    def peek_undo(self) -> list[Task]:
        """What `pop_undo` would answer. Raises StoreError."""
        return self._undo(self._read(_LAST_UNDO, time.time() - KEPT_FOR))

    def undo_at(self) -> float:
        """When the tasks were changed that `pop_undo` would answer; 0 for none. Raises
        StoreError.
        """
        query = "select max(at) from undo where at >= ?"
        rows = self._read(query, time.time() - KEPT_FOR)
        return rows[0][0] or 0.0

    def pop_undo(self) -> list[Task]:
        """The tasks that were put away last, as they were before; they can't be asked
        for again. Raises StoreError.

        Only as long as the trash keeps their files. None where there are none.
        """
        if not self.peek_undo():
            return []
        with self._writing():
            rows = self._db.execute(_LAST_UNDO, (time.time() - KEPT_FOR,)).fetchall()
            self._db.executemany(
                "delete from undo where turn = ?", {(turn,) for turn, _ in rows}
            )
        return self._undo(rows)

    def _undo(self, rows: list[Any]) -> list[Task]:
        tasks = []
        for _, data in rows:
            with suppress(*schema.UNREADABLE):
                tasks.append(schema.decode(data))
        return tasks
