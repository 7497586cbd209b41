"""No key was found: paste one, or try the demo."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Button, Footer, Input, Static

from tui.credentials import Credential, usable

KEYS_PAGE = "https://runapi.ai/api_keys"


class SetupScreen(Screen[None]):
    """Asks for an API key."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "demo", "Try the demo", id="try-demo", tooltip="The embedded service: no key, no cost"),
        Binding("escape", "app.quit", "Quit", id="setup-quit"),
    ]

    class KeyGiven(Message):
        """The user pasted a key."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    class DemoWanted(Message):
        """The user wants to try the embedded service."""

    def __init__(self, credential: Credential, saved_in: str) -> None:
        super().__init__()
        self._credential = credential
        self._saved_in = saved_in
        self._problem = Static(id="setup-problem", markup=False)

    def compose(self) -> ComposeResult:
        key = Input(placeholder="runapi_…", password=True, id="key")
        key.cursor_blink = False
        notes = "".join(f"\n{note}" for note in self._credential.notes)
        with Vertical(id="setup") as box:
            box.border_title = "Welcome to runapi-tui"
            yield Static(
                Content(
                    "Images are made by RunAPI, and each one costs money.\n"
                    f"No API key was found in RUNAPI_API_KEY or {self._saved_in}.{notes}\n\n"
                    f"Get one at {KEYS_PAGE} and paste it here:"
                )
            )
            yield key
            yield self._problem
            yield Static(
                Content(f"It is saved in {self._saved_in}, for you alone, where RunAPI's own tools find it."),
                classes="quiet",
            )
            with Horizontal():
                yield Button("Save and start", id="save", variant="primary")
                yield Button("Try the demo", id="demo")
        yield Footer(show_command_palette=False, compact=True)

    def say(self, problem: str) -> None:
        self._problem.update(problem)

    @on(Input.Submitted)
    @on(Button.Pressed, "#save")
    def _save(self) -> None:
        try:
            self.post_message(self.KeyGiven(usable(self.query_one("#key", Input).value)))
        except ValueError as error:
            self.say(str(error))

    @on(Button.Pressed, "#demo")
    def action_demo(self) -> None:
        self.post_message(self.DemoWanted())
