"""The keys in force here, read from the bindings themselves."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.widgets.rows import rows


class HelpScreen(ModalScreen[None]):
    """Every key that works where help was asked for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q", "dismiss", "Back", show=False)
    ]

    def __init__(self, bindings: list[ActiveBinding]) -> None:
        super().__init__()
        self._active = bindings

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="keys") as box:
            box.border_title = "Keys"
            box.border_subtitle = "escape closes"
            yield Static(rows(self._lines()))

    def _lines(self) -> list[tuple[str, str]]:
        """Ours first, then those that come with what has the focus; scrolling goes
        without saying.
        """
        told: dict[str, list[str]] = {}
        for active in sorted(
            self._active, key=lambda active: active.binding.id is None
        ):
            binding = active.binding
            if (
                binding.description
                and not binding.system
                and "scroll" not in binding.action
            ):
                text = (
                    f"{binding.description}. {active.tooltip}."
                    if active.tooltip
                    else f"{binding.description}."
                )
                told.setdefault(text, []).append(self.app.get_key_display(binding))
        return [(" ".join(dict.fromkeys(keys)), text) for text, keys in told.items()]
