"""Turns values into a request's body, or into errors by parameter.

This is the only place where a request is checked against the catalog.
"""

import json
import math
import re
from collections import defaultdict
from types import UnionType
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from tui.catalog.extra import EXTRA, extra_of, extra_problem, is_deep, unchecked
from tui.catalog.image_items import images_in, is_url, item_problem, parse_images
from tui.catalog.pattern import LONGEST, matches
from tui.catalog.spec import Kind, Model, Param, Presence, Route, Rule, Value, Values
from tui.text import did_you_mean, inert, invisible, is_text, one_line

LONGEST_TEXT = 100_000
"""Characters of a text in the form, at most; all models but one take far less.

What is longer would block the app while it is wrapped into lines.
"""
_CALLBACK = re.compile(
    r"call_?back|hook|notif|postback|(?:^|_)(?:on|ping)_|(?:success|done|result)_ur[il]"
)
"""Names of parameters that say where the service is to call."""
_REQUIRED = "Required."
_YES = ("yes", "true", "on", "1")
_NO = ("no", "false", "off", "0")


class Request(NamedTuple):
    """What is to be sent, before it is a task."""

    model: Model
    values: Values
    price: int | None = None
    """The estimate that the user saw, in micro-dollars; by default the catalog's."""
    typed: str = ""
    """The prompt as it was typed, if this is one of its alternatives."""
    after: str = ""
    """The id of the task whose picture it works from, once that is there."""


class EffectiveRules(Struct, frozen=True):
    """What a route takes once its rules have been applied to some values."""

    params: dict[str, Param]
    """The parameters that may be sent, by name, as the rules have changed them."""
    forbidden: dict[str, str]
    """Parameters that may not be sent, each with a sentence that says why."""
    any_of: tuple[tuple[str, ...], ...]
    """Groups of parameters of which one at least has to be sent."""
    demanded: dict[str, Rule]
    """The rules that made parameters required, by those."""


def blank(value: object) -> bool:
    """Returns whether a value is never sent: None, an empty list, invisible text."""
    return value is None or value == [] or (isinstance(value, str) and invisible(value))


def inert_values(model: Model, values: Values) -> Values:
    """Returns values as they may be stored: no text holds what a terminal obeys.

    Names of files stay as they are, or they could not be opened.
    """
    params = [param for route in model.routes.values() for param in route.params]
    files = {param.name for param in params if param.kind in (Kind.IMAGE, Kind.IMAGES)}
    return {
        name: value if name in files else inert_value(value)
        for name, value in values.items()
    }


def inert_value(value: Any) -> Any:
    """Returns a value whose text holds nothing that a terminal obeys.

    What is not UTF-8 stays: `check` refuses it.
    """
    if isinstance(value, str):
        return inert(value) if is_text(value) else value
    if isinstance(value, list):
        return [inert_value(item) for item in value]
    if isinstance(value, dict):
        return {inert(str(name)): inert_value(item) for name, item in value.items()}
    return value


def needs_upload(param: Param, value: Value) -> bool:
    """Returns whether a value may name files of this machine, which would be uploaded.

    One that isn't written as its parameter wants it counts as such.
    """
    if param.kind not in (Kind.IMAGE, Kind.IMAGES) or blank(value):
        return False
    return bool(image_problem(param, value)) or not all(map(is_url, images_in(value)))


def is_callback(param: Param) -> bool:
    """Returns whether a parameter is an address that the service will call."""
    return is_callback_name(param.name)


def is_callback_name(name: str) -> bool:
    """Returns whether a parameter of this name is such an address."""
    return _CALLBACK.search(name.lower()) is not None


def apply_rules(model: Model, route: Route, values: Values) -> EffectiveRules:
    """Returns what the route takes with these values. Later rules win."""
    params = {param.name: param for param in route.params}
    forbidden: dict[str, str] = {}
    any_of: list[tuple[str, ...]] = []
    demanded: dict[str, Rule] = {}
    chosen: dict[str, Value | None] = {"model": model.slug, **values}
    for param in route.params:
        # What `body` will add counts as chosen.
        chosen[param.name] = _value_to_send(param, values)
    extra = extra_of(values)
    for rule in route.rules:
        if not _applies(rule, chosen):
            continue
        for name in rule.forbidden:
            if name not in extra and params.pop(name, None) is not None:
                forbidden[name] = rule.why or _why_forbidden(rule)
        for name, changes in _changes(rule).items():
            if name in params:
                if "required" in changes and not params[name].required:
                    demanded[name] = rule
                params[name] = replace(params[name], **changes)
        if rule.required_any:
            any_of.append(rule.required_any)
    return EffectiveRules(params, forbidden, tuple(any_of), demanded)


def check(model: Model, route: Route, values: Values) -> dict[str, str]:
    """Returns errors by parameter, each a sentence; none if the request may be sent."""
    rules = apply_rules(model, route, values)
    extra = extra_of(values)
    errors: dict[str, str] = {}
    for name, value in values.items():
        if name in rules.params or name in extra or name == EXTRA or blank(value):
            continue
        errors[name] = rules.forbidden.get(name) or _unknown(model, route, name)
    for name, param in rules.params.items():
        problem = _problem_to_send(param, values)
        if problem:
            errors[name] = problem
    for names in rules.any_of:
        if not extra.keys() & names and all(blank(values.get(name)) for name in names):
            errors[names[0]] = f"Required: one of {', '.join(names)}."
    errors |= _why_required(rules, errors)
    if EXTRA in values:
        params = [param for each in model.routes.values() for param in each.params]
        problem = extra_problem(params, values[EXTRA])
        problem = problem or _unwritable(values[EXTRA])
        if problem:
            errors[EXTRA] = problem
    return errors


def _why_required(rules: EffectiveRules, errors: dict[str, str]) -> dict[str, str]:
    """Returns the errors of parameters that only some values make required."""
    return {
        name: f"Required when {_conditions(rule)}."
        for name, rule in rules.demanded.items()
        if errors.get(name) == _REQUIRED and rule.when
    }


def refused_by_catalog(model: Model, route: Route, values: Values) -> set[str]:
    """Returns the parameters whose errors only the catalog raises.

    The service may know better: these can be sent without a check.
    """
    errors = check(model, route, values)
    remaining = check(model, route, unchecked(values, errors.keys() - {EXTRA}))
    return errors.keys() - remaining.keys()


def _problem_to_send(param: Param, values: Values) -> str:
    """Returns what is wrong with what would be sent of a parameter, or nothing."""
    is_checked = param.name not in extra_of(values)
    sent = _value_to_send(param, values)
    if sent is None:
        return _REQUIRED if param.required and is_checked else ""
    problem = _undecodable(sent)
    return problem or (_problem if is_checked else _unsendable)(param, sent)


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
    rules = apply_rules(model, route, values)
    for name, param in rules.params.items():
        value = _value_to_send(param, values)
        if value is None:
            continue
        if param.kind is Kind.IMAGES:
            value = images_in(value)
        elif param.kind is Kind.IMAGE:
            value = images_in(value)[0]
        sent[name] = value
    return sent | _extra_to_send(values, sent)


def _extra_to_send(values: Values, sent: Values) -> Values:
    """Returns what is sent beyond the catalog's parameters, or in place of theirs."""
    extra: Values = {}
    for name, value in extra_of(values).items():
        if value is not None:
            extra[name] = value
        elif name not in sent and not blank(values.get(name)):
            extra[name] = values[name]
    return extra


def _value_to_send(param: Param, values: Values) -> Value | None:
    """Returns a parameter's value, or its default where it has to be sent anyway."""
    value = values.get(param.name)
    if not blank(value):
        return value
    if param.name in extra_of(values):
        return None
    if param.required or param.kind is Kind.CONSTANT:
        return param.default
    return None


def parse(param: Param, text: str) -> Value:
    """Returns what a person typed for `param` as a value.

    Raises ValueError with a sentence. Whether the value is allowed, `check` says.
    """
    match param.kind:
        case Kind.CHOICE | Kind.CONSTANT:
            return _choice(param, text)
        case Kind.INTEGER:
            return _whole_number(text)
        case Kind.NUMBER:
            return _number(text, float, "a number")
        case Kind.BOOLEAN:
            return _boolean(param, text)
        case Kind.IMAGES:
            return parse_images(text)
        case Kind.INTEGERS:
            items = re.split(r"[\s,]+", text.strip(", \n\t"))
            return [_whole_number(item) for item in items]
        case Kind.JSON | Kind.OBJECT:
            return _json(text)
        case _:
            return text


def _choice(param: Param, text: str) -> Value:
    """Returns the choice that is written like the text, or the text itself."""
    for choice in param.enum:
        if str(choice) == text:
            return choice
    return text


def _boolean(param: Param, text: str) -> bool:
    """Returns yes as True and no as False. Raises ValueError for other words."""
    word = text.lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise ValueError(f"{param.title} must be yes or no, not {text!r}.")


def _json(text: str) -> Value:
    """Returns a value that is written as JSON. Raises ValueError."""
    try:
        parsed: Value = json.loads(text)
        json.dumps(parsed, allow_nan=False)  # Python reads NaN, which is no JSON
    except json.JSONDecodeError as error:
        raise ValueError(_json_problem(text, error.pos)) from None
    except ValueError:
        raise ValueError("Not JSON: it holds a number that JSON can't.") from None
    except RecursionError:
        raise ValueError("Not JSON: nested too deeply.") from None
    if is_deep(parsed):
        raise ValueError("Nested too deeply.")
    return parsed


def _json_problem(text: str, at: int) -> str:
    """Returns where a text stops being JSON."""
    rest = one_line(text[at : at + 60], 12)
    if not rest:
        return "Not JSON: it ends too early."
    return f"Not JSON from character {at + 1:,} on: {rest}"


def _whole_number(text: str) -> int | float:
    """Returns a whole number as it is written. Raises ValueError."""
    return _number(text, int, "a whole number")


def _number(text: str, number: type[int] | type[float], what: str) -> int | float:
    """Returns a number as it is written. Raises ValueError, also for infinite ones."""
    try:
        value = number(text)
    except ValueError:
        value = math.nan
    if not abs(value) < 1e300:  # nor NaN
        raise ValueError(f"{text!r} is not {what}.")
    return value


def _applies(rule: Rule, chosen: dict[str, Value | None]) -> bool:
    """Returns whether all conditions of a rule hold."""
    conditions = rule.when.items()
    return all(_holds(chosen.get(name), wanted) for name, wanted in conditions)


def _holds(value: object, wanted: str | int | bool | Presence) -> bool:
    """Returns whether a value is the wanted one, or is there at all."""
    if isinstance(wanted, Presence):
        return wanted.present != blank(value)
    return type(value) is type(wanted) and value == wanted


def _changes(rule: Rule) -> dict[str, dict[str, Any]]:
    """Returns by parameter the fields of `Param` that a rule replaces."""
    changes = defaultdict[str, dict[str, Any]](dict)
    for name in rule.required:
        changes[name]["required"] = True
    for field in ("enum", "min", "max"):
        bounds = getattr(rule, field)
        for name, bound in bounds.items():
            changes[name][field] = bound
    return changes


def _why_forbidden(rule: Rule) -> str:
    """Returns the sentence for what a rule without one of its own forbids."""
    if not rule.when:
        return "Not available here."
    return f"Not available when {_conditions(rule)}."


def _conditions(rule: Rule) -> str:
    """Returns when a rule applies, such as `size is 2k and seed is empty`."""
    conditions: list[str] = []
    for name, wanted in rule.when.items():
        if not isinstance(wanted, Presence):
            conditions.append(f"{name} is {wanted}")
        elif wanted.present:
            conditions.append(f"{name} is set")
        else:
            conditions.append(f"{name} is empty")
    return " and ".join(conditions)


def _unknown(model: Model, route: Route, name: str) -> str:
    """Returns the error for a parameter that the route doesn't have."""
    names = [param.name for param in route.params]
    hint = did_you_mean(name, names)
    return f"{model.title} has no parameter {name}. {hint}".rstrip()


def _problem(param: Param, value: Value) -> str:
    """Returns what is wrong with a value that is there, or nothing."""
    problem = _unwritable(value)
    if problem:
        return problem
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
        case Kind.OBJECT if not isinstance(value, dict):
            return 'Must be a JSON object, such as {"a": 1}.'
        case Kind.JSON | Kind.OBJECT:
            return ""
        case Kind.IMAGE:
            return image_problem(param, value)
        case _:
            return _text_problem(param, value)


def _unsendable(param: Param, value: Value) -> str:
    """Returns why a value can't be sent even without the catalog's check, or nothing."""
    if param.kind in (Kind.IMAGE, Kind.IMAGES):
        return _unwritable(value) or image_problem(param, value)
    return _unwritable(value)


def _unwritable(value: Value) -> str:
    """Returns why a value can't be written as JSON, or nothing."""
    if _is_json(value):
        return ""
    return "Can't be sent: JSON can't hold this character or number."


def _choice_problem(param: Param, value: Value) -> str:
    for allowed in param.enum:
        # `1 == True` in Python, never in JSON.
        if value == allowed and type(value) is type(allowed):
            return ""
    choices = ", ".join(map(str, param.enum))
    return f"{value} is not one of {choices}."


def _is_number(value: object, number: type | UnionType) -> bool:
    """Returns whether a value is a number; a bool, an int in Python, is none."""
    return isinstance(value, number) and not isinstance(value, bool)


def _text_problem(param: Param, value: Value) -> str:
    if not isinstance(value, str):
        return f"{value} is not text."
    if not param.pattern or matches(param.pattern, value):
        return _length_problem(param, len(value))
    if len(value) > LONGEST:
        return f"At most {LONGEST} characters: this has {len(value):,}."
    if param.example:
        return f"Must look like {param.example}."
    return "Doesn't have the required form."


def _is_json(value: Value) -> bool:
    """Returns whether a value can be written as JSON.

    Infinite numbers can't, nor can the lone surrogates that text in a wrong encoding
    leaves.
    """
    try:
        written = json.dumps(value, ensure_ascii=False, allow_nan=False)
        written.encode()
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
    """Returns the bounds that a value misses, one of them at least."""
    if low is not None and high is not None:
        return f"{low:,.10g} to {high:,.10g}"
    if is_below:
        return f"At least {low:,.10g}"
    return f"At most {high:,.10g}"


def _list_problem(param: Param, value: Value) -> str:
    if not isinstance(value, list):
        return "Must be a list."
    if param.kind is Kind.INTEGERS:
        problem = _integers_problem(param, value)
    else:
        problem = image_problem(param, value)
    return problem or _items_problem(param, len(value))


def _integers_problem(param: Param, items: list[Any]) -> str:
    """Returns what is wrong with the entries of a list of whole numbers, or nothing."""
    for item in items:
        if not _is_number(item, int):
            return "Must be whole numbers."
    for item in items:
        problem = _out_of_range(param, item)
        if problem:
            return problem
    return ""


def image_problem(param: Param, value: Value) -> str:
    """Returns what is wrong with the images of a value as they are written."""
    if param.kind is Kind.IMAGE:
        if not isinstance(value, str):
            return "Must be a URL or the path of a file."
        return item_problem(value)
    if not isinstance(value, list):
        return "Must be a list."
    problems = map(item_problem, value)
    return next(filter(None, problems), "")


def _items_problem(param: Param, count: int) -> str:
    """Returns what is wrong with the number of entries in a list, or nothing."""
    low = param.min_items or 0
    high = param.max_items
    if count < low:
        return f"At least {low}: this has {count}."
    if high is not None and count > high:
        return f"At most {high}: this has {count}."
    return ""
