"""What a request will cost, and how sure that is. Amounts are whole micro-dollars ($1 = 1,000,000)."""

from msgspec import Struct

from tui.catalog.spec import Model, Values
from tui.text import money

MICRO_PER_CENT = 10_000


class Estimate(Struct, frozen=True):
    """A price told before it is paid. `micro` is None when nobody knows; it is never 0 for that."""

    micro: int | None
    basis: str
    """How sure: `listed 2026-07-23` or `price unknown`."""

    def __str__(self) -> str:
        return f"{money(self.micro)} {self.basis}" if self.micro is not None else self.basis


def estimate(model: Model, values: Values) -> Estimate:
    """The bundled list price for these values."""
    price = model.price
    if price is None:
        return Estimate(None, "price unknown")
    value = values.get(price.by)
    key = str(value).lower() if isinstance(value, bool) else str(value)
    cents = price.cases.get(key, price.cents)
    return Estimate(round(cents * MICRO_PER_CENT), f"listed {price.as_of}".strip())
