"""What an answer of the server makes of a task."""

import json
import time
from typing import Any

from msgspec.structs import replace

from tui.service.task_answer import Answer, ImageLink
from tui.tasks.task import Problem, Result, Status, Task


def answered(task: Task, answer: Answer) -> Task:
    """Return the task as the answer says it is; the same object if that is no news.

    A task that is finished but names no picture yet counts as processing: pictures may
    be named a moment later.
    """
    fields: dict[str, Any] = {
        "word": answer.word,
        "progress": answer.progress,
        "note": "",
        "unsure": False,
        "remote_id": task.remote_id or answer.task_id,
        "location": answer.location or task.location,
        "cost_micro": task.cost_micro
        if answer.cost_micro is None
        else answer.cost_micro,
    }
    status: Status | None = None
    if answer.state == "completed":
        found = results(task, answer)
        status = Status.FETCHING if found else Status.PROCESSING
        if found:
            fields |= _made(task, found)
        else:
            fields["note"] = "The service says it is done, and names no picture yet."
    elif answer.state == "failed":
        # Part of it may have been made, and paid.
        status = Status.FETCHING if answer.results else Status.FAILED
        if answer.results:
            fields |= _made(task, answer.results)
        fields["error"] = Problem(
            "failed",
            answer.error or f"The service says {answer.word}, without a reason.",
        )
    elif answer.state in ("pending", "processing"):
        status = Status(answer.state)
    elif task.status is Status.SUBMITTING:
        status = Status.PENDING
    news = any(getattr(task, name) != value for name, value in fields.items())
    return (
        task.change(status, **fields)
        if news or status not in (None, task.status)
        else task
    )


def _made(task: Task, found: tuple[ImageLink, ...]) -> dict[str, Any]:
    """What changes in a task whose pictures can be fetched."""
    named = tuple(Result(url=url, label=label) for url, label in found)
    return {"made_at": task.made_at or time.time(), "results": named}


def results(task: Task, answer: Answer) -> tuple[ImageLink, ...]:
    """Return the pictures that an answer names: where they are known to stand, or else
    anywhere in it.

    The addresses of the task's own sources are no results.
    """
    if answer.results:
        return answer.results
    asked = json.dumps(task.values) + task.body.decode(errors="replace")
    return tuple(ImageLink(url) for url in answer.elsewhere if url not in asked)


def with_new_addresses(task: Task, answer: Answer) -> Task:
    """Return the task with the addresses that the service names now for results that
    are not saved yet.
    """
    found = results(task, answer)
    if answer.state != "completed" or len(found) != len(task.results):
        return task
    fresh = tuple(
        result if result.path else replace(result, url=url)
        for result, (url, _) in zip(task.results, found, strict=True)
    )
    return task if fresh == task.results else task.change(results=fresh)
