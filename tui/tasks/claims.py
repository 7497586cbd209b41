"""Who watches which task of the queue file."""

import json
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from tui.tasks import lease
from tui.tasks.lease import LEASE
from tui.tasks.task import Task
from tui.tasks.task_reader import LIVE_STATES, TaskReader

_HELD = """(owner not in ('', :owner) and lease_until between :now and :latest
    and owner not in (select value from json_each(:gone)))"""
_OWNERS = """
with recursive owners (owner) as (
    select (select min(owner) from tasks where owner <> '')
    union all
    select (
        select min(tasks.owner) from tasks
        where tasks.owner <> '' and tasks.owner > owners.owner
    )
    from owners where owners.owner is not null
)
select owner from owners where owner is not null
"""  # each name once, from one place of the index to the next
_CHUNK = 500


class Judge(NamedTuple):
    """What is needed to say whether a task is watched, as it is just now."""

    now: float
    gone: list[str]
    """Owners that have ended."""

    def held_by_another(self, owner: str, lease_until: float, ours: str) -> bool:
        return (
            owner != ours
            and owner not in self.gone
            and lease.is_held(owner, lease_until, self.now)
        )

    def values(self, ours: str) -> dict[str, object]:
        """What `_HELD` asks for."""
        latest = lease.latest_end(self.now)
        return {
            "owner": ours,
            "now": self.now,
            "latest": latest,
            "gone": json.dumps(self.gone),
        }


class Claims(TaskReader):
    """Gives and renews leases on tasks. Every method raises StoreError."""

    def lease(self, owner: str, ids: Iterable[str]) -> list[Task]:
        """Take the watch over tasks; the latest snapshots of those that no other
        process has.
        """
        taken = []
        with self._writing():
            judge = self._judge()
            for task_id in ids:
                known = self._db.execute(
                    "select owner, lease_until from tasks where id = ?", (task_id,)
                ).fetchone()
                if known and not judge.held_by_another(known[0], known[1], owner):
                    self._lease(owner, judge.now, task_id)
                    taken += self._tasks("where id = ?", task_id)
        return taken

    def claim(
        self,
        owner: str,
        base_url: str,
        ids: Iterable[str] | None = None,
        *,
        profile: str = "",
    ) -> list[Task]:
        """Take the watch over a profile's unfinished tasks that nobody is watching (of
        `ids`, or all).
        """
        free = f"where +base_url = :base_url and profile = :profile and not {_HELD}"
        asked: dict[str, object] = {"base_url": base_url, "profile": profile}
        if ids is None:
            free += f" and status in ({LIVE_STATES})"
        else:  # found by their ids: as good as all may be unfinished
            free += (
                f" and +status in ({LIVE_STATES}) and id in (select value from"
                " json_each(:ids))"
            )
            asked["ids"] = json.dumps(list(ids))
        with self._asking():
            asked |= self._judge().values(owner)
            if not self._db.execute(
                f"select 1 from tasks {free} limit 1", asked
            ).fetchone():
                return []  # the usual case takes no lock and writes nothing
        taken = []
        with self._writing():
            judge = self._judge()
            asked |= judge.values(owner)
            rows = self._db.execute(
                f"select id, data from tasks {free}", asked
            ).fetchall()
            for task in self._read_tasks(rows):
                if task.live:
                    self._lease(owner, judge.now, task.id)
                    taken.append(task)
        return taken

    def unfinished(self, owner: str = "") -> Iterator[tuple[Task, bool]]:
        """Every task of any base URL and profile that hasn't ended, or was made and
        isn't saved while that can still be fetched; with whether a living process other
        than `owner` watches it. Oldest first, a part of them at a time in memory.
        Raises StoreError.
        """
        live = f"select id from tasks where deleted = 0 and status in ({LIVE_STATES})"
        unsaved = (
            "select id from tasks where deleted = 0 and unsaved_until > 0 and"
            " unsaved_until >= ?"
        )
        found = {
            row[0] for row in (*self._read(live), *self._read(unsaved, time.time()))
        }
        for chunk in chunks(sorted(found)):
            with self._asking():
                values = {"ids": json.dumps(chunk), **self._judge().values(owner)}
                wanted = "id in (select value from json_each(:ids)) order by id"
                rows = self._db.execute(
                    f"select id, data, {_HELD} from tasks where {wanted}", values
                ).fetchall()
            held = {task_id for task_id, _, is_held in rows if is_held}
            for task in self._read_tasks((task_id, data) for task_id, data, _ in rows):
                yield task, task.id in held

    def renew(self, owner: str, ids: Iterable[str]) -> None:
        """Keep the watch over tasks."""
        until = lease_end(time.time())
        with self._writing():
            self._db.executemany(
                "update tasks set lease_until = ? where id = ? and owner = ?",
                ((until, task_id, owner) for task_id in ids),
            )

    def release(self, owner: str) -> None:
        """Let others watch what this process has watched."""
        with self._writing():
            # By the index
            free = (
                "update tasks set owner = '', lease_until = 0 where owner <> '' and"
                " owner = ?"
            )
            self._db.execute(free, (owner,))

    def _lease(self, owner: str, now: float, task_id: str) -> None:
        self._db.execute(
            "update tasks set owner = ?, lease_until = ? where id = ?",
            (owner, lease_end(now), task_id),
        )

    def _judge(self) -> Judge:
        """Raises sqlite3.Error."""
        owners = [row[0] for row in self._db.execute(_OWNERS)]
        return Judge(time.time(), [owner for owner in owners if lease.is_gone(owner)])


def lease_end(now: float) -> float:
    """Returns until when a lease holds that is given now."""
    return now + LEASE


def chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
