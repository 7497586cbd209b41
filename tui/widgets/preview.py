"""The selected task: its image and its facts."""

import time
from pathlib import Path

from rich.table import Table
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from tui.tasks.task import Status, Task
from tui.text import file_size, money, one_line, plain
from tui.widgets.picture import Picture
from tui.widgets.rows import rows
from tui.widgets.taskrow import elapsed, expiry, status_look
from tui.widgets.view_context import ViewContext


class Preview(Vertical):
    """One task's image over its facts."""

    def __init__(self, context: ViewContext, id: str) -> None:
        super().__init__(id=id)
        self._shrink = context.shrink
        self.picture = Picture(context.terminal, id="picture")
        self._facts = Static(id="facts")
        self.border_title = "Result"

    async def furnish(self) -> None:
        """Mount what stands in the frame."""
        await self.mount(
            self.picture,
            VerticalScroll(self._facts, id="facts-scroll", can_focus=False),
        )
        self.picture.show(None, "The picture will be here.")

    def show(self, task: Task, index: int = 0) -> None:
        """Show a task and, of its results, the one at `index`."""
        files = task.files
        picture = Path(files[index]) if files else None
        self.picture.show(picture, waiting(task), self._shrink)
        self._facts.update(facts(task, index))


def waiting(task: Task) -> str:
    """What stands where the image will be."""
    if task.error:
        return task.error.message
    glyph, word, _ = status_look(task)
    return f"{glyph} {word}\n{task.note}"


def facts(task: Task, index: int = 0) -> Table:
    """What is known of a task."""
    glyph, word, _ = status_look(task)
    known = [
        (
            "status",
            f"{glyph} {word}" + (f" · {elapsed(task)}" if elapsed(task) else ""),
        ),
        ("", task.error.message if task.error else task.note),
        ("prompt", task.prompt),
        ("model", task.model),
        *(
            (name.replace("_", " "), value)
            for name, value in task.values.items()
            if name != "prompt"
        ),
        ("cost", _cost(task)),
    ]
    for number, result in enumerate(task.results):
        if result.path and number == index:
            known.append(
                (
                    "size",
                    f"{result.width} × {result.height}, {result.format}, {file_size(result.bytes)}",
                )
            )
            known.append(("file", result.path))
    if len(task.results) > 1:
        label = f" · {task.results[index].label}" if task.results[index].label else ""
        known.append(("image", f"{index + 1} of {len(task.results)}{label}"))
    known.append(("not saved", expiry(task)))
    known.append(
        ("made", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(task.created_at)))
    )
    known.append(("id", task.id + (f" · {task.remote_id}" if task.remote_id else "")))
    return rows(
        (one_line(name, 16), plain(_told(value), 4000))
        for name, value in known
        if value not in ("", None)
    )


def _told(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _cost(task: Task) -> str:
    if task.cost_micro is not None:
        return money(task.cost_micro)
    if task.status in (Status.REJECTED, Status.DROPPED, Status.HELD, Status.FAILED):
        return (
            f"nothing yet; listed at {money(task.estimate_micro)}"
            if task.status is Status.HELD
            else "nothing"
        )
    return (
        f"listed at {money(task.estimate_micro)}"
        if task.estimate_micro is not None
        else "unknown"
    )
