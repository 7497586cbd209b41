"""The help page: the keys of the page it was opened from, by what one wants to do."""

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.widgets import Static

from tui.screens.modal import Modal
from tui.widgets.footer import Footer
from tui.widgets.key_texts import key_name, key_text
from tui.widgets.rows import rows

_SECTIONS = {
    "Make": "generate new-prompt batch batch-send model choose-model recall prompts pick"
    " undo-form redo-form copy-draft favourite filter-models choose take-source"
    " mark-source complete-path move-source confirm-yes confirm-no try-demo",
    "Look": "view show-newest next-result previous-result grid facts inspect zoom zoom-1"
    " zoom-fit zoom-in zoom-out next-image previous-image first-image last-image"
    " grid-larger grid-smaller compare-next compare-previous"
    " compare-beside compare-difference compare-blink open copy-path copy-link copy-request",
    "Queue and tasks": "queue reuse edit retry drop stop sooner later next pause more fewer"
    " clear undo delete star fold copy-as",
    "Money and settings": "money switch-key history history-filter prompts-filter layout"
    " zoom-pane",
}
"""Ids of keys by what one wants to do; all others move around."""
_MOVE = "Move around"
_PAGES = ("grid-", "viewer-", "compare-", "inspect-", "preview-")
"""How the ids of a page begin whose keys do what those of the queue do."""
_KEY_WIDTH = 14


class HelpScreen(Modal[None]):
    """Lists keys in sections; those that edit a text are one paragraph at the end."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,q",
            "dismiss",
            "Back",
            id="help-back",
            tooltip="To the previous page",
        )
    ]

    def __init__(self, bindings: Iterable[tuple[DOMNode, Binding]]) -> None:
        super().__init__()
        bindings = [(node, each) for node, each in bindings if not each.system]
        self._listed = [binding for _, binding in bindings]
        focused = bindings[0][0] if bindings else None
        self._near = [binding for node, binding in bindings if node is focused]
        """Those of what has the focus."""

    def compose(self) -> ComposeResult:
        with _Text(id="keys", classes="frame") as box:
            box.border_title = "Keys"
            for title, lines in self._sections().items():
                yield Static(Content.styled(title, "bold"), markup=False)
                yield Static(rows(lines, width=_KEY_WIDTH), markup=False)
            editing = self._editing()
            if editing:
                yield Static(Content.styled("Edit a text", "bold"), markup=False)
                yield Static(editing, markup=False)
            palette = key_text(self, "palette")
            if palette:
                yield Static(f"{palette} finds any of this by a word.", markup=False)
        yield Footer()

    def _sections(self) -> dict[str, list[tuple[str, str]]]:
        """Returns keys with what they do, by the titles of their sections."""
        sections: dict[str, dict[str, list[str]]] = {}
        sections = {title: {} for title in (*_SECTIONS, _MOVE)}
        for binding in self._listed:
            if binding.key.startswith("super+"):
                continue  # of few terminals, and there is another one
            if binding.id and binding.description:
                text = f"{binding.description}."
                if binding.tooltip:
                    text += f" {binding.tooltip}."
                lines = sections[_section(binding.id)]
                lines.setdefault(text, []).append(key_name(binding.key))
        return {
            title: [
                (" ".join(dict.fromkeys(keys)), text) for text, keys in lines.items()
            ]
            for title, lines in sections.items()
            if lines
        }

    def _editing(self) -> str:
        """Returns the keys without an id of what has the focus, in one paragraph."""
        keys: dict[str, list[str]] = {}
        for binding in self._near:
            if binding.description and not (binding.id or _is_known(binding)):
                keys.setdefault(binding.description, []).append(key_name(binding.key))
        return " · ".join(
            f"{' '.join(dict.fromkeys(names))} {text.lower()}"
            for text, names in keys.items()
        )


def _section(key_id: str) -> str:
    for prefix in _PAGES:
        bare = key_id.removeprefix(prefix)
        for title, ids in _SECTIONS.items():
            if key_id in ids.split() or bare in ids.split():
                return title
    return _MOVE


def _is_known(binding: Binding) -> bool:
    """Returns whether everyone tries this key anyway."""
    is_variant = "shift+" in binding.key or "super+" in binding.key
    is_arrow = binding.key in ("up", "down", "left", "right")
    return is_variant or is_arrow or "scroll" in binding.action


class _Text(VerticalScroll):
    """A text that scrolls by the keys of a pager, too."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll_down", "Down", show=False),
        Binding("up,k", "scroll_up", "Up", show=False),
        Binding("space", "page_down", "Page down", show=False),
        Binding("home,g", "scroll_home", "Start", show=False),
        Binding("end,G", "scroll_end", "End", show=False),
    ]
