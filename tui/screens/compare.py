"""The page that compares: images in the same place, and what differs in them."""

from collections.abc import Iterator, Sequence
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, VerticalScroll
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Label, Static

from tui.graphics.probe import Images
from tui.graphics.zoom import DecodedImages, Load, finer
from tui.tasks.task import Task
from tui.terminal.textual_private import keys_in_force
from tui.text import one_line
from tui.widgets.compared_picture import ComparedPicture
from tui.widgets.differences import (
    Compared,
    Difference,
    differences,
    differences_table,
)
from tui.widgets.facts import placeholder
from tui.widgets.footer import Footer
from tui.widgets.picture import Picture
from tui.widgets.picture_zoom import zoom_bindings
from tui.widgets.view_context import ViewContext

if TYPE_CHECKING:
    from tui.images.difference import Comparison

MOST = 9
"""Images that can be compared."""
BLINK_SECONDS = 0.5
MOST_BLINKS = 60
"""After half a minute without a key, nobody looks any more."""
_LEAST_COLUMNS = 24
"""Columns of an image beside others, at least."""
_MOST_BESIDE = 3
_KEPT_PIXELS = 24_000_000
"""Pixels that stay decoded while one is zoomed: 72 MB."""


class _Mode(Enum):
    """What the page shows."""

    ONE = auto()
    BESIDE = auto()
    DIFFERENCE = auto()


class CompareScreen(Screen[tuple[str, int]]):
    """Shows several images in the same place, and under them what differs.

    Ends with the id of the task that was shown last, and which of its results.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q",
            "back",
            "Back",
            id="compare-back",
            tooltip="To the previous page",
        ),
        Binding(
            "space,right_square_bracket",
            "step(1)",
            "Next",
            id="compare-next",
            tooltip="Show the next image in the same place",
        ),
        Binding(
            "left_square_bracket",
            "step(-1)",
            "Previous",
            id="compare-previous",
            tooltip="Show the previous image in the same place",
            show=False,
        ),
        Binding(
            "s",
            "toggle_beside",
            "Side by side",
            id="compare-beside",
            tooltip="Show two or three images side by side, or one",
        ),
        Binding(
            "d",
            "toggle_difference",
            "Difference",
            id="compare-difference",
            tooltip="Show where the image and the first one differ",
        ),
        Binding(
            "b",
            "toggle_blink",
            "Blink",
            id="compare-blink",
            tooltip="Show the image and the first one in turn, until a key is pressed",
        ),
        *zoom_bindings(),
        Binding(
            "right,l",
            "go(1, 0)",
            "Next; zoomed, to the right",
            id="compare-right",
            show=False,
        ),
        Binding(
            "left,h",
            "go(-1, 0)",
            "Previous; zoomed, to the left",
            id="compare-left",
            show=False,
        ),
        Binding("down,j", "go(0, 1)", "Zoomed, down", id="compare-down", show=False),
        Binding("up,k", "go(0, -1)", "Zoomed, up", id="compare-up", show=False),
        Binding(
            "i",
            "toggle_facts",
            "Facts",
            id="facts",
            tooltip="Show or hide what differs",
        ),
        Binding("pageup", "page_facts(-1)", "Facts up", id="facts-up", show=False),
        Binding(
            "pagedown",
            "page_facts(1)",
            "Facts down",
            id="facts-down",
            show=False,
        ),
    ]

    def __init__(self, context: ViewContext, pictures: Sequence[Compared]) -> None:
        """Compares results of tasks by their index: two of them up to `MOST`."""
        super().__init__()
        self._view = context
        self._pictures = list(pictures[:MOST])
        self._decoded = DecodedImages(_KEPT_PIXELS)
        self._places = [
            ComparedPicture(context, number, self._decoded.get)
            for number in range(len(self._pictures))
        ]
        self._heat = ComparedPicture(context, MOST, lambda path: self._load_heat(path))
        self._all = [*self._places, self._heat]
        self._load_heat: Load = self._decoded.get
        self._comparison: Comparison | None = None
        self._shown = 0
        self._zoomed = 0
        """The image whose pixels the zoom counts."""
        self._mode = _Mode.ONE
        self._blink: Timer | None = None
        self._blinks = 0
        self._rows = differences(self._pictures, context.title_of)
        self._can: tuple[bool, ...] = ()
        self._in_table: tuple[list[Difference], int, int, int] | None = None
        self._prompt = Label(id="compare-prompt", markup=False)
        self._model = Label(id="compare-model", markup=False)
        self._place = Label(id="compare-place", markup=False)
        self._table = Static(markup=False)
        self._facts = VerticalScroll(self._table, id="compare-facts", can_focus=False)

    def compose(self) -> ComposeResult:
        with Horizontal(id="compare-title"):
            yield self._prompt
            yield self._model
            yield self._place
        yield Container(*self._all, id="compare-pictures")
        yield self._facts
        yield Footer()

    def on_mount(self) -> None:
        self._view.changes.subscribe(self, self._changed, immediate=True)
        self._show()

    def on_unmount(self) -> None:
        self._view.changes.unsubscribe(self)  # or it would hold this page for ever
        for place in self._all:
            place.free()
        self._decoded.clear()
        self._load_heat = self._decoded.get
        self._comparison = None

    def on_resize(self) -> None:
        if self._mode is _Mode.BESIDE and not self._most_beside:
            self._mode = _Mode.ONE
        self._make_room()

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("zoom_or_fit", "zoom_by"):
            return self._is_drawable(self._shown)
        if action in ("toggle_difference", "toggle_blink"):
            return self._is_drawable(self._shown, self._partner)
        return True

    def on_key(self, event: events.Key) -> None:
        """Ends the blinking before a key does what it does."""
        if event.key not in keys_in_force(self, "compare-blink"):
            self._end_blinking()

    def on_screen_suspend(self) -> None:
        self._end_blinking()

    def action_back(self) -> None:
        task, index = self._pictures[self._shown]
        self.dismiss((task.id, index))

    def action_step(self, by: int) -> None:
        self._shown = (self._shown + by) % len(self._pictures)
        self._show()

    def action_go(self, across: int, down: int) -> None:
        front = self._front
        if front.zoom.crop:
            front.zoom.move(across, down)
            self._zoom_like(front)
        elif abs(across) == 1:
            self.action_step(across)

    def action_zoom_or_fit(self) -> None:
        place = self._starting_zoom()
        place.zoom.toggle()
        self._zoom_like(place)

    def action_zoom_by(self, step: int) -> None:
        place = self._starting_zoom()
        place.zoom.step(step)
        self._zoom_like(place)

    def action_toggle_beside(self) -> None:
        if self._mode is not _Mode.BESIDE and not self._most_beside:
            self.notify(
                "There is no room for images side by side. Enlarge the terminal.",
                markup=False,
            )
        else:
            self._toggle(_Mode.BESIDE)

    def action_toggle_difference(self) -> None:
        self._toggle(_Mode.DIFFERENCE)

    def action_toggle_blink(self) -> None:
        if self._blink:
            self._end_blinking()
            return
        self._mode = _Mode.ONE
        self._blinks = 0
        self._blink = self.set_interval(BLINK_SECONDS, self._blink_once)
        self._show()

    def action_toggle_facts(self) -> None:
        self.toggle_class("-bare")
        self._make_room()

    def action_page_facts(self, pages: int) -> None:
        rows = max(1, self._facts.size.height - 1)
        self._facts.scroll_relative(y=pages * rows, animate=False)

    def _toggle(self, mode: _Mode) -> None:
        self._mode = _Mode.ONE if self._mode is mode else mode
        self._show()

    def _blink_once(self) -> None:
        """Shows the other one of the two; in time, no more."""
        self._blinks += 1
        if self._blinks >= MOST_BLINKS:
            self._end_blinking()
        else:
            self._show()

    def _end_blinking(self) -> None:
        if self._blink:
            self._blink.stop()
            self._blink = None
            self._show()

    # What is shown

    @property
    def is_blinking(self) -> bool:
        return self._blink is not None

    @property
    def _partner(self) -> int:
        """The image that the shown one is compared with: the first one."""
        return 0 if self._shown else 1

    @property
    def _number(self) -> int:
        """The image that is in front: of two that blink, this one or the other."""
        is_other = self._blink is not None and self._blinks % 2 == 1
        return self._partner if is_other else self._shown

    @property
    def _front(self) -> ComparedPicture:
        """The place that keys move over."""
        if self._mode is _Mode.DIFFERENCE:
            return self._heat
        return self._places[self._shown]

    @property
    def _most_beside(self) -> int:
        """How many images there is room for side by side; 0 for fewer than two."""
        room = self.size.width // _LEAST_COLUMNS
        most = min(room, _MOST_BESIDE, len(self._pictures))
        return most if most > 1 else 0

    def _in_sight(self) -> list[ComparedPicture]:
        """Returns the places that are to be seen."""
        if self._mode is _Mode.DIFFERENCE:
            return [self._heat]
        if self._mode is _Mode.ONE:
            return [self._places[self._number]]
        most = self._most_beside
        first = min(self._shown, len(self._places) - most)
        return self._places[first : first + most]

    def _path(self, number: int) -> str:
        """Returns the file of an image, empty where there is none to be shown."""
        task, index = self._pictures[number]
        if task.deleted or index not in task.saved:
            return ""
        return task.results[index].path

    def _is_drawable(self, *numbers: int) -> bool:
        draws = self._view.terminal.images is not Images.NONE
        return draws and all(map(self._path, numbers))

    def _changed(self, task: Task) -> None:
        if all(known.id != task.id for known, _ in self._pictures):
            return
        self._pictures = [
            (task if known.id == task.id else known, index)
            for known, index in self._pictures
        ]
        self._rows = differences(self._pictures, self._view.title_of)
        self._show()

    def _show(self) -> None:
        """Draws what is to be seen, and says what it is."""
        if self._mode is _Mode.DIFFERENCE and not self._is_drawable(
            self._shown, self._partner
        ):
            self._mode = _Mode.ONE
        in_sight = self._in_sight()
        is_beside = self._mode is _Mode.BESIDE
        self.query_one("#compare-pictures").set_class(is_beside, "-beside")
        for place in self._all:
            place.put(is_beside, is_beside and place in in_sight)
        if self._mode is _Mode.DIFFERENCE:
            self._draw_heat()
        else:
            for place in in_sight:
                self._draw(place.number)
        self._reveal()
        self._show_title()
        self._show_table()
        self._update_keys()

    def _make_room(self) -> None:
        """Draws what is to be seen in another size, and nothing else yet."""
        in_sight = self._in_sight()
        for place in self._all:
            if place not in in_sight:
                place.clear()
        self._show()

    def _draw(self, number: int) -> None:
        task, _ = self._pictures[number]
        path = self._path(number)
        message = "This task was deleted." if task.deleted else placeholder(task)
        self._places[number].draw(path, "" if path else message)

    def _draw_heat(self) -> None:
        from tui.images.difference import Comparison  # with Pillow

        paths = Path(self._path(self._partner)), Path(self._path(self._shown))
        if self._comparison is None or self._comparison.paths != paths:
            self._comparison = Comparison(*paths)
            self._load_heat = self._comparison.heat
        self._heat.draw(str(paths[1]), "", self._comparison)

    @on(Picture.Shown)
    @on(Picture.Failed)
    def _drawn(self) -> None:
        self._reveal()
        self._show_title()

    def _reveal(self) -> None:
        """Lets the images be seen once they are drawn; until then, those before stay.

        Then the next ones are drawn, so that they will be there at once.
        """
        in_sight = self._in_sight()
        if not all(place.picture.is_settled for place in in_sight):
            return
        for place in self._all:
            place.set_class(place not in in_sight, "-behind")
        if self._mode is _Mode.ONE and not self._front.zoom.crop:
            count = len(self._pictures)
            for number in (self._shown + 1, self._partner, self._shown - 1):
                self._draw(number % count)

    # Zoom

    def _starting_zoom(self) -> ComparedPicture:
        """Returns the place of the shown image, whose pixels a new zoom counts."""
        place = self._places[self._shown]
        if place.zoom.crop is None:
            self._zoomed = self._shown
        return place

    def _zoom_like(self, leader: ComparedPicture) -> None:
        """Zooms all places to the part of the image that one shows."""
        for place in self._all:
            if place is not leader:
                finer = self._finer(place)
                place.zoom.follow(leader.zoom.crop, finer)
        self._show()

    def _finer(self, place: ComparedPicture) -> float:
        """Returns how many pixels of an image are as wide as one that the zoom counts."""
        is_heat = place is self._heat
        size = self._heat_pixels() if is_heat else self._pixels(place.number)
        return finer(size, self._pixels(self._zoomed))

    def _heat_pixels(self) -> tuple[float, float]:
        """Returns the size of the picture of the differences, before it is drawn."""
        from tui.images.difference import SIDE  # with Pillow

        width, height = self._pixels(self._shown)
        longer = max(width, height)
        most = min(SIDE, longer, max(self._pixels(self._partner)))
        return width * most / max(1, longer), height * most / max(1, longer)

    def _pixels(self, number: int) -> tuple[int, int]:
        task, index = self._pictures[number]
        if index >= len(task.results):
            return 0, 0
        result = task.results[index]
        return result.width, result.height

    # Texts

    def _show_title(self) -> None:
        number = self._number
        task, _ = self._pictures[number]
        self._prompt.update(one_line(task.caption))
        self._model.update(one_line(self._view.title_of(task)))
        self._place.update(" · ".join(self._place_parts(number)))
        for place in self._places:
            place.describe(place.number == number)

    def _place_parts(self, number: int) -> Iterator[str]:
        if self._mode is _Mode.DIFFERENCE:
            yield f"{self._shown + 1} and {self._partner + 1}"
            if self._comparison and self._comparison.found:
                yield self._comparison.found.describe()
            return
        yield f"{number + 1} of {len(self._pictures)}"
        if not self._path(number):
            return
        crop = self._places[number].zoom.crop
        if crop:
            yield crop.describe(Path(self._path(number)))
            return
        width, height = self._pixels(number)
        if width:
            yield f"{width}×{height}"
        yield "fit"

    def _show_table(self) -> None:
        width = self._facts.scrollable_content_region.width or self.size.width
        wanted = (self._rows, len(self._pictures), self._number, width)
        if wanted != self._in_table:
            self._in_table = wanted
            self._table.update(differences_table(*wanted))

    def _update_keys(self) -> None:
        """Enables the keys that work on what is shown."""
        can = (
            self._is_drawable(self._shown),
            self._is_drawable(self._shown, self._partner),
        )
        if can != self._can:
            self._can = can
            self.refresh_bindings()
