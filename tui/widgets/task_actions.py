"""What can be done with a task, or with the whole queue: one table for every page.

The keys of queue, history, grid and viewer are made from the table, and with them the
footer and the help. An entry does its `run`; what needs a page or a question is in
`screens/task_dispatcher.py`.
"""

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from textual.binding import Binding

from tui.tasks import actions
from tui.tasks.task import REJECTED, SENT, Status, Task
from tui.widgets.taskrow import is_set_aside

if TYPE_CHECKING:
    from tui.tasks.engine import Engine

_ENDED = frozenset(Status) - SENT - {Status.HELD}


class TaskAction(StrEnum):
    """What can be done with a task."""

    VIEW = "view"
    AGAIN = "again"
    NEW_SEED = "new-seed"
    VARIATIONS = "variations"
    USE_AS_SOURCE = "use-as-source"
    THEN = "then"
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
    COPY_PROMPT = "copy-prompt"
    REVEAL = "reveal"
    SAVE_COPY = "save-copy"
    EXPORT = "export-picks"
    COMPARE = "compare"
    TABLE = "table"
    LINEAGE = "lineage"
    INSPECT = "inspect"
    FAVOURITE = "favourite"
    RATE_1 = "rate-1"
    RATE_2 = "rate-2"
    RATE_3 = "rate-3"
    RATE_4 = "rate-4"
    RATE_5 = "rate-5"
    UNRATE = "unrate"
    REJECT = "reject"
    TAG = "tag"
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


def _can_be_deleted(task: Task) -> bool:
    return _has_ended(task) and not task.deleted


def is_failed(task: Task) -> bool:
    """Returns whether a task has ended without all that was asked for."""
    incomplete = task.status is not Status.COMPLETED or task.error is not None
    return _has_ended(task) and incomplete and task.status is not Status.DROPPED


def _can_be_retried(task: Task) -> bool:
    return is_failed(task) or task.status is Status.DROPPED


def _will_have_picture(task: Task) -> bool:
    return task.live and not task.imported


def _has_results(task: Task) -> bool:
    return bool(task.results)


def _has_files(task: Task) -> bool:
    return bool(task.files)


def _is_in_table(task: Task) -> bool:
    """A task without a picture has a cell, too, unless another was sent in its place."""
    is_replaced = task.retried_by or task.status is Status.DROPPED
    return not task.deleted and (_has_files(task) or not is_replaced)


def _has_own_files(task: Task) -> bool:
    return task.has_own_files


def _has_prompt(task: Task) -> bool:
    return bool(task.prompt)


RATINGS: Mapping[TaskAction, int] = {
    TaskAction.RATE_1: 1,
    TaskAction.RATE_2: 2,
    TaskAction.RATE_3: 3,
    TaskAction.RATE_4: 4,
    TaskAction.RATE_5: 5,
    TaskAction.UNRATE: 0,
    TaskAction.REJECT: REJECTED,
}
"""What the keys that rate a picture give it."""
MOVES_ON = frozenset({*RATINGS, TaskAction.FAVOURITE}) - {TaskAction.UNRATE}
"""Actions after which the next picture is selected: one looks through many of them."""


ON_ONE_PICTURE = frozenset(
    {
        *RATINGS,
        TaskAction.VARIATIONS,
        TaskAction.USE_AS_SOURCE,
        TaskAction.REUSE,
        TaskAction.COPY_PATH,
        TaskAction.OPEN,
        TaskAction.COPY_LINK,
        TaskAction.REVEAL,
    }
)
"""Actions on the picture that is shown, not on all of its task or job."""
QUEUE_ORDER = frozenset({TaskAction.SOONER, TaskAction.LATER, TaskAction.NEXT})
"""Actions on a task's place in the queue, which only make sense beside it."""
KEEPS_MARKS = frozenset({TaskAction.VIEW, TaskAction.COMPARE, TaskAction.INSPECT})
"""Actions after which what was marked stays so."""


def marking_bindings() -> list[Binding]:
    """Returns the keys that mark several tasks or pictures."""
    return [
        Binding(
            "space",
            "mark",
            "Mark",
            id="mark",
            tooltip="Mark for an action on several; again: no longer",
        ),
        Binding(
            "V",
            "mark_range",
            "Mark to here",
            id="mark-range",
            tooltip="Mark all from the last mark to here",
            show=False,
        ),
        Binding(
            "ctrl+a",
            "mark_all",
            "Mark all",
            id="mark-all",
            tooltip="Mark all that is listed, or none",
            show=False,
        ),
        Binding(
            "escape",
            "unmark",
            "Unmark",
            id="unmark",
            tooltip="Take all marks away",
            show=False,
        ),
    ]


def _rate(action: TaskAction) -> TaskEntry:
    stars = RATINGS[action]
    return TaskEntry(
        keys=str(stars),
        label=f"{stars} ★",
        tooltip="Rate the picture, and go to the next one",
        allowed=_has_files,
    )


TASK_ACTIONS: Mapping[TaskAction, TaskEntry] = {
    TaskAction.VIEW: TaskEntry(
        keys="enter",
        label="View",
        tooltip="Show the image full screen; unfold a job",
        allowed=_always,
        shown=True,
    ),
    TaskAction.AGAIN: TaskEntry(
        keys="a",
        label="Again",
        tooltip="Send the same request once more",
        allowed=_always,
        shown=True,
    ),
    TaskAction.NEW_SEED: TaskEntry(
        keys="A",
        label="New seed",
        tooltip="Send the same request with another seed",
        allowed=_always,
    ),
    TaskAction.VARIATIONS: TaskEntry(
        keys="m",
        label="Variations",
        tooltip="Send several of the same, each with another seed",
        allowed=_always,
    ),
    # It shares its key with EDIT: what waits is edited, what is made is a source.
    TaskAction.USE_AS_SOURCE: TaskEntry(
        keys="e",
        label="Edit",
        tooltip="Use the picture as a source, or edit what waits",
        allowed=_has_own_files,
        shown=True,
        id="edit",
    ),
    TaskAction.THEN: TaskEntry(
        keys="t",
        label="Then",
        tooltip="Queue a task that works from its picture, once that is there",
        allowed=_will_have_picture,
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
        tooltip="Use the picture as a source, or edit what waits",
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
    TaskAction.COPY_PROMPT: TaskEntry(
        keys="P",
        label="Copy prompt",
        tooltip="Copy the prompt",
        allowed=_has_prompt,
    ),
    TaskAction.REVEAL: TaskEntry(
        keys="O",
        label="Folder",
        tooltip="Open the folder of the image, or copy its path",
        allowed=_has_files,
        many=False,
    ),
    TaskAction.SAVE_COPY: TaskEntry(
        keys="w",
        label="Save a copy",
        tooltip="Save copies of the images elsewhere",
        allowed=_has_files,
    ),
    TaskAction.EXPORT: TaskEntry(
        keys="E",
        label="Export",
        tooltip="Export images with a contact sheet and a list to a folder",
        allowed=_has_files,
    ),
    TaskAction.COMPARE: TaskEntry(
        keys="b",
        label="Compare",
        tooltip="Show the marked images in the same place, one after the other",
        allowed=_has_files,
    ),
    TaskAction.TABLE: TaskEntry(
        keys="M",
        label="Table",
        tooltip="Show the pictures of a job by what varies in them",
        allowed=_is_in_table,
    ),
    TaskAction.LINEAGE: TaskEntry(
        keys="L",
        label="Lineage",
        tooltip="Show what it was made from, and what was made from it",
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
    **{action: _rate(action) for action in RATINGS if RATINGS[action] > 0},
    TaskAction.UNRATE: TaskEntry(
        keys="0",
        label="No rating",
        tooltip="Take the rating away",
        allowed=_has_files,
    ),
    TaskAction.REJECT: TaskEntry(
        keys="X",
        label="Reject",
        tooltip="Mark the picture as rejected, and go to the next one",
        allowed=_has_files,
    ),
    TaskAction.TAG: TaskEntry(
        keys="T",
        label="Tags",
        tooltip="Change the tags",
        allowed=_always,
    ),
    TaskAction.DELETE: TaskEntry(
        keys="x,delete",
        label="Delete",
        tooltip="Delete the task and its files; both can be brought back",
        allowed=_can_be_deleted,
    ),
}
"""All actions, in the order in which the footer shows them."""

_ONE_TASK = {action for action, entry in TASK_ACTIONS.items() if not entry.many}
_ON_THE_FIRST = frozenset(
    {
        TaskAction.VARIATIONS,
        TaskAction.REUSE,
        TaskAction.OPEN,
        TaskAction.COPY_PATH,
        TaskAction.COPY_LINK,
        TaskAction.INSPECT,
    }
)
"""Actions that on a job's row mean the picture that is shown, and on marks nothing."""
_SHOWN = {action for action, entry in TASK_ACTIONS.items() if entry.shown}


def allowed_actions(task: Task) -> set[TaskAction]:
    """Returns what can be done with a task now."""
    return {action for action, entry in TASK_ACTIONS.items() if entry.allowed(task)}


def allowed_actions_of_many(task: Task) -> set[TaskAction]:
    """Returns what can be done with a task as one of several."""
    return allowed_actions(task) - _ONE_TASK


def allowed_of_marked(tasks: Sequence[Task]) -> set[TaskAction]:
    """Returns what can be done with at least one of the marked tasks."""
    return {action for action in TaskAction if marked_allowing(action, tasks)}


def marked_allowing(action: TaskAction, tasks: Sequence[Task]) -> list[Task]:
    """Returns the marked tasks with which something can be done now."""
    if len(tasks) > 1 and (action in _ONE_TASK or action in _ON_THE_FIRST):
        return []
    return [task for task in tasks if TASK_ACTIONS[action].allowed(task)]


def task_bindings(
    actions: Collection[TaskAction] = tuple(TaskAction),
    footer: Collection[TaskAction] = _SHOWN,
) -> list[Binding]:
    """Returns the keys of a page; the footer shows those of `footer`."""
    return [
        _binding(entry, f"task('{action}')", entry.id or action, action in footer)
        for action, entry in TASK_ACTIONS.items()
        if action in actions
    ]


class QueueAction(StrEnum):
    """What can be done with the queue as a whole."""

    CLEAR = "clear"
    UNDO = "undo"
    RETRY_FAILED = "retry-failed"
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
        tooltip="Take back what isn't sent yet, or undo the last clear, deletion or mark",
        run=actions.undo,
    ),
    QueueAction.RETRY_FAILED: QueueEntry(
        keys="R",
        label="Retry all",
        tooltip="Send all failed tasks again",
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
    actions: Collection[QueueAction] = tuple(QueueAction),
) -> list[Binding]:
    """Returns the keys for the whole queue."""
    return [
        _binding(entry, f"queue('{action}')", action, entry.shown)
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
