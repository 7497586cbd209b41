"""The main page: models, form, preview and queue.

It connects its panes; whatever is paid or saved is done by the app.
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.screen import Screen

from tui.catalog.load import Catalog
from tui.catalog.reach import reached_by, texts_of
from tui.catalog.request import is_callback
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
from tui.widgets.path_completion import read_drop
from tui.widgets.preview import Preview
from tui.widgets.queue import Queue, QueueTable
from tui.widgets.sidebar import RECENT, ModelKey, Sidebar
from tui.widgets.status import StatusLine
from tui.widgets.view_context import ViewContext

FIRST_MODEL = ("text_to_image", "flux-2-pro-text-to-image")
"""Action and slug of the model that the app starts with."""
CHOICES = 500
"""Past prompts, results or tasks that are listed at most."""
_RECENT_TASKS = 50
"""Latest tasks whose models count as recent."""
_MOST_UNUSED = 8
"""Values that weren't used and are named in a message, at most."""


class MainScreen(Screen[None]):
    """Shows models, form and preview above the queue; if narrow, form above queue."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+o", "pick_model", "Model", id="model", tooltip="Choose a model"),
        Binding(
            "ctrl+r",
            "recall",
            "Recall",
            id="recall",
            tooltip="Use a past prompt again",
            show=False,
        ),
        Binding(
            "ctrl+l,f10",
            "app.prompts",
            "Prompts",
            id="prompts",
            tooltip="Search the service's prompt library",
            show=False,
        ),
        # With priority, so that the focus moves at once: the next key is for the queue.
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
            tooltip="Use another key or profile",
            show=False,
        ),
        Binding(
            "slash,f9",
            "app.history",
            "History",
            id="history",
            tooltip="Search all tasks",
        ),
        Binding(
            "dollar_sign",
            "app.money",
            "Money",
            id="money",
            tooltip="Show spending by day and by model",
            show=False,
        ),
    ]

    class Ready(Message):
        """The page is complete."""

    class FieldsReplaced(Message):
        """The form has other fields; memory of the previous ones can be freed."""

    AUTO_FOCUS = "ParamForm Prompt"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (34, "-tall")]

    def __init__(
        self,
        session: Session,
        view: ViewContext,
        favourites: list[ModelKey],
        search: Search,
    ) -> None:
        """`search` finds tasks in the history."""
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
        """Adds the rest, once frames and form are painted and handle keys."""
        async with self.batch():
            await self.sidebar.mount_content()
            await self.preview.mount_content()
            await self.queue.mount_content()
            await self.mount(Footer(show_command_palette=False, compact=True))
        self.refresh_bindings()  # the footer has missed their first announcement
        self._view.changes.subscribe(self, self._task_changed, immediate=True)
        self.post_message(self.Ready())

    async def show_model(
        self, model: Model, values: Values | None = None, foreign: Iterable[str] = ()
    ) -> None:
        """Shows the form of another model, filled in with `values`.

        `foreign` are texts of the values that are not the user's own words.
        """
        model = self._model = self._catalog.get(*model.key) or model
        route = self._route(model, values or ())
        await self.form.show(model, route, values, foreign)
        self.post_message(self.FieldsReplaced())
        self.sidebar.choose(model)

    def set_catalog(self, catalog: Catalog) -> None:
        """Replaces the facts about the models with newer ones."""
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
        """Loads tasks of earlier runs once the queue is open, also cleared ones."""
        await self._past.load()
        self._update_recent()
        if self._past:
            self.queue.show_table()

    def _task_changed(self, task: Task) -> None:
        is_new = self._past.update(task)
        self._sent.discard(task.id)
        self._waiting.discard(task.id)
        if task.live and task.status in SENT:
            self._sent.add(task.id)
        elif task.live and task.status is Status.HELD:
            self._waiting.add(task.id)
        if is_new and not self._remembering:
            self._remembering = True  # once for all tasks of a moment
            self.call_later(self._update_recent)
        self.queue.update(task)
        self.status.live = len(self._sent)
        self.status.waiting = len(self._waiting)

    def title_of(self, task: Task) -> str:
        model = self._catalog.get(task.action, task.model)
        return model.title if model else task.model

    @on(QueueTable.Selected)
    def _show_task(self, event: QueueTable.Selected) -> None:
        self.preview.show(event.task)

    async def use(self, task: Task) -> None:
        """Fills the form with a task's values."""
        model = self._catalog.get(task.action, task.model)
        if model:
            foreign = texts_of(task.values.values()) if task.imported else ()
            await self.show_model(model, task.values, foreign)
            self.form.focus_first()
        else:
            sentence = f"The catalog no longer has this model: {task.model}"
            self.notify(sentence, severity="warning", markup=False)

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
        """Fills the form with an entry of the library, or only with its prompt.

        Only the prompt is used where the catalog doesn't have the entry's model.
        """
        from tui.exchange.pasted_command import fitting

        model = self._catalog.get(entry.action, entry.model) if entry else None
        if entry and model:
            params: Values = {**entry.params, "prompt": entry.prompt}
            params.pop("model", None)
            values: Values = {"prompt": entry.prompt} | params
            route = self._route(model, values)
            for param in filter(is_callback, model.routes[route].params):
                values.pop(param.name, None)
            await self.fill_in(model, route, *fitting(model, route, values))
        elif entry:
            self.form.set_prompt(entry.prompt)
            self.notify(
                "The entry's model isn't in the catalog. Only its prompt was used.",
                markup=False,
            )

    async def fill_in(
        self, model: Model, route: RouteName, values: Values, unused: tuple[str, ...]
    ) -> None:
        """Fills the form with a request, and lists what was filled in and what wasn't.

        `unused` are names of values that the request had, but that can't be used.
        """
        form_route = self._route(model, values)
        if form_route != route:
            values, untranslated = translate(model, values, form_route)
            unused = (*unused, *untranslated)
        await self._fill(model, values)
        names = ", ".join(values) or "no values"
        sentences = [f"{model.title}: {names}."]
        if len(unused) > _MOST_UNUSED:
            listed = ", ".join(unused[:_MOST_UNUSED])
            sentences.append(f"Left out: {listed} and more.")
        elif unused:
            sentences.append(f"Left out: {', '.join(unused)}.")
        self.notify(" ".join(sentences), title="Form filled in", markup=False)

    async def on_paste(self, event: events.Paste) -> None:
        """Uses an image that is dropped where there is no text field."""
        drop = await asyncio.to_thread(read_drop, event.text)
        if drop and drop.problem:
            self.notify(drop.problem, severity="warning", markup=False)
        if drop and drop.images:
            self._refill(drop.images[0])

    @on(Field.Dropped)
    def _dropped(self, event: Field.Dropped) -> None:
        self._refill(event.files[0])

    @work(exclusive=True, group="refill", exit_on_error=False)
    async def _refill(self, file: str) -> None:
        """Fills the form with the request that is saved in an image."""
        from tui.exchange.recipe_to_form import FormContent, refill
        from tui.images import files, metadata

        name = one_line(Path(file).name, 40)
        try:
            recipe = await asyncio.to_thread(metadata.read, Path(file))
        except files.ImageError as error:
            self.notify(str(error), severity="warning", markup=False)
            return
        if recipe is None:
            sentence = (
                f"No request is saved in {name}. Drop it into an image field to use it"
                " as a source."
            )
            self.notify(sentence, severity="warning", markup=False)
            return
        shown = FormContent(self._model, self.form.values())
        found = refill(recipe, self._catalog, shown, self._api, self.status.state.route)
        if found.used:
            await self._fill(found.model, found.values)
        self.notify(found.describe(name), timeout=10, markup=False)

    async def _fill(self, model: Model, values: Values) -> None:
        """Fills the form with another request; undo restores the previous prompt."""
        before = self.form.values()
        own = {reached.text for reached in reached_by(self._model, before)}
        foreign = texts_of(values.values()) - own
        if "prompt" in values:
            prompt = before.get("prompt", "")
            await self.show_model(model, values | {"prompt": prompt}, foreign)
            self.form.set_prompt(str(values["prompt"]))
        else:
            await self.show_model(model, values, foreign)
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
        chooser = ChooserScreen("Past prompts", options, "No prompts yet.")
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
            tasks = await self._past.find(
                "status:completed", lambda task: self._fits(param, task), CHOICES
            )
            options = [
                (task.remote_id, f"{self.title_of(task)}  {task.prompt or task.id}")
                for task in tasks
            ]
            empty = f"No task can be used here yet. {param.help}"
            chooser = ChooserScreen(param.title, options, empty)
            await self.app.push_screen(chooser, field.set_picked)
        else:
            many = param.kind is Kind.IMAGES
            results = await self._past.find("", _has_own_files, CHOICES)
            picker = SourcesScreen(
                self._view.terminal, results, start=str(Path.cwd()), many=many
            )
            await self.app.push_screen(picker, field.set_picked)

    def _fits(self, param: Param, task: Task) -> bool:
        """Returns whether a task can be the value of a param."""
        if param.tasks and task.action not in param.tasks:
            return False
        is_completed = task.status is Status.COMPLETED
        return is_completed and task.service == self._model.service

    def set_favourites(self, favourites: list[ModelKey]) -> None:
        """Shows the models that the user has marked on top of the list."""
        self._favourites = favourites
        self.sidebar.set_favourites(favourites)

    def _update_recent(self) -> None:
        self._remembering = False
        self.sidebar.set_recent(self._recent())

    def _recent(self) -> list[ModelKey]:
        """Returns the models of the latest tasks, latest first."""
        latest = self._past.newest[:_RECENT_TASKS]
        models = dict.fromkeys((task.action, task.model) for task in latest)
        return list(models)[:RECENT]

    def state_changed(self, state: EngineState) -> None:
        """Shows the state of the whole queue."""
        known = self.status.state.route
        self.status.state = state
        if state.route and state.route != known:
            self.call_later(self._follow_route)
        title = "Queue · paused" if state.paused else "Queue"
        self.queue.border_title = Content(title)
        self.queue.border_subtitle = Content(f"{state.limit} at once")

    def action_queue(self) -> None:
        if self.queue.table.has_focus:
            self.form.focus_first()
            return
        is_empty = self.queue.has_class("-empty")
        # In an empty queue z may still restore tasks of earlier runs.
        if self._past or not is_empty:
            self.set_focus(self.queue.table)


def _has_own_files(task: Task) -> bool:
    """Returns whether a task has results that this program saved.

    An imported one may name any file as its result.
    """
    return bool(task.files) and not task.imported
