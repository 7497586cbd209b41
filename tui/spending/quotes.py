"""The service's prices: its price list, cached on disk, and quotes for requests."""

import json
import time
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from msgspec import Struct

from tui.catalog import request
from tui.catalog.load import Catalog
from tui.catalog.price import Estimate, estimate, is_unchecked, priced_values
from tui.catalog.reach import without_callbacks
from tui.catalog.route import translate
from tui.catalog.source_images import local_files
from tui.catalog.spec import Model, Values
from tui.service.errors import ServiceError
from tui.system import atomic_file
from tui.system.small_file import read_small_file
from tui.tasks.retry import asked_pause
from tui.text import one_line

QUOTED_FOR = 600.0
"""Seconds for which a quote is valid."""
LARGEST_LIST = 20_000_000
"""Bytes of a saved price list that are read at most."""
_MOST_QUOTES = 64
_PAUSE = 30.0
"""Seconds without a request after one that failed."""


class PriceSource(Protocol):
    """The service, asked for prices. Raises ServiceError."""

    async def quote(
        self, service: str, action: str, model: str, params: dict[str, Any]
    ) -> int | None: ...

    async def price_schedules(self, etag: str = "") -> tuple[str, str] | None: ...


class PriceList(Struct, frozen=True):
    """The service's price list, word for word."""

    text: str = ""
    etag: str = ""


class _Quote(NamedTuple):
    """A price that the service has quoted."""

    fetched_at: float
    """Seconds of the monotonic clock."""
    micro: int | None
    """Micro-dollars; None where the service has no price."""

    def estimate(self) -> Estimate | None:
        """Return the quoted price; None where there is none."""
        if self.micro is None:
            return None
        return Estimate(self.micro, "quoted")


def load(cache: Path, base_url: str) -> PriceList:
    """Return the list last fetched from there; empty if there is none to be read."""
    path = _file(cache, base_url)
    for place in (cache, path):
        atomic_file.make_private(place)
    try:
        saved = json.loads(read_small_file(path, LARGEST_LIST))
        return PriceList(str(saved["text"]), str(saved["etag"]))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return PriceList()


def save(cache: Path, base_url: str, prices: PriceList) -> None:
    """Save a list. Raises OSError."""
    path = _file(cache, base_url)
    atomic_file.make_private_folder(path.parent)
    saved = json.dumps({"text": prices.text, "etag": prices.etag})
    atomic_file.save_small(path, saved.encode(), 0o600)


async def fetch(source: PriceSource, known: PriceList) -> PriceList | None:
    """Fetch a newer list than the known one; None without one. Raises ServiceError."""
    answer = await source.price_schedules(known.etag)
    if not answer or answer[0] == known.text:
        return None
    return PriceList(*answer)


def apply(catalog: Catalog, prices: PriceList) -> Catalog:
    """Return the catalog with these prices; unchanged where the list can't be read."""
    try:
        answer: Any = json.loads(prices.text)
        items = [item for item in answer["price_schedules"] if isinstance(item, dict)]
        as_of = str(answer.get("as_of", ""))
        return catalog.with_prices(items, one_line(as_of[:10]))
    except (ValueError, LookupError, TypeError, RecursionError):
        return catalog


def _file(cache: Path, base_url: str) -> Path:
    """Return where the price list of a service is saved."""
    parts = urlsplit(base_url)
    place = parts.netloc + parts.path
    name = "".join(letter if letter.isalnum() else "-" for letter in place)
    return cache / f"prices-{name[:100]}.json"


class Quotes:
    """The latest quotes, and with them the price of any request of the program.

    Prices don't depend on the prompt or the seed: a new one needs no new quote. What
    isn't checked may depend on anything: only a quote for that very request counts,
    and never the list.
    """

    def __init__(self) -> None:
        self._known: dict[str, _Quote] = {}
        """By kind of request; the last one used comes last."""
        self._paused_until = 0.0

    def price(self, model: Model, values: Values) -> Estimate:
        """Return the price of a recent quote, or else the listed one."""
        listed = estimate(model, values)
        if not self._known:
            return listed
        asked = _quotable(model, values)
        if asked is None:
            return listed
        quote = self._recent(_kind(model, values, asked))
        if quote is None:
            return listed
        return quote.estimate() or listed

    async def ask(
        self, source: PriceSource, model: Model, values: Values
    ) -> Estimate | None:
        """Return a quote for a request; None where the service has none.

        Raises ServiceError, and asks nothing for a while then.
        """
        asked = _quotable(model, values)
        if asked is None:
            return None
        kind = _kind(model, values, asked)
        now = time.monotonic()
        quote = self._recent(kind)
        if quote is None:
            if now < self._paused_until:
                return None
            try:
                micro = await source.quote(
                    model.service, model.action, model.slug, asked
                )
            except ServiceError as error:
                self._paused_until = now + asked_pause(_PAUSE, error.retry_after)
                raise
            quote = _Quote(now, micro)
        self._keep(kind, quote)
        return quote.estimate()

    def _keep(self, kind: str, quote: _Quote) -> None:
        """Keep a quote, and drop the one that was not used for longest."""
        self._known.pop(kind, None)
        self._known[kind] = quote
        if len(self._known) > _MOST_QUOTES:
            oldest = next(iter(self._known))
            del self._known[oldest]

    def _recent(self, kind: str) -> _Quote | None:
        """Return the quote for a kind of request, while it is valid."""
        quote = self._known.get(kind)
        if quote is None:
            return None
        age = time.monotonic() - quote.fetched_at
        return quote if age < QUOTED_FOR else None


def _quotable(model: Model, values: Values) -> Values | None:
    """Return the parameters to quote, or None where a quote would not be exact.

    That is so where a value has no place there, or is a file not uploaded yet.
    """
    route = model.routes.get("service")
    if route is None:
        return None
    moved, unplaced = translate(model, values, "service")
    if unplaced or local_files(route, moved) or request.check(model, route, moved):
        return None
    # Nothing is called for a price: a callback is sent with the request alone.
    whole = request.body(model, route, moved)
    body = without_callbacks(whole)
    if body != whole and is_unchecked(model, values):
        return None
    del body["model"]
    return body


def _kind(model: Model, values: Values, asked: Values) -> str:
    """Return the same text for all requests that have the same price."""
    priced = asked
    if not is_unchecked(model, values):
        priced = priced_values(model, model.routes["service"], asked)
    return json.dumps([model.action, model.slug, priced], sort_keys=True)
