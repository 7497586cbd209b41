"""The page for where a picture comes from, and what was made from it."""

import os
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.screens.modal import Modal
from tui.tasks.lineage import Relative, name_of
from tui.tasks.task import Task
from tui.text import one_line
from tui.widgets.footer import Footer
from tui.widgets.taskrow import status_style
from tui.widgets.view_context import ViewContext

_LONGEST_PROMPT = 300


class LineageScreen(Modal[Task | None]):
    """Lists a task among its sources and children; ends with the one to view."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q",
            "dismiss(None)",
            "Back",
            id="lineage-back",
            tooltip="To the previous page",
        ),
    ]

    def __init__(
        self, view: ViewContext, relatives: list[Relative], gone: set[str]
    ) -> None:
        """`gone` are the files of the relatives that no longer exist."""
        super().__init__()
        self._relatives = relatives
        lines = [_line(view, relative, gone) for relative in relatives]
        self._list = OptionList(*map(Option, lines), markup=False, id="lineage-list")

    def compose(self) -> ComposeResult:
        with Vertical(id="lineage", classes="frame -always") as box:
            box.border_title = "Sources and children"
            yield self._list
        yield Footer()

    def on_mount(self) -> None:
        generations = [relative.generation for relative in self._relatives]
        self._list.highlighted = generations.index(0)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        task = self._relatives[event.option_index].task
        if task is None:
            self.notify("The task that made it isn't known here.", markup=False)
        elif self.is_current:
            self.dismiss(task)


def _line(view: ViewContext, relative: Relative, gone: set[str]) -> Content:
    """Returns a row: sources are above, children further to the right."""
    indent = "  " * max(0, relative.generation)
    arrow = {-1: "↑ ", 0: "● ", 1: "↳ "}[_sign(relative.generation)]
    task = relative.task
    if task is None:
        name = one_line(name_of(relative.name) or relative.name, 100)
        return Content(f"{indent}{arrow}{name} (no task is known to have made it)")
    parts = [view.title_of(task), one_line(task.caption, _LONGEST_PROMPT)]
    if not task.saved:
        parts.append(status_style(task).word)
    elif gone.intersection(task.files):
        parts.append("the file is gone")
    if task.deleted:
        parts.append("deleted")
    style = "bold" if relative.generation == 0 else ""
    return Content.styled(f"{indent}{arrow}{' · '.join(parts)}", style)


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def missing(relatives: list[Relative]) -> set[str]:
    """Returns the files of relatives that don't exist; it may block."""
    files = {
        file for _, _, task in relatives if task is not None for file in task.files
    }
    return {file for file in files if not os.path.exists(file)}
