"""A choice whose values are all in sight: arrow keys or a click choose one.

Nothing is chosen at first: then the default holds, which is marked by a dot.
"""

from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from textual import events
from textual.actions import SkipAction
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


NONE = -1
"""The index while nothing is chosen."""


class Chips(Widget, can_focus=True):
    """Values in a row that wraps; `index` is the chosen one, or `NONE`."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1)", "Previous value", show=False),
        Binding("right,l", "move(1)", "Next value", show=False),
        Binding("up,k", "move_row(-1)", "Value above", show=False),
        Binding("down,j", "move_row(1)", "Value below", show=False),
        Binding("home", "move(-1000)", "First value", show=False),
        Binding("end", "move(1000)", "Last value", show=False),
        Binding("space,enter", "press", "Choose, or not", show=False),
        Binding("backspace,delete", "clear", "Default", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "chips--value",
        "chips--chosen",
        "chips--default",
    }

    index: reactive[int] = reactive(NONE)

    class Changed(Message):
        """Another value was chosen."""

        def __init__(self, chips: "Chips") -> None:
            super().__init__()
            self.chips = chips

        @property
        def control(self) -> "Chips":
            return self.chips

    def __init__(
        self, options: list[Option], wanted: object = None, default: object = None
    ) -> None:
        """`default` is the value that holds while nothing is chosen; None: unknown."""
        super().__init__()
        self._options = options
        self._default = default
        self.wanted = wanted
        """What was chosen, also while it isn't among the options; or None."""
        self.set_reactive(Chips.index, self._find(wanted))

    @property
    def value(self) -> object:
        """The chosen value, or None."""
        return None if self.index == NONE else self._options[self.index][0]

    def choose(self, value: object) -> None:
        """Chooses a value; none of them if it is None or isn't among them."""
        self.wanted = value
        self.index = self._find(value)

    def set_options(self, options: list[Option]) -> None:
        """Offers other values; what was chosen is chosen again if it is among them."""
        if options == self._options:
            return
        before = self.value
        self._options = options
        self.set_reactive(Chips.index, self._find(self.wanted))
        self.refresh(layout=True)
        if self.value != before:
            self.post_message(self.Changed(self))

    def _find(self, value: object) -> int:
        for index, (option, _) in enumerate(self._options):
            # 1 and True are equal, but not the same choice.
            if option == value and type(option) is type(value):
                return index
        return NONE

    def render(self) -> Content:
        value_style = self.get_visual_style("chips--value")
        chosen_style = self.get_visual_style("chips--chosen")
        default_style = self.get_visual_style("chips--default")
        default = self._find(self._default)
        lines: dict[int, list[Content]] = {}
        for index, place in enumerate(self._places(self.size.width)):
            style = value_style
            if index == self.index:
                style = chosen_style
            elif index == default and self.index == NONE:
                style = default_style
            chip = Content.styled(f" {self._label(index)} ", style)
            lines.setdefault(place.row, []).append(chip)
        return Content("\n").join(Content("").join(line) for line in lines.values())

    def _label(self, index: int) -> str:
        value, label = self._options[index]
        is_default = value == self._default and type(value) is type(self._default)
        return f"{label}•" if is_default else label

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        places = self._places(width)
        return places[-1].row + 1 if places else 1

    def action_move(self, step: int) -> None:
        last = len(self._options) - 1
        start = self.index
        if start == NONE:
            start = self._find(self._default)
        if start == NONE and step < 0:
            start = len(self._options)
        self._choose_at(max(0, min(last, start + step)))

    def action_move_row(self, step: int) -> None:
        """Chooses the nearest value in the line above or below; the page scrolls if there
        is none.
        """
        places = self._places(self.size.width)
        start = self.index if self.index != NONE else max(0, self._find(self._default))
        here = places[start]
        near = [
            (abs(place.start + place.end - here.start - here.end), index)
            for index, place in enumerate(places)
            if place.row == here.row + step
        ]
        if not near:
            raise SkipAction
        self._choose_at(min(near)[1])

    def action_press(self) -> None:
        """Chooses the default, or the first value; or nothing any more."""
        if self.index == NONE:
            self._choose_at(max(0, self._find(self._default)))
        else:
            self.action_clear()

    def action_clear(self) -> None:
        """Chooses nothing: the default holds."""
        self.choose(None)

    def _choose_at(self, index: int) -> None:
        self.choose(self._options[index][0])

    def watch_index(self) -> None:
        self.post_message(self.Changed(self))

    def on_click(self, event: events.Click) -> None:
        point = event.get_content_offset(self)
        if point is None:
            return
        for index, place in enumerate(self._places(self.size.width)):
            if point.y == place.row and place.start <= point.x < place.end:
                if index == self.index:
                    self.action_clear()
                else:
                    self._choose_at(index)

    def _places(self, width: int) -> list[_Place]:
        """Returns the place of each value, in lines of `width` cells."""
        places: list[_Place] = []
        row = 0
        column = 0
        for index in range(len(self._options)):
            size = cell_len(self._label(index)) + 2
            if column and column + size > width:
                row += 1
                column = 0
            places.append(_Place(row, column, column + size))
            column += size
        return places
