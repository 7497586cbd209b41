"""The tasks that were asked for, and the money that they cost. Their state is read off the clock."""

import json
from collections.abc import Callable
from hashlib import blake2b
from uuid import uuid4

from msgspec import Struct

from tui.catalog.price import MICRO_PER_CENT, estimate
from tui.catalog.spec import Model, RouteName, Values
from tui.demo.answers import Refusal, refuse
from tui.demo.trouble import Trouble, scripted

Clock = Callable[[], float]

KEPT_TASKS = 10_000
UNLISTED_PRICE_CENTS = 10  # what the demo takes for a model whose price nobody has listed


class Fingerprint(Struct, frozen=True):
    """What makes two creates the same one."""

    key: str
    """The Idempotency-Key, or nothing."""
    digest: str
    """Of the path and the body."""

    @property
    def name(self) -> str:
        return self.key or self.digest


class Task(Struct, frozen=True, kw_only=True):
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
        return now - self.born >= self.duration

    def status(self, now: float) -> str:
        """`pending`, `processing`, `completed` or `failed`."""
        if self.finished(now):
            return "failed" if Trouble.FAIL in self.trouble else "completed"
        return "pending" if now - self.born < self.duration / 4 else "processing"


def fingerprint(key: str, path: str, body: Values) -> Fingerprint:
    content = json.dumps([path, body], sort_keys=True)
    return Fingerprint(key, blake2b(content.encode(), digest_size=16).hexdigest())


def price(model: Model, values: Values) -> int:
    """What the demo takes for a request, in micro-dollars."""
    listed = estimate(model, values).micro
    return UNLISTED_PRICE_CENTS * MICRO_PER_CENT if listed is None else listed


class TaskBook:
    """All tasks, and the account that pays for them."""

    def __init__(self, *, delay: float, balance_cents: int, clock: Clock) -> None:
        self.clock = clock
        self._delay = delay
        self._funds = balance_cents * MICRO_PER_CENT
        self._spent = 0
        self._tasks: dict[str, Task] = {}
        self._unsettled: dict[str, Task] = {}
        self._by_key: dict[str, Task] = {}
        self._once: dict[tuple[str, str], None] = {}

    def add(self, route: RouteName, model: Model, values: Values, origin: Fingerprint) -> Task:
        """Take a task that was found valid, and reserve its price."""
        cost = price(model, values)
        self._settle()
        if cost > self._funds - self._spent:
            refuse(402, "Insufficient credits")
        self._forget()
        trouble = scripted(values.get("prompt", ""))
        task_id = f"tsk_{uuid4().hex}" if route == "unified" else str(uuid4())
        task = Task(
            id=task_id,
            route=route,
            model=model,
            values=values,
            trouble=trouble,
            cost=cost,
            born=self.clock(),
            duration=self._delay * _pace(task_id) * (10 if Trouble.SLOW in trouble else 1),
            origin=origin,
        )
        self._spent += cost
        self._tasks[task.id] = self._unsettled[task.id] = task
        if origin.key:
            self._by_key[origin.key] = task
        return task

    def find(self, task_id: str) -> Task | None:
        return self._tasks.get(task_id)

    def replayed(self, origin: Fingerprint) -> Task | None:
        """The task that this key has made already."""
        task = self._by_key.get(origin.key)
        if task and task.origin.digest != origin.digest:
            message = "This Idempotency-Key was used with other input."
            raise Refusal(409, {"error": {"code": "request_conflict", "message": message}})
        return task

    def first(self, name: str, trouble: Trouble) -> bool:
        """Whether this trouble comes up for the first time under that name."""
        if (name, trouble) in self._once:
            return False
        self._once[name, trouble] = None
        if len(self._once) > KEPT_TASKS:
            del self._once[next(iter(self._once))]
        return True

    def account(self) -> tuple[int, int]:
        """What is left and what was spent, in micro-dollars. Live tasks hold their price."""
        self._settle()
        return self._funds - self._spent, self._spent

    def _settle(self) -> None:
        """Give back the price of tasks that have failed since the last time."""
        now = self.clock()
        for task in [task for task in self._unsettled.values() if task.finished(now)]:
            del self._unsettled[task.id]
            if task.status(now) == "failed":
                self._spent -= task.cost

    def _forget(self) -> None:
        """Drop the oldest task, if there are too many and it is over."""
        if len(self._tasks) < KEPT_TASKS:
            return
        task = next((task for task in self._tasks.values() if task.id not in self._unsettled), None)
        if task:
            del self._tasks[task.id]
            if self._by_key.get(task.origin.key) is task:
                del self._by_key[task.origin.key]


def _pace(task_id: str) -> float:
    """0.7 to 1.3: no two pictures take equally long."""
    return 0.7 + 0.6 * blake2b(task_id.encode(), digest_size=1).digest()[0] / 255
