"""Each kind of fact that may differ is found, and named in one line."""

from typing import Any

import pytest

from tests.catalog.models import model, param
from tests.vendor.compare import by_service, compare_family
from tests.vendor.made import wheel
from tui.catalog.load import bundled
from tui.catalog.spec import Family, Model, Param, Presence, Rule

SHAPES = ("auto", "1:1", "2:1")


def family(*models: Model) -> Family:
    return Family(
        name="Family", provider="Provider", service="service", about="", models=models
    )


def contract(
    fields: dict[str, Any], *rules: dict[str, Any], **more: Any
) -> dict[str, Any]:
    action = {
        "models": ["model"],
        "fields_by_model": {"model": fields},
        "rules": [*rules],
    }
    return {"text-to-image": action | more}


def differences(ours: Model, theirs: dict[str, Any] | None, **facts: Any) -> list[str]:
    found = compare_family(family(ours), wheel("2", **facts), theirs)
    return sorted(map(str, found))


PLACE = "service/text_to_image/model"


def of_param(ours: Param, field: dict[str, Any]) -> list[str]:
    return differences(model(ours), contract({"x": field}))


@pytest.mark.parametrize(
    ("ours", "field", "told"),
    [
        (param("x", required=True), {}, "x required: vendor no, catalog yes"),
        (param("x"), {"required": True}, "x required: vendor yes, catalog no"),
        (param("x", "integer"), {}, "x type: vendor other, catalog integer"),
        (param("x"), {"type": "integer"}, "x type: vendor integer, catalog other"),
        (
            param("x", "choice", enum=("a", "b")),
            {"enum": ["a", "c"]},
            "x enum: vendor a c, catalog a b",
        ),
        (param("x", "choice", enum=("a",)), {}, "x enum: vendor any, catalog a"),
        (param("x", max=9), {"max": 8, "length": True}, "x max: vendor 8, catalog 9"),
        (
            param("x", "integer", min=0),
            {"type": "integer"},
            "x min: vendor any, catalog 0",
        ),
        (
            param("x", "images", max_items=8),
            {"max_items": 9},
            "x max_items: vendor 9, catalog 8",
        ),
        (param("y"), {"max": 8}, "x param: vendor yes, catalog no"),
        (param("x"), {"format": "z"}, "x contract key format: vendor yes"),
    ],
)
def test_a_fact_of_a_param(ours: Param, field: dict[str, Any], told: str) -> None:
    (found,) = of_param(ours, field)
    assert found.startswith(f"{PLACE} {told}")


@pytest.mark.parametrize(
    ("ours", "field"),
    [
        (param("x", required=True, min=1), {"required": True}),
        (param("x"), {"min": 0, "length": True}),
        (param("x", "images", min_items=1, required=True), {"required": True}),
        (param("x", "choice", enum=("a", "b")), {"enum": ["b", "a"]}),
        (
            param("x", "choice", enum=(1, 2)),
            {"enum": [1, 2], "type": "integer"},
        ),
        (param("x", "boolean"), {}),
    ],
)
def test_what_means_the_same_is_no_difference(
    ours: Param, field: dict[str, Any]
) -> None:
    assert of_param(ours, field) == []


def test_what_is_forbidden_for_a_model_is_not_there() -> None:
    rule = {"when": {"model": "model"}, "forbidden": ["x"]}
    theirs = contract({"x": {"enum": ["a"]}}, rule)
    assert differences(model(param("y")), theirs) == []
    assert differences(model(param("x")), theirs) == [
        f"{PLACE} x param: vendor forbidden, catalog yes"
    ]


def test_models_and_actions_of_one_side() -> None:
    other = {"models": ["newer"], "fields_by_model": {}}
    assert differences(model(), {"text-to-image": other, "edit-image": other}) == [
        "service/edit_image action: vendor yes, catalog no",
        f"{PLACE} model: vendor no, catalog yes",
        "service/text_to_image/newer model: vendor yes, catalog no",
    ]
    assert differences(
        model(), None, endpoints=frozenset({("service", "x")}), samples={"newest"}
    ) == [
        "service contract: vendor none, catalog described",
        "service sample newest model: vendor yes, catalog no",
        "service/text_to_image action: vendor no, catalog yes",
        "service/x action: vendor yes, catalog no",
    ]


# Rules


def shaped(*rules: Rule) -> Model:
    return model(
        param("shape", "choice", enum=SHAPES),
        param("size", "choice", enum=("1k", "4k")),
        rules=rules,
    )


FIELDS = {"shape": {"enum": [*SHAPES]}, "size": {"enum": ["1k", "4k"]}}
FORBIDDING = (
    {"when": {"shape": "auto", "size": "4k"}, "forbidden": ["shape"]},
    {"when": {"shape": {"present": False}, "size": "4k"}, "forbidden": ["size"]},
)
SAYING_WHAT_IS_ALLOWED = Rule(
    when={"size": "4k"}, required=("shape",), enum={"shape": ("1:1", "2:1")}
)


def test_rules_that_say_the_same_in_other_words_are_no_difference() -> None:
    ours = shaped(SAYING_WHAT_IS_ALLOWED)
    assert differences(ours, contract(FIELDS, *FORBIDDING)) == []


def test_a_rule_of_one_side_is_told_with_the_values_that_it_refuses() -> None:
    told = [
        f"{PLACE} with shape=auto size=4k: vendor",
        f"{PLACE} with size=4k: vendor",
    ]
    assert differences(shaped(), contract(FIELDS, *FORBIDDING)) == [
        f"{line} refuses, catalog takes" for line in told
    ]
    assert differences(shaped(SAYING_WHAT_IS_ALLOWED), contract(FIELDS)) == [
        f"{line} takes, catalog refuses" for line in told
    ]


def test_one_of_several_params_that_must_be_there() -> None:
    ours = model(
        param("url", "image"),
        param("task", "task"),
        rules=(
            Rule(required_any=("url", "task")),
            Rule(when={"url": Presence(True)}, forbidden=("task",)),
        ),
    )
    any_of = {"required_any": ["url", "task"]}
    both = {"when": {"url": {"present": True}}, "forbidden": ["task"]}
    back = {"when": {"task": {"present": True}}, "forbidden": ["url"]}
    assert differences(ours, contract({}, any_of, both, back)) == []
    assert differences(ours, contract({}, both)) == [
        f"{PLACE} with nothing else: vendor takes, catalog refuses"
    ]


def test_rules_of_other_models_and_unknown_words() -> None:
    other = {"when": {"model": "other"}, "forbidden": ["shape"]}
    odd = {"when": {"size": "4k"}, "warns": ["shape"]}
    assert differences(shaped(), contract(FIELDS, other, odd)) == [
        f"{PLACE} rule key warns: vendor yes, catalog not understood"
    ]


def test_every_family_of_the_catalog_can_be_judged() -> None:
    for service, ours in by_service(bundled().families).items():
        newest = wheel(
            "1", endpoints=frozenset((service, one.action) for one in ours.models)
        )
        theirs: dict[str, Any] = {}
        for one in ours.models:
            action = theirs.setdefault(
                one.action.replace("_", "-"), {"models": [], "fields_by_model": {}}
            )
            action["models"].append(one.slug)
        found = list(compare_family(ours, newest, theirs))
        assert all(difference.place.startswith(service) for difference in found)
        assert not [one for one in found if one.fact in ("action", "model", "rules")]
