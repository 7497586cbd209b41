"""A choice whose values are all in sight: arrow keys or a click choose another."""

from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

Option = tuple[object, str]
"""A value and its label."""


class _Place(NamedTuple):
    """Where a value stands: its row, its first column and the column after it."""

    row: int
    start: int
    end: int


class Chips(Widget, can_focus=True):
    """Values in a row that wraps; `index` is the chosen one."""

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
        """Chooses a value, or the first one if it isn't among them."""
        for index, (option, _) in enumerate(self._options):
            # 1 and True are equal, but not the same choice.
            if option == value and type(option) is type(value):
                self.index = index
                return
        self.index = 0

    def set_options(self, options: list[Option]) -> None:
        """Offers other values; the chosen one stays chosen if it is among them."""
        if options == self._options:
            return
        value = self.value
        self._options = options
        self.choose(value)
        self.refresh(layout=True)

    def render(self) -> Content:
        value_style = self.get_visual_style("chips--value")
        chosen_style = self.get_visual_style("chips--chosen")
        lines: dict[int, list[Content]] = {}
        for index, place in enumerate(self._places(self.size.width)):
            style = chosen_style if index == self.index else value_style
            label = self._options[index][1]
            chip = Content.styled(f" {label} ", style)
            lines.setdefault(place.row, []).append(chip)
        return Content("\n").join(Content(" ").join(line) for line in lines.values())

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self._places(width)[-1].row + 1

    def action_move(self, step: int) -> None:
        last = len(self._options) - 1
        self.index = max(0, min(last, self.index + step))

    def watch_index(self) -> None:
        self.post_message(self.Changed(self))

    def on_click(self, event: events.Click) -> None:
        point = event.get_content_offset(self)
        if point is None:
            return
        for index, place in enumerate(self._places(self.size.width)):
            if point.y == place.row and place.start <= point.x < place.end:
                self.index = index

    def _places(self, width: int) -> list[_Place]:
        """Returns the place of each value, in lines of `width` cells."""
        places: list[_Place] = []
        row = 0
        column = 0
        for _, label in self._options:
            size = cell_len(label) + 2
            if column and column + size > width:
                row += 1
                column = 0
            places.append(_Place(row, column, column + size))
            column += size + 1
        return places
