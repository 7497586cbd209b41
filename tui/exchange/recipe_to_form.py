"""From what an image says that made it to what the form can ask: which model, which of
the values.
"""

import re
from contextlib import suppress
from typing import NamedTuple

from tui.catalog import request
from tui.catalog.load import Catalog, UnknownModel
from tui.catalog.route import Api, choose, translate
from tui.catalog.spec import Model, Param, RouteName, Value, Values
from tui.images.recipes import OURS, PROMPTS, Recipe
from tui.text import one_line

_NEAR = 0.03
"""How much wider than a ratio a picture may be, by parts of the ratio, that it still
stands for.
"""
_MOST_NAMED = 8


class Refill(NamedTuple):
    """What to ask for; `taken` and `left` name what the image tells."""

    model: Model
    values: Values
    taken: list[str]
    left: list[str]

    def describe(self, file: str) -> str:
        """What became of all that the file of this name tells, as a sentence."""
        taken = (
            f"From {file}: {_list(self.taken)}"
            if self.taken
            else f"Nothing that {file} tells fits here"
        )
        return f"{taken}; not taken: {_list(self.left)}." if self.left else f"{taken}."


def refill(
    recipe: Recipe,
    catalog: Catalog,
    shown: Model,
    filled: Values,
    api: Api,
    learnt: RouteName | None,
) -> Refill:
    """The recipe's model with its values; where the catalog doesn't have it, the model
    that is `shown`, with what it takes by name over what is `filled` in.
    """
    try:
        model, values, taken = (
            catalog.find(recipe.model, recipe.action),
            Values(),
            ["model"],
        )
    except UnknownModel:
        model, values, taken = shown, dict(filled), []
    left = [f"model {recipe.model}"] if recipe.model and not taken else []
    to = choose(model, {**values, **recipe.values}, api, learnt)
    told, unplaced = _told(recipe, model, to)
    values, _ = translate(model, values, to)
    errors = request.check(model, model.routes[to], values | told)
    for name, value in told.items():
        if request.blank(value):
            continue
        param = model.routes[to].param(name)
        # A prompt that is too long is the user's to shorten.
        fits = name not in errors or (name in PROMPTS and isinstance(value, str))
        if param and fits and _harmless(param, value):
            values[name] = value
            taken.append(name)
        else:
            left.append(name)
    return Refill(model, values, taken, left + unplaced)


def _told(recipe: Recipe, model: Model, to: RouteName) -> tuple[Values, list[str]]:
    """All that has a name on this route, not judged yet; and the names of the rest."""
    route = model.routes[to]
    told, unplaced = translate(model, recipe.values, to)
    shape = (
        _ratio(recipe.values.get("size"), route.param("aspect_ratio"))
        if "size" in unplaced
        else None
    )
    if shape and "aspect_ratio" not in told:
        told["aspect_ratio"] = shape
        del unplaced["size"]
    left = list(unplaced)
    for name, text in recipe.other.items() if recipe.source != OURS else ():
        param = route.param(name.lower().replace(" ", "_"))
        with suppress(ValueError):
            if param and param.name not in told:
                told[param.name] = request.parse(param, text)
                continue
        left.append(name)
    return told, left


def _ratio(size: Value | None, param: Param | None) -> Value | None:
    """The choice of a shape that comes near a size, such as 1344x768."""
    sides = re.fullmatch(r"(\d{1,5})x(\d{1,5})", str(size))
    if not sides or not param or not int(sides[2]):
        return None
    wide = int(sides[1]) / int(sides[2])
    ratios = {
        choice: re.fullmatch(r"(\d+):([1-9]\d*)", str(choice)) for choice in param.enum
    }
    off = {
        choice: abs(wide / (int(ratio[1]) / int(ratio[2])) - 1)
        for choice, ratio in ratios.items()
        if ratio
    }
    nearest = min(off, key=lambda choice: off[choice], default=None)
    return nearest if nearest is not None and off[nearest] < _NEAR else None


def _harmless(param: Param, value: Value) -> bool:
    """Anybody may have written the recipe: it names no file of this machine for upload,
    and nobody to call back.
    """
    return not request.needs_upload(param, value) and param.name != "callback_url"


def _list(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    shown = ", ".join(
        one_line(name.replace("_", " "), 40) for name in names[:_MOST_NAMED]
    )
    return f"{shown} and {more:,} more" if more > 0 else shown
