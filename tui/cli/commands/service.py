"""`account`, `login`, `prices`, `prompts`, `upload`: the service beside its tasks."""

import sys
from pathlib import Path
from typing import Any

import click

from tui.cli.commands.common import prepare_session, require_key
from tui.cli.commands.options import (
    common_options,
    json_array_option,
    json_lines_option,
    json_object_option,
)


@click.command()
@json_object_option
@common_options
def account(as_json: bool, **options: Any) -> None:
    """Show whose key is in use, and its balance.

    Example: runapi-tui account --json
    """
    from tui.cli import questions

    session = prepare_session(options)
    require_key(session)
    sys.exit(questions.account(session, as_json=as_json))


@click.command()
@click.option(
    "--token",
    metavar="-",
    help="Read the key from standard input. It is never an argument: others could see"
    " it.",
)
@click.option(
    "--replace", is_flag=True, help="Replace another key that is saved already."
)
@common_options
def login(token: str | None, replace: bool, **options: Any) -> None:
    """Check an API key with the service, and save it for RunAPI's tools.

    Asks for it in a terminal. Example: runapi-tui login --token - < key.txt
    """
    if token not in (None, "-"):
        raise click.UsageError(
            "A key on a command line can be read by others: give it on standard input,"
            " with --token -. If that was a real key, make another one."
        )
    if token is None and not sys.stdin.isatty():
        raise click.UsageError("Give the key on standard input, with --token -.")
    from tui.cli.login import login as run

    sys.exit(run(prepare_session(options), replace=replace))


@click.command()
@click.argument("model", default="", metavar="[MODEL]")
@json_array_option
@common_options
def prices(model: str, as_json: bool, **options: Any) -> None:
    """Show the service's price list as it is now.

    MODEL is a part of a model's, service's or action's name.
    Example: runapi-tui prices flux-2
    """
    from tui.cli import questions

    sys.exit(questions.prices(prepare_session(options), model, as_json=as_json))


@click.command()
@click.argument("words", nargs=-1, metavar="[WORDS]...")
@click.option(
    "--category",
    default="",
    metavar="NAME",
    help="Only of this category, as prompts are shown with it: landscape.",
)
@click.option("--model", default="", metavar="SLUG", help="Only for this model.")
@click.option(
    "--modality",
    type=click.Choice(["image", "image_edit"]),
    default="image",
    show_default=True,
    help="For new pictures, or for changed ones.",
)
@click.option(
    "--page",
    type=click.IntRange(1, 10_000),
    default=1,
    help="Which page of the matches.",
)
@json_lines_option
@common_options
def prompts(words: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Search the service's library of prompts.

    Example: runapi-tui prompts fox --category animal
    """
    from tui.cli import questions

    names = ("category", "model", "modality", "page")
    search = questions.Search(
        " ".join(words), **{name: options.pop(name) for name in names}
    )
    sys.exit(questions.prompts(prepare_session(options), search, as_json=as_json))


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_object_option
@common_options
def upload(file: Path, as_json: bool, **options: Any) -> None:
    """Upload a picture for an hour, and print its public URL.

    Free of charge. Commands that take images upload files by themselves.
    Example: runapi-tui upload photo.png
    """
    from tui.cli.upload import upload as run

    session = prepare_session(options)
    require_key(session)
    sys.exit(run(session, file, as_json=as_json))


COMMANDS = (account, login, prices, prompts, upload)
