"""Where the program begins: opens the app, prints the version, or runs a command.

Only a command line with words in it loads click, and what the command needs.
"""

import os
import sys
from collections.abc import Callable

from tui import __version__
from tui.cli.exit_codes import (
    EXIT_CODES,
    INTERRUPTED,
    INVALID_INPUT,
    OTHER_ERROR,
    ExitError,
    Stopped,
    UsageError,
)
from tui.system import streams
from tui.system.streams import print_message, print_result
from tui.system.umask import restrict_umask
from tui.text import one_line, plain

_COMPLETION = "_RUNAPI_TUI_COMPLETE"
"""The variable by which a shell asks click to complete a command line."""


def main() -> None:
    """The console script: whatever happens, it ends with a sentence and a code.

    There is never a traceback, unless RUNAPI_TUI_DEBUG is set.
    """
    streams.prepare()
    restrict_umask()
    sys.argv[1:] = [_as_utf8(word) for word in sys.argv[1:]]
    code = _exit_code(lambda: _run(sys.argv[1:]))
    # Writing the rest of the output may fail as well.
    sys.exit(_exit_code(streams.finish) or code)


def _run(words: list[str]) -> int:
    """Do what a command line says, and return the exit code."""
    if words == ["--version"]:
        print_result(f"runapi-tui {__version__}")
        return 0
    if not words and _COMPLETION not in os.environ:
        from tui.cli.open_app import open_app

        return open_app({})
    from tui.cli.commands import run

    return run(words)


def _as_utf8(word: str) -> str:
    """Return an argument as it was typed, where the locale is ASCII.

    A file's name of other bytes stays as it is.
    """
    try:
        return word.encode(errors="surrogateescape").decode()
    except UnicodeError:
        return word


def _exit_code(work: Callable[[], int | None]) -> int:
    """Run some work; print its error, if any, and return the exit code.

    Where a sandbox is to blame, its rule and the way out are printed, too.
    """
    caught: list[BaseException] = []
    code = _ended(work, caught)
    if code in (OTHER_ERROR, INVALID_INPUT, EXIT_CODES["network"]):
        from tui.cli.blame import sandbox_rule

        rule = sandbox_rule(code, caught[0] if caught else None)
        if rule:
            print_message(rule)
    return code


def _ended(work: Callable[[], int | None], caught: list[BaseException]) -> int:
    """Run some work; print its error, if any, add it to `caught`, return the code."""
    try:
        return work() or 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except ExitError as error:
        caught.append(error)
        print_message(error)
        return error.code
    except BrokenPipeError:
        # Whoever read our output has gone: there is nobody to write to.
        streams.give_up_stdout()
        return 0
    except streams.OutputError as error:
        streams.give_up_stdout()
        print_message(
            f"{error} Tasks in the queue are kept: `runapi-tui tasks` lists them."
        )
        return OTHER_ERROR
    except Exception as error:
        caught.append(error)
        return _explain(error)


def _explain(error: Exception) -> int:
    """Print on stderr what went wrong, and return the exit code for it."""
    if isinstance(error, OSError):
        # The system's own words: a full disk, a missing folder
        place = f"{one_line(error.filename)}: " if error.filename else ""
        reason = one_line(error.strerror or error)
        print_message(f"{place}{reason}. Tasks in the queue are kept.")
        return OTHER_ERROR
    from tui.catalog.load import CatalogError
    from tui.paths import PlaceError
    from tui.settings.config import ConfigError
    from tui.settings.credentials import CredentialError
    from tui.tasks.store_errors import StoreError

    print_message(plain(error) or type(error).__name__)
    if isinstance(error, Stopped):
        return INTERRUPTED
    if isinstance(error, UsageError | ConfigError | CredentialError | PlaceError):
        return INVALID_INPUT
    if not isinstance(error, StoreError | CatalogError):
        print_message(
            "This is a bug in runapi-tui. Tasks in the queue are kept: `runapi-tui"
            " tasks` lists them."
        )
        if os.environ.get("RUNAPI_TUI_DEBUG"):
            raise error
    return OTHER_ERROR
