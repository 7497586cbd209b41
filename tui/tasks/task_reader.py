"""What is asked of the tasks on disk."""

import json
from collections.abc import Iterable

from msgspec.structs import replace

from tui.tasks import ceilings, ledger, past_prompts, schema
from tui.tasks.caller_key import is_free_again
from tui.tasks.lineage import MOST_NAMES
from tui.tasks.queue_file import QueueFile
from tui.tasks.restore import newest
from tui.tasks.search import conditions, order_of
from tui.tasks.task import LIVE, NEWEST, Status, Task

LIVE_STATES = ", ".join(f"'{status}'" for status in sorted(LIVE))
"""For `status in (...)`."""
NAMED = "id in (select value from json_each(?))"


class TaskReader(QueueFile):
    """Reads tasks, their events and their costs. Every method raises StoreError."""

    def get(self, task_id: str) -> Task | None:
        """By local id, the unique end or start of one, or the server's id."""
        if not task_id or not task_id.isprintable():
            return None
        exact = self._tasks("where id = ?1 or remote_id = ?1", task_id)
        if exact or len(task_id) < 4 or not task_id.isalnum():
            return exact[0] if exact else None
        near = self._tasks(
            "where id like ?1 || '%' or id like '%' || ?1 limit 2", task_id
        )
        return near[0] if len(near) == 1 else None

    def of_caller_key(self, task: Task) -> Task | None:
        """The task that has the same caller's key, deleted or not."""
        found = self._tasks(
            "where caller_key = ? and caller_key <> '' and base_url = ? and profile = ?"
            " order by id",
            *(task.caller_key, task.base_url, task.profile),
        )
        return next((known for known in found if not is_free_again(known)), None)

    def of_remote_id(self, base_url: str, remote_id: str) -> Task | None:
        """This program's own task of the service's id, deleted or not."""
        found = self._tasks(
            "where remote_id = ? and base_url = ? order by id", remote_id, base_url
        )
        return next((task for task in found if not task.imported), None)

    def shown(self, limit: int) -> list[Task]:
        """Returns the latest and all unfinished tasks, newest first."""
        latest = self._tasks(
            "where cleared = 0 and deleted = 0 order by id desc limit ?", limit
        )
        unfinished = self._tasks(f"where deleted = 0 and status in ({LIVE_STATES})")
        merged = {task.id: task for task in (*latest, *unfinished)}
        return [task for _, task in sorted(merged.items(), reverse=True)]

    def search(
        self, query: str = "", limit: int = 500, last: Task | None = None
    ) -> list[Task]:
        """Returns the first tasks that a search line asks for, in its order.

        With `last`, the last one of a page as it was found, those below it. See `search`.
        """
        wanted, values = conditions(query)
        order = order_of(query)
        below, place = order.below(last)
        found = (
            f"select id from tasks indexed by tasks_found where {below} and {wanted}"
            f" order by {order.columns} limit ?"
        )
        return self._tasks(
            f"where id in ({found}) order by {order.columns}", *place, *values, limit
        )

    def of_picture(self, sha256: str) -> Task | None:
        """The newest task that isn't deleted and saved a file with this digest.

        No index leads there: all tasks are read, in about a second for 100,000.
        """
        if not sha256:
            return None
        found = self._tasks(
            "where deleted = 0 and instr(data, ?) order by id desc limit 20",
            f'"{sha256}"'.encode(),
        )
        for task in found:
            if any(result.sha256 == sha256 for result in task.results):
                return task
        return None

    def with_pictures(self, names: Iterable[str], limit: int = 200) -> list[Task]:
        """Returns the newest tasks that made or used files of these names."""
        listed = [f"\n{name}\n" for name in names][:MOST_NAMES]
        if not listed:
            return []
        wanted = " or ".join("instr(pictures, ?)" for _ in listed)
        found = (
            "select id from tasks indexed by tasks_found where deleted = 0 and"
            f" ({wanted}) order by id desc limit ?"
        )
        return self._tasks(f"where id in ({found}) order by id desc", *listed, limit)

    def prompts(self, query: str = "", before: str = NEWEST) -> past_prompts.PromptPage:
        """Returns the prompts of the latest tasks of ids below `before`.

        Those are the tasks that a search line asks for; deleted ones are left out.
        """
        wanted, values = conditions(query)
        found = (
            f"select id from tasks indexed by tasks_found where id < ? and {wanted}"
            " order by id desc limit ?"
        )
        most = past_prompts.AT_ONCE
        rows = self._read(
            f"select id, data from tasks where id in ({found}) order by id desc",
            *(before, *values, most),
        )
        return past_prompts.page(rows)

    def of_job(self, job: str) -> list[Task]:
        """All tasks of a job, oldest first."""
        return self._tasks("where job = ? and deleted = 0 order by id", job)

    def named(self, ids: Iterable[str]) -> list[Task]:
        """The tasks of these ids."""
        return self._tasks(f"where {NAMED}", json.dumps(list(ids)))

    def newest(self) -> int:
        """The number of the last write of a task; a new file begins at 0. Raises
        StoreError.
        """
        with self._asking():
            number = newest(self._db)
        self.highest = max(self.highest, number)
        return number

    def changed_since(self, seq: int) -> tuple[list[Task], int]:
        """Snapshots written after the write of that number, in turn; and the number of
        the last write.
        """
        latest = self.newest()
        if latest <= seq:
            return [], latest
        return (
            self._tasks("where seq > ? and seq <= ? order by seq", seq, latest),
            latest,
        )

    def begun_since(self, seq: int) -> list[str]:
        """Ids of tasks written after the write of this number that are no longer mere
        drafts. Raises StoreError.
        """
        query = "select id from tasks where seq > ? and status <> ?"
        return [task_id for (task_id,) in self._read(query, seq, Status.HELD)]

    def data_version(self) -> int:
        """A number that changes whenever another process writes. DamagedError where the
        file is another one.
        """
        with self._asking():
            self._check_place()
            return int(self._db.execute("pragma data_version").fetchone()[0])

    def events(self, task_id: str) -> list[tuple[float, str, str]]:
        """When, what, and the server's own words, oldest first."""
        return self._read(
            "select at, event, raw from events where task_id = ? order by at, rowid",
            task_id,
        )

    def spent(self, base_url: str) -> ledger.CurrentSpending:
        """Returns the spending at a base URL, today and this month."""
        spent = ledger.current_spending(self._read, base_url)
        return replace(spent, day=ceilings.day_total(self._read))

    def spending_report(self, base_url: str) -> ledger.SpendingReport:
        """Returns the spending at a base URL, by day and by model."""
        report = ledger.spending_report(self._read, base_url)
        return replace(report, day=ceilings.day_total(self._read))

    def judge(
        self, wanted: Iterable[ceilings.Wanted], most: ceilings.Ceilings
    ) -> ceilings.Verdict:
        """Returns what requests would cost, and which ceilings that would pass now."""
        budget = ceilings.Budget(self._read, most)
        for request in wanted:
            budget.add(request)
        return budget.verdict()

    def _tasks(self, where: str, *values: object) -> list[Task]:
        return self._read_tasks(
            self._read(f"select id, data from tasks {where}", *values)
        )

    def _read_tasks(self, rows: Iterable[tuple[str, bytes]]) -> list[Task]:
        tasks = []
        for task_id, data in rows:
            try:
                tasks.append(_decoded(task_id, data))
            except schema.UNREADABLE as error:
                notice = (
                    f"Task {task_id} in the queue file can't be read and is left out:"
                    f" {error}."
                )
                if notice not in self.notices:
                    self.notices.append(notice)
        return tasks


def _decoded(task_id: str, data: bytes) -> Task:
    """Returns a row's task. Raises what is in `UNREADABLE`, also for another's data."""
    task = schema.decode(data)
    if task.id != task_id:
        raise TypeError("its data is of another task")
    return task
