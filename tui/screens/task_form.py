"""A form over the page: for what a waiting task asks for, or what comes after a task."""

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from tui.catalog.batch import BatchError, Variations, expand
from tui.catalog.spec import Model, RouteName, Values
from tui.screens.modal import Modal
from tui.screens.value_picker import ValuePicker
from tui.settings.prompt_files import PromptFiles
from tui.widgets.fields import Field
from tui.widgets.footer import Footer
from tui.widgets.form import ParamForm


@dataclass(frozen=True)
class Edited:
    """What a task is to ask for."""

    values: Values
    foreign: frozenset[str]
    """Texts of the values that need not be the user's own words."""


@dataclass(frozen=True)
class FormStart:
    """What stands in the form at first."""

    model: Model
    route: RouteName
    values: Values
    note: str = ""
    """A sentence above the form, or ""."""


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
    VERB = "Save"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action not in ("batch", "undo_form", "redo_form")


class NextTaskForm(TaskForm):
    """The form of a task that waits for the picture of another one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+j,f5",
            "generate",
            "Queue",
            id="generate",
            tooltip="Send it at the price shown, once the picture is there",
        ),
    ]
    VERB = "Queue"


class TaskFormScreen(Modal[Edited | None]):
    """Ends with the values, or None. The form of the page below stays as it is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape",
            "dismiss(None)",
            "Back",
            id="edit-back",
            tooltip="Go back; nothing is changed or sent",
        ),
    ]
    AUTO_FOCUS = "ParamForm Prompt"

    def __init__(
        self,
        kind: type[TaskForm],
        filled: FormStart,
        files: PromptFiles,
        picker: ValuePicker,
    ) -> None:
        super().__init__()
        self._picker = picker
        self._filled = filled
        self._form = kind("task-form", filled.model, filled.route, verb=kind.VERB)
        self._form.expansion.files = files

    def compose(self) -> ComposeResult:
        with Vertical(id="edit-task"):
            if self._filled.note:
                yield Static(self._filled.note, classes="note", markup=False)
            yield self._form
        yield Footer()

    async def on_mount(self) -> None:
        filled = self._filled
        await self._form.show(filled.model, filled.route, filled.values)
        self._form.focus_first()

    @on(ParamForm.Submitted)
    def _save(self, event: ParamForm.Submitted) -> None:
        event.stop()
        model = self._filled.model
        variations = Variations(wildcards=event.wildcards)
        try:
            cells = expand(model, model.routes[event.route], event.values, variations)
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
        await self._picker.pick(event.field, self._filled.model.service)

    @on(ParamForm.Settled)
    @on(ParamForm.Edited)
    def _keep(self, event: Message) -> None:
        """Keeps from the app what it would take for news of the main form."""
        event.stop()
