"""Source images for a field of the form: results, files of this machine, addresses."""

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.graphics.probe import Terminal
from tui.tasks.task import Result, Task
from tui.text import file_size, one_line
from tui.widgets.footer import Footer
from tui.widgets.path_completion import (
    Folder,
    Source,
    completed,
    is_url,
    matching,
    read_folder,
    split_path,
    starting_with,
)
from tui.widgets.picture import Picture
from tui.widgets.taskrow import fit

MOST = 500
"""Lines of a kind that are listed."""
SOON = 0.1
"""Seconds that a folder may take before the list says that it is being read."""


class SourcesScreen(ModalScreen[list[str] | None]):
    """Answers paths and URLs in the order in which they were marked, one if not `many`;
    or None.
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
            "f4,insert",
            "mark",
            "Mark",
            id="mark-source",
            tooltip="Choose several, in this order",
        ),
        Binding(
            "escape",
            "dismiss(None)",
            "Back",
            id="sources-back",
            tooltip="To the form, with nothing chosen",
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
        # Ids sort as tasks were made
        newest = sorted(results, key=lambda task: task.id, reverse=True)
        self._results = [
            _result(task, result)
            for task in newest
            for result in task.results
            if result.path
        ]
        self._start = start
        self._many = many
        self._line = _Line(
            placeholder="a path, a URL, or words of a prompt", compact=True
        )
        self._line.cursor_blink = False
        self._list = OptionList()
        self._list.can_focus = False
        self._picture = Picture(terminal)
        self._facts = Static(id="source-facts")
        self._text = self._head = self._stem = ""
        self._folder: Folder | None = None  # None while it is being read
        # The real folder that a typed one stands for
        self._entered: dict[str, str] = {}
        self._rows: list[Source | None] = []
        self._stale = True  # the list is not yet that of what is typed
        self._waiting: list[Callable[[], object]] = []  # what keys asked for meanwhile
        self._marks: list[str] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="sources") as box:
            box.border_title = "Source images" if self._many else "Source image"
            yield self._line
            with Horizontal():
                yield self._list
                with Vertical(id="source-shown"):
                    yield self._picture
                    yield self._facts
            yield Footer(show_command_palette=False, compact=True)

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
        self._once_listed(self._take)

    def _once_listed(self, then: Callable[[], object]) -> None:
        """Keys run ahead of messages and of the disk: act on the list that belongs to
        what is typed.
        """
        self._look()
        self._waiting.append(then)
        self._act()

    def _act(self) -> None:
        while self._waiting and not self._stale:
            self._waiting.pop(0)()

    @property
    def _current(self) -> Source | None:
        """The highlighted one."""
        index = self._list.highlighted
        return None if index is None else self._rows[index]

    def _take(self) -> None:
        source = self._current
        if source and source.folder:
            self._type(self._head + source.name, source.value)
            return
        chosen = list(self._marks)
        if (
            source
            and source.value not in chosen
            and (not chosen or is_url(source.value))
        ):
            chosen.append(source.value)
        if chosen and self.is_current:
            self.dismiss(chosen)

    def _mark(self) -> None:
        source = self._current
        if source is None or source.folder:
            return
        if source.value in self._marks:
            self._marks.remove(source.value)
        else:
            self._marks.append(source.value)
        self.query_one("#sources").border_subtitle = (
            f"{len(self._marks)} marked" * bool(self._marks)
        )
        self._fill()

    def _complete(self) -> None:
        if self._folder is None or is_url(self._text):
            return
        found = starting_with(self._folder.sources, self._stem)
        whole = len(found) == 1 and found[0].folder
        self._type(
            self._head + completed(found, self._stem), found[0].value if whole else ""
        )

    def _type(self, text: str, folder: str = "") -> None:
        """Put a text into the line, standing for that folder."""
        if folder:
            self._entered[text] = folder
        self._line.value = text
        self._line.action_end()
        self._look()

    @on(Input.Changed)
    def _look(self) -> None:
        """List what the line asks for. The disk is read only for another folder."""
        text = self._line.value.strip()
        if text == self._text:
            return
        self._text = text
        if self._stale:
            self._waiting.clear()  # they were meant for another list
        head, self._stem = ("", "") if is_url(text) else split_path(text)
        self._list.highlighted = None
        if head != self._head:
            self._read(head)
        elif not self._stale:
            self._fill()

    def _read(self, head: str) -> None:
        self._head, self._folder, self._stale = head, None, True
        self._read_now(self._entered.get(head, head))

    @work(exclusive=True, exit_on_error=False)
    async def _read_now(self, folder: str) -> None:
        reading = asyncio.ensure_future(
            asyncio.to_thread(read_folder, self._start, folder)
        )
        if not (await asyncio.wait({reading}, timeout=SOON))[0]:
            self._fill()
        self._folder = await reading
        self._fill()

    def _fill(self) -> None:
        """Show the list anew, the highlight where it was or on the first that can be
        chosen.
        """
        before = self._current
        lines = self._lines()
        self._rows = [line if isinstance(line, Source) else None for line in lines]
        self._list.set_options(self._option(line) for line in lines)
        indices = [index for index, row in enumerate(self._rows) if row]
        kept = [index for index in indices if self._rows[index] == before]
        self._list.highlighted = next(iter(kept or indices), None)
        self._stale = False
        self._preview()
        self._act()

    def _lines(self) -> list[Source | str]:
        """What can be chosen, and between it what is only told."""
        if is_url(self._text):
            return [Source(self._text, self._text, "address")]
        words = self._text.lower().split()
        results = (
            []
            if self._text.startswith(("/", "~", "."))
            else [it for it in self._results if _has(it, words)]
        )
        folder = self._folder
        if folder is None:
            return [*_headed("Results", results), "Reading the folder…"]
        files = matching(folder.sources, self._stem)
        if files or (results and words):
            return [*_headed("Results", results), *_headed(folder.path, files)]
        nothing = (
            f"Nothing matches {self._stem}"
            if self._stem
            else "No folders and no images here."
        )
        return [*_headed("Results", results), folder.path, folder.problem or nothing]

    def _option(self, line: Source | str) -> Option:
        if isinstance(line, str):
            return Option(Content(one_line(line)), disabled=True)
        mark = (
            f"✓{self._marks.index(line.value) + 1}" if line.value in self._marks else ""
        )
        mark = f"{mark:<{4 if self._many else 2}}"
        note = one_line(line.note, 60)
        room = (
            self._list.scrollable_content_region.width - 2 - len(mark) - cell_len(note)
        )
        name = fit(one_line(line.name), max(16, room))
        return Option(Content.assemble((mark, "bold"), name, (note, "dim")))

    @on(OptionList.OptionHighlighted)
    def _preview(self) -> None:
        source = self._current
        self._facts.update(Content(one_line(source.facts) if source else ""))
        self._picture.show(Path(source.value) if source and source.facts else None)


class _Line(Input):
    # What Input would keep to itself, or leaves out of the footer.
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
            "Take",
            id="take-source",
            tooltip="Put what is marked, or this one, into the field",
        ),
    ]


def _result(task: Task, result: Result) -> Source:
    name = os.path.basename(result.path)
    size = (
        f" · {result.width} × {result.height}" if result.width and result.height else ""
    )
    facts = f"{name} · {file_size(result.bytes)}{size}"
    return Source(result.path, task.prompt or name, task.model, facts)


def _has(source: Source, words: Sequence[str]) -> bool:
    about = f"{source.name} {source.note}".lower()
    return all(word in about for word in words)


def _headed(heading: str, sources: Sequence[Source]) -> list[Source | str]:
    """Sources under their heading; of very many the first."""
    more = len(sources) - MOST
    rest = [f"… and {more:,} more: type a part of the name"] if more > 0 else []
    return [heading, *sources[:MOST], *rest] if sources else []
