"""The selected task: its image and its facts."""

import time
from collections.abc import Iterator
from pathlib import Path

from rich.table import Table
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from tui.tasks.task import Status, Task
from tui.text import dollars, file_size, one_line, plain
from tui.widgets.picture import Picture
from tui.widgets.rows import rows
from tui.widgets.taskrow import elapsed, expiry, status_style
from tui.widgets.view_context import ViewContext

_LONGEST_NAME = 16
_LONGEST_VALUE = 4000
_UNPAID = (Status.REJECTED, Status.DROPPED, Status.FAILED)


class Preview(Vertical):
    """One task's image over its facts."""

    def __init__(self, context: ViewContext, id: str) -> None:
        super().__init__(id=id)
        self._shrink = context.shrink
        self.picture = Picture(context.terminal, id="picture")
        self._facts = Static(id="facts", markup=False)
        self.border_title = "Result"

    async def mount_content(self) -> None:
        """Mounts the widgets within the frame."""
        await self.mount(
            self.picture,
            VerticalScroll(self._facts, id="facts-scroll", can_focus=False),
        )
        self.picture.show(None, "Your image will appear here.")

    def show(self, task: Task, index: int = 0) -> None:
        """Shows a task and, of its results, the one at `index`."""
        files = task.files
        path = Path(files[index]) if files else None
        self.picture.show(path, placeholder(task), self._shrink)
        self._facts.update(facts_table(task, index))


def placeholder(task: Task) -> str:
    """Returns the text that stands where a task's image will be."""
    if task.error:
        return task.error.message
    glyph, word, _ = status_style(task)
    return f"{glyph} {word}\n{task.note}"


def facts_table(task: Task, index: int = 0) -> Table:
    """Returns what is known of a task and of its result at `index`."""
    pairs = []
    for name, value in _facts(task, index):
        if value not in ("", None):
            label = one_line(name, _LONGEST_NAME)
            pairs.append((label, plain(_as_text(value), _LONGEST_VALUE)))
    return rows(pairs)


def _facts(task: Task, index: int) -> Iterator[tuple[str, object]]:
    """Yields names and values, in the order in which they are shown; some are empty."""
    yield "status", _status(task)
    yield "", task.error.message if task.error else task.note
    yield "prompt", task.prompt
    yield "model", task.model
    for name, value in task.values.items():
        if name != "prompt":
            yield name.replace("_", " "), value
    yield "cost", _cost(task)
    yield from _result_facts(task, index)
    yield "not saved", expiry(task)
    created = time.localtime(task.created_at)
    yield "created", time.strftime("%Y-%m-%d %H:%M:%S", created)
    yield "id", f"{task.id} · {task.remote_id}" if task.remote_id else task.id


def _result_facts(task: Task, index: int) -> Iterator[tuple[str, str]]:
    count = len(task.results)
    if index >= count:
        return
    result = task.results[index]
    if result.path:
        size = file_size(result.bytes)
        yield "size", f"{result.width}×{result.height}, {result.format}, {size}"
        yield "file", result.path
    if count > 1:
        position = f"{index + 1} of {count}"
        yield "image", f"{position} · {result.label}" if result.label else position


def _status(task: Task) -> str:
    glyph, word, _ = status_style(task)
    time_taken = elapsed(task)
    return f"{glyph} {word} · {time_taken}" if time_taken else f"{glyph} {word}"


def _as_text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _cost(task: Task) -> str:
    if task.cost_micro is not None:
        return dollars(task.cost_micro)
    if task.status in _UNPAID:
        return "nothing"
    price = dollars(task.estimate_micro)
    if task.status is Status.HELD:
        return f"nothing yet; estimated at {price}"
    if task.estimate_micro is None:
        return "unknown"
    return f"estimated at {price}"
