"""The main page: models, form, result and queue. Wires its panes; what is paid or
written is the app's.
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.screen import Screen

from tui.catalog.load import Catalog
from tui.catalog.route import Api, choose, translate
from tui.catalog.spec import Kind, Model, Param, RouteName, Values
from tui.screens.past import Past, Search, prompts
from tui.service.prompt_library import PromptEntry
from tui.session import Session
from tui.tasks.engine_state import EngineState
from tui.tasks.task import SENT, Status, Task
from tui.text import one_line
from tui.widgets.fields import Field, Prompt
from tui.widgets.footer import Footer
from tui.widgets.form import ParamForm
from tui.widgets.path_completion import dropped_images
from tui.widgets.preview import Preview
from tui.widgets.queue import Queue, QueueTable
from tui.widgets.sidebar import RECENT, Key, Sidebar
from tui.widgets.status import StatusLine
from tui.widgets.view_context import ViewContext

FIRST_MODEL = ("text_to_image", "flux-2-pro-text-to-image")
"""Action and slug of the model that the app starts with."""
CHOICES = 500
"""Past prompts, results or tasks that are offered at most."""


class MainScreen(Screen[None]):
    """Three columns over the queue when wide; form over queue when narrow."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+o", "pick_model", "Model", id="model", tooltip="Choose a model"),
        Binding(
            "ctrl+r",
            "recall",
            "Recall",
            id="recall",
            tooltip="A past prompt",
            show=False,
        ),
        Binding(
            "ctrl+l,f10",
            "app.prompts",
            "Prompts",
            id="prompts",
            tooltip="The service's library",
            show=False,
        ),
        # Of priority, and the focus is there at once: what is typed next is for the
        # queue.
        Binding(
            "ctrl+t",
            "queue",
            "Queue",
            id="queue",
            priority=True,
            tooltip="Go to the queue, and back to the prompt",
        ),
        Binding(
            "f4",
            "app.switch_key",
            "Key",
            id="switch-key",
            tooltip="Another key or profile",
            show=False,
        ),
        Binding(
            "slash,f9",
            "app.history",
            "History",
            id="history",
            tooltip="Find any task that there ever was",
        ),
        Binding(
            "dollar_sign",
            "app.money",
            "Money",
            id="money",
            tooltip="By day and by model",
            show=False,
        ),
    ]

    class Ready(Message):
        """The page is complete."""

    class FieldsReplaced(Message):
        """The form has other fields; the ones before can be thrown away."""

    AUTO_FOCUS = "ParamForm Prompt"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (34, "-tall")]

    def __init__(
        self,
        session: Session,
        view: ViewContext,
        favourites: list[Key],
        search: Search,
    ) -> None:
        """`search` finds tasks of the history."""
        super().__init__()
        self._catalog = session.catalog
        model = self._catalog.get(*FIRST_MODEL) or self._catalog.models[0]
        self._model = model
        self._api: Api = session.config.api
        self._view = view
        self._past = Past(search)
        self._sent: set[str] = set()
        self._waiting: set[str] = set()
        self._favourites = favourites
        self._remembering = False
        self.sidebar = Sidebar(self._catalog, model, "sidebar", favourites)
        self.form = ParamForm("form", model, choose(model, (), self._api))
        self.preview = Preview(view, "preview")
        self.queue = Queue("queue", self.title_of)
        self.queue.border_title = "Queue"
        self.status = StatusLine(id="status")
        self.status.place = session.place
        self.status.drawn = str(view.terminal.images)

    def compose(self) -> ComposeResult:
        with Horizontal(id="panes"):
            yield self.sidebar
            yield self.form
            yield self.preview
        yield self.queue
        yield self.status

    def on_mount(self) -> None:
        self.call_after_refresh(self._furnish)

    async def _furnish(self) -> None:
        """Frames and form are painted and take keys; now the rest."""
        async with self.batch():
            await self.sidebar.mount_content()
            await self.preview.mount_content()
            await self.queue.mount_content()
            await self.mount(Footer(show_command_palette=False, compact=True))
        self.refresh_bindings()  # the footer has missed the first word of them
        self._view.changes.subscribe(self, self._task_changed, immediate=True)
        self.post_message(self.Ready())

    async def show_model(self, model: Model, values: Values | None = None) -> None:
        """Ask for another model; with `values`, filled in with those."""
        model = self._model = self._catalog.get(*model.key) or model
        route = self._route(model, values or ())
        await self.form.show(model, route, values)
        self.post_message(self.FieldsReplaced())
        self.sidebar.choose(model)

    def set_catalog(self, catalog: Catalog) -> None:
        """Fresher facts about the models."""
        self._catalog = catalog
        self._model = catalog.get(*self._model.key) or self._model
        self.sidebar.set_catalog(catalog)
        self.form.update_prices(self._model)

    def _route(self, model: Model, names: Iterable[str] = ()) -> RouteName:
        """Returns the route that a request with those params takes now."""
        return choose(model, names, self._api, self.status.state.route)

    async def _follow_route(self) -> None:
        """Shows the params of the route that the service has."""
        if self._route(self._model) != self.form.route:
            await self.show_model(self._model)

    async def load(self) -> None:
        """The queue is open: offer what former runs have left, cleared or not."""
        await self._past.load()
        self._remember()
        if self._past:
            self.queue.show_table()

    def _task_changed(self, task: Task) -> None:
        new = self._past.update(task)
        for known, is_one in (
            (self._sent, task.status in SENT),
            (self._waiting, task.status is Status.HELD),
        ):
            if task.live and is_one:
                known.add(task.id)
            else:
                known.discard(task.id)
        if new and not self._remembering:
            self._remembering = True  # once for all that come together
            self.call_later(self._remember)
        self.queue.update(task)
        self.status.live, self.status.waiting = len(self._sent), len(self._waiting)

    def title_of(self, task: Task) -> str:
        model = self._catalog.get(task.action, task.model)
        return model.title if model else task.model

    @on(QueueTable.Selected)
    def _show_task(self, event: QueueTable.Selected) -> None:
        self.preview.show(event.task)

    async def use(self, task: Task) -> None:
        """Put a task's values back into the form."""
        model = self._catalog.get(task.action, task.model)
        if model:
            await self.show_model(model, task.values)
            self.form.focus_first()
        else:
            self.notify(
                f"{task.model} is no longer in the catalog.",
                severity="warning",
                markup=False,
            )

    @on(Prompt.CommandPasted)
    @work(exclusive=True, group="pasted", exit_on_error=False)
    async def _offered(self, event: Prompt.CommandPasted) -> None:
        from tui.exchange import pasted_command

        try:
            found = await asyncio.to_thread(
                pasted_command.read, event.text, self._catalog, self._api
            )
        except pasted_command.PasteError as error:
            self.notify(
                str(error), title="Not pasted", severity="warning", markup=False
            )
        else:
            await self.fill_in(found.model, found.route, found.values, found.unused)

    async def use_prompt(self, entry: PromptEntry | None) -> None:
        """Fill the form with an entry of the library: for its model, or else for the
        one that is there.
        """
        from tui.exchange.pasted_command import fitting

        model = self._catalog.get(entry.action, entry.model) if entry else None
        if entry and model:
            foreign = ("model", "prompt", "callback_url")
            params = {
                name: value
                for name, value in entry.params.items()
                if name not in foreign
            }
            told: Values = {"prompt": entry.prompt, **params}
            route = self._route(model, told)
            await self.fill_in(model, route, *fitting(model, route, told))
        elif entry:
            self.form.set_prompt(entry.prompt)
            self.notify(
                "Its model isn't in the catalog: the prompt alone was taken.",
                markup=False,
            )

    async def fill_in(
        self, model: Model, route: RouteName, values: Values, left: tuple[str, ...]
    ) -> None:
        """Fill the form with a request that was found, and tell what is in it now;
        `left` is told, too.
        """
        to = self._route(model, values)
        if to != route:
            values, unplaced = translate(model, values, to)
            left = (*left, *unplaced)
        await self._fill(model, values)
        names = ", ".join(values) or "no values"
        sentences = [f"{model.title}: {names}."]
        if len(left) > 8:
            sentences.append(f"Left out: {', '.join(left[:8])} and more.")
        elif left:
            sentences.append(f"Left out: {', '.join(left)}.")
        self.notify(" ".join(sentences), title="Form filled in", markup=False)

    async def on_paste(self, event: events.Paste) -> None:
        """An image that is dropped where nothing takes text."""
        if files := await asyncio.to_thread(dropped_images, event.text):
            self._refill(files[0])

    @on(Field.Dropped)
    def _dropped(self, event: Field.Dropped) -> None:
        self._refill(event.files[0])

    @work(exclusive=True, group="refill", exit_on_error=False)
    async def _refill(self, file: str) -> None:
        """Fill the form with what an image says that made it."""
        from tui.exchange.recipe_to_form import FormContent, refill
        from tui.images import files, metadata

        name = one_line(Path(file).name, 40)
        try:
            recipe = await asyncio.to_thread(metadata.read, Path(file))
        except files.ImageError as error:
            self.notify(str(error), severity="warning", markup=False)
            return
        if recipe is None:
            told = (
                f"{name} doesn't say what made it. Drop it into an image field to use"
                " it as a source."
            )
            self.notify(told, severity="warning", markup=False)
            return
        shown = FormContent(self._model, self.form.values())
        found = refill(recipe, self._catalog, shown, self._api, self.status.state.route)
        if found.used:
            await self._fill(found.model, found.values)
        self.notify(found.describe(name), timeout=10, markup=False)

    async def _fill(self, model: Model, values: Values) -> None:
        """Put another request into the form; undo brings the prompt back that was
        there.
        """
        before = self.form.values().get("prompt", "")
        if "prompt" in values:
            await self.show_model(model, values | {"prompt": before})
            self.form.set_prompt(str(values["prompt"]))
        else:
            await self.show_model(model, values)
        self.form.focus_first()

    @on(Sidebar.Selected)
    async def _model_selected(self, event: Sidebar.Selected) -> None:
        await self.show_model(event.model)
        self.form.focus_first()

    def action_pick_model(self) -> None:
        if self.sidebar.display:
            self.sidebar.focus_filter()
        else:
            from tui.screens.picker import ModelPickerScreen

            picker = ModelPickerScreen(
                self._catalog, self._model, self._favourites, self._recent()
            )
            self.app.push_screen(picker, self._picked)

    async def _picked(self, model: Model | None) -> None:
        if model:
            await self.show_model(model)
            self.form.focus_first()

    async def action_recall(self) -> None:
        from tui.screens.chooser import ChooserScreen

        tasks = await self._past.find("", lambda task: task.prompt, CHOICES)
        options = [(prompt, prompt) for prompt in prompts(tasks)]
        chooser = ChooserScreen("Past prompts", options, "Nothing was submitted yet.")
        await self.app.push_screen(chooser, self._recalled)

    def _recalled(self, prompt: str | None) -> None:
        if prompt:
            self.form.set_prompt(prompt)

    @on(Field.PickRequested)
    async def _pick(self, event: Field.PickRequested) -> None:
        from tui.screens.chooser import ChooserScreen
        from tui.screens.sources import SourcesScreen

        field, param = event.field, event.field.param
        if param.kind is Kind.TASK:
            finished = "status:completed"
            fitting = await self._past.find(
                finished, lambda task: self._takes(param, task), CHOICES
            )
            options = [
                (task.remote_id, f"{self.title_of(task)}  {task.prompt or task.id}")
                for task in fitting
            ]
            chooser = ChooserScreen(
                param.title, options, f"No task fits yet. {param.help}"
            )
            await self.app.push_screen(chooser, field.set_picked)
        else:
            many = param.kind is Kind.IMAGES
            results = await self._past.find("", lambda task: task.files, CHOICES)
            picker = SourcesScreen(
                self._view.terminal, results, start=str(Path.cwd()), many=many
            )
            await self.app.push_screen(picker, field.set_picked)

    def _takes(self, param: Param, task: Task) -> bool:
        """Whether a task param may name that task."""
        fits = task.service == self._model.service and task.action in (
            param.tasks or (task.action,)
        )
        return fits and task.status is Status.COMPLETED

    def set_favourites(self, favourites: list[Key]) -> None:
        """The models that the user keeps on top."""
        self._favourites = favourites
        self.sidebar.set_favourites(favourites)

    def _remember(self) -> None:
        self._remembering = False
        self.sidebar.set_recent(self._recent())

    def _recent(self) -> list[Key]:
        """The models of the latest tasks, latest first."""
        latest = self._past.newest[:50]
        return list(dict.fromkeys((task.action, task.model) for task in latest))[
            :RECENT
        ]

    def state_changed(self, state: EngineState) -> None:
        """What holds for all tasks just now."""
        known = self.status.state.route
        self.status.state = state
        if state.route != known:
            self.call_later(self._follow_route)
        self.queue.border_title = "Queue · paused" if state.paused else "Queue"
        self.queue.border_subtitle = f"{state.limit} at once"

    def action_queue(self) -> None:
        if self.queue.table.has_focus:
            self.form.focus_first()
        elif self._past or not self.queue.has_class(
            "-empty"
        ):  # z may bring something back
            self.set_focus(self.queue.table)
