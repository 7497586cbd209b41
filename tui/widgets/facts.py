"""What is known of a task, as a table and in one line."""

import time
from collections.abc import Iterator
from typing import NamedTuple

from rich.cells import cell_len
from rich.table import Table

from tui.catalog.extra import short_mark, shown
from tui.tasks.durations import Span
from tui.tasks.task import REJECTED, Result, Status, Task
from tui.text import dollars, file_size, one_line, plain
from tui.widgets.rows import rows
from tui.widgets.taskrow import elapsed, expiry, fit, is_waiting, stars, status_style

_LONGEST_NAME = 16
_LONGEST_VALUE = 4000
_LONGEST_REASON = 200
_UNPAID = (Status.REJECTED, Status.DROPPED, Status.FAILED)
_MINUTE = 60
_HOUR = 60 * _MINUTE
_LEAST_REASON = 12
"""Cells in which a reason still says something."""


def placeholder(task: Task) -> str:
    """Returns the text that stands where a task's image will be."""
    if task.error:
        return task.error.message
    glyph, word, _ = status_style(task)
    return f"{glyph} {word}\n{task.note}"


def facts_table(task: Task, index: int = 0) -> Table:
    """Returns what is known of a task and of its result at `index`."""
    return rows(task_facts(task, index))


def task_facts(task: Task, index: int | None = None) -> Iterator[tuple[str, str]]:
    """Yields names and values, safe to display; with those of the result at `index`."""
    for name, value in _facts(task, index):
        if value not in ("", None):
            yield one_line(name, _LONGEST_NAME), plain(_as_text(value), _LONGEST_VALUE)


def _facts(task: Task, index: int | None) -> Iterator[tuple[str, object]]:
    """Yields names and values, in the order in which they are shown; some are empty."""
    yield "status", _status(task)
    yield "", task.error.message if task.error else task.note
    yield "prompt", task.prompt
    yield "request", "made elsewhere, not known here" if task.adopted else ""
    yield "model", task.model
    for name, value in shown(task.values):
        if name != "prompt":
            yield name, value
    yield "cost", _cost(task)
    yield "tags", ", ".join(task.tags)
    yield "favourite", "yes" if task.favourite else ""
    if index is not None:
        yield from _result_facts(task, index)
        yield "not saved", expiry(task)
    created = time.localtime(task.created_at)
    yield "created", time.strftime("%Y-%m-%d %H:%M:%S", created)
    yield "id", f"{task.id} · {task.remote_id}" if task.remote_id else task.id


def _result_facts(task: Task, index: int) -> Iterator[tuple[str, str]]:
    count = len(task.results)
    if index >= count:
        return
    result = task.results[index]
    yield "rating", "rejected" if result.rating == REJECTED else stars(result.rating)
    if result.path:
        size = f"{result.format}, {file_size(result.bytes)}"
        if result.width:
            size = f"{result.width}×{result.height}, {size}"
        yield "size", size
        yield "file", result.path
    if count > 1:
        position = f"{index + 1} of {count}"
        yield "image", f"{position} · {result.label}" if result.label else position


def _status(task: Task) -> str:
    glyph, word, _ = status_style(task)
    time_taken = elapsed(task)
    return f"{glyph} {word} · {time_taken}" if time_taken else f"{glyph} {word}"


def _as_text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _cost(task: Task) -> str:
    if task.cost_micro is not None:
        return dollars(task.cost_micro)
    if task.status in _UNPAID:
        return "nothing"
    price = dollars(task.estimate_micro)
    if task.status is Status.HELD:
        return f"nothing yet; estimated at {price}"
    if task.estimate_micro is None:
        return "unknown"
    return f"estimated at {price}"


class _Fact(NamedTuple):
    """A part of the line, and how long it stays while room gets scarce."""

    text: str
    weight: int
    shorter: str = ""
    """What stands for it before it goes."""


def facts_line(task: Task, index: int, place: str, width: int) -> str:
    """Returns the facts about a result in at most `width` cells.

    `place` says which of several it is, such as `1/4`, and comes first. What matters
    least is left out first.
    """
    room = width - cell_len(place) - 2 if place else width
    facts = list(_line_facts(task, index))
    while facts and _length(facts) > room:
        lightest = min(range(len(facts)), key=lambda at: facts[at].weight)
        fact = facts[lightest]
        if len(facts) == 1:
            facts[0] = _Fact(fit(fact.text, room + 1).rstrip(), fact.weight)
            break
        if fact.shorter:
            facts[lightest] = _Fact(fact.shorter, fact.weight + 1)
        else:
            del facts[lightest]
    line = " · ".join(fact.text for fact in facts)
    return f"{place}  {line}".strip() if place else line


def _length(facts: list[_Fact]) -> int:
    return sum(cell_len(fact.text) + 3 for fact in facts) - 3


def _line_facts(task: Task, index: int) -> Iterator[_Fact]:
    style = status_style(task)
    is_done = task.status is Status.COMPLETED and not task.error
    result = task.results[index] if index < len(task.results) else None
    if result and result.rating:
        yield _Fact(stars(result.rating), 80)
    if not is_done:
        yield _Fact(f"{style.glyph} {style.word}", 90)
    if task.error and result and result.path:
        reason = one_line(task.error.message, _LONGEST_REASON)
        yield _Fact(reason, 40, fit(reason, 4 * _LEAST_REASON).rstrip())
    if expiry(task):
        yield _Fact(expiry(task), 80)
    seconds = _seconds(task)
    if seconds and task.finished_at:
        yield _Fact(time_taken(seconds), 60)
    if task.cost_micro is not None:
        yield _Fact(dollars(task.cost_micro), 70)
    mark = short_mark(task.values)
    if mark:
        names = mark.removeprefix("+")
        whole = mark if names == mark else f"not checked: {names}"
        yield _Fact(whole, 65, one_line(mark, 16))
    if "seed" in task.values:
        yield _Fact(f"seed {one_line(task.values['seed'], 20)}", 30)
    if result and (result.width or result.format):
        pixels = _pixels(result) if result.width else ""
        yield _Fact(f"{pixels} {result.format}".strip(), 50, pixels)
    if result and result.path:
        yield _Fact("saved", 10)


def _pixels(result: Result) -> str:
    if result.width == result.height:
        return f"{result.width}²"
    return f"{result.width}×{result.height}"


def running_line(task: Task, usual: Span | None, width: int) -> str:
    """Returns how a task without an image is going on, in at most `width` cells."""
    glyph, word, _ = status_style(task)
    seconds = _seconds(task)
    if is_waiting(task) or not seconds:
        texts = [f"{glyph} {word} · {one_line(task.note)}"] if task.note else []
        return _first_fitting([*texts, f"{glyph} {word}"], width)
    taken = time_taken(seconds)
    if usual is None:
        return _first_fitting([f"{glyph} {word} · {taken}", f"{glyph} {taken}"], width)
    return _first_fitting(
        [
            f"{glyph} {taken}, usually {usual}",
            f"{glyph} {taken} of {usual.short}",
            f"{glyph} {taken}",
        ],
        width,
    )


def _first_fitting(texts: list[str], width: int) -> str:
    fitting = [text for text in texts if cell_len(text) <= width]
    return fitting[0] if fitting else fit(texts[-1], width + 1).rstrip()


def _seconds(task: Task) -> float:
    """Returns how long the task took, or has taken so far; 0 if it wasn't sent."""
    if not task.sent_at:
        return 0
    return max(1, (task.finished_at or time.time()) - task.sent_at)


def time_taken(seconds: float) -> str:
    """Returns a duration as `9 s`, `1 min 05 s` or `2 h 07 min`."""
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02} min"
