"""Shows on the terminal's window how many tasks run."""

import os
from collections.abc import Mapping

from tui.screens.shell import Shell
from tui.terminal.driver import TerminalDriver
from tui.terminal.textual_private import driver_of
from tui.text import by_count

_WITHOUT = ("", "dumb", "linux")
"""TERM of terminals that have no title, and may print what would set it."""


class TerminalTitle:
    """Writes the title when the count has changed, and only then."""

    def __init__(self, shell: Shell, env: Mapping[str, str] = os.environ) -> None:
        self._shell = shell
        self._wanted = env.get("TERM", "") not in _WITHOUT
        self._scheduled = False

    def update(self) -> None:
        """Shows the count soon: once for all tasks that change at a time."""
        if self._wanted and self._shell.session.config.title and not self._scheduled:
            self._scheduled = True
            self._shell.call_later(self._show)

    def _show(self) -> None:
        self._scheduled = False
        main = self._shell.main
        driver = driver_of(self._shell)
        if isinstance(driver, TerminalDriver):
            driver.show_title(title(main.status.live if main else 0))


def title(running: int) -> str:
    """Returns the title for a number of tasks that run."""
    if not running:
        return "runapi-tui"
    return by_count(
        running, "runapi-tui · {count} running", "runapi-tui · {count} running"
    )
