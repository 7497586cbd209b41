"""Models that the service's price list has and the catalog doesn't."""

from typing import Any

import pytest

from tui.catalog import request
from tui.catalog.load import bundled
from tui.catalog.price import estimate, list_price
from tui.catalog.spec import Listing, Values
from tui.catalog.undescribed import FAMILY, NameProblem, undescribed

KNOWN = {
    "service": "z_image",
    "action": "text_to_image",
    "model": "z-image",
    "unit_price_cents": 2,
}


def entry(**changes: Any) -> dict[str, Any]:
    new = {"service": "nova_2", "action": "text_to_image", "model": "nova-2-pro"}
    return KNOWN | new | changes


def listed(*items: dict[str, Any]) -> list[str]:
    """The slugs of new models in a catalog with a price list of these items."""
    catalog = bundled().with_prices([KNOWN, *items], "2026-11-21")
    families = [family for family in catalog.families if family.name == FAMILY]
    return [model.slug for family in families for model in family.models]


def test_a_new_model_is_listed_with_its_price() -> None:
    catalog = bundled().with_prices([KNOWN, entry()], "2026-11-21")
    model = catalog.find("nova-2-pro")
    assert model.listing is Listing.NEW
    assert not model.described
    assert str(list_price(model)) == "$0.02 listed 2026-11-21"
    assert estimate(model, {"prompt": "a fox"}).micro is None
    assert catalog.families[-1].models == (model,)


def test_it_takes_a_prompt_and_extra_parameters() -> None:
    model = undescribed("nova_2", "text_to_image", "nova-2-pro")
    route = model.routes["service"]
    assert not request.check(model, route, {})
    values: Values = {"prompt": "a fox", "+": {"style": "ink"}}
    assert request.body(model, route, values) == {
        "model": "nova-2-pro",
        "prompt": "a fox",
        "style": "ink",
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"action": "text_to_video"},
        {"service": "me"},
        {"service": "../v1"},
        {"action": "text-to-image/../../me"},
        {"model": "a\x1b[2J"},
        {"model": ""},
        {"model": None},
        {"model": ["nova"]},
        {"service": 7},
        {"model": "z-image"},
        {"service": "grok_imagine", "action": "upscale_image", "model": "grok-up"},
    ],
)
def test_what_is_no_new_image_model_is_not_listed(changes: dict[str, Any]) -> None:
    assert listed(entry(**changes)) == []


def test_a_flood_of_models_is_bounded() -> None:
    flood = [entry(model=f"nova-{number}") for number in range(10_000)]
    assert len(listed(*flood)) == 200


def test_a_later_list_takes_the_place_of_the_former() -> None:
    catalog = bundled().with_prices([KNOWN, entry()], "2026-11-21")
    catalog = catalog.with_prices([KNOWN, entry(model="nova-3")], "2026-11-22")
    assert [model.slug for model in catalog.families[-1].models] == ["nova-3"]
    catalog = catalog.with_prices([KNOWN], "2026-11-23")
    assert catalog.families[-1].name != FAMILY


@pytest.mark.parametrize("status", ["inactive", "retired"])
def test_an_inactive_model_says_so(status: str) -> None:
    inactive = KNOWN | {"catalog_status": status}
    catalog = bundled().with_prices([inactive], "2026-11-21")
    model = catalog.find("z-image")
    assert (model.listing, model.remark) == (Listing.INACTIVE, "inactive")
    assert "z-image is marked inactive by the service" in model.warning


def test_an_inactive_model_that_is_not_described_is_listed_and_marked() -> None:
    flood = [entry(model=f"nova-{number}") for number in range(199)]
    old = [entry(model=f"old-{number}", catalog_status="off") for number in range(2)]
    catalog = bundled().with_prices([KNOWN, *old, *flood], "2026-11-21")
    model = catalog.find("old-0")
    assert (model.listing, model.described) == (Listing.INACTIVE, False)
    assert model.remark == "not described, inactive"
    # What is offered isn't left out for what isn't.
    assert len(catalog.families[-1].models) == 200
    assert all(catalog.get("text_to_image", new["model"]) for new in flood)


@pytest.mark.parametrize(
    "names",
    [
        ("files", "prepare", "x"),
        ("me", "balance", "x"),
        ("a/b", "text_to_image", "x"),
        ("nova", "../x", "x"),
        ("nova", "text_to_image", "x\ny"),
        ("nova", "text_to_image", "-x"),
        ("Nova", "text_to_image", "x"),
    ],
)
def test_no_name_leads_elsewhere(names: tuple[str, str, str]) -> None:
    with pytest.raises(NameProblem):
        undescribed(*names)


def test_one_name_with_two_actions_has_two_titles() -> None:
    items = [KNOWN, entry(), entry(action="edit_image")]
    catalog = bundled().with_prices(items, "2026-11-21")
    models = catalog.families[-1].models
    assert [(model.slug, model.title) for model in models] == [
        ("nova-2-pro", "nova-2-pro edit image"),
        ("nova-2-pro", "nova-2-pro text to image"),
    ]
