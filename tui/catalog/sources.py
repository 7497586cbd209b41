"""Which models work from a picture, and by which of their params."""

from collections.abc import Sequence

from msgspec.structs import replace

from tui.catalog.load import Catalog
from tui.catalog.spec import (
    Family,
    Kind,
    Model,
    Param,
    Presence,
    Route,
    Rule,
    Value,
    Values,
)

_USES = {
    "edit_image": "Edit",
    "remix_image": "Remix",
    "upscale_image": "Upscale",
    "remove_background": "Remove background",
    "reframe_image": "Reframe",
    "decompose_layers": "Layers",
    "segment_map": "Segments",
    "text_to_image": "With a reference",
}
"""What is done with a picture, the most usual first."""
_OTHER = "Other"
STAND_IN = "https://example.invalid/picture.png"
"""Stands for a picture that isn't made yet, where values are only checked."""
_NOT_SOURCES = ("mask_url", "reference_mask_urls", "style_reference_image_urls")


def source_param(route: Route) -> Param | None:
    """Returns the param that takes a picture to work from, if there is one."""
    images = [
        param
        for param in route.params
        if param.kind in (Kind.IMAGE, Kind.IMAGES) and param.name not in _NOT_SOURCES
    ]
    required = [param for param in images if param.required]
    return next(iter(required or images), None)


def source_value(param: Param, pictures: Sequence[str]) -> Value:
    """Returns pictures as a parameter takes them: all of them, or the first."""
    return [*pictures] if param.kind is Kind.IMAGES else pictures[0]


def with_picture(route: Route, name: str, values: Values, picture: str) -> Values:
    """Returns values with a picture for the parameter of that name."""
    param = route.param(name)
    return values | {name: source_value(param, [picture]) if param else picture}


def without_source(model: Model) -> Model:
    """Returns the model as a form has it whose picture comes from a later result."""
    return replace(
        model,
        routes={name: _without(route) for name, route in model.routes.items()},
    )


def _without(route: Route) -> Route:
    param = source_param(route)
    if param is None:
        return route
    rules = [_rule_with(rule, param.name) for rule in route.rules]
    return replace(
        route,
        params=tuple(other for other in route.params if other is not param),
        rules=tuple(rule for rule in rules if rule),
    )


def _rule_with(rule: Rule, name: str) -> Rule | None:
    """Returns what a rule demands of the others once a parameter has a value."""
    when = dict(rule.when)
    condition = when.pop(name, None)
    if condition is not None and not (
        isinstance(condition, Presence) and condition.present
    ):
        return None
    return replace(
        rule,
        when=when,
        forbidden=tuple(other for other in rule.forbidden if other != name),
        required=tuple(other for other in rule.required if other != name),
        required_any=() if name in rule.required_any else rule.required_any,
    )


def by_use(catalog: Catalog) -> Catalog:
    """Returns the models that take a picture, as families by what they do with it."""
    uses: dict[str, list[Model]] = {use: [] for use in (*_USES.values(), _OTHER)}
    for model in catalog.models:
        if any(source_param(route) for route in model.routes.values()):
            use = _USES.get(model.action, _OTHER)
            uses[use].append(replace(model, family=use))
    return Catalog(
        tuple(
            Family(name=use, provider="", service="", about="", models=tuple(models))
            for use, models in uses.items()
            if models
        )
    )
