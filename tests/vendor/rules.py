"""Compares rules by what they do: the same may be said in several ways.

Both sides judge each combination of the values of all params that a rule names.
"""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

from tests.vendor.differences import Difference
from tui.catalog import request
from tui.catalog.spec import Kind, Model, Param, Route, Rule, Value, Values

_MOST = 20_000
"""Combinations that are judged."""
_RULE_KEYS = {"when", "forbidden", "required", "required_any"}
_URL = "https://files.example/a.png"


def compare_rules(
    place: str, model: Model, rules: list[dict[str, Any]]
) -> Iterator[Difference]:
    """Yields the combinations of values that only one of both refuses."""
    route = model.routes["service"]
    rules = [rule for rule in rules if _is_of(model, rule)]
    for rule in rules:
        for key in set(rule) - _RULE_KEYS:
            yield Difference(place, f"rule key {key}", "yes", "not understood")
    names = {name for rule in rules for name in _named(rule)}
    names |= {name for rule in route.rules for name in _named_here(rule)}
    params = [param for param in route.params if param.name in names]
    choices = [[None, *_samples(param, route.rules)] for param in params]
    count = 1
    for values in choices:
        count *= len(values)
    if count > _MOST:
        yield Difference(place, "rules", "too many to judge", f"{count} combinations")
        return
    base = _base(route)
    for combination in product(*choices):
        chosen = dict(zip([param.name for param in params], combination, strict=True))
        sent = {name: value for name, value in chosen.items() if value is not None}
        yield from _compare_verdicts(place, model, rules, base, sent)


def _compare_verdicts(
    place: str,
    model: Model,
    rules: list[dict[str, Any]],
    base: Values,
    sent: Values,
) -> Iterator[Difference]:
    route = model.routes["service"]
    values = base | sent
    needed = {name for name, param in _params(route).items() if param.required}
    if needed - set(values):
        return
    theirs = _refuses(model.slug, rules, values)
    ours = bool(request.check(model, route, values))
    if theirs != ours:
        shown = " ".join(f"{name}={_shown(value)}" for name, value in sent.items())
        told = ("refuses", "takes") if theirs else ("takes", "refuses")
        yield Difference(place, f"with {shown or 'nothing else'}", *told)


def _refuses(slug: str, rules: Iterable[dict[str, Any]], values: Values) -> bool:
    """Returns whether one of the vendor's rules refuses values."""
    chosen: Values = {"model": slug, **values}
    for rule in rules:
        conditions = rule.get("when", {}).items()
        if not all(_holds(chosen.get(name), wanted) for name, wanted in conditions):
            continue
        any_of = rule.get("required_any", ())
        if (
            any(name in values for name in rule.get("forbidden", ()))
            or any(name not in values for name in rule.get("required", ()))
            or (any_of and not any(name in values for name in any_of))
        ):
            return True
    return False


def _holds(value: Value | None, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return (value is not None) is bool(wanted.get("present"))
    return value is not None and value == wanted


def _is_of(model: Model, rule: dict[str, Any]) -> bool:
    """Returns whether a rule is about a model, and about more than which it is."""
    when = rule.get("when", {})
    if when.get("model", model.slug) != model.slug:
        return False
    return set(when) != {"model"} or set(rule) != {"when", "forbidden"}


def _named(rule: dict[str, Any]) -> set[str]:
    lists = (rule.get(key, ()) for key in ("forbidden", "required", "required_any"))
    return set(rule.get("when", {})).union(*lists) - {"model"}


def _named_here(rule: Rule) -> set[str]:
    lists = (rule.forbidden, rule.required, rule.required_any)
    return set(rule.when).union(rule.enum, rule.min, rule.max, *lists) - {"model"}


def _params(route: Route) -> dict[str, Param]:
    return {param.name: param for param in route.params}


def _base(route: Route) -> Values:
    """Returns a value for each param that has to have one."""
    required = [param for param in route.params if param.required]
    return {param.name: _samples(param, ())[0] for param in required}


def _samples(param: Param, rules: Iterable[Rule]) -> list[Value]:
    """Returns values that a param takes: all choices, or those beside the bounds."""
    match param.kind:
        case Kind.CHOICE | Kind.CONSTANT:
            return list(param.enum)
        case Kind.BOOLEAN:
            return [True, False]
        case Kind.INTEGER | Kind.NUMBER:
            return _bounds(param, rules) or [1]
        case Kind.IMAGE:
            return [_URL]
        case Kind.IMAGES:
            return [[_URL] * (param.min_items or 1)]
        case Kind.INTEGERS | Kind.JSON:
            return [[1]]
        case Kind.TASK:
            return ["tsk_1"]
        case _:
            return [param.example or "a fox in the snow"]


def _bounds(param: Param, rules: Iterable[Rule]) -> list[Value]:
    """Returns the bounds of a number, those that a rule gives it included."""
    bounds = [param.min, param.max]
    for rule in rules:
        bounds += [rule.min.get(param.name), rule.max.get(param.name)]
    return [*sorted({int(bound) for bound in bounds if bound is not None})]


def _shown(value: Value) -> str:
    if isinstance(value, list):
        return "[…]"
    return str(value)
