"""What a request will cost, and how sure that is. Amounts are whole micro-dollars ($1 =
1,000,000).
"""

from typing import Any, Literal

from msgspec import Struct

from tui.catalog.request import blank
from tui.catalog.spec import Kind, Model, Price, Route, Values
from tui.text import money

MICRO_PER_CENT = 10_000


class Estimate(Struct, frozen=True):
    """A price told before it is paid. `micro` is None when nobody knows; it is never 0
    for that.
    """

    micro: int | None
    basis: Literal["quoted", "listed", "snapshot", "unknown"]
    """How sure: quoted for this very request, on the service's price list, or on the
    one that ships with us.
    """
    as_of: str = ""
    """The day of which it was so."""

    def __str__(self) -> str:
        if self.micro is None:
            return "price unknown"
        of = " of" if self.as_of and self.basis == "snapshot" else ""
        return f"{money(self.micro)} {self.basis}{of} {self.as_of}".rstrip()


def estimate(model: Model, values: Values) -> Estimate:
    """The list price for these values."""
    price = model.price
    if price is None:
        return Estimate(None, "unknown")
    chosen = values.get(price.by)
    value = _sent_anyway(model, price.by) if blank(chosen) else chosen
    key = str(value).lower() if isinstance(value, bool) else str(value)
    cents = price.cases.get(key, price.cents)
    listed = price.live or not price.as_of
    return Estimate(
        round(cents * MICRO_PER_CENT), "listed" if listed else "snapshot", price.as_of
    )


def priced_values(route: Route, values: Values) -> Values:
    """The values that a price can hang on: not words, not chance."""
    free = {param.name for param in route.params if param.kind is Kind.TEXT} | {"seed"}
    return {name: value for name, value in values.items() if name not in free}


def from_schedule(item: dict[str, Any], as_of: str) -> Price | None:
    """The price in one entry of the service's live list; None where it names none that
    is known here.
    """
    cents: Any = item.get("unit_price_cents")
    if not _amount(cents):
        return None
    config = item.get("billing_config")
    config = config if isinstance(config, dict) else {}
    cases = config.get("overrides")
    cases = cases if isinstance(cases, dict) else {}
    known = {str(key): value for key, value in cases.items() if _amount(value)}
    by = config.get("key")
    return Price(cents, by if isinstance(by, str) else "", known, as_of, live=True)


def _amount(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and 0 <= value < 10_000_000
    )


def _sent_anyway(model: Model, name: str) -> object:
    """The starting value of a required param, which is sent where nothing is chosen."""
    params = (route.param(name) for route in model.routes.values())
    return next((param.default for param in params if param and param.required), None)
