"""Applies the server's answers to tasks."""

import time
from typing import Any

from msgspec.structs import replace

from tui.service.task_answer import Answer, ImageLink
from tui.tasks.task import Problem, Result, Status, Task


def answered(task: Task, answer: Answer) -> Task:
    """Returns the task as the answer describes it; the same object if nothing changed.

    A finished task without a picture counts as processing: its pictures may be named a
    moment later.
    """
    cost_micro = task.cost_micro
    if answer.cost_micro is not None:
        cost_micro = answer.cost_micro
    fields: dict[str, Any] = {
        "word": answer.word,
        "progress": answer.progress,
        "note": "",
        "unsure": False,
        "remote_id": task.remote_id or answer.task_id,
        "location": answer.location or task.location,
        "cost_micro": cost_micro,
    }
    status: Status | None = None
    if answer.state == "completed":
        found = results(answer)
        if found:
            status = Status.FETCHING
            fields |= _made(task, found)
            if answer.error:
                # Some pictures may be missing.
                fields["error"] = Problem("failed", answer.error)
        else:
            status = Status.PROCESSING
            fields["note"] = "The service says it is done, but names no picture yet."
            if answer.error:
                fields["note"] = (
                    "The service says it is done, but names no picture yet, and an"
                    f" error: {answer.error}"
                )
    elif answer.state == "failed":
        status = Status.FAILED
        if answer.results:
            # A part of it was made, and maybe paid.
            status = Status.FETCHING
            fields |= _made(task, answer.results)
        no_reason = f"The service says {answer.word}, without a reason."
        fields["error"] = Problem("failed", answer.error or no_reason)
    elif answer.state in ("pending", "processing"):
        status = Status(answer.state)
    elif task.status is Status.SUBMITTING:
        status = Status.PENDING
    has_new_field = any(getattr(task, name) != value for name, value in fields.items())
    has_new_status = status not in (None, task.status)
    if has_new_field or has_new_status:
        return task.change(status, **fields)
    return task


def _made(task: Task, found: tuple[ImageLink, ...]) -> dict[str, Any]:
    """Returns the fields that change once pictures can be fetched."""
    named = tuple(Result(url=url, label=label) for url, label in found)
    return {"made_at": task.made_at or time.time(), "results": named}


def results(answer: Answer) -> tuple[ImageLink, ...]:
    """Returns the pictures in an answer, from the known places or else from any place."""
    return answer.results or tuple(map(ImageLink, answer.elsewhere))


def without_doubt(task: Task, answer: Answer) -> Task:
    """Returns a task whose service names no better picture, whenever it is asked.

    It gets what else the answer names, such as a preview, or else it has none. It has
    failed if there is an error in the place of a picture.
    """
    if answer.error and not results(answer):
        return task.change(Status.FAILED, error=Problem("failed", answer.error))
    found = results(answer) or tuple(map(ImageLink, answer.doubtful))
    return task.change(Status.FETCHING, **_made(task, found))


def with_left_out(event: str, answer: Answer) -> str:
    """Returns an event with the number of pictures that are too many to be kept."""
    if not answer.left_out:
        return event
    return f"{event}; {answer.left_out:,} of the pictures that it names were left out"


def with_new_addresses(task: Task, answer: Answer) -> Task:
    """Returns the task with new URLs for unsaved results; the same object without."""
    found = results(answer)
    if answer.state != "completed" or len(found) != len(task.results):
        return task
    renewed = tuple(
        result if result.path else replace(result, url=url)
        for result, (url, _) in zip(task.results, found, strict=True)
    )
    if renewed == task.results:
        return task
    return task.change(results=renewed)
