"""`recipe`, `strip`, `export`, `import`: commands that read or write files."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tui.cli.commands.common import (
    open_store,
    prepare_session,
    print_notices,
)
from tui.cli.commands.options import common_options, json_object_option
from tui.cli.exit_codes import INVALID_INPUT, OTHER_ERROR, ExitError
from tui.system.streams import print_message, print_result
from tui.text import by_count, one_line

if TYPE_CHECKING:
    from tui.images.recipes import Recipe

_PRIVATE = 0o600
"""Permissions of an export: it holds every prompt and what each has cost."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_object_option
@common_options
def recipe(file: Path, as_json: bool, **options: Any) -> None:
    """Show how an image was made.

    Prints the model, the prompt and the values: of the task in the queue that saved the
    file, wherever it is now, or as far as the image has them.
    """
    from tui.cli.output import recipe_facts, recipe_json
    from tui.images.files import ImageError
    from tui.images.metadata import read
    from tui.images.recipes import OURS

    try:
        found = read(file)
    except ImageError as error:
        raise ExitError(str(error)) from error
    if found is None or found.source != OURS:
        found = _recipe_in_queue(file, options, is_needed=found is None) or found
    if found is None:
        raise ExitError(f"{one_line(file.name, 80)} doesn't say how it was made.")
    print_result(recipe_json(found) if as_json else recipe_facts(found))


def _recipe_in_queue(
    file: Path, options: dict[str, Any], *, is_needed: bool
) -> "Recipe | None":
    """Return the recipe of the task that saved a file; None where there is none.

    A queue that can't be read is an error only where the recipe is needed from there:
    then raises ConfigError, CredentialError or StoreError.
    """
    from tui.settings.config import ConfigError
    from tui.settings.credentials import CredentialError
    from tui.tasks.provenance import recipe_of
    from tui.tasks.saving import digest
    from tui.tasks.store_errors import StoreError

    try:
        session = prepare_session(options)
        if not session.folders.queue.exists():
            return None
        store = open_store(session)
        task = store.of_picture(digest(file.resolve()))
    except (ConfigError, CredentialError, StoreError):
        if is_needed:
            raise
        return None
    print_notices(store)
    return recipe_of(task) if task else None


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@click.option(
    "--out",
    "folder",
    required=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder for the copies.",
)
@common_options
def strip(files: tuple[Path, ...], folder: Path, **_options: Any) -> None:
    """Copy images without their metadata; never overwrites a file."""
    from tui.images.files import ImageError
    from tui.images.metadata import save_stripped_copy

    problems = 0
    for file in files:
        try:
            print_result(save_stripped_copy(file, folder))
        except ImageError as error:
            print_message(str(error))
            problems += 1
    sys.exit(INVALID_INPUT if problems else 0)


@click.command()
@click.argument(
    "file",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    default="-",
    metavar="[FILE]",
)
@click.option("--search", default="", help="Only matches, as for `tasks`.")
@common_options
def export(file: Path, search: str, **options: Any) -> None:
    """Write all tasks to a file, newest first.

    Each line is one JSON object with all data of a task.
    """
    from tui.tasks.archive import dump

    store = open_store(prepare_session(options))
    lines = dump(store, search)
    if str(file) == "-":
        for line in lines:
            print_result(line)
    else:
        _export_to(file, lines)
    print_notices(store)


def _export_to(file: Path, lines: Iterator[str]) -> None:
    """Write all of the lines; on an error the file stays as it was. Raises ExitError."""
    from tui.system import atomic_file

    try:
        with atomic_file.writing(file, _PRIVATE) as out:
            for line in lines:
                out.write(f"{line}\n".encode())
    except BrokenPipeError:
        raise
    except OSError as error:
        message = (
            f"{one_line(file)} can't be written: {_reason(error)}. The tasks are in the"
            " queue as before."
        )
        if file.is_file() and not atomic_file.is_stream(file):
            message += " The file is unchanged."
        is_wrong_place = isinstance(
            error, FileNotFoundError | NotADirectoryError | PermissionError
        )
        raise ExitError(
            message, INVALID_INPUT if is_wrong_place else OTHER_ERROR
        ) from error


@click.command("import")
@click.argument(
    "file", type=click.File("r", encoding="utf-8-sig", errors="surrogateescape")
)
@common_options
def import_(file: Any, **options: Any) -> None:
    """Add the tasks of an export to the queue.

    Known tasks stay as they are; unfinished ones wait until they are resumed by id.
    """
    from tui.tasks.archive import lines_of, load

    session = prepare_session(options)
    store = open_store(session)
    print_notices(store)

    def report(problem: str) -> None:
        print_message(problem)

    try:
        imported = load(store, lines_of(file), session.folders.output, report)
    except OSError as error:
        raise ExitError(
            f"The file can't be read to its end: {_reason(error)}. Tasks imported so far"
            " are kept. Import the file again once it can be read."
        ) from error
    print_result(by_count(imported.new, "1 new task.", "{count} new tasks."))
    if imported.refused:
        raise ExitError(
            by_count(
                imported.refused,
                "1 line refused: not a task of an export. The others were imported.",
                "{count} lines refused: not tasks of an export. The others were"
                " imported.",
            )
        )


def _reason(error: OSError) -> str:
    return (error.strerror or "unknown reason").lower()


COMMANDS = (recipe, strip, export, import_)
