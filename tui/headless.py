"""The commands that need no screen. Results go to stdout, progress to stderr; codes and JSON are a contract."""

import asyncio
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from tui import budget
from tui.catalog import batch, request
from tui.catalog.price import estimate
from tui.catalog.route import choose
from tui.catalog.spec import Model, Param, Values
from tui.session import Session, open_engine
from tui.text import inert_json, money, one_line, plain

if TYPE_CHECKING:
    from tui.tasks.engine import Engine
    from tui.tasks.task import Task

EXIT_CODES = {
    "authentication": 2,
    "credits": 3,
    "validation": 4,
    "not_found": 4,
    "conflict": 4,
    "download": 5,
    "network": 5,
    "rate_limit": 6,
    "failed": 7,
    "empty": 7,
}
INTERRUPTED = 130
TRIES = 4
"""How often a failing request is repeated before a headless command gives up; the task stays resumable."""


class UsageError(Exception):
    """What was asked for can't be done; the text is for the user. Exit code 4."""


class Stopped(Exception):
    """Interrupted; tasks stay as they are on disk."""


# ---- what is told


def task_json(task: "Task", problem: dict[str, str] | None = None) -> str:
    """One line of JSON a task, as documented."""
    error = {"kind": task.error.kind, "message": task.error.message} if task.error else problem
    return inert_json(
        {
            "id": task.id,
            "task_id": task.remote_id or None,
            "status": str(task.status),
            "action": task.action,
            "model": task.model,
            "prompt": task.prompt,
            "files": list(task.files),
            "cost_usd": None if task.cost_micro is None else task.cost_micro / 1_000_000,
            "error": error,
            "created_at": _moment(task.created_at),
            "finished_at": _moment(task.finished_at) if task.finished_at else None,
        }
    )


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
        ("status", str(task.status) + (f" ({task.word})" if task.word and task.word != task.status else "")),
        ("model", f"{task.model} ({task.action}, {task.route} route)"),
        *((name, value) for name, value in task.values.items()),
        (
            "cost",
            money(task.cost_micro) if task.cost_micro is not None else f"{money(task.estimate_micro)} estimated",
        ),
        ("created", _moment(task.created_at)),
        ("finished", _moment(task.finished_at) if task.finished_at else ""),
        *((result.label or "file", result.path) for result in task.results if result.path),
        *(("url", result.url) for result in task.results if not result.path),
        ("note", task.error.message if task.error else task.note),
        *((_moment(at)[11:23], f"{event}  {raw}") for at, event, raw in events),
    ]
    return "\n".join(f"{name:<16}{one_line(value, 2000)}" for name, value in rows if value != "")


def model_json(model: Model) -> dict[str, Any]:
    """A model as `models --json` lists it."""
    routes = {
        name: {"params": {p.name: _param_json(p) for p in route.params}} for name, route in model.routes.items()
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

    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# ---- what is asked


def read_values(session: Session, model: Model, settings: tuple[str, ...], prompt: str | None) -> Values:
    """`name=value` words as values of the route that knows them. Raises UsageError."""
    pairs: dict[str, str] = {} if prompt is None else {"prompt": prompt}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise UsageError(f"{one_line(setting, 80)!r} is not of the form name=value.")
        # Given twice, a list's entries add up.
        pairs[name] = f"{pairs[name]}\n{text}" if name in pairs else text
    route = model.routes[choose(model, pairs, session.config.api)]
    values: Values = {}
    for name, text in pairs.items():
        param = route.param(name)
        try:
            values[name] = request.parse(param, text) if param else text
        except ValueError as error:
            raise UsageError(f"{name}: {plain(error)}") from error
    return values


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
        return batch.expand(model, route, values, vary=wanted, count=count, braces=expand)
    except batch.BatchError as error:
        raise UsageError(str(error)) from error


def exit_code(engine: "Engine", tasks: list["Task"]) -> int:
    """0, or the code of the first task in submit order that did not complete."""
    for task in tasks:
        given_up = engine.gave_up.get(task.id)
        kind = task.error.kind if task.error else given_up.kind if given_up else ""
        if kind:
            return EXIT_CODES.get(kind, 1)
        if task.status != "completed":
            return 1
    return 0


def check(session: Session, model: Model, wanted: list[Values]) -> None:
    """Raises UsageError for the first of `wanted` that can't be sent."""
    for values in wanted:
        # All of them before the first is paid.
        route = model.routes[choose(model, values, session.config.api)]
        errors = request.check(model, route, values)
        if errors:
            raise UsageError(_errors(errors))


def generate(
    session: Session, model: Model, wanted: list[Values], *, as_json: bool, wait: bool, over_budget: bool = False
) -> int:
    """Submit one task for each of `wanted`, wait for all, tell each as it finishes. Answers the exit code.

    Without `over_budget`, none of them is submitted where they would pass a ceiling: UsageError.
    """
    check(session, model, wanted)

    async def submit(engine: "Engine") -> list["Task"]:
        if budget.limited(session.config) and not over_budget:
            wish = budget.wanted([estimate(model, values).micro for values in wanted])
            passed = budget.against(session.config, wish, await engine.spent())
            if passed:
                told = f"{budget.told_cost(wish)}. {' '.join(passed)}"
                raise UsageError(f"{told} Nothing was submitted; --over-budget sends it all the same.")
        return await engine.submit_job(model, wanted, carry=wait and not engine.state.paused)

    return _run(session, submit, as_json=as_json, wait=wait)


def resume(session: Session, ids: tuple[str, ...] = (), *, as_json: bool) -> int:
    """Watch all unfinished tasks to their end, or those of `ids`, which may be some that are not watched any
    more; a paused queue goes on."""

    async def adopt(engine: "Engine") -> list["Task"]:
        await engine.pause(False)
        if not ids:
            return await engine.adopt()
        found = [await _found(engine, task_id) for task_id in ids]
        return [await engine.watch(task.id) for task in found]

    return _run(session, adopt, as_json=as_json, wait=True)


def rescue(session: Session, *, as_json: bool) -> int:
    """Fetch everything that was made, is not saved, and can still be had."""
    from tui.orders import rescue as fetch

    async def begin(engine: "Engine") -> list["Task"]:
        tasks, problems = await fetch(engine)
        for problem in problems:
            print(problem, file=sys.stderr)
        return tasks

    return _run(session, begin, as_json=as_json, wait=True, nothing="Everything that was made is saved.")


async def _found(engine: "Engine", task_id: str) -> "Task":
    task = await engine.find(task_id)
    if task is None:
        raise UsageError(f"There is no task {one_line(task_id, 80)} in the queue.")
    return task


def _run(
    session: Session,
    begin: Callable[["Engine"], Any],
    *,
    as_json: bool,
    wait: bool,
    nothing: str = "Nothing to resume: no task waits that no other process is watching.",
) -> int:
    """`nothing` is said where there is nothing to do."""
    from tui.tasks.plan import InvalidError
    from tui.tasks.store import TakenError

    async def run() -> int:
        me = asyncio.current_task()
        assert me
        for name in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(name, me.cancel)
        progress = _Progress()
        engine = await asyncio.to_thread(open_engine, session, tries=TRIES, on_change=progress.changed)
        try:
            await engine.start(adopt=False, history=0)
            for notice in engine.notices:
                print(notice, file=sys.stderr)
            tasks = await begin(engine)
            unsent = [task for task in tasks if task.status == "held"]
            if not wait or (engine.state.paused and unsent):
                for task in tasks:
                    print(task_json(task) if as_json else task_line(task, "in the queue; not sent yet"))
                paused = "The queue is paused. " if engine.state.paused else ""
                told = f"{paused}{len(tasks)} in the queue: the app or `runapi-tui resume` sends them."
                print(told, file=sys.stderr)
                return 1 if wait else 0
            if not tasks:
                print(nothing, file=sys.stderr)
            progress.follow([engine.tasks[task.id] for task in tasks])
            waiting = [asyncio.ensure_future(engine.wait(task.id)) for task in tasks]
            for done in asyncio.as_completed(waiting):
                _tell(engine, await done, as_json, progress)
            return exit_code(engine, [engine.tasks[task.id] for task in tasks])
        finally:
            progress.clear()
            await engine.aclose()

    try:
        return asyncio.run(run())
    except InvalidError as error:
        raise UsageError(_errors(error.errors)) from error
    except TakenError as error:
        raise UsageError(str(error)) from error
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise Stopped("Interrupted. Nothing is lost: `runapi-tui resume` carries on.") from None


def _tell(engine: "Engine", task: "Task", as_json: bool, progress: "_Progress") -> None:
    given_up = engine.gave_up.get(task.id)
    progress.clear()
    if as_json:
        print(task_json(task, {"kind": given_up.kind, "message": str(given_up)} if given_up else None), flush=True)
    else:
        hint = f"{given_up} Kept: `runapi-tui resume` carries on." if given_up else ""
        print(task_line(task, hint), flush=True)


def _errors(errors: dict[str, str]) -> str:
    return "\n".join(f"{name}: {problem}" for name, problem in errors.items())


class _Progress:
    """One line on stderr that says how far things are; nothing where stderr is no terminal."""

    def __init__(self) -> None:
        self._tty = sys.stderr.isatty()
        self._tasks: dict[str, Task] = {}

    def follow(self, tasks: list["Task"]) -> None:
        self._tasks = {task.id: task for task in tasks}

    def changed(self, task: "Task") -> None:
        if self._tty and task.id in self._tasks:
            self._tasks[task.id] = task
            self.clear()
            sys.stderr.write(self._line()[:79])
            sys.stderr.flush()

    def clear(self) -> None:
        if self._tty:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _line(self) -> str:
        counts: dict[str, int] = {}
        for task in self._tasks.values():
            counts[str(task.status)] = counts.get(str(task.status), 0) + 1
        notes: Iterator[str] = (task.note for task in self._tasks.values() if task.note and task.live)
        return " · ".join([*(f"{count} {status}" for status, count in counts.items()), *notes])
