"""The orders in which a search lists tasks, and how its next page begins."""

from enum import StrEnum
from typing import Any

from tui.tasks.task import NEWEST, Task

_UNKNOWN_COST = -1
"""Below every cost: what isn't billed comes last."""
_COST = f"coalesce(cost_micro, {_UNKNOWN_COST})"


class Order(StrEnum):
    """What tasks are sorted by; those that are equal come newest first."""

    DATE = "date"
    """Newest first."""
    COST = "cost"
    """Dearest first; those without a charge last."""
    RATING = "rating"
    """Best first: stars, then those without any, then rejected ones."""
    MODEL = "model"
    """By the model's id, A to Z."""

    @property
    def following(self) -> "Order":
        """The next order, or the first one after the last."""
        orders = list(Order)
        return orders[(orders.index(self) + 1) % len(orders)]

    @property
    def columns(self) -> str:
        """For SQL's `order by`: no two tasks are equal."""
        match self:
            case Order.DATE:
                return "id desc"
            case Order.COST:
                return f"{_COST} desc, id desc"
            case Order.RATING:
                return "rating desc, id desc"
            case Order.MODEL:
                return "model, id desc"

    def below(self, last: Task | None) -> tuple[str, list[Any]]:
        """Returns the SQL condition for the tasks below one, with its values.

        `last` is the task as it was found: it may have changed since. None is for the
        first page.
        """
        if self is Order.DATE:
            return "id < ?", [last.id if last else NEWEST]
        if last is None:
            return "1", []
        match self:
            case Order.COST:
                cost = _UNKNOWN_COST if last.cost_micro is None else last.cost_micro
                return f"({_COST}, id) < (?, ?)", [cost, last.id]
            case Order.RATING:
                return "(rating, id) < (?, ?)", [last.rating, last.id]
            case Order.MODEL:
                model = last.model
                return "(model > ? or model = ? and id < ?)", [model, model, last.id]


def order_named(text: str) -> Order | None:
    """Returns the order of a name, or of its beginning: one may still be typing it."""
    return next((order for order in Order if text and order.startswith(text)), None)
