"""Fills the form from an image's recipe: with its model and those values that fit."""

import re
from contextlib import suppress
from typing import NamedTuple

from tui.catalog import request
from tui.catalog.extra import EXTRA
from tui.catalog.load import Catalog, UnknownModel
from tui.catalog.route import Api, choose, translate
from tui.catalog.spec import Model, Param, RouteName, Value, Values
from tui.images.recipes import OURS, PROMPTS, Recipe
from tui.text import one_line

_TOLERANCE = 0.03
"""How much an image's shape may differ from a ratio, as a part of the ratio."""
_MOST_NAMED = 8
_OF_ONE_PICTURE = (*PROMPTS, "seed", "size", "aspect_ratio", "width", "height")
"""Values that belong together: those of two pictures are never mixed."""


class FormContent(NamedTuple):
    """The model that the form shows, and the values that are filled in."""

    model: Model
    values: Values


class Refill(NamedTuple):
    """A model with values.

    `used` and `unused` name what the recipe has; `cleared` and `kept`, what stood in
    the form before.
    """

    model: Model
    values: Values
    used: list[str]
    unused: list[str]
    note: str = ""
    """A sentence on what of the recipe was understood in part only."""
    cleared: list[str] = []
    kept: list[str] = []

    def describe(self, file: str) -> str:
        """Return a sentence on what was used of the recipe of a file."""
        sentences = [self._sentence(file)]
        if self.used and self.cleared:
            sentences.append(f"Cleared: {_list(self.cleared)}.")
        if self.used and self.kept:
            sentences.append(f"Kept: {_list(self.kept)}.")
        if self.note:
            sentences.append(self.note)
        return " ".join(sentences)

    def _sentence(self, file: str) -> str:
        used = _list(self.used)
        unused = _list(self.unused)
        if used and unused:
            return f"From {file}: {used}. Not used: {unused}."
        if used:
            return f"From {file}: {used}."
        if unused:
            return f"Nothing from {file} fits here. Not used: {unused}."
        return f"Nothing from {file} fits here."


def refill(
    recipe: Recipe,
    catalog: Catalog,
    form: FormContent,
    api: Api,
    learnt: RouteName | None,
) -> Refill:
    """Return the recipe's model with its values.

    Where the catalog doesn't have the model, the form's is used, with those values of
    the recipe that it has a parameter for, and the form's values but the prompts, seed
    and size. `learnt` is the route that the service was found to have.
    """
    model = form.model
    values = {
        name: value
        for name, value in form.values.items()
        if name not in _OF_ONE_PICTURE
    }
    used: list[str] = []
    unused: list[str] = []
    try:
        model = catalog.find(recipe.model, recipe.action)
        values = {}
        used.append("model")
    except UnknownModel:
        if recipe.model:
            unused.append(f"model {recipe.model}")
    to = choose(model, {**values, **recipe.values}, api, learnt)
    route = model.routes[to]
    found, unplaced = _placed(recipe, model, to)
    values, _ = translate(model, values, to)
    before = list(values)
    errors = request.check(model, route, values | found)
    for name, value in found.items():
        if request.blank(value):
            continue
        param = route.param(name)
        # A prompt that is too long is the user's to shorten.
        is_prompt = name in PROMPTS and isinstance(value, str)
        fits = is_prompt or name not in errors
        if param and fits and _harmless(param, value):
            values[name] = value
            used.append(name)
        else:
            unused.append(name)
    cleared: list[str] = []
    if model is form.model and "model" not in used:
        for name, value in form.values.items():
            was_filled = name in _OF_ONE_PICTURE and not request.blank(value)
            if was_filled and name not in values:
                cleared.append(name)
    kept = [name for name in before if name not in used]
    unused += unplaced
    return Refill(model, values, used, unused, recipe.note, cleared, kept)


def _placed(recipe: Recipe, model: Model, to: RouteName) -> tuple[Values, list[str]]:
    """Return unchecked values by the names of this route, and the names of the rest."""
    route = model.routes[to]
    placed, unplaced = translate(model, recipe.values, to)
    if "size" in unplaced and "aspect_ratio" not in placed:
        ratio = _ratio(recipe.values.get("size"), route.param("aspect_ratio"))
        if ratio:
            placed["aspect_ratio"] = ratio
            del unplaced["size"]
    rest = list(unplaced)
    if placed.pop(EXTRA, None):
        rest.append("extra parameters")
    if recipe.source == OURS:
        return placed, rest
    for name, text in recipe.other.items():
        param = route.param(name.lower().replace(" ", "_"))
        with suppress(ValueError):
            if param and param.name not in placed:
                placed[param.name] = request.parse(param, text)
                continue
        rest.append(name)
    return placed, rest


def _ratio(size: Value | None, param: Param | None) -> Value | None:
    """Return the choice of a ratio that is near a size, such as 1344x768."""
    sides = re.fullmatch(r"(\d{1,5})x(\d{1,5})", str(size))
    if not sides or not param:
        return None
    width = int(sides[1])
    height = int(sides[2])
    if not height:
        return None
    shape = width / height
    nearest: Value | None = None
    smallest = _TOLERANCE
    for choice in param.enum:
        ratio = re.fullmatch(r"(\d+):([1-9]\d*)", str(choice))
        if not ratio:
            continue
        wanted = int(ratio[1]) / int(ratio[2])
        difference = abs(shape / wanted - 1)
        if difference < smallest:
            nearest = choice
            smallest = difference
    return nearest


def _harmless(param: Param, value: Value) -> bool:
    """Return whether a value is safe in a recipe, which anybody may have written.

    It must name no file of this machine for upload, and no address to call back.
    """
    return not (request.needs_upload(param, value) or request.is_callback(param))


def _list(names: list[str]) -> str:
    """Return names as people read them, and how many more there are."""
    readable = [name.replace("_", " ") for name in names[:_MOST_NAMED]]
    shown = ", ".join(one_line(name, 40) for name in readable)
    more = len(names) - _MOST_NAMED
    return f"{shown} and {more:,} more" if more > 0 else shown
