"""What the app and the headless commands stand on, put together in one place."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tui import config, credentials, paths, prices
from tui.catalog.load import Catalog, with_own
from tui.catalog.spec import RouteName
from tui.config import Config
from tui.credentials import Credential
from tui.demo import DEMO_KEY, DEMO_URL
from tui.paths import Folders

if TYPE_CHECKING:
    from tui.service.client import Client
    from tui.tasks.engine import Engine
    from tui.tasks.state import State
    from tui.tasks.task import Task


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
    demo_delay: float = 4.0
    """Seconds that the embedded service takes for a task."""

    def with_key(self, api_key: str, source: str) -> "Session":
        """The same with another key."""
        found = self.credential
        return replace(self, credential=Credential(api_key, found.base_url, source, found.url_from, found.notes))


def prepare(*, base_url: str = "", demo: bool = False, **options: str | int | None) -> Session:
    """Read preferences and credentials; `options` override preferences where they say anything.

    Raises ConfigError or CredentialError.
    """
    preferences = config.load(paths.config_dir() / "config.toml", options)
    catalog, problems = with_own(paths.config_dir() / "models")
    if demo:
        credential = Credential(DEMO_KEY, DEMO_URL, "embedded service", "embedded service")
    else:
        credential = credentials.find(base_url)
    folders = paths.folders(preferences.output, demo=demo)
    catalog = prices.apply(catalog, prices.kept(folders.cache, credential.base_url))
    return Session(preferences, credential, folders, catalog, problems, demo)


def open_client(session: Session) -> "Client":
    """The connection alone."""
    from tui.service.client import Client

    transport = None
    if session.demo:
        from tui.demo.transport import in_process

        transport = in_process(session.catalog, session.demo_delay)
    return Client(session.credential.base_url, session.credential.api_key, transport)


def open_engine(
    session: Session,
    *,
    tries: int | None = None,
    on_change: Callable[["Task"], None] = lambda task: None,
    on_route: Callable[[RouteName], None] = lambda route: None,
    on_state: Callable[["State"], None] = lambda state: None,
) -> "Engine":
    """Open the queue file and the connection. Blocks for a moment: call it in a thread. Raises StoreError."""
    from tui.tasks.engine import Engine
    from tui.tasks.patience import poll_pause
    from tui.tasks.store import Store

    pace = session.config.poll_seconds / poll_pause(1)
    return Engine(
        Store(session.folders.queue),
        open_client(session),
        session.catalog,
        out_dir=session.folders.output,
        api=session.config.api,
        concurrency=session.config.concurrency,
        pause=lambda age: poll_pause(age) * pace,
        quiet_after=session.config.quiet_minutes * 60,
        name=session.config.name,
        embed=session.config.embed,
        tries=tries,
        on_change=on_change,
        on_route=on_route,
        on_state=on_state,
    )
