"""A file at an address of the service that everybody who knows it can read for a while."""

import time
from datetime import UTC, datetime

from msgspec import Struct

_LONGEST = 30 * 86400.0
"""Seconds; an end that is later is not believed."""


class PublicFile(Struct, frozen=True):
    """An uploaded file."""

    url: str
    ends_at: float = 0
    """Seconds since the epoch; 0 where the service doesn't say."""


def read_moment(text: object) -> float:
    """Returns the end that an ISO date names; 0 where it names none, or an odd one.

    Without a zone, it is taken as UTC.
    """
    if not isinstance(text, str):
        return 0.0
    try:
        named = datetime.fromisoformat(text)
        ends_at = (named if named.tzinfo else named.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return 0.0
    now = time.time()
    return ends_at if now < ends_at < now + _LONGEST else 0.0
