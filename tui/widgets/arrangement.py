"""Where the panes of the main page stand: the picture is the largest of them.

Pure geometry, in cells. What each layout is for stands in docs/design.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from textual.geometry import Region, Size, clamp


class Pane(StrEnum):
    """A pane of the main page."""

    MODELS = "models"
    FORM = "form"
    PICTURE = "picture"
    QUEUE = "queue"


class Layout(StrEnum):
    """What the page is arranged for."""

    BALANCED = "balanced"
    """The picture is as large as the work beside it allows."""
    PICTURE = "picture"
    """The picture, and one line of the queue."""
    WRITE = "write"
    """Prompt and fields are wide, the picture is small."""
    WATCH = "watch"
    """The queue is as high as the picture beside it; there is no form."""


HIDEABLE = (Pane.MODELS, Pane.QUEUE, Pane.PICTURE)
"""Panes that can be hidden. The form can't: it shows the price."""

_WITHOUT_FORM = (Layout.PICTURE, Layout.WATCH)
"""Layouts that have neither models nor a form."""

WIDE = 110
"""Columns from which the models have a pane of their own."""
_SMALL = Size(60, 16)
"""An area of this size or less has room for the form alone, above a sentence."""
_LEAST = Size(44, 6)
"""A narrower or lower area has, too."""
_TALL = 1.25
"""How much higher than wide an area is that has the picture on top."""
_LEAST_FORM = 40, 6
"""Columns and rows that the form keeps when others grow."""
_LEAST_PICTURE = 24, 6
_ONE_LINE = 3
"""Rows of a queue that shows one task within its frame."""


@dataclass(frozen=True)
class Arrangement:
    """What the user has chosen."""

    layout: Layout = Layout.BALANCED
    hidden: frozenset[Pane] = frozenset()
    zoomed: Pane | None = None
    """The pane that has all the room."""
    wider: int = 0
    """Columns added to the picture; fewer than 0 are taken from it."""
    higher: int = 0
    """Rows added to the queue."""

    @classmethod
    def of_names(
        cls, layout: str, hidden: Iterable[str], wider: int, higher: int
    ) -> "Arrangement":
        """Returns what was saved by names; those that are unknown are left out."""
        panes = frozenset(pane for pane in HIDEABLE if pane in hidden)
        known = Layout(layout) if layout in set(Layout) else Layout.BALANCED
        return cls(known, panes, wider=wider, higher=higher)

    def with_layout(self, layout: Layout) -> "Arrangement":
        """Returns another layout; what is hidden or resized stays so."""
        return replace(self, layout=layout, zoomed=None)

    def with_next_layout(self) -> "Arrangement":
        """Returns the layout that follows."""
        layouts = list(Layout)
        index = layouts.index(self.layout) + 1
        return self.with_layout(layouts[index % len(layouts)])

    def with_toggled(self, pane: Pane) -> "Arrangement":
        """Hides a pane, or shows it again."""
        return replace(self, hidden=self.hidden ^ {pane}, zoomed=None)

    def revealing(self, pane: Pane) -> "Arrangement":
        """Returns an arrangement that has a pane, as like this one as possible."""
        hidden = self.hidden - {pane}
        if pane in (Pane.MODELS, Pane.FORM) and self.layout in _WITHOUT_FORM:
            return Arrangement(hidden=hidden)
        return replace(self, hidden=hidden, zoomed=None)

    def shows(self, pane: Pane) -> bool:
        """Returns whether the user wants to see a pane."""
        return pane not in self.hidden


def is_small(size: Size) -> bool:
    """Returns whether an area has room for the form alone."""
    fits_small = size.width <= _SMALL.width and size.height <= _SMALL.height
    return fits_small or size.width < _LEAST.width or size.height < _LEAST.height


def arrange(size: Size, chosen: Arrangement) -> dict[Pane, Region]:
    """Returns the panes that are shown in an area, and where."""
    width, height = size
    if chosen.zoomed:
        regions = {chosen.zoomed: size.region}
    elif is_small(size):
        regions = {Pane.FORM: Region(0, 0, width, height - 1)}
    elif chosen.layout is Layout.PICTURE:
        regions = _picture_alone(size, chosen)
    elif height * 2 > width * _TALL:
        regions = _on_top_of_each_other(size, chosen)
    elif width < WIDE:
        regions = _beside_the_form(size, chosen)
    else:
        regions = _beside_all(size, chosen)
    return {pane: region for pane, region in regions.items() if region.area}


def _picture_alone(size: Size, chosen: Arrangement) -> dict[Pane, Region]:
    width, height = size
    queue = 0
    if chosen.shows(Pane.QUEUE):
        queue = clamp(_ONE_LINE + chosen.higher, _ONE_LINE, height // 2)
    return {
        Pane.PICTURE: Region(0, 0, width, height - queue),
        Pane.QUEUE: Region(0, height - queue, width, queue),
    }


def _on_top_of_each_other(size: Size, chosen: Arrangement) -> dict[Pane, Region]:
    """Returns the picture above the form above the queue: for terminals on their side."""
    width, height = size
    picture = 0
    if chosen.shows(Pane.PICTURE):
        share = 4 if chosen.layout is Layout.WRITE else 2
        picture = height // share + chosen.wider
        picture = clamp(picture, _LEAST_PICTURE[1], height - 2 * _LEAST_FORM[1])
    queue = _queue_rows(height - picture, chosen)
    form = height - picture - queue
    return {
        Pane.PICTURE: Region(0, 0, width, picture),
        Pane.FORM: Region(0, picture, width, form),
        Pane.QUEUE: Region(0, picture + form, width, queue),
    }


def _beside_the_form(size: Size, chosen: Arrangement) -> dict[Pane, Region]:
    """Returns form and picture above the queue, without models: for 80 columns."""
    width, height = size
    is_watching = chosen.layout is Layout.WATCH
    picture = 0
    if chosen.shows(Pane.PICTURE) and chosen.layout is not Layout.WRITE:
        picture = max(36, width * 45 // 100) + chosen.wider
        picture = clamp(picture, _LEAST_PICTURE[0], width - _LEAST_FORM[0])
    left = width - picture
    queue = _queue_rows(height, chosen)
    upper = height - queue
    if is_watching:
        return {
            Pane.PICTURE: Region(left, 0, picture, height),
            Pane.QUEUE: Region(0, upper, left, queue),
        }
    return {
        Pane.FORM: Region(0, 0, left, upper),
        Pane.PICTURE: Region(left, 0, picture, upper),
        Pane.QUEUE: Region(0, upper, width, queue),
    }


def _beside_all(size: Size, chosen: Arrangement) -> dict[Pane, Region]:
    """Returns the picture at full height beside models and form above the queue."""
    width, height = size
    models = 0
    if chosen.shows(Pane.MODELS) and chosen.layout is not Layout.WATCH:
        models = 28 if width >= 140 else 24
    left = width
    if chosen.shows(Pane.PICTURE):
        share = 70 if chosen.layout is Layout.WRITE else 46
        left = max(models + 44, width * share // 100) - chosen.wider
        left = clamp(left, models + _LEAST_FORM[0], width - _LEAST_PICTURE[0])
    queue = _queue_rows(height, chosen)
    upper = height - queue
    return {
        Pane.MODELS: Region(0, 0, models, upper),
        Pane.FORM: Region(models, 0, left - models, upper),
        Pane.PICTURE: Region(left, 0, width - left, height),
        Pane.QUEUE: Region(0, upper, left, queue),
    }


def _queue_rows(height: int, chosen: Arrangement) -> int:
    """Returns the rows of the queue below the form, or without one."""
    if chosen.layout is Layout.WATCH:
        return height
    if not chosen.shows(Pane.QUEUE) or height < _LEAST_FORM[1] + _ONE_LINE:
        return 0
    usual = height // 5 if chosen.layout is Layout.WRITE else height * 36 // 100
    most = max(_ONE_LINE, height - _LEAST_FORM[1])
    return clamp(usual + chosen.higher, _ONE_LINE, most)
