"""What a job's page makes of its fields: the requests, and the rows that list them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import NamedTuple

from textual.content import Content

from tui.catalog import batch, matrix, prompt_file
from tui.catalog.batch import BatchError
from tui.catalog.extra import EXTRA, shown
from tui.catalog.matrix import Cell, FilledModel
from tui.catalog.price import PriceOf, is_unchecked
from tui.catalog.request import Request
from tui.catalog.sources import source_param
from tui.catalog.spec import Param
from tui.paths import home
from tui.settings.prompt_files import PromptFiles
from tui.text import by_count, dollars, file_size, one_line

SHOWN = 200
"""Rows of requests that are listed, and as many of those that can't be sent."""
_LARGEST_FILE = 10_000_000
"""Bytes of a prompt file, at most."""
_LONGEST_PATH = 50
"""Characters of a path in an error; the end of a longer one is shown."""
_PRICE_WIDTH = 7


class Plan(NamedTuple):
    """The requests that can be sent, and what the page shows about them."""

    requests: list[Request]
    summary: Content
    button: str
    rows: list[Content]


class Typed(NamedTuple):
    """What stands in the fields of the page."""

    vary: str
    copies: str
    file: str
    """The name of a prompt file, or ""."""


def make(
    models: Sequence[FilledModel], files: PromptFiles, typed: Typed, price_of: PriceOf
) -> Plan:
    """Returns the plan of what stands in the fields. Raises BatchError."""
    vary, count, file = typed
    lines = vary_lines(vary)
    if not count.isdecimal() or not 1 <= int(count[:9]) <= batch.MOST:
        raise BatchError(f"Copies: 1 to {batch.MOST:,}.")
    prompts = _prompts(home(file)) if file else []
    named: list[object] = [*prompts] or [models[0].values.get("prompt")]
    variations = batch.Variations(
        vary=lines,
        count=int(count),
        prompts=prompts,
        wildcards=files.wildcards(named),
    )
    cells = [
        cell._replace(price=price_of(cell.model, cell.values).micro)
        for cell in matrix.cells(models, variations)
    ]
    valid = [cell for cell in cells if not cell.problem]
    invalid = [cell for cell in cells if cell.problem]
    price = matrix.price_text(valid)
    if any(is_unchecked(cell.model, cell.values) for cell in valid):
        price = f"{price}, not checked"
    button = f"Send {len(valid):,}  ·  {price}" if valid else "Send"
    rows = [*_rows(invalid, models), *_rows(valid, models)]
    summary = Content(_count_sentence(len(valid), len(invalid), price))
    return Plan([cell.request for cell in valid], summary, button, rows)


def refused(error: ValueError) -> Plan:
    """Returns the plan of fields of which no job can be made."""
    problem = Content.styled(f"! {one_line(error)}", "$text-error")
    return Plan([], problem, "Send", [])


def vary_lines(text: str) -> dict[str, str]:
    """Returns the values by name. Raises BatchError for a line of another form."""
    vary: dict[str, str] = {}
    for line in filter(str.strip, text.splitlines()):
        name, _, values = (part.strip() for part in line.partition("="))
        if not name or not values:
            raise BatchError(
                f"{one_line(line, 60)!r} is not of the form name = values."
            )
        if name in vary:
            raise BatchError(
                f"Listed twice: {one_line(name, 60)}. Use one line: name = a | b."
            )
        vary[name] = values
    return vary


def with_line(text: str, name: str, values: str) -> str:
    """Returns vary lines in which a parameter has these values."""
    lines = text.splitlines()
    wanted = f"{name} = {values}"
    for index, line in enumerate(lines):
        if line.partition("=")[0].strip() == name:
            lines[index] = wanted
            return "\n".join(lines)
    return "\n".join([*filter(str.strip, lines), wanted])


def example(param: Param) -> str:
    """Returns values that a parameter without choices may be varied by."""
    if param.type == "integer":
        first = int(param.min or 1)
        last = first + 3 if param.max is None else min(first + 3, int(param.max))
        return f"{first}..{last}"
    if param.type == "number" and param.min is not None and param.max is not None:
        step = (param.max - param.min) / 4
        return f"{param.min:g}..{param.max:g}..{step:g}"
    return ""


def _rows(cells: Sequence[Cell], models: Sequence[FilledModel]) -> Iterator[Content]:
    """Yields a row for each request; equal ones share a row."""
    listed = 0
    filled_of = {filled.model.key: filled for filled in models}
    own = models[0]
    for cell, same in islice(groupby(cells), SHOWN):
        count = len(list(same))
        listed += count
        filled = filled_of[cell.model.key]
        name = _differences(cell, filled.values)
        if len(models) > 1:
            changed = _changed(own, filled, cell)
            name = " · ".join(filter(None, (cell.model.title, changed, name)))
        if count > 1:
            name = f"{count:,} × {name}"
        yield _row(cell, one_line(name, 300))
    if listed < len(cells):
        yield Content.styled(f"  … and {len(cells) - listed:,} more", "dim")


def _row(cell: Cell, name: str) -> Content:
    if not cell.problem:
        price = "?" if cell.price is None else dollars(cell.price)
        return Content.assemble((f"{price:>{_PRICE_WIDTH}}", "dim"), f"  {name}")
    if not name:
        return Content.styled(f"✗ {cell.problem}", "$text-error")
    return Content.assemble(
        ("✗ ", "$text-error"), (name, "strike"), (f" – {cell.problem}", "$text-error")
    )


def _changed(own: FilledModel, filled: FilledModel, cell: Cell) -> str:
    """Returns which values of the form a model doesn't take, and what it has instead.

    What the job varies isn't among them: that stands beside it.
    """
    words = []
    for name, value in own.values.items():
        if name in filled.values or name in cell.values:
            continue
        param = filled.route.param(name)
        title = name.replace("_", " ")
        if param is None and name.endswith(("_url", "_urls")):
            words.append(_renamed(own, filled, name))
        elif param is None:
            words.append("no extra parameters" if name == EXTRA else f"no {title}")
        elif param.default is None:
            words.append(f"{title} not {value}")
        else:
            words.append(f"{title} {param.default} not {value}")
    return one_line(" · ".join(filter(None, words)), 200)


def _renamed(own: FilledModel, filled: FilledModel, name: str) -> str:
    """Returns what became of pictures whose parameter has another name elsewhere."""
    source, target = source_param(own.route), source_param(filled.route)
    if not (source and target and name == source.name):
        return f"no {name.removesuffix('_urls').removesuffix('_url').replace('_', ' ')}"
    pictures = own.values[name]
    if isinstance(pictures, list) and len(pictures) > 1:
        return f"1 of {len(pictures)} pictures"
    return ""


def _differences(cell: Cell, start: Mapping[str, object]) -> str:
    """Returns what differs from the values that a cell starts from, and the prompt."""
    parts = []
    same = dict(shown(start))
    for name, value in shown(cell.values):
        if name != "prompt" and value != same.get(name):
            parts.append(f"{name} {value}")
    if cell.values.get("prompt"):
        parts.append(str(cell.values["prompt"]))
    return one_line(" · ".join(parts), 300)


def _count_sentence(valid: int, invalid: int, price: str) -> str:
    if not valid:
        return by_count(
            invalid,
            "Nothing can be sent: the request is invalid.",
            "Nothing can be sent: all {count} requests are invalid.",
        )
    if not invalid:
        return by_count(
            valid, "{count} request, {price}", "{count} requests, {price}", price=price
        )
    return by_count(
        valid,
        "{count} request, {price}; {invalid} left out",
        "{count} requests, {price}; {invalid} left out",
        price=price,
        invalid=f"{invalid:,}",
    )


def _prompts(path: Path) -> list[str]:
    """Returns the prompts of a file. Raises BatchError where there are none."""
    shown = one_line(path, 10_000)
    if len(shown) >= _LONGEST_PATH:
        shown = f"…{shown[1 - _LONGEST_PATH :]}"
    try:
        if not path.is_file():  # reading a pipe might never end
            raise BatchError(f"There is no file {shown}.")
        if path.stat().st_size > _LARGEST_FILE:
            limit = file_size(_LARGEST_FILE)
            raise BatchError(f"{shown} is larger than {limit}.")
        with path.open("rb") as file:
            prompts = list(islice(prompt_file.read(file), batch.MOST + 1))
    except prompt_file.PromptFileError as error:
        raise BatchError(f"{shown} {error}.") from error
    except OSError as error:
        raise BatchError(f"{shown} can't be read: {error.strerror}.") from error
    if not prompts:
        raise BatchError("There is no prompt: all lines are blank.")
    return prompts
