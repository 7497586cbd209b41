"""A form over the page: for what a waiting task asks for, or what comes after a task."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from tui.catalog.batch import BatchError, Variations, expand
from tui.catalog.price import PriceOf, estimate
from tui.catalog.spec import Model, RouteName, Values
from tui.screens.modal import Modal
from tui.screens.value_picker import ValuePicker
from tui.settings.prompt_files import PromptFiles
from tui.tasks.draft import InvalidRequestError
from tui.text import one_line
from tui.widgets.fields import Field
from tui.widgets.footer import Footer
from tui.widgets.form import ParamForm
from tui.widgets.key_texts import key_text


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
    price_of: PriceOf = estimate
    """Returns what the request costs."""


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
        if action in ("batch", "undo_form", "redo_form"):
            return False
        return super().check_action(action, parameters)


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


Save = Callable[[Edited], Awaitable[bool]]
"""Does with the values what the form is for; returns False where that isn't done."""


class TaskFormScreen(Modal[None]):
    """Stays open until its values are saved: what was typed isn't lost.

    The form of the page below stays as it is.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape",
            "leave",
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
        save: Save,
    ) -> None:
        super().__init__()
        self._picker = picker
        self._filled = filled
        self._save = save
        self._is_saving = False
        self._before: object = None
        """What stood in the form at first."""
        self._left_as: object = None
        """What stood in the form when the user was asked about leaving it."""
        self._form = kind("task-form", filled.model, filled.route, verb=kind.VERB)
        self._form.expansion.files = files
        self._form.price_of = filled.price_of

    def compose(self) -> ComposeResult:
        with Vertical(id="edit-task"):
            if self._filled.note:
                yield Static(self._filled.note, classes="note", markup=False)
            yield self._form
        yield Footer()

    async def on_mount(self) -> None:
        filled = self._filled
        await self._form.show(filled.model, filled.route, filled.values)
        self._before = self._form.content()
        self._form.focus_first()

    def action_leave(self) -> None:
        """Leaves the form; a second press is needed where something was typed."""
        typed = self._form.content()
        if typed in (self._before, self._left_as):
            self.dismiss()
            return
        self._left_as = typed
        self.notify(
            f"Not saved yet: {key_text(self._form, 'generate')} saves it,"
            f" {key_text(self, 'edit-back')} again leaves it as it was.",
            severity="warning",
            markup=False,
        )

    @on(ParamForm.Submitted)
    def _submitted(self, event: ParamForm.Submitted) -> None:
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
        elif self.is_current and not self._is_saving:  # once, however long it is held
            self._is_saving = True
            self._save_once(Edited(cells[0], event.foreign))

    @work(exit_on_error=False)
    async def _save_once(self, edited: Edited) -> None:
        try:
            if await self._save(edited):
                self.dismiss()
        except InvalidRequestError as error:
            self._form.show_errors(error.errors)
            self.notify(str(error), severity="warning", markup=False)
        except Exception as error:
            self.notify(one_line(error), severity="warning", markup=False)
        finally:
            self._is_saving = False

    @on(Field.PickRequested)
    async def _pick(self, event: Field.PickRequested) -> None:
        event.stop()
        await self._picker.pick(event.field, self._filled.model.service)

    @on(ParamForm.Settled)
    @on(ParamForm.Edited)
    def _keep(self, event: Message) -> None:
        """Keeps from the app what it would take for news of the main form."""
        event.stop()
