"""Tasks: paid requests as frozen snapshots, and how their status may change."""

import json
import os
import time
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from tui.catalog.extra import extra_of
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
    """Why an unfinished task is not continued automatically."""

    NO = ""
    INTERRUPTED = "interrupted"
    """Its command was interrupted before the task was sent: it can be dropped."""
    WAITED = "waited"
    """It did not end within the longest wait: `resume` follows it again."""
    UNSURE = "unsure"
    """It may be made and billed: sending it again did not settle that."""
    STOPPED = "stopped"
    """The user stopped watching it."""
    IMPORTED = "imported"
    """It came from an export of another queue."""
    CEILING = "ceiling"
    """It would have passed a spending limit: it was not sent, and can be dropped."""
    PROBED = "probed"
    """The cheapest task of its job was sent first: the user is to look at that."""


_S = Status
NEXT: dict[Status, frozenset[Status]] = {
    # Not sent: it can be edited and dropped.
    _S.HELD: frozenset({_S.SUBMITTING, _S.DROPPED, _S.REJECTED}),
    # On its way, its outcome unknown until a response is read. The same bytes and key
    # may be sent again. It is held again only if the request surely made nothing.
    _S.SUBMITTING: frozenset(
        {_S.HELD, _S.PENDING, _S.PROCESSING, _S.FETCHING, _S.FAILED, _S.REJECTED}
    ),
    # At the server, and billed: it can't be cancelled.
    _S.PENDING: frozenset({_S.PROCESSING, _S.FETCHING, _S.FAILED, _S.EXPIRED}),
    _S.PROCESSING: frozenset({_S.PENDING, _S.FETCHING, _S.FAILED, _S.EXPIRED}),
    # Made, not saved yet.
    _S.FETCHING: frozenset({_S.COMPLETED, _S.FAILED, _S.EXPIRED}),
    # The user may poll, watch or fetch again what exists at the server.
    _S.COMPLETED: frozenset({_S.FETCHING, _S.PROCESSING}),
    _S.FAILED: frozenset({_S.FETCHING, _S.PROCESSING}),
    _S.EXPIRED: frozenset({_S.FETCHING, _S.PENDING}),
    # 400, 422 and the like: never charged.
    _S.REJECTED: frozenset(),
    _S.DROPPED: frozenset(),
}
LIVE = frozenset({_S.HELD, _S.SUBMITTING, _S.PENDING, _S.PROCESSING, _S.FETCHING})
UNKNOWN_MODEL = "unknown"
"""Stands for the model of a task that was made elsewhere, where nobody named it."""
NO_PROFILE = "none"
"""The word for no profile on the command line."""
CLOCK_ERROR = 60.0
"""Seconds that two clocks may differ without being wrong."""
URL_LIVES = 7 * 86400.0
"""Seconds for which a result can be fetched, by RunAPI's documentation."""
SENT = frozenset({_S.SUBMITTING, _S.PENDING, _S.PROCESSING, _S.FETCHING})


Moment = Annotated[float, Meta(ge=0, le=1e11)]
"""Seconds since the epoch, as far as clocks and calendars can tell them."""
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""How many or how large, as far as a database can hold it."""
Amount = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""Micro-dollars, as far as a database can hold them."""


REJECTED = -1
"""The rating of a picture that the user doesn't want."""
MOST_STARS = 5
Rating = Annotated[int, Meta(ge=REJECTED, le=MOST_STARS)]
"""Stars, 0 for none yet, or `REJECTED`."""
MOST_TAGS = 20
LONGEST_TAG = 40
Tag = Annotated[str, Meta(max_length=LONGEST_TAG)]


class RetriedError(Exception):
    """The task was retried already: a second press is not a second payment."""

    def __init__(self) -> None:
        super().__init__("This task was retried already; nothing more was sent.")


class SentError(Exception):
    """The task can't be changed any more."""

    def __init__(self) -> None:
        super().__init__("The task was sent meanwhile: it can't be changed any more.")


class Problem(Struct, frozen=True):
    """An error: a kind for programs, a sentence for people."""

    kind: str
    message: str


class Result(Struct, frozen=True, kw_only=True):
    """One image of a task: its URL, and its saved file."""

    url: str
    label: str = ""
    """Its place in the image, if it is only a layer: `layer 2`, `segment 1: sky`."""
    path: str = ""
    reserved: str = ""
    """The path that the verified file is about to get.

    It is recorded before the file has that name, so that the file is known as this
    result's after a kill.
    """
    sha256: str = ""
    """Digest of the saved file, in hex."""
    format: str = ""
    width: Count = 0
    height: Count = 0
    bytes: Count = 0
    rating: Rating = 0
    """What the user thinks of it."""


class Task(Struct, frozen=True, kw_only=True):
    """One paid request, from the user's confirmation to the saved images.

    Times are in seconds since the epoch, amounts in micro-dollars.
    """

    id: Annotated[str, Meta(pattern=r"\A[\w-]{1,64}\Z")]
    action: str
    model: str
    service: str
    base_url: str
    profile: str = ""
    """The profile whose key it is sent and polled with; "" for none."""
    route: RouteName
    values: Values
    status: Status = Status.HELD
    created_at: Moment
    updated_at: Moment = 0
    revision: Count = 0
    """Counts the snapshots: the newer of two is known whatever the clocks say."""
    sent_at: Moment = 0
    resend_at: Moment = 0
    """When the user last chose to send an unsure request again.

    Automatic tries count from then on.
    """
    finished_at: Moment = 0
    body: bytes = b""
    """The exact bytes to send; b"" while local files have to be uploaded."""
    key: str = ""
    """The Idempotency-Key that belongs to `body`."""
    caller_key: str = ""
    """The key that the caller gave, which is sent with every body; "" for none.

    One queue has one task of a key, for a base URL and profile.
    """
    caller_input: str = ""
    """A digest of what that key was given for."""
    uploads_until: Moment = 0
    """Until when the service can read the uploads in `body`; 0 where unknown."""
    remote_id: str = ""
    location: str = ""
    word: str = ""
    """The last status in the server's own word."""
    progress: str = ""
    note: str = ""
    """A sentence about what the task waits for, or ""."""
    error: Problem | None = None
    results: tuple[Result, ...] = ()
    cost_micro: Amount | None = None
    estimate_micro: Amount | None = None
    out_dir: str = ""
    unsure: bool = False
    """True once a try may have reached the server without an answer.

    The task may be made and billed.
    """
    watched: bool = True
    """False while the task is set aside: it continues only if the user asks for it.

    What was sent is billed nevertheless.
    """
    set_aside: SetAside = SetAside.NO
    """Why `watched` is False."""
    over_ceiling: bool = False
    """True once the user has agreed that it may pass a spending limit."""
    retry_of: str = ""
    retried_by: str = ""
    """The task that was sent in place of this one.

    This one is not sent again without a question.
    """
    after: str = ""
    """The id of the task whose picture it works from, if it was to wait for that."""
    after_param: str = ""
    """The parameter that gets the picture; empty once it has it."""
    typed: str = ""
    """The prompt as it was typed, if the task has one of its alternatives."""
    job: str = ""
    """The same for all tasks that were submitted together."""
    rank: float = 0
    """Set once the user has moved the task in the queue; see `turn`."""
    polls: Count = 0
    quiet: bool = False
    """True while the server has reported no change for long."""
    made_at: Moment = 0
    """When the server first reported the end.

    The results' URLs are valid for `URL_LIVES` from then on.
    """
    favourite: bool = False
    tags: Annotated[tuple[Tag, ...], Meta(max_length=MOST_TAGS)] = ()
    """The user's own words for it, in lower case."""
    cleared: bool = False
    """True once the user cleared it from the queue; it stays in the history."""
    deleted: bool = False
    """True once the user deleted it; it only counts as spending."""
    imported: bool = False
    """True if `import` read it from a file, which anybody may have written.

    It is history: its files are never moved or deleted, its cost counts for no limit,
    and nothing is sent by its word.
    """
    adopted: bool = False
    """True if another program sent it: what it asked for isn't known here, and its cost
    counts for no limit.
    """

    @property
    def turn(self) -> tuple[float, str]:
        """The sort key of waiting tasks: the lowest is sent first."""
        return self.rank or self.created_at, self.id

    @property
    def awaited(self) -> str:
        """The id of the task whose picture it still waits for, or ""."""
        return self.after if self.after_param else ""

    @property
    def expires_at(self) -> float:
        """When the URLs of unsaved results expire; 0 where nothing can be lost.

        What was imported is not this program's to lose.
        """
        if self.imported or not self.made_at or not self.has_unsaved:
            return 0
        return self.made_at + URL_LIVES

    @property
    def has_unsaved(self) -> bool:
        return any(not result.path for result in self.results)

    @property
    def prompt(self) -> str:
        """The prompt as it is sent: an extra parameter of that name comes first."""
        sent = extra_of(self.values).get("prompt")
        if sent is None:
            sent = self.values.get("prompt", "")
        return sent if isinstance(sent, str) else json.dumps(sent)

    @property
    def caption(self) -> str:
        """The prompt, or what else may tell it apart."""
        return self.prompt or ("made elsewhere" if self.adopted else self.model)

    @property
    def seed(self) -> str:
        """The seed that was asked for, or ""."""
        return str(self.values.get("seed", ""))

    @property
    def rating(self) -> int:
        """The best rating of its pictures; 0 where none has any."""
        return max((result.rating for result in self.results), default=0)

    @property
    def live(self) -> bool:
        """True while the task is continued automatically."""
        if self.status is Status.HELD and self.error:
            return False
        return self.status in LIVE and self.watched

    @property
    def successor(self) -> str:
        """The id of the task that it was sent again as, where its note lacks that."""
        return "" if self.retried_by in self.note else self.retried_by

    @property
    def lacks_picture(self) -> bool:
        """True if it was made and paid, has ended, and is not completely saved."""
        if self.status is _S.COMPLETED:
            kind = self.error.kind if self.error else ""
            return kind == "empty" or (kind == "download" and self.has_unsaved)
        if self.status is _S.EXPIRED:
            return bool(self.remote_id)
        return self.status is _S.FAILED and self.has_unsaved

    @property
    def saved(self) -> list[int]:
        """The indexes of the results that have a file."""
        return [index for index, result in enumerate(self.results) if result.path]

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(result.path for result in self.results if result.path)

    @property
    def has_own_files(self) -> bool:
        """Whether this program saved its files: an imported task may name any."""
        return bool(self.files) and not self.imported

    def change(self, status: Status | None = None, **fields: Any) -> "Task":
        """Returns the next snapshot.

        Raises ValueError for a status that can't follow this one.
        """
        new_status = status or self.status
        if new_status is not self.status:
            if new_status not in NEXT[self.status]:
                raise ValueError(f"a {self.status} task can't become {new_status}")
            if new_status not in LIVE:
                fields.setdefault("finished_at", time.time())
        return msgspec.structs.replace(
            self,
            status=new_status,
            updated_at=time.time(),
            revision=self.revision + 1,
            **fields,
        )


NEWEST = "~"
"""Sorts after every id: tasks below it begin with the newest."""
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_moment = 0


def new_id() -> str:
    """Returns a local id: ten characters of time and four random ones.

    Ids sort in the order in which they were made.
    """
    global _moment
    _moment = max(time.time_ns() // 1_000_000, _moment + 1)
    stamp = "".join(_ALPHABET[_moment >> shift & 31] for shift in range(45, -5, -5))
    return stamp + "".join(_ALPHABET[byte & 31] for byte in os.urandom(4))
