"""The service's library of prompts: found as one types, seen before it is used."""

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
from tui.service.wire import PromptEntry, PromptPage
from tui.text import one_line
from tui.widgets.footer import Footer
from tui.widgets.picture import Picture

PAUSE = 0.3
"""Seconds without a key after which is looked; and for which the cursor rests before a
picture is fetched.
"""
_NARROWS = re.compile(r"\b(category|model|modality):(\S+)")
_TOLD = 12
"""Params that are shown."""
_HELP = "Enter uses one. Finds words, category:food, model:z-image, modality:image_edit"


class PromptSource(Protocol):
    """Who is asked, and fetches pictures. Raises ServiceError."""

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
    """Answers the entry that is to be used, or None."""

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
            tooltip="Change what is looked for",
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
            placeholder="Type to find", id="prompts-filter", compact=True
        )
        self._list = OptionList(id="prompts-list", markup=False)
        self._box = Vertical(id="prompts")
        self._picture = Picture(terminal, id="prompts-picture")
        self._text = Static(id="prompts-text", markup=False)

    def compose(self) -> ComposeResult:
        with Horizontal(id="prompts-panes"):
            with self._box:
                yield self._filter
                yield self._list
                yield Static(_HELP, id="prompts-help", markup=False)
            with Vertical(id="prompts-preview"):
                yield self._picture
                yield VerticalScroll(self._text, id="prompts-scroll", can_focus=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self._look("", 1)

    async def on_unmount(self) -> None:
        if self._folder:
            await asyncio.to_thread(self._folder.cleanup)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._look(event.value, 1, PAUSE)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_results()

    @work(exclusive=True, group="prompts", exit_on_error=False)
    async def _look(self, line: str, page: int, pause: float = 0) -> None:
        """Each key asks anew; what an earlier one has asked is not shown any more."""
        await asyncio.sleep(pause)
        narrows = dict(_NARROWS.findall(line))
        self._box.border_title = "Prompts · looking…"
        try:
            words = " ".join(_NARROWS.sub("", line).split())
            found = await run_detached(
                self._library.prompts(words, page=page, **narrows)
            )
        except NotFoundError:
            self._tell("", "This service has no library of prompts.")
        except ServiceError as error:
            self._more = page > 1  # the next move tries again
            self._tell(one_line(error), one_line(error))
        else:
            self._show(found, page)

    def _show(self, found: PromptPage, page: int) -> None:
        if page == 1:
            self._entries = []
            self._list.clear_options()
        self._page, self._more = page, found.more
        first = not self._entries
        self._entries += found.entries
        self._list.add_options(Option(titled(entry)) for entry in found.entries)
        if first and self._entries:
            self._list.highlighted = 0
        self._tell(f"{len(self._entries):,} of {found.total:,}", "Nothing matches.")

    def _tell(self, title: str, nothing: str) -> None:
        """How many there are; where there are none, why."""
        self._box.border_title = Content(
            f"Prompts · {title}" if self._entries else "Prompts"
        )
        if not self._entries:
            self._list.clear_options()
            self._text.update(nothing)
            self._picture.show(None)

    @on(OptionList.OptionHighlighted)
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if event.option_index >= len(self._entries):
            return  # of a list that was searched anew since
        entry = self._entries[event.option_index]
        self._text.update(describe(entry))
        self._preview(entry)
        if self._more and event.option_index >= len(self._entries) - 3:
            self._more = False
            self._look(self._filter.value, self._page + 1)

    @work(exclusive=True, group="preview", exit_on_error=False)
    async def _preview(self, entry: PromptEntry) -> None:
        from tui.images.files import ImageError, inspect

        self._picture.show(
            None, "" if entry.preview_url else "There is no picture of this one."
        )
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
            self._picture.show(None, "The picture of this one can't be had.")
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


def titled(entry: PromptEntry) -> Content:
    """An entry in one row."""
    rest = " · ".join(filter(None, (entry.category, entry.model)))
    return Content.assemble(entry.title, "  ", (rest, "$text-muted"))


def describe(entry: PromptEntry) -> Content:
    """All of an entry, with whose it is."""
    source = " · ".join(filter(None, (entry.source, entry.source_url)))
    params = "  ".join(
        f"{one_line(name, 40)}: {one_line(value, 60)}"
        for name, value in list(entry.params.items())[:_TOLD]
    )
    parts = [
        (entry.title, "bold"),
        (entry.prompt, ""),
        (f"{entry.model}  {params}".strip(), "$text-muted"),
    ]
    parts += [(f"By {source}", "$text-muted")] if source else []
    return Content("\n\n").join(
        Content.styled(text, style) for text, style in parts if text
    )
