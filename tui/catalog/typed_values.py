"""Values as they are typed on a command line: `name=value` words."""

from collections.abc import Iterable

from tui.catalog import request
from tui.catalog.route import Api, choose
from tui.catalog.spec import Model, RouteName, Values
from tui.text import one_line, plain


def parse_settings(
    model: Model, settings: Iterable[str], prompt: str | None, api: Api = "auto"
) -> tuple[RouteName, Values]:
    """Returns the route that knows the `name=value` words, and their values.

    A name that comes twice adds an entry to its list. Raises ValueError with a
    sentence.
    """
    texts = _texts(settings, prompt)
    route = choose(model, texts, api)
    values: Values = {}
    for name, text in texts.items():
        param = model.routes[route].param(name)
        if param is None:
            values[name] = text
            continue
        try:
            values[name] = request.parse(param, text)
        except ValueError as error:
            raise ValueError(f"{name}: {plain(error)}") from error
    return route, values


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
