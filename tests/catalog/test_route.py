"""Which route a request takes, and how values move to the other."""

import itertools

import pytest

from tui.catalog.load import bundled
from tui.catalog.route import Api, choose, translate
from tui.catalog.spec import Model, RouteName, Values

BOTH = [model for model in bundled().models if len(model.routes) == 2]
ONE = [model for model in bundled().models if len(model.routes) == 1]
APIS: list[Api] = ["auto", "unified", "service"]
LEARNT: list[RouteName | None] = [None, "unified", "service"]


def named(model: Model) -> str:
    return f"{model.slug}-{model.action}"


def test_the_guides_families_have_both_routes() -> None:
    assert {model.service for model in BOTH} == {
        "flux_2",
        "flux_kontext",
        "imagen_4",
        "z_image",
    }
    assert {
        "flux-2-max-text-to-image",
        "flux-2-max-remix-image",
        "imagen-4-pro-remix-image",
    } <= {model.slug for model in ONE}


@pytest.mark.parametrize("model", ONE, ids=named)
@pytest.mark.parametrize(("api", "learnt"), itertools.product(APIS, LEARNT))
def test_one_route_is_taken_whatever_is_wished(
    model: Model, api: Api, learnt: RouteName | None
) -> None:
    assert choose(model, ["prompt"], api, learnt) == "service"


@pytest.mark.parametrize("model", BOTH, ids=named)
@pytest.mark.parametrize("learnt", LEARNT)
@pytest.mark.parametrize("api", ["unified", "service"])
def test_the_users_wish_comes_first(
    model: Model, api: Api, learnt: RouteName | None
) -> None:
    assert choose(model, ["prompt", "size", "seed"], api, learnt) == api


@pytest.mark.parametrize("model", BOTH, ids=named)
def test_unified_is_tried_until_another_is_learnt(model: Model) -> None:
    assert choose(model, ["prompt"]) == "unified"
    assert choose(model, ["prompt"], learnt="unified") == "unified"
    assert choose(model, ["prompt"], learnt="service") == "service"


@pytest.mark.parametrize("model", BOTH, ids=named)
@pytest.mark.parametrize("first", ["unified", "service"])
def test_a_param_that_only_one_route_knows_chooses_it(
    model: Model, first: RouteName
) -> None:
    other: RouteName = "service" if first == "unified" else "unified"
    only = [
        param.name
        for param in model.routes[other].params
        if not model.routes[first].param(param.name)
    ]
    for name in only:
        assert choose(model, ["prompt", name], "auto", first) == other
    for param in model.routes[first].params:
        assert choose(model, [param.name], "auto", first) == first


def test_a_param_that_no_route_knows_changes_nothing() -> None:
    model = bundled().find("z-image")
    assert choose(model, ["prompt", "nonsense"]) == "unified"
    assert choose(model, ["prompt", "nonsense"], learnt="service") == "service"
    assert choose(model, ["aspect_ratio", "nonsense"]) == choose(
        model, ["aspect_ratio"]
    )


@pytest.mark.parametrize(
    ("slug", "to", "values", "moved", "unplaced"),
    [
        (
            "imagen-4",
            "service",
            {"prompt": "a", "negative_prompt": "b"},
            {"prompt": "a", "negative_prompt": "b"},
            [],
        ),
        ("imagen-4", "unified", {"prompt": "a", "seed": 0}, {"prompt": "a"}, ["seed"]),
        (
            "flux-kontext-pro",
            "service",
            {"image_url": "x"},
            {"source_image_url": "x"},
            [],
        ),
        (
            "flux-kontext-pro",
            "unified",
            {"source_image_url": "x"},
            {"image_url": "x"},
            [],
        ),
        ("flux-kontext-pro", "unified", {"image_url": "x"}, {"image_url": "x"}, []),
        (
            "flux-kontext-max",
            "unified",
            {"watermark": "w", "safety_tolerance": 0},
            {},
            ["watermark", "safety_tolerance"],
        ),
        (
            "z-image",
            "service",
            {"prompt": "a", "size": "64x64"},
            {"prompt": "a"},
            ["size"],
        ),
        ("z-image", "unified", {"aspect_ratio": "1:1"}, {}, ["aspect_ratio"]),
        (
            "flux-2-pro-text-to-image",
            "unified",
            {"enable_safety_checker": False},
            {},
            ["enable_safety_checker"],
        ),
        (
            "flux-2-pro-remix-image",
            "service",
            {"source_image_urls": ["x"]},
            {"source_image_urls": ["x"]},
            [],
        ),
        (
            "flux-2-max-text-to-image",
            "service",
            {"output_count": 1},
            {"output_count": 1},
            [],
        ),
    ],
)
def test_values_move_to_the_other_route(
    slug: str, to: RouteName, values: Values, moved: Values, unplaced: list[str]
) -> None:
    before = dict(values)
    placed, rest = translate(bundled().find(slug), values, to)
    assert placed == moved
    assert list(rest) == unplaced
    assert values == before


def test_what_has_no_place_is_told_what_there_is() -> None:
    _, rest = translate(bundled().find("z-image"), {"size": "64x64"}, "service")
    assert rest == {
        "size": "This service's route has no parameter size. It takes prompt, aspect_ratio."
    }


@pytest.mark.parametrize("model", BOTH, ids=named)
def test_there_and_back_is_the_same(model: Model) -> None:
    values: Values = {
        param.name: param.title for param in model.routes["unified"].params
    }
    there, lost = translate(model, values, "service")
    back, none = translate(model, there, "unified")
    assert back == {name: value for name, value in values.items() if name not in lost}
    assert not none
