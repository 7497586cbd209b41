"""Which values of a request are images: files of this machine, or URLs."""

import os
from pathlib import Path

from tui.catalog.image_items import images_in, is_url
from tui.catalog.spec import Kind, Param, Route, Values
from tui.paths import home


def local_files(route: Route, values: Values) -> list[tuple[str, Path]]:
    """Returns param and path of each file that has to be uploaded first."""
    return [
        (name, home(image))
        for name, image in _images(route, values)
        if not is_url(image)
    ]


def image_urls(route: Route, values: Values) -> list[tuple[str, str]]:
    """Returns param and URL of each image on the web."""
    images = _images(route, values)
    return [(name, image) for name, image in images if is_url(image)]


def with_real_paths(route: Route, values: Values) -> Values:
    """Returns `values` with absolute paths, without links, of the files of this machine.

    What they name doesn't change with the folder in which a task is resumed, or with a
    link that leads elsewhere later. May wait for a slow disk.
    """
    files = [path for _, path in local_files(route, values)]
    if not files:
        return values
    return with_uploads(route, values, {path: os.path.realpath(path) for path in files})


def with_uploads(route: Route, values: Values, urls: dict[Path, str]) -> Values:
    """Returns `values` with the URLs of uploaded files in place of their paths."""
    changed: Values = dict(values)
    for param in _image_params(route):
        images = [
            urls.get(home(image), image) for image in images_in(values.get(param.name))
        ]
        if not images:
            continue
        if param.kind is Kind.IMAGE:
            changed[param.name] = images[0]
        else:
            changed[param.name] = images
    return changed


def _images(route: Route, values: Values) -> list[tuple[str, str]]:
    """Returns param and image of every image in the values."""
    return [
        (param.name, image)
        for param in _image_params(route)
        for image in images_in(values.get(param.name))
    ]


def _image_params(route: Route) -> list[Param]:
    """Returns the parameters that hold images."""
    kinds = (Kind.IMAGE, Kind.IMAGES)
    return [param for param in route.params if param.kind in kinds]
