"""What several commands need: the session, a model, the queue file, an end with a code."""

from typing import TYPE_CHECKING, Any

import click

from tui.cli.exit_codes import ExitError
from tui.system.streams import print_message
from tui.text import one_line

if TYPE_CHECKING:
    from tui.catalog.load import Catalog
    from tui.catalog.spec import Model
    from tui.session import Session
    from tui.tasks.store import Store


def prepare_session(options: dict[str, Any]) -> "Session":
    """Return the session of a command; its options override those before its name.

    Raises ConfigError or CredentialError.
    """
    from tui.session import prepare

    before = click.get_current_context().find_root().obj or {}
    return prepare(**own_options({**before, **_given(options)}))


def own_options(options: dict[str, Any]) -> dict[str, Any]:
    """Return common options as `session.prepare` takes them."""
    given = _given(options)
    base_url = given.pop("base_url", "")
    demo = bool(given.pop("demo", False))
    return {"base_url": base_url, "demo": demo, **given}


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def find_model(
    catalog: "Catalog", slug: str, action: str | None, service: str | None = None
) -> "Model":
    """Return a model of the catalog, or by `service` and action one beyond it.

    Which one was taken is said on stderr where another word than its slug names it, and
    so is why the service may refuse it. Raises ExitError.
    """
    if service:
        model = _find_beyond(catalog, slug, action or "", service)
    else:
        model = _find_named(catalog, slug, action)
    warn_of(model)
    return model


def warn_of(model: "Model") -> None:
    """Say on stderr why the service may refuse a model, if it may."""
    if model.warning:
        print_message(model.warning)


def _find_named(catalog: "Catalog", slug: str, action: str | None) -> "Model":
    from tui.catalog import model_names
    from tui.catalog.load import UnknownModel

    try:
        model = catalog.named(slug, action or "")
    except UnknownModel as error:
        raise ExitError(str(error)) from error
    if model.slug != slug:
        named = model_names.with_price(model)
        print_message(f"Using {named} for {one_line(slug, 80)}.")
    return model


def _find_beyond(catalog: "Catalog", slug: str, action: str, service: str) -> "Model":
    """Return a model of a service, whether the catalog has it or not."""
    from tui.catalog.undescribed import NameProblem, undescribed

    if not action:
        raise ExitError("Give --action with --service, such as text_to_image.")
    model = catalog.get(action, slug)
    if model and model.service == service:
        return model
    if model:
        raise ExitError(
            f"{model.slug} is in the catalog at the service {model.service}, not at"
            f" {one_line(service, 80)}: leave out --service."
        )
    try:
        return undescribed(service, action, slug)
    except NameProblem as problem:
        raise ExitError(str(problem)) from problem


def open_store(session: "Session") -> "Store":
    """Open the queue file. Raises StoreError."""
    from tui.tasks.store import Store

    return Store(session.folders.queue)


def print_notices(store: "Store") -> None:
    """Print on stderr what the user should know about the queue file."""
    for notice in store.notices:
        print_message(notice)


def require_key(session: "Session") -> None:
    """Raise ExitError where there is no API key."""
    if session.credential.api_key:
        return
    sentence = (
        "No API key was found. Set RUNAPI_API_KEY, or run `runapi-tui login`; --demo"
        " needs none."
    )
    raise ExitError("\n".join((sentence, *session.credential.notes)), 2)
