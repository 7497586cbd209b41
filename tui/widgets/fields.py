"""A field of the form: the label and the control of one param."""

import random
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from tui.catalog.reach import texts_of
from tui.catalog.spec import Kind, Param, Value
from tui.widgets.foreign_texts import ForeignTexts

Raw = str | Value
"""What stands in a field: its text as it was typed, or the value that was chosen."""
_SHORT_TITLES = {
    "Aspect ratio": "Ratio",
    "Callback url": "Callback",
    "Expand prompt": "Expand",
    "Output count": "Count",
    "Output format": "Format",
    "Output quality": "Quality",
    "Output resolution": "Size",
    "Picture task": "Task",
    "Rendering speed": "Speed",
    "Safety checker": "Safety",
    "Safety tolerance": "Tolerance",
    "Source image": "Source",
    "Split images": "Split",
    "Thinking mode": "Thinking",
    "Translate prompt": "Translate",
    "Upscale factor": "Factor",
}
"""What fits beside a control in 40 columns; the help says more."""


class Field(Widget):
    """Label and control of one param. What is wrong with it, the form says."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+g,f3",
            "pick",
            "Pick",
            id="pick",
            tooltip="Choose a file, an image or a task; draw a random seed",
        ),
    ]
    is_beside: ClassVar[bool] = True
    """Whether the control is beside its label; if not, it is below it and a counter."""
    control: Widget

    class Changed(Message):
        """The value was changed."""

        def __init__(self, field: "Field") -> None:
            super().__init__()
            self.field = field

    class PickRequested(Message):
        """The user wants to choose a value from a list."""

        def __init__(self, field: "Field") -> None:
            super().__init__()
            self.field = field

    class Dropped(Message):
        """Image files were dropped on a control."""

        def __init__(self, files: list[str]) -> None:
            super().__init__()
            self.files = files

    def __init__(self, param: Param, raw: Raw | None = None) -> None:
        super().__init__(classes=f"kind-{param.kind}")
        self.set_class(self.is_beside, "-beside")
        self.set_class(param.name == "prompt", "-prompt")
        self.param = param
        self.foreign = ForeignTexts()
        """What something else than the user's keys has written here."""
        self.picked: set[str] = set()
        """Files and URLs that the user chose from a list."""
        self.is_unchecked = False
        """Whether the value is sent without the catalog's check."""
        self.error = ""
        """What is wrong with the value, as far as it was shown; or empty."""
        self._label = Static(classes="label", markup=False)
        self._counter = Static(classes="counter", markup=False)
        self.control = self.make_control(raw)
        self.adapt(param)

    def compose(self) -> ComposeResult:
        yield self._label
        if not self.is_beside:
            yield self._counter
        yield self.control

    def make_control(self, raw: Raw | None) -> Widget:
        """Makes the widget that holds the value."""
        raise NotImplementedError

    @property
    def raw(self) -> Raw | None:
        """What stands in the field, also where it is no value; or None."""
        raise NotImplementedError

    def read(self) -> Value | None:
        """Returns the value, or None if there is none; ValueError holds a sentence."""
        raise NotImplementedError

    def fill(self, value: Value | None) -> None:
        """Sets the value."""
        raise NotImplementedError

    def adapt(self, param: Param) -> None:
        """Applies what a rule has changed, such as the allowed values."""
        self.param = param
        self._update_label()

    def show_error(self, error: str) -> None:
        """Marks the field as wrong, or as right if there is no error."""
        if error != self.error:
            self.error = error
            self.set_class(bool(error), "-wrong")
            self._update_label()

    def show_unchecked(self, is_unchecked: bool) -> None:
        """Marks the value as one that is not checked, or as checked again."""
        if is_unchecked != self.is_unchecked:
            self.is_unchecked = is_unchecked
            self._update_label()

    def _update_label(self) -> None:
        # As wide with a mark as without one: nothing beside it moves.
        mark = "  "
        if self.error:
            mark = " !"
        elif self.is_unchecked:
            mark = " ?" if self.is_beside else " not checked"
        elif self.param.required:
            mark = " *"
        title = short_title(self.param)
        self._label.update(Content(title) + Content.styled(mark, "$text-error"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "pick" or self._can_pick()

    def _can_pick(self) -> bool:
        listed = self.param.kind in (Kind.IMAGE, Kind.IMAGES, Kind.TASK)
        return listed or is_seed(self.param)

    def action_pick(self) -> None:
        if not is_seed(self.param):
            self.post_message(self.PickRequested(self))
            return
        low = int(self.param.min or 0)
        high = int(self.param.max or 2**31 - 1)
        self.fill(random.randrange(low, high))

    def set_picked(self, picked: str | list[str] | None) -> None:
        """Sets what was picked, or adds it to a list; None changes nothing."""
        values = [picked] if isinstance(picked, str) else picked
        if values:
            self.picked |= texts_of(values)
            self._add(values)
        self.control.focus()

    def _add(self, values: list[str]) -> None:
        """Adds values to a list; otherwise sets the first one."""
        if self.param.kind is not Kind.IMAGES:
            self.fill(values[0])
            return
        before = self.read()
        self.fill([*before, *values] if isinstance(before, list) else values)

    @on(Dropped)
    def _add_dropped(self, event: Dropped) -> None:
        if self.param.kind in (Kind.IMAGE, Kind.IMAGES):
            event.stop()
            self.foreign.add(*event.files)
            self._add(event.files)
            self.control.focus()

    def foreign_texts(self) -> set[str]:
        """Returns the texts of the value that need not be the user's own words.

        They may have been pasted, dropped or filled in, and changed since.
        """
        try:
            texts = texts_of([self.read()]) - self.picked
        except ValueError:
            return self.foreign.texts
        is_json = self.param.kind in (Kind.JSON, Kind.OBJECT)
        if is_json and not self.foreign.is_empty:
            return texts  # its escapes may spell them in another way
        return {text for text in texts if self.foreign.may_be_in(text)}

    def set_counter(self, text: str) -> None:
        self._counter.update(text)


def short_title(param: Param) -> str:
    """Returns a param's title, shortened where the form has little room."""
    return _SHORT_TITLES.get(param.title, param.title)


def is_seed(param: Param) -> bool:
    """Returns whether a random number makes sense."""
    return param.kind is Kind.INTEGER and param.name == "seed"
