"""The form of one model: fields generated from its params, judged by the catalog on every change."""

import asyncio
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Collapsible, Static

from tui.catalog import request
from tui.catalog.price import estimate
from tui.catalog.route import translate
from tui.catalog.spec import Model, Param, RouteName, Value, Values
from tui.widgets.fields import Field, make_field


class ParamForm(Vertical):
    """Asks for a model's params on one of its routes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+j,f5", "generate", "Generate", id="generate", tooltip="Send the request, for the price shown"
        ),
        Binding("ctrl+n", "new_prompt", "New prompt", id="new-prompt", tooltip="Empty the prompt", show=False),
    ]

    class Submitted(Message):
        """The user wants this generated; the values have passed the catalog's check."""

        def __init__(self, model: Model, values: Values) -> None:
            super().__init__()
            self.model = model
            self.values = values

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._scroll = VerticalScroll(id="fields", can_focus=False)
        self._help = Static(id="help", markup=False)
        self._button = Button("Generate", id="send", variant="primary", compact=True)
        self._model: Model | None = None
        self.route: RouteName = "unified"
        self._fields: dict[str, Field] = {}
        self._touched: set[str] = set()
        self._kept: dict[tuple[str, str], Values] = {}
        self._showing = asyncio.Lock()

    def compose(self) -> ComposeResult:
        yield self._scroll
        yield self._help
        yield self._button

    async def show(self, model: Model, route: RouteName, values: Values | None = None) -> None:
        """Ask for another model or route. Without `values`: what was last filled in for this model, and for
        what it leaves open, what stood under the same name in the form before."""
        async with self._showing:
            await self._show(model, route, values)

    async def _show(self, model: Model, route: RouteName, values: Values | None) -> None:
        before = self.values()
        if self._model:
            self._kept[self._model.key] = before
        if values is None:
            prompt = {"prompt": before["prompt"]} if "prompt" in before else {}
            values = before | self._kept.get(model.key, {}) | prompt
        values, _ = translate(model, values, route)
        self._model, self.route, self._touched = model, route, set()
        params = model.routes[route].params
        self._fields = {param.name: make_field(param, _fitting(param, values)) for param in params}
        focused = self.has_focus_within
        async with self.batch():
            await self._scroll.remove_children()
            common = [field for field in self._fields.values() if not field.param.more]
            more = [field for field in self._fields.values() if field.param.more]
            await self._scroll.mount_all(common)
            if more:
                filled = any(field.param.name in values for field in more)
                await self._scroll.mount(Collapsible(*more, title="More", collapsed=not filled))
        self.border_title = Content(f"{model.title} · {model.action.replace('_', ' ')}")
        self.judge()
        if focused:
            self.focus_first()

    def values(self) -> Values:
        """What is filled in, as far as it can be read; nothing that isn't asked now."""
        values: Values = {}
        for name, field in self._fields.items():
            try:
                value = field.read()
            except ValueError:
                continue
            if value is not None and field.display:
                values[name] = value
        return values

    def judge(self, everything: bool = False) -> dict[str, str]:
        """Check all values, apply the rules, show errors (of touched fields, or all) and the price."""
        model = self._model
        if model is None:
            return {}
        route = model.routes[self.route]
        asked: Values = {}
        errors: dict[str, str] = {}
        for name, field in self._fields.items():
            try:
                value = field.read()
            except ValueError as error:
                errors[name] = str(error)
            else:
                if value is not None:
                    asked[name] = value
        demand = request.demand(model, route, asked)
        for name, field in self._fields.items():
            field.display = name not in demand.forbidden
            if name in demand.params:
                field.adapt(demand.params[name])
        asked = {name: value for name, value in asked.items() if name not in demand.forbidden}
        errors = request.check(model, route, asked) | errors
        for name, field in self._fields.items():
            field.say(errors.get(name, "") if everything or name in self._touched else "")
        cost = estimate(model, asked)
        self._button.label = Content(f"Generate  ·  {cost}")
        return {name: problem for name, problem in errors.items() if name in self._fields}

    def show_errors(self, errors: dict[str, str]) -> None:
        """Errors that only the disk or the server could know."""
        for name, problem in errors.items():
            if name in self._fields:
                self._fields[name].say(problem)
        self._go_to(next((name for name in self._fields if name in errors), ""))

    def focus_first(self) -> None:
        """Into the prompt, or whatever comes first where there is none."""
        self._go_to("prompt" if "prompt" in self._fields else next(iter(self._fields), ""))

    def action_generate(self) -> None:
        errors = self.judge(everything=True)
        if errors:
            self._go_to(next(iter(name for name in self._fields if name in errors)))
        elif self._model:
            self.post_message(self.Submitted(self._model, self.values()))

    def set_prompt(self, prompt: str | None) -> None:
        """Put a text into the prompt, and the cursor there."""
        if "prompt" in self._fields:
            self._fields["prompt"].fill(prompt)
            self.focus_first()

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
        self.judge()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        field = next((node for node in event.widget.ancestors_with_self if isinstance(node, Field)), None)
        self._help.update(field.param.help if field else "")

    def _go_to(self, name: str) -> None:
        field = self._fields.get(name)
        if field:
            for fold in field.ancestors:
                if isinstance(fold, Collapsible):
                    fold.collapsed = False
            field.control.focus()


def _fitting(param: Param, values: Values) -> Value | None:
    """A carried value, unless this model can't have it."""
    value = values.get(param.name)
    return None if param.enum and value not in param.enum else value
