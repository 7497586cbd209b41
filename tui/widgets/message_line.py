"""The line at the foot of a page in which messages are shown for some seconds."""

from typing import Literal, NamedTuple

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.geometry import Region
from textual.widgets import Static

from tui.terminal.textual_private import visible_widgets
from tui.text import one_line
from tui.widgets.pay_button import PayButton
from tui.widgets.picture import Picture
from tui.widgets.strip import FilmStrip, ThumbnailStrip
from tui.widgets.taskrow import fit

Severity = Literal["information", "warning", "error"]
_LONGEST_WORD = 16
_UNCOVERED = (Picture, FilmStrip, ThumbnailStrip, PayButton)
_MARKS: dict[Severity, tuple[str, str]] = {
    "information": ("·", "$text"),
    "warning": ("!", "$text-warning"),
    "error": ("✗", "$text-error"),
}


class Notice(NamedTuple):
    """A message of the app, and when it came."""

    text: str
    severity: Severity = "information"
    at: float = 0.0
    """Seconds since the epoch."""


class MessageLine(Static):
    """Stands above the footer, which it never covers; style sheets may place it elsewhere.

    A long text has a second row where this covers no picture and no price; else it ends
    with `…`, and the list of messages has all of it.
    """

    def __init__(self, notice: Notice) -> None:
        super().__init__(markup=False)
        self._notice = notice

    def on_mount(self) -> None:
        self._fit(self.app.size.width)

    def on_resize(self, event: events.Resize) -> None:
        self._fit(event.size.width)

    def _fit(self, width: int) -> None:
        mark, colour = _MARKS[self._notice.severity]
        text = f" {mark} {one_line(self._notice.text, 2_000)}"
        height = 1
        if cell_len(text) > width and self._may_have_two_rows():
            height = 2
        self.styles.height = height
        self.styles.text_wrap = "wrap" if height > 1 else "nowrap"
        # A line that wraps at a word may leave some of its cells empty.
        room = width * height - _LONGEST_WORD * (height - 1)
        self.update(Content.styled(fit(text, room).rstrip(), colour))

    def _may_have_two_rows(self) -> bool:
        second = 1
        if self.styles.dock == "bottom":
            second = self.app.size.height - self.styles.margin.bottom - 2
        return not any(
            isinstance(widget, _UNCOVERED)
            and region.intersection(clip).overlaps(Region(0, second, region.right, 1))
            for widget, region, clip in visible_widgets(self.screen)
        )
