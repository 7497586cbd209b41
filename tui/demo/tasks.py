"""The tasks that were asked for, and the money that they cost. Their state is read off
the clock.
"""

import json
import sqlite3
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any
from uuid import uuid4

from msgspec import Struct

from tui.catalog.load import Catalog, bundled
from tui.catalog.price import MICRO_PER_CENT, estimate
from tui.catalog.spec import Model, RouteName, Values
from tui.demo.answers import Refusal, refuse
from tui.demo.store import DemoStore, fact, note
from tui.demo.trouble import DEAR_MICRO, FAILURES, ODD_STATUS, Trouble, troubles_in

Clock = Callable[[], float]
Row = tuple[Any, ...]

KEPT_TASKS = 10_000
# What the demo takes for a model whose price nobody has listed
UNLISTED_PRICE_CENTS = 10
DAY = 86400

_SELECT = "select id, key, digest, route, action, model, params, cost, born, duration from tasks"
_OVER = ":now - born >= duration"


class Fingerprint(Struct, frozen=True):
    """What makes two creates the same one."""

    key: str
    """The Idempotency-Key, or nothing."""
    digest: str
    """Of the path and the body."""

    @property
    def name(self) -> str:
        return self.key or self.digest


class DemoTask(Struct, frozen=True, kw_only=True):
    """One accepted request."""

    id: str
    route: RouteName
    model: Model
    values: Values
    trouble: frozenset[Trouble]
    cost: int
    """In micro-dollars."""
    born: float
    duration: float
    origin: Fingerprint

    def finished(self, now: float) -> bool:
        return now - self.born >= self.duration and Trouble.ODD not in self.trouble

    def failure(self, now: float) -> Trouble | None:
        """Why it has failed, if it has."""
        if not self.finished(now):
            return None
        return next((trouble for trouble in FAILURES if trouble in self.trouble), None)

    def status(self, now: float) -> str:
        """`pending`, `processing`, `completed`, or a word that its trouble asks for."""
        if Trouble.ODD in self.trouble:
            return ODD_STATUS
        if failure := self.failure(now):
            return FAILURES[failure]
        if self.finished(now):
            return "completed"
        return "pending" if now - self.born < self.duration / 4 else "processing"


def fingerprint(key: str, path: str, body: Values) -> Fingerprint:
    content = json.dumps([path, body], sort_keys=True)
    return Fingerprint(key, blake2b(content.encode(), digest_size=16).hexdigest())


def price(model: Model, values: Values) -> int:
    """What the demo takes for a request, in micro-dollars."""
    listed = estimate(model, values).micro
    return UNLISTED_PRICE_CENTS * MICRO_PER_CENT if listed is None else listed


class KeyTakenError(Exception):
    """Another process has made a task with this Idempotency-Key in the meantime."""


class TaskRegistry:
    """All tasks, and the account that pays for them."""

    def __init__(
        self,
        *,
        delay: float,
        balance_cents: int,
        clock: Clock,
        catalog: Catalog | None = None,
        file: Path | None = None,
    ) -> None:
        """Kept in `file`, or else in memory.

        An account in a file is filled up by the next process once less than a tenth is
        left: play money must not end for good.
        """
        self.store = DemoStore(file, clock)
        self.clock = self.store.now
        self._catalog = catalog or bundled()
        self._delay = delay
        self._start = balance_cents * MICRO_PER_CENT
        self._may_fill_up = file is not None

    def add(
        self, route: RouteName, model: Model, values: Values, origin: Fingerprint
    ) -> DemoTask:
        """Take a task that was found valid, and reserve its price. Raises Refusal or
        KeyTakenError.
        """
        trouble = troubles_in(values.get("prompt", ""))
        cost = DEAR_MICRO if Trouble.DEAR in trouble else price(model, values)
        refund = cost if trouble & FAILURES.keys() else 0
        task_id = f"tsk_{uuid4().hex}" if route == "unified" else str(uuid4())
        duration = self._delay * _pace(task_id) * (10 if Trouble.SLOW in trouble else 1)

        def added(database: sqlite3.Connection) -> float:
            if self._keyed(database, origin):
                raise KeyTakenError
            now = self.store.time(database)
            left, _, _ = self._account(database, now)
            if cost > left:
                refuse(402, "Insufficient credits")
            _forget(database, now)
            asked = (
                origin.key or None,
                origin.digest,
                route,
                model.action,
                model.slug,
                json.dumps(values),
            )
            row = (task_id, *asked, cost, refund, now, duration)
            database.execute(
                f"insert into tasks values ({', '.join('?' * len(row))})", row
            )
            note(database, "latest", now)
            return now

        return DemoTask(
            id=task_id,
            route=route,
            model=model,
            values=values,
            trouble=trouble,
            cost=cost,
            born=self.store.write(added),
            duration=duration,
            origin=origin,
        )

    def find(self, task_id: str) -> DemoTask | None:
        """Raises Refusal where nobody can say whether there is such a task."""
        row = self.store.read(
            lambda database: database.execute(
                f"{_SELECT} where id = ?", (task_id,)
            ).fetchone()
        )
        if not row and self.store.partial:
            raise Refusal(
                503, {"error": "The demo's file can't be read at the moment."}
            )
        return self._task(row) if row else None

    def replayed(self, origin: Fingerprint) -> DemoTask | None:
        """The task that this key has made already."""
        row = self.store.read(lambda database: self._keyed(database, origin))
        return self._task(row) if row else None

    def first(self, name: str, trouble: Trouble, times: int = 1) -> bool:
        """Whether this trouble comes up for the first time under that name, or one of
        the first `times`.
        """

        def count(database: sqlite3.Connection) -> int:
            found = "select times from troubles where name = ? and word = ?"
            row = database.execute(found, (name, trouble)).fetchone()
            return int(row[0]) if row else 0

        def counted(database: sqlite3.Connection) -> bool:
            before = count(database)
            if not before:
                database.execute(
                    "insert into troubles values (?, ?, 0)", (name, trouble)
                )
                oldest = "delete from troubles where rowid <= (select max(rowid) from troubles) - ?"
                database.execute(oldest, (KEPT_TASKS,))
            database.execute(
                "update troubles set times = times + 1 where name = ? and word = ?",
                (name, trouble),
            )
            return before < times

        return self.store.read(count) < times and self.store.write(counted)

    def account(self) -> tuple[int, int]:
        """What is left and what was spent, in micro-dollars. Live tasks hold their
        price.
        """
        left, spent, _ = self.statement()
        return left, spent

    def statement(self) -> tuple[int, int, int]:
        """What is left, what was spent, and what of that since midnight (UTC), in
        micro-dollars.
        """

        def stated(database: sqlite3.Connection) -> tuple[int, int, int]:
            return self._account(database, self.store.time(database))

        return (
            self.store.write(stated) if self._may_fill_up else self.store.read(stated)
        )

    def _account(
        self, database: sqlite3.Connection, now: float
    ) -> tuple[int, int, int]:
        paid = f"select total(cost) - total(case when {_OVER} then refund else 0 end) from tasks"
        (live,) = database.execute(paid, {"now": now}).fetchone()
        (today,) = database.execute(
            f"{paid} where born >= :now - :since", {"now": now, "since": now % DAY}
        ).fetchone()
        spent = live + fact(database, "forgotten")
        funds = fact(database, "funds", self._start)
        if self._may_fill_up and funds - spent < self._start / 10:
            funds = spent + self._start
            note(database, "funds", funds)
        self._may_fill_up = False
        return int(funds - spent), int(spent), int(today)

    def _keyed(self, database: sqlite3.Connection, origin: Fingerprint) -> Row | None:
        """The task of a key. Raises Refusal if it was made of other input."""
        row: Row | None = database.execute(
            f"{_SELECT} where key = ?", (origin.key,)
        ).fetchone()
        if row and row[2] != origin.digest:
            message = "This Idempotency-Key was used with other input."
            raise Refusal(
                409, {"error": {"code": "request_conflict", "message": message}}
            )
        return row

    def _task(self, row: Row) -> DemoTask | None:
        """None for a task of a model that the catalog doesn't have any more."""
        task_id, key, digest, route, action, slug, params, cost, born, duration = row
        model = self._catalog.get(action, slug)
        if not model:
            return None
        values = json.loads(params)
        return DemoTask(
            id=task_id,
            route=route,
            model=model,
            values=values,
            trouble=troubles_in(values.get("prompt", "")),
            cost=cost,
            born=born,
            duration=duration,
            origin=Fingerprint(key or "", digest),
        )


def _forget(database: sqlite3.Connection, now: float) -> None:
    """Drop the oldest task that is over, if there are too many."""
    (count,) = database.execute("select count(*) from tasks").fetchone()
    if count < KEPT_TASKS:
        return
    oldest = (
        f"select rowid, cost - refund from tasks where {_OVER} order by rowid limit 1"
    )
    row = database.execute(oldest, {"now": now}).fetchone()
    if row:
        database.execute("delete from tasks where rowid = ?", (row[0],))
        note(database, "forgotten", fact(database, "forgotten") + row[1])


def _pace(task_id: str) -> float:
    """0.7 to 1.3: no two pictures take equally long."""
    return 0.7 + 0.6 * blake2b(task_id.encode(), digest_size=1).digest()[0] / 255
