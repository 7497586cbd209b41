"""From the words of a command line to checked requests."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tui.catalog import batch, request
from tui.catalog.extra import unchecked, with_values
from tui.catalog.route import Api, choose
from tui.catalog.sources import source_param, source_value
from tui.catalog.spec import Kind, Model, Values
from tui.catalog.typed_values import parse_settings
from tui.catalog.wildcards import Wildcards
from tui.cli.exit_codes import UsageError
from tui.session import Session
from tui.settings.prompt_files import PromptFiles
from tui.spending import ceilings
from tui.text import one_line

if TYPE_CHECKING:
    from tui.tasks.ceilings import Wanted
    from tui.tasks.engine import Engine
    from tui.tasks.ledger import CostSum
    from tui.tasks.store import Store
    from tui.tasks.task import Task


@dataclass(frozen=True)
class RequestOptions:
    """The options that describe requests, apart from the prompt."""

    settings: tuple[str, ...] = ()
    """`name=value` words."""
    vary: tuple[str, ...] = ()
    """`name=values` words of a matrix."""
    count: int = 1
    """How many requests of each kind."""
    expand: bool = False
    """Whether `{a|b}`, and a wildcard, in prompts stands for alternatives."""
    sources: tuple[str, ...] = ()
    """Image files that the requests work from."""
    after: str = ""
    """The id of the task whose picture they work from, once it is there."""
    unchecked: bool = False
    """Whether what only the catalog refuses is sent anyway."""
    preset: Values = field(default_factory=dict)
    """What holds where the other options say nothing."""


def read_requests(
    session: Session, model: Model, options: RequestOptions, prompt: str | None
) -> list[Values]:
    """Return the values of every request that the options ask for.

    Raises UsageError.
    """
    api = session.config.api
    try:
        _, values = parse_settings(
            model, options.settings, prompt, api, unchecked=options.unchecked
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
    values = with_values(request.inert_values(model, options.preset), values)
    if options.sources:
        values |= _sources(model, {**values}, options.sources, api)
    vary = dict(setting.partition("=")[::2] for setting in options.vary)
    route = model.routes[choose(model, {**values, **vary}, api)]
    variations = batch.Variations(
        vary=vary,
        count=options.count,
        braces=options.expand,
        wildcards=_wildcards(session, values, expand=options.expand),
    )
    try:
        expanded = batch.expand(model, route, values, variations)
    except batch.BatchError as error:
        raise UsageError(str(error)) from error
    if not options.unchecked:
        return expanded
    return [
        unchecked(values, request.refused_by_catalog(model, route, values))
        for values in expanded
    ]


def _sources(model: Model, values: Values, files: tuple[str, ...], api: Api) -> Values:
    """Return the value of the parameter that takes images to work from.

    Raises UsageError where the model takes none, or fewer.
    """
    route = model.routes[choose(model, values, api)]
    param = source_param(route)
    if param is None:
        raise UsageError(f"{model.slug} works from no image: leave out --source.")
    if len(files) > 1 and param.kind is not Kind.IMAGES:
        raise UsageError(f"{model.slug} takes one image: give --source once.")
    return {param.name: source_value(param, files)}


def source_files(store: "Store", names: Iterable[str]) -> tuple[str, ...]:
    """Return the saved images of tasks, each named by an id or as `ID:NUMBER`.

    Raises UsageError for a task that has no such image, or that was imported: those may
    name any file.
    """
    files: list[str] = []
    for name in names:
        task_id, _, number = name.partition(":")
        task = _source_task(store, task_id)
        if not number:
            found = task.files[:1]
        elif number.isdecimal() and 1 <= int(number) <= len(task.results):
            found = tuple(filter(None, (task.results[int(number) - 1].path,)))
        else:
            found = ()
        if not found:
            raise UsageError(f"{one_line(name, 80)} has no saved image.")
        files += found
    return tuple(files)


def awaited_task(store: "Store", name: str) -> str:
    """Return the id of a task that has a picture to work from, or may get one.

    Raises UsageError for any other.
    """
    from tui.tasks.task import LIVE

    task = _source_task(store, name)
    if task.live or task.has_own_files:
        return task.id
    if task.status in LIVE:
        raise UsageError(f"{task.id} is set aside: `resume {task.id}` continues it.")
    raise UsageError(f"{task.id} has ended without an image: retry it first.")


def _source_task(store: "Store", name: str) -> "Task":
    """Return the task of an id, whose images may be used.

    Raises UsageError for an unknown id, and for an imported task: that may name any
    file.
    """
    task = store.get(name)
    if task is None:
        raise UsageError(f"There is no task {one_line(name, 80)} in the queue.")
    if task.imported:
        raise UsageError(f"{task.id} was imported: give the file itself with -s.")
    return task


def _wildcards(session: Session, values: Values, *, expand: bool) -> Wildcards:
    """Return what the prompt's wildcards stand for.

    Raises UsageError where they would be sent as they are, although there are files for
    them.
    """
    files = PromptFiles(session.folders.config)
    wildcards = files.wildcards([values.get("prompt")])
    if wildcards.lines and not expand:
        name = next(iter(wildcards.lines))
        raise UsageError(
            f"The prompt names the wildcard __{name}__. Add --expand for a request of"
            f" each of its lines; with it, \\__{name}__ is the word itself."
        )
    return wildcards


def check_requests(session: Session, model: Model, wanted: list[Values]) -> None:
    """Raise UsageError for the first request that can't be sent."""
    for values in wanted:
        route = model.routes[choose(model, values, session.config.api)]
        errors = request.check(model, route, values)
        if errors:
            raise invalid_request(errors)


def invalid_request(errors: dict[str, str], hint: str = "") -> UsageError:
    """Return the error that lists what is wrong, one line per parameter, and a hint."""
    lines = [f"{name}: {problem}" for name, problem in errors.items()]
    return UsageError("\n".join([*lines, hint] if hint else lines))


async def check_ceilings(engine: "Engine", wanted: "list[Wanted]") -> None:
    """Raise UsageError where requests would pass a ceiling that the user has set."""
    if engine.ceilings and wanted:
        verdict = await engine.queue.judge(wanted, engine.ceilings)
        if verdict.passed:
            raise UsageError(ceilings.refusal(verdict))


async def expected_cost(engine: "Engine", wanted: "list[Wanted]") -> "CostSum":
    """Return what requests will cost, as far as the charges of their jobs show it."""
    from tui.tasks.ceilings import Ceilings

    # Charges are read only below a ceiling; this one is never reached.
    verdict = await engine.queue.judge(wanted, Ceilings(job=2**62))
    return verdict.cost
