"""Which key is used: one that was found, a profile's, or one that is pasted. Each is
tried before it is taken.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.screens.detached import run_detached
from tui.session import Session, account
from tui.settings.config import ConfigError, Profile
from tui.settings.credentials import CredentialError, runapi_config, valid_key
from tui.settings.keyfiles.files import shown
from tui.settings.keyfiles.found import FoundKey
from tui.tasks.task import NO_PROFILE
from tui.text import mask, one_line
from tui.widgets.footer import Footer

KEYS_PAGE = "https://runapi.ai/api_keys"


class SetupScreen(Screen[None]):
    """Asks for an API key or a profile: the first page where there is no key, later one
    over the main page.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "f2",
            "demo",
            "Try the demo",
            id="try-demo",
            tooltip="The embedded service: no key, no cost",
        ),
        Binding("escape", "quit", "Quit", id="setup-quit", tooltip="Nothing is saved"),
        Binding(
            "escape", "back", "Back", id="setup-back", tooltip="Leave the key as it was"
        ),
        Binding("up", "app.focus_previous", "Up", id="setup-up", show=False),
        Binding("down", "app.focus_next", "Down", id="setup-down", show=False),
    ]
    AUTO_FOCUS = "#key"

    @dataclass
    class KeyChosen(Message):
        """The user wants to continue with this session."""

        session: Session
        pasted: bool
        """Whether the key was pasted, and is to be saved."""
        summary: str
        """Whose key it is, as a sentence."""

    class DemoRequested(Message):
        """The user wants to try the embedded service."""

    def __init__(
        self,
        session: Session,
        found: Sequence[FoundKey],
        notes: Sequence[str],
        *,
        first: bool,
    ) -> None:
        super().__init__()
        self._session = session
        self._notes = list(dict.fromkeys((*session.credential.notes, *notes)))
        self._first = first
        self._choices = [*self._keys(found), *self._profiles()]
        self._untried: tuple[Session, bool] | None = None
        self._problem = Static(id="setup-problem", markup=False)

    def _keys(
        self, found: Sequence[FoundKey]
    ) -> Iterator[tuple[str, Callable[[], Session]]]:
        here = self._session.credential
        for key in found:
            used = (
                " (in use)"
                if (key.source, key.api_key) == (here.key_from, here.api_key)
                else ""
            )
            yield (
                f"{mask(key.api_key)}  {key.source}{used}",
                partial(self._session.with_key_from, key.source),
            )

    def _profiles(self) -> Iterator[tuple[str, Callable[[], Session]]]:
        profiles, here = (
            self._session.config.profiles,
            self._session.profile or NO_PROFILE,
        )
        for name in (*profiles, NO_PROFILE) if profiles else ():
            profile = profiles.get(name, Profile())
            used = " (in use)" if name == here else ""
            yield (
                f"profile {name}{used}  {profile.base_url}  {profile.key}",
                partial(self._session.with_profile, name),
            )

    def compose(self) -> ComposeResult:
        session = self._session
        key = Input(placeholder="runapi_…", password=True, id="key")
        key.cursor_blink = False
        keeps = (
            f"It is saved in {shown(runapi_config())}, for you alone, where RunAPI's"
            " own tools find it,"
        )
        if not session.saves_key:
            keeps = (
                f"It is used until you quit, for profile {session.profile} takes its"
                " key from elsewhere,"
            )
        with VerticalScroll(id="setup", can_focus=False) as box:
            box.border_title = (
                "Welcome to runapi-tui" if self._first else "Key and profile"
            )
            yield Static(Content("\n".join((self._told(), *self._notes))))
            if self._choices:
                yield OptionList(
                    *(Option(Content(one_line(label))) for label, _ in self._choices)
                )
            yield Static(Content(f"Get a key at {KEYS_PAGE} and paste it here:"))
            yield key
            yield self._problem
            yield Static(
                Content(f"{keeps} and sent to {session.credential.base_url} alone."),
                classes="quiet",
            )
            with Horizontal():
                yield Button("Try and take it", id="take", compact=True)
                yield Button("Go on anyway", id="anyway", compact=True)
                yield Button("Try the demo", id="demo", compact=True)
        yield Footer(show_command_palette=False, compact=True)

    def _told(self) -> str:
        if not self._first:
            return (
                "Tasks on their way go on with another key of the same account; a"
                " profile carries its own alone."
            )
        here = (
            f"Profile {self._session.profile} has no API key."
            if self._session.profile
            else ""
        )
        nowhere = (
            "No API key was found in RUNAPI_API_KEY, RunAPI's own file, or OpenClaw's"
            " and Hermes' settings."
        )
        return f"Images are made by RunAPI, and each one costs money. {here or nowhere}"

    def on_mount(self) -> None:
        self.query_one("#anyway").display = False
        self.query_one("#demo").display = self._first

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return {"demo": self._first, "quit": self._first, "back": not self._first}.get(
            action, True
        )

    def show_problem(self, problem: str) -> None:
        self._problem.update(problem)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        try:
            wanted = self._choices[event.option_index][1]()
        except (ConfigError, CredentialError) as error:
            self.show_problem(str(error))
        else:
            self._try(wanted)

    @on(Input.Submitted)
    @on(Button.Pressed, "#take")
    def _pasted(self) -> None:
        try:
            key = valid_key(self.query_one("#key", Input).value)
        except ValueError as error:
            self.show_problem(str(error))
        else:
            source = (
                str(runapi_config()) if self._session.saves_key else "what was pasted"
            )
            self._try(self._session.with_key(key, source), pasted=True)

    @work(group="try", exclusive=True, exit_on_error=False)
    async def _try(self, wanted: Session, *, pasted: bool = False) -> None:
        """Whether the service takes the key; only that origin sees it."""
        from tui.service.errors import AuthenticationError, ServiceError

        place = wanted.credential.base_url
        self._offer(None)
        # What is pasted next takes its place
        self.query_one("#key", Input).action_select_all()
        self.show_problem(f"Asking {place} whose key this is …")
        try:
            if not wanted.credential.api_key:
                raise AuthenticationError(
                    " ".join(wanted.credential.notes) or "There is no key."
                )
            summary = await run_detached(account(wanted))
        except AuthenticationError as error:
            self.show_problem(f"{error} Nothing was changed.")
        except ServiceError as error:
            self.show_problem(f"{error} So the key could not be tried.")
            self._offer((wanted, pasted))
        else:
            self.post_message(self.KeyChosen(wanted, pasted, summary))

    def _offer(self, untried: tuple[Session, bool] | None) -> None:
        """To go on with a key that nobody could ask about."""
        self._untried = untried
        anyway = self.query_one("#anyway", Button)
        anyway.display = untried is not None
        if untried:
            anyway.focus()

    @on(Button.Pressed, "#anyway")
    def _anyway(self) -> None:
        if self._untried:
            self.post_message(
                self.KeyChosen(*self._untried, "The key was not tried yet.")
            )

    @on(Button.Pressed, "#demo")
    def action_demo(self) -> None:
        self.post_message(self.DemoRequested())

    def action_back(self) -> None:
        if self.is_current:
            self.dismiss()

    def action_quit(self) -> None:
        self.app.exit()
