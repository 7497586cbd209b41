"""Tasks with picture files, for tests of what leaves the queue."""

import hashlib
import time
from pathlib import Path
from typing import Any

from PIL import Image

from tui.tasks.task import Problem, Result, Status, Task, new_id


def saved(path: Path, colour: str = "red", size: tuple[int, int] = (60, 40)) -> Result:
    """A result with its file."""
    Image.new("RGB", size, colour).save(path)
    content = path.read_bytes()
    return Result(
        url=f"https://files.example/{path.name}",
        path=str(path),
        sha256=hashlib.sha256(content).hexdigest(),
        format="PNG",
        width=size[0],
        height=size[1],
        bytes=len(content),
    )


def task_of(*results: Result, **fields: Any) -> Task:
    """A completed task; keywords that a task hasn't are its values."""
    names = Task.__struct_fields__
    values = {name: fields.pop(name) for name in list(fields) if name not in names}
    known: dict[str, Any] = {
        "id": new_id(),
        "action": "text_to_image",
        "model": "z-image",
        "service": "z_image",
        "base_url": "https://runapi.ai",
        "route": "unified",
        "status": Status.COMPLETED,
        "created_at": time.time(),
        "cost_micro": 10_000,
        "results": results,
    }
    return Task(**(known | fields), values={"prompt": "a lake"} | values)


def failed(**fields: Any) -> Task:
    """A task that the service has refused to make."""
    error = Problem("failed", "The prompt was refused: moderation")
    return task_of(status=Status.FAILED, error=error, cost_micro=0, **fields)
