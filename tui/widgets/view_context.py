"""What every page that shows pictures and tasks needs."""

from collections.abc import Callable
from dataclasses import dataclass

from textual.signal import Signal

from tui.graphics.probe import Terminal
from tui.tasks.durations import Span
from tui.tasks.task import Task
from tui.widgets.picture import Shrink


def _unknown(task: Task) -> Span | None:
    return None


def _at_once(task: Task) -> float:
    return 0


@dataclass
class ViewContext:
    """What every page that shows pictures and tasks needs."""

    terminal: Terminal
    """Replaced when the terminal changes, or its font."""
    changes: Signal[Task]
    """Brings every new snapshot of a task."""
    title_of: Callable[[Task], str]
    """Returns the name of a task's model."""
    shrink: Shrink | None = None
    """Makes, or finds, the thumbnail of a picture."""
    usual: Callable[[Task], Span | None] = _unknown
    """Returns how long such a task usually takes."""
    until_sent: Callable[[Task], float] = _at_once
    """Returns the seconds for which a new task can still be taken back."""
