"""The page for past prompts: all that were ever sent, searched while the user types."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.screens.modal import Modal
from tui.tasks.past_prompts import PromptPage
from tui.tasks.store_errors import StoreError
from tui.tasks.task import NEWEST
from tui.text import one_line, plain
from tui.widgets.footer import Footer

Find = Callable[[str, str], Awaitable[PromptPage]]
"""Returns prompts for a search line, of tasks below an id. Raises StoreError."""

PAGE = 100
"""Prompts that are listed at once; the next ones when the cursor nears the end."""
_NEAR = 5
"""Rows from the end at which the next prompts are read."""
_LONGEST_ROW = 300
"""Characters of a prompt in the list; below it stands more of it."""


class PastPromptsScreen(Modal[str | None]):
    """Lists past prompts, newest first and each once; ends with one of them, or None.

    The focus stays in the search, so that typing always searches.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape",
            "dismiss(None)",
            "Back",
            id="past-back",
            tooltip="The prompt stays as it is",
        ),
        Binding(
            "down,ctrl+r",
            "move('cursor_down')",
            "Older",
            id="past-older",
            tooltip="Go to the prompt that was sent before",
        ),
        Binding(
            "up",
            "move('cursor_up')",
            "Newer",
            id="past-newer",
            tooltip="Go to the prompt that was sent after",
        ),
        Binding("pagedown", "move('page_down')", show=False),
        Binding("pageup", "move('page_up')", show=False),
        Binding(
            "shift+down",
            "scroll_text(3)",
            "Scroll",
            id="past-scroll-down",
            tooltip="Scroll a long prompt",
            show=False,
        ),
        Binding(
            "shift+up",
            "scroll_text(-3)",
            "Scroll",
            id="past-scroll-up",
            tooltip="Scroll a long prompt",
            show=False,
        ),
    ]
    AUTO_FOCUS = "#past-filter"

    def __init__(self, find: Find) -> None:
        super().__init__()
        self._find = find
        self._prompts: list[str] = []
        self._listed: set[str] = set()
        self._before = NEWEST
        self._searching = False
        self._wanted = False
        """Whether the first prompt is to be used as soon as it is found."""
        self._filter = _Filter(
            placeholder="Type to search", id="past-filter", compact=True
        )
        self._list = OptionList(id="past-list", markup=False)
        self._list.can_focus = False
        self._text = Static(id="past-text", markup=False)
        self._scroll = VerticalScroll(self._text, id="past-scroll", can_focus=False)
        self._box = Vertical(id="past", classes="frame -always")
        self._box.border_title = "Past prompts"

    def compose(self) -> ComposeResult:
        with self._box:
            yield self._filter
            yield self._list
            yield self._scroll
        yield Footer()

    def on_mount(self) -> None:
        self._search("", NEWEST)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._search(event.value, NEWEST)

    @work(exclusive=True, group="past", exit_on_error=False)
    async def _search(self, query: str, before: str) -> None:
        """Lists the next prompts that a query finds; a later search cancels this one."""
        is_first = before == NEWEST
        if is_first:
            self._listed = set()
            self._searching = True
            self._wanted = False
            if not self._prompts:
                self._show("Searching …")
        self._before = ""
        found: list[str] = []
        problem = ""
        try:
            while before and len(found) < PAGE:
                page = await self._find(query, before)
                before = page.before
                new = [text for text in page.prompts if text not in self._listed]
                self._listed.update(new)
                found += new
        except StoreError as error:
            problem = one_line(error)  # the next move tries again
        self._before = before
        if is_first:
            self._searching = False
            self._prompts = []
            self._list.clear_options()
        self._prompts += found
        self._list.add_options(Option(_row(text)) for text in found)
        if not self._prompts:
            nothing = "No matches." if query else "No prompts yet."
            self._show(problem or nothing)
        elif self._wanted:
            self._use(0)
        elif is_first:
            self._list.highlighted = 0

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        index = event.option_index
        if index >= len(self._prompts):
            return  # a row of an earlier search
        self._show(plain(self._prompts[index]))
        if self._before and index >= len(self._prompts) - _NEAR:
            self._search(self._filter.value, self._before)

    def _show(self, text: str) -> None:
        self._text.update(text)
        self._scroll.scroll_home(animate=False)

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._use(event.option_index)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._searching:
            self._wanted = True  # what is listed was found for other words
        elif self._list.highlighted is not None:
            self._use(self._list.highlighted)

    def _use(self, index: int) -> None:
        # A second enter may wait behind the first.
        if self.is_current and index < len(self._prompts):
            self.dismiss(self._prompts[index])

    async def action_move(self, movement: str) -> None:
        """Moves the cursor of the list by one of its own actions."""
        await self._list.run_action(movement)

    def action_scroll_text(self, lines: int) -> None:
        """Scrolls the whole prompt."""
        self._scroll.scroll_relative(y=lines, animate=False)


class _Filter(Input):
    """Takes the words; its enter uses what is under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter",
            "submit",
            "Use",
            id="past-use",
            tooltip="Put it into the prompt",
        )
    ]


def _row(prompt: str) -> Content:
    return Content(one_line(prompt, _LONGEST_ROW))
