"""Past prompts, also those of failed and dropped tasks, to be used again."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.text import one_line


class PromptPicker(ModalScreen[str | None]):
    """Answers the chosen prompt, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Back", show=False)]

    def __init__(self, prompts: list[str]) -> None:
        super().__init__()
        self._prompts = prompts

    def compose(self) -> ComposeResult:
        with Vertical(id="prompts") as box:
            box.border_title = "Past prompts"
            if self._prompts:
                yield OptionList(*(Option(Content(one_line(prompt, 500))) for prompt in self._prompts))
            else:
                yield OptionList(Option("Nothing was submitted yet.", disabled=True))

    @on(OptionList.OptionSelected)
    def _picked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._prompts[event.option_index])
