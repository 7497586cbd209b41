"""Computes how long to wait before another try."""

import random

from tui.service import retry_after
from tui.service.errors import ServiceError

LONGEST_PAUSE = 60.0
"""Seconds between polls of a task whose answers make no sense yet, at most."""
LONGEST_DOWNLOAD_PAUSE = 600.0
"""Seconds between tries to fetch a result, at most."""
LONGEST_REST = retry_after.LONGEST
"""Seconds that a service asks to wait, or that an upload lasts, at most.

A later moment comes from a clock that was wrong.
"""


def asked_pause(
    pause: float, asked: float | None, longest: float = LONGEST_REST
) -> float:
    """Returns the seconds to wait where the service asked to wait so many.

    It may ask for more than the usual `pause`, up to `longest`, and never for less.
    """
    return max(pause, min(asked or 0.0, longest))


class GaveUpError(Exception):
    """Reports that the tries are used up; the task is unchanged and can be resumed."""

    def __init__(self, problem: ServiceError) -> None:
        super().__init__(str(problem))
        self.problem = problem


def poll_pause(age: float) -> float:
    """Returns the seconds until the next poll of a task that was sent `age` s ago."""
    if age == 0:
        return 2.5  # hardly any image takes less
    if age < 20:
        return 2.0
    if age < 60:
        return 3.0
    return random.uniform(5.0, 7.0)


def growing(pause: float, times: int) -> float:
    """Returns the seconds until the next poll, after `times` that made no sense."""
    grown = pause * 1.5 ** min(times, 20)
    return max(pause, min(LONGEST_PAUSE, grown))


def backoff(failures: int, longest: float = 30.0) -> float:
    """Returns the seconds to wait after so many failures in a row.

    They double each time, up to `longest`, and vary by a quarter.
    """
    pause = min(longest, 0.5 * 2.0 ** min(failures, 12))
    return pause * random.uniform(0.75, 1.25)
