"""Says in which sandbox the commands run, if it is a known one."""

from collections.abc import Iterator

from tui.session import Session
from tui.system import sandbox
from tui.system.finding import Finding, Level


def check(session: Session) -> Iterator[Finding]:
    """Yield the sandbox, and whether it blocks the network."""
    found = sandbox.around()
    if sandbox.blocks_network():
        yield Finding(
            Level.OK if session.demo else Level.ERROR,
            "sandbox",
            "No connection can be opened here.",
            sandbox.why_not_connected(),
        )
    elif found:
        yield Finding(Level.OK, "sandbox", f"This runs in {found.name}.")
