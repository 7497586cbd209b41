"""Turns values into a request's body, or into errors by parameter.

This is the only place where a request is checked against the catalog.
"""

import json
import math
import re
from types import UnionType
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tui.catalog.spec import Kind, Model, Param, Presence, Route, Rule, Value, Values
from tui.text import did_you_mean, invisible, is_text

_YES = ("yes", "true", "on", "1")
_NO = ("no", "false", "off", "0")


class EffectiveRules(Struct, frozen=True):
    """What a route takes once its rules have been applied to some values."""

    params: dict[str, Param]
    """The parameters that may be sent, by name, as the rules have changed them."""
    forbidden: dict[str, str]
    """Parameters that may not be sent, each with a sentence that says why."""
    any_of: tuple[tuple[str, ...], ...]
    """Groups of parameters of which one at least has to be sent."""


def blank(value: object) -> bool:
    """Returns whether a value is never sent: None, an empty list, invisible text."""
    return value is None or value == [] or (isinstance(value, str) and invisible(value))


def is_url(item: str) -> bool:
    """Returns whether an image is on the web; anything else is a file of this machine."""
    return item.lower().startswith(("http://", "https://"))


def needs_upload(param: Param, value: Value) -> bool:
    """Returns whether a value names files of this machine, which would be uploaded."""
    if param.kind not in (Kind.IMAGE, Kind.IMAGES):
        return False
    items = value if isinstance(value, list) else [value]
    return not all(is_url(str(item)) for item in items)


def apply_rules(model: Model, route: Route, values: Values) -> EffectiveRules:
    """Returns what the route takes with these values. Later rules win."""
    params = {param.name: param for param in route.params}
    forbidden: dict[str, str] = {}
    any_of: list[tuple[str, ...]] = []
    chosen: dict[str, Value | None] = {"model": model.slug, **values}
    for param in route.params:
        # What `body` will add counts as chosen.
        chosen[param.name] = _value_to_send(param, values)
    for rule in route.rules:
        if not _applies(rule, chosen):
            continue
        for name in rule.forbidden:
            if params.pop(name, None):
                forbidden[name] = rule.why or _why_forbidden(rule)
        for name, changes in _changes(rule).items():
            if name in params:
                params[name] = replace(params[name], **changes)
        if rule.required_any:
            any_of.append(rule.required_any)
    return EffectiveRules(params, forbidden, tuple(any_of))


def check(model: Model, route: Route, values: Values) -> dict[str, str]:
    """Returns errors by parameter, each a sentence; none when the request may be sent."""
    rules = apply_rules(model, route, values)
    errors: dict[str, str] = {}
    for name, value in values.items():
        if name not in rules.params and not blank(value):
            errors[name] = rules.forbidden.get(name) or _unknown(model, route, name)
    for name, param in rules.params.items():
        sent = _value_to_send(param, values)
        if sent is None:
            problem = "Required." if param.required else ""
        else:
            problem = _undecodable(sent) or _problem(param, sent)
        if problem:
            errors[name] = problem
    for names in rules.any_of:
        if all(blank(values.get(name)) for name in names):
            errors[names[0]] = f"Required: one of {', '.join(names)}."
    return errors


def _undecodable(value: Value) -> str:
    """Returns what is wrong with bytes that were no UTF-8, or nothing.

    Python keeps such bytes of a command line or a file's name as lone surrogates.
    """
    items = value if isinstance(value, list) else [value]
    if all(is_text(str(item)) for item in items):
        return ""
    return "This has a byte that is not UTF-8: type it again, or rename the file."


def body(model: Model, route: Route, values: Values) -> dict[str, Value]:
    """Returns the JSON object to send for values that passed `check`.

    Blank values are left out; false and 0 aren't blank.
    """
    sent: dict[str, Value] = {"model": model.slug}
    for name, param in apply_rules(model, route, values).params.items():
        value = _value_to_send(param, values)
        if isinstance(value, str) and param.kind is Kind.IMAGE:
            value = value.strip()
        if value is not None:
            sent[name] = value
    return sent


def _value_to_send(param: Param, values: Values) -> Value | None:
    """Returns a parameter's value, or its default where it has to be sent anyway."""
    if not blank(values.get(param.name)):
        return values[param.name]
    if param.required or param.kind is Kind.CONSTANT:
        return param.default
    return None


def parse(param: Param, text: str) -> Value:
    """Returns what a person typed for `param` as a value.

    Raises ValueError with a sentence. Whether the value is allowed, `check` says.
    """
    match param.kind:
        case Kind.CHOICE | Kind.CONSTANT:
            return next((value for value in param.enum if str(value) == text), text)
        case Kind.INTEGER:
            return _number(text, int, "a whole number")
        case Kind.NUMBER:
            return _number(text, float, "a number")
        case Kind.BOOLEAN:
            if text.lower() not in _YES + _NO:
                raise ValueError(f"{param.title} must be yes or no, not {text!r}.")
            return text.lower() in _YES
        case Kind.IMAGES:
            return [item for item in re.split(r"\n\s*|,\s+", text) if not blank(item)]
        case Kind.INTEGERS:
            items = re.split(r"[\s,]+", text.strip(", \n\t"))
            return [_number(item, int, "a whole number") for item in items]
        case Kind.JSON:
            return _json(text)
        case _:
            return text


def _json(text: str) -> Value:
    try:
        parsed: Value = json.loads(text)
        json.dumps(parsed, allow_nan=False)  # Python reads NaN, which is no JSON
    except ValueError as error:
        raise ValueError(f"Not JSON: {error}.") from None
    except RecursionError:
        raise ValueError("Not JSON: nested too deeply.") from None
    return parsed


def _number(text: str, number: type[int] | type[float], what: str) -> int | float:
    try:
        value = number(text)
    except ValueError:
        value = math.nan
    if not abs(value) < 1e300:  # nor NaN
        raise ValueError(f"{text!r} is not {what}.")
    return value


def _applies(rule: Rule, chosen: dict[str, Value | None]) -> bool:
    """Returns whether all conditions of a rule hold."""
    return all(_holds(chosen.get(name), wanted) for name, wanted in rule.when.items())


def _holds(value: object, wanted: str | int | bool | Presence) -> bool:
    if isinstance(wanted, Presence):
        return wanted.present != blank(value)
    return type(value) is type(wanted) and value == wanted


def _changes(rule: Rule) -> dict[str, dict[str, Any]]:
    """Returns by parameter the fields of `Param` that a rule replaces."""
    changes: dict[str, dict[str, Any]] = {
        name: {"required": True} for name in rule.required
    }
    for field in ("enum", "min", "max"):
        for name, bound in getattr(rule, field).items():
            changes.setdefault(name, {})[field] = bound
    return changes


def _why_forbidden(rule: Rule) -> str:
    if not rule.when:
        return "Not available here."
    conditions = []
    for name, wanted in rule.when.items():
        if not isinstance(wanted, Presence):
            conditions.append(f"{name} is {wanted}")
        elif wanted.present:
            conditions.append(f"{name} is set")
        else:
            conditions.append(f"{name} is empty")
    return f"Not available when {' and '.join(conditions)}."


def _unknown(model: Model, route: Route, name: str) -> str:
    hint = did_you_mean(name, [param.name for param in route.params])
    return f"{model.title} has no parameter {name}. {hint}".rstrip()


def _problem(param: Param, value: Value) -> str:
    """Returns what is wrong with a value that is there, or nothing."""
    if not _is_json(value):
        return "Can't be sent: JSON can't hold this character or number."
    match param.kind:
        case Kind.CHOICE | Kind.CONSTANT:
            return _choice_problem(param, value)
        case Kind.BOOLEAN:
            return "" if isinstance(value, bool) else f"{value} is not yes or no."
        case Kind.INTEGER if not _is_number(value, int):
            return f"{value} is not a whole number."
        case Kind.NUMBER if not _is_number(value, int | float):
            return f"{value} is not a number."
        case Kind.INTEGER | Kind.NUMBER:
            return _out_of_range(param, value)
        case Kind.IMAGES | Kind.INTEGERS:
            return _list_problem(param, value)
        case Kind.JSON if not isinstance(value, list):
            return "Must be a JSON list, such as [1, 2]."
        case Kind.IMAGE if not isinstance(value, str):
            return "Must be a URL or the path of a file."
        case Kind.JSON | Kind.IMAGE:
            return ""
        case _:
            return _text_problem(param, value)


def _choice_problem(param: Param, value: Value) -> str:
    for allowed in param.enum:
        # `1 == True` in Python, never in JSON.
        if value == allowed and type(value) is type(allowed):
            return ""
    return f"{value} is not one of {', '.join(map(str, param.enum))}."


def _is_number(value: object, number: type | UnionType) -> bool:
    """Returns whether a value is a number; a bool, which is an int in Python, is none."""
    return isinstance(value, number) and not isinstance(value, bool)


def _text_problem(param: Param, value: Value) -> str:
    if not isinstance(value, str):
        return f"{value} is not text."
    if param.pattern:
        # `$` in a pattern also matches before a line feed at the end.
        matches = re.search(param.pattern, value) and not value.endswith("\n")
        if not matches and param.example:
            return f"Must look like {param.example}."
        if not matches:
            return "Doesn't have the required form."
    return _length_problem(param, len(value))


def _is_json(value: Value) -> bool:
    """Returns whether a value can be written as JSON.

    Infinite numbers can't, nor can the lone surrogates that text in a wrong encoding
    leaves.
    """
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, TypeError, RecursionError):
        return False
    return True


def _out_of_range(param: Param, value: Any) -> str:
    """Returns what is wrong with a number's size, or nothing."""
    low = param.min
    high = param.max
    is_low = low is not None and value < low
    is_high = high is not None and value > high
    if not is_low and not is_high:
        return ""
    error = f"{value} is too low." if is_low else f"{value} is too high."
    return f"{_range(low, high, is_low)}: {error}"


def _length_problem(param: Param, length: int) -> str:
    """Returns what is wrong with the number of characters, or nothing."""
    low = param.min
    high = param.max
    is_short = low is not None and length < low
    is_long = high is not None and length > high
    if not is_short and not is_long:
        return ""
    return f"{_range(low, high, is_short)} characters: this has {length:,}."


def _range(low: float | None, high: float | None, is_below: bool) -> str:
    if low is not None and high is not None:
        return f"{low:,.10g} to {high:,.10g}"
    return f"At least {low:,.10g}" if is_below else f"At most {high:,.10g}"


def _list_problem(param: Param, value: Value) -> str:
    if not isinstance(value, list):
        return "Must be a list."
    if param.kind is Kind.INTEGERS:
        if not all(_is_number(item, int) for item in value):
            return "Must be whole numbers."
        for item in value:
            if problem := _out_of_range(param, item):
                return problem
    elif not all(isinstance(item, str) and not blank(item) for item in value):
        return "Each entry must be a URL or the path of a file."
    low = param.min_items or 0
    high = param.max_items
    if len(value) < low:
        return f"At least {low}: this has {len(value)}."
    if high is not None and len(value) > high:
        return f"At most {high}: this has {len(value)}."
    return ""
