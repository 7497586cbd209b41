"""Messages that leave a page for the app. A widget's own events stand in its class."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from textual.message import Message

from tui.tasks.task import Task
from tui.widgets.task_actions import QueueAction, TaskAction

LoadOlder = Callable[[str], Awaitable[list[Task]]]
"""Returns the next tasks, of ids below the given one, or none where there are no more.
May raise StoreError.
"""


@dataclass
class Browsing:
    """The tasks among which a page steps, in their order."""

    tasks: Iterable[Task] = ()
    older: LoadOlder | None = None
    """Loads more of them."""
    on_back: Callable[[str], None] = lambda task_id: None
    """Called with the id of the task that was shown last."""


@dataclass
class TaskActionRequested(Message):
    """The user wants something done with tasks."""

    action: TaskAction
    tasks: list[Task]
    index: int = 0
    """Which result of the first task is meant."""
    browsing: Browsing = field(default_factory=Browsing)


@dataclass
class QueueActionRequested(Message):
    """The user wants something done with the queue as a whole."""

    action: QueueAction


@dataclass
class GridRequested(Message):
    """The user wants to see the pictures of many tasks, starting at one of them."""

    tasks: list[Task]
    start: Task
    older: LoadOlder | None = None
