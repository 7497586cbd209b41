"""Commands go past the catalog: any model, action and parameter that the service knows."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.app import past
from tests.cli.test_run import Service
from tests.loopback import serving
from tests.tasks.faults import Ledger, booked, small_pictures
from tui.catalog.load import bundled
from tui.cli.output import task_facts
from tui.paths import folders
from tui.spending import quotes

NOVA = ("nova-2-pro", "a fox", "--service", "nova_2", "--action", "text_to_image")
KNOWN = {"service": "z_image", "action": "text_to_image", "model": "z-image"}
OLD = {
    "service": "imagen_4",
    "action": "text_to_image",
    "model": "imagen-4-fast",
    "catalog_status": "inactive",
}
NEW = {"service": "nova_2", "action": "text_to_image", "model": "nova-2-pro"}


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Service, Ledger]]:
    """A service that knows a model more than the catalog, and what it was sent."""
    small_pictures(monkeypatch)
    catalog = bundled().with_prices([KNOWN, NEW], "2026-11-21")
    app, book = booked(catalog, delay=0)
    ledger = Ledger(app)
    with serving(ledger) as url:
        yield Service(url, book), ledger


def bodies(ledger: Ledger) -> list[tuple[str, dict[str, Any]]]:
    return [(post.path, json.loads(post.body)) for post in ledger.posts]


def test_a_model_that_the_catalog_lacks(ledger: tuple[Service, Ledger]) -> None:
    service, sent = ledger
    words = ("-s", "style=ink", "-s", "strength=0.5")
    code, lines, told = service.run("generate", *NOVA, *words)
    assert code == 0, told
    assert (
        "not described by the catalog: none of it is checked. The price is not" in told
    )
    assert lines[0]["status"] == "completed"
    assert lines[0]["files"]
    assert bodies(sent) == [
        (
            "/api/v1/nova_2/text_to_image",
            {"model": "nova-2-pro", "prompt": "a fox", "style": "ink", "strength": 0.5},
        )
    ]


def test_it_is_sent_again_by_its_id(ledger: tuple[Service, Ledger]) -> None:
    service, sent = ledger
    _, lines, _ = service.run("generate", *NOVA, "-s", "style=ink", "--no-wait")
    code, lines, told = service.run("resume", lines[0]["id"])
    assert (code, lines[0]["status"]) == (0, "completed"), told
    assert len(sent.posts) == 1


def test_an_unknown_parameter_and_a_refused_value(
    ledger: tuple[Service, Ledger],
) -> None:
    service, sent = ledger
    code, _, told = service.run("generate", "z-image", "a fox", "-s", "+style=ink")
    assert code == 0, told
    assert "Not checked: style." in told
    code, _, told = service.run("generate", "z-image", "a fox", "-s", "style=ink")
    assert (code, len(sent.posts)) == (4, 1)
    assert "has no parameter style" in told
    assert "--unchecked sends it all the same" in told
    words = ("-s", "aspect_ratio=9:17", "-s", "style=ink", "--unchecked")
    service.run("generate", "z-image", "a fox", *words)
    # The service has the last word on it: here it refuses the ratio.
    assert bodies(sent)[1][1] == {
        "model": "z-image",
        "prompt": "a fox",
        "aspect_ratio": "9:17",
        "style": "ink",
    }


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nova-2-pro", "x", "--service", "nova_2"), "Give --action with --service"),
        (("x", "x", "--service", "../..", "--action", "a"), "name of a service"),
        (("x", "x", "--service", "me", "--action", "balance"), "no service"),
        (("a b", "x", "--service", "nova", "--action", "edit"), "name of a model"),
        (("z-image", "x", "-s", "+model=dearer"), "choose it by its name"),
        (("z-image", "x", "-s", "+=[1]"), "JSON object"),
        (
            ("z-image", "x", "--service", "nova_2", "--action", "text_to_image"),
            "z-image is in the catalog at the service z_image, not at nova_2",
        ),
        (("made-up", "x", "--action", "text_to_image"), "with --service and --action"),
    ],
)
def test_what_can_not_be_sent(
    ledger: tuple[Service, Ledger], words: tuple[str, ...], told: str
) -> None:
    service, sent = ledger
    code, lines, message = service.run("generate", *words)
    assert (code, lines, sent.posts) == (4, [], [])
    assert told in message


@pytest.mark.hands_over("prices-*.json")
def test_what_the_price_list_marks_as_inactive_is_sent_and_said(
    ledger: tuple[Service, Ledger],
) -> None:
    service, sent = ledger
    prices = json.dumps({"as_of": "2026-11-21", "price_schedules": [KNOWN, OLD]})
    quotes.save(folders().cache, service.url, quotes.PriceList(prices))
    warning = "imagen-4-fast is marked inactive by the service: it may be refused."
    for words in (("quote", "-p", "x"), ("generate", "-p", "x")):
        code, _, told = service.run(words[0], "imagen-4-fast", *words[1:])
        assert (code, warning in told) == (0, True), told
    assert len(sent.posts) == 1
    assert service.run("generate", "z-image", "x")[2] == ""


def test_a_quote_asks_for_what_would_be_sent(ledger: tuple[Service, Ledger]) -> None:
    service, _ = ledger
    code, lines, _ = service.run("quote", "z-image", "-p", "x", "-s", "+style=ink")
    assert (code, lines[0]["basis"], lines[0]["total_usd"]) == (0, "quoted", 0.1)
    code, lines, told = service.run("quote", "z-image", "-p", "x")
    assert (lines[0]["total_usd"], told) == (0.01, "")


def test_a_quote_says_what_is_not_checked(ledger: tuple[Service, Ledger]) -> None:
    service, _ = ledger
    words = ("quote", "z-image", "-p", "x", "-s")
    _, _, told = service.run(*words, "+style=ink")
    assert told.splitlines() == ["Not checked: style."]
    code, lines, told = service.run(*words, "aspect_ratio=2:1", "--unchecked")
    assert (code, lines[0]["total_usd"]) == (0, None)
    assert told.startswith("Not checked: aspect_ratio.\nNot quoted: ")


def test_a_task_is_what_was_sent(ledger: tuple[Service, Ledger]) -> None:
    service, _ = ledger
    words = ("z-image", "a fox", "-s", "+prompt=a dog", "-s", '+deep={"a": true}')
    _, lines, _ = service.run("generate", *words)
    task = lines[0]
    assert task["prompt"] == "a dog"
    assert task["not_checked"] == ["prompt", "deep"]
    assert "a-dog" in task["files"][0]
    for word in ("dog", "deep"):
        found = service.run("tasks", "--search", word)[1]
        assert [each["id"] for each in found] == [task["id"]]


def test_values_are_printed_as_json() -> None:
    values = {"prompt": "a fox", "n": True, "+": {"prompt": "a dog", "deep": [None]}}
    lines = [
        line.split(None, 1) for line in task_facts(past("", values=values)).splitlines()
    ]
    found = {line[0]: line[1] for line in lines if len(line) > 1}
    assert (found["n"], "prompt" in found) == ("true", False)
    assert found["+"] == '{"prompt": "a dog", "deep": [null]}'
