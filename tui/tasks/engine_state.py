"""What holds for all tasks of an engine."""

from typing import NamedTuple

from tui.catalog.spec import RouteName


class EngineState(NamedTuple):
    """As it is just now."""

    paused: bool = False
    limit: int = 0
    """So many at the service at once."""
    offline: bool = False
    refused: bool = False
    """The key was refused, and no other one taken yet."""
    short: bool = False
    """The balance did not suffice for a request, and none was accepted since."""
    rest_until: float = 0
    """When the service wants to be asked for new images again, in seconds since the
    epoch.
    """
    waits_for_disk: bool = False
    """Another program holds the queue file, or the disk is slow: nothing can be written
    for now.
    """
    route: RouteName | None = None
    """Which of RunAPI's routes this base URL has shown to have."""
