"""The history as JSON lines, for other programs and for another machine: a task with
its events a line.
"""

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple, TextIO

import msgspec
from msgspec.structs import replace

from tui.tasks import schema
from tui.tasks.store import Store
from tui.tasks.task import LIVE, Result, SetAside, Task
from tui.text import inert_json, one_line

IMPORTED = "Imported; s watches it, or sends what was not sent yet."
MAX_LINE = 5_000_000  # characters
_PAGE, _MOST_TOLD = 100, 20
# Tasks, and characters: written as soon as either is reached
_BATCH, _BATCH_SIZE = 500, 20_000_000
Events = list[tuple[float, str, str]]


class _Frame(msgspec.Struct):
    """What a line has beside the task."""

    format: Literal["runapi-tui 1"]
    events: Events = []


class Taken(NamedTuple):
    """What became of the lines of an archive; those that are neither were known
    already, or blank.
    """

    new: int
    refused: int


def dump(store: Store, query: str = "") -> Iterator[str]:
    """A JSON object, without a line end, for every task that a search line asks for,
    newest first.

    What was deleted is left out. No terminal obeys the lines. Raises StoreError.
    """
    before = "~"
    while page := store.search(query, _PAGE, before):
        for task in page:
            whole = msgspec.json.decode(schema.encode(task))
            yield inert_json(
                {"format": "runapi-tui 1", **whole, "events": store.events(task.id)}
            )
        before = page[-1].id


def lines_of(file: TextIO) -> Iterator[str]:
    """The lines of a file for `load`, each read no further than `load` would take it."""
    while line := file.readline(MAX_LINE + 1):
        yield line
        while len(line) > MAX_LINE and not line.endswith("\n"):
            line = file.readline(MAX_LINE + 1)


def load(
    store: Store, lines: Iterable[str], out_dir: Path, told: Callable[[str], None]
) -> Taken:
    """Take in what `dump` has written, or anybody: nothing in it is trusted. Raises
    StoreError.

    Known ids are left as they are. `told` hears of lines that are no task. Nothing is
    sent or polled by itself: unfinished tasks come in unwatched. Results keep the files
    that lie in `out_dir`.
    """
    new = size = refused = 0
    batch: list[tuple[Task, Events]] = []
    for number, line in enumerate(lines, 1):
        try:
            batch += [_read(line, out_dir)] if line.strip() else []
            size += len(line)
        except (ValueError, RecursionError) as error:
            refused += 1
            if refused <= _MOST_TOLD:
                told(
                    f"Line {number} is left out: {one_line(error, 200).removesuffix('.')}."
                )
        if len(batch) == _BATCH or size > _BATCH_SIZE:
            new += store.add_missing(batch)
            batch, size = [], 0
    if refused > _MOST_TOLD:
        told(f"{refused - _MOST_TOLD:,} more lines are left out.")
    new += store.add_missing(batch)
    return Taken(new, refused)


def _read(line: str, out_dir: Path) -> tuple[Task, Events]:
    if len(line) > MAX_LINE:
        raise ValueError(f"it is longer than {MAX_LINE // 1_000_000} MB")
    events, task = msgspec.json.decode(line, type=_Frame).events, schema.decode(line)
    times = [
        task.created_at,
        task.updated_at,
        task.sent_at,
        task.finished_at,
        task.made_at,
        task.rank,
    ]
    counts = [task.polls, task.cost_micro or 0, task.estimate_micro or 0]
    counts += [
        size
        for result in task.results
        for size in (result.width, result.height, result.bytes)
    ]
    latest = time.time() + 86400  # the other clock may have been wrong
    for holds, why_not in (
        (
            re.fullmatch("[0-9a-hjkmnp-tv-z]{14}", task.id),
            "its id is not one that this program gives",
        ),
        (
            re.fullmatch(
                r"[\w.-]*\w/\w[\w.-]*", f"{task.service}/{task.action}", re.ASCII
            ),
            "its action is no name",
        ),
        (
            re.fullmatch(r"[\w.-]{0,40}", task.profile, re.ASCII),
            "its profile is no name",
        ),
        (
            all(
                0 <= moment <= latest
                for moment in (*times, *(at for at, _, _ in events))
            ),
            "a time of it can't be",
        ),
        (
            all(0 <= count <= 10**12 for count in counts),
            "a cost or size of it can't be",
        ),
        (_sane(task.values, 16), "its values are nested too deeply, or too large"),
    ):
        if not holds:
            raise ValueError(why_not)
    results = tuple(_own_result(result, out_dir) for result in task.results)
    # Nobody but this program vouches for uploads, or for names that its files are about
    # to get.
    task = replace(task, out_dir=str(out_dir), results=results, uploads_until=0)
    aside = replace(task, watched=False, set_aside=SetAside.IMPORTED, note=IMPORTED)
    return (aside if task.status in LIVE else task), events


def _sane(value: object, depth: int) -> bool:
    """Whether a value is nested no deeper than `depth`, and its numbers are such as any
    program can hold.
    """
    if isinstance(value, dict | list):
        items = value.values() if isinstance(value, dict) else value
        return depth > 0 and all(_sane(item, depth - 1) for item in items)
    return not isinstance(value, int | float) or abs(value) < 2**63


def _own_result(result: Result, out_dir: Path) -> Result:
    path = _own(result.path, out_dir)
    sha256 = (
        result.sha256 if path and re.fullmatch("[0-9a-f]{64}", result.sha256) else ""
    )
    return replace(result, path=path, reserved="", sha256=sha256)


def _own(path: str, out_dir: Path) -> str:
    """The file of that name in our folder, if there is one."""
    own = str(out_dir / os.path.basename(path))
    return own if os.path.isfile(own) and not os.path.islink(own) else ""
