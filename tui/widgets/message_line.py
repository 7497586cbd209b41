"""The line at the foot of a page in which messages are shown for some seconds."""

from typing import Literal, NamedTuple

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.widgets import Static

from tui.text import one_line
from tui.widgets.taskrow import fit

Severity = Literal["information", "warning", "error"]
_LONGEST_WORD = 16
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
    """Covers the lines at the foot of the page, and never a pane.

    Where the page has a status line it stands there and, if it is long, over the
    footer, too.
    """

    def __init__(self, notice: Notice, rows: int) -> None:
        """`rows` is how many lines at the foot of the page may be covered."""
        super().__init__(markup=False)
        self._notice = notice
        self._rows = rows

    def on_mount(self) -> None:
        self._fit(self.app.size.width)

    def on_resize(self, event: events.Resize) -> None:
        self._fit(event.size.width)

    def _fit(self, width: int) -> None:
        mark, colour = _MARKS[self._notice.severity]
        text = f" {mark} {one_line(self._notice.text, 2_000)}"
        height = self._rows if cell_len(text) > width else 1
        self.styles.height = height
        self.styles.margin = (0, 0, self._rows - height, 0)
        self.styles.text_wrap = "wrap" if height > 1 else "nowrap"
        # A line that wraps at a word may leave some of its cells empty.
        room = width * height - _LONGEST_WORD * (height - 1)
        self.update(Content.styled(fit(text, room).rstrip(), colour))
