"""The command line: opens the app or runs one headless command. Imports nothing heavy
before it must.
"""

import errno
import functools
import gc
import json
import os
import sys
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

import click

from tui import __version__
from tui.catalog.load import Catalog, CatalogError, UnknownModel, bundled, load_family
from tui.catalog.price import estimate
from tui.catalog.spec import Model
from tui.paths import PlaceError
from tui.settings.config import ConfigError, ImagesChoice
from tui.settings.credentials import CredentialError
from tui.system import streams
from tui.text import counted, money, one_line, plain

_STATUSES = (
    *("held", "submitting", "pending", "processing", "fetching"),
    *("completed", "failed", "expired", "rejected", "dropped"),
)
_PRIVATE = 0o600
"""Permissions of an export: it has every prompt and what each has cost."""
F = TypeVar("F", bound=Callable[..., Any])

_COMMON = [
    click.option(
        "--base-url",
        default=None,
        metavar="URL",
        help="Where RunAPI is. Default: https://runapi.ai",
    ),
    click.option(
        "--profile",
        metavar="NAME",
        help="One of the profiles in config.toml; none for no one.",
    ),
    click.option(
        "--demo",
        is_flag=True,
        default=None,
        help="The embedded service: no key, no network, no cost.",
    ),
    click.option(
        "--api",
        type=click.Choice(["auto", "unified", "service"]),
        help="Which of RunAPI's routes to take.",
    ),
    click.option(
        "--images",
        type=click.Choice(get_args(ImagesChoice)),
        help="How images are drawn.",
    ),
]


_REQUEST = [
    click.option(
        "-s",
        "--set",
        "settings",
        multiple=True,
        metavar="NAME=VALUE",
        help="A parameter; repeat for more.",
    ),
    click.option(
        "-n",
        "--count",
        type=click.IntRange(1, 1000),
        default=1,
        help="How many of each.",
    ),
    click.option(
        "--vary",
        multiple=True,
        metavar="NAME=VALUES",
        help="A matrix: a|b|c, 1..9, or * for every choice.",
    ),
    click.option(
        "--expand", is_flag=True, help="Take {a|b} in prompts for alternatives."
    ),
    click.option("--action", help="Where a model has more than one."),
]


def common(command: F) -> F:
    """The options that every command takes, before or after its name."""
    return _with(_COMMON, command)


def request_options(command: F) -> F:
    """The options that say what is asked of a model, beside the prompt."""
    return _with(_REQUEST, command)


_OVER_BUDGET = click.option(
    "--over-budget", is_flag=True, help="Submit even past job_usd or day_usd."
)
_TIMEOUT = click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="How long a task may take at the service before it is set aside.",
)
_SELECTION = [
    click.argument("ids", nargs=-1, metavar="[ID]..."),
    click.option("--search", default="", help="What `tasks --search` finds."),
    click.option(
        "--all",
        "everything",
        is_flag=True,
        help="All of the queue that this applies to.",
    ),
    click.option("--json", "as_json", is_flag=True, help="One JSON object per line."),
]


def _selection(command: F) -> F:
    """The words that say which tasks a command is for: `selected` holds them."""

    @functools.wraps(command)
    def gathered(**options: Any) -> Any:
        selected = {name: options.pop(name) for name in ("ids", "search", "everything")}
        return command(selected=selected, **options)

    return _with(_SELECTION, cast(F, gathered))


def _with(options: list[Callable[[Any], Any]], command: F) -> F:
    for option in reversed(options):
        command = option(command)
    return command


class _Exit(click.ClickException):
    """An end with a sentence on stderr and a code that scripts can rely on."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(plain(message))
        self.code = code

    def show(self, file: Any = None) -> None:
        click.echo(self.format_message(), err=True)


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(
    __version__, prog_name="runapi-tui", message="%(prog)s %(version)s"
)
@common
@click.pass_context
def cli(context: click.Context, /, **options: Any) -> None:
    """Generate images through RunAPI, in the terminal. Without a command: opens the
    app.
    """
    context.obj = options
    if context.invoked_subcommand is None:
        _open_app(options)


def _open_app(options: dict[str, Any]) -> None:
    # stdout too: images are written there.
    if not all(
        stream is not None and stream.isatty()
        for stream in (sys.stdin, sys.stdout, sys.__stderr__)
    ):
        raise _Exit(
            "The app needs a terminal; `runapi-tui generate --help` shows how to do"
            " without one.",
            4,
        )
    session = _session(options)
    # Until the first page stands: start-up makes objects that stay, and little garbage
    gc.disable()
    from tui.graphics.probe import probe

    terminal = probe(
        session.config.images,
        budget=session.config.image_bytes,
        cache=session.folders.cache,
    )
    if terminal.truecolor:
        # What the terminal itself says counts: ssh never forwards COLORTERM, and xterm
        # takes it away.
        os.environ.setdefault("TEXTUAL_COLOR_SYSTEM", "truecolor")
    from tui.app import RunApp

    app = RunApp(session, terminal)
    app.run()
    if app.farewell:
        _say_farewell(app.farewell)
    sys.exit(app.return_code or 0)


def _say_farewell(sentence: str) -> None:
    """On a terminal that is still there."""
    try:
        click.echo(sentence)
    except OSError:
        # It has gone; what wasn't written must not be tried once more when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _session(options: dict[str, Any], **more: Any) -> Any:
    from tui.session import prepare

    outer = click.get_current_context().find_root().obj or {}
    merged = (
        outer
        | {name: value for name, value in options.items() if value is not None}
        | more
    )
    return prepare(
        base_url=merged.get("base_url") or "",
        demo=bool(merged.get("demo")),
        **{
            name: value
            for name, value in merged.items()
            if name not in ("base_url", "demo")
        },
    )


def _model(catalog: Catalog, slug: str, action: str | None) -> Model:
    try:
        return catalog.find(slug, action or "")
    except UnknownModel as error:
        raise _Exit(str(error), 4) from error


class _PromptFile(click.File):
    """A file of prompts, opened as bytes: what they mean is for `prompt_file`."""

    def __init__(self) -> None:
        super().__init__("rb")

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        try:
            return super().convert(value, param, ctx)
        except RuntimeError:
            self.fail("Nothing can be read from stdin: it is closed.", param, ctx)


@cli.command()
@click.argument("model")
@click.argument("words", required=False, metavar="[PROMPT]")
@click.option(
    "-p",
    "--prompt",
    metavar="TEXT",
    help="What to paint; - reads a prompt a line from stdin.",
)
@click.option(
    "-f",
    "--file",
    "prompts",
    type=_PromptFile(),
    help="A prompt a line; - reads stdin.",
)
@request_options
@click.option(
    "--no-wait",
    is_flag=True,
    help="Put into the queue and return; the app or `resume` carries on.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--out", "output", metavar="DIR", help="Folder for the images.")
@click.option("--concurrency", type=click.IntRange(1, 1000), help="How many at once.")
@_OVER_BUDGET
@_TIMEOUT
@common
def generate(
    model: str,
    words: str | None,
    prompt: str | None,
    prompts: Any,
    settings: tuple[str, ...],
    **options: Any,
) -> None:
    """Submit, wait and save; one line a finished task."""
    from tui.cli import run

    if (words and prompt) or (prompts and "-" in (words, prompt)):
        raise click.UsageError("The prompt is given twice.")
    prompt = words or prompt
    if prompt == "-":
        prompt, prompts = (
            None,
            _PromptFile().convert("-", None, click.get_current_context()),
        )
    action, no_wait, as_json = (
        options.pop("action"),
        options.pop("no_wait"),
        options.pop("as_json"),
    )
    over_budget = options.pop("over_budget")
    each = {name: options.pop(name) for name in ("vary", "count", "expand")}
    session = _session(options)
    chosen = _model(session.catalog, model, action)
    _need_key(session)
    texts = chain(
        [prompt] if prompt or not prompts else [], _lines(prompts) if prompts else []
    )
    sys.exit(
        run.generate(
            session,
            chosen,
            texts,
            settings,
            as_json=as_json,
            wait=not no_wait,
            over_budget=over_budget,
            **each,
        )
    )


@cli.command()
@click.argument("model")
@click.option("-p", "--prompt", metavar="TEXT", help="What to paint.")
@request_options
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@common
def quote(
    model: str,
    prompt: str | None,
    settings: tuple[str, ...],
    action: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """What `generate` with the same words would cost: asked live, free, nothing is
    made.
    """
    from tui.cli import money, run

    each = {name: options.pop(name) for name in ("vary", "count", "expand")}
    session = _session(options)
    chosen = _model(session.catalog, model, action)
    wanted = run.read_cells(session, chosen, settings, prompt, **each)
    sys.exit(money.quote(session, chosen, wanted, as_json=as_json))


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@common
def balance(as_json: bool, **options: Any) -> None:
    """What is left, and what was spent, by the service's word and by our own books."""
    from tui.cli import money

    session = _session(options)
    _need_key(session)
    sys.exit(money.balance(session, as_json=as_json))


@cli.command()
@click.option(
    "--by", type=click.Choice(["model", "day"]), default="model", show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@common
def spent(by: str, as_json: bool, **options: Any) -> None:
    """What was spent by our own books, a line a model, or a line a day of the last 30."""
    from tui.cli import money

    session = _session(options)
    store = _store(options)
    money.spent(store.books(session.credential.base_url), by, as_json=as_json)
    _tell_notices(store)


@cli.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@_OVER_BUDGET
@_TIMEOUT
@common
def resume(
    ids: tuple[str, ...], as_json: bool, over_budget: bool, **options: Any
) -> None:
    """Follow unfinished tasks to their end: all, or the named tasks and jobs. A paused
    queue goes on.

    What was set aside unsent is sent now; how many and for how much is said first. A
    task that was stopped or imported, or that may have been made more than a day ago,
    is only taken up when it is named. The code is 0 only when nothing is left
    unfinished.
    """
    from tui.cli import run

    session = _session(options)
    _need_key(session)
    sys.exit(run.resume(session, ids, as_json=as_json, over_budget=over_budget))


@cli.command()
@_selection
@common
def drop(as_json: bool, selected: dict[str, Any], **options: Any) -> None:
    """Take back tasks that were not sent, free of charge, whichever window or command
    has them.
    """
    from tui.cli import queue

    session = _session(options)
    sys.exit(queue.drop(session, queue.Selection(**selected), as_json=as_json))


@cli.command()
@common
def pause(**options: Any) -> None:
    """Send nothing more, in any window or command, until `resume`; what was sent is
    carried on.
    """
    from tui.cli import queue

    sys.exit(queue.pause(_session(options)))


@cli.command()
@_selection
@common
def stop(as_json: bool, selected: dict[str, Any], **options: Any) -> None:
    """Stop watching sent tasks: they go on at the service, and are billed."""
    from tui.cli import queue

    session = _session(options)
    sys.exit(queue.stop(session, queue.Selection(**selected), as_json=as_json))


@cli.command()
@_selection
@click.option("--again", is_flag=True, help="Also those that were retried before.")
@_OVER_BUDGET
@_TIMEOUT
@common
def retry(
    as_json: bool,
    selected: dict[str, Any],
    again: bool,
    over_budget: bool,
    **options: Any,
) -> None:
    """Send failed tasks once more, as new paid ones; fetch what was made and not saved,
    for nothing.
    """
    from tui.cli import queue

    session = _session(options)
    _need_key(session)
    selection = queue.Selection(**selected)
    sys.exit(
        queue.retry(
            session, selection, as_json=as_json, again=again, over_budget=over_budget
        )
    )


@cli.command()
@_selection
@common
def delete(as_json: bool, selected: dict[str, Any], **options: Any) -> None:
    """Delete ended tasks; their files lie in .trash beside the images for a week."""
    from tui.cli import queue

    session = _session(options)
    sys.exit(queue.delete(session, queue.Selection(**selected), as_json=as_json))


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@common
def rescue(as_json: bool, **options: Any) -> None:
    """Fetch what was made and paid, is not saved, and can still be had; free of charge."""
    from tui.cli import run

    session = _session(options)
    _need_key(session)
    sys.exit(run.rescue(session, as_json=as_json))


@cli.command()
@click.option(
    "--status",
    default="",
    type=click.Choice(["", *_STATUSES]),
    help="Only those.",
    metavar="STATUS",
)
@click.option("--model", default="", help="Only those of a model.")
@click.option(
    "--search",
    default="",
    help="Only those: words, model:flux, status:failed, on:today, cost>0.05, …",
)
@click.option(
    "-n",
    "--count",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="How many.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@common
def tasks(
    status: str, model: str, search: str, count: int, as_json: bool, **options: Any
) -> None:
    """The queue, newest first."""
    from tui.cli import run

    store = _store(options)
    words = [
        search,
        *(
            f"{name}:{value}"
            for name, value in (("status", status), ("model", model))
            if value
        ),
    ]
    found = store.search(" ".join(words), count)
    _tell_notices(store)
    for task in found:
        click.echo(run.task_json(task) if as_json else run.task_line(task))


@cli.command()
@click.argument("task_id", metavar="ID")
@click.option(
    "--events",
    is_flag=True,
    help="Also what happened to it, and the server's own words.",
)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@click.option(
    "--as",
    "form",
    type=click.Choice(["curl", "httpx", "sdk", "cli"]),
    help="Its request, for use elsewhere.",
)
@common
def task(task_id: str, events: bool, as_json: bool, form: Any, **options: Any) -> None:
    """One task: by its id, a part of it, or RunAPI's own id."""
    from tui.cli import run

    store = _store(options)
    found = store.get(task_id)
    _tell_notices(store)
    if found is None:
        raise _Exit(
            f"There is no task {one_line(task_id, 80)} in the queue; `runapi-tui tasks`"
            " lists them.",
            4,
        )
    if form:
        from tui.exchange.snippets import of_task, written

        session = _session(options)
        click.echo(
            written(
                of_task(found, session.catalog, session.credential.base_url), form
            ).rstrip("\n")
        )
    elif as_json:
        click.echo(run.task_json(found))
    else:
        click.echo(run.task_facts(found, store.events(found.id) if events else []))


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@common
def recipe(file: Path, as_json: bool, **_options: Any) -> None:
    """What an image says that made it: its model, prompt and values."""
    from tui.cli import run
    from tui.images.files import ImageError
    from tui.images.metadata import read

    try:
        found = read(file)
    except ImageError as error:
        raise _Exit(str(error), 4) from error
    if found is None:
        raise _Exit(f"{one_line(file.name, 80)} doesn't say what made it.", 4)
    click.echo(run.recipe_json(found) if as_json else run.recipe_facts(found))


@cli.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@click.option(
    "--out",
    "folder",
    required=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="For the copies.",
)
@common
def strip(files: tuple[Path, ...], folder: Path, **_options: Any) -> None:
    """Copy images so that they tell nothing of how they were made; never over another
    file.
    """
    from tui.images.files import ImageError
    from tui.images.metadata import stripped

    problems = 0
    for file in files:
        try:
            click.echo(stripped(file, folder))
        except ImageError as error:
            click.echo(str(error), err=True)
            problems += 1
    sys.exit(4 if problems else 0)


@cli.command()
@click.argument(
    "file",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    default="-",
    metavar="[FILE]",
)
@click.option("--search", default="", help="Only those, as for `tasks`.")
@common
def export(file: Path, search: str, **options: Any) -> None:
    """All tasks with everything that is kept of them, newest first, a JSON object a
    line.
    """
    from tui.tasks.archive import dump

    store = _store(options)
    lines = dump(store, search)
    if str(file) == "-":
        stdout = click.open_file("-", "w", encoding="utf-8")
        for line in lines:
            click.echo(line, file=stdout)
    else:
        _export_to(file, lines)
    _tell_notices(store)


def _export_to(file: Path, lines: Iterator[str]) -> None:
    """All of the lines in that file, or what was there before."""
    from tui.system import atomic_file

    try:
        with atomic_file.writing(file, _PRIVATE) as out:
            for line in lines:
                out.write(f"{line}\n".encode())
    except BrokenPipeError:
        raise
    except OSError as error:
        unusable = isinstance(
            error, FileNotFoundError | NotADirectoryError | PermissionError
        )
        there = (
            " What was there is unchanged."
            if file.is_file() and not atomic_file.is_stream(file)
            else ""
        )
        reason = (error.strerror or "unknown reason").lower()
        told = (
            f"{one_line(file)} can't be written: {reason}. The tasks are in the queue"
            f" as before.{there}"
        )
        raise _Exit(told, 4 if unusable else 1) from error


@cli.command("import")
@click.argument(
    "file", type=click.File("r", encoding="utf-8-sig", errors="surrogateescape")
)
@common
def import_(file: Any, **options: Any) -> None:
    """Take in tasks of an export; known ones stay, unfinished ones wait until they are
    resumed by id.
    """
    from tui.tasks.archive import lines_of, load
    from tui.tasks.store import Store

    folders = _session(options).folders
    store = Store(folders.queue)
    _tell_notices(store)
    try:
        taken = load(
            store,
            lines_of(file),
            folders.output,
            lambda told: click.echo(told, err=True),
        )
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        again = "Import it again once it can be: what was taken already stays as it is."
        raise _Exit(
            f"The file can't be read to its end: {reason}. {again}", 4
        ) from error
    click.echo(f"{counted(taken.new, 'new task')}.")
    if taken.refused:
        raise _Exit(
            f"{counted(taken.refused, 'line')} refused: no tasks of an export. The"
            " others were taken.",
            4,
        )


def _store(options: dict[str, Any]) -> Any:
    from tui.tasks.store import Store

    return Store(_session(options).folders.queue)


def _tell_notices(store: Any) -> None:
    for notice in store.notices:
        click.echo(notice, err=True)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON array.")
@click.option(
    "--check",
    type=click.Path(path_type=Path),
    help="Say whether a family file of your own can be used.",
)
@common
def models(as_json: bool, check: Path | None, **options: Any) -> None:
    """The catalog."""
    if check:
        _check_family(check)
        return
    session = _session(options)
    catalog = session.catalog
    for problem in session.problems:
        click.echo(problem, err=True)
    if as_json:
        from tui.cli.run import model_json

        click.echo(
            json.dumps(
                [model_json(model) for model in catalog.models],
                ensure_ascii=False,
                indent=1,
            )
        )
        return
    for family in catalog.families:
        click.echo(f"{family.name} · {family.provider}")
        for model in family.models:
            price = money(estimate(model, {}).micro)
            left_out = "" if model.listed else " (no longer listed)"
            click.echo(
                f"  {model.slug:<34} {price:>6}  {model.action:<17}"
                f" {model.about}{left_out}"
            )


@cli.command()
@click.argument("model")
@click.option("--action", help="Where a model has more than one.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@common
def model(model: str, action: str | None, as_json: bool, **options: Any) -> None:
    """One model and its parameters."""
    found = _model(_session(options).catalog, model, action)
    if as_json:
        from tui.cli.run import model_json

        click.echo(json.dumps(model_json(found), ensure_ascii=False, indent=1))
        return
    click.echo(
        f"{found.title} · {found.provider} · {found.action} · {estimate(found, {})}"
    )
    for name, route in found.routes.items():
        click.echo(f"\n{name} route")
        for param in route.params:
            values = " ".join(map(str, param.enum))
            default = "" if param.default is None else f" (default {param.default})"
            mark = "*" if param.required else " "
            click.echo(
                f" {mark}{param.name:<24} {param.kind:<9}"
                f" {one_line(param.help)}{default}"
            )
            if values:
                click.echo(f"{'':>37}{values}")


@cli.command("demo-server")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="0 takes a free one."
)
@click.option(
    "--delay",
    type=click.FloatRange(0, 3600),
    default=4.0,
    show_default=True,
    help="Seconds a task takes.",
)
@click.option(
    "--routes",
    type=click.Choice(["both", "unified", "service"]),
    default="both",
    show_default=True,
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that keeps its tasks.",
)
@common
def demo_server(
    port: int, delay: float, routes: Any, state: Path | None, **_options: Any
) -> None:
    """The embedded service on loopback. Its first line of output says where it is, as
    JSON.
    """
    from tui.demo import DEMO_KEY
    from tui.demo.server import ServeError, serve
    from tui.demo.service import create_app

    try:
        file = state / "service.db" if state else None
        serve(
            create_app(bundled(), delay=delay, routes=routes, file=file),
            api_key=DEMO_KEY,
            port=port,
        )
    except ServeError as error:
        raise _Exit(str(error), 1) from error


@cli.command()
@click.option(
    "--card", "as_card", is_flag=True, help="A test card, in each way of drawing."
)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@common
def doctor(as_card: bool, as_json: bool, **options: Any) -> None:
    """What was found: key, base URL, route, folders, terminal, versions."""
    from tui.cli.doctor import card, findings, lines

    session = _session(options)
    if as_card:
        from tui.graphics.probe import probe

        if not sys.stdout.isatty():
            raise _Exit("The card needs a terminal.", 4)
        click.echo(
            card(probe(session.config.images, budget=session.config.image_bytes))
        )
        return
    found = findings(session)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=1))
        return
    for line in lines(found):
        click.echo(line)


@cli.command()
@click.argument("name", type=click.Choice(["openclaw", "hermes", "claude", "codex"]))
@click.option(
    "--install",
    is_flag=True,
    help="Put it where that agent looks; one that was changed is kept.",
)
@common
def agent(name: str, install: bool, **_options: Any) -> None:
    """The skill file that teaches an agent these commands."""
    from tui.cli import skills

    try:
        click.echo(skills.install(name) if install else skills.text(name), nl=install)
    except skills.SkillError as error:
        raise _Exit(str(error), 4) from error


def _check_family(path: Path) -> None:
    try:
        family = load_family(path)
    except CatalogError as error:
        raise _Exit(str(error), 4) from error
    click.echo(f"{path}: {family.name}, {len(family.models)} models, can be used.")


def _lines(file: Any) -> Iterator[str]:
    from tui.catalog import prompt_file

    try:
        yield from prompt_file.read(file)
    except prompt_file.PromptFileError as error:
        raise _Exit(
            f"What should be prompts {error}. Nothing was submitted.", 4
        ) from error
    except (OSError, ValueError) as error:  # a closed stream is a ValueError
        closed = isinstance(error, ValueError) or error.errno == errno.EBADF
        reason = "stdin is closed" if closed else one_line(error).rstrip(".")
        raise _Exit(
            f"The prompts can't be read: {reason}. Nothing was submitted.", 4
        ) from error


def _need_key(session: Any) -> None:
    if not session.credential.api_key:
        sentence = (
            "No API key was found. Set RUNAPI_API_KEY, or run `runapi-tui` and paste"
            " one; --demo needs none."
        )
        raise _Exit("\n".join((sentence, *session.credential.notes)), 2)


def main() -> None:
    """The console script. Whatever happens, the user gets a sentence and a code, never
    a traceback.
    """
    streams.prepare()
    sys.argv[1:] = [_as_utf8(word) for word in sys.argv[1:]]
    code = _ended(lambda: cli(standalone_mode=False) or 0)
    # What is still to be written may fail as well.
    sys.exit(_ended(streams.finish) or code)


def _as_utf8(word: str) -> str:
    """An argument as it was typed, where the locale is ASCII; a file's name of other
    bytes stays as it is.
    """
    try:
        return word.encode(errors="surrogateescape").decode()
    except UnicodeError:
        return word


def _ended(work: Callable[[], int | None]) -> int:
    """Do it; the exit code of what that came to."""
    try:
        return work() or 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.Abort:
        return 130
    except click.UsageError as error:
        click.UsageError(plain(error.format_message()), error.ctx).show()
        return 4
    except _Exit as error:
        error.show()
        return error.code
    except click.ClickException as error:  # a file that can't be opened
        click.echo(plain(error.format_message()), err=True)
        return 4
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; nothing is left to say.
        streams.give_up_stdout()
        return 0
    except streams.OutputError as error:
        streams.give_up_stdout()
        click.echo(
            f"{error} Tasks in the queue are kept: `runapi-tui tasks` lists them.",
            err=True,
        )
        return 1
    except Exception as error:
        return _explain(error)


def _explain(error: Exception) -> int:
    """Say on stderr what went wrong; the exit code for it."""
    from tui.cli.run import INTERRUPTED, Stopped, UsageError
    from tui.tasks.store_errors import StoreError

    if isinstance(error, OSError):
        # The system's word on a file, a full disk, a missing folder.
        place = f"{one_line(error.filename)}: " if error.filename else ""
        click.echo(
            f"{place}{one_line(error.strerror or error)}. Tasks in the queue are kept.",
            err=True,
        )
        return 1
    click.echo(plain(error) or type(error).__name__, err=True)
    if isinstance(error, Stopped):
        return INTERRUPTED
    if isinstance(error, UsageError | ConfigError | CredentialError | PlaceError):
        return 4
    if not isinstance(error, StoreError | CatalogError):
        click.echo(
            "This is an error in runapi-tui itself. Tasks in the queue are kept.",
            err=True,
        )
        if os.environ.get("RUNAPI_TUI_DEBUG"):
            raise error
    return 1
