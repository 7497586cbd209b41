"""Values as they are typed on a command line: `name=value` words."""

from collections.abc import Iterable

from tui.catalog import request
from tui.catalog.extra import EXTRA, EXTRA_PARAM, parse_extra, with_extra
from tui.catalog.route import Api, choose
from tui.catalog.spec import Model, RouteName, Values
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
    texts = _texts(settings, prompt)
    route = choose(model, texts, api)
    unchecked = unchecked or not model.described
    values: Values = {}
    extra = _extra(model, texts)
    for name, text in texts.items():
        param = model.routes[route].param(name)
        if name.startswith(EXTRA):
            continue
        if param:
            try:
                values[name] = request.parse(param, text)
            except ValueError as error:
                if not unchecked:
                    raise ValueError(f"{name}: {plain(error)}") from error
                extra[name] = parse_extra(text)
        elif unchecked:
            extra[name] = parse_extra(text)
        else:
            values[name] = text
    return route, with_extra(values, extra) if extra else values


def _extra(model: Model, texts: dict[str, str]) -> Values:
    """Returns the values of the words that begin with `+`. Raises ValueError."""
    extra: Values = {}
    for word, text in texts.items():
        name = word.removeprefix(EXTRA)
        if word == EXTRA:
            extra |= _object(text)
        elif name != word:
            extra[name] = text if _is_text(model, name) else parse_extra(text)
    return extra


def _object(text: str) -> Values:
    """Returns the extra parameters of `+={"a": 1}`. Raises ValueError."""
    value = request.parse(EXTRA_PARAM, text)
    if not isinstance(value, dict):
        raise ValueError('+: Must be a JSON object, such as {"style": "ink"}.')
    return value


def _is_text(model: Model, name: str) -> bool:
    """Returns whether the catalog knows a parameter as one whose value is text."""
    params = [route.param(name) for route in model.routes.values()]
    return any(param is not None and param.type == "string" for param in params)


def _texts(settings: Iterable[str], prompt: str | None) -> dict[str, str]:
    """Returns the text of each name, with a line for each of its words.

    Raises ValueError for a word without "=".
    """
    texts: dict[str, str] = {}
    if prompt is not None:
        texts["prompt"] = prompt
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            shown = one_line(setting, 80)
            raise ValueError(f"{shown!r} is not of the form name=value.")
        if name in texts:
            text = f"{texts[name]}\n{text}"
        texts[name] = text
    return texts
