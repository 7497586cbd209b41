"""A job of which the cheapest task is sent first, for the user to look at."""

from collections.abc import Sequence

from msgspec.structs import replace

from tui.catalog.price import cheapest
from tui.tasks.task import SetAside, Task

_NOTE = "Not sent yet: look at the first picture of this job, then send it."


def but_one_set_aside(tasks: Sequence[Task]) -> list[Task]:
    """Returns the tasks of a job, of which only the cheapest is sent for now."""
    first = tasks[cheapest([task.estimate_micro for task in tasks])]
    return [task if task is first else set_aside(task) for task in tasks]


def set_aside(task: Task) -> Task:
    """Returns a task that isn't sent until the user has seen the first of its job."""
    return replace(
        task,
        watched=False,
        set_aside=SetAside.PROBED,
        over_ceiling=False,  # the user has agreed to the first one alone
        note=_NOTE,
    )
