"""`doctor`, `agent`, `demo-server`: commands about the installation."""

import sys
from pathlib import Path
from typing import Any

import click

from tui.catalog.load import Catalog, bundled, with_user_families
from tui.cli import skill_places
from tui.cli.commands.common import prepare_session
from tui.cli.commands.options import common_options, json_object_option
from tui.cli.exit_codes import OTHER_ERROR, ExitError
from tui.paths import PlaceError, config_dir
from tui.system.streams import print_drawing, print_json, print_message, print_result


@click.command()
@click.option(
    "--card",
    "as_card",
    is_flag=True,
    help="Draw a test card in each way that this terminal may support.",
)
@click.option(
    "--offline", is_flag=True, help="Ask the service nothing: not for the balance."
)
@json_object_option
@common_options
def doctor(as_card: bool, as_json: bool, offline: bool, **options: Any) -> None:
    """Find out what is wrong, and what to do about it.

    Prints what this installation found, then each check with its next step; asks the
    service whether it accepts the key. The exit code is that of the worst: 0, 8 for
    warnings, 1 for errors.
    """
    from tui.cli import checks
    from tui.cli import doctor as report

    session = prepare_session(options)
    if as_card:
        from tui.graphics.probe import probe

        if not sys.stdout.isatty():
            raise ExitError("The test card needs a terminal.")
        terminal = probe(session.config.images, budget=session.config.image_bytes)
        print_drawing(report.card(terminal))
        return
    facts = report.facts(session)
    findings = checks.run(session, offline=offline)
    if as_json:
        print_json(report.as_json(facts, findings), indent=1)
    else:
        for line in (*report.lines(facts), "", *report.finding_lines(findings)):
            print_result(line)
    sys.exit(report.exit_code(findings))


@click.command()
@click.argument("name", type=click.Choice(skill_places.AGENTS))
@click.option(
    "--install",
    is_flag=True,
    help="Write it where that agent reads it; a file that you changed is kept.",
)
@click.option(
    "--target-dir",
    "target",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write it to this folder of skills instead, such as .claude/skills.",
)
@common_options
def agent(name: str, install: bool, target: Path | None, **_options: Any) -> None:
    """Print the skill file that teaches an agent these commands.

    It is the same for all agents.
    """
    from tui.cli import skills

    try:
        if install or target:
            print_result(skills.install(name, target))
        else:
            print_result(skills.text().rstrip("\n"))
    except skills.SkillError as error:
        raise ExitError(str(error)) from error


@click.command("demo-server")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="0 chooses a free one."
)
@click.option(
    "--delay",
    type=click.FloatRange(0, 3600),
    default=4.0,
    show_default=True,
    help="Seconds that a task takes.",
)
@click.option(
    "--routes",
    type=click.Choice(["both", "unified", "service"]),
    default="both",
    show_default=True,
    help="Which of RunAPI's routes to serve.",
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that keeps its tasks between runs.",
)
@common_options
def demo_server(
    port: int, delay: float, routes: Any, state: Path | None, **_options: Any
) -> None:
    """Run the embedded service on this machine.

    It serves the models of the catalog and those of your own. Its first line of output
    is JSON that says where it listens.
    """
    from tui.demo import DEMO_KEY
    from tui.demo.server import ServeError, serve
    from tui.demo.service import create_app

    file = state / "service.db" if state else None
    try:
        app = create_app(_served_models(), delay=delay, routes=routes, file=file)
        serve(app, api_key=DEMO_KEY, port=port)
    except ServeError as error:
        raise ExitError(str(error), OTHER_ERROR) from error


def _served_models() -> Catalog:
    """Return the catalog with the user's own models; says which can't be used."""
    try:
        folder = config_dir()
    except PlaceError:  # it needs no home folder otherwise
        return bundled()
    catalog, problems = with_user_families(folder / "models")
    for problem in problems:
        print_message(problem)
    return catalog


COMMANDS = (doctor, agent, demo_server)
