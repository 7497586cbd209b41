"""From what a person filled in to a task ready to be sent: its route, its exact body,
its Idempotency-Key.
"""

import json
import os
import shutil
import time
import uuid
from pathlib import Path

from msgspec.structs import replace

from tui.catalog import price, request
from tui.catalog.route import Api, choose, translate
from tui.catalog.spec import Kind, Model, Param, Route, RouteName, Value, Values
from tui.paths import home
from tui.tasks.task import Task, new_id
from tui.text import file_size, is_text, one_line

MAX_UPLOAD = 30_000_000  # bytes
NEEDED_ROOM = 50_000_000
"""Bytes that must be free where images go."""


class InvalidRequestError(ValueError):
    """The values can't be sent; `errors` says why, by param. Nothing was written or
    sent.
    """

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors


def draft(
    model: Model,
    values: Values,
    *,
    base_url: str,
    profile: str = "",
    out_dir: Path,
    api: Api = "auto",
    learnt: RouteName | None = None,
    retry_of: str = "",
    job: str = "",
    estimate_micro: int | None = None,
) -> Task:
    """A held task, of the price that was told or else the listed one. Raises
    InvalidError.
    """
    problem = _unwritable(out_dir)
    if problem:
        raise InvalidRequestError({"output": problem})
    values = {name: value for name, value in values.items() if not request.blank(value)}
    task = Task(
        id=new_id(),
        action=model.action,
        model=model.slug,
        service=model.service,
        base_url=base_url,
        profile=profile,
        route=choose(model, values, api, learnt),
        values=values,
        created_at=time.time(),
        updated_at=time.time(),
        estimate_micro=(
            price.estimate(model, values).micro
            if estimate_micro is None
            else estimate_micro
        ),
        out_dir=str(out_dir),
        retry_of=retry_of,
        job=job,
    )
    return plan(task, model)


def plan(task: Task, model: Model) -> Task:
    """The task with its body and key, as its route wants them; without, while files
    wait for upload.
    """
    route = model.routes[task.route]
    errors = request.check(model, route, task.values)
    for name, path in local_files(route, task.values):
        problem = _unreadable(path) or _unfit(
            path, route.param(name), dict(local_files(route, task.values))
        )
        if problem:
            errors.setdefault(name, problem)
    if errors:
        raise InvalidRequestError(errors)
    if local_files(route, task.values):
        return replace(task, body=b"", key="")
    return with_body(task, model, task.values)


def move(task: Task, model: Model, to: RouteName) -> Task:
    """The task planned anew for the other route: new body, new key. Raises InvalidError
    with what to choose.
    """
    values, unplaced = translate(model, task.values, to)
    if unplaced:
        raise InvalidRequestError(unplaced)
    return plan(replace(task, route=to, values=values), model)


def with_body(task: Task, model: Model, sent: Values) -> Task:
    """The task with the exact bytes for these values and a new key of their own."""
    body = request.body(model, model.routes[task.route], sent)
    return replace(
        task, body=json.dumps(body, ensure_ascii=False).encode(), key=str(uuid.uuid4())
    )


def local_files(route: Route, values: Values) -> list[tuple[str, Path]]:
    """Values that are files of this machine, to be uploaded first, by param."""
    return [
        (param.name, home(item))
        for param in route.params
        if param.kind in (Kind.IMAGE, Kind.IMAGES)
        for item in _items(param, values)
        if not request.is_url(item)
    ]


def addresses(route: Route, values: Values) -> list[tuple[str, str]]:
    """Values that are addresses of images on the web, by param."""
    return [
        (param.name, item)
        for param in route.params
        if param.kind in (Kind.IMAGE, Kind.IMAGES)
        for item in _items(param, values)
        if request.is_url(item)
    ]


def uploaded(route: Route, values: Values, urls: dict[Path, str]) -> Values:
    """`values` with the URLs of uploaded files in place of their paths."""
    moved: Values = dict(values)
    for param in route.params:
        if param.kind in (Kind.IMAGE, Kind.IMAGES) and param.name in values:
            items = [urls.get(home(item), item) for item in _items(param, values)]
            moved[param.name] = items[0] if param.kind is Kind.IMAGE else items
    return moved


def _items(param: Param, values: Values) -> list[str]:
    value: Value | None = values.get(param.name)
    items = value if isinstance(value, list) else [value]
    return [item.strip() for item in items if isinstance(item, str) and item.strip()]


def _unwritable(folder: Path) -> str:
    """Why images can't be saved there, or nothing: said before anything is paid."""
    if not is_text(str(folder)):
        return (
            f"{one_line(folder)} has a byte that is not UTF-8: choose another folder"
            " for images."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        if free < NEEDED_ROOM:
            return (
                f"The disk of {folder} is full ({file_size(free)} left): make room"
                " before you pay for an image."
            )
        if os.access(folder, os.W_OK):
            return ""
    except OSError as error:
        return (
            f"Images can't be saved in {folder}:"
            f" {(error.strerror or 'no such folder').lower()}."
        )
    return f"Images can't be saved in {folder}: it may not be written to."


def _unreadable(path: Path) -> str:
    try:
        if not path.is_file():
            return f"There is no file {path}."
        size = path.stat().st_size
        with path.open("rb"):
            pass
    except (OSError, ValueError) as error:
        return f"{path} can't be read: {getattr(error, 'strerror', None) or error}."
    if not 0 < size <= MAX_UPLOAD:
        return f"{path} has {size:,} bytes; an upload takes 1 to {MAX_UPLOAD:,}."
    return ""


def _unfit(path: Path, param: Param | None, files: dict[str, Path]) -> str:
    """What a service is known not to take, or nothing. `files` are the other params'
    local files.
    """
    limits = param.file if param else None
    if limits is None:
        return ""
    from tui.images.files import ImageError, measure

    try:
        image = measure(path)
        other = files.get(limits.same_size_as)
        wanted = measure(other) if other else image
    except ImageError as error:
        return str(error)
    pixels, sides = image.width * image.height, (image.width, image.height)
    if limits.formats and image.format not in limits.formats:
        return f"{path.name} is {image.format}; {', '.join(limits.formats)} are taken."
    if limits.max_bytes and image.bytes > limits.max_bytes:
        return (
            f"{path.name} has {file_size(image.bytes)}; at most"
            f" {file_size(limits.max_bytes)} are taken."
        )
    if not (limits.min_pixels or 0) <= pixels <= (limits.max_pixels or pixels):
        return (
            f"{path.name} has {pixels:,} pixels; {limits.min_pixels:,} to"
            f" {limits.max_pixels:,} are taken."
        )
    if limits.max_ratio and max(sides) > limits.max_ratio * min(sides):
        return (
            f"{path.name} is {image.width} × {image.height}; one side may be"
            f" {limits.max_ratio:g} times the other."
        )
    if (wanted.width, wanted.height) != sides:
        return (
            f"{path.name} is {image.width} × {image.height}; it has to be"
            f" {wanted.width} × {wanted.height}."
        )
    return ""
