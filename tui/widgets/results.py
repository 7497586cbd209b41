"""Which result the picture pane shows: that of the selected task, or the one before.

It knows no widgets: the pane tells it what happens, and draws what it answers.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tui.tasks.task import LIVE, Task
from tui.widgets.strip import Key


def is_under_way(task: Task) -> bool:
    """Returns whether an image of the task may come without the user's doing."""
    return task.live and task.status in LIVE and not task.files


@dataclass(frozen=True)
class Shown:
    """A task, and the index of one of its results."""

    task: Task
    index: int

    @property
    def key(self) -> Key:
        return self.task.id, self.index

    @property
    def path(self) -> str:
        """The file of the result; empty if there is none."""
        if self.task.deleted or self.index >= len(self.task.results):
            return ""
        return self.task.results[self.index].path


class Results:
    """Follows the selection of the queue, the user's steps, and what comes meanwhile."""

    def __init__(self) -> None:
        self.enters_at_end = False
        """Whether the next task that is selected begins with its last result."""
        self._tasks: dict[str, Task] = {}
        self._selected: Task | None = None
        self._chosen: Key | None = None
        self._wanted: Key | None = None
        self._last: Shown | None = None
        self._is_last_new = False
        self._has_shown = False
        self._awaited: set[str] = set()
        self._news: dict[str, Task] = {}

    def select(self, task: Task, among: Iterable[Task] = ()) -> None:
        """Shows a task's results; for a job those of all its tasks, `among`."""
        tasks = {known.id: known for known in (*among, task)}
        if _name(tasks) != _name(self._tasks):
            self._chosen = None
            self._is_last_new = False
        self._tasks = _newest_first(tasks)
        self._selected = task
        self._awaited.update(
            known.id for known in tasks.values() if is_under_way(known)
        )
        if self.enters_at_end:
            self._wanted = next(reversed(self.pictures), None)
        if self._wanted in self.pictures:
            self._chosen = self._wanted
        self._wanted = None
        self.enters_at_end = False
        self._settle()

    def select_latest(self, tasks: Iterable[Task]) -> None:
        """Shows the newest picture of earlier runs if no task is selected."""
        for task in tasks:
            self._note_picture(task)
        if self._selected is None and self._last:
            self.select(self._last.task)

    def step(self, by: int) -> bool:
        """Shows the next picture of those selected; returns False if there is none."""
        if self.shown is None:
            return False
        stops = self.stops
        here = stops.index(self.shown.key)
        beyond = stops[here + 1 :] if by > 0 else stops[:here][::-1]
        pictures = self.pictures
        found = [key for key in beyond if key in pictures]
        if found:
            self.choose(found[0])
        return bool(found)

    def choose(self, key: Key) -> None:
        """Shows a result; that of another task as soon as it is selected."""
        if key in self.pictures:
            self._chosen = key
            self._settle()
        else:
            self._wanted = key

    def change(self, task: Task) -> bool:
        """Follows what happens to any task; returns whether that may be seen here."""
        is_here = task.id in self._tasks or (task.job != "" and task.job == self._job)
        if task.deleted:
            was_news = task.id in self._news
            self._forget(task)
            return is_here or was_news
        if is_here:
            self._tasks = _newest_first({**self._tasks, task.id: task})
        if self._selected and task.id == self._selected.id:
            self._selected = task
        has_landed = self._has_landed(task)
        if has_landed:
            self._announce(task)
        self._note_picture(task)
        self._settle()
        return is_here or has_landed

    @property
    def shown(self) -> Shown | None:
        """The result that the user has chosen, or the first of the selected task."""
        if self._chosen in self.pictures:
            task_id, index = self._chosen
            return Shown(self._tasks[task_id], index)
        if self._selected is None:
            return None
        saved = self._selected.saved
        return Shown(self._selected, saved[0] if saved else 0)

    @property
    def before(self) -> Shown | None:
        """The picture that stays while the one shown is still under way."""
        is_waiting = self.shown is not None and is_under_way(self.shown.task)
        return self._last if is_waiting else None

    @property
    def is_before_new(self) -> bool:
        """Whether it came while one waited for the one shown."""
        return self._is_last_new

    @property
    def stops(self) -> list[Key]:
        """All results, in the order of the queue, with those that are still to come."""
        stops: list[Key] = []
        for task in self._tasks.values():
            is_replaced = task.retried_by in self._tasks and not task.files
            is_selected = self._selected is not None and task.id == self._selected.id
            if is_selected or not is_replaced:
                stops.extend((task.id, index) for index in task.saved or [0])
        return stops

    @property
    def pictures(self) -> list[Key]:
        """The results that have a file, likewise."""
        return [key for key in self.stops if self._tasks[key[0]].saved]

    @property
    def tasks(self) -> dict[str, Task]:
        """The tasks whose results are shown."""
        return self._tasks

    @property
    def news(self) -> list[str]:
        """The ids of tasks whose pictures came unseen, the newest last."""
        return list(self._news)

    def show_news(self) -> Task | None:
        """Shows the newest unseen picture; returns its task, which has to be selected."""
        task = next(reversed(self._news.values()), None)
        self._news.clear()
        if task:
            self.choose((task.id, task.saved[0]))
        return task

    def _settle(self) -> None:
        """Remembers what is seen from now on."""
        shown = self.shown
        if shown and shown.path:
            self._last = shown
            self._is_last_new = False
            self._has_shown = True
            self._news.pop(shown.task.id, None)

    @property
    def _job(self) -> str:
        """The job of all that is shown, if it is several tasks."""
        first = next(iter(self._tasks.values()), None)
        return first.job if first and len(self._tasks) > 1 else ""

    def _has_landed(self, task: Task) -> bool:
        """Returns whether a task that was seen under way has a picture now."""
        if is_under_way(task):
            self._awaited.add(task.id)
            return False
        was_awaited = task.id in self._awaited
        self._awaited.discard(task.id)
        return was_awaited and bool(task.files)

    def _announce(self, task: Task) -> None:
        """Takes a picture over where one waits for the next; else it is news."""
        if task.id in self._tasks:
            if self._chosen or self._keeps_selection(task):
                self._news[task.id] = task
            return  # else the queue selects it
        if self.shown and is_under_way(self.shown.task):
            self._last = Shown(task, task.saved[0])
            self._is_last_new = True
        else:
            self._news[task.id] = task

    def _keeps_selection(self, task: Task) -> bool:
        """Returns whether a job goes on to be represented by a later task of it."""
        selected = self._selected
        return selected is not None and bool(selected.files) and selected.id > task.id

    def _note_picture(self, task: Task) -> None:
        """Remembers the newest picture of earlier runs until one of them was shown."""
        if self._has_shown or not task.files or task.deleted:
            return
        if self._last is None or _end(self._last.task) <= _end(task):
            self._last = Shown(task, task.saved[0])

    def _forget(self, task: Task) -> None:
        self._tasks.pop(task.id, None)
        self._news.pop(task.id, None)
        self._awaited.discard(task.id)
        if self._selected and self._selected.id == task.id:
            self._selected = next(iter(self._tasks.values()), None)
        if self._last and self._last.task.id == task.id:
            self._last = None


def _newest_first(tasks: dict[str, Task]) -> dict[str, Task]:
    return dict(sorted(tasks.items(), reverse=True))  # ids sort as they were made


def _name(tasks: dict[str, Task]) -> str:
    """Returns the id of the job or of the only task."""
    first = next(iter(tasks.values()), None)
    if first is None:
        return ""
    return first.job if len(tasks) > 1 else first.id


def _end(task: Task) -> float:
    return task.finished_at or task.created_at
