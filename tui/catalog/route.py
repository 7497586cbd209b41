"""Which of a model's routes a request takes, and how its values change routes."""

from collections.abc import Iterable
from typing import Literal

from tui.catalog.extra import EXTRA
from tui.catalog.spec import Model, Route, RouteName, Values

Api = Literal["auto", "unified", "service"]


def choose(
    model: Model,
    names: Iterable[str] = (),
    api: Api = "auto",
    learnt: RouteName | None = None,
) -> RouteName:
    """Returns the route for a request with parameters of these names.

    `api` is the user's setting, `learnt` the route that this base URL is known to have.
    With neither, unified comes first where a model has it, unless only the other route
    knows one of the parameters. One that neither knows, such as an extra one, decides
    nothing.
    """
    if len(model.routes) == 1:
        return next(iter(model.routes))
    if api != "auto":
        return api
    first: RouteName = learnt or "unified"
    other: RouteName = "service" if first == "unified" else "unified"
    for name in names:
        if model.routes[other].param(name) and not model.routes[first].param(name):
            return other
    return first


def translate(
    model: Model, values: Values, to: RouteName
) -> tuple[Values, dict[str, str]]:
    """Returns `values` under the names of route `to`, and errors for the others.

    The errors are sentences by parameter.
    """
    target = model.routes[to]
    renamed = _renamed(model, target)
    usual = ", ".join(param.name for param in target.params if not param.more)
    moved: Values = {}
    unplaced: dict[str, str] = {}
    for name, value in values.items():
        if name == EXTRA and isinstance(value, dict):
            moved[name] = {renamed.get(key, key): value[key] for key in value}
        elif name == EXTRA or target.param(name):  # in a draft it may be any text
            moved[name] = value
        elif name in renamed:
            moved[renamed[name]] = value
        else:
            unplaced[name] = (
                f"This service's route has no parameter {name}. It takes {usual}."
            )
    return moved, unplaced


def _renamed(model: Model, target: Route) -> dict[str, str]:
    """Returns by names of the model's other route the names of the target route."""
    renamed: dict[str, str] = {}
    for param in target.params:
        if param.other:
            renamed[param.other] = param.name
    for route in model.routes.values():
        if route is target:
            continue
        for param in route.params:
            if param.other:
                renamed[param.name] = param.other
    return renamed
