"""The messages of this run, to be read again."""

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from tui.screens.modal import Modal
from tui.text import clock, plain
from tui.widgets.footer import Footer
from tui.widgets.message_line import Notice
from tui.widgets.paged_text import PagedText
from tui.widgets.rows import rows


class MessagesScreen(Modal[None]):
    """Lists messages in full, the latest on top."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q",
            "dismiss",
            "Back",
            id="messages-back",
            tooltip="To the previous page",
        )
    ]

    def __init__(self, notices: Iterable[Notice]) -> None:
        super().__init__()
        self._notices = list(notices)

    def compose(self) -> ComposeResult:
        with PagedText(id="log", classes="frame") as box:
            box.border_title = "Messages"
            if not self._notices:
                yield Static(Content("No messages yet."), markup=False)
            lines = [
                (clock(notice.at), plain(notice.text))
                for notice in reversed(self._notices)
            ]
            yield Static(rows(lines), markup=False)
        yield Footer()
