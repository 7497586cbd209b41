"""What is sent beyond the catalog: as it is, marked, and never what acts by itself."""

import json
from typing import Any

import pytest

from tests.app import past
from tui.catalog import request
from tui.catalog.extra import (
    EXTRA,
    extra_of,
    parse_extra,
    shown,
    texts_in,
    unchecked,
)
from tui.catalog.load import bundled
from tui.catalog.price import estimate
from tui.catalog.reach import Reached, reached_by, texts_of, without_callbacks
from tui.catalog.route import choose, translate
from tui.catalog.spec import Model, Values
from tui.catalog.typed_values import parse_settings


def body(model: Model, values: Values, route: str = "service") -> Values:
    """The request's body, if the values pass the check."""
    taken = model.routes[route]  # type: ignore[index]
    assert not request.check(model, taken, values)
    return request.body(model, taken, values)


def errors(model: Model, values: Values) -> dict[str, str]:
    return request.check(model, model.routes["service"], values)


def test_an_unknown_parameter_is_sent_as_it_is() -> None:
    values: Values = {"prompt": "a fox", EXTRA: {"style": "ink", "deep": {"a": [1, 0]}}}
    sent = body(bundled().find("z-image"), values)
    assert (sent["style"], sent["deep"]) == ("ink", {"a": [1, 0]})
    assert EXTRA not in sent


def test_a_value_that_the_catalog_refuses_is_sent_as_it_is() -> None:
    model = bundled().find("z-image")
    values: Values = {"prompt": "a fox", "aspect_ratio": "9:17"}
    assert request.refused_by_catalog(model, model.routes["service"], values) == {
        "aspect_ratio"
    }
    assert body(model, unchecked(values, ["aspect_ratio"]))["aspect_ratio"] == "9:17"


def test_an_extra_value_takes_the_place_of_the_form_s() -> None:
    values: Values = {"prompt": "a fox", "aspect_ratio": "1:1"}
    values[EXTRA] = {"aspect_ratio": "9:17"}
    assert body(bundled().find("z-image"), values)["aspect_ratio"] == "9:17"


def test_what_the_catalog_demands_may_be_left_out_unchecked() -> None:
    model = bundled().find("recraft-remove-background")
    assert errors(model, {}) == {"source_image_url": "Required."}
    assert "source_image_url" not in body(model, {EXTRA: {"source_image_url": None}})


def test_a_default_is_not_sent_for_what_is_unchecked() -> None:
    model = bundled().find("z-image")
    sent = body(model, {"prompt": "a fox", EXTRA: {"aspect_ratio": None}})
    assert "aspect_ratio" not in sent


@pytest.mark.parametrize(
    ("extra", "problem"),
    [
        ([1], "Must be a JSON object"),
        ("ink", "Must be a JSON object"),
        ({"model": "dearer"}, "choose it by its name"),
        ({"": 1}, "can't be the name of a parameter"),
        ({"a b": 1}, "can't be the name of a parameter"),
        ({"a\x1b[2J": 1}, "can't be the name of a parameter"),
        ({EXTRA: 1}, "can't be the name of a parameter"),
        ({f"n{number}": 1 for number in range(101)}, "At most 100"),
        ({"lone": "\ud800"}, "JSON can't hold"),
        ({"number": float("nan")}, "JSON can't hold"),
        ({"number": [{"a": 2**63}]}, "number beyond 64 bits"),
        ({"number": -1e300}, "number beyond 64 bits"),
    ],
)
def test_what_is_no_extra_parameter_is_refused(extra: Any, problem: str) -> None:
    model = bundled().find("z-image")
    assert problem in errors(model, {"prompt": "a fox", EXTRA: extra})[EXTRA]


def test_deep_nesting_is_refused() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    assert texts_in(deep) == []
    model = bundled().find("z-image")
    assert errors(model, {"prompt": "a fox", EXTRA: {"deep": deep}})[EXTRA]


def test_files_are_uploaded_from_their_fields_alone() -> None:
    model = bundled().find("recraft-remove-background")
    values: Values = {EXTRA: {"source_image_url": "/etc/passwd"}}
    assert "takes URLs here" in errors(model, values)[EXTRA]
    values = {EXTRA: {"source_image_url": "https://example.org/a.png"}}
    assert not errors(model, values)


def test_a_broken_source_can_not_be_sent_unchecked() -> None:
    model = bundled().find("recraft-remove-background")
    values: Values = {"source_image_url": "https://example.org/a b.png"}
    assert not request.refused_by_catalog(model, model.routes["service"], values)


def test_its_price_is_not_known() -> None:
    model = bundled().find("z-image")
    assert estimate(model, {"prompt": "a fox"}).micro is not None
    assert estimate(model, {"prompt": "a fox", EXTRA: {"style": "ink"}}).micro is None


def test_extra_parameters_go_with_the_request_to_either_route() -> None:
    model = bundled().find("z-image")
    values: Values = {"prompt": "a fox", EXTRA: {"style": "ink"}}
    assert choose(model, values) == choose(model, {"prompt": "a fox"})
    for route in model.routes:
        assert translate(model, values, route) == (values, {})


def test_callbacks_among_them_are_named_before_anything_is_sent() -> None:
    model = bundled().find("z-image")
    address = "https://evil.example/hook"
    for extra in (
        {"callback_url": address},
        {"deep": [{"on": {"webhook": [address]}}]},
    ):
        values: Values = {"prompt": "a fox", EXTRA: extra}
        assert reached_by(model, values) == {Reached(address, False)}
        assert address in texts_of(values.values())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4", 4),
        ("true", True),
        ('"4"', "4"),
        ("[1, 2]", [1, 2]),
        ("4k", "4k"),
        ("NaN", "NaN"),
        ("[" * 50_000, "[" * 50_000),
        ("", ""),
    ],
)
def test_a_typed_value_is_json_or_text(text: str, value: object) -> None:
    assert parse_extra(text) == value


def test_words_of_a_command_line() -> None:
    model = bundled().find("z-image")
    words = ["+style=ink", "+n=3", "+aspect_ratio=1", '+={"deep": [1]}']
    _, values = parse_settings(model, words, "a fox")
    assert values == {
        "prompt": "a fox",
        EXTRA: {"style": "ink", "n": 3, "aspect_ratio": "1", "deep": [1]},
    }
    with pytest.raises(ValueError, match="JSON object"):
        parse_settings(model, ["+=[1]"], "a fox")


def test_unchecked_words_of_a_command_line() -> None:
    model = bundled().find("wan-2.7-image")
    words = ["seed=often", "style=ink"]
    with pytest.raises(ValueError, match="seed"):
        parse_settings(model, words, "a fox")
    _, values = parse_settings(model, words, "a fox", unchecked=True)
    assert extra_of(values) == {"seed": "often", "style": "ink"}


def test_people_read_what_is_not_checked() -> None:
    values: Values = {"aspect_ratio": "9:17"}
    values[EXTRA] = {"aspect_ratio": None, "style": "ink", "deep": [1]}
    assert dict(shown(values)) == {
        "aspect ratio": "9:17",
        "not checked": "aspect_ratio, style ink, deep [1]",
    }


def test_people_read_what_is_sent() -> None:
    values: Values = {"prompt": "a fox", EXTRA: {"prompt": "a dog"}}
    assert dict(shown(values)) == {"not checked": "prompt a dog"}
    assert past("", values=values).prompt == "a dog"


def test_a_request_without_them_is_as_before() -> None:
    model = bundled().find("z-image")
    sent = json.dumps(body(model, {"prompt": "a fox", "aspect_ratio": "1:1"}))
    assert EXTRA not in sent


def test_no_spelling_hides_a_callback() -> None:
    model = bundled().find("z-image")
    address = "https://evil.example/hook"
    spellings: list[Values] = [
        {"webhook_url": address, EXTRA: {"webhook_url": None}},
        {"webhook_url": address},
        {"callback_url": {"url": f" {address}\n"}},
        {EXTRA: {"on": {"notify": {"to": [address]}}}},
    ]
    for values in spellings:
        assert Reached(address, False) in reached_by(model, values)
        assert address in texts_of(values.values())
        assert address not in json.dumps(without_callbacks(values))


def test_a_renamed_parameter_keeps_its_value_on_the_other_route() -> None:
    model = bundled().find("flux-kontext-pro")
    values: Values = {EXTRA: {"image_url": "https://example.org/a.png", "style": 1}}
    moved, _ = translate(model, values, "service")
    assert extra_of(moved)["style"] == 1
    assert set(extra_of(moved)) == {"source_image_url", "style"}


def test_a_file_of_this_machine_is_no_extra_value_on_any_route() -> None:
    model = bundled().find("flux-kontext-pro")
    for route in model.routes.values():
        for name in ("image_url", "source_image_url"):
            values: Values = {"prompt": "a fox", EXTRA: {name: "/home/me/a.png"}}
            assert "takes URLs here" in request.check(model, route, values)[EXTRA]


def test_a_name_that_comes_twice_is_a_list() -> None:
    model = bundled().find("z-image")
    words = ["+loras=a", "+loras=b", "+n=1", "+n=2"]
    _, values = parse_settings(model, words, "a fox")
    assert extra_of(values) == {"loras": ["a", "b"], "n": [1, 2]}
