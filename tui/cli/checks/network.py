"""Checks the proxies and certificates that the environment names, and tries them."""

from collections.abc import Iterator

from tui.service import network_settings
from tui.service.network_settings import Setting
from tui.session import Session
from tui.system import sandbox
from tui.system.finding import Finding, Level

_CHECK = "Check the network, and whether a proxy or a firewall is in between."


def check(session: Session) -> Iterator[Finding]:
    """Yield what each variable in use does here; sends nothing."""
    if session.demo:  # it reads none of them
        return
    for setting in network_settings.settings(session.credential.base_url):
        if setting.is_used:
            yield _finding(setting)


def connect(session: Session) -> Iterator[Finding]:
    """Yield whether the service answers with those settings."""
    connection = None
    if not session.demo:
        connection = network_settings.tried(session.credential.base_url)
    if connection:
        yield _connection(connection)


def next_step(problem: str) -> str:
    """Return what to do about an error of the network, by what it names."""
    named = " and ".join(network_settings.at_fault(problem))
    if named:
        return f"Correct or unset {named}."
    return sandbox.why_not_connected() or _CHECK


def _finding(setting: Setting) -> Finding:
    level = Level(setting.level)
    step = ""
    if level is not Level.OK:
        step = f"Correct or unset {setting.name}."
    return Finding(level, "network", f"{setting}.", step)


def _connection(tried: Setting) -> Finding:
    """Return what came of a try: an error is a sentence of its own."""
    level = Level(tried.level)
    if level is Level.OK:
        return Finding(
            level, "network", f"The connection to {tried.value} {tried.state}."
        )
    if level is Level.ERROR:
        text = f"{tried.state}."
        return Finding(level, "network", text, next_step(text))
    return Finding(level, "network", f"{tried.value} {tried.state}.", _CHECK)
