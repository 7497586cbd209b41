"""All the values of a choice at once, one of them chosen: arrows or a click move the
choice.
"""

from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

Option = tuple[object, str]
"""A value and what it is called."""


class Chips(Widget, can_focus=True):
    """A row of values that wraps; `index` is the chosen one."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1)", "Previous value", show=False),
        Binding("right,l,space", "move(1)", "Next value", show=False),
        Binding("home", "move(-1000)", "First value", show=False),
        Binding("end", "move(1000)", "Last value", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"chips--value", "chips--chosen"}

    index: reactive[int] = reactive(0)

    class Changed(Message):
        """Another value was chosen."""

        def __init__(self, chips: "Chips") -> None:
            super().__init__()
            self.chips = chips

        @property
        def control(self) -> "Chips":
            return self.chips

    def __init__(self, options: list[Option], index: int = 0) -> None:
        super().__init__()
        self._options = options
        self.set_reactive(Chips.index, index)

    @property
    def value(self) -> object:
        return self._options[self.index][0]

    def choose(self, value: object) -> None:
        """Choose a value; one that isn't there chooses the first."""
        for index, (own, _) in enumerate(self._options):
            if own == value and type(own) is type(value):
                self.index = index
                return
        self.index = 0

    def set_options(self, options: list[Option]) -> None:
        """Other values to choose from; the chosen one stays if it is still there."""
        if options != self._options:
            value = self.value
            self._options = options
            self.choose(value)
            self.refresh(layout=True)

    def render(self) -> Content:
        plain = self.get_visual_style("chips--value")
        chosen = self.get_visual_style("chips--chosen")
        lines: dict[int, list[Content]] = {}
        for index, (row, _start, _end) in enumerate(self._places(self.size.width)):
            style = chosen if index == self.index else plain
            lines.setdefault(row, []).append(
                Content.styled(f" {self._options[index][1]} ", style)
            )
        return Content("\n").join(Content(" ").join(line) for line in lines.values())

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self._places(width)[-1][0] + 1

    def action_move(self, step: int) -> None:
        self.index = max(0, min(len(self._options) - 1, self.index + step))

    def watch_index(self) -> None:
        self.post_message(self.Changed(self))

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset(self)
        for index, (row, start, end) in enumerate(self._places(self.size.width)):
            if at and at.y == row and start <= at.x < end:
                self.index = index

    def _places(self, width: int) -> list[tuple[int, int, int]]:
        """Row, first column and end of every value, in lines of `width` cells."""
        places: list[tuple[int, int, int]] = []
        row = column = 0
        for _, label in self._options:
            size = cell_len(label) + 2
            if column and column + size > width:
                row, column = row + 1, 0
            places.append((row, column, column + size))
            column += size + 1
        return places
