"""How long to wait before asking again, and when to stop."""

import random

from tui.service.errors import ServiceError


class GaveUpError(Exception):
    """Bounded patience is over; the task stays as it is and can be resumed."""

    def __init__(self, problem: ServiceError) -> None:
        super().__init__(str(problem))
        self.problem = problem


def poll_pause(age: float) -> float:
    """Seconds until the next poll of a task that was sent `age` seconds ago; hardly any image takes less than
    the first of them."""
    if age < 20:
        return 2.0 if age else 2.5
    return 3.0 if age < 60 else random.uniform(5.0, 7.0)


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row: doubling, jittered, at most about half a minute."""
    return min(30.0, 0.5 * 2.0 ** min(failures, 8)) * random.uniform(0.75, 1.25)
