"""Compares the service's live price list with the catalog, in both directions."""

from collections.abc import Iterator
from typing import Any

import httpx

from tests.vendor.differences import Difference
from tui.catalog.load import Catalog
from tui.catalog.price import from_schedule
from tui.catalog.spec import Model

_SECONDS = 30


class PriceListError(Exception):
    """Why there is no price list, as a sentence."""


Items = list[dict[str, Any]]


def fetch_price_list(base_url: str) -> Items:
    """Returns the entries of the live list; it needs no key. Raises PriceListError."""
    try:
        answer = httpx.get(f"{base_url}/api/v1/price_schedules", timeout=_SECONDS)
        answer.raise_for_status()
        items = answer.json()["price_schedules"]
    except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
        kind = type(error).__name__
        raise PriceListError(f"no price list from {base_url} ({kind})") from error
    return [item for item in items if isinstance(item, dict)]


def compare_price_list(items: Items, catalog: Catalog) -> Iterator[Difference]:
    """Yields the models that only one of both has, and those that are inactive."""
    entries = {_key(item): item for item in items}
    models = {_model_key(model): model for model in catalog.models}
    for key, item in entries.items():
        if key not in models and _is_image_action(str(item.get("action")), catalog):
            yield Difference(_place(key), "model", _status(item), "no")
    for key in models:
        entry = entries.get(key)
        if entry is None:
            yield Difference(_place(key), "model", "no", "yes")
        elif _status(entry) != "active":
            yield Difference(_place(key), "model", _status(entry), "yes")


def compare_prices(items: Items, catalog: Catalog) -> Iterator[str]:
    """Yields a line for each price that isn't that of the bundled list.

    That is news and no difference: the app itself reads the live list.
    """
    entries = {_key(item): item for item in items}
    for model in catalog.models:
        item = entries.get(_model_key(model))
        live = from_schedule(item, "") if item else None
        if live is None:
            continue
        now = (live.cents, live.by, live.cases)
        known = model.price
        before = (known.cents, known.by, known.cases) if known else None
        if now != before:
            old = f"{known.cents:g}" if known else "none"
            yield f"{_place(_model_key(model))}: {old} cents, now {live.cents:g}"


_Key = tuple[str, str, str]


def _key(item: dict[str, Any]) -> _Key:
    return tuple(str(item.get(name)) for name in ("service", "action", "model"))  # type: ignore[return-value]


def _model_key(model: Model) -> _Key:
    return model.service, model.action, model.slug


def _place(key: _Key) -> str:
    return f"price list {'/'.join(key)}"


def _status(item: dict[str, Any]) -> str:
    return str(item.get("catalog_status") or "active")


def _is_image_action(action: str, catalog: Catalog) -> bool:
    """Returns whether an action makes pictures: one of the catalog's, or so named."""
    known = {model.action for model in catalog.models}
    return action in known or action.endswith("_image")
