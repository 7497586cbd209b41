"""Options and arguments that several commands share."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast, get_args

import click

from tui.settings.choices import ImagesChoice

F = TypeVar("F", bound=Callable[..., Any])

_COMMON = [
    click.option(
        "--base-url",
        default=None,
        metavar="URL",
        help="Address of the service. Default: https://runapi.ai",
    ),
    click.option(
        "--profile",
        metavar="NAME",
        help="A profile of config.toml; 'none' for no profile.",
    ),
    click.option(
        "--demo",
        is_flag=True,
        default=None,
        help="Use the embedded service: no key, no network, no cost.",
    ),
    click.option(
        "--api",
        type=click.Choice(["auto", "unified", "service"]),
        help="Which of RunAPI's routes to use.",
    ),
    click.option(
        "--images",
        type=click.Choice(get_args(ImagesChoice)),
        help="How to draw images.",
    ),
]
action_option = click.option(
    "--action", help="Which action, for a model that has several."
)
service_option = click.option(
    "--service",
    metavar="NAME",
    help="The service of a MODEL that the catalog doesn't have; with --action.",
)
_REQUEST = [
    click.option(
        "-s",
        "--set",
        "settings",
        multiple=True,
        metavar="NAME=VALUE",
        help="Set a parameter; can be repeated.",
    ),
    click.option(
        "-n",
        "--count",
        type=click.IntRange(1, 1000),
        default=1,
        help="How many of each.",
    ),
    click.option(
        "--vary",
        multiple=True,
        metavar="NAME=VALUES",
        help="Make a matrix: a|b|c, 1..9, or * for every choice.",
    ),
    click.option(
        "--expand",
        is_flag=True,
        help="Read {a|b} and __wildcard__ in prompts as alternatives.",
    ),
    click.option(
        "--unchecked",
        is_flag=True,
        help="Send what only the catalog refuses: the service may know better.",
    ),
    action_option,
    service_option,
]
REQUEST_OPTIONS = ("settings", "vary", "count", "expand", "unchecked")
"""The names of those that `RequestOptions` takes as they are."""
_SELECTION = [
    click.argument("ids", nargs=-1, metavar="[ID]..."),
    click.option(
        "--search", default="", help="Tasks that `tasks --search` would list."
    ),
    click.option(
        "--all",
        "everything",
        is_flag=True,
        help="All tasks of the queue that this command applies to.",
    ),
    click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON object per line."
    ),
]

json_lines_option = _SELECTION[-1]
json_object_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object."
)
json_array_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON array."
)
over_budget_option = click.option(
    "--over-budget", is_flag=True, help="Submit even past job_usd or day_usd."
)
timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Set a task aside when the service takes longer.",
)


def common_options(command: F) -> F:
    """Add the options that every command has, before or after its name."""
    return _add(_COMMON, command)


def request_options(command: F) -> F:
    """Add the options that describe a request, apart from its prompt."""
    return _add(_REQUEST, command)


def selection_options(command: F) -> F:
    """Add the ids and options that select tasks; the command gets them as `selected`."""

    @functools.wraps(command)
    def with_selected(**options: Any) -> Any:
        selected = {name: options.pop(name) for name in ("ids", "search", "everything")}
        return command(selected=selected, **options)

    return _add(_SELECTION, cast(F, with_selected))


class PromptFile(click.File):
    """A file of prompts, opened as bytes: `prompt_file` finds out the encoding."""

    def __init__(self) -> None:
        super().__init__("rb")

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Open the file, or stdin for `-`."""
        try:
            return super().convert(value, param, ctx)
        except RuntimeError:
            self.fail("Nothing can be read from stdin: it is closed.", param, ctx)


def _add(options: list[Callable[[Any], Any]], command: F) -> F:
    for option in reversed(options):
        command = option(command)
    return command
