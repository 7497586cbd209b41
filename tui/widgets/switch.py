"""Yes or no as one control, which can also be left as it is by default."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

_YES = "─●"
_NO = "●─"
_UNKNOWN = "──"
_WIDTH = len(" ─● not set ")


class Switch(Widget, can_focus=True):
    """Shows yes, no, or what holds while neither is chosen."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,enter", "flip", "Switch", show=False),
        Binding("right,l", "set(True)", "Yes", show=False),
        Binding("left,h", "set(False)", "No", show=False),
        Binding("backspace,delete", "clear", "Default", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "switch--chosen",
        "switch--default",
    }

    value: reactive[bool | None] = reactive(None)
    """None while neither is chosen."""

    class Changed(Message):
        """Another value was chosen."""

    def __init__(self, value: bool | None, default: bool | None) -> None:
        """`default` is what holds while nothing is chosen; None: nobody knows."""
        super().__init__()
        self._default = default
        self.set_reactive(Switch.value, value)

    def render(self) -> Content:
        shown = self._default if self.value is None else self.value
        if shown is None:
            text = f"{_UNKNOWN} not set"
        elif shown:
            text = f"{_YES} yes"
        else:
            text = f"{_NO} no"
        if shown is not None and shown == self._default:
            text += "•"
        style = "switch--default" if self.value is None else "switch--chosen"
        return Content.styled(f" {text} ", self.get_visual_style(style))

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return _WIDTH

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 1

    def watch_value(self) -> None:
        self.post_message(self.Changed())

    def action_flip(self) -> None:
        self.value = not (self._default if self.value is None else self.value)

    def action_set(self, value: bool) -> None:
        self.value = value

    def action_clear(self) -> None:
        self.value = None

    def on_click(self) -> None:
        self.action_flip()
