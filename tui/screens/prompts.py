"""The page for the service's prompt library: searched while the user types."""

import asyncio
import re
import tempfile
from pathlib import Path
from typing import ClassVar, Protocol

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.graphics.probe import Terminal
from tui.screens.detached import run_detached
from tui.service.errors import DownloadError, NotFoundError, ServiceError
from tui.service.prompt_library import PromptEntry, PromptPage
from tui.text import one_line
from tui.widgets.footer import Footer
from tui.widgets.picture import Picture

PAUSE = 0.3
"""Seconds without a key before a search is sent, or an image is fetched."""
_FILTERS = re.compile(r"\b(category|model|modality):(\S+)")
_MOST_PARAMS = 12
"""Params of an entry that are shown."""
_HELP = "words  category:food  model:z-image  modality:image_edit"


class PromptSource(Protocol):
    """Searches the library and fetches its images. Raises ServiceError."""

    async def prompts(
        self,
        q: str = "",
        *,
        category: str = "",
        model: str = "",
        modality: str = "image",
        page: int = 1,
    ) -> PromptPage: ...

    async def preview(self, url: str, target: Path) -> None: ...


class PromptsScreen(Screen[PromptEntry | None]):
    """Lists and shows entries of the library; ends with the one to use, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape",
            "back",
            "Back",
            id="prompts-back",
            tooltip="To the search, then to the previous page",
        ),
        Binding(
            "slash",
            "filter",
            "Search",
            id="prompts-filter",
            tooltip="Change the search",
        ),
        Binding("down", "results", show=False),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]
    AUTO_FOCUS = "#prompts-filter"

    def __init__(self, library: PromptSource, terminal: Terminal) -> None:
        super().__init__()
        self._library = library
        self._entries: list[PromptEntry] = []
        self._page = 0
        self._more = False
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._filter = Input(
            placeholder="Type to search", id="prompts-filter", compact=True
        )
        self._list = _Entries(id="prompts-list", markup=False)
        self._box = Vertical(id="prompts", classes="frame")
        self._picture = Picture(terminal, id="prompts-picture")
        self._text = Static(id="prompts-text", markup=False)

    def compose(self) -> ComposeResult:
        with Horizontal(id="prompts-panes"):
            with self._box:
                yield self._filter
                yield self._list
                yield Static(_HELP, id="prompts-help", markup=False)
            with Vertical(id="prompts-preview", classes="frame"):
                yield self._picture
                yield VerticalScroll(self._text, id="prompts-scroll", can_focus=False)
        yield Footer()

    def on_mount(self) -> None:
        self._search("", 1)

    async def on_unmount(self) -> None:
        if self._folder:
            await asyncio.to_thread(self._folder.cleanup)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._search(event.value, 1, PAUSE)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_results()

    @work(exclusive=True, group="prompts", exit_on_error=False)
    async def _search(self, query: str, page: int, pause: float = 0) -> None:
        """Lists a page of what a query finds; a later search cancels this one."""
        await asyncio.sleep(pause)
        filters = dict(_FILTERS.findall(query))
        words = " ".join(_FILTERS.sub("", query).split())
        self._box.border_title = "Prompts · searching …"
        try:
            found = await run_detached(
                self._library.prompts(words, page=page, **filters)
            )
        except NotFoundError:
            self._update_summary("", "This service has no prompt library.")
        except ServiceError as error:
            self._more = page > 1  # the next move tries again
            self._update_summary(one_line(error), one_line(error))
        else:
            self._show(found, page)

    def _show(self, found: PromptPage, page: int) -> None:
        if page == 1:
            self._entries = []
            self._list.clear_options()
        self._page = page
        self._more = found.more
        was_empty = not self._entries
        self._entries += found.entries
        self._list.add_options(Option(_title(entry)) for entry in found.entries)
        if was_empty and self._entries:
            self._list.highlighted = 0
        summary = f"{len(self._entries):,} of {found.total:,}"
        self._update_summary(summary, "No matches.")

    def _update_summary(self, summary: str, problem: str) -> None:
        """Shows the summary as the title, or else the problem in place of an entry."""
        if self._entries:
            self._box.border_title = Content(f"Prompts · {summary}")
            return
        self._box.border_title = "Prompts"
        self._list.clear_options()
        self._text.update(problem)
        self._picture.show(None)

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if event.option_index >= len(self._entries):
            return  # an entry of an earlier search
        entry = self._entries[event.option_index]
        self._text.update(describe(entry))
        self._preview(entry)
        if self._more and event.option_index >= len(self._entries) - 3:
            self._more = False
            self._search(self._filter.value, self._page + 1)

    @work(exclusive=True, group="preview", exit_on_error=False)
    async def _preview(self, entry: PromptEntry) -> None:
        from tui.images.files import ImageError, inspect

        message = "" if entry.preview_url else "This prompt has no image."
        self._picture.show(None, message)
        await asyncio.sleep(PAUSE)
        if not (entry.preview_url and self._picture.size):  # hidden on a narrow screen
            return
        if self._folder is None:
            self._folder = await asyncio.to_thread(
                tempfile.TemporaryDirectory, prefix="runapi-tui-"
            )
        file = Path(self._folder.name) / f"{hash(entry.preview_url):x}"
        part = file.with_suffix(".part")
        try:
            if not file.exists():
                await run_detached(self._library.preview(entry.preview_url, part))
                await asyncio.to_thread(inspect, part)
                part.replace(file)
        except (DownloadError, ImageError, OSError):
            self._picture.show(None, "The image can't be loaded.")
        else:
            self._picture.show(file)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if self.is_current and event.option_index < len(self._entries):
            self.dismiss(self._entries[event.option_index])

    def action_filter(self) -> None:
        self._filter.focus()

    def action_results(self) -> None:
        if self._entries:
            self._list.focus()

    def action_back(self) -> None:
        if self._list.has_focus and self._filter.value:
            self._filter.focus()
        else:
            self.dismiss(None)


class _Entries(OptionList):
    """The entries; their enter uses one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter",
            "select",
            "Use",
            id="prompts-use",
            tooltip="Fill the form with this entry",
        )
    ]


def _title(entry: PromptEntry) -> Content:
    """Returns an entry as one row."""
    details = [part for part in (entry.category, entry.model) if part]
    return Content.assemble(entry.title, "  ", (" · ".join(details), "$text-muted"))


def describe(entry: PromptEntry) -> Content:
    """Returns everything about an entry, with its source."""
    params = [
        f"{one_line(name, 40)}: {one_line(value, 60)}"
        for name, value in list(entry.params.items())[:_MOST_PARAMS]
    ]
    request = "  ".join([entry.model, *params]).strip()
    parts = [
        (entry.title, "bold"),
        (entry.prompt, ""),
        (request, "$text-muted"),
    ]
    source = " · ".join(part for part in (entry.source, entry.source_url) if part)
    if source:
        parts.append((f"By {source}", "$text-muted"))
    shown = [Content.styled(text, style) for text, style in parts if text]
    return Content("\n\n").join(shown)
