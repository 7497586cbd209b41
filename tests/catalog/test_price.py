"""What a request is said to cost, and how sure that is."""

import pytest

from tests.catalog.models import model, param
from tui.catalog.load import bundled
from tui.catalog.price import estimate
from tui.catalog.spec import Price, Value, Values


@pytest.mark.parametrize(
    ("slug", "values", "told"),
    [
        ("z-image", {}, "$0.01 snapshot of 2026-07-23"),
        ("imagen-4", {"prompt": "x"}, "$0.08 snapshot of 2026-07-23"),
        ("flux-kontext-max", {}, "$0.10 snapshot of 2026-07-23"),
        ("flux-2-pro-text-to-image", {}, "$0.05 snapshot of 2026-07-23"),
        (
            "flux-2-pro-text-to-image",
            {"output_resolution": "2k"},
            "$0.07 snapshot of 2026-07-23",
        ),
        (
            "flux-2-flex-remix-image",
            {"output_resolution": "2k"},
            "$0.24 snapshot of 2026-07-23",
        ),
        (
            "imagen-4-pro-remix-image",
            {"output_resolution": "4k"},
            "$0.24 snapshot of 2026-07-23",
        ),
        ("flux-2-max-text-to-image", {}, "price unknown"),
    ],
)
def test_bundled_prices(slug: str, values: Values, told: str) -> None:
    assert str(estimate(bundled().find(slug), values)) == told


@pytest.mark.parametrize(
    ("price", "value", "micro"),
    [
        (
            Price(cents=7, by="p", cases={"turbo": 3.5}, as_of="2026-01-01"),
            "turbo",
            35_000,
        ),
        (Price(cents=7, by="p", cases={"turbo": 3.5}), "other", 70_000),
        (Price(cents=4, by="p", cases={"true": 5, "false": 4}), True, 50_000),
        (Price(cents=4, by="p", cases={"true": 5, "false": 4}), False, 40_000),
        (Price(cents=10, by="p", cases={"1": 10, "2": 20}), 2, 20_000 * 10),
        (Price(cents=0.1), "x", 1_000),
        (Price(cents=0.00001), "x", 0),
        (Price(cents=2.5), "x", 25_000),
    ],
)
def test_cases(price: Price, value: Value, micro: int) -> None:
    assert estimate(model(param("p"), price=price), {"p": value}).micro == micro


def test_an_unknown_price_is_never_zero() -> None:
    unknown = estimate(model(), {})
    assert unknown.micro is None
    assert "$" not in str(unknown)


def test_a_price_without_a_date_doesnt_end_in_nothing() -> None:
    assert str(estimate(model(price=Price(cents=1)), {})).endswith("listed")
