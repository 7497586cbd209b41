"""A second opinion on request bodies, written from a route's data alone: nothing here
comes from `request`.
"""

import re
from typing import Any

from msgspec.structs import replace

from tui.catalog.spec import Param, Presence, Route, Rule
from tui.text import invisible

JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
}


def faults(route: Route, body: dict[str, Any]) -> set[str]:
    """The names under which a JSON body breaks what the route and its rules ask."""
    wanted = {param.name: param for param in ruled(route, body)}
    found = set(body) - set(wanted) - {"model"}
    found |= {
        name for name, param in wanted.items() if param.required and name not in body
    }
    found |= {
        name
        for name, param in wanted.items()
        if name in body and not _fits(param, body[name])
    }
    for rule in _holding(route, body):
        if rule.required_any and not body.keys() & set(rule.required_any):
            found.add(rule.required_any[0])
    return found


def ruled(route: Route, body: dict[str, Any]) -> list[Param]:
    """The params as they are once the rules that hold for this body have narrowed or
    removed them.
    """
    rules = _holding(route, body)
    gone = {name for rule in rules for name in rule.forbidden}
    return [_narrowed(param, rules) for param in route.params if param.name not in gone]


def _holding(route: Route, body: dict[str, Any]) -> list[Rule]:
    return [
        rule
        for rule in route.rules
        if all(_is(name, wanted, body) for name, wanted in rule.when.items())
    ]


def _is(name: str, wanted: Any, body: dict[str, Any]) -> bool:
    if isinstance(wanted, Presence):
        return (name in body) is wanted.present
    return name in body and _same(body[name], wanted)


def _narrowed(param: Param, rules: list[Rule]) -> Param:
    for rule in rules:
        name = param.name
        param = replace(
            param,
            required=param.required or name in rule.required,
            enum=rule.enum.get(name, param.enum),
            min=rule.min.get(name, param.min),
            max=rule.max.get(name, param.max),
        )
    return param


def _fits(param: Param, value: Any) -> bool:
    if not _is_a(param.type, value):
        return False
    if param.enum and not any(_same(value, allowed) for allowed in param.enum):
        return False
    if isinstance(value, str):
        return (
            not invisible(value)
            and re.search(param.pattern, value) is not None
            and _between(param, len(value))
        )
    if isinstance(value, list):
        many = param.min_items or 1, param.max_items or len(value)
        return many[0] <= len(value) <= many[1] and all(
            _entry_fits(param, entry) for entry in value
        )
    return isinstance(value, bool) or _between(param, value)


def _entry_fits(param: Param, entry: Any) -> bool:
    match param.kind:
        case "images":
            return _is_a("string", entry) and not invisible(entry)
        case "integers":
            return _is_a("integer", entry) and _between(param, entry)
        case _:
            return True


def _is_a(name: str, value: Any) -> bool:
    return isinstance(value, JSON_TYPES[name]) and isinstance(value, bool) is (
        name == "boolean"
    )


def _same(value: Any, other: Any) -> bool:
    """Equality as JSON has it: true is not 1."""
    return isinstance(value, bool) is isinstance(other, bool) and bool(value == other)


def _between(param: Param, size: float) -> bool:
    return (param.min is None or size >= param.min) and (
        param.max is None or size <= param.max
    )
