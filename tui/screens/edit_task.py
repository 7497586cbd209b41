"""A form over the page, to change what a waiting task asks for."""

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message

from tui.catalog.batch import BatchError, Variations, expand
from tui.catalog.spec import Model, Values
from tui.screens.modal import Modal
from tui.screens.value_picker import ValuePicker
from tui.settings.prompt_files import PromptFiles
from tui.tasks.task import Task
from tui.widgets.fields import Field
from tui.widgets.footer import Footer
from tui.widgets.form import ParamForm


@dataclass(frozen=True)
class Edited:
    """What a task is to ask for from now on."""

    values: Values
    foreign: frozenset[str]
    """Texts of the values that need not be the user's own words."""


class TaskForm(ParamForm):
    """The form of a task that exists already: it makes no others."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+j,f5",
            "generate",
            "Save",
            id="generate",
            tooltip="Change the task; it keeps its place",
        ),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action not in ("batch", "undo_form", "redo_form")


class EditTaskScreen(Modal[Edited | None]):
    """Ends with the new values, or None. The form of the page below stays as it is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape",
            "dismiss(None)",
            "Back",
            id="edit-back",
            tooltip="The task stays as it is",
        ),
    ]
    AUTO_FOCUS = "ParamForm Prompt"

    def __init__(
        self, task: Task, model: Model, files: PromptFiles, picker: ValuePicker
    ) -> None:
        super().__init__()
        self._picker = picker
        self._before = task
        self._model = model
        self._form = TaskForm("task-form", model, task.route, verb="Save")
        self._form.expansion.files = files

    def compose(self) -> ComposeResult:
        with Vertical(id="edit-task"):
            yield self._form
        yield Footer()

    async def on_mount(self) -> None:
        task = self._before
        await self._form.show(self._model, task.route, task.values)
        self._form.focus_first()

    @on(ParamForm.Submitted)
    def _save(self, event: ParamForm.Submitted) -> None:
        event.stop()
        route = self._model.routes[event.route]
        variations = Variations(wildcards=event.wildcards)
        try:
            cells = expand(self._model, route, event.values, variations)
        except BatchError as error:
            self.notify(str(error), severity="warning", markup=False)
            return
        if len(cells) > 1:
            self.notify(
                "One task takes one prompt: choose one of the alternatives.",
                severity="warning",
                markup=False,
            )
        elif self.is_current:
            self.dismiss(Edited(cells[0], event.foreign))

    @on(Field.PickRequested)
    async def _pick(self, event: Field.PickRequested) -> None:
        event.stop()
        await self._picker.pick(event.field, self._model.service)

    @on(ParamForm.Settled)
    @on(ParamForm.Edited)
    def _keep(self, event: Message) -> None:
        """Keeps from the app what it would take for news of the main form."""
        event.stop()
