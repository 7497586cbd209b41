"""The help page: the keys that work on the current page, read from its bindings."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.widgets.rows import rows


class HelpScreen(ModalScreen[None]):
    """Lists the keys that work where help was opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q", "dismiss", "Back", show=False)
    ]

    def __init__(self, bindings: list[ActiveBinding]) -> None:
        super().__init__()
        self._active = bindings

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="keys", classes="frame") as box:
            box.border_title = "Keys"
            box.border_subtitle = "escape closes"
            yield Static(rows(self._lines()), markup=False)

    def _lines(self) -> list[tuple[str, str]]:
        """Returns keys with their descriptions, those of this program first.

        Scrolling is left out: everyone tries those keys.
        """
        keys: dict[str, list[str]] = {}
        for active in sorted(self._active, key=lambda item: item.binding.id is None):
            binding = active.binding
            if not binding.description or binding.system or "scroll" in binding.action:
                continue
            text = f"{binding.description}."
            if active.tooltip:
                text += f" {active.tooltip}."
            keys.setdefault(text, []).append(self.app.get_key_display(binding))
        return [(" ".join(dict.fromkeys(names)), text) for text, names in keys.items()]
