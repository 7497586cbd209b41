"""Messages that leave a page for the app. A widget's own events stand in its class."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from textual.message import Message

from tui.tasks.task import Task
from tui.widgets.task_actions import QueueAction, TaskAction


@dataclass(frozen=True)
class OlderTasks:
    """The tasks below those of a page that isn't read to its end."""

    load: Callable[[Task], Awaitable[list[Task]]]
    """Returns the tasks that come below one, none at the end. May raise StoreError."""
    last: Task
    """The last one that was read, as it was then."""


@dataclass
class Browsing:
    """The tasks among which a page steps, in their order."""

    tasks: Iterable[Task] = ()
    older: OlderTasks | None = None
    on_back: Callable[[str, int | None], None] = lambda task_id, index: None
    """Called with the id of the task that was shown last, and which of its results."""


@dataclass
class TaskActionRequested(Message):
    """The user wants something done with tasks."""

    action: TaskAction
    tasks: list[Task]
    pictures: Mapping[str, Collection[int]] = field(default_factory=dict)
    """Which results are meant, by the ids of their tasks; by default all of them."""
    browsing: Browsing = field(default_factory=Browsing)

    @property
    def index(self) -> int:
        """The first of the results that are meant of the first task."""
        return min(self.pictures.get(self.tasks[0].id, ()), default=0)

    @property
    def files(self) -> list[tuple[Task, int]]:
        """The saved results that are meant, in the order of the tasks."""
        return [
            (task, index)
            for task in self.tasks
            for index in task.saved
            if index in self.pictures.get(task.id, task.saved)
        ]


@dataclass
class QueueActionRequested(Message):
    """The user wants something done with the queue as a whole."""

    action: QueueAction


@dataclass
class GridRequested(Message):
    """The user wants to see the pictures of many tasks, starting at one of them.

    They are shown in the order that they have here.
    """

    tasks: list[Task]
    start: Task
    older: OlderTasks | None = None
