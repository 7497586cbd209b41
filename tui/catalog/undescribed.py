"""Models that the service knows and the catalog doesn't describe yet.

Such a model takes a prompt, and anything else as extra parameters.
"""

import re
from collections import Counter
from typing import Any

from msgspec.structs import replace

from tui.catalog.price import from_schedule
from tui.catalog.spec import Family, Kind, Listing, Model, Param, Price, Route

FAMILY = "New, not described"
"""The family under which they are listed, also those that are not offered any more."""
ABOUT = "New, not described yet: takes a prompt, and what else it needs as JSON."
_MOST = 200
"""Models of a price list that are listed at most."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_SLUG = re.compile(r"[A-Za-z0-9][\w.:/-]{0,99}", re.ASCII)
_KEY = ("service", "action", "model")
_LEFT_OUT = frozenset({("grok_imagine", "upscale_image")})
"""What the catalog leaves out on purpose: this one works on videos."""
NO_SERVICES = frozenset(
    {"account", "cli", "files", "me", "price_quotes", "price_schedules", "prompts"}
    | {"tasks", "uploads"}
)
"""What stands beside the models at the service: see `tui.service.client`."""
_PROMPT = Param(
    name="prompt",
    kind=Kind.TEXT,
    label="Prompt",
    help="What the image should show. Whether this model needs it is not known.",
)


class NameProblem(ValueError):
    """Why there can't be a model of such a name, as a sentence."""


def undescribed(
    service: str,
    action: str,
    slug: str,
    price: Price | None = None,
    listing: Listing = Listing.NEW,
) -> Model:
    """Returns a model by its names alone. Raises NameProblem."""
    for what, name in (("service", service), ("action", action)):
        if not _NAME.fullmatch(name):
            raise NameProblem(
                f"This can't be the name of a {what}: use lower case letters, digits"
                " and _, such as flux_2 or text_to_image."
            )
    if service in NO_SERVICES:
        raise NameProblem(f"{service} is no service that makes images.")
    if not _SLUG.fullmatch(slug):
        raise NameProblem(
            "This can't be the name of a model: use letters and digits, and - . _ : /"
            " between them."
        )
    return Model(
        family=FAMILY,
        provider="",
        service=service,
        action=action,
        slug=slug,
        title=slug,
        about=ABOUT,
        routes={"service": Route("service", (_PROMPT,))},
        price=price,
        listing=listing,
        described=False,
    )


def new_models(
    items: list[dict[str, Any]], known: set[tuple[object, object, object]], as_of: str
) -> Family | None:
    """Returns the models of a price list that the catalog doesn't have, if there are any.

    `known` has service, action and slug of those that it has. Only actions that make
    images count: those of the catalog.
    """
    actions = {action for _, action, _ in known}
    keys = {(action, slug) for _, action, slug in known}
    models: dict[tuple[str, str], Model] = {}
    # One that isn't offered takes the place of none that is.
    for item in sorted(items, key=lambda item: not is_active(item)):
        service, action, slug = (str(item.get(name)) for name in _KEY)
        if (action, slug) in keys or action not in actions:
            continue
        if (service, action) in _LEFT_OUT:
            continue
        price = from_schedule(item, as_of)
        listing = Listing.NEW if is_active(item) else Listing.INACTIVE
        try:
            model = undescribed(service, action, slug, price, listing)
        except NameProblem:
            continue
        models.setdefault(model.key, model)
        if len(models) == _MOST:
            break
    if not models:
        return None
    slugs = Counter(model.slug for model in models.values())
    titled = [
        model if slugs[model.slug] == 1 else _with_action(model)
        for model in models.values()
    ]
    found = tuple(sorted(titled, key=lambda model: (model.slug, model.action)))
    return Family(name=FAMILY, provider="", service="", about=ABOUT, models=found)


def _with_action(model: Model) -> Model:
    """Returns a model whose title tells it from others of the same name."""
    action = model.action.replace("_", " ")
    return replace(model, title=f"{model.slug} {action}")


def is_active(item: dict[str, Any]) -> bool:
    """Returns whether an entry of a price list is of a model that is offered."""
    status = item.get("catalog_status")
    return not isinstance(status, str) or status.lower() in ("", "active")
