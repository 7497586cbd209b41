"""One image on a whole page, and from it to those before and after."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.screen import Screen
from textual.signal import Signal
from textual.widgets import Label, Static

from tui.graphics.probe import PIXELS, Images, Terminal
from tui.graphics.zoom import Crop, ZoomSource
from tui.screens.pager import Before
from tui.tasks.task import Task
from tui.text import one_line
from tui.widgets.footer import Footer
from tui.widgets.picture import Picture
from tui.widgets.preview import facts, waiting
from tui.widgets.queue import Older

MOST_ZOOM = 8
_AHEAD = 3
"""Images before the last one at which older ones are looked for."""
_FINER = 4
"""A picture on a whole page may take this many times the bytes of a small one."""


class ViewerScreen(Screen[str]):
    """The image as large as it gets, or its pixels, under a title; its facts beside or
    below it.

    Ends with the id of the task that was shown last.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "back", "Back", id="viewer-back"),
        Binding(
            "n",
            "step(1)",
            "Next",
            id="next-image",
            tooltip="The next image, of the next task at the end",
        ),
        Binding("p", "step(-1)", "Previous", id="previous-image"),
        Binding(
            "right_square_bracket",
            "step(1, True)",
            "Next task",
            id="next-task",
            show=False,
        ),
        Binding(
            "left_square_bracket",
            "step(-1, True)",
            "Previous task",
            id="previous-task",
            show=False,
        ),
        Binding(
            "home,g", "step(-1000000)", "First image", id="first-image", show=False
        ),
        Binding("end,G", "step(1000000)", "Last image", id="last-image", show=False),
        Binding(
            "z",
            "zoom_or_fit",
            "Zoom",
            id="zoom",
            tooltip="Pixel by pixel, or all of the image",
        ),
        Binding("1", "zoom(1)", "1:1", id="zoom-1", show=False),
        Binding("0", "zoom(0)", "Fit", id="zoom-fit", show=False),
        Binding("plus,equals_sign", "zoom_by(1)", "Larger", id="zoom-in", show=False),
        Binding("minus", "zoom_by(-1)", "Smaller", id="zoom-out", show=False),
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
        Binding(
            "shift+right,L",
            "go(4, 0)",
            "Zoomed, a whole view to the right",
            id="page-right",
            show=False,
        ),
        Binding(
            "shift+left,H",
            "go(-4, 0)",
            "Zoomed, a whole view to the left",
            id="page-left",
            show=False,
        ),
        Binding(
            "shift+down,J",
            "go(0, 4)",
            "Zoomed, a whole view down",
            id="page-down",
            show=False,
        ),
        Binding(
            "shift+up,K",
            "go(0, -4)",
            "Zoomed, a whole view up",
            id="page-up",
            show=False,
        ),
        Binding(
            "f",
            "toggle_facts",
            "Facts",
            id="facts",
            tooltip="Show or hide what is known of the task",
        ),
        Binding("pageup", "page_facts(-1)", "Facts up", id="facts-up", show=False),
        Binding("pagedown", "page_facts(1)", "Facts down", id="facts-down", show=False),
        Binding(
            "u",
            "ask('reuse')",
            "Use again",
            id="viewer-reuse",
            tooltip="These values back in the form",
        ),
        Binding(
            "o",
            "ask('open')",
            "Open",
            id="viewer-open",
            tooltip="In a viewer, or by its address",
        ),
        Binding(
            "Y",
            "ask('fetch')",
            "Fetch",
            id="viewer-fetch",
            tooltip="A line for scp, or its address",
            show=False,
        ),
        Binding("y", "ask('copy')", "Copy path", id="viewer-copy-path", show=False),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]

    class Wanted(Message):
        """The user wants something done with a task, or with its result at `index`:
        reuse, open, fetch, copy.
        """

        def __init__(self, what: str, task: Task, index: int) -> None:
            super().__init__()
            self.what = what
            self.task = task
            self.index = index

    def __init__(
        self,
        task: Task,
        index: int,
        tasks: Iterable[Task],
        terminal: Terminal,
        changes: Signal[Task],
        title_of: Callable[[Task], str],
        older: Older | None = None,
    ) -> None:
        """The image at `index` of `task` comes first, `tasks` are those to step
        through, in that order, and then `older` ones; `title_of` says what a task's
        model is called.
        """
        super().__init__()
        self._tasks = {task.id: task for task in tasks} | {task.id: task}
        self._seen = task.id
        self._index = index
        self._changes = changes
        self._title_of = title_of
        self._before = Before(older)
        self._terminal = terminal
        self._crop: Crop | None = None
        self._able = (False, False, False)
        self.picture = Picture(replace(terminal, budget=_FINER * terminal.budget))
        self._facts = Static()
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
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self._changes.subscribe(self, self._changed, immediate=True)
        self._show()

    def on_unmount(self) -> None:
        self._changes.unsubscribe(self)  # or it would hold this page for ever
        self._crop = None
        self.picture.show(None)  # lets go of a decoded image at once

    @property
    def _shown(self) -> Task:
        return self._tasks[self._seen]

    @property
    def _here(self) -> tuple[str, int]:
        return self._seen, self._index

    @property
    def _path(self) -> str:
        return (
            self._shown.results[self._index].path
            if self._index in _saved(self._shown)
            else ""
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        several, saved, made = self._able
        match action, *parameters:
            case "step", *_:
                return several
            case (("zoom" | "zoom_by" | "zoom_or_fit"), *_):
                return saved and self._terminal.images is not Images.NONE
            case "ask", "copy":
                return saved
            case "ask", ("open" | "fetch"):
                return made
        return True

    def action_back(self) -> None:
        self.dismiss(self._seen)

    def action_step(self, by: int, tasks: bool = False) -> None:
        """To another image; with `tasks`, to the first one of another task."""
        stops = self._places(1 if tasks else None)
        here = (
            [task_id for task_id, _ in stops].index(self._seen)
            if tasks
            else stops.index(self._here)
        )
        self._seen, self._index = stops[min(max(0, here + by), len(stops) - 1)]
        self._show()

    def action_go(self, across: int, down: int) -> None:
        if self._crop:
            self._crop = self._crop.moved(across, down)
            self._draw()
        elif abs(across + down) == 1:
            self.action_step(across + down, tasks=bool(down))

    def action_zoom(self, zoom: int) -> None:
        """So many dots for the side of a pixel, with the same middle; 0 fits all of the
        image in.
        """
        if not zoom:
            self._crop = None
        elif self._crop:
            self._crop = replace(self._crop, zoom=min(zoom, MOST_ZOOM))
        else:
            cells = (
                None if self._terminal.images in PIXELS else lambda: self.picture.size
            )
            self._crop = Crop(
                ZoomSource(cells, self.picture.background_colors[1].rgb), zoom=zoom
            )
        self._draw()

    def action_zoom_or_fit(self) -> None:
        self.action_zoom(0 if self._crop else 1)

    def action_zoom_by(self, step: int) -> None:
        now = self._crop.zoom if self._crop else 0
        self.action_zoom(now // 2 if step < 0 else 2 * now or 1)

    def action_toggle_facts(self) -> None:
        self.toggle_class("-bare")

    def action_page_facts(self, pages: int) -> None:
        self.query_one("#viewer-facts").scroll_relative(
            y=pages * self.query_one("#viewer-facts").size.height
        )

    def action_ask(self, what: str) -> None:
        self.post_message(self.Wanted(what, self._shown, self._index))

    def on_picture_shown(self) -> None:
        self._tell()

    def _places(self, most: int | None = None) -> list[tuple[str, int]]:
        """Every image, or `most` of each task, in order; and the task that is shown,
        whatever it has.
        """
        return [
            (task.id, index)
            for task in self._tasks.values()
            for index in (
                _saved(task) or ([self._index] if task.id == self._seen else [])
            )[:most]
        ]

    def _changed(self, task: Task) -> None:
        before = self._tasks.get(task.id)
        if before is None:
            return
        self._tasks[task.id] = task
        if task.id == self._seen:
            self._show()
        elif _saved(before) != _saved(task):
            self._tell()

    @work(exit_on_error=False)
    async def _read_on(self) -> None:
        """What comes after the last one, before one is there."""
        if (tasks := await self._before.read(self._tasks)) is not None:
            self._tasks.update((task.id, task) for task in tasks)
            self._tell()

    def _show(self) -> None:
        """The task, with all that is told of it."""
        task, saved = self._shown, _saved(self._shown)
        if saved and self._index not in saved:
            self._index = saved[0]
        self._facts.update(facts(task, self._index))
        self._prompt.update(one_line(task.prompt or task.model))
        self._model.update(one_line(self._title_of(task)))
        self._draw()

    def _draw(self) -> None:
        task = self._shown
        message = "This task was deleted." if task.deleted else waiting(task)
        self.picture.show(Path(self._path) if self._path else None, message, self._crop)
        self._tell()

    def _tell(self) -> None:
        """Where one is, and what can be done there."""
        task, places = self._shown, self._places()
        place = places.index(self._here) + 1
        told = [f"{place:,} of {len(places):,}{'+' * bool(self._before)}"]
        if self._path:
            result = task.results[self._index]
            size = [f"{result.width} × {result.height}"] if result.width else []
            told += (
                [self._crop.describe(Path(self._path))]
                if self._crop
                else [*size, "fit"]
            )
        self._place.update(" · ".join(told))
        if self._before and place > len(places) - _AHEAD:
            self._read_on()
        able = (len(places) > 1, bool(self._path), bool(task.results))
        if able != self._able:
            self._able = able
            self.refresh_bindings()


def _saved(task: Task) -> list[int]:
    """The indices of the results that can be shown."""
    return [] if task.deleted else task.saved
