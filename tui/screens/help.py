"""The help page: the keys of the page it was opened from, by what one wants to do."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Input, Static

from tui.screens.modal import Modal
from tui.terminal.textual_private import bound_on_page
from tui.widgets.footer import Footer
from tui.widgets.key_texts import is_editing, key_name, key_text, types
from tui.widgets.paged_text import PagedText
from tui.widgets.rows import rows

SECTIONS = {
    "Make": "generate send-unchecked new-prompt batch batch-send batch-probe"
    " batch-models batch-vary"
    " again new-seed variations reuse edit then"
    " model choose-model recall prompts pick undo-form redo-form edit-prompt"
    " complete-snippet copy-draft favourite filter-models choose take-source mark-source"
    " complete-path move-source confirm-yes confirm-no try-demo",
    "Look": "view show-newest next-result previous-result grid facts inspect"
    " compare table sheet-save lineage zoom"
    " compare-next compare-previous compare-beside compare-difference compare-blink"
    " zoom-in zoom-out next-image previous-image first-image last-image grid-larger"
    " grid-smaller open reveal save-copy export-picks copy-path copy-link copy-prompt copy-request",
    "Queue and tasks": "queue retry retry-failed drop stop sooner later next pause more"
    " fewer clear undo delete mark mark-range mark-all unmark star rate-1 rate-2 rate-3"
    " rate-4 rate-5 unrate reject tag copy-as",
    "Money and settings": "money switch-key history history-filter history-sort searches "
    "searches-delete prompts-filter",
    "Arrange the page": "layout zoom-pane toggle-models toggle-queue toggle-picture"
    " picture-wider picture-narrower queue-higher queue-lower",
}
"""Ids of keys by what one wants to do; all others move around."""
_MOVE = "Move around"
_UNEDITED = "Where no text is edited"
_ELSEWHERE = "Elsewhere on this page"
_KEY_WIDTH = 14
_PLACES = {
    "QueueTable": "queue",
    "Preview": "picture",
    "Sidebar": "models",
    "_ModelList": "models",
    "ParamForm": "form",
}
"""Where the keys of widgets work that don't have the focus."""
_PLACE_TITLES = {
    ("queue",): "In the queue",
    ("picture",): "In the picture",
    ("queue", "picture"): "In the queue and the picture",
    ("models",): "In the list of models",
    ("form",): "In the form",
}
Lines = dict[str, list[str]]
"""Keys by what they do."""


class HelpScreen(Modal[None]):
    """Lists the keys that work now in sections, then those that work elsewhere.

    Those that edit a text are one paragraph.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q",
            "back",
            "Back",
            id="help-back",
            tooltip="To all keys, then to the previous page",
        ),
        Binding(
            "slash",
            "filter",
            "Search",
            id="help-filter",
            tooltip="Show only the keys that a word is about",
        ),
    ]
    AUTO_FOCUS = "PagedText"

    def __init__(self, page: Screen[Any]) -> None:
        """Lists the keys of a page, those that what has the focus there leaves it."""
        super().__init__()
        self._filter = Input(
            placeholder="Type to search", id="help-filter", compact=True
        )
        self._filter.display = False
        self._keys = PagedText(id="keys", classes="frame")
        self._keys.border_title = "Keys"
        focused = page.focused or page
        reach = {*focused.ancestors_with_self, page.app}
        editing = is_editing(page)
        self._here: list[Binding] = []
        self._unedited: list[Binding] = []
        self._elsewhere: list[tuple[DOMNode, Binding]] = []
        self._near: list[Binding] = []
        """Those of what has the focus."""
        for node, binding in bound_on_page(page):
            if binding.system or binding.key.startswith("super+"):
                continue  # few terminals have super, and there is another key
            if node is focused:
                self._near.append(binding)
            if node not in reach:
                self._elsewhere.append((node, binding))
            elif editing and types(binding.key):
                self._unedited.append(binding)
            else:
                self._here.append(binding)

    def compose(self) -> ComposeResult:
        yield self._filter
        with self._keys:
            yield from self._lines()
        yield Footer(left_out="help")

    def _lines(self) -> Iterator[Static]:
        """Yields what is listed: all, or what the words of the filter are about."""
        words = self._filter.value.casefold().split()
        here = _by_purpose(self._here)
        listed = {text for lines in here.values() for text in lines}
        others = self._others(listed)
        if words:
            found = [*_shown(_about(words, here)), *_shown(_about(words, others))]
            yield from found or [Static("No key is about that.", markup=False)]
            return
        yield from _shown(here)
        editing = self._editing()
        if editing:
            yield Static(Content.styled("Edit a text", "bold"), markup=False)
            yield Static(editing, markup=False)
        yield from _shown(others)
        palette = key_text(self, "palette")
        if palette:
            yield Static(f"{palette} finds any of this by a word.", markup=False)

    def action_filter(self) -> None:
        self._filter.display = True
        self._filter.focus()

    def action_back(self) -> None:
        """Ends the search, or leaves the page."""
        if self._filter.display:
            self._filter.value = ""
            self._filter.display = False
            self._keys.focus()
        else:
            self.dismiss()

    @on(Input.Submitted)
    def _read(self, event: Input.Submitted) -> None:
        event.stop()
        self._keys.focus()

    @on(Input.Changed)
    async def _search(self, event: Input.Changed) -> None:
        event.stop()
        async with self.batch():
            await self._keys.remove_children()
            await self._keys.mount_all(self._lines())

    def _others(self, listed: Collection[str]) -> dict[str, Lines]:
        """Returns keys that don't work now, by where they do."""
        unedited: Lines = {}
        for binding in self._unedited:
            _add(unedited, binding, listed)
        places: dict[str, tuple[str, ...]] = {}
        lines: Lines = {}
        for node, binding in self._elsewhere:
            text = _add(lines, binding, {*listed, *unedited})
            place = _place_of(node)
            if text and place not in places.setdefault(text, ()):
                places[text] += (place,)
        others = {_UNEDITED: unedited} if unedited else {}
        for text, keys in lines.items():
            title = _PLACE_TITLES.get(places[text], _ELSEWHERE)
            others.setdefault(title, {})[text] = keys
        return others

    def _editing(self) -> str:
        """Returns the keys without an id of what has the focus, in one paragraph."""
        keys: Lines = {}
        for binding in self._near:
            if binding.description and not (binding.id or _is_known(binding)):
                keys.setdefault(binding.description, []).append(key_name(binding.key))
        return " · ".join(
            f"{' '.join(dict.fromkeys(names))} {text.lower()}"
            for text, names in keys.items()
        )


def _by_purpose(bindings: Iterable[Binding]) -> dict[str, Lines]:
    """Returns keys by the titles of their sections, in the order of `SECTIONS`."""
    order = [key_id for ids in SECTIONS.values() for key_id in ids.split()]
    ranks = {key_id: rank for rank, key_id in enumerate(order)}
    titles = {
        key_id: title for title, ids in SECTIONS.items() for key_id in ids.split()
    }
    sections: dict[str, Lines] = {title: {} for title in (*SECTIONS, _MOVE)}
    for binding in sorted(
        bindings, key=lambda each: ranks.get(each.id or "", len(order))
    ):
        _add(sections[titles.get(binding.id or "", _MOVE)], binding)
    return {title: lines for title, lines in sections.items() if lines}


def _add(lines: Lines, binding: Binding, listed: Collection[str] = ()) -> str:
    """Adds a key to its line, unless it is listed; returns what it does, or nothing."""
    if not (binding.id and binding.description):
        return ""
    text = f"{binding.description}."
    if binding.tooltip:
        text += f" {binding.tooltip}."
    if text in listed:
        return ""
    lines.setdefault(text, []).append(key_name(binding.key))
    return text


def _about(words: Iterable[str], sections: dict[str, Lines]) -> dict[str, Lines]:
    """Returns the lines in which all the words stand, with their sections."""
    words = list(words)
    found = {
        title: {
            text: keys
            for text, keys in lines.items()
            if all(
                word in f"{title} {text}".casefold() or word in keys for word in words
            )
        }
        for title, lines in sections.items()
    }
    return {title: lines for title, lines in found.items() if lines}


def _shown(sections: dict[str, Lines]) -> Iterator[Static]:
    for title, lines in sections.items():
        pairs = [(" ".join(dict.fromkeys(keys)), text) for text, keys in lines.items()]
        yield Static(Content.styled(title, "bold"), markup=False)
        yield Static(rows(pairs, width=_KEY_WIDTH), markup=False)


def _place_of(node: DOMNode) -> str:
    """Returns the pane that a widget is in."""
    for outer in node.ancestors_with_self:
        if type(outer).__name__ in _PLACES:
            return _PLACES[type(outer).__name__]
    return ""


def _is_known(binding: Binding) -> bool:
    """Returns whether everyone tries this key anyway."""
    is_variant = "shift+" in binding.key or "super+" in binding.key
    is_arrow = binding.key in ("up", "down", "left", "right")
    return is_variant or is_arrow or "scroll" in binding.action
