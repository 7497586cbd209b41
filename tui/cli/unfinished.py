"""What is left unfinished in the queue, and the commands that continue it.

No command may claim that all is done while paid work isn't.
"""

from collections.abc import Iterable
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from tui.session import Session
from tui.spending import ceilings
from tui.system import shell
from tui.tasks.ceilings import describe_total
from tui.tasks.ledger import CostSum
from tui.tasks.submit import may_be_resent
from tui.tasks.task import SENT, SetAside, Status, Task
from tui.text import by_count

if TYPE_CHECKING:
    from tui.tasks.engine import Engine

MOST_IDS = 3
"""How many ids are named where a command needs them."""


class _Words(NamedTuple):
    """A command, and the sentences that name it for one task and for many.

    `{commands}` is the command in quotes, with the number of ids that it leaves out.
    """

    command: str
    one: str
    many: str


class Reason(Enum):
    """Why a task is not finished, in the order in which the reasons are listed."""

    SENT = _Words(
        "resume",
        "1 task is at the service, paid: `{command}` follows it.",
        "{count} tasks are at the service, paid: `{command}` follows them.",
    )
    WATCHED = _Words(
        "resume",
        "1 task is watched by another window or command: `{command}` follows it too.",
        "{count} tasks are watched by another window or command:"
        " `{command}` follows them too.",
    )
    UNSAVED = _Words(
        "rescue",
        "1 task was made and is not saved: `{command}` tries to fetch it.",
        "{count} tasks were made and are not saved: `{command}` tries to fetch them.",
    )
    WAITED = _Words(
        "resume",
        "1 task took too long: `{command}` follows it again.",
        "{count} tasks took too long: `{command}` follows them again.",
    )
    UNSURE = _Words(
        "resume",
        "1 task may have been made: the answer was lost."
        " `{command}` sends it again under the same key.",
        "{count} tasks may have been made: their answers were lost."
        " `{command}` sends them again under the same keys.",
    )
    OLD = _Words(
        "resume {ids}",
        "1 task may have been made more than a day ago:"
        " {commands} sends it again under the same key.",
        "{count} tasks may have been made more than a day ago:"
        " {commands} sends them again under the same keys.",
    )
    STOPPED = _Words(
        "resume {ids}",
        "1 task is no longer watched, still billed: {commands} follows it.",
        "{count} tasks are no longer watched, still billed: {commands} follows them.",
    )
    IMPORTED = _Words(
        "resume {ids}",
        "1 imported task was at the service: {commands} asks for it, free of charge.",
        "{count} imported tasks were at the service: {commands} asks for them, free of"
        " charge.",
    )
    IMPORTED_UNSENT = _Words(
        "resume {ids}",
        "1 imported task waits unsent: {commands} sends it as a new paid request,"
        " {cost}.",
        "{count} imported tasks wait unsent: {commands} sends them as new paid requests,"
        " {cost} for all.",
    )
    CEILING = _Words(
        "resume --over-budget {ids}",
        "1 task was not sent because of a spending limit: {commands} sends it anyway.",
        "{count} tasks were not sent because of a spending limit:"
        " {commands} sends them anyway.",
    )
    PROBED = _Words(
        "resume {ids}",
        "1 task was set aside by a probe, {cost}: {commands} sends it.",
        "{count} tasks were set aside by a probe, {cost}: {commands} sends them.",
    )
    WAITING = _Words(
        "resume",
        "1 task waits to be sent, {cost}: `{command}` sends it.",
        "{count} tasks wait to be sent, {cost}: `{command}` sends them.",
    )
    SET_ASIDE = _Words(
        "resume",
        "1 task was set aside unsent, {cost}: `{command}` sends it.",
        "{count} tasks were set aside unsent, {cost}: `{command}` sends them.",
    )
    NEEDS_YOU = _Words(
        "task {ids}",
        "1 task can't be sent as it is: `{command}` says why.",
        "{count} tasks can't be sent as they are: `{command}` says why.",
    )


_BY_SET_ASIDE = {
    SetAside.WAITED: Reason.WAITED,
    SetAside.IMPORTED: Reason.IMPORTED,
    SetAside.INTERRUPTED: Reason.SET_ASIDE,
    SetAside.CEILING: Reason.CEILING,
    SetAside.PROBED: Reason.PROBED,
}
_ORDER = list(Reason)


class _Tally:
    """Counts tasks, adds up their prices, and knows the ids to name."""

    def __init__(self) -> None:
        self.total = CostSum()
        self._names: dict[str, None] = {}

    @property
    def ids(self) -> list[str]:
        """The first ids."""
        return list(islice(self._names, MOST_IDS))

    @property
    def left_out(self) -> int:
        """How many ids are not among the first ones."""
        return max(0, len(self._names) - MOST_IDS)

    def add(self, task: Task, price: int | None) -> None:
        self.total += ceilings.estimated_total([price])
        name = task.id
        if task.set_aside in (SetAside.CEILING, SetAside.PROBED):
            name = task.job or task.id  # whole jobs are set aside
        self._names[name] = None


def reason(task: Task, is_elsewhere: bool) -> Reason:
    """Return why a task is unfinished.

    `is_elsewhere` says that another process works on it.
    """
    if task.imported and not task.watched:
        is_unsent = task.status is Status.HELD
        return Reason.IMPORTED_UNSENT if is_unsent else Reason.IMPORTED
    if task.lacks_picture:
        return Reason.UNSAVED
    if task.status is Status.HELD and task.error:
        return Reason.NEEDS_YOU
    if task.watched and is_elsewhere:
        return Reason.WATCHED
    if _may_have_been_made(task):
        return Reason.UNSURE if may_be_resent(task) else Reason.OLD
    if not task.watched:
        return _BY_SET_ASIDE.get(task.set_aside, Reason.STOPPED)
    return Reason.SENT if task.status in SENT else Reason.WAITING


def _may_have_been_made(task: Task) -> bool:
    if task.status is Status.SUBMITTING and (task.watched or task.unsure):
        return True
    return task.set_aside is SetAside.UNSURE


def keeps_open(engine: "Engine", task: Task) -> bool:
    """Return whether an unfinished task is paid, or waits here to be sent."""
    if task.imported and not task.watched:
        return False
    return task.status is not Status.HELD or engine.belongs_here(task)


def sentences(session: Session, unfinished: Iterable[tuple[Task, bool]]) -> list[str]:
    """Return a sentence for each kind of unfinished task, of every service and profile.

    Each task comes with whether another process works on it.
    """
    tallies: dict[tuple[str, str, int], _Tally] = {}
    for task, is_elsewhere in unfinished:
        order = _ORDER.index(reason(task, is_elsewhere))
        base_url, profile = task.base_url, task.profile
        if task.imported:
            # Where it was sent is the word of a file: no command leads there.
            base_url, profile = "", session.profile
        key = base_url, profile, order
        (price,) = ceilings.prices_again(session.catalog, [task])
        tallies.setdefault(key, _Tally()).add(task, price)
    return [
        _sentence(session, _ORDER[order], tally, base_url=base_url, profile=profile)
        for (base_url, profile, order), tally in sorted(
            tallies.items(), key=lambda item: item[0]
        )
    ]


def _sentence(
    session: Session, why: Reason, tally: _Tally, *, base_url: str, profile: str
) -> str:
    words = why.value
    # A command that shows one task takes one id.
    ids = tally.ids[:1] if why is Reason.NEEDS_YOU else tally.ids
    command = session.command(
        words.command.format(ids=shell.command(ids)), base_url=base_url, profile=profile
    )
    commands = f"`{command}`"
    if tally.left_out:
        commands = f"`{command}` (and {tally.left_out:,} more)"
    return by_count(
        tally.total.tasks,
        words.one,
        words.many,
        command=command,
        commands=commands,
        cost=describe_total(tally.total),
    )


def unsent(session: Session, unsent_tasks: list[Task]) -> str:
    """Return how many tasks were set aside, their price, and the commands for them."""
    return by_count(
        len(unsent_tasks),
        "1 task set aside unsent ({cost}): `{resume}` sends it, `{drop}` takes it"
        " back.",
        "{count} tasks set aside unsent ({cost}): `{resume}` sends them, `{drop}` takes"
        " them back.",
        cost=_cost(unsent_tasks),
        resume=session.command("resume"),
        drop=_drop_command(session, unsent_tasks),
    )


def interrupted(session: Session, unsent_tasks: list[Task], sent: int) -> str:
    """Return what an interruption leaves behind, and the commands that continue it.

    `sent` is the number of tasks at the service.
    """
    resume = session.command("resume")
    if not unsent_tasks:
        return by_count(
            sent,
            "Interrupted: 1 task at the service.\n`{resume}` continues.",
            "Interrupted: {count} tasks at the service.\n`{resume}` continues.",
            resume=resume,
        )
    values = {
        "cost": _cost(unsent_tasks),
        "resume": resume,
        "drop": _drop_command(session, unsent_tasks),
        "sent": f"{sent:,}",
    }
    if not sent:
        return by_count(
            len(unsent_tasks),
            "Interrupted: 1 set aside unsent ({cost}).\n`{resume}` sends it; `{drop}`"
            " takes back what was not sent.",
            "Interrupted: {count} set aside unsent ({cost}).\n`{resume}` sends them;"
            " `{drop}` takes back what was not sent.",
            **values,
        )
    return by_count(
        len(unsent_tasks),
        "Interrupted: {sent} at the service, 1 set aside unsent ({cost}).\n`{resume}`"
        " continues all of them; `{drop}` takes back what was not sent.",
        "Interrupted: {sent} at the service, {count} set aside unsent ({cost}).\n"
        "`{resume}` continues all of them; `{drop}` takes back what was not sent.",
        **values,
    )


def _cost(tasks: list[Task]) -> str:
    total = ceilings.estimated_total([task.estimate_micro for task in tasks])
    return describe_total(total)


def _drop_command(session: Session, tasks: list[Task]) -> str:
    """Return the command that takes back these tasks, and no others if that is short."""
    if len(tasks) == 1:
        return session.command(f"drop {shell.word(tasks[0].id)}")
    jobs = {task.job for task in tasks}
    if len(jobs) == 1 and "" not in jobs:
        return session.command(f"drop {shell.word(jobs.pop())}")
    return session.command("drop --all")
