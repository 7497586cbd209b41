"""Pictures of tasks, as contact sheets and exports take them; and what is said of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tui.tasks.task import Result, Status, Task
from tui.text import dollars, one_line

_LONGEST_VALUE = 60
_ID_END = 6
"""Last characters of an id: enough for commands to find the task."""


@dataclass(frozen=True)
class Picture:
    """One result of a task, or a task that has no picture."""

    task: Task
    index: int | None
    """Which result; None where the task has no picture."""
    path: Path | None
    """Its file."""

    @property
    def result(self) -> Result | None:
        return None if self.index is None else self.task.results[self.index]

    @property
    def rating(self) -> int:
        """What the user thinks of it, as of a result; 0 where there is no picture."""
        return self.result.rating if self.result else 0


def pictures_of(tasks: Iterable[Task]) -> Iterator[Picture]:
    """Yields the saved pictures of tasks, and each task without any once.

    Tasks that were dropped, or sent again as others, are left out where they have none.
    """
    for task in tasks:
        for index in task.saved:
            yield Picture(task, index, Path(task.results[index].path))
        is_replaced = task.retried_by or task.status is Status.DROPPED
        if not task.saved and not is_replaced:
            yield Picture(task, None, None)


def facts(picture: Picture) -> dict[str, str]:
    """Returns what is said of a picture, by name: first its prompt and model.

    Nothing tells of folders of this machine, or holds a secret.
    """
    from tui.tasks import provenance  # loads Pillow

    task = picture.task
    told = {"prompt": one_line(task.prompt), "model": one_line(task.model)}
    told["action"] = one_line(task.action.replace("_", " "))
    for name, value in provenance.facts_of(task).values.items():
        if name != "prompt":
            told[name] = _as_fact(name, value)
    if task.cost_micro is not None:
        told["cost"] = dollars(task.cost_micro)
    if picture.rating:
        told["rating"] = "rejected"
    if picture.rating > 0:
        told["rating"] = "★" * picture.rating
    return told


def place_in_task(picture: Picture) -> str:
    """Returns which of its task's pictures it is, or "" where there is one alone."""
    result = picture.result
    if result is None or picture.index is None or len(picture.task.results) == 1:
        return ""
    return one_line(result.label) or f"{picture.index + 1}/{len(picture.task.results)}"


def id_end(task: Task) -> str:
    """Returns the end of a task's id, by which commands find it."""
    return task.id[-_ID_END:]


def why_missing(task: Task) -> str:
    """Returns why a task has no picture: its status, and what went wrong."""
    if task.error:
        return f"{task.status}: {one_line(task.error.message)}"
    if task.results:
        return "not saved"
    return str(task.status)


def _as_fact(name: str, value: object) -> str:
    text = _as_text(value)
    # A word speaks for itself: 16:9, high
    if isinstance(value, list) or (isinstance(value, str) and not value.isdecimal()):
        return text
    return f"{one_line(name.replace('_', ' '))} {text}"


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    return one_line(value, _LONGEST_VALUE)
