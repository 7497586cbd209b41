"""What can be done with a task, or with the whole queue: one table for every page.

The keys of queue, history, grid and viewer are made from the table, and with them the
footer and the help. An entry does its `run`; what needs a page or a question is in
`screens/task_dispatcher.py`.
"""

from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from textual.binding import Binding

from tui.tasks import actions
from tui.tasks.task import SENT, Status, Task
from tui.widgets.taskrow import is_set_aside

if TYPE_CHECKING:
    from tui.tasks.engine import Engine

_ENDED = frozenset(Status) - SENT - {Status.HELD}


class TaskAction(StrEnum):
    """What can be done with a task."""

    VIEW = "view"
    REUSE = "reuse"
    EDIT = "edit"
    RETRY = "retry"
    DROP = "drop"
    SEND = "send"
    STOP = "stop"
    WATCH = "watch"
    COPY_PATH = "copy-path"
    OPEN = "open"
    COPY_LINK = "copy-link"
    COPY_AS = "copy-as"
    INSPECT = "inspect"
    FAVOURITE = "favourite"
    DELETE = "delete"
    SOONER = "sooner"
    LATER = "later"
    NEXT = "next"


@dataclass(frozen=True, kw_only=True)
class TaskEntry:
    """One action: its key, its words, and the tasks that allow it."""

    keys: str
    label: str
    tooltip: str
    allowed: Callable[[Task], bool]
    many: bool = True
    """Whether it makes sense for several tasks at once, such as those of a job."""
    shown: bool = False
    """Whether the queue's footer shows it."""
    id: str = ""
    """The key's id for `[keys]`; the action's own name where it is empty."""
    run: "Callable[[Engine, list[Task]], Coroutine[Any, Any, str]] | None" = None
    """Does it, and returns a sentence for the user, or an empty text."""


def _always(task: Task) -> bool:
    return True


def _is_held(task: Task) -> bool:
    return task.status is Status.HELD


def _is_in_line(task: Task) -> bool:
    return _is_held(task) and not is_set_aside(task)


def _is_watched_at_service(task: Task) -> bool:
    return task.status in SENT and task.watched


def _is_unwatched_at_service(task: Task) -> bool:
    return task.status in SENT and not task.watched


def _has_ended(task: Task) -> bool:
    return task.status in _ENDED


def _can_be_retried(task: Task) -> bool:
    incomplete = task.status is not Status.COMPLETED or task.error is not None
    return _has_ended(task) and incomplete


def _has_results(task: Task) -> bool:
    return bool(task.results)


def _has_files(task: Task) -> bool:
    return bool(task.files)


TASK_ACTIONS: Mapping[TaskAction, TaskEntry] = {
    TaskAction.VIEW: TaskEntry(
        keys="enter",
        label="View",
        tooltip="Show the image full screen; unfold a job",
        allowed=_always,
        shown=True,
    ),
    TaskAction.REUSE: TaskEntry(
        keys="u",
        label="Use again",
        tooltip="Fill the form with these values",
        allowed=_always,
        shown=True,
    ),
    TaskAction.EDIT: TaskEntry(
        keys="e",
        label="Edit",
        tooltip="Move an unsent task back to the form, free of charge",
        allowed=_is_in_line,
        many=False,
        shown=True,
    ),
    TaskAction.RETRY: TaskEntry(
        keys="r",
        label="Retry",
        tooltip="Save finished images, or send a failed task again",
        allowed=_can_be_retried,
        shown=True,
    ),
    TaskAction.DROP: TaskEntry(
        keys="d",
        label="Drop",
        tooltip="Cancel unsent tasks, free of charge",
        allowed=_is_held,
        shown=True,
        run=actions.drop,
    ),
    TaskAction.SOONER: TaskEntry(
        keys="K,shift+up",
        label="Sooner",
        tooltip="Send one place sooner",
        allowed=_is_in_line,
        many=False,
        shown=True,
        run=actions.send_sooner,
    ),
    TaskAction.LATER: TaskEntry(
        keys="J,shift+down",
        label="Later",
        tooltip="Send one place later",
        allowed=_is_in_line,
        many=False,
        shown=True,
        run=actions.send_later,
    ),
    TaskAction.NEXT: TaskEntry(
        keys="N",
        label="Next",
        tooltip="Send before all other tasks",
        allowed=_is_in_line,
        shown=True,
        run=actions.send_next,
    ),
    # SEND, STOP and WATCH share one key: no task allows more than one of them.
    TaskAction.SEND: TaskEntry(
        keys="s",
        label="Send",
        tooltip="Send a task that was set aside; it will be billed",
        allowed=is_set_aside,
        shown=True,
        id="stop",
    ),
    TaskAction.STOP: TaskEntry(
        keys="s",
        label="Stop",
        tooltip="Stop watching; the task is still billed",
        allowed=_is_watched_at_service,
        shown=True,
        id="stop",
        run=actions.stop,
    ),
    TaskAction.WATCH: TaskEntry(
        keys="s",
        label="Watch",
        tooltip="Watch again; no extra charge",
        allowed=_is_unwatched_at_service,
        shown=True,
        id="stop",
        run=actions.watch,
    ),
    TaskAction.COPY_PATH: TaskEntry(
        keys="y",
        label="Copy path",
        tooltip="Copy the file's path",
        allowed=_has_files,
    ),
    TaskAction.OPEN: TaskEntry(
        keys="o",
        label="Open",
        tooltip="Open the image in another app, or copy its URL",
        allowed=_has_results,
    ),
    TaskAction.COPY_LINK: TaskEntry(
        keys="Y",
        label="Copy link",
        tooltip="Copy an scp command or the URL",
        allowed=_has_results,
    ),
    TaskAction.COPY_AS: TaskEntry(
        keys="C",
        label="Copy as",
        tooltip="Copy the request as curl, Python or a command",
        allowed=_always,
        many=False,
    ),
    TaskAction.INSPECT: TaskEntry(
        keys="i",
        label="Inspect",
        tooltip="Show request, responses and timeline",
        allowed=_always,
        shown=True,
    ),
    TaskAction.FAVOURITE: TaskEntry(
        keys="f",
        label="Favourite",
        tooltip="Add to the favourites, or remove",
        allowed=_always,
        id="star",
        run=actions.toggle_favourite,
    ),
    TaskAction.DELETE: TaskEntry(
        keys="x,delete",
        label="Delete",
        tooltip="Delete the task and its files; both can be brought back",
        allowed=_has_ended,
    ),
}
"""All actions, in the order in which the footer shows them."""

_ONE_TASK = {action for action, entry in TASK_ACTIONS.items() if not entry.many}
_SHOWN = {action for action, entry in TASK_ACTIONS.items() if entry.shown}


def allowed_actions(task: Task) -> set[TaskAction]:
    """Returns what can be done with a task now."""
    return {action for action, entry in TASK_ACTIONS.items() if entry.allowed(task)}


def allowed_actions_of_many(task: Task) -> set[TaskAction]:
    """Returns what can be done with a task as one of several."""
    return allowed_actions(task) - _ONE_TASK


def task_bindings(
    prefix: str = "",
    actions: Collection[TaskAction] = tuple(TaskAction),
    footer: Collection[TaskAction] = _SHOWN,
) -> list[Binding]:
    """Returns the keys of a page, their ids with `prefix`, which is the page's own.

    The footer shows those of `footer`.
    """
    bindings = []
    for action, entry in TASK_ACTIONS.items():
        if action in actions:
            key_id = prefix + (entry.id or action)
            shown = action in footer
            bindings.append(_binding(entry, f"task('{action}')", key_id, shown))
    return bindings


class QueueAction(StrEnum):
    """What can be done with the queue as a whole."""

    CLEAR = "clear"
    UNDO = "undo"
    PAUSE = "pause"
    MORE = "more"
    FEWER = "fewer"


@dataclass(frozen=True, kw_only=True)
class QueueEntry:
    """One action on the whole queue."""

    keys: str
    label: str
    tooltip: str
    run: "Callable[[Engine], Coroutine[Any, Any, str]] | None" = None
    """Does it, and returns a sentence for the user, or an empty text."""
    shown: bool = False


QUEUE_ACTIONS: Mapping[QueueAction, QueueEntry] = {
    QueueAction.CLEAR: QueueEntry(
        keys="c",
        label="Clear",
        tooltip="Hide finished tasks; their files are kept",
        shown=True,
    ),
    QueueAction.UNDO: QueueEntry(
        keys="z",
        label="Undo",
        tooltip="Undo the last clear or delete",
        run=actions.undo,
    ),
    QueueAction.PAUSE: QueueEntry(
        keys="p",
        label="Pause",
        tooltip="Pause or resume sending",
        shown=True,
        run=actions.toggle_pause,
    ),
    QueueAction.MORE: QueueEntry(
        keys="plus",
        label="More at once",
        tooltip="Run more tasks at once",
        run=actions.raise_limit,
    ),
    QueueAction.FEWER: QueueEntry(
        keys="minus",
        label="Fewer at once",
        tooltip="Run fewer tasks at once",
        run=actions.lower_limit,
    ),
}


def queue_bindings(
    prefix: str = "", actions: Collection[QueueAction] = tuple(QueueAction)
) -> list[Binding]:
    """Returns the keys for the whole queue, their ids with `prefix`."""
    return [
        _binding(entry, f"queue('{action}')", f"{prefix}{action}", entry.shown)
        for action, entry in QUEUE_ACTIONS.items()
        if action in actions
    ]


def _binding(
    entry: TaskEntry | QueueEntry, action: str, key_id: str, shown: bool
) -> Binding:
    return Binding(
        entry.keys,
        action,
        entry.label,
        id=key_id,
        tooltip=entry.tooltip,
        show=shown,
    )
