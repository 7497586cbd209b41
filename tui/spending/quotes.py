"""What the service asks for: its live price list, kept on disk between starts, and
quotes for single requests.
"""

import json
import time
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from msgspec import Struct

from tui.catalog import request
from tui.catalog.load import Catalog
from tui.catalog.price import Estimate, counting, estimate
from tui.catalog.route import translate
from tui.catalog.spec import Model, Values
from tui.service.errors import ServiceError
from tui.system.small_file import read_small_file
from tui.tasks.draft import local_files
from tui.text import one_line

QUOTED_FOR = 600.0
"""Seconds for which a quote is taken for good."""
LARGEST_LIST = 20_000_000
"""Bytes of a kept price list that are read at most."""
_KEPT = 64
_RESTS = 30.0
"""Seconds without a question after one that failed."""


class PriceSource(Protocol):
    """The service, asked for prices. Raises ServiceError."""

    async def quote(
        self, service: str, action: str, model: str, params: dict[str, Any]
    ) -> int | None: ...

    async def price_schedules(self, etag: str = "") -> tuple[str, str] | None: ...


class PriceList(Struct, frozen=True):
    """What the service said, word for word."""

    text: str = ""
    etag: str = ""


def load(cache: Path, base_url: str) -> PriceList:
    """The list that was last fetched from there; empty if none was, or if it can't be
    read.
    """
    try:
        saved = json.loads(read_small_file(_file(cache, base_url), LARGEST_LIST))
        return PriceList(str(saved["text"]), str(saved["etag"]))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return PriceList()


def save(cache: Path, base_url: str, prices: PriceList) -> None:
    """Put a list on disk. Raises OSError."""
    path = _file(cache, base_url)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(
        json.dumps({"text": prices.text, "etag": prices.etag}), encoding="utf-8"
    )
    part.replace(path)


async def fetch(source: PriceSource, known: PriceList) -> PriceList | None:
    """A newer list than the known one, or None. Raises ServiceError."""
    answer = await source.price_schedules(known.etag)
    return PriceList(*answer) if answer and answer[0] != known.text else None


def apply(catalog: Catalog, prices: PriceList) -> Catalog:
    """The catalog with these prices, or as it is where the list can't be read."""
    try:
        said: Any = json.loads(prices.text)
        items = [item for item in said["price_schedules"] if isinstance(item, dict)]
        return catalog.with_prices(items, one_line(str(said.get("as_of", ""))[:10]))
    except (ValueError, LookupError, TypeError, RecursionError):
        return catalog


def _file(cache: Path, base_url: str) -> Path:
    place = urlsplit(base_url)
    name = "".join(
        letter if letter.isalnum() else "-" for letter in place.netloc + place.path
    )
    return cache / f"prices-{name[:100]}.json"


class Quotes:
    """The latest quotes. Prices don't hang on words or on chance: a new prompt or seed
    asks nothing anew.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, int | None]] = {}
        self._rests_until = 0.0

    def price(self, model: Model, values: Values) -> Estimate:
        """The quoted price, if it was asked for lately, or else the listed one."""
        asked = _quotable(model, values) if self._known else None
        known = None if asked is None else self._lately(_kind(model, asked))
        return (known and _quoted(known[1])) or estimate(model, values)

    async def ask(
        self, source: PriceSource, model: Model, values: Values
    ) -> Estimate | None:
        """A quote for a request; None where there is none to be had. Raises
        ServiceError, and rests then.
        """
        asked = _quotable(model, values)
        if asked is None:
            return None
        kind, now = _kind(model, asked), time.monotonic()
        known = self._lately(kind)
        if known is None:
            if now < self._rests_until:
                return None
            try:
                known = (
                    now,
                    await source.quote(model.service, model.action, model.slug, asked),
                )
            except ServiceError as error:
                self._rests_until = now + max(_RESTS, error.retry_after or 0)
                raise
        self._known.pop(kind, None)
        self._known[kind] = known
        if len(self._known) > _KEPT:
            del self._known[next(iter(self._known))]
        return _quoted(known[1])

    def _lately(self, kind: str) -> tuple[float, int | None] | None:
        known = self._known.get(kind)
        return known if known and time.monotonic() - known[0] < QUOTED_FOR else None


def _quoted(micro: int | None) -> Estimate | None:
    return None if micro is None else Estimate(micro, "quoted")


def _quotable(model: Model, values: Values) -> Values | None:
    """The params to be quoted; None where that can't be told exactly: a value has no
    place there, or is a file that is not uploaded yet.
    """
    route = model.routes.get("service")
    if route is None:
        return None
    moved, unplaced = translate(model, values, "service")
    if unplaced or local_files(route, moved) or request.check(model, route, moved):
        return None
    return {
        name: value
        for name, value in request.body(model, route, moved).items()
        if name != "model"
    }


def _kind(model: Model, asked: Values) -> str:
    return json.dumps(
        [model.action, model.slug, counting(model.routes["service"], asked)],
        sort_keys=True,
    )
