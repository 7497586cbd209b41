"""`sheet`, `export-picks`: pictures of the queue and the history, for use elsewhere."""

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from tui.cli.exit_codes import OTHER_ERROR, UsageError
from tui.cli.queue import Selection
from tui.exchange.export_picks import Export, ExportError, export
from tui.exchange.pictures import Picture, pictures_of, why_missing
from tui.exchange.task_sheet import (
    MOST_AXES,
    TaskSheet,
    UnknownAxisError,
    by_parameters,
    grid,
)
from tui.images import contact_sheet
from tui.images.contact_sheet import MOST_PICTURES, Sheet
from tui.system.streams import print_json, print_message, print_result
from tui.tasks.search import in_order
from tui.tasks.search_order import Order
from tui.tasks.store import Store
from tui.tasks.task import REJECTED, Task
from tui.text import by_count, one_line

DEFAULT_NAME = "sheet.png"
_PAGE = 200


def save_sheet(
    store: Store,
    selection: Selection,
    target: Path,
    *,
    by: Sequence[str],
    rated: int,
    as_json: bool,
) -> int:
    """Save a contact sheet of the newest pictures, and print its path.

    `rated` is the number of stars that a picture has at least, 0 for all. Returns the
    exit code. Raises UsageError where there is nothing to show, or it can't be shown as
    wanted.
    """
    from tui.images.files import ImageError

    if len(by) > MOST_AXES:
        raise UsageError(
            "A sheet has rows, columns and rows within rows: give --by three times at"
            " most."
        )
    if os.path.isdir(target):
        target /= DEFAULT_NAME
    if target.suffix.lower() != ".png":
        raise UsageError("A sheet is a PNG image: give it a name that ends with .png.")
    found = _rated(pictures_of(_newest_first(store, selection)), rated)
    newest = list(islice(found, MOST_PICTURES + 1))
    shown = _in_order(newest[:MOST_PICTURES])
    if not any(picture.path for picture in shown):
        raise UsageError("None of these tasks has a picture.")
    try:
        sheet = by_parameters(shown, by) if by else grid(shown)
        saved = contact_sheet.save(sheet.table, target)
    except (UnknownAxisError, ImageError) as error:
        raise UsageError(str(error)) from error
    if as_json:
        _print_sheet(sheet, saved)
    else:
        print_result(os.fspath(saved.path))
    for number, problem in saved.problems.items():
        print_message(f"{number}: {problem}")
    if saved.lacks_letters:
        print_message(
            "Some captions have letters that no font here has; --json prints them all."
        )
    if len(newest) > MOST_PICTURES:
        print_message(
            f"The sheet has the newest {MOST_PICTURES} pictures; there are more."
        )
    return 0


def export_picks(
    store: Store, selection: Selection, folder: Path, *, rated: int, as_json: bool
) -> int:
    """Export pictures to a folder, and print what is there now.

    Rejected ones are left out. Returns the exit code. Raises UsageError where there is
    nothing to export, or the folder can't be used.
    """
    tasks = sorted(_newest_first(store, selection), key=lambda task: task.id)
    found = [picture for picture in _rated(pictures_of(tasks), rated) if picture.path]
    pictures = [picture for picture in found if picture.rating != REJECTED]
    rejected = len(found) - len(pictures)
    if rejected:
        print_message(
            by_count(
                rejected,
                "1 rejected picture is left out.",
                "{count} rejected pictures are left out.",
            )
        )
    if not pictures:
        raise UsageError("None of these tasks has a picture to export.")
    try:
        done = export(pictures, folder)
    except ExportError as error:
        raise UsageError(str(error)) from error
    _print_export(done, as_json=as_json)
    for problem in done.problems:
        print_message(problem)
    if done.not_on_sheet:
        print_message(
            by_count(
                done.not_on_sheet,
                "1 picture is not on the sheet, which has the oldest {most}.",
                "{count} pictures are not on the sheet, which has the oldest {most}.",
                most=MOST_PICTURES,
            )
        )
    print_message(
        by_count(
            len(done.files),
            "1 picture is in {folder}.",
            "{count} pictures are in {folder}.",
            folder=one_line(done.folder),
        )
    )
    return OTHER_ERROR if done.problems else 0


def _rated(pictures: Iterator[Picture], least: int) -> Iterator[Picture]:
    return (picture for picture in pictures if not least or picture.rating >= least)


def _newest_first(store: Store, selection: Selection) -> Iterator[Task]:
    """Yield the selected tasks. Raises UsageError for an id that is not in the queue."""
    if selection.ids:
        named = {task.id: task for task in _named(store, selection.ids)}
        yield from sorted(named.values(), key=lambda task: task.id, reverse=True)
        return
    query = in_order(selection.search, Order.DATE)
    last: Task | None = None
    while page := store.search(query, _PAGE, last):
        yield from page
        last = page[-1]


def _named(store: Store, ids: Sequence[str]) -> Iterator[Task]:
    for wanted in ids:
        task = store.get(wanted)
        tasks = [task] if task else store.of_job(wanted)
        if not tasks:
            raise UsageError(f"There is no task {one_line(wanted, 80)} in the queue.")
        yield from (task for task in tasks if not task.deleted)


def _in_order(newest: list[Picture]) -> list[Picture]:
    """Return pictures in the order in which their tasks were submitted."""
    return sorted(newest, key=lambda picture: (picture.task.id, picture.index or 0))


def _print_sheet(sheet: TaskSheet, saved: Sheet) -> None:
    cells = []
    placed = zip(sheet.table.cells, sheet.pictures, strict=True)
    for number, (cell, picture) in enumerate(placed, 1):
        problem = saved.problems.get(number)
        if picture.path is None:
            problem = why_missing(picture.task)
        cells.append(
            {
                "number": number,
                "id": picture.task.id,
                "picture": None if picture.index is None else picture.index + 1,
                "rating": picture.rating,
                "file": str(picture.path) if picture.path else None,
                "prompt": picture.task.prompt,
                "caption": " · ".join(cell.caption.splitlines()),
                "problem": problem,
            }
        )
    print_json(
        {
            "file": str(saved.path),
            "width": saved.width,
            "height": saved.height,
            "cells": cells,
        }
    )


def _print_export(done: Export, *, as_json: bool) -> None:
    beside = [path for path in (done.sheet, done.listing) if path]
    if not as_json:
        for path in (*done.files, *beside):
            print_result(os.fspath(path))
        return
    print_json(
        {
            "folder": str(done.folder),
            "files": [str(path) for path in done.files],
            "sheet": str(done.sheet) if done.sheet else None,
            "list": str(done.listing) if done.listing else None,
            "problems": done.problems,
        }
    )
