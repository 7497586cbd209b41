"""Small pictures side by side, one of them marked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.geometry import clamp
from textual.message import Message
from textual.widgets import Static

from tui.tasks.task import Task
from tui.widgets.picture import Picture
from tui.widgets.view_context import ViewContext

Key = tuple[str, int]
"""The id of a task, and the index of one of its results."""
_CELL_PIXELS = 10, 20
"""Width and height of a terminal cell where the terminal doesn't report them."""
_BUDGET_SHARE = 8
"""A small picture may take this part of the bytes of a large one."""
_LINE = "━"
_HERE = "▪"
"""Stands before the number of the marked picture."""
_NO_PICTURE = "–"
"""What stands for a file that can't be shown."""


class Thumbnail(NamedTuple):
    """A small picture."""

    key: Key
    path: str = ""
    """Its file; empty while there is none."""
    sign: str = ""
    """What stands in place of a picture without a file."""
    label: str = ""
    """What stands below it."""


class _Slot(Vertical):
    """A small picture above its label; a line beside the label marks it."""

    def __init__(self, context: ViewContext) -> None:
        super().__init__()
        terminal = context.terminal
        budget = terminal.budget // _BUDGET_SHARE
        terminal = replace(terminal, budget=budget)
        self._picture = Picture(
            terminal, swift=True, above_others=True, problem=_NO_PICTURE
        )
        self._label = Static(classes="label", markup=False)
        self._shrink = context.shrink
        self._text = ""
        self.thumbnail: Thumbnail | None = None
        self.place = 0

    def compose(self) -> ComposeResult:
        yield self._picture
        yield self._label

    def show(self, thumbnail: Thumbnail, marked: bool, width: int) -> None:
        """Shows a picture in a slot of so many cells; draws only what has changed."""
        before = self.thumbnail
        if before is None or thumbnail[:3] != before[:3]:
            path = Path(thumbnail.path) if thumbnail.path else None
            self._picture.show(path, thumbnail.sign, self._shrink)
        self.thumbnail = thumbnail
        text = thumbnail.label
        if marked:
            text = f" {text} " if text else ""
            text = text.center(width, _LINE)
        if text != self._text:
            self._text = text
            self._label.update(Content(text), layout=False)
        self.set_class(marked, "-marked")


class ThumbnailStrip(Horizontal):
    """Shows as many small pictures as there is room for, the marked one among them."""

    DEFAULT_CSS = """
    ThumbnailStrip {
        height: 5; overflow: hidden; align-horizontal: left;
        _Slot { width: 8; height: 100%; margin: 0 1 0 0; }
        .label { width: 1fr; height: 1; text-align: center; color: $text-muted; }
        _Slot.-marked .label { color: $text-accent; text-style: bold; }
    }
    """

    @dataclass
    class Chosen(Message):
        """The user has clicked on a small picture."""

        strip: "ThumbnailStrip"
        key: Key

        @property
        def control(self) -> "ThumbnailStrip":
            return self.strip

    def __init__(self, context: ViewContext, id: str) -> None:
        super().__init__(id=id)
        self._view = context
        self._thumbnails: Sequence[Thumbnail] = ()
        self._marked: Key | None = None
        self._first = 0
        self._slots: list[_Slot] = []
        self._filling = False

    def show(self, thumbnails: Sequence[Thumbnail], marked: Key | None) -> None:
        """Shows these pictures, one of them marked."""
        self._thumbnails = thumbnails
        self._marked = marked
        self._fill_soon()

    def on_resize(self) -> None:
        self._fill_soon()

    def _fill_soon(self) -> None:
        if not self._filling and self.is_mounted:
            self._filling = True  # once for all changes of this turn
            self.call_later(self._fill)

    @property
    def _slot_width(self) -> int:
        return self._square(self.size.height)

    def _square(self, rows: int) -> int:
        """Returns the cells of a square picture in a strip of so many rows."""
        width, height = self._view.terminal.cell or _CELL_PIXELS
        return max(4, round((rows - 1) * height / width))

    def width_of(self, count: int, rows: int) -> int:
        """Returns the cells of so many pictures in a strip of so many rows."""
        return count * (self._square(rows) + 1) - 1

    async def _fill(self) -> None:
        """Shows what is in sight; a slot that shows one of these already is moved."""
        self._filling = False
        width = self._slot_width
        room = max(1, (self.size.width + 1) // (width + 1)) if self.size else 0
        shown = self._in_sight(room)
        missing = len(shown) - len(self._slots)
        async with self.batch():
            if missing > 0:
                added = [_Slot(self._view) for _ in range(missing)]
                self._slots += added
                await self.mount_all(added)
            before = self._slots
            self._slots = self._arranged(shown)
            for place, slot in enumerate(self._slots):
                slot.place = place
                slot.display = place < len(shown)
                slot.styles.width = width
            for slot, thumbnail in zip(self._slots, shown, strict=False):
                slot.show(thumbnail, thumbnail.key == self._marked, width)
            if self._slots != before:
                self.sort_children(key=attrgetter("place"))

    def _in_sight(self, room: int) -> Sequence[Thumbnail]:
        """Returns the pictures to be shown; they stay until the mark leaves them."""
        keys = [thumbnail.key for thumbnail in self._thumbnails]
        last = max(0, len(keys) - room)
        self._first = clamp(self._first, 0, last)
        if self._marked in keys:
            marked = keys.index(self._marked)
            if not self._first <= marked < self._first + room:
                self._first = clamp(marked - room // 2, 0, last)
        return self._thumbnails[self._first : self._first + room]

    def _arranged(self, shown: Iterable[Thumbnail]) -> list[_Slot]:
        """Returns all slots in the order of what they are to show, spare ones last."""
        spare = list(self._slots)
        by_key = {slot.thumbnail.key: slot for slot in spare if slot.thumbnail}
        known = {thumbnail.key: by_key.get(thumbnail.key) for thumbnail in shown}
        for slot in known.values():
            if slot:
                spare.remove(slot)
        return [slot or spare.pop(0) for slot in known.values()] + spare

    def on_click(self, event: events.Click) -> None:
        for slot in self._slots:
            inside = slot.region.contains(*event.screen_offset)
            if slot.display and slot.thumbnail and inside:
                event.stop()
                self.post_message(self.Chosen(self, slot.thumbnail.key))
                return


class NumberLine(Static):
    """The numbers of small pictures in one row, where they themselves have no room."""

    DEFAULT_CSS = """
    NumberLine { height: 1; padding: 0 1; color: $text-muted; }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._labels: Sequence[str] = ()
        self._marked = 0

    def show(self, labels: Sequence[str], marked: int) -> None:
        """Shows labels, of which one is marked by its index."""
        if (labels, marked) != (self._labels, self._marked):
            self._labels = labels
            self._marked = marked
            self._describe()

    def on_resize(self) -> None:
        self._describe()

    def _describe(self) -> None:
        parts = [Content(label) for label in self._labels]
        if parts:
            here = f"{_HERE}{self._labels[self._marked]}"
            parts[self._marked] = Content.styled(here, "bold $text-accent")
        # Those around the marked one, where there is no room for all.
        first, last = 0, len(parts)
        line = Content(" ").join(parts)
        while line.cell_length > self.content_size.width and last - first > 1:
            if self._marked - first > last - 1 - self._marked:
                first += 1
            else:
                last -= 1
            line = Content(" ").join(parts[first:last])
        self.update(line, layout=False)


class FilmStrip(ThumbnailStrip):
    """The latest results, newest first; the mark is on the task that is shown."""

    def __init__(self, context: ViewContext, id: str) -> None:
        super().__init__(context, id)
        self._files: dict[str, Thumbnail] = {}

    def on_mount(self) -> None:
        self._view.changes.subscribe(self, self._changed, immediate=True)

    def mark(self, task_id: str) -> None:
        """Marks a task's picture."""
        if self._marked != (task_id, 0):
            self._marked = (task_id, 0)
            self._fill_soon()

    def _changed(self, task: Task) -> None:
        is_shown = bool(task.files) and not (task.cleared or task.deleted)
        thumbnail = Thumbnail((task.id, 0), task.files[0]) if is_shown else None
        if self._files.get(task.id) == thumbnail:
            return
        if thumbnail:
            self._files[task.id] = thumbnail
        else:
            del self._files[task.id]
        self._fill_soon()

    async def _fill(self) -> None:
        newest = sorted(self._files.items(), reverse=True)
        self._thumbnails = [thumbnail for _, thumbnail in newest]
        await super()._fill()
