"""What `doctor` finds: one thing that works, may become a problem, or is one."""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct


class Level(StrEnum):
    """How bad a finding is; later ones are worse."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class Finding(Struct, frozen=True):
    """One thing that was checked. Its texts are for people, and show no key."""

    level: Level
    topic: str
    """What it is about, in a word: `key`, `proxy`, `queue`."""
    text: str
    """A sentence that says what was found."""
    next_step: str = ""
    """What to do, where there is something to do; empty if `text` says it."""


def worst(findings: Iterable[Finding]) -> Level:
    """Return the level of the worst finding."""
    order = list(Level)
    return max(
        (finding.level for finding in findings), key=order.index, default=Level.OK
    )
