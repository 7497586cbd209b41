"""The page for the API key: one that was found, a profile's, or one that is pasted.

Each is checked with the service before it is used.
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
from tui.settings.credentials import (
    CredentialError,
    confirm,
    runapi_config,
)
from tui.settings.key_text import valid_key
from tui.settings.keyfiles.files import shown
from tui.settings.keyfiles.found import FoundKey
from tui.tasks.task import NO_PROFILE
from tui.text import mask, one_line
from tui.widgets.footer import Footer

KEYS_PAGE = "https://runapi.ai/api_keys"


class SetupScreen(Screen[None]):
    """Asks for an API key or a profile.

    It is the first page where there is no key, and later a page over the main one.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "f2",
            "demo",
            "Try the demo",
            id="try-demo",
            tooltip="Use the built-in service: no key, no cost",
        ),
        Binding("escape", "quit", "Quit", id="setup-quit", tooltip="Nothing is saved"),
        Binding(
            "escape", "back", "Back", id="setup-back", tooltip="Keep the current key"
        ),
        Binding("pageup", "scroll_text(-1)", "Page up", show=False),
        Binding("pagedown", "scroll_text(1)", "Page down", show=False),
        Binding("up", "app.focus_previous", "Up", id="setup-up", show=False),
        Binding("down", "app.focus_next", "Down", id="setup-down", show=False),
    ]
    AUTO_FOCUS = "#key"

    @dataclass
    class KeyChosen(Message):
        """The user wants to continue with this session."""

        session: Session
        pasted: bool
        """Whether the key was pasted, not found; such a key is saved."""
        summary: str
        """Whose key it is, as a sentence."""

    class DemoRequested(Message):
        """The user wants to try the built-in service."""

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
        self._found = found
        self._choices = [*self._keys(found), *self._profiles()]
        self._unchecked: tuple[Session, bool] | None = None
        self._problem = Static(id="setup-problem", markup=False)

    def _keys(
        self, found: Sequence[FoundKey]
    ) -> Iterator[tuple[str, Callable[[], Session]]]:
        """Yields a label for each key that was found, and what makes its session."""
        current = self._session.credential
        for key in found:
            label = f"{mask(key.api_key)}  {key.source}"
            if key.source == current.key_from and key.api_key == current.api_key:
                label += " (in use)"
            elif key.asks_first:
                label += f"  for {key.base_url}"
            yield label, partial(self._session.with_key_from, key.source)

    def _profiles(self) -> Iterator[tuple[str, Callable[[], Session]]]:
        """Yields a label for each profile, and what makes its session."""
        profiles = self._session.config.profiles
        if not profiles:
            return
        current = self._session.profile or NO_PROFILE
        for name in (*profiles, NO_PROFILE):
            profile = profiles.get(name, Profile())
            used = " (in use)" if name == current else ""
            label = f"profile {name}{used}  {profile.base_url}  {profile.key}"
            yield label, partial(self._session.with_profile, name)

    def compose(self) -> ComposeResult:
        key = Input(placeholder="runapi_…", password=True, id="key")
        key.cursor_blink = False
        title = "Welcome to runapi-tui" if self._first else "Key and profile"
        with VerticalScroll(id="setup", classes="frame", can_focus=False) as box:
            box.border_title = Content(title)
            yield Static("\n".join((self._introduction(), *self._notes)), markup=False)
            if self._choices:
                yield OptionList(
                    *(Option(Content(one_line(label))) for label, _ in self._choices),
                    markup=False,
                )
            yield Static(f"Get a key at {KEYS_PAGE} and paste it here:", markup=False)
            yield key
            yield self._problem
            yield Static(self._use_of_key(), classes="quiet", markup=False)
            with Horizontal():
                yield Button("Check and use", id="check", compact=True)
                yield Button("Use anyway", id="anyway", compact=True)
                yield Button("Try the demo", id="demo", compact=True)
        yield Footer()

    def _introduction(self) -> str:
        if not self._first:
            return (
                "Open tasks continue with another key of the same account. A profile"
                " continues only its own tasks."
            )
        if self._session.profile:
            return (
                "RunAPI makes the images, and each one costs money."
                f" Profile {self._session.profile} has no API key."
            )
        return (
            "RunAPI makes the images, and each one costs money. No API key was found"
            " in RUNAPI_API_KEY, RunAPI's own file, or the settings of OpenClaw and"
            " Hermes."
        )

    def _use_of_key(self) -> str:
        """Describes where a pasted key is saved, and who receives it."""
        try:
            base_url = self._session.with_key("", "").credential.base_url
        except CredentialError as error:
            return str(error)
        if self._session.saves_key:
            return (
                f"The key is saved in {shown(runapi_config())}, where RunAPI's own"
                " tools find it and only you can read it. It is sent only to"
                f" {base_url}."
            )
        return (
            f"The key is used until you quit, because profile {self._session.profile}"
            f" takes its key from elsewhere. It is sent only to {base_url}."
        )

    def on_mount(self) -> None:
        self.query_one("#anyway").display = False
        self.query_one("#demo").display = self._first

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("demo", "quit"):
            return self._first
        return action != "back" or not self._first

    def show_problem(self, problem: str) -> None:
        self._problem.update(problem)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        _, open_session = self._choices[event.option_index]
        session = self._opened(open_session)
        key = self._found[event.option_index : event.option_index + 1]
        if session and not session.credential.api_key and key and key[0].asks_first:
            self._ask_about(key[0], open_session)
        elif session:
            self._check(session)

    def _opened(self, open_session: Callable[[], Session]) -> Session | None:
        try:
            return open_session()
        except (ConfigError, CredentialError) as error:
            self.show_problem(str(error))
            return None

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def _ask_about(
        self, key: FoundKey, open_session: Callable[[], Session]
    ) -> None:
        """Asks once whether another tool's settings may name where a key is sent."""
        from tui.screens.confirm import ConfirmScreen

        question = (
            f"{key.source} sends its key to {one_line(key.base_url, 200)}. That is not"
            " RunAPI. Send the key there, and remember it for this file?"
        )
        if not await self.app.push_screen_wait(ConfirmScreen(question, "Send the key")):
            self.show_problem("Nothing was sent, and nothing was changed.")
            return
        try:
            confirm(key)
        except CredentialError as error:
            self.show_problem(str(error))
            return
        session = self._opened(open_session)
        if session:
            self._check(session)

    @on(Input.Submitted)
    @on(Button.Pressed, "#check")
    def _pasted(self) -> None:
        try:
            key = valid_key(self.query_one("#key", Input).value)
        except ValueError as error:
            self.show_problem(str(error))
            return
        saves = self._session.saves_key
        source = str(runapi_config()) if saves else "what was pasted"
        session = self._opened(lambda: self._session.with_key(key, source))
        if session:
            self._check(session, pasted=True)

    @work(group="check", exclusive=True, exit_on_error=False)
    async def _check(self, session: Session, *, pasted: bool = False) -> None:
        """Asks the service whose key this is, and uses it; no other host sees it."""
        from tui.service.errors import AuthenticationError, ServiceError

        credential = session.credential
        self._set_unchecked(None)
        # The next paste replaces the key.
        self.query_one("#key", Input).action_select_all()
        self.show_problem(f"Checking the key with {credential.base_url} …")
        try:
            if not credential.api_key:
                notes = " ".join(credential.notes)
                raise AuthenticationError(notes or "There is no API key.")
            summary = await run_detached(account(session))
        except AuthenticationError as error:
            self.show_problem(f"{error} Nothing was changed.")
        except ServiceError as error:
            self.show_problem(
                f"{error} The key wasn't checked. Press enter to use it anyway."
            )
            self._set_unchecked((session, pasted))
        else:
            self.post_message(self.KeyChosen(session, pasted, summary))

    def _set_unchecked(self, unchecked: tuple[Session, bool] | None) -> None:
        """Lets the user continue with a key that couldn't be checked, or no longer."""
        self._unchecked = unchecked
        anyway = self.query_one("#anyway", Button)
        anyway.display = unchecked is not None
        if unchecked:
            anyway.focus()

    @on(Button.Pressed, "#anyway")
    def _use_unchecked(self) -> None:
        if self._unchecked:
            session, pasted = self._unchecked
            summary = "The key is in use. It wasn't checked."
            self.post_message(self.KeyChosen(session, pasted, summary))

    @on(Button.Pressed, "#demo")
    def action_demo(self) -> None:
        self.post_message(self.DemoRequested())

    def action_scroll_text(self, pages: int) -> None:
        """Scrolls texts that are longer than the screen."""
        box = self.query_one("#setup")
        box.scroll_relative(y=pages * max(1, box.size.height - 1), animate=False)

    def action_back(self) -> None:
        if self.is_current:
            self.dismiss()

    def action_quit(self) -> None:
        self.app.exit()
