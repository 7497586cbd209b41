"""Puts the pictures of tasks on a contact sheet: as a grid, or by their parameters.

What all pictures have in common is said once, above them; below each one stands what is
its own.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from tui.exchange.pictures import (
    Picture,
    facts,
    id_end,
    pictures_of,
    place_in_task,
    why_missing,
)
from tui.images.contact_sheet import SheetCell, SheetTable
from tui.tasks.task import Task
from tui.text import by_count, did_you_mean, dollars, one_line

MOST_AXES = 3
"""What makes rows, columns, and rows within a row."""
_MOST_ACROSS = 8
"""Pictures of one value side by side."""
_OUTCOMES = ("action", "cost", "rating")
"""Facts that nobody has varied."""
_NOT_IN_NOTE = ("prompt", "action", "cost")
"""Facts that stand elsewhere, or aren't worth a place."""


class UnknownAxisError(ValueError):
    """No task has a parameter of that name; the text is for the user."""


class TaskSheet(NamedTuple):
    """A table, and the pictures of its cells in the order of their numbers."""

    table: SheetTable
    pictures: list[Picture]


def grid(pictures: Sequence[Picture]) -> TaskSheet:
    """Returns pictures as a grid that is somewhat wider than high."""
    captions = _Captions(pictures, ())
    columns = _columns(len(pictures))
    lines = [
        list(pictures[at : at + columns]) for at in range(0, len(pictures), columns)
    ]
    return _sheet(lines, captions)


class Arranged(NamedTuple):
    """Where the pictures of tasks stand in a table, for a page that shows them itself."""

    lines: list[list[Picture | None]]
    """The rows, all of one length; None is a gap."""
    axes: list[str]
    """The names of what makes rows and columns."""
    row_titles: tuple[str, ...]
    """One for each row; none where the table is a grid."""
    column_titles: tuple[str, ...]
    title: str
    """The prompt, if all have the same."""
    note: str
    """What else all have in common."""


def arranged(tasks: Iterable[Task]) -> Arranged:
    """Returns the pictures of tasks as a table by what varies in them."""
    pictures = list(pictures_of(tasks))
    if not pictures:
        return Arranged([], [], (), (), "", "")
    axes = varying(pictures)
    table, placed = by_parameters(pictures, axes)
    rest = iter(placed)
    lines = [[next(rest) if cell else None for cell in row] for row in table.rows]
    across = max(map(len, lines))
    if not (table.row_titles or table.column_titles):
        axes = []  # a grid: the captions say what varies
    whole = [line + [None] * (across - len(line)) for line in lines]
    return Arranged(
        whole, axes, table.row_titles, table.column_titles, table.title, table.note
    )


def save_table(
    tasks: Iterable[Task], target: Path, numbers: Mapping[tuple[str, int], int]
) -> str:
    """Saves the pictures of tasks as a table by what varies in them.

    `numbers` has those of the pictures, by the task's id and the result's index. Returns
    what all have in common, and what isn't on the sheet. Raises ImageError.
    """
    from tui.images import contact_sheet

    most = contact_sheet.MOST_PICTURES
    found = list(islice(pictures_of(tasks), most + 1))
    pictures = found[:most]
    sheet = by_parameters(pictures, varying(pictures))
    table = _numbered(sheet, numbers)
    saved = contact_sheet.save(table, target)
    notes = [table.note]
    if len(found) > most:
        notes.append(f"Only the first {most:,} are on it.")
    notes += [one_line(problem, 100) for problem in saved.problems.values()][:1]
    return " · ".join(filter(None, notes))


def _numbered(sheet: TaskSheet, numbers: Mapping[tuple[str, int], int]) -> SheetTable:
    """Returns a table whose pictures have the numbers that they have elsewhere."""
    places = iter(sheet.pictures)

    def cell(known: SheetCell | None) -> SheetCell | None:
        if known is None:
            return None
        picture = next(places)
        number = numbers.get((picture.task.id, picture.index or 0))
        return replace(known, label=f"{number:,}" if number else "")

    rows = tuple(tuple(map(cell, row)) for row in sheet.table.rows)
    return replace(sheet.table, rows=rows)


def varying(pictures: Sequence[Picture]) -> list[str]:
    """Returns the names of what differs between pictures, at most `MOST_AXES`.

    The one with the fewest values makes the rows, the one with the most the columns.
    What others tell already is left out, such as the size that a model alone has.
    """
    told = [facts(picture) for picture in pictures]
    counts: dict[str, int] = {}
    for name in dict.fromkeys(name for one in told for name in one):
        values = {one.get(name, "") for one in told}
        if len(values) > 1 and name not in _OUTCOMES:
            counts[name] = len(values)
    axes: list[str] = []
    places = 1
    for name in sorted(counts, key=lambda name: counts[name]):
        is_of_one = counts[name] == len(told)  # such as a drawn seed: no column
        if axes and is_of_one and counts[axes[0]] < len(told):
            continue
        apart = {tuple(one.get(axis, "") for axis in (*axes, name)) for one in told}
        if len(apart) > places:
            axes.append(name)
            places = len(apart)
        if len(axes) == MOST_AXES or places == len(told):
            break
    return [*axes[:1], *reversed(axes[1:])]


def by_parameters(pictures: Sequence[Picture], names: Sequence[str]) -> TaskSheet:
    """Returns a table with a row for each value of a name, a column for each of another.

    A name is `model`, `action`, `rating` or a parameter. With three names, there is a row
    for each value of the first with each of the third; with one, the pictures of a value
    stand side by side; without any, it is a grid. Raises UnknownAxisError.
    """
    if not names:
        return grid(pictures)
    for name in names:
        _check_axis(pictures, name)
    groups = _grouped(pictures, names[0])
    if len(names) == 1:
        return _by_one(pictures, names[0], groups)
    columns = list(_grouped(pictures, names[1]))
    lines: list[list[Picture | None]] = []
    titles: list[str] = []
    for row, group in _row_groups(groups, names[2:]):
        places = _grouped(group, names[1])
        for line in range(max(map(len, places.values()))):
            lines.append([_at(places.get(column, []), line) for column in columns])
            titles.append(row)
    captions = _Captions(pictures, names)
    return _sheet(lines, captions, row_titles=titles, column_titles=columns)


def _row_groups(
    groups: dict[str, list[Picture]], third: Sequence[str]
) -> Iterator[tuple[str, list[Picture]]]:
    """Yields the title of each row, and its pictures, also by a third name."""
    for row, group in groups.items():
        if not third:
            yield row, group
            continue
        for value, part in _grouped(group, third[0]).items():
            yield f"{row} · {value}", part


def _by_one(
    pictures: Sequence[Picture], name: str, groups: dict[str, list[Picture]]
) -> TaskSheet:
    most = max(map(len, groups.values()))
    if most == 1:  # a column would be a tower: the captions tell the values
        return grid([picture for group in groups.values() for picture in group])
    across = min(most, _MOST_ACROSS)
    lines: list[list[Picture]] = []
    titles: list[str] = []
    for row, group in groups.items():
        for at in range(0, len(group), across):
            lines.append(group[at : at + across])
            titles.append(row)
    return _sheet(lines, _Captions(pictures, (name,)), row_titles=titles)


def _check_axis(pictures: Iterable[Picture], name: str) -> None:
    known = dict.fromkeys(fact for picture in pictures for fact in facts(picture))
    if name in known:
        return
    guess = did_you_mean(name, known)
    raise UnknownAxisError(
        f"None of these tasks has a parameter {one_line(name, 40)!r}. {guess}".strip()
    )


def _grouped(pictures: Iterable[Picture], name: str) -> dict[str, list[Picture]]:
    """Returns the pictures of each value: numbers by size, others as they come."""
    groups: dict[str, list[Picture]] = {}
    for picture in pictures:
        value = facts(picture).get(name) or f"no {one_line(name.replace('_', ' '))}"
        groups.setdefault(value, []).append(picture)
    ordered = sorted(groups.items(), key=lambda item: _size(item[1][0], name))
    return dict(ordered)


def _size(picture: Picture, name: str) -> float:
    if name == "rating":
        return -picture.rating  # the best first
    value = picture.task.values.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return math.inf


def _at(place: list[Picture], line: int) -> Picture | None:
    return place[line] if line < len(place) else None


def _columns(count: int) -> int:
    """Returns how many columns leave the fewest gaps, not much wider than high."""
    least = max(1, math.ceil(math.sqrt(count)))
    most = max(least, math.ceil(math.sqrt(2 * count)))
    return min(range(least, most + 1), key=lambda columns: (-count % columns, columns))


class _Captions:
    """What is said of pictures, and what of all of them at once."""

    def __init__(self, pictures: Sequence[Picture], axes: Sequence[str]) -> None:
        self._axes = axes
        told = [facts(picture) for picture in pictures]
        self._shared = {
            name: value
            for name, value in told[0].items()
            if all(other.get(name) == value for other in told)
        }
        self._pictures = pictures

    @property
    def title(self) -> str:
        """The prompt, if all pictures have the same."""
        return self._shared.get("prompt", "")

    @property
    def note(self) -> str:
        """What else all pictures have in common, how many they are, and their cost."""
        parts = [
            value
            for name, value in self._shared.items()
            if name not in (*_NOT_IN_NOTE, *self._axes)
        ]
        made = sum(picture.index is not None for picture in self._pictures)
        parts.append(by_count(made, "1 picture", "{count} pictures"))
        tasks = {picture.task.id: picture.task for picture in self._pictures}
        costs = [task.cost_micro for task in tasks.values()]
        known = [cost for cost in costs if cost is not None]
        if known:
            parts.append(dollars(sum(known)))
        return _joined(parts)

    def of(self, picture: Picture) -> str:
        """Returns the caption of a picture in two lines at most.

        What it was asked for by stands before how it turned out.
        """
        own = {
            name: value
            for name, value in facts(picture).items()
            if name not in self._shared and name not in (*self._axes, "action")
        }
        prompt = own.pop("prompt", "")
        outcome = [own.pop(name, "") for name in ("rating", "cost")]
        outcome += [place_in_task(picture), id_end(picture.task)]
        asked = [*own.values()]
        if prompt:
            return f"{prompt}\n{_joined([*asked, *outcome])}"
        return "\n".join(filter(None, (_joined(asked), _joined(outcome))))


def _joined(parts: Iterable[str]) -> str:
    return " · ".join(filter(None, parts))


def _sheet(
    lines: Sequence[Sequence[Picture | None]],
    captions: _Captions,
    *,
    row_titles: Iterable[str] = (),
    column_titles: Iterable[str] = (),
) -> TaskSheet:
    def cell(picture: Picture | None) -> SheetCell | None:
        if picture is None:
            return None
        caption = captions.of(picture)
        return SheetCell(picture.path, caption, why_missing(picture.task))

    table = SheetTable(
        rows=tuple(tuple(map(cell, line)) for line in lines),
        row_titles=tuple(row_titles),
        column_titles=tuple(column_titles),
        title=captions.title,
        note=captions.note,
    )
    placed = [picture for line in lines for picture in line if picture]
    return TaskSheet(table, placed)
