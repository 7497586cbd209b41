"""`quote`, `balance`, `spent`: commands about money that spend none."""

import asyncio
import json
from typing import TYPE_CHECKING, Any

from tui.catalog.extra import not_checked, unchecked_names
from tui.catalog.price import Estimate, estimate, priced_values
from tui.catalog.spec import Model, Values
from tui.cli.exit_codes import code_of
from tui.cli.output import total_json, usd
from tui.cli.requests import check_requests
from tui.session import Session, open_client, open_engine
from tui.spending.quotes import Quotes
from tui.system import heartbeat
from tui.system.streams import print_json, print_message, print_result
from tui.text import counted, dollars

if TYPE_CHECKING:
    from tui.service.errors import ServiceError
    from tui.tasks.ledger import SpendingReport

MOST_KINDS = 50
"""Requests of more kinds are not quoted: each kind takes a request to the service."""
_SURENESS = ("unknown", "snapshot", "listed", "quoted")


def quote(
    session: Session, model: Model, wanted: list[Values], *, as_json: bool
) -> int:
    """Print what all requests would cost, quoted where the service can.

    Returns the exit code.
    """
    from tui.service.errors import AuthenticationError, ServiceError

    check_requests(session, model, wanted)
    unchecked = not_checked(
        name
        for values in wanted
        for name in unchecked_names(values, described=model.described)
    )
    if unchecked:
        print_message(unchecked)
    prices = [estimate(model, values) for values in wanted]
    try:
        prices = heartbeat.run(_quoted(session, model, wanted))
    except AuthenticationError as error:
        return _print_error(error)
    except ServiceError as error:
        print_message(f"Not quoted: {error}")
    total = _total(prices)
    if not as_json:
        print_result(f"{counted(len(prices), 'request')}, {total}")
        return 0
    print_json(
        {
            "model": model.slug,
            "action": model.action,
            "requests": len(prices),
            "total_usd": usd(total.micro),
            "basis": total.basis,
            "as_of": total.as_of or None,
        }
    )
    return 0


def _total(prices: list[Estimate]) -> Estimate:
    """Add up prices; the sum is no surer than the least sure of them."""
    least_sure = min(prices, key=lambda price: _SURENESS.index(price.basis))
    known = [price.micro for price in prices if price.micro is not None]
    micro = sum(known) if len(known) == len(prices) else None
    return Estimate(micro, least_sure.basis, least_sure.as_of)


async def _quoted(
    session: Session, model: Model, wanted: list[Values]
) -> list[Estimate]:
    """Return the price of each request, asking once for those of the same kind.

    Raises ServiceError.
    """
    route = next(iter(model.routes.values()))
    kinds = [
        json.dumps(priced_values(model, route, values), sort_keys=True)
        for values in wanted
    ]
    by_kind: dict[str, Estimate | None] = {}
    quotes = Quotes()
    client = open_client(session)
    try:
        if len(set(kinds)) <= MOST_KINDS:
            for kind, values in dict(zip(kinds, wanted, strict=True)).items():
                by_kind[kind] = await quotes.ask(client, model, values)
    finally:
        await client.aclose()
    return [
        by_kind.get(kind) or estimate(model, values)
        for kind, values in zip(kinds, wanted, strict=True)
    ]


def balance(session: Session, *, as_json: bool) -> int:
    """Print the balance, and what was spent by the service's and this queue's records.

    Returns the exit code.
    """
    from tui.service.errors import ServiceError

    async def ask() -> tuple[Any, "SpendingReport"]:
        engine = await asyncio.to_thread(open_engine, session)
        try:
            return await engine.account(), await engine.queue.spending_report()
        finally:
            await engine.aclose()

    try:
        account, books = heartbeat.run(ask())
    except ServiceError as error:
        return _print_error(error)
    if as_json:
        print_json(_balance_json(account, books))
        return 0
    rows = {
        "balance": dollars(account.balance),
        "today": f"{books.today}; the service says {dollars(account.spent_today)}",
        "this month": str(books.month),
        "in all": f"{books.total}; the service says {dollars(account.spent_total)}",
        "on the way": str(books.live) if books.live.tasks else "nothing",
    }
    for name, value in rows.items():
        print_result(f"{name:<12}{value}")
    return 0


def _balance_json(account: Any, books: "SpendingReport") -> dict[str, Any]:
    return {
        "balance_usd": usd(account.balance),
        "service": {
            "today_usd": usd(account.spent_today),
            "total_usd": usd(account.spent_total),
        },
        "ledger": {
            "today": total_json(books.today),
            "month": total_json(books.month),
            "total": total_json(books.total),
            "on_the_way": total_json(books.live),
        },
    }


def spent(books: "SpendingReport", by: str, *, as_json: bool) -> None:
    """Print what was spent, one line per model or per day of the last 30."""
    rows = list(books.models)
    if by == "day":
        rows = [(str(day), total) for day, total in books.days]
    for name, total in rows:
        if as_json:
            print_json({by: name, **total_json(total)})
        else:
            print_result(f"{name:<36}{total.tasks:>9,}  {total}")


def _print_error(error: "ServiceError") -> int:
    print_message(error)
    return code_of(error.kind)
