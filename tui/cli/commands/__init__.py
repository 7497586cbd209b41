"""The headless commands, by click. Each imports what it needs when it runs."""

import sys
from typing import Any

import click

from tui import __version__
from tui.cli.commands.common import own_options
from tui.cli.commands.group import CommandGroup
from tui.cli.commands.options import common_options
from tui.cli.exit_codes import INTERRUPTED, INVALID_INPUT, ExitError
from tui.text import plain


@click.group(
    cls=CommandGroup,
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
        from tui.cli.open_app import open_app

        sys.exit(open_app(own_options(options)))


def run(words: list[str]) -> int:
    """Run the command that these words name, and return its exit code.

    Raises what the command raises; ExitError for words that make no sense.
    """
    try:
        return cli(words, standalone_mode=False) or 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.Abort:
        return INTERRUPTED
    except click.UsageError as error:
        click.UsageError(plain(error.format_message()), error.ctx).show(sys.stderr)
        return INVALID_INPUT
    except click.ClickException as error:  # a file that can't be opened
        raise ExitError(error.format_message()) from error
