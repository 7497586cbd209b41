"""The commands that tell of money and take none: `quote`, `balance`, `spent`."""

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

from tui.catalog.price import Estimate, counting, estimate
from tui.catalog.spec import Model, Values
from tui.cli import run
from tui.session import Session, open_client, open_engine
from tui.spending.quotes import Quotes
from tui.system import heartbeat
from tui.text import counted, inert_json, money

if TYPE_CHECKING:
    from tui.service.errors import ServiceError
    from tui.tasks.ledger import Spending, Total

MOST_KINDS = 50
"""Requests of more kinds are not quoted: each kind is a question of its own."""
_SURENESS = ("unknown", "snapshot", "listed", "quoted")


def quote(
    session: Session, model: Model, wanted: list[Values], *, as_json: bool
) -> int:
    """What all of `wanted` would cost, quoted where the service does that. Answers the
    exit code.
    """
    from tui.service.errors import AuthenticationError, ServiceError

    run.check(session, model, wanted)
    prices = [estimate(model, values) for values in wanted]
    try:
        prices = heartbeat.run(_quoted(session, model, wanted))
    except AuthenticationError as error:
        return _refused(error)
    except ServiceError as error:
        print(f"Not quoted: {error}", file=sys.stderr)
    # No surer than the least sure of them
    surest = min(prices, key=lambda price: _SURENESS.index(price.basis))
    known = [price.micro for price in prices if price.micro is not None]
    total = Estimate(
        sum(known) if len(known) == len(prices) else None, surest.basis, surest.as_of
    )
    if as_json:
        told: dict[str, Any] = {
            "model": model.slug,
            "action": model.action,
            "requests": len(prices),
        }
        told |= {
            "total_usd": run.usd(total.micro),
            "basis": total.basis,
            "as_of": total.as_of or None,
        }
        print(inert_json(told))
    else:
        print(f"{counted(len(prices), 'request')}, {total}")
    return 0


async def _quoted(
    session: Session, model: Model, wanted: list[Values]
) -> list[Estimate]:
    """The price of each; those that no price tells apart are asked for once. Raises
    ServiceError.
    """
    route = next(iter(model.routes.values()))
    kinds = [json.dumps(counting(route, values), sort_keys=True) for values in wanted]
    of_kind: dict[str, Estimate | None] = {}
    quotes, client = Quotes(), open_client(session)
    try:
        if len(set(kinds)) <= MOST_KINDS:
            for kind, values in dict(zip(kinds, wanted, strict=True)).items():
                of_kind[kind] = await quotes.ask(client, model, values)
    finally:
        await client.aclose()
    return [
        of_kind.get(kind) or estimate(model, values)
        for kind, values in zip(kinds, wanted, strict=True)
    ]


def balance(session: Session, *, as_json: bool) -> int:
    """What is left by the service's word, and what was spent by its word and by our own
    books.
    """
    from tui.service.errors import ServiceError

    async def ask() -> tuple[Any, "Spending"]:
        engine = await asyncio.to_thread(open_engine, session)
        try:
            return await engine.account(), await engine.queue.books()
        finally:
            await engine.aclose()

    try:
        account, books = heartbeat.run(ask())
    except ServiceError as error:
        return _refused(error)
    if as_json:
        print(
            inert_json(
                {
                    "balance_usd": run.usd(account.balance),
                    "service": {
                        "today_usd": run.usd(account.spent_today),
                        "total_usd": run.usd(account.spent_total),
                    },
                    "ledger": {
                        "today": sum_json(books.today),
                        "month": sum_json(books.month),
                        "total": sum_json(books.total),
                        "on_the_way": sum_json(books.live),
                    },
                }
            )
        )
        return 0
    told = {
        "balance": money(account.balance),
        "today": f"{books.today}; the service says {money(account.spent_today)}",
        "this month": str(books.month),
        "in all": f"{books.total}; the service says {money(account.spent_total)}",
        "on the way": str(books.live) if books.live.tasks else "nothing",
    }
    for name, value in told.items():
        print(f"{name:<12}{value}")
    return 0


def spent(books: "Spending", by: str, *, as_json: bool) -> None:
    """What was spent, a line a day of the last 30 or a line a model."""
    rows = (
        books.models
        if by == "model"
        else [(f"{day}", told) for day, told in books.days]
    )
    for name, told in rows:
        print(
            inert_json({by: name, **sum_json(told)})
            if as_json
            else f"{name:<36}{told.tasks:>9,}  {told}"
        )


def sum_json(some: "Total") -> dict[str, Any]:
    """A sum as the commands tell it; `usd` is null where no price in it is known."""
    known = some.tasks == 0 or some.tasks > some.unknown
    return {
        "tasks": some.tasks,
        "usd": run.usd(some.micro) if known else None,
        "estimated_usd": run.usd(some.estimated),
        "unknown": some.unknown,
    }


def _refused(error: "ServiceError") -> int:
    print(error, file=sys.stderr)
    return run.EXIT_CODES.get(error.kind, 1)
