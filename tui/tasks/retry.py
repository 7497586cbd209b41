"""How long to wait before asking again, and when to stop."""

import random

from tui.service.errors import ServiceError

LONGEST_PAUSE = 60.0
"""Seconds between polls of a task whose answers make no sense yet, at most."""
LONGEST_DOWNLOAD_PAUSE = 600.0
"""Seconds between tries to fetch a result, at most."""
LONGEST_REST = 3600.0
"""Seconds. No service asks to wait for longer, and no upload lasts longer: a later
moment is of a wrong clock.
"""


class GaveUpError(Exception):
    """Bounded patience is over; the task stays as it is and can be resumed."""

    def __init__(self, problem: ServiceError) -> None:
        super().__init__(str(problem))
        self.problem = problem


def poll_pause(age: float) -> float:
    """Seconds until the next poll of a task that was sent `age` seconds ago; hardly any
    image takes less than the first of them.
    """
    if age < 20:
        return 2.0 if age else 2.5
    return 3.0 if age < 60 else random.uniform(5.0, 7.0)


def growing(pause: float, times: int) -> float:
    """Seconds until the next poll where `times` polls in a row have brought nothing
    that makes sense.
    """
    return max(pause, min(LONGEST_PAUSE, pause * 1.5 ** min(times, 20)))


def backoff(failures: int, longest: float = 30.0) -> float:
    """Seconds to wait after so many failures in a row: doubling, jittered, at most
    about `longest`.
    """
    return min(longest, 0.5 * 2.0 ** min(failures, 12)) * random.uniform(0.75, 1.25)
