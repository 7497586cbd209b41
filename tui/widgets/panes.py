"""The panes of the main page, placed as the user has arranged them."""

from collections.abc import Mapping
from typing import Any

from textual import events
from textual.containers import Container
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from tui.widgets.arrangement import Arrangement, Pane, arrange, is_small

_TOO_SMALL = "Enlarge the terminal to see pictures."
_BARS = 2
"""Rows of status line and footer, below the panes."""


class Panes(Container):
    """Places its panes by `arrangement`; those without a place are hidden."""

    class Placed(Message):
        """The panes have other places, or other panes are shown."""

    def __init__(self, panes: Mapping[Pane, Widget], chosen: Arrangement) -> None:
        too_small = Static(_TOO_SMALL, id="too-small", markup=False)
        super().__init__(*panes.values(), too_small, id="panes")
        self._panes = panes
        self._chosen = chosen
        self._area = Size()

    @property
    def chosen(self) -> Arrangement:
        """What the user has chosen."""
        return self._chosen

    @chosen.setter
    def chosen(self, chosen: Arrangement) -> None:
        self._chosen = chosen
        self._place()

    def on_mount(self) -> None:
        # Before the first layout, so that nothing moves after the first paint.
        width, height = self.app.size
        self._area = Size(width, max(0, height - _BARS))
        self._place()

    def on_resize(self, event: events.Resize) -> None:
        if event.size != self._area:
            self._area = event.size
            self._place()

    @property
    def is_small(self) -> bool:
        """Whether there is room for the form alone."""
        return is_small(self._area)

    def shows(self, pane: Pane) -> bool:
        """Returns whether there is room for a pane, and it isn't hidden."""
        return bool(self._panes[pane].display)

    def pane_in_focus(self) -> Pane | None:
        """Returns the pane that has the focus."""
        for pane, widget in self._panes.items():
            if widget.has_focus or widget.has_focus_within:
                return pane
        return None

    def _place(self) -> None:
        regions = arrange(self._area, self._chosen)
        with self.app.batch_update():
            self.set_class(is_small(self._area), "-small")
            for pane, widget in self._panes.items():
                region = regions.get(pane)
                widget.display = region is not None
                if region:
                    _put(widget, *region)
        self.post_message(self.Placed())


def _put(widget: Widget, x: int, y: int, width: int, height: int) -> None:
    styles: Any = widget.styles
    styles.offset = (x, y)
    styles.width = width
    styles.height = height
