"""The page for a job of many requests, which are counted and priced before sending."""

import asyncio
from typing import ClassVar, NamedTuple

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input, OptionList, Static, TextArea

from tui.catalog import request
from tui.catalog.load import Catalog
from tui.catalog.matrix import FilledModel, adapted
from tui.catalog.price import PriceOf, estimate, list_price
from tui.catalog.reach import texts_of
from tui.catalog.request import Request, is_callback
from tui.catalog.spec import Kind, Model, Param
from tui.screens import job_plan
from tui.screens.chooser import ChooserScreen
from tui.screens.modal import Modal
from tui.screens.value_list import ValueListScreen
from tui.settings.prompt_files import PromptFiles
from tui.text import by_count, dollars, one_line
from tui.widgets.fields import short_title
from tui.widgets.footer import Footer
from tui.widgets.sidebar import ModelKey
from tui.widgets.text_fields import Area


class JobFields(NamedTuple):
    """What stands in the fields of a job's page."""

    copies: str = "1"
    file: str = ""
    vary: str = ""
    is_file_foreign: bool = False
    """Whether the prompt file need not be named by the user's own keys."""
    is_vary_foreign: bool = False
    models: tuple[ModelKey, ...] = ()
    """The models beside the form's own."""


class JobChoice(NamedTuple):
    """What the user wants sent."""

    requests: list[Request]
    probe: bool
    """Whether only the cheapest is sent at first."""


class BatchScreen(Modal[JobChoice | None]):
    """Makes a job from the form's values: copies, prompts of a file, models, params.

    Ends with the requests, or None.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+j,f5",
            "send",
            "Send",
            id="batch-send",
            tooltip="Send these requests at the price shown",
        ),
        Binding(
            "f7",
            "probe",
            "Probe",
            id="batch-probe",
            tooltip="Send the cheapest; the others wait until you send them",
        ),
        Binding(
            "ctrl+o",
            "models",
            "Model",
            id="batch-models",
            tooltip="Choose the models that make the pictures",
        ),
        Binding(
            "ctrl+g,f3",
            "vary",
            "Pick",
            id="batch-vary",
            tooltip="Choose a parameter and its values from a list",
        ),
        Binding(
            "escape",
            "dismiss(None)",
            "Back",
            id="batch-back",
            tooltip="To the form, without sending",
        ),
    ]
    AUTO_FOCUS = "#batch-count"
    VERTICAL_BREAKPOINTS = [(0, "-low"), (34, "-tall")]

    def __init__(
        self,
        filled: FilledModel,
        catalog: Catalog,
        files: PromptFiles,
        price_of: PriceOf = estimate,
        fields: JobFields | None = None,
    ) -> None:
        """`files` has the wildcards that prompts may name; `price_of` returns what a
        request costs; `fields` are those of the last time, where one has gone back.
        """
        super().__init__()
        self._price_of = price_of
        self._files = files
        fields = fields or JobFields()
        self._filled = filled
        self._catalog = catalog
        self._others = fields.models
        self._requests: list[Request] = []
        self._count = Input(
            fields.copies, type="integer", id="batch-count", compact=True
        )
        self._file = _File(
            fields.file,
            placeholder="one prompt per line",
            id="batch-file",
            compact=True,
        )
        self._file.is_foreign = fields.is_file_foreign
        self._vary = _Vary(
            fields.vary,
            id="batch-vary",
            compact=True,
            soft_wrap=False,
            highlight_cursor_line=False,
        )
        self._vary.is_foreign = fields.is_vary_foreign
        self._models = Static(id="batch-models", markup=False)
        self._summary = Static(id="batch-summary", markup=False)
        self._list = OptionList(id="batch-cells", markup=False)
        self._send = Button("Send", id="batch-send", variant="primary", compact=True)

    def compose(self) -> ComposeResult:
        with Vertical(id="batch", classes="frame -always") as box:
            box.border_title = Content(f"Job · {self._filled.model.title}")
            controls = {
                "Copies": self._count,
                "Prompt file": self._file,
                "Models": self._models,
                "Vary": self._vary,
            }
            for label, control in controls.items():
                with Horizontal(classes="row"):
                    yield Static(label, classes="label", markup=False)
                    yield control
            yield Static(self._hint(), classes="quiet", markup=False)
            yield self._summary
            yield self._list
            yield self._send
        yield Footer()

    def _hint(self) -> str:
        params = self._filled.route.params
        example = "seed = 1..4"
        for param in params:
            if len(param.enum) > 1:
                example = f"{param.name} = {param.enum[0]} | {param.enum[1]}"
                break
        return (
            f"Vary: one parameter per line, like `{example}`; 1..9 is a range, * is"
            " every choice. {a|b} in the prompt works too."
        )

    @property
    def fields(self) -> JobFields:
        """What stands in the fields, for when one comes back."""
        return JobFields(
            self._count.value,
            self._file.value,
            self._vary.text,
            self._file.is_foreign,
            self._vary.is_foreign,
            self._others,
        )

    @property
    def foreign_file(self) -> str:
        """The prompt file, if its name need not be typed by the user; or empty."""
        return self._file.value.strip() if self._file.is_foreign else ""

    def foreign_texts(self) -> set[str]:
        """Returns the texts that were added here, and not by keys alone."""
        if not self._vary.is_foreign:
            return set()
        texts = {
            text
            for request in self._requests
            for text in texts_of(request.values.values())
        }
        return texts - texts_of(self._filled.values.values())

    def on_mount(self) -> None:
        self._show_models()
        self._update_plan()

    def _show_models(self) -> None:
        titles = [filled.model.title for filled in self._all_filled()]
        self._models.update(Content(one_line(", ".join(titles), 300)))

    def _all_filled(self) -> list[FilledModel]:
        """Returns the form's model and the others, each with the values it takes."""
        found = [self._filled]
        for key in self._others:
            model = self._catalog.get(*key)
            if model and model.key != self._filled.model.key:
                found.append(self._adapted(model))
        return found

    def _adapted(self, model: Model) -> FilledModel:
        own = self._filled.route.name
        route = model.routes.get(own) or next(iter(model.routes.values()))
        return adapted(self._filled, model, route)

    @on(Input.Changed)
    @on(TextArea.Changed)
    def _edited(self) -> None:
        if not self._file.value:
            self._file.is_foreign = False
        self._update_plan()

    @on(Input.Submitted)
    def _next(self, event: Input.Submitted) -> None:
        event.stop()
        self.focus_next()

    @work(exclusive=True, group="plan", exit_on_error=False)
    async def _update_plan(self) -> None:
        """Counts, prices and lists the requests; invalid ones with the reason."""
        self._requests = []
        file = self._file.value.strip()
        typed = job_plan.Typed(self._vary.text, self._count.value, file)
        models = self._all_filled()
        try:
            plan = await asyncio.to_thread(
                job_plan.make, models, self._files, typed, self._price_of
            )
        except ValueError as error:
            plan = job_plan.refused(error)
        self._summary.update(plan.summary)
        self._list.clear_options().add_options(plan.rows)
        self._send.label = Content(plan.button)
        self._send.disabled = not plan.requests
        self._requests = plan.requests

    @work(exclusive=True, group="choose", exit_on_error=False)
    async def action_models(self) -> None:
        """Lets the user choose the other models: those of the same action."""
        own = self._filled.model
        titles = {
            model.slug: f"{model.title} · {dollars(list_price(model).micro)}"
            for model in self._catalog.models
            if model.action == own.action and model.key != own.key
        }
        marked = [slug for action, slug in self._others if action == own.action]
        title = f"Models besides {one_line(own.title, 40)}"
        lacking = {
            slug: reason
            for slug in titles
            if (reason := self._lacks_picture(own.action, slug))
        }
        page = ValueListScreen(title, titles, marked, lacking)
        chosen = await self.app.push_screen_wait(page)
        if chosen is not None:
            self._others = tuple((own.action, slug) for slug in chosen)
            self._show_models()
            self._update_plan()

    def _lacks_picture(self, action: str, slug: str) -> str:
        """Returns why a model can't be sent for want of a picture, or ""."""
        model = self._catalog.get(action, slug)
        if model is None:
            return ""
        filled = self._adapted(model)
        problems = request.check(model, filled.route, filled.values)
        for param in filled.route.params:
            if param.name in problems and param.kind in (Kind.IMAGE, Kind.IMAGES):
                return f"needs a picture that isn't in the form: {short_title(param)}"
        return ""

    @work(exclusive=True, group="choose", exit_on_error=False)
    async def action_vary(self) -> None:
        """Lets the user choose a parameter, and its values where they are a list."""
        params = self._params()
        names = [(name, _labelled(param)) for name, param in params.items()]
        chooser = ChooserScreen("Vary", names, "No parameter can be varied.")
        name = await self.app.push_screen_wait(chooser)
        if name is None:
            return
        param = params[name]
        choices = _choices(param)
        if not choices:
            self._set_line(name, job_plan.example(param))
            self._vary.focus()
            return
        labels = {choice: choice for choice in choices}
        values = await self.app.push_screen_wait(
            ValueListScreen(short_title(param), labels, [])
        )
        if values:
            self._set_line(name, " | ".join(values))

    def _params(self) -> dict[str, Param]:
        """Returns what can be varied in any of the models; first what has choices."""
        found: dict[str, Param] = {}
        for filled in self._all_filled():
            for param in filled.route.params:
                if _can_vary(param):
                    found.setdefault(param.name, param)
        ordered = sorted(found.values(), key=lambda param: not _choices(param))
        return {param.name: param for param in ordered}

    def _set_line(self, name: str, values: str) -> None:
        self._vary.text = job_plan.with_line(self._vary.text, name, values)
        self._vary.move_cursor(self._vary.document.end)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_send()

    def action_send(self) -> None:
        self._end(probe=False)

    def action_probe(self) -> None:
        self._end(probe=True)

    def _end(self, *, probe: bool) -> None:
        if self._requests and self.is_current:
            self.dismiss(JobChoice(self._requests, probe and len(self._requests) > 1))


class _NotesPastes:
    """Makes a text control note whether any of its text was pasted."""

    is_foreign = False

    def on_paste(self) -> None:
        self.is_foreign = True

    def action_paste(self) -> None:
        self.is_foreign = True
        super().action_paste()  # type: ignore[misc]  # of the control


class _Vary(_NotesPastes, Area):
    """The lines of varied params."""


class _File(_NotesPastes, Input):
    """The name of a prompt file."""


def _can_vary(param: Param) -> bool:
    if param.name == "prompt" or param.kind is Kind.CONSTANT:
        return False
    return not is_callback(param)


def _choices(param: Param) -> list[str]:
    """Returns the values that a parameter can be chosen from, as they are typed."""
    if param.kind is Kind.BOOLEAN:
        return ["yes", "no"]
    return [str(choice).replace("|", r"\|") for choice in param.enum]


def _labelled(param: Param) -> str:
    """Returns a parameter's title, and what it may be varied by."""
    count = len(_choices(param))
    choices = by_count(count, "1 choice", "{count} choices")
    hint = choices if count else job_plan.example(param)
    return " · ".join(filter(None, (short_title(param), hint)))
