"""`generate`: puts the tasks of all prompts into the queue, and follows them."""

import signal
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from tui.catalog.extra import extra_of, not_checked
from tui.catalog.request import blank, refused_by_catalog
from tui.catalog.route import choose
from tui.catalog.spec import Model, Values
from tui.cli.chains import open_sources, waiting_in_vain
from tui.cli.exit_codes import OTHER_ERROR, Stopped, UsageError
from tui.cli.follow import Work, follow
from tui.cli.known import check_known, describe_known, follow_known, print_known
from tui.cli.output import task_json, task_line
from tui.cli.requests import (
    RequestOptions,
    invalid_request,
    read_requests,
)
from tui.cli.signals import handle_signals
from tui.cli.unfinished import interrupted
from tui.session import Session
from tui.spending import ceilings
from tui.system import streams
from tui.system.streams import print_message, print_result
from tui.text import by_count

if TYPE_CHECKING:
    from tui.tasks.ceilings import Ceilings
    from tui.tasks.engine import Engine
    from tui.tasks.spool import Spool
    from tui.tasks.store import Store
    from tui.tasks.task import Task


@dataclass(frozen=True)
class Submission:
    """What happens to the tasks of a `generate` command."""

    as_json: bool
    wait: bool
    """Whether the command follows its tasks until they end."""
    over_budget: bool = False
    """Whether tasks may pass a ceiling."""
    probe: bool = False
    """Whether the cheapest task is sent first, and the others are set aside."""
    key: str | None = None
    """The caller's key for the one task, which the queue may have already."""


def generate(
    session: Session,
    model: Model,
    prompts: Iterable[str | None],
    options: RequestOptions,
    submission: Submission,
) -> int:
    """Queue the tasks of all prompts, or none of them. Returns the exit code.

    With `submission.wait`, follows them until they end and prints each as it ends.
    Raises UsageError for an invalid request, and where the tasks would pass a ceiling
    that `submission.over_budget` doesn't lift.

    However many tasks there are, only those that come next are in memory.
    """
    from tui.service.base_url import canonical
    from tui.tasks.spool import Spool
    from tui.tasks.store import Store

    url = canonical(session.credential.base_url)
    store = Store(session.folders.queue)
    spool = Spool()
    _print_notices(store.notices)
    handle_signals(signal.default_int_handler, signal.SIGTERM, signal.SIGHUP)
    try:
        learnt = store.learnt(url)
        draft = _Draft(session, model, url, learnt.get("route"))
        draft.over_ceiling = submission.over_budget
        draft.after = options.after
        draft.key = _checked_key(submission.key)
        known = None
        if draft.key:
            prompts = list(prompts)
            known = _known(store, draft, prompts, options)
        if not known:
            _spool_tasks(draft, prompts, options, spool)
            _print_unchecked(draft)
            _print_large(draft)
        if submission.probe and spool.count > 1:
            spool.probe()
        if submission.wait and not learnt.get("paused"):
            begin = partial(_begin, store, draft, spool, known)
            code = follow(session, begin, as_json=submission.as_json)
            _print_probed(session, spool)
            return code
        if not known:
            known = _queue_unless_known(store, spool, ceilings.of(session.config))
        if known:
            if submission.wait:
                print_message("The queue is paused.")
            code = print_known(session, known, as_json=submission.as_json)
            is_open = submission.wait and known.live
            return code or (OTHER_ERROR if is_open else 0)
    except KeyboardInterrupt:
        aside = store.set_aside_unsent(task.id for task in spool) if spool.count else []
        if not aside:
            raise Stopped("Interrupted: nothing was sent or queued.") from None
        raise Stopped(interrupted(session, aside, 0)) from None
    _print_queued(session, spool, submission.as_json, bool(learnt.get("paused")))
    return 1 if submission.wait else 0


class _Draft:
    """Makes tasks of one model for one service."""

    over_ceiling = False
    """Whether the user has agreed that the tasks pass the ceilings."""

    def __init__(
        self, session: Session, model: Model, base_url: str, route: Any
    ) -> None:
        self.session = session
        self.model = model
        self.after = ""
        """The id of a task whose picture the new ones wait for."""
        self.key = ""
        """The caller's key for the task."""
        self.unchecked: dict[str, None] = {}
        """Names of parameters that are sent without a check, in order."""
        self.enlarged: dict[tuple[Path, int], None] = {}
        """The files that are enlarged, and by which factor, in order."""
        self._base_url = base_url
        self._route = route
        """The route that the service was found to have; None: not known."""

    def task(self, values: Values, *, checked: bool = True) -> "Task":
        """Return a task that waits to be sent. Raises UsageError.

        Unless it is `checked`, it only shows what is asked for.
        """
        from tui.tasks import draft, result_size

        self.unchecked |= dict.fromkeys(extra_of(values))
        try:
            task = draft.draft(
                self.model,
                values,
                base_url=self._base_url,
                profile=self.session.profile,
                out_dir=self.session.folders.output,
                api=self.session.config.api,
                learnt=self._route,
                after=self.after,
                key=self.key,
                checked=checked,
            )
        except draft.InvalidRequestError as error:
            hint = self._hint(values, error.errors)
            raise invalid_request(error.errors, hint) from error
        source = result_size.large_source(self.model.routes[task.route], task.values)
        if source:
            self.enlarged[source] = None
        return replace(task, over_ceiling=self.over_ceiling)

    def _hint(self, values: Values, errors: Mapping[str, str]) -> str:
        """Return how to send what only the catalog refuses, or nothing."""
        name = choose(self.model, values, self.session.config.api, self._route)
        refused = refused_by_catalog(self.model, self.model.routes[name], values)
        given = {name for name, value in values.items() if not blank(value)}
        if errors.keys() <= refused & given:
            return "If the service knows better: --unchecked sends it all the same."
        return ""


def _known(
    store: "Store",
    draft: _Draft,
    prompts: Iterable[str | None],
    options: RequestOptions,
) -> "Task | None":
    """Return the task that has the caller's key already.

    It does so whatever has become of source files and folders since. Raises UsageError
    for a key that can't be used for this call.
    """
    wanted = [
        values
        for prompt in prompts
        for values in read_requests(draft.session, draft.model, options, prompt)
    ]
    if len(wanted) > 1:
        asked = f"{len(wanted):,}"
        raise UsageError(f"A key is for one task: this call asks for {asked}.")
    for values in wanted:
        task = draft.task(values, checked=False)
        known = store.of_caller_key(task)
        if known:
            check_known(task, known)
            return known
    return None


def _spool_tasks(
    draft: _Draft,
    prompts: Iterable[str | None],
    options: RequestOptions,
    spool: "Spool",
) -> None:
    """Write the tasks of all prompts to the spool. Raises UsageError."""
    for number, prompt in enumerate(prompts, 1):
        try:
            for values in read_requests(draft.session, draft.model, options, prompt):
                spool.add(draft.task(values))
        except UsageError as error:
            if number == 1:
                raise
            raise UsageError(f"Prompt {number:,}: {error}") from error
    if not spool.count:
        raise UsageError("There is no prompt: every line is blank.")


def _checked_key(key: str | None) -> str:
    """Return the caller's key, or "". Raises UsageError for one that can't be a key."""
    from tui.tasks import caller_key

    problem = "" if key is None else caller_key.problem(key)
    if problem:
        raise UsageError(problem)
    return key or ""


def _queue(store: "Store", spool: "Spool", most: "Ceilings", owner: str = "") -> None:
    """Write all tasks into the queue in one transaction.

    Raises StoreError; UsageError where they would pass one of `most`; KeyTakenError
    where the queue has a task of the same key. Then none of them is in the queue.
    """
    from tui.tasks.ceilings import CeilingError
    from tui.tasks.store_errors import DamagedError

    def rows() -> Iterator[tuple["Task", list[tuple[float, str, str]]]]:
        return ((task, [(task.created_at, "held", "")]) for task in spool)

    try:
        try:
            store.add_missing(rows(), owner, most)
        except DamagedError as error:
            before = len(store.notices)
            store.start_over(found=error)
            _print_notices(store.notices[before:])
            store.add_missing(rows(), owner, most)
    except CeilingError as error:
        raise UsageError(ceilings.refusal(error.verdict)) from error


def _queue_unless_known(
    store: "Store", spool: "Spool", most: "Ceilings", owner: str = ""
) -> "Task | None":
    """Write all tasks into the queue; return the one that has the caller's key already.

    Raises StoreError and UsageError, as `_queue` does.
    """
    from tui.tasks.caller_key import KeyTakenError

    try:
        _queue(store, spool, most, owner)
    except KeyTakenError as taken:
        check_known(next(iter(spool)), taken.task)
        return taken.task
    return None


async def _begin(
    store: "Store",
    draft: "_Draft",
    spool: "Spool",
    known: "Task | None",
    engine: "Engine",
    work: Work,
) -> None:
    """Queue the tasks, and add them and what they wait for to the work.

    With `known`, a task that the queue has already, it adds that one.
    """
    sources = await open_sources(engine, [draft.after])
    if not known:
        _check_sources(draft, next(iter(spool)), sources)
    work.add_sources(filter(engine.belongs_here, sources))
    # Not in a thread: an interruption finds all of them in the queue, or none. They are
    # leased in the same transaction: an open app adopts a part of what waits for long,
    # and must not adopt all of it before this process has begun.
    try:
        if not known:
            owner = engine.queue.owner
            known = _queue_unless_known(store, spool, engine.ceilings, owner)
    finally:
        store.close()
    if known:
        if draft.over_ceiling:
            engine.lift_ceilings()
        print_message(describe_known(draft.session, known))
        await follow_known(engine, work, known)
        return
    work.add([spool.probed] if spool.probed else _SpooledIds(spool))
    engine.queue.spooled_tasks = lambda: spool


def _check_sources(draft: _Draft, task: "Task", sources: "list[Task]") -> None:
    """Raise UsageError where a task would wait in vain for its picture."""
    for source in waiting_in_vain([task], sources).values():
        resume = draft.session.command(f"resume {source}")
        raise UsageError(
            f"Its picture waits for task {source}, which is set aside. Nothing was"
            f" submitted: `{resume}` continues that one."
        )


class _SpooledIds(Collection[str]):
    """The ids of spooled tasks, read from the spool each time."""

    def __init__(self, spool: "Spool") -> None:
        self._spool = spool

    def __len__(self) -> int:
        return self._spool.count

    def __iter__(self) -> Iterator[str]:
        return (task.id for task in self._spool)

    def __contains__(self, task_id: object) -> bool:
        return any(known == task_id for known in self)


def _print_queued(
    session: Session, spool: "Spool", as_json: bool, paused: bool
) -> None:
    for task in spool:
        print_result(
            task_json(task)
            if as_json
            else task_line(task, "in the queue; not sent yet")
        )
    streams.finish()
    if paused:
        print_message("The queue is paused.", end=" ")
    sentence = by_count(
        1 if spool.probed else spool.count,
        "1 in the queue, safe on disk: the app or `{resume}` sends it.",
        "{count} in the queue, safe on disk: the app or `{resume}` sends them.",
        resume=session.command("resume"),
    )
    print_message(sentence)
    _print_probed(session, spool)


def _print_probed(session: Session, spool: "Spool") -> None:
    """Print what a probe holds back, and the command that sends it."""
    from tui.tasks.ceilings import describe_total

    if not spool.probed:
        return
    held = [task for task in spool if task.id != spool.probed]
    total = ceilings.estimated_total([task.estimate_micro for task in held])
    is_unknown = total.unknown and not total.micro
    cost = "price unknown" if is_unknown else describe_total(total)
    sentence = by_count(
        len(held),
        "1 task is held back, {cost}: `{resume}` sends it, `{drop}` drops it.",
        "{count} tasks are held back, {cost}: `{resume}` sends them, `{drop}` drops"
        " them.",
        cost=cost,
        resume=session.command(f"resume {held[0].job}"),
        drop=session.command(f"drop {held[0].job}"),
    )
    print_message(sentence)


def _print_unchecked(draft: _Draft) -> None:
    """Say what is sent without a check, before anything is."""
    model = draft.model
    if not model.described:
        print_message(
            f"{model.slug} is not described by the catalog: none of it is checked. The"
            " price is not known."
        )
    elif draft.unchecked:
        print_message(f"{not_checked(draft.unchecked)} The price is not known.")


def _print_large(draft: _Draft) -> None:
    """Say which sizes of results are too large to be shown, before anything is sent."""
    from tui.tasks.result_size import too_large_note

    notes = dict.fromkeys(too_large_note(*source) for source in draft.enlarged)
    _print_notices(filter(None, notes))


def _print_notices(notices: Iterable[str]) -> None:
    for notice in notices:
        print_message(notice)
