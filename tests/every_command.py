"""All commands by name, each one's module imported."""

import click

from tui.cli.commands import cli


def every_command() -> dict[str, click.Command]:
    context = click.Context(cli)
    found = {
        name: cli.get_command(context, name) for name in cli.list_commands(context)
    }
    return {name: command for name, command in found.items() if command}
