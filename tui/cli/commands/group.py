"""The group of all commands: each one's module is imported when it is asked for."""

from importlib import import_module

import click

_MODULES = {
    "catalog": ("models", "model"),
    "files": ("recipe", "strip", "export", "import"),
    "generating": ("generate", "resume", "rescue"),
    "money": ("quote", "balance", "spent"),
    "pictures": ("sheet", "export-picks"),
    "queue": (
        *("drop", "pause", "stop", "retry", "delete"),
        *("rate", "tasks", "task", "open"),
    ),
    "service": ("account", "login", "prices", "prompts", "upload"),
    "tools": ("doctor", "agent", "demo-server"),
}
"""The commands of each module beside this one."""
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


class CommandGroup(click.Group):
    """Knows commands by name, and imports only what a command line needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, sorted."""
        return sorted(_MODULE_OF)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name, or None."""
        name = _MODULE_OF.get(cmd_name)
        if name is None:
            return None
        module = import_module(f"tui.cli.commands.{name}")
        commands: dict[str, click.Command] = {
            command.name: command for command in module.COMMANDS
        }
        return commands[cmd_name]
