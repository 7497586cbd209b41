"""Formats tasks, recipes, models and sums as JSON (a contract) and as text."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tui.catalog.extra import EXTRA, extra_of, short_mark, unchecked_names
from tui.catalog.spec import Model, Param, Route
from tui.cli.columns import Rows, table
from tui.service.inline_pictures import is_inline
from tui.text import dollars, inert, inert_json, one_line

if TYPE_CHECKING:
    from tui.images.recipes import Recipe
    from tui.tasks.ledger import CostSum
    from tui.tasks.task import Problem, Task


def usd(micro: int | None) -> float | None:
    """Return micro-dollars as dollars; None for an unknown sum."""
    return None if micro is None else micro / 1_000_000


def task_json(task: "Task", problem: "Problem | None" = None) -> str:
    """Return a task as one line of JSON, as documented.

    `problem` is why it was left unfinished, where the task itself has no error.
    """
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
            "params": task.values,
            "not_checked": unchecked_names(task.values) or None,
            "files": list(task.files),
            "ratings": [result.rating for result in task.results if result.path],
            "favourite": task.favourite,
            "tags": list(task.tags),
            "job": task.job or None,
            "retry_of": task.retry_of or None,
            "after": task.after or None,
            "cost_usd": usd(task.cost_micro),
            "error": error,
            "created_at": iso_time(task.created_at),
            "finished_at": iso_time(task.finished_at) if task.finished_at else None,
            "profile": task.profile or None,
            "imported": task.imported or task.adopted,
        }
    )


def task_line(task: "Task", note: str = "") -> str:
    """Return a task as one line for people.

    Its end shows the files, and the error; else `note`, the task's own note or the
    prompt.
    """
    reason = task.error.message if task.error else note or task.note
    files = " ".join(map(inert, task.files))
    detail = files or one_line(reason, 2000) or one_line(task.prompt, 60)
    if files and task.error:
        detail = f"{files}  {one_line(task.error.message, 2000)}"
    if task.imported or task.adopted:
        detail = f"{detail}  imported".lstrip()
    cost = "-" if task.cost_micro is None else dollars(task.cost_micro)
    model = one_line(task.model, 80)
    mark = short_mark(task.values)
    if mark:
        detail = f"{one_line(mark, 40)}  {detail}"
    return f"{task.status:<10}  {task.id}  {model}  {cost}  {detail}"


def task_facts(task: "Task", events: Iterable[tuple[float, str, str]] = ()) -> str:
    """Return everything about a task for people; `events` are appended as a log."""
    status = str(task.status)
    if task.word and task.word != task.status:
        status = f"{task.status} ({task.word})"
    cost = f"{dollars(task.estimate_micro)} estimated"
    if task.cost_micro is not None:
        cost = dollars(task.cost_micro)
    saved = [result for result in task.results if result.path]
    remote = [result for result in task.results if not result.path]
    return table(
        [
            ("id", task.id),
            ("task id", task.remote_id or "none yet"),
            ("status", status),
            ("model", f"{task.model} ({task.action}, {task.route} route)"),
            ("profile", task.profile),
            ("imported", _origin(task)),
            *_values(task.values),
            ("rated", ", ".join(_rated(result.rating) for result in saved)),
            ("tags", ", ".join(task.tags)),
            ("cost", cost),
            ("created", iso_time(task.created_at)),
            ("finished", iso_time(task.finished_at) if task.finished_at else ""),
            *((result.label or "file", result.path) for result in saved),
            *(("url", result.url) for result in remote if not is_inline(result.url)),
            ("note", task.error.message if task.error else task.note),
            ("sent again as", task.successor),
            *((iso_time(at)[11:23], f"{event}  {raw}") for at, event, raw in events),
        ]
    )


def _origin(task: "Task") -> str:
    """Return where an imported task is from, or ""."""
    if task.adopted:
        return "made elsewhere: its request is not known here"
    return "from a file" if task.imported else ""


def _values(values: Mapping[str, object]) -> Rows:
    """Yield names and values, texts as they are and all else as JSON."""
    extra = extra_of(values)
    for name, value in values.items():
        if name != EXTRA and extra.get(name) is None:
            yield name, value if isinstance(value, str) else inert_json(value)
    if EXTRA in values:
        yield EXTRA, inert_json(extra)
        yield "not checked", ", ".join(unchecked_names(values))


def _rated(rating: int) -> str:
    return "rejected" if rating < 0 else str(rating)


def recipe_json(recipe: "Recipe") -> str:
    """Return an image's recipe as one line of JSON, as documented."""
    return inert_json(
        {name: getattr(recipe, name) for name in recipe.__struct_fields__}
    )


def recipe_facts(recipe: "Recipe") -> str:
    """Return an image's recipe for people."""
    model = f"{recipe.model} ({recipe.action})" if recipe.action else recipe.model
    return table(
        [
            ("written by", recipe.source),
            ("model", model),
            *_values(recipe.values),
            *recipe.other.items(),
            ("note", recipe.note),
        ]
    )


def model_json(model: Model) -> dict[str, Any]:
    """Return a model as `models --json` lists it."""
    routes = {name: _route_json(route) for name, route in model.routes.items()}
    return {
        "family": model.family,
        "provider": model.provider,
        "service": model.service,
        "action": model.action,
        "model": model.slug,
        "listing": model.listing,
        "described": model.described,
        "routes": routes,
        "price": _price_json(model),
    }


def _price_json(model: Model) -> dict[str, Any]:
    price = model.price
    if price is None:
        return {}
    found: dict[str, Any] = {"cents": price.cents, "as_of": price.as_of}
    if price.by:
        found |= {"by": price.by, "cases": price.cases}
    return found


def _route_json(route: Route) -> dict[str, Any]:
    return {"params": {param.name: _param_json(param) for param in route.params}}


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
    return {name: _whole(value) for name, value in facts.items() if value is not None}


def _whole(value: object) -> object:
    """Return a float without a fraction as an int; anything else as it is."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def total_json(total: "CostSum") -> dict[str, Any]:
    """Return a sum as JSON; `usd` is null where no price in it is known."""
    is_known = total.tasks == 0 or total.tasks > total.unknown
    found = {
        "tasks": total.tasks,
        "usd": usd(total.micro) if is_known else None,
        "estimated_usd": usd(total.estimated),
        "unknown": total.unknown,
    }
    if total.imported:
        found["imported_usd"] = usd(total.imported)
    return found


def iso_time(seconds: float) -> str:
    """Return a time in seconds since the epoch as 2026-11-21T02:24:12.950Z."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
