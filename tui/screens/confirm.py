"""A question before something is paid."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Static

from tui.screens.modal import Modal
from tui.text import by_count
from tui.widgets.footer import Footer
from tui.widgets.key_texts import key_text


class _Details(VerticalScroll):
    """Text that may be longer than the screen."""

    class Resized(Message):
        """It has other rows, or more or fewer of them are in sight."""

    def on_resize(self) -> None:
        self.post_message(self.Resized())


class ConfirmScreen(Modal[bool]):
    """Asks a question; ends with True for yes.

    `details` stand above the question. If they don't fit, they scroll, and a yes counts
    once their end was in sight. The focus is on No, so that a second enter doesn't
    agree by accident.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "n,escape",
            "dismiss(False)",
            "No",
            id="confirm-no",
            tooltip="Go back; nothing is done",
        ),
        Binding(
            "y",
            "agree",
            "Yes",
            id="confirm-yes",
            tooltip="Agree, once the end of a long text was in sight",
        ),
        Binding("left,right,h,l", "app.focus_next", show=False),
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding(
            "pageup",
            "scroll_page(-1)",
            "Page up",
            id="confirm-page-up",
            tooltip="Scroll the text above the question up",
            show=False,
        ),
        Binding(
            "pagedown",
            "scroll_page(1)",
            "Page down",
            id="confirm-page-down",
            tooltip="Scroll the text above the question down",
            show=False,
        ),
        Binding("home", "scroll_start", "Start", show=False),
        Binding("end", "scroll_end", "End", show=False),
    ]
    AUTO_FOCUS = "#no"
    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-tall")]

    def __init__(self, question: str, yes: str, details: str = "") -> None:
        super().__init__()
        self._question = question
        self._yes = yes
        self._details = details
        self._is_read = not details
        """Whether the end of the details was in sight."""
        self._scroll = _Details(id="confirm-details", can_focus=False)
        self._more = Static(id="confirm-more", markup=False)

    def compose(self) -> ComposeResult:
        yes, no = key_text(self, "confirm-yes"), key_text(self, "confirm-no")
        with Vertical(id="confirm", classes="frame -always"):
            if self._details:
                with self._scroll:
                    yield Static(self._details, markup=False)
                yield self._more
            yield Static(self._question, id="confirm-question", markup=False)
            with Horizontal():
                yield Button(Content(f"{self._yes} ({yes})"), id="yes", compact=True)
                yield Button(Content(f"No ({no})"), id="no", compact=True)
        yield Footer()

    def on_mount(self) -> None:
        self.app.clear_notifications()
        if self._details:
            self.watch(self._scroll, "scroll_y", self._scrolled, init=False)

    def on_resize(self) -> None:
        self.call_after_refresh(self._fit)

    @on(_Details.Resized)
    def _fit(self) -> None:
        """Leaves the details the rows that the question and the buttons don't need."""
        box = self.query_one("#confirm")
        others = [child for child in box.children if child is not self._scroll]
        heights = [
            each.outer_size.height + each.styles.margin.height for each in others
        ]
        if not (self._details and all(heights) and self._scroll.size.height):
            return  # not laid out yet: another call follows
        self._scrolled()
        rows = max(1, self.size.height - 1 - box.gutter.height - sum(heights))
        self._scroll.styles.max_height = rows

    def _scrolled(self) -> None:
        below = self._scroll.max_scroll_y - round(self._scroll.scroll_y)
        self._is_read = self._is_read or below <= 0
        more = by_count(
            below,
            "{count} more line below ({key})",
            "{count} more lines below ({key})",
            key=key_text(self, "confirm-page-down"),
        )
        self._more.update(more if below > 0 else "")

    def action_scroll(self, rows: int) -> None:
        """Scrolls details that are longer than the screen."""
        self._scroll.scroll_relative(y=rows, animate=False)

    def action_scroll_page(self, pages: int) -> None:
        """Scrolls by what is in sight but for a line."""
        rows = max(1, self._scroll.size.height - 1)
        self.action_scroll(pages * rows)

    def action_scroll_start(self) -> None:
        """Scrolls to the first line."""
        self._scroll.scroll_home(animate=False)

    def action_scroll_end(self) -> None:
        """Scrolls to the last line."""
        self._scroll.scroll_end(animate=False)

    @on(Button.Pressed, "#yes")
    def action_agree(self) -> None:
        """Ends with yes; before the end of the details was in sight, shows more."""
        if not self._is_read:
            self.action_scroll_page(1)
        elif self.is_current:
            self.dismiss(True)

    @on(Button.Pressed, "#no")
    def _refuse(self) -> None:
        if self.is_current:
            self.dismiss(False)
