"""Checks the proxies and certificates that the environment names, and tries them."""

from collections.abc import Iterator

from tui.service import network_settings
from tui.service.network_settings import Setting
from tui.session import Session
from tui.system import sandbox
from tui.system.finding import Finding, Level


def check(session: Session) -> Iterator[Finding]:
    """Yield what each variable does here; sends nothing."""
    if not session.demo:  # it reads none of them
        found = network_settings.settings(session.credential.base_url)
        yield from map(_finding, found)


def connect(session: Session) -> Iterator[Finding]:
    """Yield whether the service answers with those settings."""
    connection = None
    if not session.demo:
        connection = network_settings.tried(session.credential.base_url)
    if connection:
        yield _finding(connection)


def _finding(setting: Setting) -> Finding:
    level = Level(setting.level)
    step = ""
    if level is not Level.OK:
        step = sandbox.why_not_connected() or (
            "Correct or unset the variables of proxies and certificates in the"
            " environment."
        )
    return Finding(level, "network", f"{setting}.", step)
