"""What an import brings: history, in harmless words, and nothing that acts.

Anybody may have written the file. A task is made anew from the fields that are listed
here. Bodies, keys, places to ask, leases, marks of the queue and files are not among
them.
"""

import re
from typing import Any

from tui.catalog.extra import EXTRA
from tui.catalog.load import Catalog
from tui.catalog.request import blank, is_callback
from tui.catalog.route import choose
from tui.catalog.source_images import local_files
from tui.catalog.spec import Model, Values
from tui.service.base_url import canonical
from tui.service.task_answer import is_url
from tui.tasks.task import LIVE, Problem, Result, SetAside, Status, Task
from tui.text import one_line, plain

IMPORTED = (
    "Imported. `s` in the app, or `runapi-tui resume ID`, watches it at the service, or"
    " sends what was not sent as new."
)
MOST_RESULTS = 64
MOST_EVENTS = 200
"""Events of a task; the latest are kept."""
_MOST_RAW = 8_000
"""Characters of an answer of the service."""
_MOST_TEXT = 100_000
"""Characters of a text among the values."""
_HOW_TO_SEND = "Nothing was sent: use its values again in the form."
UNCHECKED = (
    f"This imported task has extra parameters, which nothing checks. {_HOW_TO_SEND}"
)
_ID = re.compile("[0-9a-hjkmnp-tv-z]{14}")
_REMOTE_ID = re.compile(r"\w[\w.:-]{0,199}", re.ASCII)
_SHA256 = re.compile("[0-9a-f]{64}")
_STATUSES = {
    # It may have been made, but by another key and body than this program has.
    Status.SUBMITTING: Status.HELD,
    # The service has to name the images: a file may name any address.
    Status.FETCHING: Status.PROCESSING,
}
Events = list[tuple[float, str, str]]


def history(task: Task) -> Task:
    """Returns what may be known of a task that is not this program's own.

    One that is unfinished is set aside; what was made of it has to be asked for again.
    """
    status = _STATUSES.get(task.status, task.status)
    waits = status in LIVE
    return Task(
        id=task.id,
        action=one_line(task.action, 100),
        model=one_line(task.model, 100),
        service=one_line(task.service, 100),
        base_url=_base_url(task.base_url),
        profile=one_line(task.profile, 40),
        route=task.route,
        values={one_line(name, 100): _clean(task.values[name]) for name in task.values},
        status=status,
        created_at=task.created_at,
        updated_at=task.updated_at,
        sent_at=task.sent_at,
        finished_at=task.finished_at,
        made_at=0 if waits else task.made_at,
        remote_id=_matching(_REMOTE_ID, task.remote_id),
        word=one_line(task.word, 60),
        progress=one_line(task.progress, 20),
        note=IMPORTED if waits else one_line(task.note, 1000),
        error=_problem(task.error),
        results=tuple(map(_result, task.results[:MOST_RESULTS])),
        cost_micro=task.cost_micro,
        estimate_micro=task.estimate_micro,
        out_dir=task.out_dir,
        unsure=task.unsure or task.status is Status.SUBMITTING,
        watched=not waits,
        set_aside=SetAside.IMPORTED if waits else SetAside.NO,
        retry_of=_matching(_ID, task.retry_of),
        retried_by="" if waits else _matching(_ID, task.retried_by),
        job=_matching(_ID, task.job),
        polls=task.polls,
        favourite=task.favourite,
        cleared=task.cleared,
        imported=True,
    )


def past_events(events: Events) -> Events:
    """Returns the latest events, each bounded and in harmless words."""
    return [
        (at, one_line(event, 1000), plain(raw, _MOST_RAW))
        for at, event, raw in events[-MOST_EVENTS:]
    ]


def files_named(model: Model, values: Values) -> dict[str, str]:
    """Returns an error for each param that names what no import may use.

    That is a file of this machine, which would be uploaded, and a callback, which
    would hear of the task.
    """
    errors: dict[str, str] = {}
    if EXTRA in values:
        errors[EXTRA] = UNCHECKED
    for route in model.routes.values():
        for name, path in local_files(route, values):
            errors[name] = (
                f"This imported task names a file of this machine,"
                f" {one_line(path, 200)}. {_HOW_TO_SEND}"
            )
        for param in filter(is_callback, route.params):
            address = values.get(param.name)
            if not blank(address):
                errors[param.name] = (
                    f"This imported task reports to {one_line(address, 200)}."
                    f" {_HOW_TO_SEND}"
                )
    return errors


def unwatchable(task: Task, base_url: str, catalog: Catalog) -> str:
    """Returns why the service can't be asked for an imported task, or ""."""
    if task.base_url != base_url:
        return (
            "This imported task is of another service: it can only be looked at here."
        )
    if not task.remote_id:
        return (
            "This imported task lacks the service's own id: it can only be looked at."
        )
    if catalog.get(task.action, task.model) is None:
        return (
            f"{one_line(task.model, 80)} is not in the catalog: this imported task can"
            " only be looked at."
        )
    return ""


def watched_fields(task: Task, model: Model) -> dict[str, Any]:
    """Returns the fields with which the service is asked for an imported task.

    Where to ask is the catalog's word; the service has to name the results itself.
    """
    route = task.route if task.route in model.routes else choose(model)
    return {
        "service": model.service,
        "action": model.action,
        "route": route,
        "location": "",
        "body": b"",
        "key": "",
        "uploads_until": 0,
        "results": (),
        "made_at": 0,
    }


def may_be_billed(task: Task) -> bool:
    """Returns whether a task was imported, and may have been made and billed before."""
    return task.imported and task.unsure


def _base_url(text: str) -> str:
    """Returns the service that a task says it was sent to; nothing asks there."""
    try:
        return canonical(one_line(text, 300))
    except ValueError:
        return ""


def _matching(form: re.Pattern[str], text: str) -> str:
    return text if form.fullmatch(text) else ""


def _problem(problem: Problem | None) -> Problem | None:
    if problem is None:
        return None
    return Problem(one_line(problem.kind, 40), one_line(problem.message, 2000))


def _result(result: Result) -> Result:
    return Result(
        url=_url(result.url),
        label=one_line(result.label, 60),
        path=result.path,
        sha256=_matching(_SHA256, result.sha256),
        format=one_line(result.format, 10),
        width=result.width,
        height=result.height,
        bytes=result.bytes,
    )


def _url(text: str) -> str:
    return text if is_url(text) and " " not in text else ""


def _clean(value: Any) -> Any:
    """Returns a value with its texts, at any depth, in harmless words."""
    if isinstance(value, str):
        return plain(value, _MOST_TEXT)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {one_line(name, 100): _clean(item) for name, item in value.items()}
    return value
