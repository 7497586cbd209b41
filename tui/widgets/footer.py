"""The keys that work here, in the last line of a page."""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple, Protocol, runtime_checkable

from rich.cells import cell_len
from textual import events, widgets
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding
from textual.widgets import Static

from tui.terminal.textual_private import FooterKey, default_ids, keys_in_force
from tui.widgets.key_texts import is_editing, types

_PINNED = (
    ("palette", "Commands", "Find any action, model, task or setting"),
    ("help", "Help", "Show the keys of this page"),
)
"""Ids, labels and tooltips of what stands at the right, however narrow it is."""
_LAST = "quit"
"""The id of the key that is left out first: other programs have it, too."""
_GAP = 1


@runtime_checkable
class Relabelling(Protocol):
    """A widget whose key does one thing and then the opposite."""

    def key_label(self, action: str) -> str:
        """Returns what a key is called now, or "" for its usual name."""


class Entry(NamedTuple):
    """A key of the footer."""

    key: str
    name: str
    label: str
    action: str
    tooltip: str

    @property
    def width(self) -> int:
        """Columns, with the space after it."""
        return cell_len(self.name) + 1 + cell_len(self.label) + _GAP


class Footer(widgets.Footer):
    """Shows keys that do something now; those that matter least are left out whole.

    What finds all others, the palette and the help, stands at the right.
    """

    DEFAULT_CSS = "Footer > .footer-gap { width: 1fr; height: 1; }"

    def __init__(self, *, left_out: str = "", first: Collection[str] = ()) -> None:
        """`left_out` is the id of a pinned key that the page is about itself, `first`
        are those of keys that have room before all others.
        """
        super().__init__(show_command_palette=False, compact=True)
        self._left_out = left_out
        self._first = first
        self._shown: tuple[list[Entry], list[Entry]] = ([], [])

    def compose(self) -> ComposeResult:
        left, right = self._shown
        yield from map(_key, left)
        if right:
            yield Static(classes="footer-gap", markup=False)
        yield from map(_key, right)

    def on_resize(self, event: events.Resize) -> None:
        self.call_after_refresh(self.recompose)

    async def recompose(self) -> None:
        """Shows the keys of now, unless they are those that are shown already."""
        if not self.is_attached:
            return
        shown = self._entries()
        if shown != self._shown:
            self._shown = shown
            await super().recompose()

    def _entries(self) -> tuple[list[Entry], list[Entry]]:
        """Returns the keys at the left and at the right that there is room for."""
        right = list(self._pinned())
        room = self.content_size.width - sum(entry.width for entry in right)
        left = []
        for entry in self._by_importance():
            room -= entry.width
            if room < 0:
                break
            left.append(entry)
        return left, right

    def _pinned(self) -> Iterator[Entry]:
        for key_id, label, tooltip in _PINNED:
            if key_id == self._left_out:
                continue
            keys = keys_in_force(self.app, key_id)
            # ? is nearer than F1, but a text would take it.
            keys.sort(key=lambda key: not types(key))
            for key in filter(self._works, keys):
                binding = Binding(key, key_id)
                name = self.app.get_key_display(binding)
                yield Entry(key, name, label, key_id, tooltip)
                break

    def _by_importance(self) -> Iterator[Entry]:
        """Yields the keys that the page shows, each action once."""
        pinned = {key_id for key_id, _, _ in _PINNED}
        actions: dict[str, Entry] = {}
        last: list[Entry] = []
        actives = _in_order(self.screen.active_bindings.values())
        actives.sort(key=lambda active: active.binding.id not in self._first)
        for active in actives:
            binding = active.binding
            if not binding.show or binding.id in pinned or binding.action in actions:
                continue
            if active.enabled and (binding.priority or self._works(binding.key)):
                actions[binding.action] = self._entry(active)
                if binding.id == _LAST:
                    last.append(actions[binding.action])
        yield from (entry for entry in actions.values() if entry not in last)
        yield from last

    def _entry(self, active: ActiveBinding) -> Entry:
        binding = active.binding
        name = self.app.get_key_display(binding)
        label = binding.description
        if isinstance(active.node, Relabelling):
            label = active.node.key_label(binding.action) or label
        tooltip = active.tooltip or binding.description
        return Entry(binding.key, name, label, binding.action, tooltip)

    def _works(self, key: str) -> bool:
        """Returns whether a text that is edited leaves a key to the page."""
        return not (is_editing(self.screen) and types(key))


def _in_order(actives: Iterable[ActiveBinding]) -> list[ActiveBinding]:
    """Returns keys from the focus outwards; a remap would put one at the end."""
    actives = list(actives)
    nodes = list(dict.fromkeys(active.node for active in actives))
    places = {node: (number, default_ids(node)) for number, node in enumerate(nodes)}

    def place(active: ActiveBinding) -> tuple[int, int]:
        number, ids = places[active.node]
        key_id = active.binding.id
        return number, ids.index(key_id) if key_id in ids else len(ids)

    return sorted(actives, key=place)


def _key(entry: Entry) -> FooterKey:
    return FooterKey(
        entry.key, entry.name, entry.label, entry.action, tooltip=entry.tooltip
    )
