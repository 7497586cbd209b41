"""Extra parameters: what a request has beyond the catalog, sent without a check.

The service may know models, parameters and values that the catalog doesn't know yet. In
a request's values they stand as one JSON object under the name `+`. A name whose value is
null there isn't sent from it: the request's own value of that name is, unchecked, and may
be missing although the catalog demands it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import starmap
from typing import Any

from msgspec.structs import replace

from tui.catalog.image_items import is_url
from tui.catalog.spec import Kind, Model, Param, Route, Value, Values
from tui.text import one_line

EXTRA = "+"
"""The name of the extra parameters among a request's values."""
EXTRA_PARAM = Param(
    name=EXTRA,
    kind=Kind.OBJECT,
    label="Extra parameters",
    help=(
        'Sent as they are, not checked: a JSON object such as {"style": "ink"}. The'
        " price is not known before a quote."
    ),
    example='{"style": "ink"}',
    more=True,
)
MOST_NAMES = 100
_MOST_DEPTH = 20
_MOST_NUMBER = 2**63
_NAME = re.compile(r"[A-Za-z_][\w.-]{0,99}", re.ASCII)


def extra_of(values: Mapping[str, object]) -> dict[str, Any]:
    """Returns the extra parameters among values; none where they are no object."""
    extra = values.get(EXTRA)
    return extra if isinstance(extra, dict) else {}


def with_extra(values: Values, extra: Mapping[str, Any]) -> Values:
    """Returns values with more extra parameters."""
    return {**values, EXTRA: {**extra_of(values), **extra}}


def with_values(values: Values, more: Values) -> Values:
    """Returns values with others over them; the extra parameters of both stay."""
    merged = {**values, **more}
    extra = {**extra_of(values), **extra_of(more)}
    return with_extra(merged, extra) if extra else merged


def unchecked(values: Values, names: Iterable[str]) -> Values:
    """Returns values of which those of some names are sent without a check."""
    added = [name for name in names if name not in extra_of(values)]
    return with_extra(values, dict.fromkeys(added)) if added else values


def from_body(route: Route, body: Values) -> Values:
    """Returns a body's values as those of a request: the route's own, and extra ones."""
    known = {name: value for name, value in body.items() if route.param(name)}
    extra = {name: value for name, value in body.items() if name not in known}
    return with_extra(known, extra) if extra else known


def without_waived(values: Values, waived: Iterable[str]) -> Values:
    """Returns values without the names whose own values are sent without a check."""
    extra = extra_of(values)
    rest = {name: extra[name] for name in extra if name not in waived}
    others = {name: value for name, value in values.items() if name != EXTRA}
    return with_extra(others, rest) if rest else others


def waived_of(values: Values) -> list[str]:
    """Returns the names whose own values are sent without a check."""
    return [name for name, value in extra_of(values).items() if value is None]


def unchecked_names(
    values: Mapping[str, object], *, described: bool = True
) -> list[str]:
    """Returns the names of what isn't checked: of a model without a description, all.

    A task for such a model has extra parameters, be they none.
    """
    extra = extra_of(values)
    if described and (extra or EXTRA not in values):
        return list(extra)
    return [*(name for name in values if name != EXTRA), *extra]


def not_checked(names: Iterable[str]) -> str:
    """Returns `Not checked: style.` or the like; "" where all is checked."""
    listed = one_line(", ".join(dict.fromkeys(names)), 200)
    return f"Not checked: {listed}." if listed else ""


def short_mark(values: Mapping[str, object]) -> str:
    """Returns what marks a task in a row, as short as `+style`; "" for most."""
    names = extra_of(values)
    if not names:
        return "not checked" if EXTRA in values else ""
    return f"+{one_line(','.join(names), 100)}"


def params_of(model: Model, route: Route) -> tuple[Param, ...]:
    """Returns what a form asks for: the route's parameters, then the extra ones."""
    if model.described:
        return *route.params, EXTRA_PARAM
    return *route.params, replace(EXTRA_PARAM, more=False)


def shown(values: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yields names and values for people; what isn't checked is named as such.

    A value is left out where an extra parameter takes its place.
    """
    extra = extra_of(values)
    for name, value in values.items():
        if name != EXTRA and extra.get(name) is None:
            yield name.replace("_", " "), value
    if extra:
        yield "not checked", ", ".join(described(extra))
    elif EXTRA in values:
        yield "not checked", "all of it"


def described(extra: Mapping[str, object]) -> Iterator[str]:
    """Yields each extra parameter as `style ink`."""
    return starmap(_shown, extra.items())


def _shown(name: str, value: object) -> str:
    if value is None:
        return name
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"{name} {text}"


def extra_problem(params: Iterable[Param], extra: object) -> str:
    """Returns why extra parameters can't be sent beside `params`, or nothing."""
    if not isinstance(extra, dict):
        return 'Must be a JSON object, such as {"style": "ink"}.'
    if len(extra) > MOST_NAMES:
        return f"At most {MOST_NAMES} extra parameters: these are {len(extra):,}."
    if is_deep(extra):
        return "Nested too deeply."
    images = {param.name for param in params if param.kind in (Kind.IMAGE, Kind.IMAGES)}
    for name, value in extra.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            return f"{one_line(name, 40)!r} can't be the name of a parameter."
        if name == "model":
            return "The model can't be an extra parameter: choose it by its name."
        if _is_large(value):
            return f"{name} has a number beyond 64 bits: write it as a text."
        if name in images and not all(map(is_url, texts_in(value))):
            return f"{name} takes URLs here: name a file of this machine in its field."
    return ""


def parse_extra(text: str) -> Value:
    """Returns the value of an extra parameter: JSON, or else the text itself."""
    try:
        value: Value = json.loads(text)
        json.dumps(value, allow_nan=False)  # Python reads NaN, which is no JSON
    except (ValueError, RecursionError):
        return text
    return text if is_deep(value) else value


def is_deep(value: object) -> bool:
    """Returns whether a JSON value is nested more deeply than any request needs."""
    level = [value]
    for _ in range(_MOST_DEPTH):
        level = [item for each in level for item in _items(each)]
    return bool(level)


def texts_in(value: object) -> list[str]:
    """Returns all texts in a JSON value, however deep, without the names of objects."""
    return [leaf for leaf in _leaves(value) if isinstance(leaf, str)]


def _is_large(value: object) -> bool:
    """Tells whether a JSON value has a number that not every program can hold."""
    numbers = (leaf for leaf in _leaves(value) if isinstance(leaf, int | float))
    return any(abs(number) >= _MOST_NUMBER for number in numbers)


def _leaves(value: object) -> Iterator[object]:
    """Yields what a JSON value holds that is neither a list nor an object."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict | list):
            waiting += _items(each)
        else:
            yield each


def _items(value: object) -> list[Any]:
    """Returns what a JSON list or object holds; nothing for any other value."""
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
