"""The checks of `doctor`: each is a function that yields what it found in a session.

A check asks nothing of the terminal, changes no file, and ends within seconds.
"""

from collections.abc import Callable, Iterable

from tui.cli.checks import folders, keys, network, sandboxed, service, settings
from tui.session import Session
from tui.system.finding import Finding, Level

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
"""What needs the network, each only where nothing before it has failed there."""
_CONNECTS = ("network", "sandbox")
"""Topics of what keeps everything from the network."""


def run(session: Session, *, offline: bool) -> list[Finding]:
    """Run all checks, or only those that need no network."""
    found = [finding for check in LOCAL for finding in check(session)]
    for check in () if offline else LIVE:
        if not any(_keeps_off(finding) for finding in found):
            found += check(session)
    return found


def _keeps_off(finding: Finding) -> bool:
    """Return whether nothing can be asked, so that one cause is told once."""
    return finding.level is Level.ERROR and finding.topic in _CONNECTS
