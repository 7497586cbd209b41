"""One field a param. The param's kind decides which, and nothing else does."""

import asyncio
import json
import random
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from tui.catalog import request
from tui.catalog.spec import Kind, Param, Value
from tui.widgets.chips import Chips, Option
from tui.widgets.path_completion import dropped


class Field(Widget):
    """Label, control and error of one param."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+g,f3",
            "pick",
            "Pick",
            id="pick",
            tooltip="A file, a result, a task; a random number for a seed",
        ),
    ]
    beside: ClassVar[bool] = True
    """Whether the control stands beside its label, or below it and a counter."""
    control: Widget

    class Changed(Message):
        """The field holds something else now."""

        def __init__(self, field: "Field") -> None:
            super().__init__()
            self.field = field

    class PickWanted(Message):
        """The user wants to choose a value from what there is."""

        def __init__(self, field: "Field") -> None:
            super().__init__()
            self.field = field

    class Dropped(Message):
        """Image files were dropped where none are asked for."""

        def __init__(self, files: list[str]) -> None:
            super().__init__()
            self.files = files

    def __init__(self, param: Param, value: Value | None = None) -> None:
        super().__init__(classes=f"kind-{param.kind}" + " -beside" * self.beside)
        self.param = param
        self._error: Static | None = None
        self._label = Static(classes="label")
        self._counter = Static(classes="counter", markup=False)
        self.control = self.make_control(value)
        self.adapt(param)

    def compose(self) -> ComposeResult:
        yield self._label
        if not self.beside:
            yield self._counter
        yield self.control
        if self._error and not self._error.is_attached:
            yield self._error

    def make_control(self, value: Value | None) -> Widget:
        """The widget that is asked."""
        raise NotImplementedError

    def read(self) -> Value | None:
        """The value, None where nothing is said. Raises ValueError with a sentence."""
        raise NotImplementedError

    def fill(self, value: Value | None) -> None:
        """Put a value in."""
        raise NotImplementedError

    def adapt(self, param: Param) -> None:
        """Take on what a rule has changed: whether it's required, which values it may
        have.
        """
        self.param = param
        mark = Content.styled(" *", "$text-error") if param.required else Content("")
        self._label.update(Content(param.title) + mark)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return (
            action != "pick"
            or self.param.kind in (Kind.IMAGE, Kind.IMAGES, Kind.TASK)
            or _draws(self.param)
        )

    def action_pick(self) -> None:
        if _draws(self.param):
            self.fill(
                random.randrange(
                    int(self.param.min or 0), int(self.param.max or 2**31 - 1)
                )
            )
        else:
            self.post_message(self.PickWanted(self))

    def set_picked(self, picked: str | list[str] | None) -> None:
        """Take what was picked; a list goes on with it."""
        values = [picked] if isinstance(picked, str) else picked or []
        if values and self.param.kind is Kind.IMAGES:
            before = self.read()
            self.fill([*(before if isinstance(before, list) else []), *values])
        elif values:
            self.fill(values[0])
        self.control.focus()

    @on(Dropped)
    def _take_dropped(self, event: Dropped) -> None:
        if self.param.kind in (Kind.IMAGE, Kind.IMAGES):
            event.stop()
            self.set_picked(event.files)

    def count(self, text: str) -> None:
        self._counter.update(text)

    def show_error(self, error: str) -> None:
        """Show what is wrong, or that nothing is."""
        if self._error is None and error:
            self._error = Static(classes="error", markup=False)
            if self.is_attached:
                self.mount(self._error)
        if self._error:
            self._error.update(error)
            self._error.display = bool(error)


class TextField(Field):
    """Several lines: a prompt, a list with an entry a line, JSON."""

    beside = False
    area: "Prompt"

    def make_control(self, value: Value | None) -> Widget:
        self.area = Prompt(_as_text(value), placeholder=Content(_hint(self.param)))
        self.area.move_cursor(self.area.document.end)
        return self.area

    def read(self) -> Value | None:
        text = self.area.text
        return None if request.blank(text) else request.parse(self.param, text)

    def fill(self, value: Value | None) -> None:
        self.area.history.checkpoint()  # what it takes the place of comes back by undo
        self.area.replace(_as_text(value), (0, 0), self.area.document.end)
        self.area.move_cursor(self.area.document.end)

    def adapt(self, param: Param) -> None:
        super().adapt(param)
        self._count()

    @on(TextArea.Changed)
    def _changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self._count()
        self.post_message(self.Changed(self))

    def _count(self) -> None:
        if self.param.kind is Kind.TEXT:
            limit = f" / {self.param.max:,.0f}" if self.param.max else ""
            size = len(self.area.text)
            self.count(f"{size:,}{limit}" if size or limit else "")


class Prompt(TextArea):
    """A text area in which tab leaves and nothing blinks: an idle app writes nothing."""

    def __init__(self, text: str, *, placeholder: Content) -> None:
        super().__init__(
            text,
            tab_behavior="focus",
            soft_wrap=True,
            compact=True,
            placeholder=placeholder,
        )
        self.cursor_blink = False
        self.highlight_cursor_line = False

    class Offered(Message):
        """A command line was pasted, which the form can be filled from."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    async def on_paste(self, event: events.Paste) -> None:
        from tui.exchange.pasted_command import is_command  # not needed to start

        if is_command(event.text):
            event.stop()
            event.prevent_default()  # no text of the prompt: there may be a key in it
            self.post_message(self.Offered(event.text))
        else:
            await _pasted(self, event)


class _Line(Input):
    async def on_paste(self, event: events.Paste) -> None:
        await _pasted(self, event)


class LineField(Field):
    """A single line: words, a number, an address."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "step(1)", "More", show=False),
        Binding("down", "step(-1)", "Less", show=False),
    ]
    line: Input

    def make_control(self, value: Value | None) -> Widget:
        self.line = _Line(_as_text(value), placeholder=_hint(self.param), compact=True)
        self.line.cursor_blink = False
        return self.line

    def read(self) -> Value | None:
        text = self.line.value.strip()
        return None if request.blank(text) else request.parse(self.param, text)

    def fill(self, value: Value | None) -> None:
        self.line.value = _as_text(value)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "step":
            return self.param.kind is Kind.INTEGER
        return super().check_action(action, parameters)

    def action_step(self, step: int) -> None:
        """Arrows count in a whole number."""
        low, high = self.param.min, self.param.max
        try:
            number = int(self.line.value) + step
        except ValueError:
            start = self.param.default
            number = start if isinstance(start, int) else int(low or 0)
        number = number if low is None else max(int(low), number)
        self.line.value = str(number if high is None else min(int(high), number))

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(self))


class ChoiceField(Field):
    """A few values, all in sight; not choosing is one of them unless the param is
    required.
    """

    chips: Chips

    def make_control(self, value: Value | None) -> Widget:
        self.chips = Chips(self._options())
        self._choose(value)
        return self.chips

    def read(self) -> Value | None:
        value: Any = self.chips.value
        return None if value is None else value

    def fill(self, value: Value | None) -> None:
        self._choose(value)

    def adapt(self, param: Param) -> None:
        super().adapt(param)
        self.chips.set_options(self._options())

    def _choose(self, value: Value | None) -> None:
        self.chips.choose(
            self.param.default if value is None and self.param.required else value
        )

    def _options(self) -> list[Option]:
        param = self.param
        values: list[Option] = [(value, _shaped(str(value))) for value in param.enum]
        if param.kind is Kind.BOOLEAN:
            values = [(True, "yes"), (False, "no")]
        if param.required and param.default is not None:
            return values
        default = next((label for value, label in values if value == param.default), "")
        return [(None, f"default: {default}" if default else "default"), *values]

    @on(Chips.Changed)
    def _changed(self, event: Chips.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(self))


class ConstantField(Field):
    """One allowed value: shown, not asked."""

    def make_control(self, value: Value | None) -> Widget:
        return Static(Content(str(self.param.default)), classes="constant")

    def read(self) -> Value | None:
        return self.param.default

    def fill(self, value: Value | None) -> None:
        pass


FIELDS: dict[Kind, type[Field]] = {
    Kind.TEXT: TextField,
    Kind.LINE: LineField,
    Kind.CHOICE: ChoiceField,
    Kind.INTEGER: LineField,
    Kind.NUMBER: LineField,
    Kind.BOOLEAN: ChoiceField,
    Kind.IMAGE: LineField,
    Kind.IMAGES: TextField,
    Kind.INTEGERS: LineField,
    Kind.JSON: TextField,
    Kind.TASK: LineField,
    Kind.CONSTANT: ConstantField,
}


def make_field(param: Param, value: Value | None = None) -> Field:
    """The field for a param, holding `value`."""
    return FIELDS[param.kind](param, value)


async def _pasted(control: Widget, event: events.Paste) -> None:
    """Keep the paths of dropped images out of the control's text."""
    event.stop()
    if files := await asyncio.to_thread(dropped, event.text):
        event.prevent_default()
        control.post_message(Field.Dropped(files))


def _as_text(value: Value | None) -> str:
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "\n".join(value)
    if isinstance(value, list) and all(isinstance(item, int) for item in value):
        return " ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _hint(param: Param) -> str:
    """What stands in an empty field."""
    match param.kind:
        case Kind.IMAGE:
            return "URL or path; ctrl+g picks one"
        case Kind.IMAGES:
            return "URLs or paths, one a line; ctrl+g picks them"
        case Kind.TEXT if param.name == "prompt":
            return "Describe the picture, then ctrl+j"
        case Kind.TASK:
            return "a task's id; ctrl+g picks one"
        case Kind.INTEGER if _draws(param):
            return "empty: random; ctrl+g draws one"
        case Kind.INTEGER | Kind.NUMBER if param.default is not None:
            return f"default: {param.default}"
    return param.example and f"such as {param.example}"


def _draws(param: Param) -> bool:
    """Whether a random number makes sense: a seed."""
    return param.kind is Kind.INTEGER and param.name == "seed"


def _shaped(value: str) -> str:
    """A ratio with a drawing of its shape; anything else as it is."""
    sides = value.split(":")
    if len(sides) != 2 or not all(side.isdecimal() and int(side) for side in sides):
        return value
    ratio = int(sides[0]) / int(sides[1])
    return f"{'▭' if ratio > 1.1 else '▯' if ratio < 0.9 else '□'} {value}"
