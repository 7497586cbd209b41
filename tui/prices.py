"""The service's live price list, kept on disk between starts."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec import Struct

from tui.catalog.load import Catalog
from tui.text import one_line

if TYPE_CHECKING:
    from tui.service.client import Client


class PriceList(Struct, frozen=True):
    """What the service said, word for word."""

    text: str = ""
    etag: str = ""


def kept(cache: Path, base_url: str) -> PriceList:
    """The list that was last fetched from there; empty if none was, or if it can't be read."""
    try:
        saved = json.loads(_file(cache, base_url).read_text(encoding="utf-8"))
        return PriceList(str(saved["text"]), str(saved["etag"]))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return PriceList()


def keep(cache: Path, base_url: str, prices: PriceList) -> None:
    """Put a list on disk. Raises OSError."""
    path = _file(cache, base_url)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps({"text": prices.text, "etag": prices.etag}), encoding="utf-8")
    part.replace(path)


async def fetch(client: "Client", known: PriceList) -> PriceList | None:
    """A newer list than the known one, or None. Raises ServiceError."""
    answer = await client.price_schedules(known.etag)
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
    name = "".join(letter if letter.isalnum() else "-" for letter in place.netloc + place.path)
    return cache / f"prices-{name[:100]}.json"
