"""The checks of `doctor`: each is a function that yields what it found in a session.

A check asks nothing of the terminal, changes no file, and ends within seconds.
"""

from collections.abc import Callable, Iterable

from tui.cli.checks import folders, keys, network, sandboxed, service, settings
from tui.session import Session
from tui.system.finding import Finding

Check = Callable[[Session], Iterable[Finding]]
LOCAL: tuple[Check, ...] = (
    keys.check,
    settings.check,
    folders.check,
    sandboxed.check,
    network.check,
)
"""What can be found on this machine, in the order in which it is shown."""
LIVE: tuple[Check, ...] = (network.connect, service.check)
"""What needs the network."""


def run(session: Session, *, offline: bool) -> list[Finding]:
    """Run all checks, or only those that need no network."""
    checks = LOCAL if offline else LOCAL + LIVE
    return [finding for check in checks for finding in check(session)]
