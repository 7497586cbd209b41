"""From filled-in values to a task ready to be sent: route, exact body, and key."""

import json
import os
import shutil
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from tui.catalog import price, request
from tui.catalog.extra import EXTRA
from tui.catalog.route import Api, choose, translate
from tui.catalog.source_images import local_files, with_real_paths
from tui.catalog.sources import STAND_IN, source_param, with_picture
from tui.catalog.spec import FileLimits, Model, Param, RouteName, Values
from tui.system import atomic_file
from tui.tasks import caller_key
from tui.tasks.task import Task, new_id
from tui.text import file_size, is_text, one_line

MAX_UPLOAD = 30_000_000  # bytes
NEEDED_ROOM = 50_000_000
"""Bytes that must be free on the disk of the images."""


class InvalidRequestError(ValueError):
    """The values can't be sent; `errors` says why, by param.

    Nothing was written or sent.
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
    after: str = "",
    key: str = "",
    checked: bool = True,
) -> Task:
    """Returns a held task for these values.

    `learnt` is the route that the base URL is known to have; `after` is the id of the
    task whose picture it works from, where that isn't made yet; `key` is the
    Idempotency-Key that the caller wants. Unless it is `checked`, the task can't be
    sent: it only shows what is asked for. Raises InvalidRequestError.
    """
    problem = folder_problem(out_dir) if checked else ""
    if problem:
        raise InvalidRequestError({"output": problem})
    values = request.inert_values(model, values)
    values = {name: value for name, value in values.items() if not request.blank(value)}
    if not model.described:
        values.setdefault(EXTRA, {})  # by this its task is known
    elif not values.get(EXTRA):
        values.pop(EXTRA, None)
    route = choose(model, values, api, learnt)
    source = source_param(model.routes[route]) if after else None
    if after and source is None:
        raise InvalidRequestError({"source": f"{model.title} works from no picture."})
    task = Task(
        id=new_id(),
        action=model.action,
        model=model.slug,
        service=model.service,
        base_url=base_url,
        profile=profile,
        route=route,
        values=values,
        created_at=time.time(),
        updated_at=time.time(),
        estimate_micro=price.estimate(model, values).micro,
        out_dir=str(out_dir),
        after=after,
        after_param=source.name if source else "",
        caller_key=key,
    )
    if checked:
        task = plan(task, model)
    with suppress(ValueError):  # a name that no file can have
        named = with_real_paths(model.routes[task.route], task.values)
        task = replace(task, values=named)
    return replace(task, caller_input=caller_key.input_of(task)) if key else task


def plan(task: Task, model: Model) -> Task:
    """Returns the task with body and key for its route.

    It has neither while files wait for their upload, or a picture isn't made yet.
    Raises InvalidRequestError.
    """
    route = model.routes[task.route]
    values = task.values
    if task.after_param:
        values = with_picture(route, task.after_param, values, STAND_IN)
    errors = request.check(model, route, values)
    files = local_files(route, task.values)
    for name, path in files:
        problem = _file_problem(path) or _image_problem(
            path, route.param(name), dict(files)
        )
        if problem:
            errors.setdefault(name, problem)
    if errors:
        raise InvalidRequestError(errors)
    if files or task.after_param:
        return replace(task, body=b"", key="")
    return with_body(task, model, task.values)


def check_files(files: Iterable[tuple[str, Path]]) -> None:
    """Raises InvalidRequestError where a file to upload is missing or unreadable.

    `files` are names of parameters, each with a file.
    """
    errors: dict[str, str] = {}
    for name, path in files:
        problem = _file_problem(path)
        if problem:
            errors.setdefault(name, problem)
    if errors:
        raise InvalidRequestError(errors)


def reroute(task: Task, model: Model, to: RouteName) -> Task:
    """Returns the task for the other route, with a new body and key.

    Raises InvalidRequestError, which says what to choose instead.
    """
    values, unplaced = translate(model, task.values, to)
    if unplaced:
        raise InvalidRequestError(unplaced)
    return plan(replace(task, route=to, values=values), model)


def with_body(task: Task, model: Model, sent: Values) -> Task:
    """Returns the task with the exact bytes for these values, and its key.

    That is a new one, unless the caller has given one.
    """
    body = request.body(model, model.routes[task.route], sent)
    text = json.dumps(body, ensure_ascii=False)
    key = task.caller_key or str(uuid.uuid4())
    return replace(task, body=text.encode(), key=key)


def folder_problem(folder: Path) -> str:
    """Returns why images can't be saved in a folder, or "".

    It is checked before anything is paid.
    """
    if not is_text(str(folder)):
        return (
            f"{one_line(folder)} has a byte that is not UTF-8: choose another folder"
            " for images."
        )
    try:
        atomic_file.make_folder(folder)
        free = shutil.disk_usage(folder).free
        is_writable = os.access(folder, os.W_OK)
    except OSError as error:
        reason = (error.strerror or "no such folder").lower()
        return f"Images can't be saved in {folder}: {reason}."
    if free < NEEDED_ROOM:
        return (
            f"The disk of {folder} is full ({file_size(free)} left): make room before"
            " you pay for an image."
        )
    if not is_writable:
        return f"Images can't be saved in {folder}: it is not writable."
    return ""


def _file_problem(path: Path) -> str:
    """Returns why a file can't be uploaded, or ""."""
    try:
        if not path.is_file():
            return f"There is no file {path}."
        size = path.stat().st_size
        with path.open("rb"):
            pass
    except (OSError, ValueError) as error:
        return f"{path} can't be read: {getattr(error, 'strerror', None) or error}."
    if not 0 < size <= MAX_UPLOAD:
        return f"{path} has {size:,} bytes; an upload has 1 to {MAX_UPLOAD:,}."
    return ""


def _image_problem(path: Path, param: Param | None, files: dict[str, Path]) -> str:
    """Returns why a file is not uploaded: it is no whole image, or would be refused.

    It is refused as far as the service's limits are known. `files` are the local files
    of all params. Returns "" without a reason.
    """
    from tui.images.files import ImageError
    from tui.tasks.sources import judge_file

    limits = (param.file if param else None) or FileLimits()
    try:
        image = judge_file(path)
        other = files.get(limits.same_size_as)
        wanted = judge_file(other) if other else image
    except ImageError as error:
        return f"{error} Nothing was sent."
    except OSError as error:
        return f"{path} can't be read: {error.strerror}."
    if limits.formats and image.format not in limits.formats:
        return f"{path.name} is {image.format}, not {', '.join(limits.formats)}."
    if limits.max_bytes and image.bytes > limits.max_bytes:
        most = file_size(limits.max_bytes)
        return f"{path.name} has {file_size(image.bytes)}; at most {most} are accepted."
    pixels = image.width * image.height
    if not (limits.min_pixels or 0) <= pixels <= (limits.max_pixels or pixels):
        return (
            f"{path.name} has {pixels:,} pixels; {limits.min_pixels:,} to"
            f" {limits.max_pixels:,} are accepted."
        )
    size = f"{image.width}×{image.height}"
    short, long = sorted((image.width, image.height))
    if limits.max_ratio and long > limits.max_ratio * short:
        return (
            f"{path.name} is {size}; one side may be {limits.max_ratio:g} times the"
            " other."
        )
    if (image.width, image.height) != (wanted.width, wanted.height):
        return f"{path.name} is {size}, not {wanted.width}×{wanted.height}."
    return ""
