"""Tasks that the queue knows already, and that a command names once more."""

from typing import TYPE_CHECKING

from tui.cli.exit_codes import OTHER_ERROR, UsageError, code_of
from tui.cli.follow import Work
from tui.cli.output import task_json, task_line
from tui.session import Session
from tui.system.streams import print_message, print_result

if TYPE_CHECKING:
    from tui.tasks.engine import Engine
    from tui.tasks.task import Task


def check_known(wanted: "Task", known: "Task") -> None:
    """Raise UsageError where a caller's key is given again for something else, or for a
    task that was deleted.
    """
    if known.deleted:
        raise UsageError(
            f"This key belongs to task {known.id}, which was deleted from the queue."
            " Nothing was sent: give another key."
        )
    if known.caller_input != wanted.caller_input:
        raise UsageError(
            f"This key belongs to task {known.id}, which asks for something else."
            " Nothing was sent: give another key."
        )


async def follow_known(engine: "Engine", work: Work, known: "Task") -> None:
    """Add a task to the work of a command, as `resume` does."""
    unfinished = await engine.queue.unfinished()
    elsewhere = {task.id for task, is_elsewhere in unfinished if is_elsewhere}
    work.add([known.id])
    if _may_continue(known):
        work.set_aside = frozenset({known.id})
    work.elsewhere = frozenset({known.id} & elsewhere)


def print_known(session: Session, known: "Task", *, as_json: bool) -> int:
    """Print a task as it is, which isn't followed. Returns the exit code."""
    print_result(task_json(known) if as_json else task_line(known))
    print_message(
        f"This is task {known.id} of the queue: nothing new was added."
        f"{_retry_advice(session, known)}"
    )
    if known.error:
        return code_of(known.error.kind)
    if known.status == "completed" or known.live:
        return 0
    return OTHER_ERROR


def _may_continue(task: "Task") -> bool:
    """Return whether a task has to be resumed by name."""
    from tui.tasks.task import LIVE

    return task.lacks_picture or (task.status in LIVE and not task.watched)


def describe_known(session: Session, task: "Task") -> str:
    """Return what becomes of a task that is followed by `follow_known`."""
    if task.live and task.status == "held" and task.watched:
        return (
            f"This is task {task.id} of the queue, which waits to be sent: sending and"
            " following it."
        )
    if task.live:
        return f"This is task {task.id} of the queue: following it."
    if _may_continue(task):
        return f"This is task {task.id} of the queue, which was set aside: resuming it."
    if task.retried_by:
        return (
            f"This is task {task.id} of the queue, which was sent again as"
            f" {task.retried_by}: nothing was sent."
        )
    return (
        f"This is task {task.id} of the queue, which has ended: nothing was sent."
        f"{_retry_advice(session, task)}"
    )


def _retry_advice(session: Session, task: "Task") -> str:
    """Return how to send a failed task again, or "" where that can't be done."""
    if task.status not in ("failed", "rejected") or task.adopted or task.retried_by:
        return ""
    command = session.command(f"retry {task.id}")
    return f" `{command}` sends it again, as a new paid task."
