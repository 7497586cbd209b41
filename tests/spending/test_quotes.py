"""Live prices take the place of the snapshot, are kept on disk, and mark what the
service no longer lists.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.loopback import serving
from tui.catalog.load import bundled
from tui.catalog.price import Estimate, estimate, from_schedule
from tui.catalog.spec import Listing, Values
from tui.demo.service import create_app
from tui.service.client import Client
from tui.service.errors import NetworkError
from tui.spending import quotes


def schedule(**changes: Any) -> dict[str, Any]:
    known = {
        "service": "z_image",
        "action": "text_to_image",
        "model": "z-image",
        "unit_price_cents": 2,
    }
    return known | changes


def test_a_listed_price_says_so_with_its_day() -> None:
    catalog = bundled().with_prices([schedule()], "2026-11-21")
    assert str(estimate(catalog.find("z-image"), {})) == "$0.02 listed 2026-11-21"


def test_what_is_no_longer_listed_is_marked_and_keeps_its_snapshot() -> None:
    model = bundled().with_prices([schedule()], "2026-11-21").find("imagen-4")
    assert model.listing is Listing.MISSING
    assert str(estimate(model, {})) == "$0.08 snapshot of 2026-07-23"


def test_a_list_of_other_things_changes_nothing() -> None:
    assert (
        bundled().with_prices([schedule(service="suno", model="v5")], "2026-11-21")
        is bundled()
    )


def test_a_price_by_a_param() -> None:
    item = schedule(
        billing_config={
            "key": "output_resolution",
            "overrides": {"1k": 5, "2k": 3.5, "bad": "x"},
        }
    )
    price = from_schedule(item, "2026-11-21")
    assert price
    assert (price.by, price.cases) == ("output_resolution", {"1k": 5, "2k": 3.5})


@pytest.mark.parametrize("cents", [None, "5", True, -1, 1e99, float("nan"), [5]])
def test_a_price_that_is_none_stays_unknown(cents: Any) -> None:
    assert from_schedule(schedule(unit_price_cents=cents), "2026-11-21") is None


async def test_the_list_is_fetched_once_and_kept(tmp_path: Path) -> None:
    with serving(create_app(bundled())) as url:
        client = Client(url, "")
        newer = await quotes.fetch(client, quotes.PriceList())
        assert newer
        cache = tmp_path / "cache"
        quotes.save(cache, url, newer)
        assert quotes.load(cache, url) == newer
        places = (cache, *cache.iterdir())
        assert not any(path.stat().st_mode & 0o077 for path in places)
        for path in places:  # as an earlier version left it
            path.chmod(0o777)
        assert quotes.load(cache, url) == newer
        assert not any(path.stat().st_mode & 0o077 for path in places)
        assert await quotes.fetch(client, newer) is None  # 304 by its ETag
        await client.aclose()
    priced = quotes.apply(bundled(), newer).find("z-image")
    assert str(estimate(priced, {})) == "$0.01 listed 2026-07-23"
    assert quotes.load(tmp_path, "https://elsewhere.test") == quotes.PriceList()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "nonsense",
        '{"price_schedules": 5}',
        "[" * 100_000,
        json.dumps({"a": 1}),
    ],
)
def test_a_list_that_cannot_be_read_changes_nothing(text: str) -> None:
    assert quotes.apply(bundled(), quotes.PriceList(text)) is bundled()


# ---- quotes


async def test_a_quote_is_asked_for_once_by_what_a_price_can_hang_on() -> None:
    model, asker, asked = bundled().find("imagen-4"), quotes.Quotes(), list[Values]()

    class Answering(Client):
        async def quote(
            self, service: str, action: str, model: str, params: dict[str, Any]
        ) -> int | None:
            asked.append(params)
            return 70_000

    client = Answering("http://127.0.0.1:1", "")
    cells: list[Values] = [
        {"prompt": "a fox"},
        {"prompt": "an owl", "seed": 7, "callback_url": "https://x.example/hook"},
        {"prompt": "a fox", "aspect_ratio": "16:9"},
    ]
    assert str(asker.price(model, cells[0])) == "$0.08 snapshot of 2026-07-23"
    for _ in range(2):
        for cell in cells:
            assert await asker.ask(client, model, cell) == Estimate(70_000, "quoted")
    assert asked == [cells[0], cells[2]]
    assert str(asker.price(model, cells[1])) == "$0.07 quoted"
    await client.aclose()


@pytest.mark.parametrize(
    ("slug", "values"),
    [
        (
            "flux-2-pro-remix-image",
            {"prompt": "a fox", "source_image_urls": ["/tmp/fox.png"]},
        ),
        # Has no place there
        ("z-image", {"prompt": "a fox", "negative_prompt": "snow"}),
        ("z-image", {}),
    ],
)
async def test_what_cannot_be_told_exactly_is_not_quoted(
    slug: str, values: Values
) -> None:
    client = Client("http://127.0.0.1:1", "")  # where nothing answers
    assert await quotes.Quotes().ask(client, bundled().find(slug), values) is None
    await client.aclose()


async def test_after_a_failure_nothing_is_asked_for_a_while() -> None:
    client, asker, model = (
        Client("http://127.0.0.1:1", ""),
        quotes.Quotes(),
        bundled().find("z-image"),
    )
    with pytest.raises(NetworkError):
        await asker.ask(client, model, {"prompt": "a fox"})
    assert await asker.ask(client, model, {"prompt": "a fox"}) is None
    assert (
        str(asker.price(model, {"prompt": "a fox"})) == "$0.01 snapshot of 2026-07-23"
    )
    await client.aclose()


@pytest.mark.parametrize("price", [Estimate(None, "unknown"), Estimate(None, "quoted")])
def test_an_unknown_price_is_told_as_such(price: Estimate) -> None:
    assert str(price) == "price unknown"
