"""What a request will cost, and how sure that is.

Amounts are whole micro-dollars: $1 is 1,000,000.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from msgspec import Struct

from tui.catalog.extra import extra_of
from tui.catalog.request import blank
from tui.catalog.spec import MOST_CENTS, Kind, Model, Price, Route, Values
from tui.text import dollars

MICRO_PER_CENT = 10_000


class Estimate(Struct, frozen=True):
    """A price before it is paid."""

    micro: int | None
    """Micro-dollars; None when nobody knows, which is never 0."""
    basis: Literal["quoted", "listed", "snapshot", "unknown"]
    """How sure it is.

    Quoted for this very request, from the service's price list, or from the list that
    ships with the program.
    """
    as_of: str = ""
    """The day of the price list, as 2026-08-14."""

    def __str__(self) -> str:
        if self.micro is None:
            return "price unknown"
        amount = dollars(self.micro)
        if not self.as_of:
            return f"{amount} {self.basis}"
        if self.basis == "snapshot":
            return f"{amount} snapshot of {self.as_of}"
        return f"{amount} {self.basis} {self.as_of}"


PriceOf = Callable[[Model, Values], Estimate]
"""Returns what a request costs, as far as it is known."""


def is_unchecked(model: Model, values: Values) -> bool:
    """Returns whether a request goes past the catalog, as a whole or in a part."""
    return not model.described or bool(extra_of(values))


def estimate(model: Model, values: Values) -> Estimate:
    """Returns the list price of a request.

    It is unknown for a request that isn't checked: the list doesn't count what the
    catalog doesn't know.
    """
    if is_unchecked(model, values):
        return Estimate(None, "unknown")
    return list_price(model, values)


def list_price(model: Model, values: Values | None = None) -> Estimate:
    """Returns what the list says of a model, by default without any values."""
    values = values or {}
    price = model.price
    if price is None:
        return Estimate(None, "unknown")
    value: object = values.get(price.by)
    if blank(value):
        value = _default_sent(model, price.by)
    key = str(value)
    if isinstance(value, bool):
        key = key.lower()
    cents = price.cases.get(key, price.cents)
    micro = round(cents * MICRO_PER_CENT)
    if price.live or not price.as_of:
        return Estimate(micro, "listed", price.as_of)
    return Estimate(micro, "snapshot", price.as_of)


def priced_values(model: Model, route: Route, values: Values) -> Values:
    """Returns the values that a price can depend on: no texts, and not the seed.

    Of a request that isn't checked, these are all.
    """
    if is_unchecked(model, values):
        return values
    free = {"seed"}
    for param in route.params:
        if param.kind is Kind.TEXT:
            free.add(param.name)
    return {name: value for name, value in values.items() if name not in free}


def from_schedule(item: dict[str, Any], as_of: str) -> Price | None:
    """Returns the price in one entry of the service's live list.

    It is None for an entry without a price, or with one of an unknown form.
    """
    cents: Any = item.get("unit_price_cents")
    if not _is_price(cents):
        return None
    config = _object(item.get("billing_config"))
    overrides = _object(config.get("overrides"))
    cases: dict[str, float] = {}
    for key, value in overrides.items():
        if _is_price(value):
            cases[str(key)] = value
    by = config.get("key")
    if not isinstance(by, str):
        by = ""
    return Price(cents, by, cases, as_of, live=True)


def _object(value: object) -> dict[Any, Any]:
    """Returns the value itself if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def _is_price(value: object) -> bool:
    """Returns whether a value is a believable number of cents."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value < MOST_CENTS


def _default_sent(model: Model, name: str) -> object:
    """Returns the default that is sent where nothing is chosen, if there is one."""
    for route in model.routes.values():
        param = route.param(name)
        if param and param.required:
            return param.default
    return None


def cheapest(prices: Sequence[int | None]) -> int:
    """Returns the index of the lowest price; one that is unknown comes last."""

    def key(index: int) -> tuple[bool, int]:
        cost = prices[index]
        return cost is None, cost or 0

    return min(range(len(prices)), key=key)
