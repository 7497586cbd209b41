"""The command line: opens the app, or runs one headless command.

Imports nothing heavy before a command needs it.
"""

import gc
import os
import sys
from collections.abc import Callable
from typing import Any

import click

from tui import __version__
from tui.catalog.load import CatalogError
from tui.cli.commands import (
    catalog,
    files,
    generating,
    money,
    pictures,
    queue,
    service,
    tools,
)
from tui.cli.commands.common import ExitError, prepare_session
from tui.cli.commands.options import common_options
from tui.cli.exit_codes import (
    EXIT_CODES,
    INTERRUPTED,
    INVALID_INPUT,
    OTHER_ERROR,
    Stopped,
    UsageError,
)
from tui.paths import PlaceError
from tui.settings.config import ConfigError
from tui.settings.credentials import CredentialError
from tui.system import atomic_file, streams
from tui.system.streams import print_message, print_result
from tui.text import one_line, plain


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(
    __version__, prog_name="runapi-tui", message="%(prog)s %(version)s"
)
@common_options
@click.pass_context
def cli(context: click.Context, /, **options: Any) -> None:
    """Generate images through RunAPI, in the terminal.

    Without a command, opens the app.
    """
    context.obj = options
    if context.invoked_subcommand is None:
        _open_app(options)


for _module in (catalog, files, generating, money, pictures, queue, service, tools):
    for _command in _module.COMMANDS:
        cli.add_command(_command)


def _open_app(options: dict[str, Any]) -> None:
    # Not stderr: messages may go to a file, the page is written to stdout.
    used = (sys.stdin, sys.__stdout__)
    if not all(stream is not None and stream.isatty() for stream in used):
        raise ExitError(
            "The app needs a terminal. Without one, use commands such as"
            " `runapi-tui generate`; `runapi-tui --help` lists them."
        )
    session = prepare_session(options)
    # Until the first page is shown: start-up makes objects that stay, and little garbage
    gc.disable()
    from tui.graphics.probe import probe

    terminal = probe(
        session.config.images,
        budget=session.config.image_bytes,
        cache=session.folders.cache,
    )
    if terminal.truecolor:
        # The terminal itself knows best: ssh never forwards COLORTERM, and xterm
        # removes it.
        os.environ.setdefault("TEXTUAL_COLOR_SYSTEM", "truecolor")
    from tui.app import RunApp

    app = RunApp(session, terminal)
    app.run()
    if app.farewell:
        _print_farewell(app.farewell)
    sys.exit(app.return_code or 0)


def _print_farewell(sentence: str) -> None:
    """Print the app's last sentence, if the terminal is still there."""
    try:
        print_result(sentence)
    except OSError:
        # It has gone; Python must not try to write the rest once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main() -> None:
    """The console script: whatever happens, it ends with a sentence and a code.

    There is never a traceback, unless RUNAPI_TUI_DEBUG is set.
    """
    streams.prepare()
    atomic_file.restrict_umask()
    sys.argv[1:] = [_as_utf8(word) for word in sys.argv[1:]]
    code = _exit_code(lambda: cli(standalone_mode=False) or 0)
    # Writing the rest of the output may fail as well.
    sys.exit(_exit_code(streams.finish) or code)


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
    except click.exceptions.Exit as end:
        return end.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except click.UsageError as error:
        click.UsageError(plain(error.format_message()), error.ctx).show(sys.stderr)
        return INVALID_INPUT
    except ExitError as error:
        caught.append(error)
        error.show()
        return error.code
    except click.ClickException as error:  # a file that can't be opened
        caught.append(error)
        print_message(plain(error.format_message()))
        return INVALID_INPUT
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
    from tui.tasks.store_errors import StoreError

    if isinstance(error, OSError):
        # The system's own words: a full disk, a missing folder
        place = f"{one_line(error.filename)}: " if error.filename else ""
        reason = one_line(error.strerror or error)
        print_message(f"{place}{reason}. Tasks in the queue are kept.")
        return OTHER_ERROR
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
