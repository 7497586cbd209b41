"""Amounts in the service's answers: the account, a quote, and a task's cost.

Every amount is in micro-dollars here.
"""

from typing import Any

from msgspec import Struct

from tui.text import one_line

_MOST_CENTS = 10**12
_MOST_AMOUNT = 10**9
MICRO_PER_DOLLAR = 1_000_000
MICRO_PER_CENT = 10_000


class Account(Struct, frozen=True):
    """An account's balance and spending in micro-dollars; None where not reported."""

    balance: int | None
    spent_today: int | None
    spent_total: int | None


class Owner(Struct, frozen=True):
    """Whose key it is, each on one line; empty where not reported."""

    account: str = ""
    name: str = ""
    email: str = ""

    def __str__(self) -> str:
        return ", ".join(filter(None, (self.account, self.email or self.name)))


def read_owner(body: dict[str, Any]) -> Owner:
    """Reads the answer to the question whose key it is."""
    company = body.get("account")
    if not isinstance(company, dict):
        company = {}
    texts = (company.get("name"), body.get("name"), body.get("email"))
    return Owner(
        *(one_line(text, 60) if isinstance(text, str) else "" for text in texts)
    )


def read_account(body: dict[str, Any]) -> Account:
    """Reads the answer to a request for the balance, which counts in whole cents."""
    return Account(
        balance=_from_cents(body.get("balance_cents")),
        spent_today=_from_cents(body.get("spent_cents_today")),
        spent_total=_from_cents(body.get("spent_cents_total")),
    )


def read_quote(body: dict[str, Any]) -> int | None:
    """Returns a quote's price in micro-dollars; None where it names none."""
    match body:
        case {"price_quote": {"reservation_amount_cents": int() | float() as cents}}:
            return _micro(cents, MICRO_PER_CENT)
    return None


def read_cost(body: Any) -> int | None:
    """Returns what a task was charged, in micro-dollars; None where unknown.

    Answers have it as `usage.cost` in dollars, or as the older `billing` in cents.
    """
    match body:
        case {"usage": {"cost": int() | float() as dollars}}:
            return _micro(dollars, MICRO_PER_DOLLAR)
        case {
            "billing": {
                "settlement": {"charged_amount_cents": int() | float() as cents}
            }
        }:
            return _micro(cents, MICRO_PER_CENT)
        case {"cost_cents": int() | float() as cents}:
            return _micro(cents, MICRO_PER_CENT)
    return None


def _from_cents(cents: object) -> int | None:
    """Returns whole cents, of either sign, as micro-dollars; None for anything else."""
    if not isinstance(cents, int) or isinstance(cents, bool):
        return None
    if abs(cents) > _MOST_CENTS:
        return None
    return cents * MICRO_PER_CENT


def _micro(amount: float, per_unit: int) -> int | None:
    if isinstance(amount, bool) or not 0 <= amount < _MOST_AMOUNT:
        return None
    return round(amount * per_unit)
