"""The fields of a form, placed: the prompt takes the rows that the others leave."""

from collections.abc import Callable, Iterable
from typing import ClassVar, NamedTuple

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import NULL_OFFSET, Region, Size, Spacing
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.message import Message
from textual.widget import Widget

from tui.widgets.fields import Field
from tui.widgets.text_fields import TextField

TWO_COLUMNS = 70
"""Columns from which fields stand in two columns."""
_BETWEEN = 2
"""Columns between the two."""
_LEAST_PROMPT = 4
"""Rows of the prompt with its label, at least."""
_AIRY = 10
"""Rows from which an empty one separates the prompt from the other fields."""


class FormFields(VerticalScroll):
    """Scrolls fields; those that are rarely needed stay folded until asked for."""

    def __init__(self, fields: Iterable[Field]) -> None:
        super().__init__(*_in_order(fields), id="fields", can_focus=False)
        self._form_layout = _FormLayout()

    @property
    def layout(self) -> Layout:
        return self._form_layout

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.height < _AIRY, "-low")

    async def replace(self, fields: Iterable[Field], focus: Callable[[], None]) -> None:
        """Shows other fields; `focus` is called before the previous ones go."""
        before = list(self.children)
        async with self.batch():
            await self.mount_all(_in_order(fields))
            # Before the old fields go: each move of the focus restyles the page
            focus()
            await self.remove_children(before)

    async def unfold(self) -> None:
        """Shows the folded fields, if there are any."""
        for fold in self.query_children(Fold):
            await fold.unfold()


class Fold(Widget, can_focus=True):
    """A line that stands for rarely needed fields, and shows them."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "flip", "Show or hide", show=False),
        Binding("right,l", "unfold", "Show", show=False),
        Binding("left,h", "fold", "Hide", show=False),
    ]

    class Opened(Message):
        """Fields were shown for the first time."""

    def __init__(self, fields: list[Field], *, is_open: bool) -> None:
        """While it isn't open, the fields aren't mounted."""
        super().__init__()
        self._fields = fields
        self._is_open = is_open

    def render(self) -> Content:
        count = len(self._fields)
        filled = sum(field.raw is not None for field in self._fields)
        if self._is_open:
            return Content(f"▾ {count} more")
        return Content(f"▸ {count} more, {filled} set" if filled else f"▸ {count} more")

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 1

    async def action_flip(self) -> None:
        if self._is_open:
            await self.action_fold()
        else:
            await self.action_unfold()

    async def action_unfold(self) -> None:
        await self.unfold()

    async def action_fold(self) -> None:
        self._is_open = False
        for field in self._fields:
            field.add_class("-folded")
        self.refresh()

    async def unfold(self) -> None:
        """Shows the fields, which are mounted when that is first wanted."""
        self._is_open = True
        self.refresh()
        waiting = [field for field in self._fields if not field.is_attached]
        for field in self._fields:
            field.remove_class("-folded")
        if waiting and self.parent:
            assert isinstance(self.parent, Widget)
            await self.parent.mount_all(waiting, after=self)
            self.post_message(self.Opened())

    async def on_click(self) -> None:
        await self.action_flip()


class _FormLayout(Layout):
    """Places the prompt over all columns, and the other fields below it."""

    name = "form"

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:
        if not size.width:
            return []
        prompts = [child for child in children if _is_prompt(child)]
        others = [child for child in children if not _is_prompt(child)]
        columns = _columns(others, size, parent.app.viewport_size)
        below = max((column.height for column in columns), default=0)
        y = 0
        placed: list[tuple[Widget, Region]] = []
        for prompt in prompts:
            gap = 1 if size.height >= _AIRY and others else 0
            height = max(_least_rows(prompt, size), size.height - below - gap)
            placed.append((prompt, Region(0, 0, size.width, height)))
            y += height + gap
        for column in columns:
            placed += column.place(y)
        return [
            WidgetPlacement(region, NULL_OFFSET, Spacing(), widget)
            for widget, region in placed
        ]


class _Column(NamedTuple):
    """Fields below each other, with their heights."""

    x: int
    width: int
    fields: list[tuple[Widget, int]]

    @property
    def height(self) -> int:
        return sum(height for _, height in self.fields)

    def place(self, y: int) -> list[tuple[Widget, Region]]:
        """Returns where the fields stand, the first one in row `y`."""
        placed: list[tuple[Widget, Region]] = []
        for field, height in self.fields:
            placed.append((field, Region(self.x, y, self.width, height)))
            y += height
        return placed


def _columns(fields: list[Widget], size: Size, viewport: Size) -> list[_Column]:
    """Returns fields in one column, or in two of about the same height."""
    if size.width < TWO_COLUMNS:
        heights = _heights(fields, size.width, size, viewport)
        return [_Column(0, size.width, heights)]
    width = (size.width - _BETWEEN) // 2
    heights = _heights(fields, width, size, viewport)
    splits = [
        [
            _Column(0, width, heights[:at]),
            _Column(width + _BETWEEN, width, heights[at:]),
        ]
        for at in range(len(heights) + 1)
    ]
    return min(splits, key=lambda both: max(column.height for column in both))


def _heights(
    fields: list[Widget], width: int, size: Size, viewport: Size
) -> list[tuple[Widget, int]]:
    container = Size(width, size.height)
    return [
        (field, field.get_content_height(container, viewport, width))
        for field in fields
    ]


def _least_rows(prompt: Widget, size: Size) -> int:
    """Returns the rows of the prompt: it grows with its text, to half of the form."""
    assert isinstance(prompt, TextField)
    most = max(_LEAST_PROMPT, size.height // 2)
    return min(most, max(_LEAST_PROMPT, prompt.rows + 1))


def _is_prompt(widget: Widget) -> bool:
    return isinstance(widget, TextField) and widget.param.name == "prompt"


def _in_order(fields: Iterable[Field]) -> list[Widget]:
    """Returns fields as they stand in the form: the prompt first, the rare ones folded."""
    fields = sorted(fields, key=lambda field: not _is_prompt(field))
    shown: list[Widget] = [field for field in fields if not field.param.more]
    more = [field for field in fields if field.param.more]
    if more:
        is_open = any(field.raw is not None for field in more)
        shown.append(Fold(more, is_open=is_open))
        shown += more if is_open else []
    return shown
