"""The history as JSON lines, for other programs and other machines.

A line is a task with its events.
"""

import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TextIO

import msgspec
from msgspec.structs import replace

from tui.tasks import imported, schema
from tui.tasks.imported import IMPORTED, Events
from tui.tasks.search import in_order
from tui.tasks.search_order import Order
from tui.tasks.store import Store
from tui.tasks.task import Result, Task
from tui.text import inert_json, one_line

if TYPE_CHECKING:
    from tui.images.files import ImageInfo

__all__ = ["IMPORTED", "MAX_LINE", "ImportResult", "dump", "lines_of", "load"]

MAX_LINE = 5_000_000  # characters
_PAGE = 100  # tasks that are read at once
_MOST_REPORTED = 20  # lines
# Tasks, and characters: written as soon as either is reached
_BATCH, _BATCH_SIZE = 500, 20_000_000
_CLOCK_ERROR = 86400.0
"""Seconds that the clock of another machine may be ahead."""
_MOST_DEPTH = 16
_MOST_VALUES = 200
_MOST_KNOWN = 10_000
"""Names of files whose facts are in memory during an import."""
_ID = re.compile("[0-9a-hjkmnp-tv-z]{14}")
_NAME = re.compile(r"\w[\w-]{0,99}", re.ASCII)
_PROFILE = re.compile(r"[\w.-]{0,40}", re.ASCII)


class _Envelope(msgspec.Struct):
    """What a line has besides the task's own fields."""

    format: Literal["runapi-tui 1"]
    events: Events = []


class ImportResult(NamedTuple):
    """Numbers of lines. The others were blank, or of tasks known before."""

    new: int
    refused: int


def dump(store: Store, query: str = "") -> Iterator[str]:
    """Yields a JSON object, without a line end, for every task that a query finds.

    The newest comes first; deleted tasks are left out. The text is safe to print.
    Raises StoreError.
    """
    query = in_order(query, Order.DATE)
    last: Task | None = None
    while page := store.search(query, _PAGE, last):
        for task in page:
            fields = msgspec.json.decode(schema.encode(task))
            events = store.events(task.id)
            yield inert_json({"format": "runapi-tui 1", **fields, "events": events})
        last = page[-1]


def lines_of(file: TextIO) -> Iterator[str]:
    """Yields a file's lines for `load`, without the end of one that is too long."""
    while line := file.readline(MAX_LINE + 1):
        yield line
        while len(line) > MAX_LINE and not line.endswith("\n"):
            line = file.readline(MAX_LINE + 1)


def load(
    store: Store, lines: Iterable[str], out_dir: Path, report: Callable[[str], None]
) -> ImportResult:
    """Imports lines from `dump`, or from anybody: nothing in them is trusted.

    Known tasks stay as they are. What comes is history (see `tui.tasks.imported`):
    nothing is sent or polled automatically. Results are shown with their files if
    these are images in `out_dir`. `report` receives a sentence for each line that is
    not a task. Raises StoreError.
    """
    views = _Views(out_dir)
    new = refused = size = 0
    batch: list[tuple[Task, Events]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            batch.append(_read(line, views))
            size += len(line)
        except (ValueError, RecursionError) as error:
            refused += 1
            if refused <= _MOST_REPORTED:
                reason = one_line(error, 200).removesuffix(".")
                report(f"Line {number} is skipped: {reason}.")
        if len(batch) == _BATCH or size > _BATCH_SIZE:
            new += store.add_missing(batch)
            batch = []
            size = 0
    unreported = refused - _MOST_REPORTED
    if unreported == 1:
        report("1 more line is skipped.")
    elif unreported > 1:
        report(f"{unreported:,} more lines are skipped.")
    new += store.add_missing(batch)
    return ImportResult(new, refused)


def _read(line: str, views: "_Views") -> tuple[Task, Events]:
    """Returns a line's task and events. Raises ValueError or RecursionError."""
    if len(line) > MAX_LINE:
        raise ValueError(f"it is longer than {MAX_LINE // 1_000_000} MB")
    events = msgspec.json.decode(line, type=_Envelope).events
    told = schema.decode(line)
    problem = _problem(told, events)
    if problem:
        raise ValueError(problem)
    task = imported.history(told)
    results = [views.shown(result) for result in task.results]
    named = tuple(result for result in results if result.url or result.path)
    task = replace(task, out_dir=str(views.folder), results=named)
    return task, imported.past_events(events)


def _problem(task: Task, events: Events) -> str:
    """Returns why this can't be a task of this program, or ""."""
    if not _ID.fullmatch(task.id):
        return "its id is not one of this program"
    if not (_NAME.fullmatch(task.service) and _NAME.fullmatch(task.action)):
        return "its action is not a valid name"
    if not _PROFILE.fullmatch(task.profile):
        return "its profile is not a valid name"
    if not all(0 <= at <= time.time() + _CLOCK_ERROR for at in _times(task, events)):
        return "one of its times is impossible"
    if not all(0 <= amount <= 10**12 for amount in _amounts(task)):
        return "one of its costs or sizes is impossible"
    if len(task.values) > _MOST_VALUES or not _is_bounded(task.values, _MOST_DEPTH):
        return "its values are nested too deeply, or too large"
    return ""


def _times(task: Task, events: Events) -> Iterator[float]:
    yield from (task.created_at, task.updated_at, task.sent_at, task.finished_at)
    yield from (task.made_at, task.rank)
    for at, _, _ in events:
        yield at


def _amounts(task: Task) -> Iterator[int]:
    yield from (task.polls, task.cost_micro or 0, task.estimate_micro or 0)
    for result in task.results:
        yield from (result.width, result.height, result.bytes)


def _is_bounded(value: object, depth: int) -> bool:
    """Returns whether a value is at most `depth` deep, and its numbers are small.

    Numbers are small enough if any program can hold them: below 2**63.
    """
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return depth > 0 and all(_is_bounded(item, depth - 1) for item in value)
    return not isinstance(value, int | float) or abs(value) < 2**63


class _Views:
    """Finds the images of imported tasks in the output folder, to be looked at."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[str, ImageInfo | None] = {}

    def shown(self, result: Result) -> Result:
        """Returns the result with its file, if that is an image in the folder."""
        name = os.path.basename(result.path)
        image = self._image(name)
        if image is None or result.bytes not in (0, image.bytes):
            return replace(result, path="", sha256="")
        return replace(
            result,
            path=str(self.folder / name),
            format=image.format,
            width=image.width,
            height=image.height,
            bytes=image.bytes,
        )

    def _image(self, name: str) -> "ImageInfo | None":
        if name not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[name] = _measured(self.folder, name)
        return self._known[name]


def _measured(folder: Path, name: str) -> "ImageInfo | None":
    """Returns what a file of the folder is; None unless it is an image by all signs.

    Links aren't followed, and what is hidden, or has a name that this program would
    not give, is no image of a task.
    """
    from tui.images import files

    try:
        if not stat.S_ISREG((folder / name).lstat().st_mode):
            return None
        image = files.measure(folder / name)
    except (OSError, ValueError, files.ImageError):
        return None
    return image if files.may_be_ours(name, image.format) else None
