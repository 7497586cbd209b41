"""The palette: everything that can be done or chosen, found by any of its words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from tui.screens.modal import Modal
from tui.text import one_line
from tui.widgets.footer import Footer
from tui.widgets.taskrow import fit

MOST = 150
"""Commands that are listed at once; more words find the others."""
_KEY_WIDTH = 11


@dataclass(frozen=True)
class Command:
    """One thing to do or to choose; all texts are literal."""

    title: str
    note: str
    """What it does, or what kind of thing it is."""
    run: Callable[[], Any]
    key: str = ""
    words: str = ""
    """More words that find it."""
    _text: str = field(default="", init=False)

    def __post_init__(self) -> None:
        text = f"{self.title} {self.note} {self.key} {self.words}".lower()
        object.__setattr__(self, "_text", text)

    def rank(self, words: Sequence[str]) -> int | None:
        """Returns how well words fit, the best are the lowest; None: some don't."""
        if not all(word in self._text for word in words):
            return None
        title = self.title.lower()
        if set(words) <= {*self.key.lower().split()}:
            return 0
        if not all(word in title for word in words):
            return 2
        return 0 if title.startswith(words[0]) else 1


def found(commands: Sequence[Command], query: str) -> list[Command]:
    """Returns the commands that all words of a query find, the best ones first."""
    words = query.lower().split()
    ranks = [(command.rank(words), command) for command in commands]
    ranked = [(rank, command) for rank, command in ranks if rank is not None]
    return [command for _, command in sorted(ranked, key=lambda pair: pair[0])]


class PaletteScreen(Modal[Command | None]):
    """Lets the user choose a command; ends with it, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape",
            "dismiss(None)",
            "Back",
            id="palette-back",
            tooltip="Close the commands",
        )
    ]
    DEFAULT_CSS = """
    PaletteScreen { align: center top; background: $background 60%; }
    #palette { width: 90; max-width: 96%; height: 80%; margin-top: 1; background: $surface;
        border: round $primary; border-title-color: $text; }
    #palette OptionList {
        border: none; padding: 0; height: 1fr; background: transparent;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    """

    def __init__(self, commands: Sequence[Command]) -> None:
        super().__init__()
        self._commands = commands
        self._found: list[Command] = []
        self._line = _Line(placeholder="Any word, in any order", compact=True)
        self._line.cursor_blink = False
        self._list = OptionList(markup=False)
        self._list.can_focus = False

    def compose(self) -> ComposeResult:
        with Vertical(id="palette") as box:
            box.border_title = "Commands"
            yield self._line
            yield self._list
        yield Footer(left_out="palette")

    def on_mount(self) -> None:
        self._show("")

    @on(Input.Changed)
    def _searched(self, event: Input.Changed) -> None:
        self._show(event.value)

    def _show(self, query: str) -> None:
        matches = found(self._commands, query)
        self._found = matches[:MOST]
        rows = [Option(_row(command)) for command in self._found]
        more = len(matches) - len(rows)
        if not matches:
            rows = [Option("Nothing has all of these words.", disabled=True)]
        elif more:
            rows.append(Option(f"… and {more:,} more: type a word", disabled=True))
        self._list.clear_options().add_options(rows)
        self._list.highlighted = 0 if matches else None

    def action_move(self, action: str) -> None:
        """Moves the highlight, as the list's own actions do."""
        getattr(self._list, f"action_{action}")()

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def _chosen(self, event: Input.Submitted | OptionList.OptionSelected) -> None:
        event.stop()
        index = self._list.highlighted
        if self.is_current and index is not None and index < len(self._found):
            self.dismiss(self._found[index])


def _row(command: Command) -> Content:
    key = Content.styled(fit(command.key, _KEY_WIDTH), "bold")
    title = one_line(command.title, 200)
    return key + title + Content.styled(f"  {one_line(command.note, 200)}", "dim")


class _Line(Input):
    """Takes words; gives the list the keys that move in it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter",
            "submit",
            "Choose",
            id="palette-choose",
            tooltip="Do this, or show it",
        ),
        Binding("up", "screen.move('cursor_up')", "Up", show=False),
        Binding("down", "screen.move('cursor_down')", "Down", show=False),
        Binding("pageup", "screen.move('page_up')", "Page up", show=False),
        Binding("pagedown", "screen.move('page_down')", "Page down", show=False),
    ]
