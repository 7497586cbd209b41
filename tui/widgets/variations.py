"""What is different in the tasks of a job, as captions say it."""

from collections.abc import Callable, Collection, Iterable

from tui.catalog.extra import EXTRA
from tui.tasks.task import Task

MOST = 3
"""Varied values that a caption or a row names."""


def varying(tasks: Iterable[Task]) -> list[str]:
    """Returns the names of values, apart from the prompt, that vary in tasks."""
    seen: dict[str, object] = {}
    found: dict[str, None] = {}
    for task in tasks:
        for name, value in task.values.items():
            if seen.setdefault(name, value) != value:
                found[name] = None
    found.pop("prompt", None)
    found.pop(EXTRA, None)
    return list(found)[:MOST]


def words(task: Task, names: Iterable[str]) -> str:
    """Returns these values of a task; a word speaks for itself, others have their name."""
    return " · ".join(
        value if isinstance(value, str) else f"{name.replace('_', ' ')} {value}"
        for name in names
        if (value := task.values.get(name)) is not None
    )


class Variations:
    """Finds what varies in the jobs of many tasks, once it is asked for."""

    def __init__(self, tasks: Iterable[Task] = ()) -> None:
        self._jobs: dict[str, list[Task]] = {}
        for task in tasks:
            if task.job:
                self._jobs.setdefault(task.job, []).append(task)
        self._names: dict[str, list[str]] = {}

    def of(
        self,
        task: Task,
        title_of: Callable[[Task], str],
        but: Collection[str] = (),
    ) -> str:
        """Returns the model, if the job has several, and the values that vary.

        Names in `but` are left out. Empty for a task that was submitted alone.
        """
        tasks = self._jobs.get(task.job)
        if not tasks:
            return ""
        if task.job not in self._names:
            self._names[task.job] = varying(tasks)
            if len({(other.action, other.model) for other in tasks}) > 1:
                self._names[task.job].insert(0, "model")
        names = [name for name in self._names[task.job] if name not in but]
        values = words(task, [name for name in names if name != "model"])
        title = title_of(task) if "model" in names else ""
        return " · ".join(filter(None, (title, values)))
