"""What differs in the requests and results of several pictures."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from tui.catalog.extra import shown
from tui.tasks.task import Task
from tui.text import dollars, one_line, plain
from tui.widgets.taskrow import fit

Compared = tuple[Task, int]
"""A task, and the index of one of its results."""

NONE = "–"
"""Stands where a picture doesn't have what others have."""
_LONGEST_NAME = 16
_LONGEST_TEXT = 4000
"""Characters of a text that are compared."""
_SHORT = 24
"""Characters of a text that is shown whole; of longer ones, the words that differ."""
_MOST_WORDS = 400
"""Words of a text that are compared, between those that all texts begin and end with."""
_LONGEST_VALUE = 120
_GAP = 2
_MOST_LINES = 3
_LEAST_COLUMN = 4
_UNSPACED = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
# A word, or one character of a script that doesn't separate its words
_WORDS = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")


class Difference(NamedTuple):
    """A row: a name, and the value of each picture, safe to display."""

    name: str
    values: tuple[str, ...]


def differences(
    pictures: Sequence[Compared], title_of: Callable[[Task], str]
) -> list[Difference]:
    """Returns what isn't the same for all pictures; of long texts, the words.

    `title_of` returns the name of a task's model.
    """
    facts = [dict(_facts(task, index, title_of)) for task, index in pictures]
    names = dict.fromkeys(name for known in facts for name in known)
    rows = []
    for name in names:
        values = [known.get(name, "") for known in facts]
        if len(set(values)) > 1:
            shown = (one_line(text, _LONGEST_VALUE) for text in _shortened(values))
            row = tuple(text or NONE for text in shown)
            rows.append(Difference(one_line(name, _LONGEST_NAME), row))
    return rows


def _facts(
    task: Task, index: int, title_of: Callable[[Task], str]
) -> Iterator[tuple[str, str]]:
    """Yields names and values in the order in which they are shown."""
    yield "prompt", _as_text(task.prompt)
    yield "model", title_of(task)
    yield "action", task.action.replace("_", " ")
    for name, value in shown(task.values):
        if name != "prompt":
            yield name, _as_text(value)
    result = task.results[index] if index < len(task.results) else None
    if result and result.width:
        yield "size", f"{result.width}×{result.height}"
    if task.cost_micro is not None:
        yield "cost", dollars(task.cost_micro)


def _as_text(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return plain(text, _LONGEST_TEXT)


def _shortened(values: list[str]) -> list[str]:
    """Returns short values whole, and the words of long ones that differ."""
    if max(map(len, values)) <= _SHORT:
        return values
    words = differing_words(values)
    return words if any(words) else values


def differing_words(texts: Sequence[str]) -> list[str]:
    """Returns the words of each text that the first one doesn't have, in their order.

    Of the first text, they are those that another one doesn't have. Left out words are
    an ellipsis.
    """
    words = [list(_WORDS.finditer(text)) for text in texts]
    kept: list[set[int]] = [set() for _ in words]
    for number in range(1, len(texts)):
        own, other = _unlike(
            [word[0] for word in words[0]], [word[0] for word in words[number]]
        )
        kept[0] |= own
        kept[number] = other
        if texts[number] == texts[0]:
            kept[number] = kept[0]
    return [
        _excerpt(text, found, places)
        for text, found, places in zip(texts, words, kept, strict=True)
    ]


def _unlike(one: list[str], other: list[str]) -> tuple[set[int], set[int]]:
    """Returns the places of the words of each that aren't in the other."""
    from difflib import SequenceMatcher  # rarely needed

    start = 0
    shorter = min(len(one), len(other))
    while start < shorter and one[start] == other[start]:
        start += 1
    end = 0
    while end < shorter - start and one[-1 - end] == other[-1 - end]:
        end += 1
    mine = one[start : len(one) - end][:_MOST_WORDS]
    theirs = other[start : len(other) - end][:_MOST_WORDS]
    first: set[int] = set()
    second: set[int] = set()
    matcher = SequenceMatcher(None, mine, theirs, autojunk=False)
    for kind, left, right, low, high in matcher.get_opcodes():
        if kind != "equal":
            first.update(range(start + left, start + right))
            second.update(range(start + low, start + high))
    return first, second


def _excerpt(text: str, words: list[re.Match[str]], kept: set[int]) -> str:
    """Returns the kept words with an ellipsis between those that weren't neighbours."""
    parts = []
    places = sorted(kept)
    while places:
        length = 1
        while length < len(places) and places[length] == places[0] + length:
            length += 1
        first, last = words[places[0]], words[places[length - 1]]
        parts.append(text[first.start() : last.end()])
        del places[:length]
    return " … ".join(parts)


def differences_table(
    rows: Sequence[Difference], count: int, shown: int, width: int
) -> Table | Text:
    """Returns the rows as a table with a column for each of `count` pictures.

    A sign marks the column of the picture `shown`. It is at most `width` cells wide.
    """
    if not rows:
        return Text("Same request.")
    name_width = max(cell_len(row.name) for row in rows)
    column = max(_LEAST_COLUMN, (width - name_width) // count - _GAP)
    table = Table.grid(padding=(0, _GAP, 0, 0))
    table.add_column(no_wrap=True, min_width=name_width)
    heads = [Text("")]
    for number in range(count):
        table.add_column(overflow="fold", max_width=column)
        is_shown = number == shown
        heads.append(
            Text(f"▸{number + 1}", "bold") if is_shown else Text(str(number + 1))
        )
    table.add_row(*heads)
    for row in rows:
        texts = (fit(value, _MOST_LINES * column).rstrip() for value in row.values)
        table.add_row(Text(row.name), *map(Text, texts))
    return table
