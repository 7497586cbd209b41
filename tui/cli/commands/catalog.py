"""`models`, `model`: what the catalog knows."""

from pathlib import Path
from typing import Any

import click

from tui.catalog.load import Catalog, CatalogError, load_family
from tui.catalog.price import list_price
from tui.catalog.spec import Listing, Model, Param
from tui.cli.commands.common import find_model, prepare_session
from tui.cli.commands.options import (
    action_option,
    common_options,
    json_array_option,
    json_object_option,
)
from tui.cli.exit_codes import ExitError
from tui.system.streams import print_json, print_message, print_result
from tui.text import by_count, dollars, one_line

_LISTINGS = {
    Listing.MISSING: " (no longer listed)",
    Listing.INACTIVE: " (marked inactive by the service)",
}


@click.command()
@json_array_option
@click.option(
    "--check",
    type=click.Path(path_type=Path),
    help="Check whether a family file of your own can be used.",
)
@common_options
def models(as_json: bool, check: Path | None, **options: Any) -> None:
    """List the models of the catalog."""
    if check:
        _check_family(check)
        return
    session = prepare_session(options)
    for problem in session.problems:
        print_message(problem)
    if not as_json:
        _print_models(session.catalog)
        return
    from tui.cli.output import model_json

    found = [model_json(model) for model in session.catalog.models]
    print_json(found, indent=1)


def _print_models(catalog: Catalog) -> None:
    for family in catalog.families:
        print_result(_joined(family.name, family.provider))
        for model in family.models:
            price = dollars(list_price(model).micro)
            note = _LISTINGS.get(model.listing, "")
            print_result(
                f"  {model.slug:<34} {price:>6}  {model.action:<17} {model.about}{note}"
            )


def _check_family(path: Path) -> None:
    try:
        family = load_family(path)
    except CatalogError as error:
        raise ExitError(str(error)) from error
    print_result(
        by_count(
            len(family.models),
            "{path}: {name}, 1 model, can be used.",
            "{path}: {name}, {count} models, can be used.",
            path=one_line(path),
            name=family.name,
        )
    )


@click.command()
@click.argument("model")
@action_option
@json_object_option
@common_options
def model(model: str, action: str | None, as_json: bool, **options: Any) -> None:
    """Show one model and its parameters."""
    found = find_model(prepare_session(options).catalog, model, action)
    if not as_json:
        _print_model(found)
        return
    from tui.cli.output import model_json

    print_json(model_json(found), indent=1)


def _print_model(model: Model) -> None:
    price = list_price(model)
    print_result(_joined(model.title, model.provider, model.action, str(price)))
    for name, route in model.routes.items():
        print_result(f"\n{name} route")
        for param in route.params:
            _print_param(param)


def _joined(*parts: str) -> str:
    """Return what is known of them in one line."""
    return " · ".join(filter(None, parts))


def _print_param(param: Param) -> None:
    mark = "*" if param.required else " "
    default = "" if param.default is None else f" (default {param.default})"
    print_result(
        f" {mark}{param.name:<24} {param.kind:<9} {one_line(param.help)}{default}"
    )
    if param.enum:
        values = " ".join(map(str, param.enum))
        print_result(f"{'':>37}{values}")


COMMANDS = (models, model)
