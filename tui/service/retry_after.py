"""How long a `Retry-After` header asks to wait, in every form in which it is written."""

import math
import re
import time
from datetime import UTC, datetime

LONGEST = 3600.0
"""Seconds that are believed: a later moment comes from a clock that is wrong."""
_MOST_CHARACTERS = 200
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_WORDS = {
    "ms": "ms msec msecs millis millisecond milliseconds",
    "s": "s sec secs second seconds",
    "m": "m min mins minute minutes",
    "h": "h hour hours",
}
_UNIT_OF = {word: unit for unit, words in _WORDS.items() for word in words.split()}
# Matches one part of a span: possessive, so that nothing is tried twice.
_PART = re.compile(r"(\d++(?:\.\d++)?+)\s*+([a-z]++)\s*+")
_EPOCH = 1e9
"""A number from here on is a moment in seconds since the epoch, not a span."""
_EPOCH_MS = 1e11
"""A number from here on is a moment in milliseconds."""


def seconds_of(header: str) -> float | None:
    """Returns the seconds to wait, at most `LONGEST`; None where no wait is named.

    A header that came twice ("30, 30") asks for the longest of its values.
    """
    text = header.strip().strip("\"'").strip()
    if not text or len(text) > _MOST_CHARACTERS:
        return None
    seconds = _of_value(text)
    if seconds is None:
        values = map(_of_value, re.split(r"[,;]\s*(?=\d|\Z)|(?<=GMT),\s*", text))
        named = [value for value in values if value is not None]
        seconds = max(named, default=None)
    if seconds is None or not seconds >= 0:
        return None
    return min(seconds, LONGEST)


def _of_value(text: str) -> float | None:
    """Returns the seconds in a number, a span with units, or until a date."""
    try:
        number = float(text)
    except ValueError:
        span = _span(text)
        return _until(text) if span is None else span
    if not _EPOCH <= number < math.inf:
        return number
    moment = number / 1000 if number >= _EPOCH_MS else number
    return moment - time.time()


def _span(text: str) -> float | None:
    """Returns the seconds in a text such as `30s` or `1m 30s`; None for any other."""
    folded = text.lower()
    total = 0.0
    end = 0
    while end < len(folded):
        part = _PART.match(folded, end)
        unit = _UNIT_OF.get(part[2]) if part else None
        if part is None or unit is None:
            return None
        total += float(part[1]) * _UNITS[unit]
        end = part.end()
    return total


def _until(text: str) -> float | None:
    """Returns the seconds until a date of HTTP or ISO 8601; one without zone is UTC."""
    from email.utils import parsedate_to_datetime  # rarely needed

    moment: datetime | None = None
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = parse(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        break
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return moment.timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
