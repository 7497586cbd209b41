"""`account`, `prices`, `prompts`: questions to the service, which cost nothing."""

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from tui.catalog.load import Catalog
from tui.catalog.price import from_schedule
from tui.cli.exit_codes import code_of
from tui.cli.output import usd
from tui.service.account import Account, Owner, read_owner
from tui.service.client import Client
from tui.service.errors import GarbledError, NotFoundError, ServiceError
from tui.service.prompt_library import PromptEntry, PromptPage
from tui.session import Session, open_client
from tui.spending import quotes
from tui.spending.quotes import PriceList
from tui.system import heartbeat
from tui.system.streams import print_json, print_message, print_result
from tui.text import by_count, dollars, one_line

T = TypeVar("T")
ACTIVE = "active"
_LONGEST = 200
"""Characters of a name in the price list."""


def account(session: Session, *, as_json: bool) -> int:
    """Print whose key is in use, and its balance. Returns the exit code."""

    async def ask(client: Client) -> tuple[Owner, Account]:
        return read_owner(await client.me()), await client.account()

    try:
        owner, money = _asked(session, ask)
    except ServiceError as error:
        return _print_error(error)
    found = session.credential
    if as_json:
        print_json(
            {
                "account": owner.account or None,
                "name": owner.name or None,
                "email": owner.email or None,
                "balance_usd": usd(money.balance),
                "spent_today_usd": usd(money.spent_today),
                "spent_total_usd": usd(money.spent_total),
                "base_url": found.base_url,
                "profile": session.profile or None,
                "key_from": found.key_from,
            }
        )
        return 0
    rows = {
        "account": owner.account or "not reported",
        "name": owner.name,
        "email": owner.email,
        "balance": dollars(money.balance),
        "service": found.base_url,
        "profile": session.profile,
        "key from": found.key_from,
    }
    for name, value in rows.items():
        if value:
            print_result(f"{name:<12}{one_line(value)}")
    return 0


class PriceRow(NamedTuple):
    """An entry of the service's price list."""

    service: str
    action: str
    model: str
    catalog_status: str
    cents: float | None
    """None where the service names no price."""
    by: str
    """The parameter that `cases` depends on."""
    cases: dict[str, float]
    as_of: str
    in_catalog: bool
    """Whether the catalog describes the model."""


def prices(session: Session, words: str, *, as_json: bool) -> int:
    """Print the entries of the live price list that name `words`.

    Returns the exit code.
    """
    cache, base_url = session.folders.cache, session.credential.base_url
    known = quotes.load(cache, base_url)
    try:
        newer = _asked(session, lambda client: quotes.fetch(client, known))
        rows = read_prices(newer or known, session.catalog)
    except ServiceError as error:
        return _print_error(error)
    if newer:
        with suppress(OSError):
            quotes.save(cache, base_url, newer)
    wanted = words.casefold()
    found = [row for row in rows if wanted in " ".join(row[:3]).casefold()]
    if as_json:
        print_json([row._asdict() for row in found], indent=1)
    else:
        for row in found:
            print_result(_price_line(row))
    if not found:
        print_message("No entry of the service's price list has this name.")
    return 0


def read_prices(listed: PriceList, catalog: Catalog) -> list[PriceRow]:
    """Return the entries of a price list. Raises GarbledError."""
    try:
        answer: Any = json.loads(listed.text)
        items = [item for item in answer["price_schedules"] if isinstance(item, dict)]
        as_of = one_line(str(answer.get("as_of", ""))[:10])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise GarbledError("The service's price list can't be read.") from None
    return [_row(item, as_of, catalog) for item in items]


def _row(item: dict[str, Any], as_of: str, catalog: Catalog) -> PriceRow:
    def text(name: str) -> str:
        value = item.get(name)
        return one_line(value, _LONGEST) if isinstance(value, str) else ""

    price = from_schedule(item, as_of)
    model = catalog.get(text("action"), text("model"))
    return PriceRow(
        service=text("service"),
        action=text("action"),
        model=text("model"),
        catalog_status=text("catalog_status"),
        cents=price.cents if price else None,
        by=one_line(price.by, _LONGEST) if price else "",
        cases=dict(price.cases) if price else {},
        as_of=as_of,
        in_catalog=model is not None and model.service == text("service"),
    )


def _price_line(row: PriceRow) -> str:
    """Return an entry for people."""
    amount = "unknown" if row.cents is None else _cents(row.cents)
    cases = ", ".join(
        f"{one_line(case, 40)} {_cents(cents)}" for case, cents in row.cases.items()
    )
    notes = [f"by {row.by}: {cases}" if cases else ""]
    if row.catalog_status not in ("", ACTIVE):
        notes.append(row.catalog_status)
    if not row.in_catalog:
        notes.append("not in the catalog")
    note = "; ".join(filter(None, notes))
    name = row.model or row.service
    return f"{name:<34} {amount:>8}  {row.action:<17} {note}".rstrip()


def _cents(cents: float) -> str:
    return dollars(round(cents * 10_000))


class Search(NamedTuple):
    """What is looked for in the library of prompts."""

    words: str
    category: str = ""
    model: str = ""
    modality: str = "image"
    page: int = 1


def prompts(session: Session, search: Search, *, as_json: bool) -> int:
    """Print a page of the prompts that a search finds. Returns the exit code."""

    async def ask(client: Client) -> PromptPage:
        words, *_ = search
        filters = search._asdict()
        del filters["words"]
        return await client.prompts(words, **filters)

    try:
        found = _asked(session, ask)
    except NotFoundError as error:
        print_message("This service has no prompt library.")
        return code_of(error.kind)
    except ServiceError as error:
        return _print_error(error)
    for entry in found.entries:
        if as_json:
            print_json(_entry_json(entry))
        else:
            _print_entry(entry)
    print_message(_describe_page(found, search))
    return 0


def _describe_page(found: PromptPage, search: Search) -> str:
    """Return how many prompts there are, and how to get others."""
    if not found.total and search.category:
        return (
            f"No prompt of the category {one_line(search.category, 80)}. Without"
            " --category, each prompt is shown with its own."
        )
    if found.total and not found.entries:
        return by_count(
            found.total,
            "Page {page} is empty: there is 1 prompt, on page 1.",
            "Page {page} is empty: there are {count} prompts, from page 1 on.",
            page=search.page,
        )
    sentence = by_count(
        found.total,
        "1 prompt.",
        "{count} prompts; this is page {page}.",
        page=search.page,
    )
    if found.more:
        return f"{sentence}\n--page {search.page + 1} has more."
    return sentence


def _entry_json(entry: PromptEntry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in entry.__struct_fields__}


def _print_entry(entry: PromptEntry) -> None:
    details = " · ".join(filter(None, (entry.category, entry.model)))
    print_result(f"{entry.title}  {details}".rstrip())
    for line in entry.prompt.splitlines():
        print_result(f"  {line}")


def _asked(session: Session, request: Callable[[Client], Awaitable[T]]) -> T:
    """Return the answer to one question. Raises ServiceError."""

    async def ask() -> T:
        client = open_client(session)
        try:
            return await request(client)
        finally:
            await client.aclose()

    return heartbeat.run(ask())


def _print_error(error: ServiceError) -> int:
    print_message(error)
    return code_of(error.kind)
