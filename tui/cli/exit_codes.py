"""The exit codes of headless commands, and the errors that end one of them.

Both are a contract with scripts; docs/headless.md lists the codes.
"""

from tui.text import plain

EXIT_CODES = {
    "authentication": 2,
    "credits": 3,
    "validation": 4,
    "not_found": 4,
    "conflict": 4,
    "ceiling": 4,
    "download": 5,
    "network": 5,
    "rate_limit": 6,
    "timeout": 5,
    "failed": 7,
    "empty": 7,
}
"""The code by the kind of a task's problem or of the service's error."""
OTHER_ERROR = 1
INVALID_INPUT = 4
INTERRUPTED = 130


class UsageError(Exception):
    """The command can't do what was asked; the text is for the user. Exit code 4."""


class Stopped(Exception):
    """The command was interrupted; the text says what is left. Exit code 130."""


def code_of(kind: str) -> int:
    """Return the exit code for a kind of problem."""
    return EXIT_CODES.get(kind, OTHER_ERROR)


class ExitError(Exception):
    """Ends a command with a sentence on stderr and a code that scripts can rely on."""

    def __init__(self, message: str, code: int = INVALID_INPUT) -> None:
        super().__init__(plain(message))
        self.code = code
