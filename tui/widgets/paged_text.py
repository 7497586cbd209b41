"""A text on a page of its own, which scrolls by the keys of a pager."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.reactive import reactive


class PagedText(VerticalScroll):
    """Scrolls what it contains; the footer shows the keys where there is more."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "pagedown,space",
            "page_down",
            "Page down",
            id="text-page-down",
            tooltip="Scroll down by what is in sight",
        ),
        Binding(
            "pageup",
            "page_up",
            "Page up",
            id="text-page-up",
            tooltip="Scroll up by what is in sight",
        ),
        Binding("down,j", "scroll_down", "Down", id="text-down", show=False),
        Binding("up,k", "scroll_up", "Up", id="text-up", show=False),
        Binding("home,g", "scroll_home", "Start", id="text-start", show=False),
        Binding("end,G", "scroll_end", "End", id="text-end", show=False),
    ]

    is_longer: reactive[bool] = reactive(False, bindings=True)
    """Whether the text doesn't fit."""

    def watch_virtual_size(self) -> None:
        self._compare()

    def on_resize(self) -> None:
        self._compare()

    def _compare(self) -> None:
        self.is_longer = self.max_scroll_y > 0

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action not in ("page_down", "page_up") or self.is_longer
