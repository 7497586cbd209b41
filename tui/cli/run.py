"""The commands that need no screen. Results go to stdout, progress to stderr; codes and
JSON are a contract.
"""

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain, takewhile
from typing import TYPE_CHECKING, Any

from tui.catalog import batch, request
from tui.catalog.route import choose
from tui.catalog.spec import Model, Param, Values
from tui.exchange.pasted_command import PasteError, given
from tui.session import Session, open_engine
from tui.spending import ceilings
from tui.system import heartbeat, streams
from tui.text import clock, counted, inert_json, money, one_line

if TYPE_CHECKING:
    from tui.images.recipes import Recipe
    from tui.tasks.engine import Engine
    from tui.tasks.engine_state import EngineState
    from tui.tasks.ledger import SpendingPart, Total
    from tui.tasks.spool import Spool
    from tui.tasks.store import Store
    from tui.tasks.task import Problem, Task

EXIT_CODES = {
    "authentication": 2,
    "credits": 3,
    "validation": 4,
    "not_found": 4,
    "conflict": 4,
    "download": 5,
    "network": 5,
    "rate_limit": 6,
    "timeout": 5,
    "failed": 7,
    "empty": 7,
}
HOPELESS = ("authentication", "credits", "network", "rate_limit")
"""What goes wrong like this with one task does so with the next: the rest isn't tried,
and stays in the queue.
"""
INTERRUPTED = 130
SETTLING = 15.0
"""Seconds that an interrupted command may take to set aside what was not sent, whatever
signals come: longer than a locked queue file is waited for.
"""
SHORT_REST = 5.0
"""Seconds that the service may ask to wait without a word about it."""
TRIES = 4
"""How often a failing request is repeated before a headless command gives up; the task
stays resumable.
"""


class UsageError(Exception):
    """What was asked for can't be done; the text is for the user. Exit code 4."""


class Stopped(Exception):
    """Interrupted; tasks stay as they are on disk."""


# ---- what is told


def task_json(task: "Task", problem: "Problem | None" = None) -> str:
    """One line of JSON a task, as documented; `problem` is why it was left where it is."""
    problem = task.error or problem
    error = {"kind": problem.kind, "message": problem.message} if problem else None
    return inert_json(
        {
            "id": task.id,
            "task_id": task.remote_id or None,
            "status": str(task.status),
            "action": task.action,
            "model": task.model,
            "prompt": task.prompt,
            "files": list(task.files),
            "cost_usd": usd(task.cost_micro),
            "error": error,
            "created_at": _moment(task.created_at),
            "finished_at": _moment(task.finished_at) if task.finished_at else None,
            "profile": task.profile or None,
        }
    )


def usd(micro: int | None) -> float | None:
    """Micro-dollars as JSON tells them; null for an unknown sum."""
    return None if micro is None else micro / 1_000_000


def task_line(task: "Task", problem: str = "") -> str:
    """One line for people."""
    told = task.error.message if task.error else problem or task.note
    what = " ".join(task.files) or told or one_line(task.prompt, 60)
    cost = "-" if task.cost_micro is None else money(task.cost_micro)
    return f"{task.status:<10}  {task.id}  {task.model}  {cost}  {what}"


def task_facts(task: "Task", events: Iterable[tuple[float, str, str]] = ()) -> str:
    """Everything about one task, for people; with `events`, what happened to it."""
    rows = [
        ("id", task.id),
        ("task id", task.remote_id or "none yet"),
        (
            "status",
            str(task.status)
            + (f" ({task.word})" if task.word and task.word != task.status else ""),
        ),
        ("model", f"{task.model} ({task.action}, {task.route} route)"),
        ("profile", task.profile),
        *((name, value) for name, value in task.values.items()),
        (
            "cost",
            (
                money(task.cost_micro)
                if task.cost_micro is not None
                else f"{money(task.estimate_micro)} estimated"
            ),
        ),
        ("created", _moment(task.created_at)),
        ("finished", _moment(task.finished_at) if task.finished_at else ""),
        *(
            (result.label or "file", result.path)
            for result in task.results
            if result.path
        ),
        *(("url", result.url) for result in task.results if not result.path),
        ("note", task.error.message if task.error else task.note),
        *((_moment(at)[11:23], f"{event}  {raw}") for at, event, raw in events),
    ]
    return "\n".join(
        f"{name:<16}{one_line(value, 2000)}" for name, value in rows if value != ""
    )


def recipe_json(recipe: "Recipe") -> str:
    """What an image says that made it, as documented."""
    return inert_json(
        {name: getattr(recipe, name) for name in recipe.__struct_fields__}
    )


def recipe_facts(recipe: "Recipe") -> str:
    """The same for people."""
    model = f"{recipe.model} ({recipe.action})" if recipe.action else recipe.model
    rows = [
        ("told by", recipe.source),
        ("model", model),
        *recipe.values.items(),
        *recipe.other.items(),
    ]
    return "\n".join(
        f"{one_line(name, 40):<16}{one_line(value, 2000)}"
        for name, value in rows
        if value != ""
    )


def model_json(model: Model) -> dict[str, Any]:
    """A model as `models --json` lists it."""
    routes = {
        name: {"params": {p.name: _param_json(p) for p in route.params}}
        for name, route in model.routes.items()
    }
    price = model.price
    told: dict[str, Any] = {"cents": price.cents, "as_of": price.as_of} if price else {}
    if price and price.by:
        told |= {"by": price.by, "cases": price.cases}
    return {
        "family": model.family,
        "provider": model.provider,
        "service": model.service,
        "action": model.action,
        "model": model.slug,
        "routes": routes,
        "price": told,
    }


def _param_json(param: Param) -> dict[str, Any]:
    facts = {
        "kind": str(param.kind),
        "type": param.type,
        "required": param.required,
        "default": param.default,
        "enum": list(param.enum) or None,
        "min": param.min,
        "max": param.max,
        "min_items": param.min_items,
        "max_items": param.max_items,
    }
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in facts.items()
        if value is not None
    }


def _moment(seconds: float) -> str:
    from datetime import UTC, datetime

    return (
        datetime.fromtimestamp(seconds, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )


# ---- what is asked


def read_values(
    session: Session, model: Model, settings: tuple[str, ...], prompt: str | None
) -> Values:
    """`name=value` words as values of the route that knows them. Raises UsageError."""
    try:
        return given(model, settings, prompt, session.config.api)[1]
    except PasteError as error:
        raise UsageError(str(error)) from error


def read_cells(
    session: Session,
    model: Model,
    settings: tuple[str, ...],
    prompt: str | None,
    *,
    vary: tuple[str, ...],
    count: int,
    expand: bool,
) -> list[Values]:
    """The values of every request that these words ask for. Raises UsageError."""
    values = read_values(session, model, settings, prompt)
    wanted = dict(setting.partition("=")[::2] for setting in vary)
    route = model.routes[choose(model, {**values, **wanted}, session.config.api)]
    try:
        return batch.expand(
            model, route, values, vary=wanted, count=count, braces=expand
        )
    except batch.BatchError as error:
        raise UsageError(str(error)) from error


def exit_code(task: "Task", problem: "Problem | None") -> int:
    """What a task has come to; `problem` is its error, or why it was given up."""
    if problem:
        return EXIT_CODES.get(problem.kind, 1)
    return 0 if task.status == "completed" else 1


def _invalid(errors: dict[str, str]) -> UsageError:
    return UsageError(
        "\n".join(f"{name}: {problem}" for name, problem in errors.items())
    )


def check(session: Session, model: Model, wanted: list[Values]) -> None:
    """Raises UsageError for the first of `wanted` that can't be sent."""
    for values in wanted:
        # All of them before the first is paid.
        route = model.routes[choose(model, values, session.config.api)]
        errors = request.check(model, route, values)
        if errors:
            raise _invalid(errors)


def generate(
    session: Session,
    model: Model,
    prompts: Iterable[str | None],
    settings: tuple[str, ...],
    *,
    as_json: bool,
    wait: bool,
    over_budget: bool = False,
    **each: Any,
) -> int:
    """Put the tasks of all prompts into the queue, or none of them; with `wait`, carry
    them to their end and tell each as it gets there. Answers the exit code. `each` is
    what `read_cells` takes.

    Without `over_budget`, none of them is submitted where they would pass a ceiling:
    UsageError.

    However many there are, only those that come next are in memory.
    """
    from tui.service.wire import canonical
    from tui.tasks.ledger import Total
    from tui.tasks.spool import Spool
    from tui.tasks.store import Store

    url = canonical(session.credential.base_url)
    store, spool, wish = Store(session.folders.queue), Spool(), Total()
    for notice in store.notices:
        print(notice, file=sys.stderr)
    _on_signals(signal.default_int_handler, signal.SIGTERM, signal.SIGHUP)
    try:
        learnt: Any = store.learnt(url)
        for number, prompt in enumerate(prompts, 1):
            try:
                for values in read_cells(session, model, settings, prompt, **each):
                    task = _draft(session, model, values, url, learnt.get("route"))
                    wish += ceilings.wanted([task.estimate_micro])
                    spool.add(task)
            except UsageError as error:
                raise UsageError(
                    f"Prompt {number:,}: {error}" if number > 1 else str(error)
                ) from error
        if not spool.count:
            raise UsageError("There is no prompt: every line is blank.")
        if not over_budget:
            check_ceilings(session, wish, store.spent(url))
        if wait and not learnt.get("paused"):
            return run(
                session,
                lambda engine, work: _put_and_go(store, spool, engine, work),
                as_json=as_json,
            )
        _put(store, spool)
    except KeyboardInterrupt:
        aside = store.set_aside_unsent(task.id for task in spool) if spool.count else []
        if not aside:
            raise Stopped("Interrupted: nothing was sent or queued.") from None
        raise Stopped(interrupted(session, aside, 0)) from None
    for task in spool:
        print(
            task_json(task)
            if as_json
            else task_line(task, "in the queue; not sent yet")
        )
    sys.stdout.flush()
    if learnt.get("paused"):
        print("The queue is paused.", end=" ", file=sys.stderr)
    goes_on = (
        f"the app or `{session.command('resume')}` sends"
        f" {'it' if spool.count == 1 else 'them'}."
    )
    print(f"{spool.count:,} in the queue, safe on disk: {goes_on}", file=sys.stderr)
    return 1 if wait else 0


def check_ceilings(session: Session, wish: "Total", spent: "SpendingPart") -> None:
    """Raises UsageError where requests would pass a ceiling that the user has set."""
    if not ceilings.limited(session.config):
        return
    passed = ceilings.against(session.config, wish, spent)
    if passed:
        told = f"{ceilings.describe_cost(wish)}. {' '.join(passed)}"
        raise UsageError(
            f"{told} Nothing was submitted; --over-budget sends it all the same."
        )


def _draft(
    session: Session, model: Model, values: Values, base_url: str, learnt: Any
) -> "Task":
    """A task that waits for its turn. Raises UsageError."""
    from tui.tasks import draft

    try:
        return draft.draft(
            model,
            values,
            base_url=base_url,
            profile=session.profile,
            out_dir=session.folders.output,
            api=session.config.api,
            learnt=learnt,
        )
    except draft.InvalidRequestError as error:
        raise _invalid(error.errors) from error


def _put(store: "Store", spool: "Spool", owner: str = "") -> None:
    """All into the queue in one go. Raises StoreError, writing none."""
    from tui.tasks.store_errors import DamagedError

    def rows() -> Iterator[tuple["Task", list[tuple[float, str, str]]]]:
        return ((task, [(task.created_at, "held", "")]) for task in spool)

    try:
        store.add_missing(rows(), owner)
    except DamagedError as error:
        before = len(store.notices)
        store.start_over(found=error)
        for notice in store.notices[before:]:
            print(notice, file=sys.stderr)
        store.add_missing(rows(), owner)


async def _put_and_go(
    store: "Store", spool: "Spool", engine: "Engine", work: "Work"
) -> None:
    # Not in a thread: an interruption finds all of them in the queue, or none. The
    # watch over them is taken in the same go: an open app takes a share of what waits
    # for long, and not all of it before this process has begun.
    _put(store, spool, engine.queue.owner)
    store.close()
    work.add(SpooledIds(spool))
    engine.queue.also_mine = lambda: spool


def resume(
    session: Session,
    ids: tuple[str, ...] = (),
    *,
    as_json: bool,
    over_budget: bool = False,
) -> int:
    """Follow all unfinished tasks to their end, or those of `ids`; a paused queue goes
    on. Return the exit code.

    What was set aside is taken up again: its number and price are said first. Without
    `ids`, tasks that the user stopped, that were imported, or that were sent more than
    a day ago with an unknown outcome stay as they are. Raises UsageError where sending
    what was set aside would pass a ceiling, unless `over_budget`.
    """

    async def begin(engine: "Engine", work: Work) -> None:
        if ids:
            tasks = await chosen(engine, ids)
            try:
                for task in tasks:
                    engine.check_belongs_here(task)
            except ValueError as error:
                raise UsageError(str(error)) from error
            watched = {
                task.id
                for task, elsewhere in await engine.queue.unfinished()
                if elsewhere
            }
        else:
            ours = [
                (task, elsewhere)
                for task, elsewhere in await engine.queue.unfinished()
                if engine.belongs_here(task)
            ]
            tasks = [task for task, _ in ours if task.live or is_taken_up(task)]
            watched = {task.id for task, elsewhere in ours if elsewhere}
        aside = [task for task in tasks if not task.live]
        followed = [task for task in tasks if task.live and task.id in watched]
        wish = ceilings.wanted(
            [task.estimate_micro for task in aside if task.status == "held"]
        )
        if wish.tasks and not over_budget:
            check_ceilings(session, wish, await engine.queue.spent())
        await engine.pause(False)
        if wish.tasks:
            told = (
                f"Sending {counted(wish.tasks, 'task')} set aside unsent,"
                f" {ceilings.costs(wish)}."
            )
            print(told, file=sys.stderr)
        if followed:
            whose = f"{counted(len(followed), 'task')} of another window or command"
            print(f"Following {whose} to the end.", file=sys.stderr)
        tasks.sort(key=lambda task: (task.status == "held", task.turn))
        work.add([task.id for task in tasks])
        work.set_aside = frozenset(task.id for task in aside)
        work.of_others = frozenset(task.id for task in followed)

    return run(
        session, begin, as_json=as_json, nothing="Nothing to resume.", finish=True
    )


def is_taken_up(task: "Task") -> bool:
    """Whether `resume` takes up a task that was set aside without being told its id."""
    from tui.tasks.submit import may_be_resent
    from tui.tasks.task import SetAside

    if task.set_aside in (SetAside.INTERRUPTED, SetAside.WAITED):
        return not task.error
    return task.set_aside is SetAside.UNSURE and may_be_resent(task)


def rescue(session: Session, *, as_json: bool) -> int:
    """Fetch everything that was made, is not saved, and can still be had. Return the
    exit code.
    """
    from tui.tasks.actions import rescue as fetch

    async def begin(engine: "Engine", work: Work) -> None:
        tasks, problems = await fetch(engine)
        for problem in problems:
            print(problem, file=sys.stderr)
        work.add([task.id for task in tasks])

    nothing = "Nothing to fetch: everything that was made is saved."
    return run(session, begin, as_json=as_json, nothing=nothing, finish=True)


async def chosen(engine: "Engine", ids: Iterable[str]) -> list["Task"]:
    """The tasks of these ids, and all tasks of these jobs. Raises UsageError for an id
    that is neither.
    """
    from tui.tasks.store import Store

    found: dict[str, Task] = {}
    for wanted in ids:
        task = await engine.queue.run(Store.get, wanted)
        tasks = [task] if task else await engine.queue.run(Store.of_job, wanted)
        if not tasks:
            raise UsageError(f"There is no task {one_line(wanted, 80)} in the queue.")
        found |= {task.id: task for task in tasks}
    return list(found.values())


class SpooledIds(Collection[str]):
    """The ids of spooled tasks, read from the spool each time."""

    def __init__(self, spool: "Spool") -> None:
        self._spool = spool

    def __len__(self) -> int:
        return self._spool.count

    def __iter__(self) -> Iterator[str]:
        return (task.id for task in self._spool)

    def __contains__(self, task_id: object) -> bool:
        return any(known == task_id for known in self)


class Work:
    """The tasks that a command carries to their end, in order; filled while the command
    begins.
    """

    def __init__(self) -> None:
        self.count = 0
        self.set_aside: frozenset[str] = frozenset()
        """Ids of those that have to be taken up first."""
        self.of_others: frozenset[str] = frozenset()
        """Ids of those that another process carries: they are followed, and left to it.
        """
        self._parts: list[Iterable[str]] = []

    def add(self, ids: Collection[str]) -> None:
        """More tasks; `ids` can be read any number of times."""
        self.count += len(ids)
        self._parts.append(ids)

    def ids(self) -> Iterator[str]:
        return chain.from_iterable(self._parts)

    def own(self) -> Iterator[str]:
        """Ids of the tasks that this command may set aside."""
        return (task_id for task_id in self.ids() if task_id not in self.of_others)


def run(
    session: Session,
    begin: Callable[["Engine", Work], Awaitable[None]],
    *,
    as_json: bool,
    nothing: str = "",
    finish: bool = False,
) -> int:
    """Carry the tasks that `begin` adds to its work to their end, printing each. Return
    the exit code.

    `nothing` is said where there is nothing to do and nothing is left. With `finish`,
    whatever is unfinished at the end, of any service and profile, is said, and the code
    is not 0 then.
    """
    from tui.tasks.options import EngineListener

    signals = _Signals(session)

    async def work() -> int:
        signals.listen()
        progress = _Progress()
        engine = await asyncio.to_thread(
            open_engine,
            session,
            EngineListener(progress.changed, _Pauses(session).changed),
            tries=TRIES,
        )
        wanted = Work()
        try:
            await engine.start(adopt=False, history=0)
            for notice in engine.notices:
                print(notice, file=sys.stderr)
            engine.queue.on_notice = lambda notice: print(notice, file=sys.stderr)
            await begin(engine, wanted)
            code = await _follow(session, engine, wanted, progress, as_json=as_json)
            if finish:
                left = await engine.queue.unfinished()
                for sentence in sentences(session, left):
                    print(sentence, file=sys.stderr)
                is_open = any(counts(session, task) for task, _ in left)
                if nothing and not (wanted.count or is_open):
                    print(nothing, file=sys.stderr)
                code = code or (1 if is_open else 0)
            return code
        except asyncio.CancelledError:
            if not wanted.count:
                raise
            signals.settled = all(_is_sent(engine, task_id) for task_id in wanted.own())
            try:
                aside = await engine.set_aside(wanted.own())
                sent = await _at_service(engine, wanted)
            except StoreError as error:
                raise Stopped(
                    f"Interrupted; what was not sent could not be set aside. {error}"
                ) from None
            raise Stopped(interrupted(session, aside, sent)) from None
        except Exception as error:
            try:
                aside = await engine.set_aside(wanted.own())
            except StoreError:
                resume = f"`{session.command('resume')}`"
                print(
                    f"What was not sent could not be set aside: an app or {resume}"
                    " sends it.",
                    file=sys.stderr,
                )
            else:
                if aside and not isinstance(error, BrokenPipeError):
                    print(unsent(session, aside), file=sys.stderr)
            raise
        finally:
            signals.settled = True
            progress.clear()
            await engine.aclose()

    from tui.cli.unfinished import counts, sentences
    from tui.tasks.store import unfinished_in
    from tui.tasks.store_errors import StoreError

    try:
        return heartbeat.run(work())
    except BrokenPipeError:  # nobody reads what has ended any more
        streams.give_up_stdout()
        return INTERRUPTED
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise Stopped(
            "Interrupted before anything was sent. What is in the queue stays there."
        ) from None
    except (
        StoreError
    ) as error:  # what is open is said all the same, as far as it can be read
        print(error, file=sys.stderr)
        open_tasks = unfinished_in(session.folders.queue)
        for sentence in sentences(session, ((task, False) for task in open_tasks)):
            print(sentence, file=sys.stderr)
        return 1


async def _follow(
    session: Session,
    engine: "Engine",
    work: Work,
    progress: "_Progress",
    *,
    as_json: bool,
) -> int:
    """Carry the tasks to their end, printing each as it ends. Return the code of the
    first that was submitted of those whose code isn't 0. What can't be sent now is set
    aside.
    """
    from tui.tasks.drain import to_the_end
    from tui.tasks.task import Problem

    first, code, hopeless = "", 0, False
    seen: set[str] = set()
    ids = takewhile(lambda _: not hopeless, work.ids())
    progress.follow(engine.tasks, work.count)
    async for task in to_the_end(engine, ids, work.set_aside):
        given_up = engine.gave_up.get(task.id)
        problem = task.error or (
            Problem(given_up.kind, str(given_up)) if given_up else None
        )
        engine.forget(task.id)
        seen.add(task.id)
        progress.clear()
        print(_told(session, task, problem, bool(given_up), as_json), flush=True)
        hopeless = hopeless or (problem is not None and problem.kind in HOPELESS)
        came_to = exit_code(task, problem)
        # Ids sort as they were submitted
        if came_to and (not first or task.id < first):
            first, code = task.id, came_to
    if hopeless or len(seen) < work.count:
        code = await _leave(session, engine, work, seen) or code
    return code


async def _leave(session: Session, engine: "Engine", work: Work, seen: set[str]) -> int:
    """Set aside what was not sent, and say what is left of the work. Return 1 if
    anything can't be found.
    """
    aside = await engine.set_aside(work.own())
    rest = [task_id for task_id in work.ids() if task_id not in seen]
    there = await engine.queue.named(rest)
    held = {task.id: task for task in there if task.status == "held"}
    held |= {task.id: task for task in aside}
    if held:
        print(unsent(session, list(held.values())), file=sys.stderr)
    at_service = [task for task in there if task.live and task.id not in held]
    if at_service:
        goes_on = (
            f"`{session.command('resume')}` follows"
            f" {'it' if len(at_service) == 1 else 'them'}."
        )
        print(
            f"{counted(len(at_service), 'task')} at the service, paid: {goes_on}",
            file=sys.stderr,
        )
    lost = len(rest) - len(there)
    if lost:
        print(
            f"{counted(lost, 'task')} of this command can't be found in the queue any"
            " more.",
            file=sys.stderr,
        )
    return 1 if lost else 0


def _is_sent(engine: "Engine", task_id: str) -> bool:
    """Whether a task is at hand, and not waiting to be sent."""
    return task_id in engine.tasks and engine.tasks[task_id].status != "held"


async def _at_service(engine: "Engine", work: Work) -> int:
    """How many tasks of the work are at the service."""
    from tui.tasks.task import SENT

    ids = set(work.ids())
    return sum(
        1
        for task, _ in await engine.queue.unfinished()
        if task.id in ids and task.status in SENT
    )


def unsent(session: Session, aside: list["Task"]) -> str:
    """What was set aside, its price, and what may be done with it."""
    price = ceilings.costs(ceilings.wanted([task.estimate_micro for task in aside]))
    them = "it" if len(aside) == 1 else "them"
    return (
        f"{counted(len(aside), 'task')} set aside unsent ({price}):"
        f" `{session.command('resume')}` sends {them}, `{_drop(session, aside)}` takes"
        f" {them} back."
    )


def _drop(session: Session, tasks: list["Task"]) -> str:
    """The command that takes back just these tasks, as far as there is a short one."""
    jobs = {task.job for task in tasks}
    if len(tasks) == 1:
        return session.command(f"drop {tasks[0].id}")
    if len(jobs) == 1 and "" not in jobs:
        return session.command(f"drop {jobs.pop()}")
    return session.command("drop --all")


def interrupted(session: Session, aside: list["Task"], sent: int) -> str:
    """What an interruption leaves behind, and the commands that go on with it."""
    resume = f"`{session.command('resume')}`"
    if not aside:
        return (
            f"Interrupted: {counted(sent, 'task')} at the service.\n{resume} goes on."
        )
    price = ceilings.costs(ceilings.wanted([task.estimate_micro for task in aside]))
    left = f"{len(aside):,} set aside unsent ({price})"
    drop = f"`{_drop(session, aside)}` takes back what was not sent."
    if not sent:
        return (
            f"Interrupted: {left}.\n{resume} sends"
            f" {'it' if len(aside) == 1 else 'them'}; {drop}"
        )
    return (
        f"Interrupted: {sent:,} at the service, {left}.\n{resume} goes on with all of"
        f" them; {drop}"
    )


def _told(
    session: Session, task: "Task", problem: "Problem | None", kept: bool, as_json: bool
) -> str:
    """A task that has ended, or that is `kept` because it was given up for now."""
    if as_json:
        return task_json(task, problem)
    note = (
        f"{problem.message} Kept: `{session.command('resume')}` carries on."
        if problem and kept
        else ""
    )
    return task_line(task, note)


class _Signals:
    """The first signal lets go of everything and says what is left. Later ones end the
    process at once, but not before what was not sent is set aside, as long as that may
    take: ctrl+c is often pressed three times.
    """

    def __init__(self, session: Session) -> None:
        self._unsettled = (
            "Ended before what was not sent could be set aside: an open app or"
            f" `{session.command('resume')}` sends it,"
            f" `{session.command('drop --all')}` takes it back.\n"
        )
        self.settled = False
        """True once nothing is left that would have to be set aside."""
        self._heard_at: float | None = None

    def listen(self) -> None:
        """From now on signals cancel the current task."""
        self._task = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        _on_signals(self._heard, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def _heard(self, number: int, _frame: object) -> None:
        now = time.monotonic()
        if self._heard_at is None:
            self._heard_at = now
            assert self._task
            self._loop.call_soon_threadsafe(self._task.cancel)
        elif number == signal.SIGHUP:
            return
        elif self.settled:
            os._exit(INTERRUPTED)
        elif now - self._heard_at > SETTLING:
            with suppress(OSError):
                os.write(2, self._unsettled.encode())
            os._exit(INTERRUPTED)


class _Pauses:
    """Says on stderr why nothing is sent: the queue was paused elsewhere, or the
    service asked to wait.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._paused = False
        self._rest_until = 0.0

    def changed(self, state: "EngineState") -> None:
        if state.rest_until > max(self._rest_until, time.time() + SHORT_REST):
            print(
                "The service asked to wait: sending again at"
                f" {clock(state.rest_until)}.",
                file=sys.stderr,
            )
            self._rest_until = state.rest_until + 1
        if state.paused and not self._paused:
            until = f"until `{self._session.command('resume')}`, or p in the app"
            print(
                f"The queue is paused: nothing more is sent {until}.", file=sys.stderr
            )
        elif self._paused and not state.paused:
            print("The queue goes on.", file=sys.stderr)
        self._paused = state.paused


def _on_signals(handler: Callable[..., Any], *names: signal.Signals) -> None:
    """But what nohup, or a shell's `&`, has this process ignore stays ignored."""
    for name in names:
        if signal.getsignal(name) is not signal.SIG_IGN:
            signal.signal(name, handler)


class _Progress:
    """One line on stderr that says how far things are; nothing where stderr is no
    terminal.
    """

    def __init__(self) -> None:
        self._tty = sys.stderr.isatty()
        self._tasks: Mapping[str, Task] = {}
        self._count = 0
        self._drawn = 0.0

    def follow(self, tasks: Mapping[str, "Task"], count: int) -> None:
        """`tasks` are those at hand at each moment, of `count` in all."""
        self._tasks, self._count = tasks, count

    def changed(self, task: "Task") -> None:
        if self._tty and self._count and time.monotonic() - self._drawn > 0.1:
            self._drawn = time.monotonic()
            self.clear()
            sys.stderr.write(self._connection()[:79])
            sys.stderr.flush()

    def clear(self) -> None:
        if self._tty:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _connection(self) -> str:
        counts = Counter(str(task.status) for task in self._tasks.values())
        notes = (task.note for task in self._tasks.values() if task.note and task.live)
        return " · ".join(
            [
                f"{self._count:,} in all",
                *(f"{n} {status}" for status, n in counts.items()),
                *notes,
            ]
        )
