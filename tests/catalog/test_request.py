"""Values are judged and made into a body by one set of rules."""

import json
import math
from typing import Any

import pytest

from tests.catalog.models import model, param, route
from tui.catalog import request
from tui.catalog.load import bundled
from tui.catalog.spec import Model, Param, Presence, Rule, Value, Values


def check(of: Model, values: Values) -> dict[str, str]:
    return request.check(of, route(of), values)


def body(of: Model, values: Values) -> dict[str, Value]:
    return request.body(of, route(of), values)


TEXT = param("x", "text", min=3, max=5)
LINE = param("x", "line")
SIZE = param("x", "line", pattern="^[0-9]+x[0-9]+$", example="64x64")
CHOICE = param("x", "choice", enum=("a", "b"))
NUMBERS = param("x", "choice", enum=(1, 2, 4))
CONSTANT = param("x", "constant", enum=(1,), default=1)
INTEGER = param("x", "integer")
SEED = param("x", "integer", min=0, max=10)
NUMBER = param("x", "number")
STRENGTH = param("x", "number", min=0.1, max=1)
BOOLEAN = param("x", "boolean")
IMAGE = param("x", "image")
IMAGES = param("x", "images", min_items=2, max_items=3)
INTEGERS = param("x", "integers", min=1, max=9, max_items=2)
JSON = param("x", "json")
TASK = param("x", "task")


# ---- single values


@pytest.mark.parametrize(
    ("of", "value"),
    [
        (TEXT, "abc"),
        (TEXT, "abcde"),
        (TEXT, "ü家👩"),
        (LINE, "http://example.com"),
        (SIZE, "640x480"),
        (CHOICE, "b"),
        (NUMBERS, 4),
        (CONSTANT, 1),
        (INTEGER, -5),
        (SEED, 0),
        (SEED, 10),
        (NUMBER, 1),
        (NUMBER, -1.5),
        (STRENGTH, 0.1),
        (STRENGTH, 1),
        (BOOLEAN, False),
        (BOOLEAN, True),
        (IMAGE, "https://example.com/a.png"),
        (IMAGE, "~/a.png"),
        (IMAGES, ["a", "b"]),
        (IMAGES, ["a", "b", "c"]),
        (INTEGERS, [1, 9]),
        (JSON, [{"hex": "#fff", "ratio": 0.5}]),
        (TASK, "tsk_abc123"),
    ],
)
def test_good_values_are_sent_as_they_are(of: Param, value: Value) -> None:
    assert check(model(of), {"x": value}) == {}
    assert body(model(of), {"x": value}) == {"model": "model", "x": value}


@pytest.mark.parametrize(
    ("of", "value"),
    [
        (TEXT, "ab"),
        (TEXT, "abcdef"),
        (TEXT, 123),
        (TEXT, ["abc"]),
        (LINE, True),
        (SIZE, "640"),
        (SIZE, "640x480 px"),
        (SIZE, "640x480\n"),
        (CHOICE, "c"),
        (CHOICE, "A"),
        (CHOICE, 1),
        (CHOICE, ["a"]),
        (NUMBERS, 3),
        (NUMBERS, "1"),
        (NUMBERS, True),
        (NUMBERS, 1.0),
        (CONSTANT, 2),
        (CONSTANT, True),
        (INTEGER, True),
        (INTEGER, False),
        (INTEGER, 1.0),
        (INTEGER, "1"),
        (SEED, -1),
        (SEED, 11),
        (NUMBER, True),
        (NUMBER, "0.5"),
        (NUMBER, math.nan),
        (NUMBER, math.inf),
        (NUMBER, -math.inf),
        (STRENGTH, math.nan),
        (STRENGTH, 0.05),
        (STRENGTH, 1.01),
        (BOOLEAN, 1),
        (BOOLEAN, 0),
        (BOOLEAN, "yes"),
        (IMAGE, 5),
        (IMAGE, ["a"]),
        (IMAGES, "a"),
        (IMAGES, ["a"]),
        (IMAGES, ["a", "b", "c", "d"]),
        (IMAGES, ["a", " "]),
        (IMAGES, ["a", None]),
        (IMAGES, ["a", 5]),
        (INTEGERS, [0]),
        (INTEGERS, [1, 10]),
        (INTEGERS, [1, 2, 3]),
        (INTEGERS, [True]),
        (INTEGERS, [1.0]),
        (INTEGERS, 5),
        (JSON, "text"),
        (JSON, {"a": 1}),
        (JSON, 5),
        (JSON, [math.nan]),
        (JSON, {"a": math.inf}),
        (TASK, 5),
        (LINE, "lone \ud83d surrogate"),
        (TEXT, "a\udcffb"),
        (IMAGE, "caf\udce9.png"),
        (IMAGES, ["a", "\udcff"]),
        (JSON, ["\udcff"]),
    ],
)
def test_bad_values_are_told_in_a_sentence(of: Param, value: Value) -> None:
    errors = check(model(of), {"x": value})
    assert list(errors) == ["x"]
    assert errors["x"].endswith(".")


@pytest.mark.parametrize(
    ("of", "value", "told"),
    [
        (TEXT, "ab", "3 to 5 characters: this has 2."),
        (
            param("x", "text", max=5000),
            "x" * 5001,
            "At most 5,000 characters: this has 5,001.",
        ),
        (param("x", "text", min=3), "x", "At least 3 characters: this has 1."),
        (SEED, 11, "0 to 10: 11 is too high."),
        (param("x", "integer", min=1), 0, "At least 1: 0 is too low."),
        (CHOICE, "c", "c is not one of a, b."),
        (INTEGER, True, "True is not a whole number."),
        (SIZE, "big", "Must look like 64x64."),
        (
            param("x", "line", pattern="^[0-9]+$"),
            "big",
            "Doesn't have the required form.",
        ),
        (IMAGES, ["a"], "At least 2: this has 1."),
        (IMAGES, ["a"] * 4, "At most 3: this has 4."),
    ],
)
def test_what_is_wrong_is_said(of: Param, value: Value, told: str) -> None:
    assert check(model(of), {"x": value}) == {"x": told}


@pytest.mark.parametrize("empty", [None, "", "  ", "\n\t", []])
def test_blanks_are_never_sent_nor_judged(empty: Any) -> None:
    of = model(param("x", "integer"), param("y", "images"))
    assert check(of, {"x": empty, "y": empty, "nonsense": empty}) == {}
    assert body(of, {"x": empty, "y": empty}) == {"model": "model"}


def test_false_and_zero_are_sent() -> None:
    of = model(
        param("no", "boolean"), param("zero", "integer"), param("nought", "number")
    )
    assert body(of, {"no": False, "zero": 0, "nought": 0.0}) == {
        "model": "model",
        "no": False,
        "zero": 0,
        "nought": 0.0,
    }


def test_required_params_are_needed_unless_they_have_a_default() -> None:
    of = model(
        param("x", required=True),
        param("y", "choice", enum=("a", "b"), required=True, default="a"),
    )
    assert check(of, {}) == {"x": "Required."}
    assert check(of, {"x": "  "}) == {"x": "Required."}
    assert body(of, {"x": "1"}) == {"model": "model", "x": "1", "y": "a"}
    assert body(of, {"x": "1", "y": "b"})["y"] == "b"


def test_the_defaults_of_the_service_are_not_sent() -> None:
    of = model(
        param("x", "choice", enum=("a", "b"), default="a"), param("y", "constant")
    )
    assert body(of, {}) == {"model": "model"}


def test_a_constant_is_sent_unasked() -> None:
    assert body(model(CONSTANT), {}) == {"model": "model", "x": 1}


def test_an_unknown_param_names_the_nearest() -> None:
    of = model(param("aspect_ratio"))
    assert check(of, {"aspectratio": "1:1"}) == {
        "aspectratio": "Model has no parameter aspectratio. Did you mean aspect_ratio?"
    }
    assert check(of, {"zzz": 0}) == {"zzz": "Model has no parameter zzz."}
    assert "model" in check(of, {"model": "other"})


def test_the_body_is_in_the_order_of_the_route() -> None:
    of = model(param("a"), param("b"), param("c"))
    assert list(body(of, {"c": "3", "a": "1", "b": "2"})) == ["model", "a", "b", "c"]


# ---- rules

A, B, C = param("a"), param("b"), param("c")
SHAPE = param("shape", "choice", enum=("1:1", "2:1", "auto"))
COUNT = param("count", "integer", min=0, max=6)
PRO = param("pro", "boolean")


def ruled(*rules: Rule) -> Model:
    return model(A, B, C, SHAPE, COUNT, PRO, rules=rules)


@pytest.mark.parametrize(
    ("when", "values", "holds"),
    [
        ({}, {}, True),
        ({"a": "x"}, {"a": "x"}, True),
        ({"a": "x"}, {"a": "X"}, False),
        ({"a": "x"}, {}, False),
        ({"count": 1}, {"count": 1}, True),
        ({"count": 1}, {"count": True}, False),
        ({"count": 1}, {"count": 2}, False),
        ({"pro": True}, {"pro": True}, True),
        ({"pro": True}, {"pro": 1}, False),
        ({"pro": False}, {"pro": False}, True),
        ({"pro": False}, {}, False),
        ({"count": 0}, {"pro": False}, False),
        ({"a": Presence(True)}, {"a": "x"}, True),
        ({"a": Presence(True)}, {"a": " "}, False),
        ({"a": Presence(True)}, {}, False),
        ({"a": Presence(False)}, {}, True),
        ({"a": Presence(False)}, {"a": ""}, True),
        ({"a": Presence(False)}, {"a": "x"}, False),
        ({"pro": Presence(True)}, {"pro": False}, True),
        ({"count": Presence(True)}, {"count": 0}, True),
        ({"model": "model"}, {}, True),
        ({"model": "other"}, {}, False),
        ({"a": "x", "pro": True}, {"a": "x", "pro": True}, True),
        ({"a": "x", "pro": True}, {"a": "x"}, False),
    ],
)
def test_when_a_rule_holds(when: dict[str, Any], values: Values, holds: bool) -> None:
    of = ruled(Rule(when=when, forbidden=("c",)))
    assert ("c" in request.apply_rules(of, route(of), values).forbidden) is holds


def test_what_is_forbidden_is_an_error_with_the_reason_and_never_sent() -> None:
    of = ruled(
        Rule(when={"pro": True}, forbidden=("c",), why="Pro has no c."),
        Rule(forbidden=("b",)),
    )
    assert check(of, {"pro": True, "c": "x"}) == {"c": "Pro has no c."}
    assert check(of, {"pro": False, "c": "x"}) == {}
    assert body(of, {"pro": True, "c": "x", "b": "y"}) == {
        "model": "model",
        "pro": True,
    }
    assert check(of, {"b": "y"}) == {"b": "Not available here."}


def test_a_rule_without_words_of_its_own_says_its_condition() -> None:
    of = ruled(Rule(when={"a": Presence(True), "pro": True}, forbidden=("c",)))
    assert (
        check(of, {"a": "1", "pro": True, "c": "x"})["c"]
        == "Not available when a is set and pro is True."
    )


def test_what_is_forbidden_is_neither_needed_nor_sent_by_default() -> None:
    chosen = param("x", "choice", enum=("a", "b"), required=True, default="a")
    needed = param("y", required=True)
    of = model(
        chosen, needed, PRO, rules=(Rule(when={"pro": True}, forbidden=("x", "y")),)
    )
    assert check(of, {"pro": True}) == {}
    assert body(of, {"pro": True}) == {"model": "model", "pro": True}


def test_a_rule_may_demand() -> None:
    of = ruled(Rule(when={"a": Presence(True)}, required=("b", "c")))
    assert check(of, {}) == {}
    assert check(of, {"a": "x", "c": "y"}) == {"b": "Required when a is set."}
    assert check(of, {"a": "x", "b": "y", "c": "z"}) == {}


def test_a_rule_may_demand_one_of_several() -> None:
    of = ruled(Rule(required_any=("a", "b")))
    assert check(of, {}) == {"a": "Required: one of a, b."}
    assert check(of, {"b": "x"}) == {}
    assert check(of, {"a": "x", "b": "y"}) == {}


def test_a_rule_may_narrow() -> None:
    of = ruled(
        Rule(
            when={"pro": True},
            enum={"shape": ("1:1",)},
            min={"count": 2},
            max={"count": 4},
        )
    )
    assert check(of, {"shape": "auto", "count": 6}) == {}
    errors = check(of, {"pro": True, "shape": "auto", "count": 6})
    assert errors == {
        "shape": "auto is not one of 1:1.",
        "count": "2 to 4: 6 is too high.",
    }
    assert check(of, {"pro": True, "shape": "1:1", "count": 4}) == {}


def test_later_rules_win() -> None:
    of = ruled(
        Rule(max={"count": 2}, enum={"shape": ("1:1",)}),
        Rule(when={"pro": True}, max={"count": 5}),
    )
    assert "count" in check(of, {"count": 3})
    assert check(of, {"count": 5, "pro": True}) == {}
    assert "shape" in check(of, {"shape": "2:1", "pro": True})


def test_a_later_ban_wins_over_an_earlier_demand() -> None:
    of = ruled(Rule(required=("c",)), Rule(when={"pro": True}, forbidden=("c",)))
    assert check(of, {}) == {"c": "Required."}
    assert check(of, {"pro": True}) == {}


def test_a_default_that_will_be_sent_counts_as_chosen() -> None:
    """What `body` adds must be judged as if it had been typed."""
    shape = param("shape", "choice", enum=("1:1", "2:1"), required=True, default="1:1")
    of = model(shape, C, rules=(Rule(when={"shape": "1:1"}, forbidden=("c",)),))
    assert check(of, {"shape": "1:1", "c": "x"}) != {}
    assert check(of, {"c": "x"}) != {}


def test_a_default_that_a_rule_has_ruled_out_is_not_sent_unseen() -> None:
    shape = param("shape", "choice", enum=("1:1", "2:1"), required=True, default="1:1")
    of = model(shape, PRO, rules=(Rule(when={"pro": True}, enum={"shape": ("2:1",)}),))
    assert "shape" in check(of, {"pro": True})


def test_the_one_bundled_rule() -> None:
    kontext = bundled().find("flux-kontext-pro")
    service = kontext.routes["service"]
    editing: Values = {"prompt": "a", "source_image_url": "https://x/y.png"}
    assert request.check(kontext, service, {"prompt": "a", "safety_tolerance": 6}) == {}
    assert "safety_tolerance" in request.check(
        kontext, service, editing | {"safety_tolerance": 3}
    )
    assert request.check(kontext, service, editing | {"safety_tolerance": 2}) == {}


# ---- what people type


@pytest.mark.parametrize(
    ("of", "text", "meant"),
    [
        (TEXT, "  as it is\n", "  as it is\n"),
        (CHOICE, "a", "a"),
        (CHOICE, "none of them", "none of them"),
        (NUMBERS, "4", 4),
        (NUMBERS, "3", "3"),
        (CONSTANT, "1", 1),
        (INTEGER, " 12 ", 12),
        (INTEGER, "-3", -3),
        (NUMBER, "0.5", 0.5),
        (NUMBER, "1e-3", 0.001),
        (BOOLEAN, "yes", True),
        (BOOLEAN, "ON", True),
        (BOOLEAN, "false", False),
        (BOOLEAN, "0", False),
        (IMAGE, "~/a b.png", "~/a b.png"),
        (IMAGES, "a.png, b.png\nc.png\n", ["a.png", "b.png", "c.png"]),
        (IMAGES, "", []),
        (INTEGERS, "1, 2 3\n4", [1, 2, 3, 4]),
        (JSON, '{"a": [1, null]}', {"a": [1, None]}),
        (TASK, "tsk_1", "tsk_1"),
    ],
)
def test_typed_text_is_understood(of: Param, text: str, meant: Value) -> None:
    understood = request.parse(of, text)
    assert understood == meant
    assert type(understood) is type(meant)


@pytest.mark.parametrize(
    ("of", "text"),
    [
        (INTEGER, ""),
        (INTEGER, "1.5"),
        (INTEGER, "many"),
        (INTEGER, "1e3"),
        pytest.param(INTEGER, "9" * 400, id="400 digits"),
        pytest.param(INTEGER, "9" * 9000, id="9000 digits"),
        (NUMBER, "nan"),
        (NUMBER, "inf"),
        (NUMBER, "-Infinity"),
        (NUMBER, "1e999"),
        (NUMBER, "half"),
        (BOOLEAN, "maybe"),
        (BOOLEAN, ""),
        (INTEGERS, "1, two"),
        (JSON, "{"),
        (JSON, "NaN"),
        (JSON, "[Infinity]"),
        (JSON, '{"a": 1e999}'),
        pytest.param(JSON, "[" * 100_000, id="deep"),
    ],
)
def test_what_cannot_be_meant_is_told_in_a_sentence(of: Param, text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$") as caught:
        request.parse(of, text)
    assert type(caught.value) is ValueError


def test_a_trailing_comma_is_no_mistake() -> None:
    assert request.parse(INTEGERS, "1, 2, ") == [1, 2]


def test_a_url_with_a_comma_stays_whole() -> None:
    one, two = "https://img.example/w_200,h_100/a.png", "b.png"
    assert request.parse(IMAGES, f"{one}\n{two}") == [one, two]


def test_every_bundled_choice_can_be_typed() -> None:
    for each in bundled().models:
        for way in each.routes.values():
            for of in way.params:
                for value in of.enum:
                    assert request.parse(of, str(value)) == value
                    json.dumps(value)
