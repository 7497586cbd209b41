"""The form of a model: fields made from its params, checked on every change."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Button, Collapsible, Static

from tui.catalog import request
from tui.catalog.batch import MOST
from tui.catalog.image_items import images_in
from tui.catalog.price import Estimate, estimate, priced_values
from tui.catalog.route import translate
from tui.catalog.spec import Model, Param, Route, RouteName, Value, Values
from tui.catalog.wildcards import NONE, Wildcards
from tui.settings.prompt_files import PromptFileProblem
from tui.text import by_count, dollars
from tui.widgets.expansion import Expansion
from tui.widgets.fields import Field, TextField, make_field

REST = 0.6
"""Seconds without a change after which the price is fetched."""
PriceKey = tuple[tuple[str, str], Values]
"""A model's key, and the values that its price depends on."""


class ParamForm(Vertical):
    """The fields of a model on one of its routes, and the button that sends them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+j,f5",
            "generate",
            "Generate",
            id="generate",
            tooltip="Send the request at the price shown",
        ),
        Binding(
            "ctrl+b,f8",
            "batch",
            "Job",
            id="batch",
            tooltip="Send many at once: variations, prompts, combinations",
        ),
        Binding(
            "ctrl+s,f12",
            "copy_as",
            "Copy as",
            id="copy-draft",
            tooltip="Copy as curl, Python or a command",
            show=False,
        ),
        Binding(
            "ctrl+n",
            "new_prompt",
            "New prompt",
            id="new-prompt",
            tooltip="Clear the prompt",
            show=False,
        ),
    ]

    @dataclass
    class Submitted(Message):
        """The user wants to send this; the values have passed the catalog's check."""

        model: Model
        route: RouteName
        values: Values
        foreign: frozenset[str] = frozenset()
        """Texts of the values that need not be the user's own words."""
        wildcards: Wildcards = NONE
        """What the names of wildcards in the prompt stand for."""

    @dataclass
    class JobRequested(Message):
        """The user wants to make a job of these values."""

        model: Model
        route: Route
        values: Values
        foreign: frozenset[str] = frozenset()
        """Texts of the values that need not be the user's own words."""

    @dataclass
    class CopyRequested(Message):
        """The user wants to copy the request for use elsewhere."""

        model: Model
        route: RouteName
        values: Values

    @dataclass
    class Settled(Message):
        """The user has stopped typing, and the values make one request."""

        model: Model
        values: Values

    def __init__(self, id: str, model: Model, route: RouteName) -> None:
        super().__init__(id=id)
        self.route: RouteName = route
        self.expansion = Expansion()
        self._model = model
        self._fields: dict[str, Field] = {}
        self._touched: set[str] = set()
        self._saved_values: dict[tuple[str, str], Values] = {}
        self._foreign: set[str] = set()
        """Texts that were pasted, dropped or filled in, in any model's fields."""
        self._showing = asyncio.Lock()
        self._help = Static(id="help", markup=False)
        self._field_help = ""
        self._hidden_fields = ""
        self._quote: tuple[PriceKey, Estimate] | None = None
        self._timer: Timer | None = None
        self._button = Button("Generate", id="send", variant="primary", compact=True)
        self._scroll = VerticalScroll(
            *self._make_fields(model, route, {}), id="fields", can_focus=False
        )

    def compose(self) -> ComposeResult:
        yield self._scroll
        yield self._help
        yield self._button

    async def show(
        self,
        model: Model,
        route: RouteName,
        values: Values | None = None,
        foreign: Iterable[str] = (),
    ) -> None:
        """Shows another model or route, filled with `values`.

        By default these are the model's values of the last time; params that had none
        keep what was under the same name in the form before, and so does the prompt.
        `foreign` are texts of the values that are not the user's own words.
        """
        async with self._showing:
            filled = self.values()
            self._foreign |= self.foreign_texts()
            self._foreign |= set(foreign)
            self._saved_values[self._model.key] = filled
            if values is None:
                values = filled | self._saved_values.get(model.key, {})
                if "prompt" in filled:
                    values["prompt"] = filled["prompt"]
            focused = self.has_focus_within
            before = list(self._scroll.children)
            async with self.batch():
                await self._scroll.mount_all(self._make_fields(model, route, values))
                # Before the old fields go: each move of the focus restyles the page
                if focused:
                    control = self._fields[self._first_name()].control
                    self.screen.set_focus(control, scroll_visible=False)
                await self._scroll.remove_children(before)
        self._restart_timer()

    def _make_fields(
        self, model: Model, route: RouteName, values: Values
    ) -> list[Widget]:
        """Makes the fields of a model's params, the rarely needed ones folded."""
        values, _ = translate(model, values, route)
        self._model = model
        self.route = route
        self._touched.clear()
        self._fields = {
            param.name: make_field(param, _allowed_value(param, values))
            for param in model.routes[route].params
        }
        action = model.action.replace("_", " ")
        self.border_title = Content(f"{model.title} · {action}")
        self.check_values()
        fields = self._fields.values()
        for field in fields:
            texts = images_in(values.get(field.param.name))
            field.foreign.add(*self._foreign.intersection(texts))
        shown: list[Widget] = [field for field in fields if not field.param.more]
        more = [field for field in fields if field.param.more]
        if more:
            filled = any(field.param.name in values for field in more)
            shown.append(_More(more, collapsed=not filled))
        return shown

    def values(self) -> Values:
        """Returns the valid values of the fields that are shown."""
        values, _ = self._read_fields()
        shown = [name for name in values if self._fields[name].display]
        return {name: values[name] for name in shown}

    def foreign_texts(self) -> frozenset[str]:
        """Returns the texts of values that need not be the user's own words."""
        fields = self._fields.values()
        return frozenset(text for field in fields for text in field.foreign_texts())

    def _read_fields(self) -> tuple[Values, dict[str, str]]:
        """Returns the values of all fields, and errors where they can't be read."""
        values: Values = {}
        errors: dict[str, str] = {}
        for name, field in self._fields.items():
            try:
                value = field.read()
            except ValueError as error:
                errors[name] = str(error)
            else:
                if value is not None:
                    values[name] = value
        return values, errors

    def check_values(self, everything: bool = False) -> dict[str, str]:
        """Checks all values, applies the rules, updates errors and price.

        Shows errors where something was filled in, or, with `everything`, everywhere.
        Returns all of them by the names of their params.
        """
        route = self._model.routes[self.route]
        values, unreadable = self._read_fields()
        rules = request.apply_rules(self._model, route, values)
        for name, field in self._fields.items():
            field.display = name not in rules.forbidden
            if name in rules.params:
                field.adapt(rules.params[name])
        for name in rules.forbidden:
            values.pop(name, None)
        errors = request.check(self._model, route, values) | unreadable
        problem = self.expansion.problem(values)
        if problem:
            errors.setdefault("prompt", problem)
        for name, field in self._fields.items():
            # A value that is still missing is no news; one that a change broke is.
            shown = everything or name in self._touched or name in values
            field.show_error(errors.get(name, "") if shown else "")
        self._hidden_fields = " ".join(
            f"{self._fields[name].param.title}: {reason}"
            for name, reason in rules.forbidden.items()
            if name in self._fields
        )
        self._update_help()
        self._show_price(values)
        return {name: error for name, error in errors.items() if name in self._fields}

    def _show_price(self, values: Values) -> None:
        price = estimate(self._model, values)
        if self._quote and self._quote[0] == self._price_key(self._model, values):
            price = self._quote[1]
        count = self.expansion.count(values)
        self._button.label = Content(_button_label(count, price))

    def quote(self, model: Model, values: Values, price: Estimate) -> None:
        """Shows a price from the service, unless the form has changed since."""
        current = self.values()
        key = self._price_key(model, values)
        if key == self._price_key(self._model, current):
            self._quote = (key, price)
            self._show_price(current)

    def _price_key(self, model: Model, values: Values) -> PriceKey:
        """Returns everything that the price depends on."""
        return model.key, priced_values(self._model.routes[self.route], values)

    def _restart_timer(self) -> None:
        if self._timer:
            self._timer.stop()
        self._timer = self.set_timer(REST, self._settle)

    def _settle(self) -> None:
        model = self._model
        values = self.values()
        if self.expansion.names_wildcards(values):
            self._read_wildcards()
            return
        errors = request.check(model, model.routes[self.route], values)
        if not errors and self.expansion.count(values) == 1:
            self.post_message(self.Settled(model, values))

    @work(exclusive=True, group="wildcards", exit_on_error=False)
    async def _read_wildcards(self) -> None:
        """Reads what the prompt names, and shows what that makes of it."""
        if await self.expansion.read(self.values()):
            self.check_values()

    def update_prices(self, model: Model) -> None:
        """Shows the same model with newer prices."""
        self._model = model
        self.check_values()

    def show_errors(self, errors: dict[str, str]) -> None:
        """Shows errors that only the disk or the service can find."""
        for name, problem in errors.items():
            if name in self._fields:
                self._fields[name].show_error(problem)
        self._focus_error(errors)

    def focus_first(self) -> None:
        """Focuses the prompt, or the first field if there is none."""
        self._focus_field(self._first_name())

    @property
    def first_control(self) -> Widget:
        """The control of the prompt, or of the first field if there is none."""
        return self._fields[self._first_name()].control

    def _first_name(self) -> str:
        return "prompt" if "prompt" in self._fields else next(iter(self._fields))

    def action_generate(self) -> None:
        if self.expansion.names_wildcards(self.values()):
            self._generate_as_read()
        else:
            self._generate()

    @work(exclusive=True, group="generate", exit_on_error=False)
    async def _generate_as_read(self) -> None:
        """Sends what the wildcards stand for now, if that is what the button says."""
        shown = self.expansion.count(self.values())
        await self.expansion.read(self.values())
        self.check_values()
        count = self.expansion.count(self.values())
        if count == shown:
            self._generate()
            return
        sentence = by_count(
            count,
            "The wildcards were just read: this is one request. Press again to send it.",
            "The wildcards were just read: these are {count} requests. Press again to"
            " send them.",
        )
        self.notify(sentence, severity="warning", markup=False)

    def _generate(self) -> None:
        errors = self.check_values(everything=True)
        if errors:
            self._focus_error(errors)
        else:
            values = self.values()
            foreign = self.foreign_texts()
            wildcards = self.expansion.wildcards
            self.post_message(
                self.Submitted(self._model, self.route, values, foreign, wildcards)
            )

    def action_batch(self) -> None:
        route = self._model.routes[self.route]
        foreign = self.foreign_texts()
        self.post_message(self.JobRequested(self._model, route, self.values(), foreign))

    def action_copy_as(self) -> None:
        self.post_message(self.CopyRequested(self._model, self.route, self.values()))

    def set_prompt(self, prompt: str | None) -> None:
        """Sets the text of the prompt, and focuses it."""
        if "prompt" in self._fields:
            self._fields["prompt"].fill(prompt)
            self.focus_first()

    def replace_text(self, name: str, text: str) -> None:
        """Sets the text of a field to one that need not be the user's own words."""
        field = self._fields.get(name)
        if isinstance(field, TextField):
            field.replace_text(text)

    def action_new_prompt(self) -> None:
        self.set_prompt(None)

    @on(Button.Pressed, "#send")
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_generate()

    @on(Field.Changed)
    def _changed(self, event: Field.Changed) -> None:
        event.stop()
        self._touched.add(event.field.param.name)
        self.check_values()
        if self.expansion.is_unread(self.values()):
            self._read_wildcards()
        self._restart_timer()

    @on(TextField.SnippetTyped)
    @work(exclusive=True, group="snippets", exit_on_error=False)
    async def _offer_snippets(self, event: TextField.SnippetTyped) -> None:
        files = self.expansion.files
        if files:
            event.field.offer_snippets(await asyncio.to_thread(files.snippet_names))

    @on(TextField.SnippetChosen)
    @work(exclusive=True, group="snippets", exit_on_error=False)
    async def _insert_snippet(self, event: TextField.SnippetChosen) -> None:
        files = self.expansion.files
        if not files:
            return
        try:
            text = await asyncio.to_thread(files.snippet, event.name)
        except PromptFileProblem as problem:
            self.notify(str(problem), severity="warning", markup=False)
        else:
            event.field.insert_snippet(text)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._field_help = ""
        for node in event.widget.ancestors_with_self:
            if isinstance(node, Field):
                self._field_help = node.param.help
                # The control alone would leave its label out of sight.
                self.call_after_refresh(node.scroll_visible, animate=False)
                break
        self._update_help()

    def _update_help(self) -> None:
        """Shows the help of the focused field, and why others are hidden."""
        self._help.update(f"{self._field_help} {self._hidden_fields}".strip())

    def _focus_error(self, errors: Iterable[str]) -> None:
        """Focuses the first field that has an error."""
        names = set(errors)
        self._focus_field(next((name for name in self._fields if name in names), ""))

    @work(exclusive=True, group="focus", exit_on_error=False)
    async def _focus_field(self, name: str) -> None:
        field = self._fields.get(name)
        if field and field.param.more:
            await self.query_one(_More).unfold()
        if field:
            field.control.focus(scroll_visible=False)


class _More(Collapsible):
    """Rarely needed fields, mounted when they are first shown."""

    def __init__(self, fields: list[Field], *, collapsed: bool) -> None:
        super().__init__(title="More", collapsed=collapsed)
        self._waiting = fields

    async def on_mount(self) -> None:
        if not self.collapsed:
            await self.unfold()

    @on(Collapsible.Expanded)
    async def unfold(self) -> None:
        """Shows the fields."""
        self.collapsed = False
        fields, self._waiting = self._waiting, []
        await self.query_one(Collapsible.Contents).mount_all(fields)


def _button_label(count: int, price: Estimate) -> str:
    if count > MOST:
        return f"Generate more than {MOST:,}  ·  {price}"
    if count > 1:
        total = dollars(price.micro and count * price.micro)
        return f"Generate {count:,} for {total}  ·  {price}"
    return f"Generate  ·  {price}"


def _allowed_value(param: Param, values: Values) -> Value | None:
    """Returns the value of a param, unless it isn't one of those it may have."""
    value = values.get(param.name)
    return None if param.enum and value not in param.enum else value
