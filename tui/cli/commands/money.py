"""`quote`, `balance`, `spent`."""

import sys
from typing import Any

import click

from tui.cli.commands.common import (
    find_model,
    open_store,
    prepare_session,
    print_notices,
    require_key,
)
from tui.cli.commands.options import (
    REQUEST_OPTIONS,
    common_options,
    json_lines_option,
    json_object_option,
    request_options,
)


@click.command()
@click.argument("model")
@click.option("-p", "--prompt", metavar="TEXT", help="The prompt.")
@request_options
@json_object_option
@common_options
def quote(
    model: str, prompt: str | None, action: str | None, as_json: bool, **options: Any
) -> None:
    """Show what `generate` with the same options would cost.

    Free: the service is asked for its price, and nothing is made.
    """
    from tui.cli import money
    from tui.cli.requests import RequestOptions, read_requests

    asked = RequestOptions(**{name: options.pop(name) for name in REQUEST_OPTIONS})
    service = options.pop("service")
    session = prepare_session(options)
    chosen = find_model(session.catalog, model, action, service)
    wanted = read_requests(session, chosen, asked, prompt)
    sys.exit(money.quote(session, chosen, wanted, as_json=as_json))


@click.command()
@json_object_option
@common_options
def balance(as_json: bool, **options: Any) -> None:
    """Show the balance, and what was spent.

    Spending comes from the records of the service and from those of this queue.
    """
    from tui.cli import money

    session = prepare_session(options)
    require_key(session)
    sys.exit(money.balance(session, as_json=as_json))


@click.command()
@click.option(
    "--by",
    type=click.Choice(["model", "day"]),
    default="model",
    show_default=True,
    help="One line per model, or per day of the last 30.",
)
@json_lines_option
@common_options
def spent(by: str, as_json: bool, **options: Any) -> None:
    """Show what was spent by this queue's records."""
    from tui.cli import money

    session = prepare_session(options)
    store = open_store(session)
    money.spent(store.spending_report(session.credential.base_url), by, as_json=as_json)
    print_notices(store)


COMMANDS = (quote, balance, spent)
