"""`task --adopt`: a task that was made elsewhere comes into the queue, by its id.

It is polled and fetched like any other; it is never sent.
"""

import re
import time
from typing import NamedTuple

from msgspec.structs import replace

from tui.catalog.load import Catalog
from tui.catalog.undescribed import NameProblem, undescribed
from tui.cli.exit_codes import UsageError, code_of
from tui.cli.follow import Work, follow
from tui.cli.known import describe_known, follow_known, print_known
from tui.cli.output import task_json, task_line
from tui.service.base_url import canonical
from tui.service.errors import NotFoundError, ServiceError
from tui.service.task_answer import Answer
from tui.session import Session, open_client
from tui.system import heartbeat
from tui.system.streams import print_message, print_result
from tui.tasks.draft import folder_problem
from tui.tasks.engine import Engine
from tui.tasks.store import Store
from tui.tasks.store_errors import LeasedError
from tui.tasks.task import UNKNOWN_MODEL, Status, Task, new_id
from tui.text import one_line

_ID = re.compile(r"(?!\.{1,2}\Z)[!-~]{1,512}")


class Adopted(NamedTuple):
    """A task of the service, as its maker names it."""

    remote_id: str
    service: str
    action: str
    model: str = ""
    """Empty where it isn't known: no answer names it."""


def checked(named: Adopted, catalog: Catalog) -> Adopted:
    """Return the names as the service writes them. Raises UsageError.

    Where the catalog knows what a service has, the model is one of it.
    """
    service, action = named.service.replace("-", "_"), named.action.replace("-", "_")
    try:
        undescribed(service, action, named.model or service)
    except NameProblem as problem:
        raise UsageError(str(problem)) from problem
    if not _ID.fullmatch(named.remote_id):
        raise UsageError(f"{one_line(named.remote_id, 80)!r} is no id of the service.")
    slugs = [
        model.slug
        for model in catalog.models
        if (model.service, model.action) == (service, action)
    ]
    if named.model and slugs and named.model not in slugs:
        shown = one_line(named.model, 80)
        raise UsageError(
            f"{service} has no {action} model named {shown}; it has {', '.join(slugs)}."
        )
    return Adopted(named.remote_id, service, action, named.model)


def adopt(session: Session, wanted: Adopted, *, as_json: bool, wait: bool) -> int:
    """Record a task of the service, if it isn't yet, and follow it to its end.

    Without `wait`, an app or `resume` follows it. Returns the exit code. Raises
    UsageError for a task that the queue has deleted, or can't follow here.
    """
    store = Store(session.folders.queue)
    for notice in store.notices:
        print_message(notice)
    try:
        known, is_new = _recorded(session, store, wanted)
    except ServiceError as error:
        print_message(f"{error} Nothing was added to the queue.")
        return code_of(error.kind)
    finally:
        store.close()
    if is_new:
        print_message(
            f"Task {known.id} is in the queue now. It is never sent; what it cost is"
            " known once the service says so, and counts for no limit."
        )
    if not wait:
        if not is_new:
            return print_known(session, known, as_json=as_json)
        print_result(task_json(known) if as_json else task_line(known))
        return 0

    async def begin(engine: Engine, work: Work) -> None:
        try:
            engine.check_belongs_here(known)
        except ValueError as error:
            raise UsageError(str(error)) from error
        if not is_new:
            print_message(describe_known(session, known))
        await follow_known(engine, work, known)

    return follow(session, begin, as_json=as_json)


def _recorded(session: Session, store: Store, wanted: Adopted) -> tuple[Task, bool]:
    """Return the queue's task of the service's id, and whether it is new there.

    The service is asked first: an id that it doesn't know is not recorded. Raises
    ServiceError, UsageError and StoreError.
    """
    base_url = canonical(session.credential.base_url)
    known = store.of_remote_id(base_url, wanted.remote_id)
    if known:
        return _with_model(store, known, wanted.model), False
    answer = heartbeat.run(_answer(session, wanted))
    task = _task(session, base_url, wanted)
    task = replace(task, cost_micro=answer.cost_micro)
    recorded = store.adopt(task, "adopted", answer.raw)
    if recorded is task:
        return task, True
    return _with_model(store, recorded, wanted.model), False


def _with_model(store: Store, known: Task, model: str) -> Task:
    """Return a task of the queue with the model that is said to be its own.

    Raises UsageError where it has another one, or was deleted; StoreError.
    """
    if known.deleted:
        raise UsageError(f"This is task {known.id}, which was deleted from the queue.")
    if model in ("", known.model):
        return known
    if not known.adopted or known.model != UNKNOWN_MODEL:
        raise UsageError(
            f"This is task {known.id} of the queue, and its model is"
            f" {one_line(known.model, 80)}. Nothing was changed: leave out --model."
        )
    try:
        named = known.change(model=model)
        store.save(named, f"model: {model}")
    except LeasedError:
        raise UsageError(
            f"Task {known.id} is followed by another window or command: name its model"
            " once it has ended."
        ) from None
    print_message(f"The model of task {known.id} is {model} from now on.")
    return named


async def _answer(session: Session, wanted: Adopted) -> Answer:
    """Return what the service says of a task. Raises ServiceError."""
    client = open_client(session)
    try:
        return await client.status(
            "service", wanted.service, wanted.action, wanted.remote_id
        )
    except NotFoundError as error:
        raise NotFoundError(
            f"The service has no {wanted.action} task of this id at {wanted.service}.",
            status=error.status,
            raw=error.raw,
        ) from error
    finally:
        await client.aclose()


def _task(session: Session, base_url: str, wanted: Adopted) -> Task:
    """Return the task for the queue. Raises UsageError."""
    problem = folder_problem(session.folders.output)
    if problem:
        raise UsageError(problem)
    now = time.time()
    return Task(
        id=new_id(),
        action=wanted.action,
        model=wanted.model or UNKNOWN_MODEL,
        service=wanted.service,
        base_url=base_url,
        profile=session.profile,
        route="service",
        values={},
        status=Status.PENDING,
        created_at=now,
        updated_at=now,
        sent_at=now,
        remote_id=wanted.remote_id,
        out_dir=str(session.folders.output),
        adopted=True,
    )
