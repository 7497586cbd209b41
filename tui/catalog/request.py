"""Values -> request body, or errors by field. The only place where a request is judged."""

import json
import math
import re
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tui.catalog.spec import Kind, Model, Param, Presence, Route, Rule, Value, Values
from tui.text import did_you_mean, invisible, is_text

_YES = ("yes", "true", "on", "1")
_NO = ("no", "false", "off", "0")


class Demand(Struct, frozen=True):
    """What a route asks once its rules have been applied to the values."""

    params: dict[str, Param]
    forbidden: dict[str, str]
    """Params that may not be sent now, each with the reason."""
    any_of: tuple[tuple[str, ...], ...]


def blank(value: object) -> bool:
    """True for what is never sent: nothing, an empty list, text in which there is
    nothing to see.
    """
    return value is None or value == [] or (isinstance(value, str) and invisible(value))


def online(item: str) -> bool:
    """Whether an image is an address of the web; anything else is a file of this
    machine.
    """
    return item.lower().startswith(("http://", "https://"))


def names_files(param: Param, value: Value) -> bool:
    """Whether a value would have files of this machine uploaded."""
    items = value if isinstance(value, list) else [value]
    return param.kind in (Kind.IMAGE, Kind.IMAGES) and not all(
        online(str(item)) for item in items
    )


def demand(model: Model, route: Route, values: Values) -> Demand:
    """Apply the route's rules: later rules win."""
    params = {param.name: param for param in route.params}
    forbidden: dict[str, str] = {}
    any_of: list[tuple[str, ...]] = []
    # What `body` will add counts as chosen.
    added = {
        param.name: _added(param)
        for param in route.params
        if blank(values.get(param.name))
    }
    given = {"model": model.slug, **values, **added}
    for rule in route.rules:
        if not all(
            _holds(given.get(name), wanted) for name, wanted in rule.when.items()
        ):
            continue
        for name in rule.forbidden:
            if params.pop(name, None):
                forbidden[name] = rule.why or f"Not available {_because(rule)}."
        for name, changes in _changes(rule).items():
            if name in params:
                params[name] = replace(params[name], **changes)
        if rule.required_any:
            any_of.append(rule.required_any)
    return Demand(params, forbidden, tuple(any_of))


def check(model: Model, route: Route, values: Values) -> dict[str, str]:
    """Errors by param name, each a sentence; empty when the request may be sent."""
    now = demand(model, route, values)
    errors: dict[str, str] = {}
    for name, value in values.items():
        if name not in now.params and not blank(value):
            errors[name] = now.forbidden.get(name) or _unknown(model, route, name)
    for name, param in now.params.items():
        given = _added(param) if blank(values.get(name)) else values[name]
        missing = "This is needed." if param.required else ""
        problem = (
            missing if given is None else _unwritten(given) or _problem(param, given)
        )
        if problem:
            errors[name] = problem
    for names in now.any_of:
        if all(blank(values.get(name)) for name in names):
            errors[names[0]] = f"One of {', '.join(names)} is needed."
    return errors


def _unwritten(value: Value) -> str:
    """Why a value can't be written as JSON, or nothing."""
    items = value if isinstance(value, list) else [value]
    if all(is_text(str(item)) for item in items):
        return ""
    return "This has a byte that is not UTF-8: type it again, or rename the file."


def body(model: Model, route: Route, values: Values) -> dict[str, Value]:
    """The JSON object to send for values that passed `check`: no blanks; false and 0
    stay.
    """
    sent: dict[str, Value] = {"model": model.slug}
    for name, param in demand(model, route, values).params.items():
        value = _added(param) if blank(values.get(name)) else values[name]
        if value is not None:
            sent[name] = (
                value.strip()
                if isinstance(value, str) and param.kind is Kind.IMAGE
                else value
            )
    return sent


def _added(param: Param) -> Value | None:
    """What is sent where nothing was given."""
    return param.default if param.required or param.kind is Kind.CONSTANT else None


def parse(param: Param, text: str) -> Value:
    """What a person typed for `param`, as the value it means. Raises ValueError with a
    sentence.
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
                raise ValueError(f"{param.title} is yes or no, not {text!r}.")
            return text.lower() in _YES
        case Kind.IMAGES:
            return [item for item in re.split(r"\n\s*|,\s+", text) if not blank(item)]
        case Kind.INTEGERS:
            return [
                _number(item, int, "a whole number")
                for item in re.split(r"[\s,]+", text.strip(", \n\t"))
            ]
        case Kind.JSON:
            try:
                parsed: Value = json.loads(text)
                json.dumps(parsed, allow_nan=False)
            except ValueError as error:
                raise ValueError(f"Not JSON: {error}.") from None
            except RecursionError:
                raise ValueError("Not JSON: nested too deeply.") from None
            return parsed
        case _:
            return text


def _number(text: str, number: type[int] | type[float], what: str) -> int | float:
    try:
        value = number(text)
    except ValueError:
        value = math.nan
    if not abs(value) < 1e300:  # nor NaN
        raise ValueError(f"{text!r} is not {what}.")
    return value


def _holds(value: object, wanted: str | int | bool | Presence) -> bool:
    if isinstance(wanted, Presence):
        return wanted.present != blank(value)
    return type(value) is type(wanted) and value == wanted


def _changes(rule: Rule) -> dict[str, dict[str, Any]]:
    changes: dict[str, dict[str, Any]] = {
        name: {"required": True} for name in rule.required
    }
    for field in ("enum", "min", "max"):
        for name, bound in getattr(rule, field).items():
            changes.setdefault(name, {})[field] = bound
    return changes


def _because(rule: Rule) -> str:
    told = []
    for name, wanted in rule.when.items():
        if isinstance(wanted, Presence):
            told.append(f"{'with' if wanted.present else 'without'} {name}")
        else:
            told.append(f"when {name} is {wanted}")
    return " and ".join(told) or "here"


def _unknown(model: Model, route: Route, name: str) -> str:
    hint = did_you_mean(name, [param.name for param in route.params])
    return f"{model.title} has no parameter {name}. {hint}".rstrip()


def _problem(param: Param, value: Value) -> str:
    """What is wrong with a value that is there, or nothing."""
    if not _encodable(value):
        return "This can't be sent: it holds a character or number that JSON has not."
    match param.kind:
        case Kind.CHOICE | Kind.CONSTANT:
            # `1 == True` in Python, never on the wire.
            if any(
                value == allowed and type(value) is type(allowed)
                for allowed in param.enum
            ):
                return ""
            return f"{value} is not one of {', '.join(map(str, param.enum))}."
        case Kind.BOOLEAN:
            return "" if isinstance(value, bool) else f"{value} is not yes or no."
        case Kind.INTEGER | Kind.NUMBER:
            whole = param.kind is Kind.INTEGER
            if isinstance(value, bool) or not isinstance(
                value, int if whole else int | float
            ):
                return f"{value} is not a {'whole ' * whole}number."
            return _out_of(param, value, "")
        case Kind.IMAGES | Kind.INTEGERS:
            return _list_problem(param, value)
        case Kind.JSON:
            return (
                ""
                if isinstance(value, list)
                else "Must be a JSON list, such as [1, 2]."
            )
        case Kind.IMAGE:
            return (
                "" if isinstance(value, str) else "Must be a URL or the path of a file."
            )
        case _:
            if not isinstance(value, str):
                return f"{value} is not text."
            if param.pattern and (
                not re.search(param.pattern, value) or value.endswith("\n")
            ):
                return (
                    f"Must look like {param.example}."
                    if param.example
                    else "Not of the form it must have."
                )
            return _out_of(param, len(value), " characters")


def _encodable(value: Value) -> bool:
    """False for infinite numbers, and for the lone surrogates that text in a wrong
    encoding leaves.
    """
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, TypeError, RecursionError):
        return False
    return True


def _out_of(param: Param, size: float, unit: str) -> str:
    low, high = param.min, param.max
    too_low, too_high = low is not None and size < low, high is not None and size > high
    if not too_low and not too_high:
        return ""
    has = (
        f"this has {size:,}"
        if unit
        else f"{size} is too {'low' if too_low else 'high'}"
    )
    if low is not None and high is not None:
        return f"{low:,.10g} to {high:,.10g}{unit}: {has}."
    return (
        f"At least {low:,.10g}{unit}: {has}."
        if too_low
        else f"At most {high:,.10g}{unit}: {has}."
    )


def _list_problem(param: Param, value: Value) -> str:
    if not isinstance(value, list):
        return "Must be a list."
    if param.kind is Kind.INTEGERS:
        if not all(
            isinstance(item, int) and not isinstance(item, bool) for item in value
        ):
            return "Must be whole numbers."
        problem = next(
            (found for item in value if (found := _out_of(param, item, ""))), ""
        )
        if problem:
            return problem
    elif not all(isinstance(item, str) and not blank(item) for item in value):
        return "Each entry must be a URL or the path of a file."
    low, high = param.min_items or 0, param.max_items
    if len(value) < low:
        return f"At least {low}: this has {len(value)}."
    if high is not None and len(value) > high:
        return f"At most {high}: this has {len(value)}."
    return ""
