"""An Idempotency-Key that the caller gives: the same call twice is one task.

The queue file remembers it for as long as it has the task, and the service gets it with
each request of the task.
"""

import hashlib
import json

from tui.tasks.task import Status, Task

LONGEST = 512
"""Characters; the service takes no longer key."""


class KeyTakenError(Exception):
    """The queue has a task of this key already; nothing was written."""

    def __init__(self, task: Task) -> None:
        super().__init__(f"This key belongs to task {task.id}.")
        self.task = task


def problem(key: str) -> str:
    """Returns why a text can't be a key, as a sentence, or ""."""
    is_plain = key.isascii() and key.isprintable()
    if is_plain and 0 < len(key) <= LONGEST and key == key.strip():
        return ""
    return (
        f"A key has 1 to {LONGEST} printable characters of ASCII, and no space at its"
        " ends."
    )


def input_of(task: Task) -> str:
    """Returns a digest of what a drafted task asks for.

    A source file counts by its path, not by its content.
    """
    asked = [task.service, task.action, task.model, task.after, task.values]
    written = json.dumps(asked, sort_keys=True).encode()
    return hashlib.sha256(written).hexdigest()


def is_free_again(task: Task) -> bool:
    """Returns whether the key of a task can be given to another one.

    Nothing of it can have been made: it was dropped unsent, or refused by the service.
    One that was retried has the key for its retry.
    """
    is_unmade = task.status in (Status.DROPPED, Status.REJECTED) and not task.unsure
    return is_unmade and not task.retried_by
