"""What the app and the headless commands stand on, put together in one place."""

import asyncio
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import structs

from tui import paths
from tui.catalog.load import Catalog, with_own
from tui.demo import DEMO_KEY, DEMO_URL
from tui.paths import Folders, PlaceError
from tui.service.wire import canonical
from tui.settings import config, credentials
from tui.settings.config import Config, ConfigError, Profile
from tui.settings.credentials import Credential
from tui.spending import quotes
from tui.tasks.task import NO_PROFILE
from tui.text import money, one_line

if TYPE_CHECKING:
    from tui.service.client import Client
    from tui.tasks.engine import Engine
    from tui.tasks.options import EngineListener

ASK_FOR = 15.0
"""Seconds that the service has to say whose key it is."""


@dataclass(frozen=True)
class Session:
    """What was asked for and what was found. Cheap: nothing is opened, nothing is sent."""

    config: Config
    credential: Credential
    folders: Folders
    catalog: Catalog
    problems: tuple[str, ...] = ()
    """The user's own family files that can't be used, a sentence each."""
    demo: bool = False
    profile: str = ""
    """Whose key, base URL and image folder these are, by the preferences; empty: no
    profile's.
    """
    options: Mapping[str, Any] = field(default_factory=dict)
    """What `prepare` was called with."""
    demo_delay: float = 4.0
    """Seconds that the embedded service takes for a task."""

    def with_key(self, api_key: str, source: str) -> "Session":
        """The same with another key."""
        return replace(
            self,
            credential=structs.replace(
                self.credential, api_key=api_key, key_from=source
            ),
        )

    def of_source(self, source: str) -> "Session":
        """The same with the key of a source, as `credentials.everything` names them.
        Raises CredentialError.
        """
        return replace(
            self,
            credential=_credential(str(self.options["base_url"]), self.config, source),
        )

    def of_profile(self, name: str) -> "Session":
        """Started anew with another profile. Raises ConfigError or CredentialError."""
        return prepare(
            **{**self.options, "profile": name}
            | ({} if name == NO_PROFILE else {"base_url": ""})
        )

    def again(self) -> "Session":
        """As the next start finds it, with the same profile. Raises ConfigError or
        CredentialError.
        """
        return prepare(**{**self.options, "profile": self.profile or NO_PROFILE})

    @property
    def place(self) -> str:
        """Where tasks go, for people."""
        if self.demo:
            return "demo: embedded service, play money"
        return (
            f"{self.profile} · {self.credential.base_url}"
            if self.profile
            else self.credential.base_url
        )

    def command(
        self, words: str, *, base_url: str = "", profile: str | None = None
    ) -> str:
        """A command line of this program, with the options that lead to the same queue,
        service and profile.

        `base_url` and `profile` are those of the tasks that it is for; without them,
        those in force.
        """
        options: list[str] = []
        if self.demo:
            options.append("--demo")
        else:
            here = canonical(self.credential.base_url)
            named = self.profile if profile is None else profile
            if named != self.profile or self.options.get("profile"):
                options += ["--profile", named or NO_PROFILE]
            usual = here
            if named != self.profile:
                own = self.config.profiles.get(named, Profile()).base_url
                usual = canonical(own) if own else ""
            wanted = base_url or here
            if wanted != usual or self.options.get("base_url"):
                options += ["--base-url", wanted]
        return " ".join(["runapi-tui", words, *map(shlex.quote, options)])

    @property
    def saves_key(self) -> bool:
        """Whether a key belongs into RunAPI's own file: not where a profile takes it
        from elsewhere.
        """
        return self.config.profiles.get(self.profile, Profile()).key in ("", "runapi")


def prepare(*, base_url: str = "", demo: bool = False, **options: Any) -> Session:
    """Read preferences and credentials; `options` override preferences where they say
    anything.

    Raises ConfigError or CredentialError.
    """
    own = _config_dir()
    preferences = config.load(own / "config.toml", options)
    catalog, problems = with_own(own / "models")
    if demo:
        credential = Credential(
            DEMO_KEY, DEMO_URL, "embedded service", "embedded service"
        )
    else:
        credential = _credential(base_url, preferences)
    folders = _folders(preferences, demo)
    catalog = quotes.apply(catalog, quotes.load(folders.cache, credential.base_url))
    profile = "" if demo else preferences.named
    asked = {"base_url": base_url, **options}
    return Session(
        preferences, credential, folders, catalog, problems, demo, profile, asked
    )


def _config_dir() -> Path:
    try:
        return paths.config_dir()
    except PlaceError as error:
        raise ConfigError(str(error)) from error


def _folders(preferences: Config, demo: bool) -> Folders:
    try:
        return paths.folders(preferences.output, demo=demo)
    except PlaceError as error:
        raise ConfigError(str(error)) from error


def _credential(base_url: str, preferences: Config, source: str = "") -> Credential:
    profile = preferences.profiles.get(preferences.named, Profile())
    env: Mapping[str, str] = os.environ
    variable = "" if source else profile.key.partition(":")[2]
    if variable:
        source, env = "environment", {**env, "RUNAPI_API_KEY": env.get(variable, "")}
    found = credentials.find(base_url or profile.base_url, env, source or profile.key)
    url_from = (
        f"profile {preferences.named}"
        if profile.base_url and not base_url
        else found.url_from
    )
    notes = (
        (f"{variable} is not set.",) if variable and not found.api_key else found.notes
    )
    return structs.replace(
        found, key_from=variable or found.key_from, url_from=url_from, notes=notes
    )


async def account(session: Session) -> str:
    """Whose key it is and what is left, asked live: `Acme, me@example.org: balance
    $12.34`. Raises ServiceError.
    """
    from tui.service.client import Client
    from tui.service.errors import NetworkError

    found = session.credential
    client = await asyncio.to_thread(Client, found.base_url, found.api_key)
    try:
        async with asyncio.timeout(ASK_FOR):
            me, left = await client.me(), await client.balance_micro()
    except TimeoutError as error:
        raise NetworkError(f"{found.base_url} did not answer in time.") from error
    finally:
        await client.aclose()
    within = me.get("account")
    names = [
        within.get("name") if isinstance(within, dict) else "",
        me.get("email") or me.get("name"),
    ]
    told = ", ".join(
        one_line(name, 60) for name in names if isinstance(name, str) and name.strip()
    )
    return f"{told or 'The key was taken'}: balance {money(left)}"


def open_client(session: Session) -> "Client":
    """The connection alone."""
    from tui.service.client import Client

    transport = None
    if session.demo:
        from tui.demo.transport import in_process

        transport = in_process(
            session.catalog, session.demo_delay, session.folders.state / "service.db"
        )
    return Client(session.credential.base_url, session.credential.api_key, transport)


def open_engine(
    session: Session,
    listener: "EngineListener | None" = None,
    *,
    tries: int | None = None,
) -> "Engine":
    """Open the queue file and the connection. Blocks for a moment: call it in a thread.
    Raises StoreError.
    """
    from tui.tasks.engine import Engine
    from tui.tasks.options import EngineOptions
    from tui.tasks.retry import poll_pause
    from tui.tasks.store import Store

    settings = session.config
    pace = settings.poll_seconds / poll_pause(1)
    options = EngineOptions(
        out_dir=session.folders.output,
        profile=session.profile,
        api=settings.api,
        concurrency=settings.concurrency,
        pause=lambda age: poll_pause(age) * pace,
        quiet_after=settings.quiet_minutes * 60,
        longest_wait=settings.timeout,
        name=settings.name,
        embed=settings.embed,
        tries=tries,
    )
    store = Store(session.folders.queue)
    return Engine(store, open_client(session), session.catalog, options, listener)
