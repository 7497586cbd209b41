"""Values as they are typed on a command line: `name=value` words."""

from collections.abc import Iterable

from tui.catalog import request
from tui.catalog.extra import EXTRA, EXTRA_PARAM, parse_extra, with_extra
from tui.catalog.route import Api, choose
from tui.catalog.spec import Model, RouteName, Value, Values
from tui.text import one_line, plain


def parse_settings(
    model: Model,
    settings: Iterable[str],
    prompt: str | None,
    api: Api = "auto",
    *,
    unchecked: bool = False,
) -> tuple[RouteName, Values]:
    """Returns the route that knows the `name=value` words, and their values.

    A name that comes twice adds an entry to its list. A word that begins with `+` is an
    extra parameter, which is not checked; so is, if `unchecked` or for a model that the
    catalog doesn't describe, one that is unknown or can't be read. Raises ValueError
    with a sentence.
    """
    words = _words(settings, prompt)
    route = choose(model, words, api)
    unchecked = unchecked or not model.described
    values: Values = {}
    extra: Values = {}
    for name, texts in words.items():
        param = model.routes[route].param(name)
        if name == EXTRA:
            for text in texts:
                extra |= _object(text)
        elif name.startswith(EXTRA):
            extra[name.removeprefix(EXTRA)] = _extra(model, name, texts)
        elif param:
            try:
                values[name] = request.parse(param, "\n".join(texts))
            except ValueError as error:
                if not unchecked:
                    raise ValueError(f"{name}: {plain(error)}") from error
                extra[name] = _extra(model, name, texts)
        elif unchecked:
            extra[name] = _extra(model, name, texts)
        else:
            values[name] = "\n".join(texts)
    return route, with_extra(values, extra) if extra else values


def _extra(model: Model, word: str, texts: list[str]) -> Value:
    """Returns the value of an extra parameter, a list where it was named repeatedly."""
    is_text = _is_text(model, word.removeprefix(EXTRA))
    values = [text if is_text else parse_extra(text) for text in texts]
    return values if len(values) > 1 else values[0]


def _object(text: str) -> Values:
    """Returns the extra parameters of `+={"a": 1}`. Raises ValueError."""
    try:
        value = request.parse(EXTRA_PARAM, text)
    except ValueError as error:
        raise ValueError(f"{EXTRA}: {plain(error)}") from error
    if not isinstance(value, dict):
        raise ValueError('+: Must be a JSON object, such as {"style": "ink"}.')
    return value


def _is_text(model: Model, name: str) -> bool:
    """Returns whether the catalog knows a parameter as one whose value is text."""
    params = [route.param(name) for route in model.routes.values()]
    return any(param is not None and param.type == "string" for param in params)


def _words(settings: Iterable[str], prompt: str | None) -> dict[str, list[str]]:
    """Returns the texts of each name, in order. Raises ValueError without an "="."""
    words: dict[str, list[str]] = {}
    if prompt is not None:
        words["prompt"] = [prompt]
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            shown = one_line(setting, 80)
            raise ValueError(f"{shown!r} is not of the form name=value.")
        words.setdefault(name, []).append(text)
    return words
