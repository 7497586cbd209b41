"""One task's images on a whole page."""

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen
from textual.signal import Signal
from textual.widgets import Footer, Static

from tui.tasks.task import Task
from tui.terminal import Terminal
from tui.widgets.picture import Picture
from tui.widgets.preview import facts, waiting


class Viewer(Screen[None]):
    """The image as large as it gets, its facts beside or below it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "Back", id="viewer-back"),
        Binding("right,l,n", "step(1)", "Next image", id="next-image"),
        Binding("left,h,p", "step(-1)", "Previous image", id="previous-image"),
        Binding("f", "toggle_facts", "Facts", id="facts", tooltip="Show or hide what is known of the task"),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]

    def __init__(self, task: Task, terminal: Terminal, changes: Signal[Task]) -> None:
        super().__init__()
        self._shown = task
        self._changes = changes
        self._index = 0
        self.picture = Picture(terminal)
        self._facts = Static()

    def compose(self) -> ComposeResult:
        with Horizontal(id="viewer"):
            yield self.picture
            with VerticalScroll(id="viewer-facts", can_focus=False):
                yield self._facts
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self._changes.subscribe(self, self._changed, immediate=True)
        self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "step" or len(self._shown.files) > 1

    def action_step(self, step: int) -> None:
        self._index = (self._index + step) % max(1, len(self._shown.files))
        self._show()

    def action_toggle_facts(self) -> None:
        self.toggle_class("-bare")

    def _changed(self, task: Task) -> None:
        if task.id == self._shown.id:
            self._shown = task
            self._show()
            self.refresh_bindings()

    def _show(self) -> None:
        files = self._shown.files
        self.picture.show(Path(files[self._index]) if files else None, waiting(self._shown))
        self._facts.update(facts(self._shown, self._index))
