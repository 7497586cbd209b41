"""The page for source images: results, files of this machine, URLs."""

import asyncio
import os
from collections.abc import Callable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import ClassVar

from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.catalog.image_items import is_url
from tui.graphics.probe import Terminal
from tui.screens.modal import Modal
from tui.tasks.task import Result, Task
from tui.text import file_size, one_line
from tui.widgets.footer import Footer
from tui.widgets.path_completion import (
    Folder,
    Source,
    completed,
    matching,
    read_folder,
    split_path,
    starting_with,
)
from tui.widgets.picture import Picture
from tui.widgets.taskrow import fit

MOST = 500
"""Results, and files, that are listed at most."""
SOON = 0.1
"""Seconds that a folder may take before the list says that it is being read."""
_LEAST_NAME_WIDTH = 16


class SourcesScreen(Modal[list[str] | None]):
    """Lets the user choose source images for a field of the form.

    Ends with paths and URLs in the order in which they were marked, or None; without
    `many`, with one.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "tab",
            "complete",
            "Complete",
            id="complete-path",
            tooltip="Complete the path",
        ),
        Binding(
            "f6,insert",
            "mark",
            "Mark",
            id="mark-source",
            tooltip="Choose several, in the order of marking",
        ),
        Binding(
            "escape",
            "dismiss(None)",
            "Back",
            id="sources-back",
            tooltip="To the form, without choosing",
        ),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]

    def __init__(
        self,
        terminal: Terminal,
        results: list[Task],
        *,
        start: str = "",
        many: bool = False,
    ) -> None:
        """Relative paths begin at `start`, if that is a folder or a file in one."""
        super().__init__()
        self._results: list[Source] = []
        # Ids sort in the order in which tasks were made.
        for task in sorted(results, key=attrgetter("id"), reverse=True):
            saved = (result for result in task.results if result.path)
            self._results.extend(_result(task, result) for result in saved)
        self._start = start
        self._many = many
        self._line = _Line(
            placeholder="a path, a URL, or words of a prompt", compact=True
        )
        self._line.cursor_blink = False
        self._list = OptionList(markup=False)
        self._list.can_focus = False
        self._picture = Picture(terminal)
        self._facts = Static(id="source-facts", markup=False)
        self._text = ""
        self._head = ""
        """The typed folder."""
        self._stem = ""
        """The start of a name in it."""
        self._folder: Folder | None = None
        """The folder's content, or None while it is being read."""
        self._real_folders: dict[str, str] = {}
        """The real paths of folders that were typed by name."""
        self._rows: list[Source | None] = []
        self._stale = True
        """Whether the list doesn't belong to the text yet."""
        self._pending: list[Callable[[], object]] = []
        """What keys asked for meanwhile."""
        self._marks: list[str] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="sources", classes="frame -always") as box:
            box.border_title = "Source images" if self._many else "Source image"
            yield self._line
            with Horizontal():
                yield self._list
                with Vertical(id="source-shown"):
                    yield self._picture
                    yield self._facts
        yield Footer()

    def on_mount(self) -> None:
        self._read("")

    def on_resize(self) -> None:
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        if not self._stale:
            self._fill()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "mark" or self._many

    def action_complete(self) -> None:
        self._once_listed(self._complete)

    def action_mark(self) -> None:
        self._once_listed(self._mark)

    def action_move(self, how: str) -> None:
        self._once_listed(getattr(self._list, f"action_{how}"))

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def _chosen(self) -> None:
        self._once_listed(self._choose)

    def _once_listed(self, then: Callable[[], object]) -> None:
        """Runs `then` when the list belongs to the text.

        Keys are handled before the messages and the disk reads of earlier ones.
        """
        self._update_list()
        self._pending.append(then)
        self._run_pending()

    def _run_pending(self) -> None:
        while self._pending and not self._stale:
            self._pending.pop(0)()

    @property
    def _current(self) -> Source | None:
        """The highlighted source."""
        index = self._list.highlighted
        return None if index is None else self._rows[index]

    def _choose(self) -> None:
        source = self._current
        if source and source.folder:
            self._set_text(self._head + source.name, source.value)
            return
        chosen = list(self._marks)
        # A typed URL is added to what is marked; a highlighted file isn't.
        if source and (not chosen or is_url(source.value)):
            chosen.append(source.value)
        if chosen and self.is_current:
            self.dismiss(list(dict.fromkeys(chosen)))

    def _mark(self) -> None:
        source = self._current
        if source is None or source.folder:
            return
        if source.value in self._marks:
            self._marks.remove(source.value)
        else:
            self._marks.append(source.value)
        count = len(self._marks)
        box = self.query_one("#sources")
        box.border_subtitle = Content(f"{count} marked") if count else None
        self._fill()

    def _complete(self) -> None:
        if self._folder is None or is_url(self._text):
            return
        found = starting_with(self._folder.sources, self._stem)
        folder = found[0].value if len(found) == 1 and found[0].folder else ""
        self._set_text(self._head + completed(found, self._stem), folder)

    def _set_text(self, text: str, folder: str = "") -> None:
        """Replaces the typed text, which stands for the real path `folder`."""
        if folder:
            self._real_folders[text] = folder
        self._line.value = text
        self._line.action_end()
        self._update_list()

    @on(Input.Changed)
    def _update_list(self) -> None:
        """Lists what the text asks for; reads the disk only for another folder."""
        text = self._line.value.strip()
        if text == self._text:
            return
        self._text = text
        if self._stale:
            self._pending.clear()  # they were meant for another list
        head = ""
        self._stem = ""
        if not is_url(text):
            head, self._stem = split_path(text)
        self._list.highlighted = None
        if head != self._head:
            self._read(head)
        elif not self._stale:
            self._fill()

    def _read(self, head: str) -> None:
        self._head = head
        self._folder = None
        self._stale = True
        self._read_now(self._real_folders.get(head, head))

    @work(exclusive=True, exit_on_error=False)
    async def _read_now(self, folder: str) -> None:
        reading = asyncio.ensure_future(
            asyncio.to_thread(read_folder, self._start, folder)
        )
        done, _ = await asyncio.wait({reading}, timeout=SOON)
        if not done:
            self._fill()
        self._folder = await reading
        self._fill()

    def _fill(self) -> None:
        """Shows the list.

        The highlight stays on its source, or moves to the first that can be chosen.
        """
        before = self._current
        lines = self._lines()
        self._rows = [line if isinstance(line, Source) else None for line in lines]
        self._list.set_options(self._option(line) for line in lines)
        if before in self._rows and before:
            self._list.highlighted = self._rows.index(before)
        else:
            indices = (index for index, row in enumerate(self._rows) if row)
            self._list.highlighted = next(indices, None)
        self._stale = False
        self._preview()
        self._run_pending()

    def _lines(self) -> list[Source | str]:
        """Returns the sources to choose from, and headings and sentences."""
        if is_url(self._text):
            return [Source(self._text, self._text, "URL")]
        words = self._text.lower().split()
        results: list[Source] = []
        if not self._text.startswith(("/", "~", ".")):
            results = [source for source in self._results if _has(source, words)]
        lines = _headed("Results", results)
        folder = self._folder
        if folder is None:
            return [*lines, "Reading the folder …"]
        files = matching(folder.sources, self._stem)
        if files or (results and words):
            return [*lines, *_headed(folder.path, files)]
        problem = folder.problem
        if not problem and self._stem:
            problem = f"No matches: {self._stem}"
        return [*lines, folder.path, problem or "No folders or images here."]

    def _option(self, line: Source | str) -> Option:
        if isinstance(line, str):
            return Option(Content(one_line(line)), disabled=True)
        mark = ""
        if line.value in self._marks:
            mark = f"✓{self._marks.index(line.value) + 1}"
        mark = mark.ljust(4 if self._many else 2)
        note = one_line(line.note, 60)
        width = self._list.scrollable_content_region.width - 2
        room = width - len(mark) - cell_len(note)
        name = fit(one_line(line.name), max(_LEAST_NAME_WIDTH, room))
        return Option(Content.assemble((mark, "bold"), name, (note, "dim")))

    @on(OptionList.OptionHighlighted)
    def _preview(self) -> None:
        source = self._current
        self._facts.update(Content(one_line(source.facts) if source else ""))
        self._picture.show(Path(source.value) if source and source.facts else None)


class _Line(Input):
    """Edits the path; gives the list the keys that an input would use itself."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "up",
            "screen.move('cursor_up')",
            "Move",
            id="move-source",
            key_display="↑↓",
            tooltip="To another file or result",
        ),
        Binding("down", "screen.move('cursor_down')", "Down", show=False),
        Binding("pageup", "screen.move('page_up')", "Page up", show=False),
        Binding("pagedown", "screen.move('page_down')", "Page down", show=False),
        Binding(
            "enter",
            "submit",
            "Use",
            id="take-source",
            tooltip="Use the marked images, or the highlighted one",
        ),
    ]


def _result(task: Task, result: Result) -> Source:
    name = os.path.basename(result.path)
    facts = f"{name} · {file_size(result.bytes)}"
    if result.width and result.height:
        facts += f" · {result.width}×{result.height}"
    return Source(result.path, task.prompt or name, task.model, facts)


def _has(source: Source, words: Sequence[str]) -> bool:
    text = f"{source.name} {source.note}".lower()
    return all(word in text for word in words)


def _headed(heading: str, sources: Sequence[Source]) -> list[Source | str]:
    """Returns a heading and the first sources; nothing where there are none."""
    if not sources:
        return []
    lines: list[Source | str] = [heading, *sources[:MOST]]
    more = len(sources) - MOST
    if more > 0:
        lines.append(f"… and {more:,} more: type part of a name")
    return lines
