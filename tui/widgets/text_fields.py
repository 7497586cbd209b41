"""Fields that are typed into: a prompt, a list, words, a number."""

import asyncio
import json
from collections import deque
from typing import ClassVar

from textual import events, on
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, TextArea

from tui.catalog import request
from tui.catalog.image_items import parse_images, show_images
from tui.catalog.spec import Kind, Param, Value
from tui.widgets.fields import Field, Raw, is_seed
from tui.widgets.key_texts import key_text
from tui.widgets.path_completion import read_drop
from tui.widgets.snippet_completion import SnippetCompletion

_NOT_OURS = ("select_line", "select_all")
"""What Textual binds F6 and F7 to, which are keys of the app here."""
_MOST_UNDONE = 100
"""Former texts of a line that undo brings back, at most."""


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
        Binding(
            "tab",
            "complete",
            "Complete",
            id="complete-snippet",
            tooltip="Complete the name of a snippet",
            show=False,
        ),
    ]
    is_beside = False
    area: "Prompt"
    _rows_before = 1
    awaits_snippet = False
    """Whether a snippet was chosen whose text is still being read."""

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

    def make_control(self, raw: Raw | None) -> Widget:
        text = "" if raw is None else str(raw)
        self.area = Prompt(text, placeholder=Content(""))
        self.area.recalls = self.param.name == "prompt"
        self.snippets = SnippetCompletion(self.area)
        self.area.move_cursor(self.area.document.end)
        return self.area

    @property
    def raw(self) -> Raw | None:
        return self.area.text or None

    def read(self) -> Value | None:
        return _parsed(self.param, self.area.text)

    def fill(self, value: Value | None) -> None:
        self._replace(as_text(self.param, value))

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

    def on_mount(self) -> None:
        self.area.placeholder = Content(_hint(self))

    def adapt(self, param: Param) -> None:
        super().adapt(param)
        self._update_counter()

    @on(TextArea.Changed)
    def _changed(self, event: TextArea.Changed) -> None:
        event.stop()
        if not self.area.text:
            self.foreign.forget()
        if self.rows != self._rows_before:
            self._rows_before = self.rows
            self.refresh(layout=True)
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
        if not _has_room(self.area, text):
            return
        _mark_foreign(self.area, text)
        self.snippets.insert(text)

    def action_complete(self) -> None:
        name = self.snippets.chosen
        if not name:
            raise SkipAction  # tab goes to the next field
        self.awaits_snippet = True
        self.post_message(self.SnippetChosen(self, name))

    @property
    def rows(self) -> int:
        """Rows of the text as it is wrapped."""
        return self.area.wrapped_document.height

    def _update_counter(self) -> None:
        if self.param.kind is not Kind.TEXT:
            return
        size = len(self.area.text)
        if self.param.max:
            self.set_counter(f"{size:,} / {self.param.max:,.0f}")
        else:
            self.set_counter(f"{size:,}" if size else "")


class Area(TextArea):
    """A text area that leaves F6 and F7 to the page."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in _NOT_OURS:
            return False
        return super().check_action(action, parameters)


class Prompt(Area):
    """A text area that tab leaves; its cursor doesn't blink: an idle app is silent."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("shift+enter,alt+enter", "new_line", "New line", show=False),
    ]

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
        if _has_room(self, self.app.clipboard):
            _mark_foreign(self, self.app.clipboard)
            super().action_paste()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        # With nothing left to undo here, the key goes on to the form.
        if action == "undo":
            return bool(self.history.undo_stack)
        if action == "redo":
            return bool(self.history.redo_stack)
        return super().check_action(action, parameters)

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

    def action_new_line(self) -> None:
        if not self.read_only:
            self.replace("\n", *self.selection)


class _Line(Input):
    """A line whose former texts come back by undo."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+z,super+z", "undo", "Undo", show=False),
        Binding("ctrl+y,super+y", "redo", "Redo", show=False),
    ]

    def __init__(self, text: str, *, placeholder: str) -> None:
        super().__init__(placeholder=placeholder, compact=True)
        # Its watcher needs a page, which the first form doesn't have yet.
        self.set_reactive(Input.value, text)
        self.cursor_blink = False
        self._noted = text
        self._is_typing = False
        self._past: deque[str] = deque(maxlen=_MOST_UNDONE)
        self._future: list[str] = []

    def on_mount(self) -> None:
        if self.value:
            self.mutate_reactive(Input.value)

    def note_change(self) -> None:
        """Notes what undo brings back: a word that is typed goes at once."""
        before, after = self._noted, self.value
        if before == after:
            return
        at = self.cursor_position
        is_typing = after[: at - 1] + after[at:] == before  # but for one character
        if not (is_typing and self._is_typing):
            self._past.append(before)
        self._is_typing = is_typing
        self._future.clear()
        self._noted = after

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "undo":
            return bool(self._past)
        if action == "redo":
            return bool(self._future)
        return super().check_action(action, parameters)

    def action_undo(self) -> None:
        self._future.append(self.value)
        self._go_to(self._past.pop())

    def action_redo(self) -> None:
        self._past.append(self.value)
        self._go_to(self._future.pop())

    def _go_to(self, text: str) -> None:
        _recall_foreign(self)
        self._noted = text
        self._is_typing = False
        self.value = text
        self.cursor_position = len(text)

    async def on_paste(self, event: events.Paste) -> None:
        await _check_paste(self, event)

    def action_paste(self) -> None:
        if _has_room(self, self.app.clipboard):
            _mark_foreign(self, self.app.clipboard)
            super().action_paste()


class LineField(Field):
    """A single line: words, a number, a URL."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "step(1)", "More", show=False),
        Binding("down", "step(-1)", "Less", show=False),
    ]
    line: _Line

    def make_control(self, raw: Raw | None) -> Widget:
        text = "" if raw is None else str(raw)
        self.line = _Line(text, placeholder="")
        return self.line

    def on_mount(self) -> None:
        self.line.placeholder = _hint(self)

    @property
    def raw(self) -> Raw | None:
        return self.line.value or None

    def read(self) -> Value | None:
        return _parsed(self.param, self.line.value.strip())

    def fill(self, value: Value | None) -> None:
        self.line.value = as_text(self.param, value)

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
        self.line.note_change()
        if not self.line.value:
            self.foreign.forget()
        self.post_message(self.Changed(self))


def _has_room(control: Prompt | _Line, text: str) -> bool:
    """Returns whether a text may be inserted, and says so if not."""
    before = control.text if isinstance(control, Prompt) else control.value
    kept = len(before) - len(control.selected_text)
    if kept + len(text) <= request.LONGEST_TEXT:
        return True
    problem = (
        f"Not inserted: the text would be longer than {request.LONGEST_TEXT:,}"
        " characters."
    )
    control.notify(problem, severity="warning", markup=False)
    return False


async def _check_paste(control: Prompt | _Line, event: events.Paste) -> None:
    """Keeps the paths of dropped files, and what is too long, out of the text."""
    event.stop()
    if not _has_room(control, event.text):
        event.prevent_default()
        return
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


def as_text(param: Param, value: Value | None) -> str:
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


def _hint(field: Field) -> str:
    """Returns the text of an empty field; it names keys as they are in force."""
    param = field.param
    pick = key_text(field, "pick")
    match param.kind:
        case Kind.IMAGE:
            return f"Path or URL; {pick} picks"
        case Kind.IMAGES:
            return f"Paths or URLs, one a line; {pick} picks"
        case Kind.TEXT if param.name == "prompt":
            return f"Describe the image, then press {key_text(field, 'generate')}"
        case Kind.TASK:
            return f"Task ID; {pick} to choose"
        case Kind.INTEGER if is_seed(param):
            return f"random; {pick} draws one"
        case Kind.INTEGER | Kind.NUMBER if param.default is not None:
            return f"default: {param.default}"
    return f"e.g. {param.example}" if param.example else ""
