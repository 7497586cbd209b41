"""The viewer: one image on a whole page, and steps to the next ones."""

from collections.abc import Set
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, NamedTuple

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen
from textual.widgets import Label, Static

from tui.graphics.probe import Images
from tui.screens.pager import Pager
from tui.tasks.task import Task
from tui.text import one_line
from tui.widgets.facts import facts_table, placeholder
from tui.widgets.footer import Footer
from tui.widgets.messages import (
    Browsing,
    QueueActionRequested,
    TaskActionRequested,
)
from tui.widgets.picture import Picture
from tui.widgets.picture_zoom import PictureZoom, ZoomsOnePicture, zoom_bindings
from tui.widgets.task_actions import (
    MOVES_ON,
    QUEUE_ORDER,
    QueueAction,
    TaskAction,
    allowed_actions,
    queue_bindings,
    task_bindings,
)
from tui.widgets.view_context import ViewContext

_AHEAD = 3
"""Images before the last one at which older tasks are loaded."""
_FINER = 4
"""A picture on a whole page may take this many times the bytes of a small one."""


ACTIONS = frozenset(TaskAction) - QUEUE_ORDER - {TaskAction.VIEW}
SHOWN = (
    TaskAction.AGAIN,
    TaskAction.USE_AS_SOURCE,
    TaskAction.RATE_5,
    TaskAction.REJECT,
    TaskAction.REUSE,
)
"""Actions that the footer shows."""


class ViewerScreen(ZoomsOnePicture, Screen[str]):
    """Shows an image as large as possible, or zoomed, with the facts about its task.

    Ends with the id of the task that was shown last.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q,enter",
            "back",
            "Back",
            id="viewer-back",
            tooltip="To the previous page",
        ),
        Binding(
            "left_square_bracket",
            "step(-1)",
            "Previous",
            id="previous-image",
            tooltip="Show the previous image, or the previous task's",
        ),
        Binding(
            "right_square_bracket",
            "step(1)",
            "Next",
            id="next-image",
            tooltip="Show the next image, or the next task's",
        ),
        Binding(
            "home,g", "step(-1000000)", "Newest image", id="first-image", show=False
        ),
        Binding("end,G", "step(1000000)", "Last image", id="last-image", show=False),
        Binding(
            "right,l",
            "go(1, 0)",
            "Next; zoomed, to the right",
            id="view-right",
            show=False,
        ),
        Binding(
            "left,h",
            "go(-1, 0)",
            "Previous; zoomed, to the left",
            id="view-left",
            show=False,
        ),
        Binding(
            "down,j", "go(0, 1)", "Next task; zoomed, down", id="view-down", show=False
        ),
        Binding(
            "up,k", "go(0, -1)", "Previous task; zoomed, up", id="view-up", show=False
        ),
        *zoom_bindings(),
        Binding(
            "i",
            "toggle_facts",
            "Facts",
            id="facts",
            tooltip="Show or hide the facts about the task",
        ),
        Binding("pageup", "page_facts(-1)", "Facts up", id="facts-up", show=False),
        Binding("pagedown", "page_facts(1)", "Facts down", id="facts-down", show=False),
        *task_bindings(ACTIONS, footer=SHOWN),
        *queue_bindings([QueueAction.UNDO]),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]

    def __init__(
        self, context: ViewContext, task: Task, index: int, browsing: Browsing
    ) -> None:
        """Shows the image at `index` of `task`, and steps through `browsing`."""
        super().__init__()
        self._tasks = {task.id: task for task in browsing.tasks} | {task.id: task}
        self._seen = task.id
        self._index = index
        self._view = context
        self._older = Pager(browsing.older)
        self._can = _Possible()
        terminal = context.terminal
        self.picture = Picture(replace(terminal, budget=_FINER * terminal.budget))
        self._zoom = PictureZoom(self.picture)
        self._facts = Static(markup=False)
        self._prompt = Label(id="viewer-prompt", markup=False)
        self._model = Label(id="viewer-model", markup=False)
        self._place = Label(id="viewer-place", markup=False)

    def compose(self) -> ComposeResult:
        with Horizontal(id="viewer-title"):
            yield self._prompt
            yield self._model
            yield self._place
        with Horizontal(id="viewer"):
            yield self.picture
            with VerticalScroll(id="viewer-facts", can_focus=False):
                yield self._facts
        yield Footer()

    def on_mount(self) -> None:
        self._view.changes.subscribe(self, self._changed, immediate=True)
        self._show()

    def on_unmount(self) -> None:
        self._view.changes.unsubscribe(self)  # or it would hold this page for ever
        self._zoom.set(0)
        self.picture.show(None)  # frees a decoded image at once

    @property
    def _shown(self) -> Task:
        return self._tasks[self._seen]

    @property
    def _here(self) -> tuple[str, int]:
        return self._seen, self._index

    @property
    def _path(self) -> str:
        if self._index not in _saved(self._shown):
            return ""
        return self._shown.results[self._index].path

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "step":
            return self._can.step
        if action in ("zoom_by", "zoom_or_fit"):
            return self._can.zoom
        return action != "task" or parameters[0] in self._can.actions

    def action_back(self) -> None:
        self.dismiss(self._seen)

    def action_step(self, by: int, tasks: bool = False) -> None:
        """Steps to another image; with `tasks`, to the first one of another task."""
        stops = self._places(1 if tasks else None)
        here = (
            [task_id for task_id, _ in stops].index(self._seen)
            if tasks
            else stops.index(self._here)
        )
        self._seen, self._index = stops[min(max(0, here + by), len(stops) - 1)]
        self._show()

    def action_go(self, across: int, down: int) -> None:
        if self._zoom.crop:
            self._zoom.move(across, down)
            self._draw()
        elif abs(across + down) == 1:
            self.action_step(across + down, tasks=bool(down))

    def action_toggle_facts(self) -> None:
        self.toggle_class("-bare")

    def action_page_facts(self, pages: int) -> None:
        self.query_one("#viewer-facts").scroll_relative(
            y=pages * self.query_one("#viewer-facts").size.height
        )

    def action_task(self, name: str) -> None:
        """Asks for an action on the task that is shown."""
        action = TaskAction(name)
        pictures = {self._seen: [self._index]}
        self.post_message(TaskActionRequested(action, [self._shown], pictures))
        if action in MOVES_ON:
            self.action_step(1)

    def action_queue(self, name: str) -> None:
        """Asks for an action on the whole queue."""
        self.post_message(QueueActionRequested(QueueAction(name)))

    def on_picture_shown(self) -> None:
        self._update_place()

    def _places(self, most: int | None = None) -> list[tuple[str, int]]:
        """Returns every image, or `most` of each task, in order.

        The task that is shown is among them even without an image.
        """
        places: list[tuple[str, int]] = []
        for task in self._tasks.values():
            indices = _saved(task)
            if not indices and task.id == self._seen:
                indices = [self._index]
            places.extend((task.id, index) for index in indices[:most])
        return places

    def _changed(self, task: Task) -> None:
        before = self._tasks.get(task.id)
        if before is None:
            return
        self._tasks[task.id] = task
        if task.id == self._seen:
            self._show()
        elif _saved(before) != _saved(task):
            self._update_place()

    @work(exit_on_error=False)
    async def _load_older(self) -> None:
        """Loads older tasks before the last one is reached."""
        tasks = await self._older.next()
        if tasks is not None:
            self._tasks.update((task.id, task) for task in tasks)
            self._update_place()

    def _show(self) -> None:
        """Shows the task, with its facts."""
        task = self._shown
        saved = _saved(task)
        if saved and self._index not in saved:
            self._index = saved[0]
        self._facts.update(facts_table(task, self._index))
        self._prompt.update(one_line(task.caption))
        self._model.update(one_line(self._view.title_of(task)))
        self._draw()

    def _draw(self) -> None:
        task = self._shown
        message = "This task was deleted." if task.deleted else placeholder(task)
        path = Path(self._path) if self._path else None
        self.picture.show(path, message, self._zoom.crop)
        self._update_place()

    def _update_place(self) -> None:
        """Shows which image this is, and enables the keys that work on it."""
        places = self._places()
        place = places.index(self._here) + 1
        self._place.update(" · ".join(self._place_parts(place, len(places))))
        if self._older and place > len(places) - _AHEAD:
            self._load_older()
        possible = self._possible(places)
        if possible != self._can:
            self._can = possible
            self.refresh_bindings()

    def _place_parts(self, place: int, count: int) -> list[str]:
        more = "+" if self._older else ""
        parts = [f"{place:,} of {count:,}{more}"]
        if not self._path:
            return parts
        if self._zoom.crop:
            return [*parts, self._zoom.crop.describe(Path(self._path))]
        result = self._shown.results[self._index]
        if result.width:
            parts.append(f"{result.width}×{result.height}")
        return [*parts, "fit"]

    def _possible(self, places: list[tuple[str, int]]) -> "_Possible":
        actions = allowed_actions(self._shown)
        if not self._path:
            actions.discard(TaskAction.COPY_PATH)
        draws = self._view.terminal.images is not Images.NONE
        return _Possible(len(places) > 1, bool(self._path) and draws, actions)


class _Possible(NamedTuple):
    """The actions that are possible on what is shown."""

    step: bool = False
    zoom: bool = False
    actions: Set[TaskAction] = frozenset()


def _saved(task: Task) -> list[int]:
    """Returns the indices of the results that can be shown."""
    return [] if task.deleted else task.saved
