"""`sheet`, `export-picks`: what leaves the queue as pictures."""

import sys
from pathlib import Path
from typing import Any

import click

from tui.cli.commands.common import open_store, prepare_session, print_notices
from tui.cli.commands.options import common_options, selection_options

_rated_option = click.option(
    "--rated",
    type=click.IntRange(1, 5),
    default=None,
    metavar="STARS",
    help="Only pictures with at least so many stars.",
)


@click.command()
@selection_options
@click.option("--job", default="", metavar="ID", help="The tasks of one job.")
@click.option(
    "--by",
    multiple=True,
    metavar="PARAM",
    help="Rows by a parameter, or by model; then columns, and rows within rows.",
)
@click.option(
    "-o",
    "--out",
    "target",
    type=click.Path(path_type=Path),
    default="sheet.png",
    show_default=True,
    metavar="FILE",
    help="PNG file for the sheet, or a folder.",
)
@_rated_option
@common_options
def sheet(as_json: bool, selected: dict[str, Any], **options: Any) -> None:
    """Put pictures on one labelled contact sheet.

    Never overwrites a file: the sheet gets a number instead. Prints its path.
    """
    from tui.cli import pictures, queue

    by = options.pop("by")
    job = options.pop("job")
    target = options.pop("target")
    rated = options.pop("rated") or 0
    if job:
        selected["ids"] = (*selected["ids"], job)
    selection = queue.Selection(**selected)
    store = open_store(prepare_session(options))
    print_notices(store)
    sys.exit(
        pictures.save_sheet(
            store, selection, target.absolute(), by=by, rated=rated, as_json=as_json
        )
    )


@click.command("export-picks")
@selection_options
@click.option(
    "--out",
    "folder",
    required=True,
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the copies.",
)
@_rated_option
@common_options
def export_picks(as_json: bool, selected: dict[str, Any], **options: Any) -> None:
    """Copy pictures to a folder, with a contact sheet and a list.

    Rejected ones are left out. Never overwrites a file. picks.jsonl says what made each
    picture.
    """
    from tui.cli import pictures, queue

    folder = options.pop("folder")
    rated = options.pop("rated") or 0
    selection = queue.Selection(**selected)
    store = open_store(prepare_session(options))
    print_notices(store)
    sys.exit(
        pictures.export_picks(
            store, selection, folder.absolute(), rated=rated, as_json=as_json
        )
    )


COMMANDS = (sheet, export_picks)
