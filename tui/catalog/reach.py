"""What a request has to do with beyond its text: files of this machine, and callbacks."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from tui.catalog.extra import texts_in
from tui.catalog.image_items import images_in, is_url
from tui.catalog.request import blank, is_callback_name
from tui.catalog.route import translate
from tui.catalog.spec import Kind, Model, Param, Value, Values


class Reached(NamedTuple):
    """A file that would be uploaded, or an address that the service would call."""

    text: str
    """As it is written in the values."""
    is_file: bool


def reached_by(model: Model, values: Values) -> set[Reached]:
    """Returns what a request reaches, whichever of the model's routes it takes."""
    reached = {Reached(text, False) for text in _called(values)}
    for name, route in model.routes.items():
        moved, _ = translate(model, values, name)
        for param in route.params:
            reached |= _uploaded(param, moved.get(param.name))
    return reached


def texts_of(values: Iterable[Value | None]) -> set[str]:
    """Returns every text in values that could be a file or an address."""
    return {text for value in values for text in images_in(texts_in(value))}


def without_callbacks(values: Values) -> Values:
    """Returns values without the addresses that the service would call, however deep."""
    kept: Values = _without_callbacks(values)
    return kept


def _without_callbacks(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_callbacks(item) for item in value]
    if isinstance(value, dict):
        return {
            name: _without_callbacks(item)
            for name, item in value.items()
            if not is_callback_name(name)
        }
    return value


def _called(values: object) -> Iterator[str]:
    """Yields the addresses that the service would call, however deep they stand."""
    if isinstance(values, list):
        for item in values:
            yield from _called(item)
    elif isinstance(values, dict):
        for name, value in values.items():
            called = is_callback_name(name)
            yield from images_in(texts_in(value)) if called else _called(value)


def _uploaded(param: Param, value: Value | None) -> set[Reached]:
    """Returns the files of this machine in a parameter's value."""
    if blank(value) or param.kind not in (Kind.IMAGE, Kind.IMAGES):
        return set()
    return {Reached(image, True) for image in images_in(value) if not is_url(image)}
