"""What an answer of the server makes of a task."""

import time
from typing import Any

from tui.service.wire import Answer
from tui.tasks.task import Problem, Result, Status, Task


def answered(task: Task, answer: Answer) -> Task:
    """The task as the answer says it is; the same object if that is no news."""
    fields: dict[str, Any] = {
        "word": answer.word,
        "progress": answer.progress,
        "note": "",
        "unsure": False,
        "remote_id": task.remote_id or answer.task_id,
        "location": answer.location or task.location,
        "cost_micro": task.cost_micro if answer.cost_micro is None else answer.cost_micro,
    }
    status: Status | None = None
    if answer.state == "completed":
        status = Status.FETCHING
        fields["made_at"] = task.made_at or time.time()
        fields["results"] = tuple(Result(url=url, label=label) for url, label in answer.results)
    elif answer.state == "failed":
        status = Status.FAILED
        fields["error"] = Problem("failed", answer.error or f"The service says {answer.word}, without a reason.")
    elif answer.state in ("pending", "processing"):
        status = Status(answer.state)
    elif task.status is Status.SUBMITTING:
        status = Status.PENDING
    news = any(getattr(task, name) != value for name, value in fields.items())
    return task.change(status, **fields) if news or status not in (None, task.status) else task
