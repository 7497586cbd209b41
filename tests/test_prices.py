"""Live prices take the place of the snapshot, are kept on disk, and mark what the service no longer lists."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.loopback import serving
from tui import prices
from tui.catalog.load import bundled
from tui.catalog.price import estimate, from_schedule
from tui.demo.service import create_app
from tui.service.client import Client


def schedule(**changes: Any) -> dict[str, Any]:
    known = {"service": "z_image", "action": "text_to_image", "model": "z-image", "unit_price_cents": 2}
    return known | changes


def test_a_listed_price_says_so_with_its_day() -> None:
    catalog = bundled().with_prices([schedule()], "2026-11-21")
    assert str(estimate(catalog.find("z-image"), {})) == "$0.02 listed 2026-11-21"


def test_what_is_no_longer_listed_is_marked_and_keeps_its_snapshot() -> None:
    model = bundled().with_prices([schedule()], "2026-11-21").find("imagen-4")
    assert not model.listed
    assert str(estimate(model, {})) == "$0.08 snapshot of 2026-07-23"


def test_a_list_of_other_things_changes_nothing() -> None:
    assert bundled().with_prices([schedule(service="suno", model="v5")], "2026-11-21") is bundled()


def test_a_price_by_a_param() -> None:
    item = schedule(billing_config={"key": "output_resolution", "overrides": {"1k": 5, "2k": 3.5, "bad": "x"}})
    price = from_schedule(item, "2026-11-21")
    assert price
    assert (price.by, price.cases) == ("output_resolution", {"1k": 5, "2k": 3.5})


@pytest.mark.parametrize("cents", [None, "5", True, -1, 1e99, float("nan"), [5]])
def test_a_price_that_is_none_stays_unknown(cents: Any) -> None:
    assert from_schedule(schedule(unit_price_cents=cents), "2026-11-21") is None


async def test_the_list_is_fetched_once_and_kept(tmp_path: Path) -> None:
    with serving(create_app(bundled())) as url:
        client = Client(url, "")
        newer = await prices.fetch(client, prices.PriceList())
        assert newer
        prices.keep(tmp_path, url, newer)
        assert prices.kept(tmp_path, url) == newer
        assert await prices.fetch(client, newer) is None  # 304 by its ETag
        await client.aclose()
    priced = prices.apply(bundled(), newer).find("z-image")
    assert str(estimate(priced, {})) == "$0.01 listed 2026-07-23"
    assert prices.kept(tmp_path, "https://elsewhere.test") == prices.PriceList()


@pytest.mark.parametrize(
    "text", ["", "[]", "nonsense", '{"price_schedules": 5}', "[" * 100_000, json.dumps({"a": 1})]
)
def test_a_list_that_cannot_be_read_changes_nothing(text: str) -> None:
    assert prices.apply(bundled(), prices.PriceList(text)) is bundled()
