"""Commands that list the tasks of the queue, or change what happens to them."""

import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from tui.cli.commands.common import (
    open_store,
    prepare_session,
    print_notices,
    require_key,
)
from tui.cli.commands.options import (
    common_options,
    json_lines_option,
    json_object_option,
    over_budget_option,
    selection_options,
    timeout_option,
)
from tui.cli.exit_codes import ExitError
from tui.system.streams import print_message, print_result
from tui.text import one_line

if TYPE_CHECKING:
    from tui.session import Session
    from tui.tasks.task import Task

_STATUSES = (
    *("held", "submitting", "pending", "processing", "fetching"),
    *("completed", "failed", "expired", "rejected", "dropped"),
)


@click.command()
@selection_options
@common_options
def drop(as_json: bool, selected: dict[str, Any], **options: Any) -> None:
    """Take back unsent tasks, free of charge.

    It doesn't matter which window or command added them.
    """
    from tui.cli import queue

    session = prepare_session(options)
    sys.exit(queue.drop(session, queue.Selection(**selected), as_json=as_json))


@click.command()
@common_options
def pause(**options: Any) -> None:
    """Send nothing more until `resume`, in any window or command.

    Tasks that were sent are still followed.
    """
    from tui.cli import queue

    sys.exit(queue.pause(prepare_session(options)))


@click.command()
@selection_options
@common_options
def stop(as_json: bool, selected: dict[str, Any], **options: Any) -> None:
    """Stop watching sent tasks.

    They continue at the service, and are billed.
    """
    from tui.cli import queue

    session = prepare_session(options)
    sys.exit(queue.stop(session, queue.Selection(**selected), as_json=as_json))


@click.command()
@selection_options
@click.option("--again", is_flag=True, help="Include tasks that were retried before.")
@over_budget_option
@timeout_option
@common_options
def retry(as_json: bool, selected: dict[str, Any], **options: Any) -> None:
    """Send failed tasks again, as new paid ones.

    Images that were made and not saved are fetched again for free.
    """
    from tui.cli import queue

    again = options.pop("again")
    over_budget = options.pop("over_budget")
    session = prepare_session(options)
    require_key(session)
    selection = queue.Selection(**selected)
    sys.exit(
        queue.retry(
            session, selection, as_json=as_json, again=again, over_budget=over_budget
        )
    )


@click.command()
@selection_options
@common_options
def delete(as_json: bool, selected: dict[str, Any], **options: Any) -> None:
    """Delete ended tasks and their files.

    What was saved stays in .trash beside the images for a week.
    """
    from tui.cli import queue

    session = prepare_session(options)
    sys.exit(queue.delete(session, queue.Selection(**selected), as_json=as_json))


@click.command()
@selection_options
@click.option("--stars", type=click.IntRange(0, 5), help="0 to 5; 0 for no rating.")
@click.option("--reject", is_flag=True, help="Mark as rejected.")
@click.option(
    "--picture",
    type=click.IntRange(1),
    metavar="N",
    help="Rate the Nth image of each task; by default all.",
)
@click.option("--tags", metavar="A,B", help="The tags it has from now on.")
@click.option("--favourite/--no-favourite", default=None, help="Mark as a favourite.")
@common_options
def rate(as_json: bool, selected: dict[str, Any], **options: Any) -> None:
    """Rate images, tag tasks, or mark favourites.

    `tasks --search` finds them by rated:>3, tag:cover, is:rejected, is:favourite.
    """
    from tui.cli import queue
    from tui.tasks.marks import read_tags
    from tui.tasks.task import REJECTED

    stars, reject = options.pop("stars"), options.pop("reject")
    tags, favourite = options.pop("tags"), options.pop("favourite")
    if reject and stars is not None:
        raise click.UsageError("Give --stars or --reject.")
    wanted = queue.Marks(
        rating=REJECTED if reject else stars,
        picture=options.pop("picture") or 0,
        tags=None if tags is None else read_tags(tags),
        favourite=favourite,
    )
    if wanted == queue.Marks(picture=wanted.picture):
        raise click.UsageError(
            "Say what to change: --stars, --reject, --tags or --favourite."
        )
    session = prepare_session(options)
    selection = queue.Selection(**selected)
    sys.exit(queue.rate(session, selection, wanted, as_json=as_json))


@click.command()
@click.option(
    "--status",
    default="",
    type=click.Choice(["", *_STATUSES]),
    help="Only tasks with this status.",
    metavar="STATUS",
)
@click.option("--model", default="", help="Only tasks of this model.")
@click.option(
    "--search",
    default="",
    help="Only matches: words, model:flux, status:failed, rated:>3, …; sort:cost sorts.",
)
@click.option(
    "--saved",
    metavar="NAME",
    help="Only matches of a search that was saved in the app.",
)
@click.option(
    "-n",
    "--count",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="How many at most.",
)
@json_lines_option
@common_options
def tasks(status: str, model: str, search: str, as_json: bool, **options: Any) -> None:
    """List tasks, newest first unless the search sorts them."""
    from tui.cli.output import task_json, task_line

    count = options.pop("count")
    saved = options.pop("saved")
    session = prepare_session(options)
    words = [_saved_search(session, saved), search] if saved else [search]
    store = open_store(session)
    if status:
        words.append(f"status:{status}")
    if model:
        words.append(f"model:{model}")
    found = store.search(" ".join(words), count)
    print_notices(store)
    for task in found:
        print_result(task_json(task) if as_json else task_line(task))


def _saved_search(session: "Session", name: str) -> str:
    """Return the line of a saved search. Raises ExitError."""
    from tui.settings.searches import SavedSearches, SearchProblem

    try:
        return SavedSearches(session.folders.config).find(name)
    except SearchProblem as problem:
        raise ExitError(str(problem)) from problem


def find_task(session: "Session", task_id: str) -> "Task":
    """Return the task of an id, of a part of one, or of RunAPI's own id.

    Raises ExitError.
    """
    store = open_store(session)
    found = store.get(task_id)
    print_notices(store)
    store.close()
    if found is None:
        raise ExitError(
            f"There is no task {one_line(task_id, 80)} in the queue; `runapi-tui tasks`"
            " lists them."
        )
    return found


@click.command()
@click.argument("task_id", metavar="ID")
@click.option(
    "--events",
    is_flag=True,
    help="Also its events, with the service's own answers.",
)
@json_object_option
@click.option(
    "--as",
    "form",
    type=click.Choice(["curl", "httpx", "sdk", "cli"]),
    help="Print its request, for use elsewhere.",
)
@click.option(
    "--adopt",
    is_flag=True,
    help="Follow a task that was made elsewhere, by RunAPI's id; needs --service"
    " and --action.",
)
@click.option("--service", metavar="NAME", help="For --adopt: such as flux_2.")
@click.option("--action", metavar="NAME", help="For --adopt: such as text_to_image.")
@click.option("--model", metavar="NAME", help="For --adopt: its model, if you know it.")
@click.option(
    "--no-wait",
    is_flag=True,
    help="For --adopt: return at once; the app or `resume` follows it.",
)
@common_options
def task(task_id: str, events: bool, as_json: bool, form: Any, **options: Any) -> None:
    """Show one task: by its id, a part of the id, or RunAPI's own id.

    With --adopt, it comes into the queue, is followed to its end, and never sent.
    """
    from tui.cli.output import task_facts, task_json

    adopted = {name: options.pop(name) for name in ("service", "action", "model")}
    adopts, waits = options.pop("adopt"), not options.pop("no_wait")
    if adopts:
        if events or form:
            raise click.UsageError("--adopt takes neither --events nor --as.")
        _adopt(task_id, adopted, options, as_json=as_json, wait=waits)
    if any(adopted.values()) or not waits:
        raise click.UsageError("These options are for --adopt.")
    session = prepare_session(options)
    found = find_task(session, task_id)
    if form:
        from tui.exchange.snippets import notes_beside, of_task, written
        from tui.tasks.models import RequestUnknownError

        try:
            request = of_task(found, session.catalog, session.credential.base_url)
        except RequestUnknownError as error:
            raise ExitError(str(error)) from error
        print_result(written(request, form).rstrip("\n"))
        for note in notes_beside(request, form):
            print_message(note)
    elif as_json:
        print_result(task_json(found))
    else:
        log = open_store(session).events(found.id) if events else []
        print_result(task_facts(found, log))


def _adopt(
    task_id: str,
    named: dict[str, str | None],
    options: dict[str, Any],
    *,
    as_json: bool,
    wait: bool,
) -> NoReturn:
    from tui.cli.adopt import Adopted, adopt, checked

    service, action = named["service"], named["action"]
    if not service or not action:
        raise click.UsageError("--adopt needs --service and --action.")
    session = prepare_session(options)
    asked = Adopted(task_id, service, action, named["model"] or "")
    wanted = checked(asked, session.catalog)
    require_key(session)
    sys.exit(adopt(session, wanted, as_json=as_json, wait=wait))


@click.command("open")
@click.argument("task_id", metavar="ID")
@click.option(
    "--picture",
    type=click.IntRange(1),
    default=1,
    metavar="N",
    help="The Nth image of the task; by default its first.",
)
@click.option("--folder", is_flag=True, help="Open the image's folder.")
@common_options
def open_(task_id: str, picture: int, folder: bool, **options: Any) -> None:
    """Open an image in another app, or print its path where there is none."""
    from tui.cli.queue import open_picture

    session = prepare_session(options)
    found = find_task(session, task_id)
    sys.exit(open_picture(session, found, picture - 1, folder=folder))


COMMANDS = (drop, pause, stop, retry, delete, rate, tasks, task, open_)
