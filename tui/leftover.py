"""What is left unfinished in the queue: how many tasks, why, and the command that goes on with them.

No command may say that all is done while paid work isn't.
"""

import time
from collections.abc import Iterable
from enum import Enum

from msgspec import Struct

from tui.session import Session
from tui.tasks.send import CLOCK_ERROR, RESEND_FOR
from tui.tasks.task import SENT, SetAside, Status, Task
from tui.text import counted, money


class Reason(Enum):
    """Why a task is not finished, in the order in which that is said: verb for one task, for many, command, end."""

    SENT = ("is at the service, paid", "are at the service, paid", "resume", "follows {them}")
    WATCHED = (
        "is watched by another window or command",
        "are watched by another window or command",
        "resume",
        "follows {them} too",
    )
    UNSAVED = ("was made and is not saved", "were made and are not saved", "rescue", "fetches {them}")
    WAITED = ("took too long", "took too long", "resume", "follows {them} again")
    UNSURE = (
        "may have been made: the answer was lost",
        "may have been made: their answers were lost",
        "resume",
        "sends {them} again under the same key",
    )
    OLD = (
        "may have been made more than a day ago",
        "may have been made more than a day ago",
        "resume ID",
        "sends it again under the same key",
    )
    STOPPED = (
        "is no longer watched, still billed",
        "are no longer watched, still billed",
        "resume ID",
        "follows it",
    )
    IMPORTED = ("came with an import", "came with an import", "resume ID", "goes on with it")
    WAITING = ("waits to be sent", "wait to be sent", "resume", "sends {them}")
    SET_ASIDE = ("was set aside unsent", "were set aside unsent", "resume", "sends {them}")
    NEEDS_YOU = ("can't be sent as it is", "can't be sent as they are", "task ID", "says why")

    def sentence(self, tasks: "Tally", command: str) -> str:
        """`3 tasks are at the service, paid: `runapi-tui resume` follows them.`"""
        one, many, _, end = self.value
        state = one if tasks.count == 1 else many
        end = end.format(them="it" if tasks.count == 1 else "them")
        price = f", {tasks.price}" if self in (Reason.WAITING, Reason.SET_ASIDE) else ""
        return f"{counted(tasks.count, 'task')} {state}{price}: `{command}` {end}."


UNSENT = frozenset({Reason.WAITING, Reason.SET_ASIDE, Reason.NEEDS_YOU})
"""Reasons of tasks that were not sent, and so not paid."""


class Tally(Struct):
    """Some tasks counted, with what they are expected to cost."""

    count: int = 0
    micro: int = 0
    unknown: int = 0

    def add(self, task: Task) -> None:
        self.count += 1
        self.micro += task.estimate_micro or 0
        self.unknown += task.estimate_micro is None

    @property
    def price(self) -> str:
        """`about $2.60`, or `price unknown`."""
        if self.unknown == self.count:
            return "price unknown"
        more = f" and {self.unknown:,} of unknown price" if self.unknown else ""
        return f"about {money(self.micro)}{more}"


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
        if task.set_aside is SetAside.UNSURE or (task.status is Status.SUBMITTING and task.unsure):
            return Reason.UNSURE if is_recent(task) else Reason.OLD
        return aside.get(task.set_aside, Reason.STOPPED)
    if watched:
        return Reason.WATCHED
    if task.status is Status.SUBMITTING:
        return Reason.UNSURE if is_recent(task) else Reason.OLD
    return Reason.SENT if task.status in SENT else Reason.WAITING


def is_recent(task: Task) -> bool:
    """Whether an unsure task may be sent again under its key without being named."""
    return -CLOCK_ERROR <= time.time() - task.sent_at <= RESEND_FOR


def sentences(session: Session, unfinished: Iterable[tuple[Task, bool]]) -> list[str]:
    """A sentence for each kind of unfinished task, of every service and profile; none where all is done."""
    tallies: dict[tuple[str, str, Reason], Tally] = {}
    for task, watched in unfinished:
        key = task.base_url, task.profile, reason(task, watched)
        tallies.setdefault(key, Tally()).add(task)
    order = list(Reason)
    said = sorted(tallies.items(), key=lambda item: (*item[0][:2], order.index(item[0][2])))
    return [
        why.sentence(tally, session.command(why.value[2], base_url=base_url, profile=profile))
        for (base_url, profile, why), tally in said
    ]
