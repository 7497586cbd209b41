"""The main page: models, form, picture and queue.

It connects its panes; whatever is paid or saved is done by the app.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen

from tui.catalog.load import Catalog
from tui.catalog.spec import Model, Values
from tui.graphics.probe import Terminal
from tui.screens.form_filler import FormFiller
from tui.screens.past import Past, Search
from tui.screens.remembering import Remembering
from tui.screens.value_picker import ValuePicker
from tui.service.prompt_library import PromptEntry
from tui.session import Session
from tui.settings.prompt_files import PromptFiles
from tui.tasks.engine_state import EngineState
from tui.tasks.models import find_model
from tui.tasks.task import Task
from tui.widgets.arrangement import WIDE, Arrangement, Layout, Pane
from tui.widgets.fields import Field
from tui.widgets.footer import Footer
from tui.widgets.form import ParamForm
from tui.widgets.key_texts import key_text
from tui.widgets.messages import TaskActionRequested
from tui.widgets.panes import Panes
from tui.widgets.path_completion import read_drop
from tui.widgets.preview import Preview, result_bindings
from tui.widgets.queue import Queue
from tui.widgets.queue_table import QueueTable
from tui.widgets.sidebar import RECENT, ModelKey, Sidebar
from tui.widgets.status import StatusLine
from tui.widgets.strip import FilmStrip
from tui.widgets.task_actions import TaskAction
from tui.widgets.text_fields import Prompt
from tui.widgets.view_context import ViewContext

if TYPE_CHECKING:
    from tui.screens.past_prompts import Find

FIRST_MODEL = ("text_to_image", "flux-2-pro-text-to-image")
"""Action and slug of the model that the app starts with."""
CHOICES = 500
"""Results or tasks that are listed at most."""
_RECENT_TASKS = 50
"""Latest tasks whose models count as recent."""


class MainScreen(Screen[None]):
    """Shows the picture, and what makes one: models, form and queue."""

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
            "n",
            "show_newest",
            "Newest",
            id="show-newest",
            tooltip="Show the newest result that came unseen",
        ),
        *result_bindings(),
        Binding(
            "f2",
            "next_layout",
            "Layout",
            id="layout",
            tooltip="Arrange the page: balanced, picture, write or watch",
        ),
        Binding(
            "alt+0",
            "zoom",
            "Zoom",
            id="zoom-pane",
            tooltip="Give this pane all the room, or no longer",
            show=False,
        ),
        Binding(
            "alt+1",
            "toggle_pane('models')",
            "Models",
            id="toggle-models",
            tooltip="Show or hide the models",
            show=False,
        ),
        Binding(
            "alt+2",
            "toggle_pane('queue')",
            "Queue",
            id="toggle-queue",
            tooltip="Show or hide the queue",
            show=False,
        ),
        Binding(
            "alt+3",
            "toggle_pane('picture')",
            "Picture",
            id="toggle-picture",
            tooltip="Show or hide the picture",
            show=False,
        ),
        Binding(
            "alt+h",
            "resize(4, 0)",
            "Wider picture",
            id="picture-wider",
            tooltip="Give the picture more columns",
            show=False,
        ),
        Binding(
            "alt+l",
            "resize(-4, 0)",
            "Narrower picture",
            id="picture-narrower",
            tooltip="Take columns from the picture",
            show=False,
        ),
        Binding(
            "alt+k",
            "resize(0, 2)",
            "Higher queue",
            id="queue-higher",
            tooltip="Give the queue more rows",
            show=False,
        ),
        Binding(
            "alt+j",
            "resize(0, -2)",
            "Lower queue",
            id="queue-lower",
            tooltip="Take rows from the queue",
            show=False,
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
            "escape",
            "leave_pane",
            "To the prompt",
            id="main-back",
            tooltip="End a zoom, then go to the prompt",
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
            "F,alt+s",
            "app.searches",
            "Searches",
            id="searches",
            tooltip="Open the history with a saved search",
            show=False,
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
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (34, "-tall")]

    def __init__(
        self,
        session: Session,
        view: ViewContext,
        favourites: list[ModelKey],
        search: Search,
        find_prompts: "Find",
    ) -> None:
        """`search` finds tasks in the history, `find_prompts` their prompts."""
        super().__init__()
        self._find_prompts = find_prompts
        self.remembering = Remembering(session.folders.state, self.set_timer)
        catalog = session.catalog
        last = self.remembering.current
        model = catalog.get(last.action, last.model)
        model = model or catalog.get(*FIRST_MODEL) or catalog.models[0]
        api = session.config.api
        self.filler = FormFiller(catalog, model, api, self._model_shown, last.drafts)
        self.form = self.filler.form
        self.form.expansion.files = PromptFiles(session.folders.config)
        self._view = view
        self._past = Past(search)
        self.value_picker = ValuePicker(self._past, view)
        self._favourites = favourites
        self._is_recent_due = False
        self.sidebar = Sidebar(
            catalog, model, "sidebar", favourites, self.remembering.current.recent
        )
        self.preview = Preview(view, "preview", follows=True)
        self.film = FilmStrip(view, "film")
        self.queue = Queue("queue", self.title_of, view.usual, view.until_sent)
        self.preview.browsing = self.queue.table.browsing
        panes = {
            Pane.MODELS: self.sidebar,
            Pane.FORM: self.form,
            Pane.PICTURE: self.preview,
            Pane.QUEUE: self.queue,
        }
        last = self.remembering.current
        arrangement = Arrangement.of_names(
            last.layout, last.hidden, last.wider, last.higher
        )
        self.panes = Panes(panes, arrangement)
        self.status = StatusLine(id="status")
        self.status.place = session.place
        self.status.drawn = str(view.terminal.images)

    def use_terminal(self, terminal: Terminal) -> None:
        """Shows how images are drawn from now on."""
        self._view.terminal = terminal
        self.status.drawn = str(terminal.images)

    def compose(self) -> ComposeResult:
        yield self.panes
        yield self.status

    def on_mount(self) -> None:
        self.call_after_refresh(self._furnish)

    async def on_unmount(self) -> None:
        await self.remembering.save()

    async def _furnish(self) -> None:
        """Adds the rest, once frames and form are painted and handle keys."""
        async with self.batch():
            await self.sidebar.mount_content()
            await self.preview.mount_content()
            await self.queue.mount_content(self.film)
            await self.mount(Footer())
        self.refresh_bindings()  # the footer has missed their first announcement
        self._view.changes.subscribe(self, self._task_changed, immediate=True)
        self.post_message(self.Ready())

    async def show_model(
        self, model: Model, values: Values | None = None, foreign: Iterable[str] = ()
    ) -> None:
        """Shows the form of another model; see `FormFiller.show_model`."""
        await self.filler.show_model(model, values, foreign)

    @on(ParamForm.Edited)
    def _keep_draft(self) -> None:
        self.remembering.keep_draft(self.form.content())

    @on(ParamForm.UndoRequested)
    async def _undo(self) -> None:
        await self.filler.undo()

    @on(ParamForm.RedoRequested)
    async def _redo(self) -> None:
        await self.filler.redo()

    def _model_shown(self, model: Model) -> None:
        self.remembering.change(action=model.action, model=model.slug)
        self.post_message(self.FieldsReplaced())
        self.sidebar.choose(model)

    def set_catalog(self, catalog: Catalog) -> None:
        """Replaces the facts about the models with newer ones."""
        self.filler.set_catalog(catalog)
        self.sidebar.set_catalog(catalog)

    async def load(self) -> None:
        """Loads tasks of earlier runs once the queue is open, also cleared ones."""
        await self._past.load()
        self._update_recent()
        self.sidebar.list_recent()
        self.preview.show_latest(self._past.newest)
        self.queue.loaded()
        if self._past:
            self.queue.show_table()

    def _task_changed(self, task: Task) -> None:
        is_new = self._past.update(task)
        if is_new and not self._is_recent_due:
            self._is_recent_due = True  # once for all tasks of a moment
            self.call_later(self._update_recent)
        self.queue.update(task)
        self.status.live = len(self.queue.counts.running)
        self.status.waiting = len(self.queue.counts.waiting)

    def title_of(self, task: Task) -> str:
        model = find_model(self.filler.catalog, task)
        return model.title if model else task.model

    def title_of_slug(self, slug: str) -> str:
        """Returns the title of a model; the slug of an unknown one.

        Of a slug with several actions it is the shortest: the others add what they do.
        """
        models = self.filler.catalog.models
        titles = [model.title for model in models if model.slug == slug]
        return min(titles, key=len, default=slug)

    @on(QueueTable.Selected)
    def _show_task(self, event: QueueTable.Selected) -> None:
        self.preview.show(event.task, self.queue.table.chosen)

    @on(Preview.Moved)
    def _mark_in_film(self, event: Preview.Moved) -> None:
        self.film.mark(event.task_id)

    @on(Preview.Left)
    def _leave_picture(self) -> None:
        self.form.focus_first()

    @on(FilmStrip.Chosen)
    def _show_from_film(self, event: FilmStrip.Chosen) -> None:
        task_id, _ = event.key
        self.preview.choose(event.key)
        self.queue.table.select(task_id)

    def action_step_result(self, by: int) -> None:
        """Shows the next result of the selected task, or of the one next to it."""
        self.preview.step(by, self.queue.table.step_picture)

    @on(TaskActionRequested)
    def _follow(self, event: TaskActionRequested) -> None:
        if event.action is TaskAction.COMPARE:
            event.browsing.on_back = self._show_compared
        self.preview.follow(event, self.queue.table.step_picture)

    def _show_compared(self, task_id: str, index: int | None) -> None:
        """Shows the picture at which a comparison was left."""
        self.preview.choose((task_id, index or 0))
        self.queue.table.select(task_id)

    def usual_sources(
        self, models: Catalog
    ) -> tuple[Model, list[ModelKey], list[ModelKey]]:
        """Returns of these models the most likely one, favourites, and recent ones."""
        recent = [key for key in self._recent() if models.get(*key)]
        favourites = [key for key in self._favourites if models.get(*key)]
        usual = [self.filler.model.key, *recent, *favourites]
        known = [model for key in usual if (model := models.get(*key))]
        return (known or list(models.models))[0], favourites, recent

    def action_show_newest(self) -> None:
        task = self.preview.show_news()
        if task and task.id in self.queue.table.tasks:
            self.queue.table.select(task.id)
        elif task:
            self.preview.show(task)  # cleared: it has no row any more

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "show_newest" or bool(self.preview.results.news)

    @on(Prompt.CommandPasted)
    @work(exclusive=True, group="pasted", exit_on_error=False)
    async def _offered(self, event: Prompt.CommandPasted) -> None:
        await self.filler.use_command(event.text)

    async def use_prompt(self, entry: PromptEntry | None) -> None:
        """Fills the form with an entry of the prompt library, unless it is None."""
        if entry:
            await self.filler.use_entry(entry)

    async def on_paste(self, event: events.Paste) -> None:
        """Uses an image that is dropped where there is no text field."""
        drop = await asyncio.to_thread(read_drop, event.text)
        if drop and drop.problem:
            self.notify(drop.problem, severity="warning", markup=False)
        if drop and drop.images:
            self._use_dropped(drop.images)

    @on(Field.Dropped)
    def _dropped(self, event: Field.Dropped) -> None:
        self._use_dropped(event.files)

    def _use_dropped(self, files: Sequence[str]) -> None:
        """Uses the first of some files, and says so."""
        self._refill(files[0])
        if len(files) > 1:
            self.notify("Of several files, the first is used.", markup=False)

    @work(exclusive=True, group="refill", exit_on_error=False)
    async def _refill(self, file: str) -> None:
        await self.filler.use_file(file)

    @on(Sidebar.Selected)
    async def _model_selected(self, event: Sidebar.Selected) -> None:
        await self.choose_model(event.model)

    async def choose_model(self, model: Model) -> None:
        """Shows the form of a model, and lets the user type."""
        await self.show_model(model)
        self.form.focus_first()

    @property
    def recent_tasks(self) -> list[Task]:
        """The latest tasks, newest first, cleared ones among them."""
        return self._past.newest[:_RECENT_TASKS]

    def show_task(self, task: Task) -> None:
        """Shows a task's results; selects it, if it is in the queue."""
        self.queue.table.select(task.id)
        self.preview.show(task)

    def action_pick_model(self) -> None:
        if self.sidebar.display:
            self.sidebar.focus_filter()
        else:
            from tui.screens.picker import ModelPickerScreen

            picker = ModelPickerScreen(
                self.filler.catalog, self.filler.model, self._favourites, self._recent()
            )
            self.app.push_screen(picker, self._picked)

    async def _picked(self, model: Model | None) -> None:
        if model:
            await self.choose_model(model)

    async def action_recall(self) -> None:
        from tui.screens.past_prompts import PastPromptsScreen

        if self.is_current:
            page = PastPromptsScreen(self._find_prompts)
            await self.app.push_screen(page, self._recalled)

    @on(Prompt.RecallRequested)
    async def _recall(self) -> None:
        await self.action_recall()

    def _recalled(self, prompt: str | None) -> None:
        if prompt:
            self.form.set_prompt(prompt)

    @on(Field.PickRequested)
    async def _pick(self, event: Field.PickRequested) -> None:
        await self.value_picker.pick(event.field, self.filler.model.service)

    def set_favourites(self, favourites: list[ModelKey]) -> None:
        """Shows the models that the user has marked on top of the list."""
        self._favourites = favourites
        self.sidebar.set_favourites(favourites)

    def _update_recent(self) -> None:
        self._is_recent_due = False
        recent = self._recent()
        self.sidebar.set_recent(recent)
        self.remembering.change(recent=tuple(recent))

    def _recent(self) -> list[ModelKey]:
        """Returns the models of the latest tasks, latest first."""
        latest = self._past.newest[:_RECENT_TASKS]
        models = dict.fromkeys((task.action, task.model) for task in latest)
        return list(models)[:RECENT]

    def state_changed(self, state: EngineState) -> None:
        """Shows the state of the whole queue."""
        known = self.status.state.route
        self.status.state = state
        self.filler.learnt = state.route
        if state.route and state.route != known:
            self.call_later(self.filler.follow_route)
        self.queue.state_changed(state)

    def action_next_layout(self) -> None:
        self._arrange(self.panes.chosen.with_next_layout())
        if not self.panes.is_small:
            self.notify(f"Layout: {self.panes.chosen.layout}", markup=False)

    def action_layout(self, name: str) -> None:
        """Arranges the page by a layout's name."""
        self._arrange(self.panes.chosen.with_layout(Layout(name)))

    def action_zoom(self) -> None:
        """Gives the pane in focus all the room, or ends that."""
        chosen = self.panes.chosen
        zoomed = None if chosen.zoomed else self.panes.pane_in_focus()
        self._arrange(replace(chosen, zoomed=zoomed))

    def action_toggle_pane(self, name: str) -> None:
        self._arrange(self.panes.chosen.with_toggled(Pane(name)))

    def action_resize(self, wider: int, higher: int) -> None:
        """Gives the picture more columns, or the queue more rows."""
        chosen = self.panes.chosen
        wider += chosen.wider
        higher += chosen.higher
        self._arrange(replace(chosen, wider=wider, higher=higher))

    def _arrange(self, chosen: Arrangement) -> None:
        """Places the panes, unless there is room for the form alone."""
        if self.panes.is_small:
            self.notify("Enlarge the terminal to arrange its panes.", markup=False)
            return
        self.panes.chosen = chosen
        self.remembering.change(
            layout=str(chosen.layout),
            hidden=tuple(sorted(chosen.hidden)),
            wider=chosen.wider,
            higher=chosen.higher,
        )

    @on(events.DescendantFocus)
    def _show_pane_in_focus(self) -> None:
        """Shows the pane that gets the focus: no key may pay or act unseen."""
        pane = self.panes.pane_in_focus()
        if pane and not self.panes.shows(pane):
            self._arrange(self.panes.chosen.revealing(pane))
            self._keep_focus_in_sight()

    @on(Panes.Placed)
    def _keep_focus_in_sight(self) -> None:
        """Moves the focus if its pane isn't shown."""
        pane = self.panes.pane_in_focus()
        if pane and self.panes.shows(pane):
            return
        if self.form.display:
            self.form.focus_first()
        elif self.queue.display and not self.queue.has_class("-empty"):
            self.set_focus(self.queue.table)
        else:
            self.set_focus(self.preview)

    def action_leave_pane(self) -> None:
        """Ends a zoom, or else goes to the prompt."""
        if self.panes.chosen.zoomed:
            self.action_zoom()
        else:
            self.form.focus_first()

    def action_queue(self) -> None:
        if self.queue.table.has_focus:
            self.form.focus_first()
            return
        is_empty = self.queue.has_class("-empty")
        # In an empty queue z may still restore tasks of earlier runs.
        if self._past or not is_empty:
            self.set_focus(self.queue.table)
        else:
            self.notify(
                f"No tasks yet. Describe an image and press {key_text(self, 'generate')}.",
                markup=False,
            )
