"""The form of a model: fields made from its params, checked on every change."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Button
from textual.widgets.text_area import EditHistory

from tui.catalog import request
from tui.catalog.extra import (
    EXTRA,
    extra_of,
    not_checked,
    params_of,
    unchecked,
    waived_of,
    without_waived,
)
from tui.catalog.price import Estimate, PriceOf, estimate, is_unchecked
from tui.catalog.reach import texts_of
from tui.catalog.request import LONGEST_TEXT
from tui.catalog.route import translate
from tui.catalog.spec import Model, Param, Route, RouteName, Values
from tui.catalog.wildcards import NONE, Wildcards
from tui.settings.prompt_files import PromptFileProblem
from tui.settings.remembered import Draft
from tui.tasks import result_size
from tui.text import by_count, one_line
from tui.widgets.carrying import Carried, carry
from tui.widgets.expansion import Expansion
from tui.widgets.fields import Field, Raw, short_title
from tui.widgets.form_fields import TWO_COLUMNS, Fold, FormFields
from tui.widgets.form_note import FormNote
from tui.widgets.key_texts import key_text
from tui.widgets.make_field import make_field, raw_of
from tui.widgets.pay_button import PayButton
from tui.widgets.text_fields import TextField

_TALL = 18
"""Rows from which a narrow form has two of them for help."""
_TALL_WITHOUT_PROMPT = 10
"""The same where no prompt takes all rows that are left."""
_LEAST_ROWS = 2
"""Rows in which a field can be seen with its label."""
_LONGEST_OWN = 2 * LONGEST_TEXT
"""Characters of a text that stood in the form: who pastes much may type some more."""
REST = 0.6
"""Seconds without a change after which the price is fetched."""


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
            "alt+u,f6",
            "send_unchecked",
            "Don't check",
            id="send-unchecked",
            tooltip="Let the service decide about what the catalog refuses, or no longer",
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
        Binding(
            "ctrl+z,super+z",
            "undo_form",
            "Undo",
            id="undo-form",
            tooltip="Bring back what stood in the form before it was filled in",
            show=False,
        ),
        Binding(
            "ctrl+y,super+y",
            "redo_form",
            "Redo",
            id="redo-form",
            tooltip="Fill in again what was undone",
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

    class Edited(Message):
        """Something else stands in the form."""

    class UndoRequested(Message):
        """The user wants back what stood in the form before it was filled in."""

    class RedoRequested(Message):
        """The user wants again what was undone."""

    def __init__(
        self,
        id: str,
        model: Model,
        route: RouteName,
        drafts: Iterable[Draft] = (),
        verb: str = "Generate",
    ) -> None:
        """`drafts` are what stood in the forms of models when the last run ended.

        `verb` says what the button does.
        """
        super().__init__(id=id, classes="frame")
        self.route: RouteName = route
        self.expansion = Expansion()
        self._model = model
        self._fields: dict[str, Field] = {}
        self._unchecked: list[str] = []
        """Names of what is sent without a check."""
        self._is_readable = True
        """Whether the extra parameters can be read."""
        self._refused: set[str] = set()
        """Params with an error that only the catalog raises, and that is shown."""
        self._demanded: set[str] = set()
        """Params without a value that the user tried to send without it."""
        self.price_of: PriceOf = estimate
        """Returns the price of a request, as far as it is known."""
        self._saved = {draft.key: draft for draft in drafts}
        self._prompt: Raw | None = None
        """What stood in the last form that had a prompt; None: there was none yet."""
        self._foreign: set[str] = set()
        """Texts that were pasted, dropped or filled in, in any model's fields."""
        self._left_out: list[str] = []
        """Titles of params whose text was too long for the form."""
        self._forbidden: Mapping[str, str] = {}
        self._enlarged: tuple[Path, int] | None = None
        """The file that is enlarged, and by which factor."""
        self._size_note = ""
        """The sentence about a result that will be too large to be shown."""
        self._showing = asyncio.Lock()
        self._note = FormNote(id="help")
        self._timer: Timer | None = None
        self._button = PayButton("send", verb)
        draft = self._saved.get(model.key)
        raws, _ = translate(model, draft.values if draft else {}, route)
        foreign = draft.foreign if draft else {}
        self._waived = set(draft.unchecked) if draft else set()
        """Params whose values the service is to decide about."""
        self._box = FormFields(self._make_fields(model, route, raws, foreign))

    def compose(self) -> ComposeResult:
        yield self._box
        yield self._note
        yield self._button

    def on_mount(self) -> None:
        self._button.key = key_text(self, "generate")
        self._warn_of_left_out()

    def on_resize(self, event: events.Resize) -> None:
        self._update_rows()

    def _update_rows(self) -> None:
        """Gives a narrow form two rows for help where it has the room."""
        tall = _TALL if "prompt" in self._fields else _TALL_WITHOUT_PROMPT
        width, height = self.size
        self.set_class(width < TWO_COLUMNS and height >= tall, "-tall")

    # What stands in it

    async def show(
        self,
        model: Model,
        route: RouteName,
        values: Values | None = None,
        foreign: Iterable[str] = (),
    ) -> Carried:
        """Shows another model or route, filled with `values`.

        By default this is what stood in the model's form the last time; params that had
        nothing keep what was under the same name in the form before, and the prompt
        always stays, also an empty one. `foreign` are texts of the values that are not
        the user's own words. Returns what became of what stood in the form before.
        """
        async with self._showing:
            before = self._keep()
            self._foreign |= self.foreign_texts()
            self._foreign |= set(foreign)
            carried = Carried()
            foreign_texts: dict[str, tuple[str, ...]] = {}
            saved = self._saved.get(model.key)
            if values is None:
                carried = self._carry(before, model, route)
                raws = dict(carried.raws)
                for name, origin in carried.origins.items():
                    foreign_texts[name] = before.foreign.get(origin, ())
                self._waived = set(saved.unchecked) if saved else set()
                if saved:
                    known, _ = translate(model, saved.values, route)
                    raws |= known
                    foreign_texts |= saved.foreign
                if self._prompt is not None:
                    raws["prompt"] = self._prompt
            else:
                values, _ = translate(model, values, route)
                target = model.routes[route]
                params = params_of(model, target)
                waived = filter(target.param, waived_of(values))
                self._waived = set(waived)
                raws = _raws_of(params, without_waived(values, self._waived))
                raws = self._without_long(params, raws, LONGEST_TEXT)
            await self._replace(model, route, raws, foreign_texts)
            if values is None:
                carried.needed = self._needed()
        return carried

    def _needed(self) -> list[str]:
        """Returns what a request still needs, besides a prompt."""
        missing = dict.fromkeys(self.check_values())
        missing.pop("prompt", None)
        fields = [self._fields[name] for name in missing if name in self._fields]
        return [short_title(field.param).lower() for field in fields if not field.raw]

    def _carry(self, before: Draft, model: Model, route: RouteName) -> Carried:
        if before.key == model.key:
            raws, unplaced = translate(model, before.values, route)
            dropped = [name.replace("_", " ") for name in unplaced]
            return Carried(raws, {name: name for name in raws}, dropped=dropped)
        params = {name: field.param for name, field in self._fields.items()}
        return carry(before.values, params, model.routes[route])

    async def restore(
        self, model: Model, route: RouteName, draft: Draft, history: EditHistory | None
    ) -> None:
        """Shows what stood in the form once, with what undo knew of its prompt."""
        async with self._showing:
            self._keep()
            self._waived = set(draft.unchecked)
            await self._replace(model, route, draft.values, draft.foreign)
            area = self._prompt_field
            if area and history:
                area.area.history = history

    def content(self) -> Draft:
        """Returns what stands in the form, also what is no valid value."""
        fields = self._fields.items()
        raws = {name: field.raw for name, field in fields}
        foreign = {name: tuple(sorted(field.foreign_texts())) for name, field in fields}
        return Draft(
            *self._model.key,
            {name: raw for name, raw in raws.items() if raw is not None},
            {name: texts for name, texts in foreign.items() if texts},
            tuple(sorted(self._waived)),
        )

    @property
    def prompt_history(self) -> EditHistory | None:
        """What undo knows of the prompt."""
        field = self._prompt_field
        return field.area.history if field else None

    @property
    def _prompt_field(self) -> TextField | None:
        field = self._fields.get("prompt")
        return field if isinstance(field, TextField) else None

    def _keep(self) -> Draft:
        """Remembers what stands in the form for when its model is shown again."""
        content = self._saved[self._model.key] = self.content()
        if "prompt" in self._fields:
            self._prompt = self._fields["prompt"].raw or ""
        return content

    async def _replace(
        self,
        model: Model,
        route: RouteName,
        raws: Mapping[str, Raw],
        foreign: Mapping[str, Iterable[str]],
    ) -> None:
        has_focus = self.has_focus_within
        fields = self._make_fields(model, route, raws, foreign)

        def move_focus() -> None:
            if has_focus:
                self.screen.set_focus(self.first_control, scroll_visible=False)

        self._update_rows()
        await self._box.replace(fields, move_focus)
        self._warn_of_left_out()
        self._restart_timer()
        self.post_message(self.Edited())

    def _make_fields(
        self,
        model: Model,
        route: RouteName,
        raws: Mapping[str, Raw],
        foreign: Mapping[str, Iterable[str]],
    ) -> list[Field]:
        self._model = model
        self.route = route
        self._demanded.clear()
        params = params_of(model, model.routes[route])
        raws = self._without_long(params, raws, _LONGEST_OWN)
        self._fields = {
            param.name: make_field(param, raws.get(param.name)) for param in params
        }
        self._waived &= self._fields.keys()
        self._show_title(model)
        self.check_values()
        for name, field in self._fields.items():
            field.foreign.add(*foreign.get(name, ()))
            field.foreign.add(*self._foreign.intersection(_texts_in(field)))
        return list(self._fields.values())

    def _without_long(
        self, params: Iterable[Param], raws: Mapping[str, Raw], longest: int
    ) -> dict[str, Raw]:
        """Returns what may stand in the fields, and notes what is left out."""
        kept = dict(raws)
        for param in params:
            raw = kept.get(param.name)
            if isinstance(raw, str) and len(raw) > longest:
                del kept[param.name]
                self._left_out.append(short_title(param))
        return kept

    def _warn_of_left_out(self) -> None:
        if self._left_out:
            names = ", ".join(self._left_out)
            self._left_out.clear()
            problem = f"Left out, longer than {LONGEST_TEXT:,} characters: {names}"
            self.notify(problem, severity="warning", markup=False)

    def values(self) -> Values:
        """Returns the valid values of the fields that are shown."""
        values, _ = self._read_fields()
        shown = [name for name in values if name not in self._forbidden]
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
        if isinstance(values.get(EXTRA, {}), dict):  # else it is an error, and stays
            values = unchecked(values, sorted(self._waived))
        return values, errors

    # What is wrong with it

    def check_values(self, everything: bool = False) -> dict[str, str]:
        """Checks all values, applies the rules, updates errors and price.

        Shows errors where something was filled in, or, with `everything`, everywhere.
        Returns all of them by the names of their params.
        """
        route = self._model.routes[self.route]
        self._check_waived_again()
        values, unreadable = self._read_fields()
        rules = request.apply_rules(self._model, route, values)
        self._forbidden = rules.forbidden
        for name, field in self._fields.items():
            # Not `display`: that would show what is folded, too
            field.set_class(name in rules.forbidden, "-forbidden")
            if name in rules.params:
                field.adapt(rules.params[name])
        for name in rules.forbidden:
            values.pop(name, None)
        errors = request.check(self._model, route, values) | unreadable
        problem = self.expansion.problem(values)
        if problem:
            errors.setdefault("prompt", problem)
        errors = {
            name: self._with_titles(error)
            for name, error in errors.items()
            if name in self._fields
        }
        if everything:
            self._demanded |= set(errors)
        for name, field in self._fields.items():
            # A value that is still missing is no news; one that a change broke is.
            is_shown = name in self._demanded or field.raw is not None
            field.show_error(errors.get(name, "") if is_shown else "")
        self._update_unchecked(values)
        self._is_readable = EXTRA not in unreadable
        self._update_note()
        self._show_price(values)
        return errors

    def _check_waived_again(self) -> None:
        """Has the catalog check again what it doesn't refuse any more."""
        if not self._waived:
            return
        route = self._model.routes[self.route]
        values, _ = self._read_fields()
        checked = without_waived(values, self._waived)
        refused = request.refused_by_catalog(self._model, route, checked)
        given = {name for name in self._waived if not request.blank(values.get(name))}
        if given - refused:
            self._waived -= given - refused
            self._refresh_keys()

    def _refresh_keys(self) -> None:
        if self.is_attached:
            self.refresh_bindings()

    def _with_titles(self, sentence: str) -> str:
        """Returns a sentence that calls fields as the form does, not as the service."""
        names = [name for name in self._fields if "_" in name]
        if not names:
            return sentence
        pattern = rf"\b({'|'.join(map(re.escape, names))})\b"
        return re.sub(
            pattern, lambda name: short_title(self._fields[name[0]].param), sentence
        )

    def _update_unchecked(self, values: Values) -> None:
        """Marks what is sent without a check, and notes what could be."""
        extra = extra_of(values)
        self._unchecked = list(extra)
        refused: set[str] = set()
        if any(field.error for field in self._fields.values()):
            route = self._model.routes[self.route]
            refused = request.refused_by_catalog(self._model, route, values)
        shown = {name for name in refused if self._error_of(name)}
        if "prompt" in shown and "prompt" not in values:
            shown.remove("prompt")  # nothing is to be sent yet
        for name, field in self._fields.items():
            field.show_unchecked(name in extra)
        is_news = shown != self._refused
        self._refused = shown
        if is_news:
            self._refresh_keys()

    def _titles(self, names: Iterable[str]) -> list[str]:
        """Returns parameters as the form or the service calls them."""
        fields = self._fields
        return [
            short_title(fields[name].param).lower()
            if name in fields
            else one_line(name)
            for name in names
        ]

    def _unchecked_sentences(self) -> list[str]:
        """Returns what is sent without a check, and how it is checked again."""
        sentences = [not_checked(self._titles(self._unchecked))]
        if self._waived:
            key = key_text(self, "send-unchecked")
            sentences.append(f"{key} checks it again.")
        return sentences

    def _error_of(self, name: str) -> str:
        field = self._fields.get(name)
        return field.error if field else ""

    def show_errors(self, errors: dict[str, str]) -> None:
        """Shows errors that only the disk or the service can find."""
        for name, problem in errors.items():
            if name in self._fields:
                self._fields[name].show_error(problem)
        self._update_note()
        self._focus_error(errors)

    def _update_note(self) -> None:
        """Shows what is wrong, or the help of the focused field; why others are hidden."""
        fields = self._fields
        hidden = [
            f"{short_title(fields[name].param)}: {self._with_titles(reason)}"
            for name, reason in self._forbidden.items()
            if name in fields
        ]
        first = self._unchecked_sentences()
        if self._refused:
            key = key_text(self, "send-unchecked")
            first.insert(0, f"{key} lets the service decide.")
        wrong = [
            field
            for name, field in fields.items()
            if field.error and name not in self._forbidden
        ]
        focused = self._field_in_focus()
        if focused and focused.error:
            text = focused.error
        elif wrong:
            text = f"{short_title(wrong[0].param)}: {wrong[0].error}"
        elif focused:
            text = focused.param.help
        else:
            text = self._fold_help()
        self._note.set_class(bool(wrong), "-wrong")
        # Few words have room: what is wrong comes first, help later
        first.append(self._size_note)
        parts = [text, *first] if wrong else [*first, text]
        self._note.text = " ".join(filter(None, [*parts, *hidden]))

    def _fold_help(self) -> str:
        """Returns which fields are rarely needed, where their line has the focus."""
        if not self.is_attached or not isinstance(self.screen.focused, Fold):
            return ""
        more = [field for field in self._fields.values() if field.param.more]
        return f"Rarely needed: {', '.join(field.param.title for field in more)}."

    def _field_in_focus(self) -> Field | None:
        focused = self.screen.focused if self.is_attached else None
        for node in focused.ancestors_with_self if focused else ():
            if isinstance(node, Field):
                return node if node in self._fields.values() else None
        return None

    # What it costs

    def show_price(self) -> None:
        """Shows what the request costs, which may be known better by now."""
        self._show_price(self.values())

    def _show_price(self, values: Values) -> None:
        price = self.price_of(self._model, values)
        is_past_catalog = is_unchecked(self._model, values) or not self._is_readable
        if not self._is_readable:
            price = Estimate(None, "unknown")
        count = self.expansion.count(values)
        self._button.show_price(price, count, is_checked=not is_past_catalog)

    def update_prices(self, model: Model) -> None:
        """Shows the same model with newer prices."""
        self._model = model
        self._show_title(model)
        self.check_values()

    def _show_title(self, model: Model) -> None:
        action = model.action.replace("_", " ")
        parts = filter(None, (model.title, action, model.remark))
        self.border_title = Content(" · ".join(parts))

    def _restart_timer(self) -> None:
        if self._timer:
            self._timer.stop()
        self._timer = self.set_timer(REST, self._settle)

    def _settle(self) -> None:
        model = self._model
        values = self.values()
        self._note_size(model.routes[self.route], values)
        if self.expansion.names_wildcards(values):
            self._read_wildcards()
            return
        errors = request.check(model, model.routes[self.route], values)
        if not errors and self.expansion.count(values) == 1:
            self.post_message(self.Settled(model, values))

    def _note_size(self, route: Route, values: Values) -> None:
        """Says it before sending if a result will be too large to be shown."""
        self._enlarged = result_size.large_source(route, values)
        if self._enlarged:
            self._measure_result(*self._enlarged)
        else:
            self._show_size_note("")

    @work(exclusive=True, group="size", exit_on_error=False)
    async def _measure_result(self, source: Path, factor: int) -> None:
        note = await asyncio.to_thread(result_size.too_large_note, source, factor)
        if self._enlarged == (source, factor):
            self._show_size_note(note)

    def _show_size_note(self, note: str) -> None:
        if note != self._size_note:
            self._size_note = note
            self._update_note()

    @work(exclusive=True, group="wildcards", exit_on_error=False)
    async def _read_wildcards(self) -> None:
        """Reads what the prompt names, and shows what that makes of it."""
        if await self.expansion.read(self.values()):
            self.check_values()

    # What one does with it

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
        if not self._may_send():
            return
        if self.expansion.names_wildcards(self.values()):
            self._generate_as_read()
        else:
            self._generate()

    def _may_send(self) -> bool:
        """Returns whether the user sees what would be sent, and says so if not."""
        if not self._button.is_seen or self._box.size.height < _LEAST_ROWS:
            problem = "Not sent: enlarge the terminal, to see prompt and price."
        elif any(_awaits_snippet(field) for field in self._fields.values()):
            problem = "Not sent: the snippet was just being inserted. Press again."
        else:
            return True
        self.notify(problem, severity="warning", markup=False)
        return False

    @property
    def _request(self) -> tuple[tuple[str, str], RouteName, Values]:
        return self._model.key, self.route, self.values()

    @work(exclusive=True, group="generate", exit_on_error=False)
    async def _generate_as_read(self) -> None:
        """Sends what the wildcards stand for now, if that is what the button says."""
        shown = self._request
        count_shown = self.expansion.count(self.values())
        await self.expansion.read(self.values())
        self.check_values()
        if self._request != shown or not self._button.is_seen:
            self.notify(
                "Not sent: the form has changed meanwhile. Press again to send it.",
                severity="warning",
                markup=False,
            )
            return
        count = self.expansion.count(self.values())
        if count == count_shown:
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
            sentence = f"Not sent: {next(iter(errors.values()))}"
            self.notify(sentence, severity="warning", markup=False)
        else:
            values = self.values()
            foreign = self.foreign_texts()
            wildcards = self.expansion.wildcards
            self.post_message(
                self.Submitted(self._model, self.route, values, foreign, wildcards)
            )

    def action_batch(self) -> None:
        if not self._may_send():
            return
        route = self._model.routes[self.route]
        foreign = self.foreign_texts()
        self.post_message(self.JobRequested(self._model, route, self.values(), foreign))

    def action_send_unchecked(self) -> None:
        """Lets the service decide about what the catalog refuses, or the catalog again."""
        if self._refused:
            changed = sorted(self._refused)
            self._waived |= self._refused
            sentence = "Not checked: {names}. The service decides."
        else:
            changed = sorted(self._waived)
            self._waived.clear()
            sentence = "Checked again: {names}."
        names = ", ".join(self._titles(changed))
        self.notify(sentence.format(names=names), markup=False)
        self.check_values()
        self._restart_timer()
        self.post_message(self.Edited())
        self._refresh_keys()

    def key_label(self, action: str) -> str:
        """Returns what a key is called now, or "" for its usual name."""
        if action == "send_unchecked" and not self._refused:
            return "Check again"
        return ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Returns whether a key does something; if not, it isn't shown."""
        if action == "send_unchecked":
            return bool(self._refused or self._waived)
        return super().check_action(action, parameters)

    def action_copy_as(self) -> None:
        self.post_message(self.CopyRequested(self._model, self.route, self.values()))

    def action_undo_form(self) -> None:
        self.post_message(self.UndoRequested())

    def action_redo_form(self) -> None:
        self.post_message(self.RedoRequested())

    def set_prompt(self, prompt: str | None) -> None:
        """Sets the text of the prompt, and focuses it; one that is too long is refused."""
        if prompt and len(prompt) > LONGEST_TEXT:
            problem = (
                f"The prompt is longer than {LONGEST_TEXT:,} characters. It isn't used."
            )
            self.notify(problem, severity="warning", markup=False)
        elif "prompt" in self._fields:
            self._demanded.discard("prompt")
            if not prompt:
                self._waived.discard("prompt")
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
        if self._fields.get(event.field.param.name) is event.field:
            self.check_values()
            if self.expansion.is_unread(self.values()):
                self._read_wildcards()
            self._restart_timer()
            self.post_message(self.Edited())

    @on(Fold.Opened)
    def _opened(self, event: Fold.Opened) -> None:
        event.stop()
        self.check_values()

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
        try:
            text = await asyncio.to_thread(files.snippet, event.name) if files else ""
        except PromptFileProblem as problem:
            self.notify(str(problem), severity="warning", markup=False)
        else:
            event.field.insert_snippet(text)
        finally:
            event.field.awaits_snippet = False

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        field = self._field_in_focus()
        if field:
            # The control alone would leave its label out of sight.
            self.call_after_refresh(field.scroll_visible, animate=False)
        self._update_note()

    def _focus_error(self, errors: Iterable[str]) -> None:
        """Focuses the first field that has an error."""
        names = set(errors)
        self._focus_field(next((name for name in self._fields if name in names), ""))

    @work(exclusive=True, group="focus", exit_on_error=False)
    async def _focus_field(self, name: str) -> None:
        field = self._fields.get(name)
        if field and field.param.more:
            await self._box.unfold()
        if field:
            field.control.focus(scroll_visible=False)


def _raws_of(params: Iterable[Param], values: Values) -> dict[str, Raw]:
    """Returns values as they stand in the fields of parameters."""
    raws = {param.name: raw_of(param, values.get(param.name)) for param in params}
    return {name: raw for name, raw in raws.items() if raw is not None}


def _awaits_snippet(field: Field) -> bool:
    return isinstance(field, TextField) and field.awaits_snippet


def _texts_in(field: Field) -> set[str]:
    try:
        return texts_of([field.read()])
    except ValueError:
        return set()
