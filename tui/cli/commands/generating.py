"""`generate`, `resume`, `rescue`: commands that follow tasks to their end."""

import errno
import sys
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from tui.cli.commands.common import (
    find_model,
    open_store,
    prepare_session,
    require_key,
    warn_of,
)
from tui.cli.commands.options import (
    REQUEST_OPTIONS,
    PromptFile,
    common_options,
    json_lines_option,
    over_budget_option,
    request_options,
    timeout_option,
)
from tui.cli.exit_codes import ExitError
from tui.text import one_line

if TYPE_CHECKING:
    from tui.catalog.spec import Model, Values
    from tui.session import Session


@click.command()
@click.argument("model", required=False, default="")
@click.argument("words", required=False, metavar="[PROMPT]")
@click.option(
    "--preset",
    metavar="NAME",
    help="Use a saved model and values; then no MODEL is named.",
)
@click.option(
    "-p",
    "--prompt",
    metavar="TEXT",
    help="The prompt; - reads one prompt per line from stdin.",
)
@click.option(
    "-f",
    "--file",
    "prompts",
    type=PromptFile(),
    help="A file with one prompt per line; - reads stdin.",
)
@click.option(
    "--input",
    "body",
    type=PromptFile(),
    metavar="FILE",
    help="A JSON object of parameters, as a file; - reads stdin.",
)
@click.option(
    "--allow-files",
    is_flag=True,
    help="Let --input name files to upload, and callbacks.",
)
@click.option(
    "--key",
    metavar="KEY",
    help="An Idempotency-Key of yours: the same call again is the same task.",
)
@request_options
@click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="ID[:N]",
    help="Work from a task's image, its first or Nth; can be repeated.",
)
@click.option(
    "--after",
    metavar="ID",
    help="Work from the image of a task that is not done yet: wait for it.",
)
@click.option(
    "--probe",
    is_flag=True,
    help="Send the cheapest of several; `resume` sends the others, once you say so.",
)
@click.option(
    "--no-wait",
    is_flag=True,
    help="Add to the queue and return; the app or `resume` sends the tasks.",
)
@json_lines_option
@click.option("--out", "output", metavar="DIR", help="Folder for the images.")
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1000),
    help="How many tasks may be at the service at once.",
)
@over_budget_option
@timeout_option
@common_options
def generate(
    model: str,
    words: str | None,
    prompt: str | None,
    prompts: Any,
    preset: str | None,
    **options: Any,
) -> None:
    """Submit prompts, wait, and save the images.

    Prints one line per finished task.
    """
    from tui.catalog.extra import with_values
    from tui.cli import request_body
    from tui.cli.generate import Submission
    from tui.cli.generate import generate as run
    from tui.cli.requests import RequestOptions, awaited_task, source_files

    body, allow_files = options.pop("body"), options.pop("allow_files")
    if _is_stdin(body) and (_is_stdin(prompts) or "-" in (words, prompt)):
        raise click.UsageError("Only one of them can read stdin.")
    given = _read_body(body)
    for_model = request_body.take_model(given)
    if preset:
        if words or options["service"]:
            raise click.UsageError("A preset has its model: name none.")
        model, words = "", model or None
    elif not (model or for_model):
        raise click.UsageError("Missing argument 'MODEL'.")
    if (words and prompt) or (prompts and "-" in (words, prompt)):
        raise click.UsageError("The prompt is given twice.")
    prompt = words or prompt
    if prompt == "-":
        prompt = None
        prompts = PromptFile().convert("-", None, click.get_current_context())
    action = options.pop("action")
    submission = Submission(
        as_json=options.pop("as_json"),
        wait=not options.pop("no_wait"),
        over_budget=options.pop("over_budget"),
        probe=options.pop("probe"),
        key=options.pop("key"),
    )
    wanted = {name: options.pop(name) for name in REQUEST_OPTIONS}
    service = options.pop("service")
    sources = options.pop("sources")
    after = options.pop("after")
    if sources and after:
        raise click.UsageError("Give --source or --after, not both.")
    session = prepare_session(options)
    if sources:
        wanted["sources"] = source_files(open_store(session), sources)
    if after:
        wanted["after"] = awaited_task(open_store(session), after)
    if preset:
        chosen, wanted["preset"] = _find_preset(session, preset)
        warn_of(chosen)
    else:
        chosen = find_model(session.catalog, model or for_model, action, service)
    if model or preset:
        request_body.check_model(for_model, chosen, session.catalog)
    given = request_body.placed(chosen, given, unchecked=wanted["unchecked"])
    request_body.check_reach(chosen, given, allowed=allow_files)
    wanted["preset"] = with_values(wanted.get("preset", {}), given)
    asked = RequestOptions(**wanted)
    require_key(session)
    texts = chain(
        [prompt] if prompt or not prompts else [],
        _read_prompts(prompts) if prompts else [],
    )
    sys.exit(run(session, chosen, texts, asked, submission))


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@json_lines_option
@over_budget_option
@timeout_option
@common_options
def resume(
    ids: tuple[str, ...], as_json: bool, over_budget: bool, **options: Any
) -> None:
    """Follow unfinished tasks to their end.

    Follows all of them, or the named tasks and jobs. A paused queue continues. Tasks
    that were set aside unsent are sent now; how many and for how much is printed first.
    A task that was stopped or imported, or that may have been made more than a day ago,
    is only resumed when it is named. The exit code is 0 only when nothing is left
    unfinished.
    """
    from tui.cli.resume import resume as run

    session = prepare_session(options)
    require_key(session)
    sys.exit(run(session, ids, as_json=as_json, over_budget=over_budget))


@click.command()
@json_lines_option
@common_options
def rescue(as_json: bool, **options: Any) -> None:
    """Fetch images that are paid and not saved; free.

    The service keeps images for seven days.
    """
    from tui.cli.rescue import rescue as run

    session = prepare_session(options)
    require_key(session)
    sys.exit(run(session, as_json=as_json))


def _find_preset(session: "Session", name: str) -> "tuple[Model, Values]":
    """Return the model and values of a preset. Raises ExitError."""
    from tui.settings.presets import PresetProblem, Presets

    try:
        preset = Presets(session.folders.config).read(name)
        return preset.find_model(session.catalog), preset.values
    except PresetProblem as problem:
        raise ExitError(str(problem)) from problem


def _is_stdin(file: Any) -> bool:
    """Return whether an opened file is standard input."""
    return file is not None and getattr(file, "name", "") in ("<stdin>", 0)


def _read_body(file: Any) -> "Values":
    """Return the parameters of --input. Raises ExitError and UsageError."""
    from tui.cli import request_body

    if file is None:
        return {}
    try:
        return request_body.read(file)
    except OSError as error:
        reason = one_line(error.strerror or error)
        raise ExitError(f"--input can't be read: {reason}.") from error


def _read_prompts(file: Any) -> Iterator[str]:
    from tui.catalog import prompt_file

    try:
        yield from prompt_file.read(file)
    except prompt_file.PromptFileError as error:
        raise ExitError(
            f"What should be prompts {error}. Nothing was submitted."
        ) from error
    except (OSError, ValueError) as error:  # a closed stream is a ValueError
        reason = one_line(error).rstrip(".")
        if isinstance(error, ValueError) or error.errno == errno.EBADF:
            reason = "stdin is closed"
        raise ExitError(
            f"The prompts can't be read: {reason}. Nothing was submitted."
        ) from error


COMMANDS = (generate, resume, rescue)
