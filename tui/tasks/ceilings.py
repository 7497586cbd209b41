"""The most that a job and a day may cost, and whether tasks would pass that.

What is spent is read in the transaction that writes the tasks: no other process can
spend the same sum in between. A job's ceiling counts all tasks of the job, the day's
counts all tasks of the queue file, whatever service they are for.
"""

import time
from datetime import date, timedelta
from typing import Literal, NamedTuple

from msgspec import Struct

from tui.tasks.ledger import CostSum, Read, limited
from tui.tasks.task import Status, Task
from tui.text import dollars

_AT_SERVICE = "('submitting', 'pending', 'processing')"
"""States of tasks whose charge may still change."""
_MADE = "('fetching', 'completed', 'expired')"
_COLUMNS = "model, estimate_micro, bill, status, bill_micro"
_OF_JOB = f"""
select {_COLUMNS} from tasks indexed by tasks_of_job
where job = ?2 and job <> '' and bill in ('said', 'guessed', 'live')
"""
_OF_DAY = f"""
select {_COLUMNS} from tasks indexed by tasks_of_day
where bill in ('said', 'guessed') and spent_at >= ?2 and spent_at < ?3
union all
select {_COLUMNS} from tasks indexed by tasks_of_day where bill = 'live'
"""
# What is at the service counts at least its estimate, whatever it says meanwhile. A
# task that was given back its price says nothing of what the next one costs.
_SUMS = f"""
select model, estimate_micro, count(*), count(amount), coalesce(sum(amount), 0),
    sum(is_open), max(charge)
from (
    select model, estimate_micro,
        status = '{Status.HELD}' or status in {_AT_SERVICE} as is_open,
        case when status in {_AT_SERVICE} and bill_micro < estimate_micro
            then estimate_micro else bill_micro end as amount,
        case when bill = 'said' and status not in {_AT_SERVICE}
            and (bill_micro > 0 or status in {_MADE}) then bill_micro end as charge
    from ({{tasks}}) where ?1 or status <> '{Status.HELD}'
) group by model, estimate_micro
"""
_UNKNOWN_AT_SERVICE = f"""
select 1 from tasks indexed by tasks_of_day
where bill = 'live' and status in {_AT_SERVICE}
    and (bill_micro is null or (model = ?1 and estimate_micro = ?2))
    and owner <> '' and lease_until >= ?3
limit 1
"""


class Ceilings(Struct, frozen=True):
    """Ceilings in micro-dollars; None: any sum."""

    job: int | None = None
    day: int | None = None

    def __bool__(self) -> bool:
        return self.job is not None or self.day is not None


NONE = Ceilings()


class Wanted(NamedTuple):
    """A request that is to be paid."""

    job: str
    """The job that it belongs to; "" for none."""
    model: str
    estimate_micro: int | None


class Passed(Struct, frozen=True):
    """A ceiling that would be passed."""

    setting: Literal["job_usd", "day_usd"]
    ceiling: int
    spent: CostSum
    """What counts towards it already."""

    def __str__(self) -> str:
        most = dollars(self.ceiling)
        spent = describe_sum(self.spent)
        if self.setting == "day_usd":
            return f"Today {spent} of {most} is spent or on its way (day_usd)."
        if not self.spent.tasks:
            return f"A job may cost {most} (job_usd)."
        return (
            f"This job may cost {most}, and {spent} is spent or on its way (job_usd)."
        )


class Verdict(NamedTuple):
    """What some requests would cost, and which ceilings that would pass."""

    cost: CostSum
    passed: tuple[Passed, ...]


class CeilingError(Exception):
    """Reports that a ceiling would be passed; nothing was written."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(" ".join(map(str, verdict.passed)))
        self.verdict = verdict


class ChargePendingError(Exception):
    """Reports that a charge has to be known before more is sent; nothing was written."""


_Row = tuple[str, int | None, int, int, int, int, int | None]
"""Model and estimate; of their tasks: the number, those of a known amount, its sum, how
many have not ended, and the highest charge.
"""


class _Scope(NamedTuple):
    """What a job or a day has cost."""

    total: CostSum
    charges: dict[tuple[str, int | None], int]
    """The highest charge by model and estimate, where one is known."""
    dearer: int = 0
    """Micro-dollars by which tasks that have not ended exceed their estimates, if they
    are charged like those that have.
    """


class Budget:
    """What is spent, and what requests would add to it.

    It reads the queue file when a request is added: that must come before its task is
    written. Raises sqlite3.Error.
    """

    def __init__(self, read: Read, ceilings: Ceilings, *, waiting: bool = True) -> None:
        """With `waiting`, tasks that wait to be sent count as spent."""
        self._read = read
        self._ceilings = ceilings
        self._waiting = waiting
        self._cost = CostSum()
        self._jobs: dict[str, _Scope] = {}
        self._job_costs: dict[str, CostSum] = {}
        self._day = _of_day(read, waiting) if ceilings else _Scope(CostSum(), {})

    def add(self, wanted: Wanted) -> None:
        """Counts a request."""
        if wanted.job not in self._jobs:
            self._jobs[wanted.job] = self._of_job(wanted.job)
        cost = self._expected(wanted)
        self._cost += cost
        job = wanted.job or f"\n{self._cost.tasks}"  # one without a job is one alone
        self._job_costs[job] = self._job_costs.get(job, CostSum()) + cost

    def verdict(self) -> Verdict:
        """Returns which ceilings all that was added would pass.

        An unknown price may pass any of them.
        """
        passed: list[Passed] = []
        most = self._ceilings.job
        if most is not None:
            for job, cost in self._job_costs.items():
                scope = self._jobs.get(job, _NOTHING)
                spent = scope.total + CostSum(0, scope.dearer)
                if may_exceed(spent + cost, most):
                    passed.append(Passed("job_usd", most, spent))
                    break  # of several jobs, the first explains it
        most = self._ceilings.day
        dearer = sum(scope.dearer for scope in self._jobs.values())
        spent = self._day.total + CostSum(0, dearer)
        if most is not None and may_exceed(spent + self._cost, most):
            passed.append(Passed("day_usd", most, spent))
        return Verdict(self._cost, tuple(passed))

    def is_priced(self, wanted: Wanted) -> bool:
        """Returns whether it is known what a request costs: a price of 0 is no price
        until a charge has shown it.
        """
        return bool(wanted.estimate_micro) or self._charge(wanted) is not None

    def _expected(self, wanted: Wanted) -> CostSum:
        """Returns the estimate, or the dearest charge for the same if that is more."""
        estimate = wanted.estimate_micro
        if estimate is None:
            return CostSum(1, 0, 0, 1)
        micro = limited(max(estimate, self._charge(wanted) or 0))
        return CostSum(1, micro, micro)

    def _charge(self, wanted: Wanted) -> int | None:
        """Returns the highest charge of the same job for the same, if one is known.

        Where the price is said to be 0, the day's other charges count too.
        """
        kind = (wanted.model, wanted.estimate_micro)
        known = [self._jobs.get(wanted.job, _NOTHING).charges.get(kind)]
        if wanted.estimate_micro == 0:
            known.append(self._day.charges.get(kind))
        return max((charge for charge in known if charge is not None), default=None)

    def _of_job(self, job: str) -> _Scope:
        if not self._ceilings or not job:
            return _NOTHING
        query = _SUMS.format(tasks=_OF_JOB)
        return _scope(self._read(query, self._waiting, job))


_NOTHING = _Scope(CostSum(), {})


def wanted(task: Task) -> Wanted:
    """Returns what it takes to send a task."""
    return Wanted(task.job, task.model, task.estimate_micro)


def check(read: Read, ceilings: Ceilings, task: Task) -> None:
    """Checks a task right before it is sent, against what was really charged.

    Other tasks that wait don't count. Raises CeilingError; ChargePendingError where a
    charge of unknown height is on its way, which decides; sqlite3.Error.
    """
    request = wanted(task)
    budget = Budget(read, ceilings, waiting=False)
    budget.add(request)
    verdict = budget.verdict()
    may_wait = all(
        passed.spent.micro + verdict.cost.micro <= passed.ceiling
        for passed in verdict.passed
    )
    is_open = bool(verdict.passed) or not budget.is_priced(request)
    is_known = request.estimate_micro is not None
    if is_known and is_open and may_wait and _is_unknown_at_service(read, request):
        raise ChargePendingError
    if verdict.passed:
        raise CeilingError(verdict)


def day_total(read: Read, now: float | None = None) -> CostSum:
    """Returns what counts towards the day's ceiling."""
    return _of_day(read, waiting=True, now=now).total


def may_exceed(total: CostSum, ceiling: int) -> bool:
    """Returns whether a sum is above a ceiling, or could be."""
    return total.unknown > 0 or total.micro > ceiling


def describe_sum(total: CostSum) -> str:
    """Returns a sum of known and unknown prices as words."""
    if total.unknown:
        return f"{dollars(total.micro)} and {total.unknown:,} of unknown price"
    return dollars(total.micro)


def describe_total(total: CostSum) -> str:
    """Returns `about $1.20 and 2 of unknown price`, `an unknown sum`, or the like."""
    if total.unknown and not total.micro:
        return "an unknown sum"
    return f"about {describe_sum(total)}"


def _is_unknown_at_service(read: Read, request: Wanted) -> bool:
    """Returns whether a living process has sent a task whose charge can be anything."""
    free = 0 if request.estimate_micro == 0 else -1
    return bool(read(_UNKNOWN_AT_SERVICE, request.model, free, time.time()))


def _of_day(read: Read, waiting: bool, now: float | None = None) -> _Scope:
    today = date.fromtimestamp(time.time() if now is None else now)
    begin = time.mktime(today.timetuple())
    end = time.mktime((today + timedelta(days=1)).timetuple())
    return _scope(read(_SUMS.format(tasks=_OF_DAY), waiting, begin, end))


def _scope(rows: list[_Row]) -> _Scope:
    total = CostSum()
    charges: dict[tuple[str, int | None], int] = {}
    dearer = 0
    for model, estimate, tasks, known, micro, unended, charge in rows:
        total += CostSum(tasks, micro, 0, tasks - known)
        if charge is None:
            continue
        charges[model, estimate] = charge
        if estimate == 0:  # no price at all
            total += CostSum(0, unended * charge)
        elif estimate is not None and charge > estimate:
            dearer += unended * (charge - estimate)
    return _Scope(total, charges, dearer)
