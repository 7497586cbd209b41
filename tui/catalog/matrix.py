"""The cells of a matrix: every combination of models, prompts and varied parameters.

This is arithmetic on values, like `batch`: nothing is sent or stored.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from tui.catalog import batch, price, request
from tui.catalog.batch import BatchError, Variations
from tui.catalog.request import Request
from tui.catalog.sources import source_param, with_picture
from tui.catalog.spec import Model, Route, Values
from tui.text import dollars, one_line


class FilledModel(NamedTuple):
    """A model with the values that its cells start from."""

    model: Model
    route: Route
    values: Values


class Cell(NamedTuple):
    """One combination."""

    model: Model
    values: Values
    price: int | None
    """The catalog's estimate in micro-dollars; None where it is unknown."""
    problem: str = ""
    """Why it can't be sent, or ""."""

    @property
    def request(self) -> Request:
        return Request(self.model, self.values, self.price)


def adapted(filled: FilledModel, model: Model, route: Route) -> FilledModel:
    """Returns another model with those of the values that it takes.

    The prompt always stays; a source has the name that the other model calls it.
    """
    source = source_param(filled.route)
    target = source_param(route)
    kept: Values = {}
    for name, value in filled.values.items():
        if route.param(name):
            kept[name] = value
        elif source and target and name == source.name:
            picture = value[0] if isinstance(value, list) and value else value
            kept = with_picture(route, target.name, kept, str(picture))
    refused = request.check(model, route, kept)
    values = {
        name: value
        for name, value in kept.items()
        if name == "prompt" or name not in refused
    }
    return FilledModel(model, route, values)


def cells(models: Sequence[FilledModel], variations: Variations) -> list[Cell]:
    """Returns all cells, those of one model after those of another.

    With a single model, what it doesn't know is an error; of several, it is a cell
    that can't be sent. Raises BatchError.
    """
    if len(models) == 1:
        return _cells(models[0], batch.expand(*models[0], variations))
    found: list[Cell] = []
    for filled in models:
        found += _cells_of_one(filled, variations)
        if len(found) > batch.MOST:
            raise BatchError(f"A job takes at most {batch.MOST:,} requests.")
    if all(cell.problem for cell in found):
        # A misspelled name is no cell of any model: say what it should be.
        batch.expand(*models[0], variations)
    return found


def _cells_of_one(filled: FilledModel, variations: Variations) -> Iterator[Cell]:
    """Yields the cells of one model among several; what it lacks is a cell, too."""
    if variations.prompts and not filled.route.param("prompt"):
        problem = f"{filled.model.title} takes no prompt."
        yield Cell(filled.model, {}, None, problem)
        return
    vary: dict[str, str] = {}
    for name, text in variations.vary.items():
        param = filled.route.param(name)
        if param is None:
            problem = f"{filled.model.title} has no {name}."
            yield Cell(filled.model, {name: text.strip()}, None, problem)
            return
        taken: list[str] = []
        for part in batch.vary_parts(text):
            try:
                batch.parse_vary_line(param, part)
            except BatchError as error:
                yield Cell(filled.model, {name: part.strip()}, None, one_line(error))
            else:
                taken.append(part)
        if not taken:
            return
        vary[name] = "|".join(taken)
    yield from _cells(filled, batch.expand(*filled, replace(variations, vary=vary)))


def _cells(filled: FilledModel, expanded: list[Values]) -> list[Cell]:
    return [_cell(filled, values) for values in expanded]


def _cell(filled: FilledModel, values: Values) -> Cell:
    model = filled.model
    cost = price.estimate(model, values).micro
    errors = request.check(model, filled.route, values)
    reasons = [f"{name}: {problem}" for name, problem in errors.items()]
    return Cell(model, values, cost, one_line(" ".join(reasons)))


def price_text(sent: Sequence[Cell]) -> str:
    """Returns what cells cost together, and how many have an unknown price."""
    known = [cell.price for cell in sent if cell.price is not None]
    unknown = len(sent) - len(known)
    if not unknown:
        return f"about {dollars(sum(known))}"
    if not known:
        return "price unknown"
    return f"about {dollars(sum(known))} + {unknown:,} of unknown price"
