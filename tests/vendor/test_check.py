"""What the command says, and how it ends."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.catalog.models import model, param
from tests.loopback import serving
from tests.vendor.check import (
    DIFFERS,
    OK,
    UNREACHABLE,
    Check,
    Pins,
    load_pins,
    package_of,
)
from tests.vendor.differences import Difference, Entry, load_accepted, sort
from tests.vendor.made import Shelf, make_wheel, wheel
from tests.vendor.packages import PackageError, PipIndex
from tests.vendor.price_list import (
    PriceListError,
    compare_price_list,
    compare_prices,
    fetch_price_list,
)
from tui.catalog.load import Catalog, bundled
from tui.catalog.spec import Family, Price
from tui.demo.service import create_app

CATALOG = Catalog(
    (
        Family(
            name="Family",
            provider="Provider",
            service="service",
            about="",
            models=(
                model(param("prompt", "text", required=True), price=Price(cents=4)),
            ),
        ),
    )
)
CONTRACT = {
    "text-to-image": {
        "models": ["model"],
        "fields_by_model": {"model": {"prompt": {"required": True}}},
    }
}
LOOSER = {"text-to-image": {"models": ["model"], "fields_by_model": {}}}
TOLD = "service/text_to_image/model prompt required: vendor no, catalog yes"
ITEM = {
    "service": "service",
    "action": "text_to_image",
    "model": "model",
    "catalog_status": "active",
    "unit_price_cents": 4,
}


def no_prices() -> list[dict[str, Any]]:
    raise PriceListError("no price list from https://example.com (ConnectError)")


def run(
    *wheels: Any,
    accepted: list[Entry] | None = None,
    pinned: str = "2",
    items: list[dict[str, Any]] | None = None,
) -> tuple[int, str]:
    said: list[str] = []
    check = Check(
        catalog=CATALOG,
        index=Shelf(runapi_service=list(wheels)) if wheels else Shelf(),
        pins=Pins("2026-11-28", {"runapi-service": pinned}),
        accepted=accepted or [],
        fetch_prices=no_prices if items is None else lambda: items,
    )
    code = check.run(said.append)
    return code, "\n".join(said)


def test_the_newest_contract_counts_and_a_missing_network_is_said() -> None:
    code, said = run(wheel("2"), wheel("1", CONTRACT), wheel("0", LOOSER))
    assert code == OK
    assert "runapi-service 2, contract of 1" in said
    assert "live price list was not compared: no price list from https://" in said
    assert said.endswith("0 differences are new, 0 are accepted.")


def test_a_difference_is_told_unless_it_is_accepted() -> None:
    code, said = run(wheel("2", LOOSER))
    assert (code, f"\n  {TOLD}\n" in said) == (DIFFERS, True)
    entry = Entry("service/* prompt required: vendor no, catalog yes", "a reason")
    code, said = run(wheel("2", LOOSER), accepted=[entry])
    assert (code, TOLD in said) == (OK, False)
    assert said.endswith("0 differences are new, 1 are accepted.")


def test_an_entry_that_fits_nothing_is_named_and_no_fault() -> None:
    gone = Entry("service/* seed max: vendor 1, catalog 2", "a reason")
    of_prices = Entry("price list *", "a reason", needs_network=True)
    code, said = run(wheel("2", CONTRACT), accepted=[gone, of_prices])
    assert code == OK
    assert f"not there any more\n  {gone.difference}\n" in said
    assert of_prices.difference not in said
    _, said = run(wheel("2", CONTRACT), accepted=[of_prices], items=[ITEM])
    assert of_prices.difference in said


def test_a_newer_package_is_named_with_its_release_page() -> None:
    newer = wheel("3", CONTRACT, release_page="https://vendor.example/v3")
    code, said = run(newer)
    assert code == DIFFERS
    assert "runapi-service 3 (looked at: 2): https://vendor.example/v3" in said
    assert "the last time was 2026-11-28" in said


def test_a_package_that_can_not_be_had_is_no_agreement() -> None:
    code, said = run()
    assert code == UNREACHABLE
    assert "runapi-service: pip index runapi-service: no such package" in said


def test_a_text_of_the_vendors_is_no_sequence_for_the_terminal() -> None:
    _, said = run(wheel("\x1b[31m3", CONTRACT))
    assert "\x1b" not in said


# The live price list


def test_models_are_compared_in_both_directions() -> None:
    def told(*items: dict[str, Any]) -> list[str]:
        return sorted(map(str, compare_price_list(list(items), CATALOG)))

    place = "price list service/text_to_image/model"
    assert told(ITEM) == []
    assert told() == [f"{place} model: vendor no, catalog yes"]
    assert told(ITEM | {"catalog_status": "inactive"}) == [
        f"{place} model: vendor inactive, catalog yes"
    ]
    assert told(ITEM, ITEM | {"model": "newer"}) == [
        "price list service/text_to_image/newer model: vendor active, catalog no"
    ]
    assert told(ITEM, ITEM | {"action": "text_to_video"}) == []
    assert told(ITEM, {"odd": 1}, {}) == []


def test_changed_prices_are_news_and_no_difference() -> None:
    assert list(compare_prices([ITEM], CATALOG)) == []
    (line,) = compare_prices([ITEM | {"unit_price_cents": 5}], CATALOG)
    assert line == "price list service/text_to_image/model: 4 cents, now 5"
    code, said = run(wheel("2", CONTRACT), items=[ITEM | {"unit_price_cents": 5}])
    assert (code, line in said) == (OK, True)


def test_the_embedded_service_lists_what_the_catalog_has() -> None:
    with serving(create_app(bundled(), delay=0)) as url:
        items = fetch_price_list(url)
    priced = {model.slug for model in bundled().models if model.price}
    missing = [difference.place for difference in compare_price_list(items, bundled())]
    assert items
    assert not [slug for slug in priced if any(slug in place for place in missing)]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "nowhere", ""])
def test_no_service_is_no_price_list(url: str) -> None:
    with pytest.raises(PriceListError, match="no price list from"):
        fetch_price_list(url)


# pip


def test_pip_is_asked_for_versions_and_wheels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def pip(words: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append(words)
        if "download" in words:
            folder = Path(words[words.index("--dest") + 1])
            folder.mkdir()
            make_wheel(folder, "CONTRACT = {}")
        said = "runapi-z-image (1.0)\nAvailable versions: 1.0, 0.9\n"
        return subprocess.CompletedProcess(words, 0, said, "")

    monkeypatch.setattr(subprocess, "run", pip)
    index = PipIndex(tmp_path)
    assert index.versions("runapi-z-image") == ["1.0", "0.9"]
    assert index.wheel("runapi-z-image", "1.0").contract == {}
    assert index.wheel("runapi-z-image", "1.0").contract == {}  # kept
    assert len(asked) == 2
    assert "--no-deps" in asked[1]


def test_what_pip_says_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pip(words: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        said = "WARNING: slow\nERROR: No matching distribution"
        return subprocess.CompletedProcess(words, 1, "", said)

    monkeypatch.setattr(subprocess, "run", pip)
    with pytest.raises(PackageError, match="ERROR: No matching distribution"):
        PipIndex(tmp_path).versions("runapi-nothing")


# The files


def test_each_family_has_its_package_in_the_pins() -> None:
    services = {family.service for family in bundled().families}
    assert set(load_pins().packages) == set(map(package_of, services))


def test_each_accepted_difference_has_a_reason(tmp_path: Path) -> None:
    entries = load_accepted()
    assert entries
    assert len({entry.difference for entry in entries}) == len(entries)
    file = tmp_path / "accepted.toml"
    file.write_text('[[accepted]]\ndifference = "x"\nreason = " "\n')
    with pytest.raises(ValueError, match="no reason is given for: x"):
        load_accepted(file)


def test_only_a_star_stands_for_anything() -> None:
    difference = Difference("a/b.c x", "enum", "1 [2]", "any")
    assert Entry("a/*.c x enum: vendor 1 [2], catalog *", "").fits(difference)
    assert not Entry("a/b?c x enum: vendor 1 [2], catalog any", "").fits(difference)
    assert not Entry("a/b.c x enum", "").fits(difference)
    result = sort([difference, difference], [])
    assert (result.new, result.accepted, result.unused) == ([difference], [], [])
