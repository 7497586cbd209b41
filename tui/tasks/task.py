"""A task: one paid request, as frozen snapshots, and the one table of how its status
may change.
"""

import secrets
import time
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from tui.catalog.spec import RouteName, Values


class Status(StrEnum):
    HELD = "held"
    SUBMITTING = "submitting"
    PENDING = "pending"
    PROCESSING = "processing"
    FETCHING = "fetching"
    COMPLETED = "completed"
    FAILED = "failed"
    EXPIRED = "expired"
    REJECTED = "rejected"
    DROPPED = "dropped"


class SetAside(StrEnum):
    """Why an unfinished task is not carried on automatically."""

    NO = ""
    INTERRUPTED = "interrupted"
    """Its command was interrupted before the task was sent: free to drop, sent only
    when asked for.
    """
    WAITED = "waited"
    """The longest wait for its end has passed: `resume` follows it again."""
    UNSURE = "unsure"
    """It may have been made and billed, and sending it again did not settle that."""
    STOPPED = "stopped"
    """The user stopped watching it."""
    IMPORTED = "imported"
    """It came from an export of another queue."""


_S = Status
NEXT: dict[Status, frozenset[Status]] = {
    # Not sent: free to edit and to drop.
    _S.HELD: frozenset({_S.SUBMITTING, _S.DROPPED, _S.REJECTED}),
    # On its way, outcome unknown until an answer is read; the same bytes and key may be
    # sent again. Back to held only where the request surely made nothing.
    _S.SUBMITTING: frozenset(
        {_S.HELD, _S.PENDING, _S.PROCESSING, _S.FETCHING, _S.FAILED, _S.REJECTED}
    ),
    # At the server, billed: can't be cancelled.
    _S.PENDING: frozenset({_S.PROCESSING, _S.FETCHING, _S.FAILED, _S.EXPIRED}),
    _S.PROCESSING: frozenset({_S.PENDING, _S.FETCHING, _S.FAILED, _S.EXPIRED}),
    # Made, not saved yet.
    _S.FETCHING: frozenset({_S.COMPLETED, _S.FAILED, _S.EXPIRED}),
    # By hand: ask, watch or fetch once more what exists at the server.
    _S.COMPLETED: frozenset({_S.PROCESSING}),
    _S.FAILED: frozenset({_S.FETCHING}),
    _S.EXPIRED: frozenset({_S.FETCHING, _S.PENDING}),
    # 400, 422 and their like: never charged.
    _S.REJECTED: frozenset(),
    _S.DROPPED: frozenset(),
}
LIVE = frozenset({_S.HELD, _S.SUBMITTING, _S.PENDING, _S.PROCESSING, _S.FETCHING})
NO_PROFILE = "none"
"""What having no profile is called on the command line."""
URL_LIVES = 7 * 86400.0
"""Seconds for which a result can be fetched, by RunAPI's own documents."""
SENT = frozenset({_S.SUBMITTING, _S.PENDING, _S.PROCESSING, _S.FETCHING})


class RetriedError(Exception):
    """The task was retried already: a second press is not a second payment."""

    def __init__(self) -> None:
        super().__init__("This task was retried already; nothing more was sent.")


class Problem(Struct, frozen=True):
    """What went wrong: a kind for programs, a sentence for people."""

    kind: str
    message: str


class Result(Struct, frozen=True, kw_only=True):
    """One image of a task: its URL, its saved file, what the file is."""

    url: str
    label: str = ""
    """What it is within its task, if not simply the image: `base`, `layer 2`, `segment
    1: sky`.
    """
    path: str = ""
    reserved: str = ""
    """The path that the verified file is about to get. It is on disk before the file
    has that name, so that whoever goes on after a kill knows the file as this result's.
    """
    sha256: str = ""
    """Digest of the file as it was saved, in hex."""
    format: str = ""
    width: int = 0
    height: int = 0
    bytes: int = 0


class Task(Struct, frozen=True, kw_only=True):
    """One paid request, from the user's confirmation to the saved images. Times are
    seconds since the epoch.
    """

    id: str
    action: str
    model: str
    service: str
    base_url: str
    profile: str = ""
    """The profile whose key it is sent and asked for with; empty: none."""
    route: RouteName
    values: Values
    status: Status = Status.HELD
    created_at: float
    updated_at: float = 0
    revision: int = 0
    """Counts the snapshots of this task, so that the newer of two is known whatever the
    clocks say.
    """
    sent_at: float = 0
    resend_at: float = 0
    """When the user last wished an unsure request to be sent again; automatic tries
    count from then on.
    """
    finished_at: float = 0
    body: bytes = b""
    """The exact bytes to send; empty while local files still have to be uploaded."""
    key: str = ""
    """The Idempotency-Key that belongs to `body`."""
    uploads_until: float = 0
    """Until when the service can read the uploaded files that `body` names; 0 where
    nothing is known of them.
    """
    remote_id: str = ""
    location: str = ""
    word: str = ""
    """The status as the server last put it."""
    progress: str = ""
    note: str = ""
    """What is being waited for just now, if it is worth a sentence."""
    error: Problem | None = None
    results: tuple[Result, ...] = ()
    cost_micro: int | None = None
    estimate_micro: int | None = None
    out_dir: str = ""
    unsure: bool = False
    """True once a try may have reached the server without an answer: it may have been
    made, and billed.
    """
    watched: bool = True
    """False while the task is set aside: what was sent is still billed, and it goes on
    only when asked.
    """
    set_aside: SetAside = SetAside.NO
    """Why `watched` is False."""
    retry_of: str = ""
    retried_by: str = ""
    """The task that was sent in place of this one; it is not sent once more without a
    question.
    """
    job: str = ""
    """What was submitted together carries the same one."""
    rank: float = 0
    """Set once the user has moved the task among those that wait; see `turn`."""
    polls: int = 0
    quiet: bool = False
    """True while the server has had no news of the task for long."""
    made_at: float = 0
    """When the server was first seen to have finished; the results' URLs live for
    `URL_LIVES` from then on.
    """
    favourite: bool = False
    cleared: bool = False
    """True once the user cleared it from the queue; the history still has it."""
    deleted: bool = False
    """True once the user deleted it; kept for the books alone."""

    @property
    def turn(self) -> tuple[float, str]:
        """What waits is sent in this order, lowest first."""
        return self.rank or self.created_at, self.id

    @property
    def expires_at(self) -> float:
        """When the URLs of results that are not saved end; 0 where nothing is left to
        lose.
        """
        unsaved = any(not result.path for result in self.results)
        return self.made_at + URL_LIVES if unsaved and self.made_at else 0

    @property
    def prompt(self) -> str:
        return str(self.values.get("prompt", ""))

    @property
    def live(self) -> bool:
        """Still to be carried on, by itself."""
        return (
            self.status in LIVE
            and self.watched
            and not (self.status is Status.HELD and self.error)
        )

    @property
    def lacks_picture(self) -> bool:
        """Whether it was made and paid, has ended, and something of it is not saved
        here.
        """
        if self.status is _S.COMPLETED:
            return self.error is not None and self.error.kind == "empty"
        if self.status is _S.EXPIRED:
            return bool(self.remote_id)
        return self.status is _S.FAILED and any(
            not result.path for result in self.results
        )

    @property
    def saved(self) -> list[int]:
        """Which of the results are files here."""
        return [index for index, result in enumerate(self.results) if result.path]

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(result.path for result in self.results if result.path)

    def change(self, status: Status | None = None, **fields: Any) -> "Task":
        """The next snapshot. Raises ValueError for a status that can't follow this one."""
        after = status or self.status
        if after is not self.status and after not in NEXT[self.status]:
            raise ValueError(f"a {self.status} task can't become {after}")
        if after is not self.status and after not in LIVE:
            fields.setdefault("finished_at", time.time())
        return msgspec.structs.replace(
            self,
            status=after,
            updated_at=time.time(),
            revision=self.revision + 1,
            **fields,
        )


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_moment = 0


def new_id() -> str:
    """A local id: ten characters of time, so that ids sort as they were made, and four
    of chance.
    """
    global _moment
    _moment = max(time.time_ns() // 1_000_000, _moment + 1)
    stamp = "".join(_ALPHABET[_moment >> shift & 31] for shift in range(45, -5, -5))
    return stamp + "".join(secrets.choice(_ALPHABET) for _ in range(4))
