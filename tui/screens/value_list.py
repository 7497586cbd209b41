"""A list in which several values are marked: choices of a parameter, models of a job."""

from collections.abc import Collection, Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList

from tui.screens.modal import Modal
from tui.text import one_line
from tui.widgets.footer import Footer


class _Values(OptionList):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "space", "screen.mark", "Mark", id="value-mark", tooltip="Mark this one"
        ),
        Binding(
            "enter",
            "screen.done",
            "Done",
            id="values-done",
            tooltip="Take what is marked",
        ),
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
    ]


class ValueListScreen(Modal[list[str] | None]):
    """Ends with the marked values in the order of the list, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape",
            "dismiss(None)",
            "Back",
            id="values-back",
            tooltip="Change nothing",
        )
    ]

    def __init__(
        self,
        title: str,
        values: Mapping[str, str],
        marked: Collection[str],
        impossible: Mapping[str, str] | None = None,
    ) -> None:
        """`values` are labels by value, `impossible` why some can't be marked."""
        super().__init__()
        self._heading = title
        self._values = values
        self._impossible = impossible or {}
        self._marked = set(marked) & (set(values) - set(self._impossible))
        self._list = _Values(*map(self._row, values), markup=False)

    def compose(self) -> ComposeResult:
        with Vertical(id="values", classes="frame -always") as box:
            box.border_title = Content(self._heading)
            yield self._list
        yield Footer()

    def _row(self, value: str) -> Content:
        label = Content(one_line(self._values[value], 200))
        if value in self._impossible:
            reason = one_line(self._impossible[value], 200)
            return Content.assemble(
                ("✗ ", "$text-error"),
                label.stylize("strike"),
                (f" – {reason}", "$text-error"),
            )
        if value in self._marked:
            return Content.assemble(("✓ ", "bold $accent"), label)
        return Content("  ").append(label)

    def action_mark(self) -> None:
        index = self._list.highlighted
        if index is not None:
            value = list(self._values)[index]
            if value in self._impossible:
                return
            self._marked ^= {value}
            self._list.replace_option_prompt_at_index(index, self._row(value))

    def action_done(self) -> None:
        if self.is_current:
            self.dismiss([value for value in self._values if value in self._marked])
