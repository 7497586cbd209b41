"""What a request has to do with beyond its text: files of this machine, and callbacks."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tui.catalog.extra import extra_of, texts_in
from tui.catalog.image_items import images_in, is_url
from tui.catalog.request import blank, is_callback, is_callback_name
from tui.catalog.route import translate
from tui.catalog.spec import Kind, Model, Param, Value, Values


class Reached(NamedTuple):
    """A file that would be uploaded, or an address that the service would call."""

    text: str
    """As it is written in the values."""
    is_file: bool


def reached_by(model: Model, values: Values) -> set[Reached]:
    """Returns what a request reaches, whichever of the model's routes it takes."""
    reached: set[Reached] = set()
    for name, route in model.routes.items():
        moved, _ = translate(model, values, name)
        for param in route.params:
            reached |= _reached(param, moved.get(param.name))
    return reached | {Reached(text, False) for text in _called(extra_of(values))}


def texts_of(values: Iterable[Value | None]) -> set[str]:
    """Returns every text in values that could be a file or an address."""
    texts: set[str] = set()
    for value in values:
        texts.update(texts_in(value) if isinstance(value, dict) else images_in(value))
    return texts


def _called(extra: object) -> Iterator[str]:
    """Yields the addresses of callbacks among extra parameters, however deep."""
    if isinstance(extra, list):
        for item in extra:
            yield from _called(item)
    elif isinstance(extra, dict):
        for name, value in extra.items():
            yield from texts_in(value) if is_callback_name(name) else _called(value)


def _reached(param: Param, value: Value | None) -> set[Reached]:
    if blank(value):
        return set()
    if param.kind in (Kind.IMAGE, Kind.IMAGES):
        images = images_in(value)
        return {Reached(image, True) for image in images if not is_url(image)}
    if is_callback(param):
        return {Reached(text, False) for text in images_in(value) or [str(value)]}
    return set()
