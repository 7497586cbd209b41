"""What an engine is told once, and whom it tells of changes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tui.catalog.route import Api
from tui.tasks import naming
from tui.tasks.ceilings import NONE, Ceilings
from tui.tasks.engine_state import EngineState
from tui.tasks.retry import poll_pause
from tui.tasks.task import Task

LONGEST_WAIT = 3600.0
"""Seconds for which a command watches a task without an end before it is set aside, and
the app one whose status makes no sense; unless the user wishes otherwise.
"""


@dataclass(frozen=True)
class EngineOptions:
    """The settings of one engine: a new one is named here and read from the preferences
    in `session.open_engine`.
    """

    out_dir: Path
    """Where images are saved."""
    profile: str = ""
    """Whose tasks the engine works for; empty: no profile's."""
    api: Api = "auto"
    concurrency: int = 8
    """Tasks at the service at once."""
    pause: Callable[[float], float] = poll_pause
    """Seconds until the next poll, by the seconds since a task was sent."""
    quiet_after: float = 600.0
    """Seconds without news after which a task is marked."""
    longest_wait: float = LONGEST_WAIT
    """Seconds without an end after which a task is set aside."""
    name: str = naming.DEFAULT
    """The pattern of the images' file names."""
    embed: bool = False
    """Whether images say what made them."""
    ceilings: Ceilings = NONE
    """What a job and a day may cost; tasks that would pass it are not sent."""
    undo_send: float = 0
    """Seconds for which a new task waits, so that it can be taken back."""
    tries: int | None = None
    """How often a failing request is repeated; None: for as long as it takes."""


def _ignore(change: object) -> None:
    """Ignores a change."""


@dataclass(frozen=True)
class EngineListener:
    """Functions that are called on the event loop."""

    on_change: Callable[[Task], None] = _ignore
    """Gets every snapshot of a task after it has been written to disk."""
    on_state: Callable[[EngineState], None] = _ignore
