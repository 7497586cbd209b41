"""What is left unfinished in the queue: how many tasks, why, and the command that goes
on with them.

No command may say that all is done while paid work isn't.
"""

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from tui.service.base_url import canonical
from tui.session import Session
from tui.spending import ceilings
from tui.tasks.ledger import CostSum
from tui.tasks.submit import may_be_resent
from tui.tasks.task import SENT, SetAside, Status, Task
from tui.text import counted

MOST_IDS = 3
"""So many ids are named where a command wants them."""


class _Words(NamedTuple):
    """How a reason is told: of one task, of many, the command that goes on, and what
    that does.
    """

    one: str
    many: str
    command: str
    end: str


class Reason(Enum):
    """Why a task is not finished, in the order in which that is said."""

    SENT = _Words(
        "is at the service, paid",
        "are at the service, paid",
        "resume",
        "follows {them}",
    )
    WATCHED = _Words(
        "is watched by another window or command",
        "are watched by another window or command",
        "resume",
        "follows {them} too",
    )
    UNSAVED = _Words(
        "was made and is not saved",
        "were made and are not saved",
        "rescue",
        "tries to fetch {them}",
    )
    WAITED = _Words("took too long", "took too long", "resume", "follows {them} again")
    UNSURE = _Words(
        "may have been made: the answer was lost",
        "may have been made: their answers were lost",
        "resume",
        "sends {them} again under the same key",
    )
    OLD = _Words(
        "may have been made more than a day ago",
        "may have been made more than a day ago",
        "resume {ids}",
        "sends {them} again under the same key",
    )
    STOPPED = _Words(
        "is no longer watched, still billed",
        "are no longer watched, still billed",
        "resume {ids}",
        "follows {them}",
    )
    IMPORTED = _Words(
        "came with an import",
        "came with an import",
        "resume {ids}",
        "goes on with {them}",
    )
    WAITING = _Words("waits to be sent", "wait to be sent", "resume", "sends {them}")
    SET_ASIDE = _Words(
        "was set aside unsent", "were set aside unsent", "resume", "sends {them}"
    )
    NEEDS_YOU = _Words(
        "can't be sent as it is", "can't be sent as they are", "task {ids}", "says why"
    )


class _Tally:
    """Some tasks counted, with what they are expected to cost and the ids of the first."""

    def __init__(self) -> None:
        self.sum = CostSum()
        self.ids: list[str] = []

    def add(self, task: Task) -> None:
        self.sum += ceilings.wanted([task.estimate_micro])
        if len(self.ids) < MOST_IDS:
            self.ids.append(task.id)


def reason(task: Task, watched: bool) -> Reason:
    """Why a task is unfinished; `watched` says that another process is at it."""
    aside = {
        SetAside.WAITED: Reason.WAITED,
        SetAside.IMPORTED: Reason.IMPORTED,
        SetAside.INTERRUPTED: Reason.SET_ASIDE,
    }
    if task.lacks_picture:
        return Reason.UNSAVED
    if task.status is Status.HELD and task.error:
        return Reason.NEEDS_YOU
    if not task.watched:
        if task.set_aside is SetAside.UNSURE or (
            task.status is Status.SUBMITTING and task.unsure
        ):
            return Reason.UNSURE if may_be_resent(task) else Reason.OLD
        return aside.get(task.set_aside, Reason.STOPPED)
    if watched:
        return Reason.WATCHED
    if task.status is Status.SUBMITTING:
        return Reason.UNSURE if may_be_resent(task) else Reason.OLD
    return Reason.SENT if task.status in SENT else Reason.WAITING


def counts(session: Session, task: Task) -> bool:
    """Whether a task keeps a command from saying that all is done: it is paid, or waits
    here to be sent.
    """
    if task.status is not Status.HELD:
        return True
    here = (task.base_url, task.profile) == (
        canonical(session.credential.base_url),
        session.profile,
    )
    return here and task.set_aside is not SetAside.IMPORTED


def sentences(session: Session, unfinished: Iterable[tuple[Task, bool]]) -> list[str]:
    """A sentence for each kind of unfinished task, of every service and profile; none
    where all is done.
    """
    tallies: dict[tuple[str, str, Reason], _Tally] = {}
    for task, watched in unfinished:
        key = task.base_url, task.profile, reason(task, watched)
        tallies.setdefault(key, _Tally()).add(task)
    order = list(Reason)
    found = sorted(
        tallies.items(), key=lambda item: (*item[0][:2], order.index(item[0][2]))
    )
    return [
        _sentence(session, base_url, profile, why, tally)
        for (base_url, profile, why), tally in found
    ]


def _sentence(
    session: Session, base_url: str, profile: str, why: Reason, tally: _Tally
) -> str:
    """`3 tasks are at the service, paid: `runapi-tui resume` follows them.`"""
    count, words = tally.sum.tasks, why.value
    state = words.one if count == 1 else words.many
    # A command that shows one task takes one id.
    ids = tally.ids[:1] if why is Reason.NEEDS_YOU else tally.ids
    command = session.command(
        words.command.format(ids=" ".join(ids)), base_url=base_url, profile=profile
    )
    end = words.end.format(them="it" if count == 1 else "them")
    price = (
        f", {ceilings.costs(tally.sum)}"
        if why in (Reason.WAITING, Reason.SET_ASIDE)
        else ""
    )
    return f"{counted(count, 'task')} {state}{price}: `{command}` {end}."
