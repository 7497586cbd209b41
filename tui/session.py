"""A session: settings, key, folders and catalog, for the app and the commands."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import structs

from tui import paths
from tui.demo import DEMO_KEY, DEMO_URL
from tui.paths import Folders, PlaceError
from tui.service.base_url import canonical
from tui.settings import config, credentials
from tui.settings.config import Config, ConfigError, Profile
from tui.settings.credentials import Credential
from tui.system import environment, shell
from tui.tasks.task import NO_PROFILE
from tui.text import dollars

if TYPE_CHECKING:
    from tui.catalog.load import Catalog
    from tui.service.client import Client
    from tui.tasks.engine import Engine
    from tui.tasks.options import EngineListener

ASK_FOR = 15.0
"""Seconds to wait for the service to say whose key it is."""


@dataclass(frozen=True)
class Session:
    """The settings of one run. Opens nothing and sends nothing.

    The catalog is read when it is first asked for.
    """

    config: Config
    credential: Credential
    folders: Folders
    own_models: Path
    """The folder of the user's own family files."""
    demo: bool = False
    profile: str = ""
    """The profile whose key, base URL and image folder these are; empty: none."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The arguments of `prepare`."""
    demo_delay: float = 4.0
    """Seconds that the embedded service takes for a task."""

    def __post_init__(self) -> None:
        """Keeps this key, and those of the profiles, from all other programs."""
        environment.hide_secret(self.credential.api_key)
        for profile in self.config.profiles.values():
            kind, _, variable = profile.key.partition(":")
            if kind == "env":
                environment.hide_variable(variable)

    @property
    def catalog(self) -> "Catalog":
        """The bundled models and the user's own, with the latest prices."""
        return self._catalog_and_problems[0]

    @property
    def problems(self) -> tuple[str, ...]:
        """Why some of the user's own family files can't be used, one sentence each."""
        return self._catalog_and_problems[1]

    def read_catalog(self) -> None:
        """Read the catalog now, for those who can't wait for the disk later."""
        _ = self._catalog_and_problems

    @cached_property
    def _catalog_and_problems(self) -> "tuple[Catalog, tuple[str, ...]]":
        from tui.catalog.load import with_user_families
        from tui.spending import quotes

        catalog, problems = with_user_families(self.own_models, self.folders.cache)
        prices = quotes.load(self.folders.cache, self.credential.base_url)
        return quotes.apply(catalog, prices), problems

    def with_key(self, api_key: str, source: str) -> "Session":
        """Return the same session with a key of the user's own.

        It is never sent where another tool's settings say. Raises CredentialError.
        """
        own = _credential(str(self.options["base_url"]), self.config, "runapi")
        credential = structs.replace(own, api_key=api_key, key_from=source, notes=())
        return replace(self, credential=credential)

    def with_key_from(self, source: str) -> "Session":
        """Return the same session with the key of a source of `credentials.find_all`.

        Raises CredentialError.
        """
        base_url = str(self.options["base_url"])
        return replace(self, credential=_credential(base_url, self.config, source))

    def with_profile(self, name: str) -> "Session":
        """Return a session as started with another profile.

        Raises ConfigError or CredentialError.
        """
        options = {**self.options, "profile": name}
        if name != NO_PROFILE:
            options["base_url"] = ""
        return prepare(**options)

    def reload(self) -> "Session":
        """Return the session of a start at this moment, with the same profile.

        Raises ConfigError or CredentialError.
        """
        return prepare(**{**self.options, "profile": self.profile or NO_PROFILE})

    @property
    def place(self) -> str:
        """Where tasks go, for people."""
        if self.demo:
            return "demo: embedded service, play money"
        if self.profile:
            return f"{self.profile} · {self.credential.base_url}"
        return self.credential.base_url

    def command(
        self, words: str, *, base_url: str = "", profile: str | None = None
    ) -> str:
        """Return a command line with the options for the same queue and service.

        `base_url` and `profile` are those of the tasks that it is for; without them,
        those of this session.
        """
        if self.demo:
            return f"runapi-tui {words} --demo"
        here = canonical(self.credential.base_url)
        name = self.profile if profile is None else profile
        options: list[str] = []
        if name != self.profile or self.options.get("profile"):
            options += ["--profile", name or NO_PROFILE]
        default = here
        if name != self.profile:
            own = self.config.profiles.get(name, Profile()).base_url
            default = canonical(own) if own else ""
        wanted = base_url or here
        if wanted != default or self.options.get("base_url"):
            options += ["--base-url", wanted]
        return " ".join(["runapi-tui", words, *map(shell.word, options)])

    @property
    def saves_key(self) -> bool:
        """Whether to save a key in RunAPI's own file: a profile may have another source."""
        return self.config.profiles.get(self.profile, Profile()).key in ("", "runapi")


def prepare(*, base_url: str = "", demo: bool = False, **options: Any) -> Session:
    """Read preferences and credentials; `options` that are set override preferences.

    Raises ConfigError or CredentialError.
    """
    own = _config_dir()
    preferences = config.load(own / "config.toml", options)
    if demo:
        credential = Credential(
            DEMO_KEY, DEMO_URL, "embedded service", "embedded service"
        )
    else:
        credential = _credential(base_url, preferences)
    folders = _folders(preferences, demo)
    profile = "" if demo else preferences.profile_in_use
    asked = {"base_url": base_url, **options}
    return Session(
        preferences, credential, folders, own / "models", demo, profile, asked
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
    profile = preferences.profiles.get(preferences.profile_in_use, Profile())
    env: Mapping[str, str] = os.environ
    variable = "" if source else profile.key.partition(":")[2]
    if variable:
        source = "environment"
        env = {**env, "RUNAPI_API_KEY": env.get(variable, "")}
    found = credentials.find(base_url or profile.base_url, env, source or profile.key)
    url_from = found.url_from
    if profile.base_url and not base_url:
        url_from = f"profile {preferences.profile_in_use}"
    notes = found.notes
    if variable and not found.api_key:
        notes = (f"{variable} is not set.",)
    return structs.replace(
        found, key_from=variable or found.key_from, url_from=url_from, notes=notes
    )


async def account(session: Session) -> str:
    """Ask whose key it is: `Acme, me@example.org: balance $12.34`. Raises ServiceError."""
    import asyncio

    from tui.service.account import read_owner
    from tui.service.client import Client
    from tui.service.errors import NetworkError

    found = session.credential
    client = await asyncio.to_thread(Client, found.base_url, found.api_key)
    try:
        async with asyncio.timeout(ASK_FOR):
            owner = read_owner(await client.me())
            balance = await client.balance_micro()
    except TimeoutError as error:
        raise NetworkError(f"{found.base_url} did not answer in time.") from error
    finally:
        await client.aclose()
    if not str(owner):
        return f"The key was accepted: balance {dollars(balance)}"
    return f"{owner}: balance {dollars(balance)}"


def open_client(session: Session) -> "Client":
    """Open the connection to the service, or to the embedded one."""
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
    """Open the queue file and the connection. Blocks: call it in a thread.

    `tries` is how often a failing request is repeated; None: without end. Raises
    StoreError.
    """
    from tui.spending import ceilings
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
        undo_send=settings.undo_send if tries is None else 0,
        ceilings=ceilings.of(settings),
    )
    store = Store(session.folders.queue)
    return Engine(store, open_client(session), session.catalog, options, listener)
