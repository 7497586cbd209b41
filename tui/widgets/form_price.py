"""What the form's request costs: estimated at once, quoted when the service answers."""

from tui.catalog.price import Estimate, estimate, priced_values
from tui.catalog.spec import Model, Route, Values

_PriceKey = tuple[tuple[str, str], Values]
"""A model's key, and the values that its price depends on."""


class FormPrice:
    """Remembers the last quote, and for what it was."""

    def __init__(self) -> None:
        self._quote: tuple[_PriceKey, Estimate] | None = None

    def of(self, model: Model, route: Route, values: Values) -> Estimate:
        """Returns the quoted price if there is one, or else the estimate."""
        key = model.key, priced_values(route, values)
        if self._quote and self._quote[0] == key:
            return self._quote[1]
        return estimate(model, values)

    def note_quote(
        self, model: Model, route: Route, values: Values, price: Estimate
    ) -> None:
        """Remembers a price from the service for these values."""
        self._quote = (model.key, priced_values(route, values)), price
