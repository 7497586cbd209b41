"""The fields of the form. A param's kind alone decides which field it has."""

import asyncio
import json
import random
from typing import Any, ClassVar

from textual import events, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from tui.catalog import request
from tui.catalog.image_items import parse_images, show_images
from tui.catalog.reach import texts_of
from tui.catalog.spec import Kind, Param, Value
from tui.text import one_line
from tui.widgets.chips import Chips, Option
from tui.widgets.foreign_texts import ForeignTexts
from tui.widgets.path_completion import read_drop
from tui.widgets.snippet_completion import SnippetCompletion


class Field(Widget):
    """Label, control and error of one param."""

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

    def __init__(self, param: Param, value: Value | None = None) -> None:
        super().__init__(classes=f"kind-{param.kind}")
        self.set_class(self.is_beside, "-beside")
        self.param = param
        self.foreign = ForeignTexts()
        """What something else than the user's keys has written here."""
        self.picked: set[str] = set()
        """Files and URLs that the user chose from a list."""
        self._error: Static | None = None
        self._label = Static(classes="label", markup=False)
        self._counter = Static(classes="counter", markup=False)
        self.control = self.make_control(value)
        self.adapt(param)

    def compose(self) -> ComposeResult:
        yield self._label
        if not self.is_beside:
            yield self._counter
        yield self.control
        if self._error and not self._error.is_attached:
            yield self._error

    def make_control(self, value: Value | None) -> Widget:
        """Makes the widget that holds the value."""
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
        mark = Content.styled(" *", "$text-error") if param.required else Content("")
        self._label.update(Content(param.title) + mark)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "pick" or self._can_pick()

    def _can_pick(self) -> bool:
        listed = self.param.kind in (Kind.IMAGE, Kind.IMAGES, Kind.TASK)
        return listed or _is_seed(self.param)

    def action_pick(self) -> None:
        if not _is_seed(self.param):
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
            return set()
        if self.param.kind is Kind.JSON and not self.foreign.is_empty:
            return texts  # its escapes may spell them in another way
        return {text for text in texts if self.foreign.may_be_in(text)}

    def set_counter(self, text: str) -> None:
        self._counter.update(text)

    def show_error(self, error: str) -> None:
        """Shows an error, or none if it is empty."""
        if self._error is None and error:
            self._error = Static(classes="error", markup=False)
            if self.is_attached:
                self.mount(self._error)
        if self._error:
            self._error.update(error)
            self._error.display = bool(error)


class TextField(Field):
    """Several lines: a prompt, a list with one entry per line, JSON."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "alt+e,f11",
            "edit",
            "Editor",
            id="edit-prompt",
            tooltip="Edit the text in your own editor: $VISUAL or $EDITOR",
            show=False,
        ),
        Binding("tab", "complete", "Snippet", show=False),
    ]
    is_beside = False
    area: "Prompt"

    class EditRequested(Message):
        """The user wants to edit the text in an editor of their own."""

        def __init__(self, field: "TextField") -> None:
            super().__init__()
            self.field = field

    class SnippetTyped(Message):
        """The name of a snippet is being typed."""

        def __init__(self, field: "TextField") -> None:
            super().__init__()
            self.field = field

    class SnippetChosen(Message):
        """The user wants the snippet of that name in place of it."""

        def __init__(self, field: "TextField", name: str) -> None:
            super().__init__()
            self.field = field
            self.name = name

    def make_control(self, value: Value | None) -> Widget:
        hint = Content(_hint(self.param))
        self.area = Prompt(_as_text(self.param, value), placeholder=hint)
        self.area.recalls = self.param.name == "prompt"
        self.snippets = SnippetCompletion(self.area)
        self.area.move_cursor(self.area.document.end)
        return self.area

    def read(self) -> Value | None:
        return _parsed(self.param, self.area.text)

    def fill(self, value: Value | None) -> None:
        self._replace(_as_text(self.param, value))

    def replace_text(self, text: str) -> None:
        """Sets the text to one that need not be the user's own words."""
        if text != self.area.text:
            _mark_foreign(self.area, text)
            self._replace(text)

    def _replace(self, text: str) -> None:
        # So that undo brings back exactly what is replaced
        self.area.history.checkpoint()
        self.area.replace(text, (0, 0), self.area.document.end)
        self.area.move_cursor(self.area.document.end)

    def action_edit(self) -> None:
        self.post_message(self.EditRequested(self))

    def adapt(self, param: Param) -> None:
        super().adapt(param)
        self._update_counter()

    @on(TextArea.Changed)
    def _changed(self, event: TextArea.Changed) -> None:
        event.stop()
        if not self.area.text:
            self.foreign.forget()
        self._update_counter()
        if self.param.kind is Kind.TEXT and self.snippets.typed is not None:
            self.post_message(self.SnippetTyped(self))
        self.post_message(self.Changed(self))

    def offer_snippets(self, names: list[str]) -> None:
        """Shows which snippets the name that is being typed may become."""
        offer = self.snippets.offer(names)
        if offer:
            self.set_counter(offer)

    def insert_snippet(self, text: str) -> None:
        """Replaces the name that was typed by the text of its snippet."""
        _mark_foreign(self.area, text)
        self.snippets.insert(text)

    def action_complete(self) -> None:
        name = self.snippets.chosen
        if not name:
            raise SkipAction  # tab goes to the next field
        self.post_message(self.SnippetChosen(self, name))

    def _update_counter(self) -> None:
        if self.param.kind is not Kind.TEXT:
            return
        size = len(self.area.text)
        if self.param.max:
            self.set_counter(f"{size:,} / {self.param.max:,.0f}")
        else:
            self.set_counter(f"{size:,}" if size else "")


class Prompt(TextArea):
    """A text area that tab leaves; its cursor doesn't blink: an idle app is silent."""

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

    recalls = False
    """Whether up, where nothing is written yet, asks for past prompts."""

    class RecallRequested(Message):
        """The user wants to choose a past prompt."""

    class CommandPasted(Message):
        """A command was pasted that the form can be filled from."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    async def on_paste(self, event: events.Paste) -> None:
        from tui.exchange.pasted_command import is_command  # not needed to start

        if is_command(event.text):
            event.stop()
            # Not into the prompt: the command may contain a key.
            event.prevent_default()
            self.post_message(self.CommandPasted(event.text))
        else:
            await _check_paste(self, event)

    def action_paste(self) -> None:
        _mark_foreign(self, self.app.clipboard)
        super().action_paste()

    def action_cursor_up(self, select: bool = False) -> None:
        if self.recalls and not self.text:
            self.post_message(self.RecallRequested())
        else:
            super().action_cursor_up(select)

    def action_undo(self) -> None:
        _recall_foreign(self)
        super().action_undo()

    def action_redo(self) -> None:
        _recall_foreign(self)
        super().action_redo()


class _Line(Input):
    async def on_paste(self, event: events.Paste) -> None:
        await _check_paste(self, event)

    def action_paste(self) -> None:
        _mark_foreign(self, self.app.clipboard)
        super().action_paste()


class LineField(Field):
    """A single line: words, a number, a URL."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "step(1)", "More", show=False),
        Binding("down", "step(-1)", "Less", show=False),
    ]
    line: Input

    def make_control(self, value: Value | None) -> Widget:
        hint = _hint(self.param)
        self.line = _Line(_as_text(self.param, value), placeholder=hint, compact=True)
        self.line.cursor_blink = False
        return self.line

    def read(self) -> Value | None:
        return _parsed(self.param, self.line.value.strip())

    def fill(self, value: Value | None) -> None:
        self.line.value = _as_text(self.param, value)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "step":
            return self.param.kind is Kind.INTEGER
        return super().check_action(action, parameters)

    def action_step(self, step: int) -> None:
        """Changes a whole number by `step`, within its limits."""
        low = self.param.min
        high = self.param.max
        try:
            number = int(self.line.value) + step
        except ValueError:
            default = self.param.default
            number = default if isinstance(default, int) else int(low or 0)
        if low is not None:
            number = max(int(low), number)
        if high is not None:
            number = min(int(high), number)
        self.line.value = str(number)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        if not self.line.value:
            self.foreign.forget()
        self.post_message(self.Changed(self))


class ChoiceField(Field):
    """A few values, all in sight; one of them is the default, unless it's required."""

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
        if value is None and self.param.required:
            value = self.param.default
        self.chips.choose(value)

    def _options(self) -> list[Option]:
        param = self.param
        options: list[Option] = [(True, "yes"), (False, "no")]
        if param.kind is not Kind.BOOLEAN:
            options = [(value, _with_shape(one_line(value))) for value in param.enum]
        if param.required and param.default is not None:
            return options
        labels = [label for value, label in options if value == param.default]
        default: Option = (None, f"default: {labels[0]}" if labels else "default")
        return [default, *options]

    @on(Chips.Changed)
    def _changed(self, event: Chips.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(self))


class ConstantField(Field):
    """The only allowed value, which is shown and can't be changed."""

    def make_control(self, value: Value | None) -> Widget:
        return Static(str(self.param.default), classes="constant", markup=False)

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
    """Makes the field for a param, holding `value`."""
    return FIELDS[param.kind](param, value)


async def _check_paste(control: Widget, event: events.Paste) -> None:
    """Keeps the paths of dropped files out of the control's text."""
    event.stop()
    drop = await asyncio.to_thread(read_drop, event.text)
    # Not before: what is typed meanwhile may empty the field.
    _mark_foreign(control, event.text)
    if drop is None:
        return
    event.prevent_default()
    if drop.problem:
        control.notify(drop.problem, severity="warning", markup=False)
    if drop.images:
        control.post_message(Field.Dropped(drop.images))


def _mark_foreign(control: Widget, text: str) -> None:
    """Notes that a text in a field's control is not typed by the user."""
    for node in control.ancestors:
        if isinstance(node, Field):
            node.foreign.add(text, *parse_images(text))


def _recall_foreign(control: Widget) -> None:
    """Notes that a text which was emptied may come back."""
    for node in control.ancestors:
        if isinstance(node, Field):
            node.foreign.recall()


def _parsed(param: Param, text: str) -> Value | None:
    return None if request.blank(text) else request.parse(param, text)


def _as_text(param: Param, value: Value | None) -> str:
    """Returns a value as it stands in a field. The name of a file stays as it is."""
    if value is None:
        return ""
    if param.kind not in (Kind.IMAGE, Kind.IMAGES):
        value = request.inert_value(value)
    if param.kind is Kind.IMAGES and isinstance(value, list):
        return show_images(map(str, value))
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        if all(isinstance(item, str) for item in value):
            return "\n".join(value)
        if all(isinstance(item, int) for item in value):
            return " ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False)


def _hint(param: Param) -> str:
    """Returns the text of an empty field."""
    match param.kind:
        case Kind.IMAGE:
            return "URL or path; ctrl+g to choose"
        case Kind.IMAGES:
            return "One URL or path per line; ctrl+g to choose"
        case Kind.TEXT if param.name == "prompt":
            return "Describe the image, then press ctrl+j"
        case Kind.TASK:
            return "Task ID; ctrl+g to choose"
        case Kind.INTEGER if _is_seed(param):
            return "random; ctrl+g fills one in"
        case Kind.INTEGER | Kind.NUMBER if param.default is not None:
            return f"default: {param.default}"
    return f"e.g. {param.example}" if param.example else ""


def _is_seed(param: Param) -> bool:
    """Returns whether a random number makes sense."""
    return param.kind is Kind.INTEGER and param.name == "seed"


def _with_shape(value: str) -> str:
    """Returns a ratio such as 16:9 with a drawing of its shape, or any other value."""
    sides = value.split(":")
    if len(sides) != 2 or not all(side.isdecimal() and int(side) for side in sides):
        return value
    ratio = int(sides[0]) / int(sides[1])
    if ratio > 1.1:
        return f"▭ {value}"
    if ratio < 0.9:
        return f"▯ {value}"
    return f"□ {value}"
