"""The form of one model: fields generated from its params, judged by the catalog on
every change.
"""

import asyncio
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
from tui.catalog.batch import MOST, BatchError, alternatives
from tui.catalog.price import Estimate, estimate, priced_values
from tui.catalog.route import translate
from tui.catalog.spec import Model, Param, Route, RouteName, Value, Values
from tui.text import money
from tui.widgets.fields import Field, make_field

REST = 0.6
"""Seconds without a change after which a price is asked for."""


class ParamForm(Vertical):
    """Asks for a model's params on one of its routes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+j,f5",
            "generate",
            "Generate",
            id="generate",
            tooltip="Send the request, for the price shown",
        ),
        Binding(
            "ctrl+b,f8",
            "batch",
            "Job",
            id="batch",
            tooltip="Many at once: variations, prompts, a matrix",
        ),
        Binding(
            "ctrl+s,f12",
            "copy_as",
            "Copy as",
            id="copy-draft",
            tooltip="curl, Python, a command",
            show=False,
        ),
        Binding(
            "ctrl+n",
            "new_prompt",
            "New prompt",
            id="new-prompt",
            tooltip="Empty the prompt",
            show=False,
        ),
    ]

    @dataclass
    class Submitted(Message):
        """The user wants this generated; the values have passed the catalog's check."""

        model: Model
        route: RouteName
        values: Values

    @dataclass
    class JobRequested(Message):
        """The user wants to make a job of many requests out of these values."""

        model: Model
        route: Route
        values: Values

    @dataclass
    class CopyRequested(Message):
        """The user wants to copy the request for use elsewhere."""

        model: Model
        route: RouteName
        values: Values

    @dataclass
    class Settled(Message):
        """Typing rests, and the values make one request."""

        model: Model
        values: Values

    def __init__(self, id: str, model: Model, route: RouteName) -> None:
        super().__init__(id=id)
        self.route: RouteName = route
        self._model = model
        self._fields: dict[str, Field] = {}
        self._touched: set[str] = set()
        self._kept: dict[tuple[str, str], Values] = {}
        self._showing = asyncio.Lock()
        self._help = Static(id="help", markup=False)
        self._asked = self._absent = ""
        self._quoted: tuple[tuple[str, str], Values, Estimate] | None = None
        self._rest: Timer | None = None
        self._button = Button("Generate", id="send", variant="primary", compact=True)
        self._scroll = VerticalScroll(
            *self._ask_for(model, route, {}), id="fields", can_focus=False
        )

    def compose(self) -> ComposeResult:
        yield self._scroll
        yield self._help
        yield self._button

    async def show(
        self, model: Model, route: RouteName, values: Values | None = None
    ) -> None:
        """Ask for another model or route. Without `values`: what was last filled in for
        this model, and for what it leaves open, what stood under the same name in the
        form before.
        """
        async with self._showing:
            filled = self._kept[self._model.key] = self.values()
            if values is None:
                prompt = {"prompt": filled["prompt"]} if "prompt" in filled else {}
                values = filled | self._kept.get(model.key, {}) | prompt
            focused = self.has_focus_within
            before = list(self._scroll.children)
            async with self.batch():
                await self._scroll.mount_all(self._ask_for(model, route, values))
                # Before the old fields go: each move of the focus restyles the page
                if focused:
                    self.screen.set_focus(
                        self._fields[self._first()].control, scroll_visible=False
                    )
                await self._scroll.remove_children(before)
        self._changing()

    def _ask_for(self, model: Model, route: RouteName, values: Values) -> list[Widget]:
        """New fields for a model's params; the rarely needed ones folded."""
        values, _ = translate(model, values, route)
        params = model.routes[route].params
        self._model, self.route, self._touched = model, route, set()
        self._fields = {
            param.name: make_field(param, _fitting(param, values)) for param in params
        }
        self.border_title = Content(f"{model.title} · {model.action.replace('_', ' ')}")
        self.judge()
        shown: list[Widget] = [
            field for field in self._fields.values() if not field.param.more
        ]
        more = [field for field in self._fields.values() if field.param.more]
        if more:
            filled = any(field.param.name in values for field in more)
            shown.append(_More(more, collapsed=not filled))
        return shown

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
        """Check all values, apply the rules, show errors (of touched fields, or all)
        and the price.
        """
        model, route = self._model, self._model.routes[self.route]
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
        apply_rules = request.apply_rules(model, route, asked)
        for name, field in self._fields.items():
            field.display = name not in apply_rules.forbidden
            if name in apply_rules.params:
                field.adapt(apply_rules.params[name])
        asked = {
            name: value
            for name, value in asked.items()
            if name not in apply_rules.forbidden
        }
        errors = request.check(model, route, asked) | errors
        for name, field in self._fields.items():
            # What is merely missing yet is no news; what a change made wrong is.
            told = everything or name in self._touched or name in asked
            field.show_error(errors.get(name, "") if told else "")
        self._absent = " ".join(
            f"{self._fields[name].param.title}: {why}"
            for name, why in apply_rules.forbidden.items()
            if name in self._fields
        )
        self._tell()
        self._price(asked)
        return {
            name: problem for name, problem in errors.items() if name in self._fields
        }

    def _price(self, values: Values) -> None:
        price = estimate(self._model, values)
        if self._quoted and self._quoted[:2] == (
            self._model.key,
            self._counting(values),
        ):
            price = self._quoted[2]
        self._button.label = Content(
            f"Generate{_many(values, price.micro)}  ·  {price}"
        )

    def quote(self, model: Model, values: Values, price: Estimate) -> None:
        """A surer price than the listed one, unless something is filled in by now that
        could change it.
        """
        if (model.key, self._counting(values)) == (
            self._model.key,
            self._counting(self.values()),
        ):
            self._quoted = (model.key, self._counting(values), price)
            self._price(self.values())

    def _counting(self, values: Values) -> Values:
        return priced_values(self._model.routes[self.route], values)

    def _changing(self) -> None:
        """Wait anew for the typing to rest."""
        if self._rest:
            self._rest.stop()
        self._rest = self.set_timer(REST, self._settle)

    def _settle(self) -> None:
        model, values = self._model, self.values()
        if not request.check(model, model.routes[self.route], values) and not _many(
            values
        ):
            self.post_message(self.Settled(model, values))

    def reprice(self, model: Model) -> None:
        """The same model with fresher prices."""
        self._model = model
        self.judge()

    def show_errors(self, errors: dict[str, str]) -> None:
        """Errors that only the disk or the server could know."""
        for name, problem in errors.items():
            if name in self._fields:
                self._fields[name].show_error(problem)
        self._go_to(next((name for name in self._fields if name in errors), ""))

    def focus_first(self) -> None:
        """Into the prompt, or whatever comes first where there is none."""
        self._go_to(self._first())

    def _first(self) -> str:
        return "prompt" if "prompt" in self._fields else next(iter(self._fields))

    def action_generate(self) -> None:
        errors = self.judge(everything=True)
        if errors:
            self._go_to(next(name for name in self._fields if name in errors))
        else:
            self.post_message(self.Submitted(self._model, self.route, self.values()))

    def action_batch(self) -> None:
        self.post_message(
            self.JobRequested(
                self._model, self._model.routes[self.route], self.values()
            )
        )

    def action_copy_as(self) -> None:
        self.post_message(self.CopyRequested(self._model, self.route, self.values()))

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
        self._changing()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        field = next(
            (
                node
                for node in event.widget.ancestors_with_self
                if isinstance(node, Field)
            ),
            None,
        )
        self._asked = field.param.help if field else ""
        if field:  # with its label, which the control alone would leave out of sight
            self.call_after_refresh(field.scroll_visible, animate=False)
        self._tell()

    def _tell(self) -> None:
        """Help for the field in focus, and why fields have left."""
        self._help.update(f"{self._asked} {self._absent}".strip())

    @work(exclusive=True, group="focus", exit_on_error=False)
    async def _go_to(self, name: str) -> None:
        field = self._fields.get(name)
        if field and field.param.more:
            await self.query_one(_More).unfold()
        if field:
            field.control.focus(scroll_visible=False)


class _More(Collapsible):
    """Rarely needed fields, mounted once they are asked for."""

    def __init__(self, fields: list[Field], *, collapsed: bool) -> None:
        super().__init__(title="More", collapsed=collapsed)
        self._waiting = fields

    async def on_mount(self) -> None:
        if not self.collapsed:
            await self.unfold()

    @on(Collapsible.Expanded)
    async def unfold(self) -> None:
        """Show the fields."""
        self.collapsed = False
        fields, self._waiting = self._waiting, []
        await self.query_one(Collapsible.Contents).mount_all(fields)


def _many(values: Values, micro: int | None = None) -> str:
    """How many requests the prompt's {a|b} make, and their sum; nothing for one."""
    prompt = values.get("prompt")
    if not isinstance(prompt, str) or "{" not in prompt:
        return ""
    try:
        count = len(alternatives(prompt))
    except BatchError:
        return f" more than {MOST:,}"
    return f" {count:,} for {money(micro and count * micro)}" if count > 1 else ""


def _fitting(param: Param, values: Values) -> Value | None:
    """A carried value, unless this model can't have it."""
    value = values.get(param.name)
    return None if param.enum and value not in param.enum else value
