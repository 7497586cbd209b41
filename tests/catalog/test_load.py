"""The bundled families are coherent; broken family files are told with file and reason."""

import re
from datetime import date
from pathlib import Path

import pytest

from tui.catalog import request
from tui.catalog.load import (
    FAMILIES,
    Catalog,
    CatalogError,
    UnknownModel,
    bundled,
    load_family,
)
from tui.catalog.spec import Family, Kind, Model, Param, Price, Route, Rule, Values

ROUTES = [
    pytest.param(model, route, id=f"{model.slug}-{model.action}-{route.name}")
    for model in bundled().models
    for route in model.routes.values()
]
PARAMS = [
    pytest.param(param, id=f"{route.name}-{model.slug}-{model.action}-{param.name}")
    for model in bundled().models
    for route in model.routes.values()
    for param in route.params
]
NUMBERS = (Kind.INTEGER, Kind.NUMBER, Kind.INTEGERS)
TEXTS = (Kind.TEXT, Kind.LINE)


# ---- what ships


def test_the_four_families_are_there() -> None:
    assert {"flux_2", "flux_kontext", "imagen_4", "z_image"} <= {
        family.service for family in bundled().families
    }
    keys = [model.key for model in bundled().models]
    assert len(set(keys)) == len(keys)


def test_every_family_file_is_loaded() -> None:
    assert len(bundled().families) == len(list(FAMILIES.glob("*.toml")))


def test_titles_are_unique() -> None:
    titles = [model.title for model in bundled().models]
    assert len(set(titles)) == len(titles)


def test_listed_prices_have_a_date_and_cases_that_can_be_chosen() -> None:
    for model in bundled().models:
        if model.price is None:
            continue
        date.fromisoformat(model.price.as_of)
        assert model.price.cents > 0
        assert bool(model.price.by) == bool(model.price.cases)
        for route in model.routes.values():
            by = route.param(model.price.by) if model.price.by else None
            assert not model.price.by or by, (
                f"{model.slug} on {route.name}: no {model.price.by}"
            )
            if by:
                allowed = (
                    ("true", "false") if by.kind is Kind.BOOLEAN else map(str, by.enum)
                )
                assert set(model.price.cases) <= set(allowed)


@pytest.mark.parametrize("param", PARAMS)
def test_a_param_is_coherent(param: Param) -> None:
    assert param.help.strip()
    assert param.help.endswith(".")
    assert param.title
    if param.kind is Kind.CHOICE:
        assert len(param.enum) > 1
    elif param.kind is Kind.CONSTANT:
        assert param.enum == (param.default,)
    else:
        assert not param.enum
    assert len(set(param.enum)) == len(param.enum)
    if param.min is not None or param.max is not None:
        assert param.kind in NUMBERS + TEXTS
    if param.min is not None and param.max is not None:
        assert param.min <= param.max
    if param.min_items is not None or param.max_items is not None:
        assert param.kind in (Kind.IMAGES, Kind.INTEGERS)
    if param.pattern:
        assert param.kind in TEXTS
        assert re.search(param.pattern, param.example)


@pytest.mark.parametrize(("model", "route"), ROUTES)
def test_a_route_is_coherent(model: Model, route: Route) -> None:
    names = [param.name for param in route.params]
    assert len(set(names)) == len(names)
    assert "model" not in names
    assert not (
        set().union(*(rule.forbidden for rule in route.rules))
        & {p.name for p in route.params if p.required}
    )
    for rule in route.rules:
        touched = {
            *rule.when,
            *rule.forbidden,
            *rule.required,
            *rule.required_any,
            *rule.enum,
            *rule.min,
            *rule.max,
        }
        assert touched <= {*names, "model"}
        assert not set(rule.forbidden) & {*rule.required, *rule.required_any}
        for name, allowed in rule.enum.items():
            narrowed = route.param(name)
            assert narrowed
            assert set(allowed) <= set(narrowed.enum)


@pytest.mark.parametrize(("model", "route"), ROUTES)
def test_defaults_are_allowed(model: Model, route: Route) -> None:
    values = {
        param.name: param.default for param in route.params if param.default is not None
    }
    errors = request.check(model, route, values)
    assert not set(errors) & set(values)


@pytest.mark.parametrize(("model", "route"), ROUTES)
def test_a_prompt_alone_is_enough_unless_a_source_is_needed(
    model: Model, route: Route
) -> None:
    values: Values = {"prompt": "a fox in the snow"} if route.param("prompt") else {}
    sources = {
        param.name
        for param in route.params
        if param.kind in (Kind.IMAGE, Kind.IMAGES, Kind.TASK)
    }
    assert set(request.check(model, route, values)) <= sources


@pytest.mark.parametrize(("model", "route"), ROUTES)
def test_other_names_lead_to_the_other_route_and_back(
    model: Model, route: Route
) -> None:
    for param in route.params:
        if param.other:
            twins = [
                other.param(param.other)
                for other in model.routes.values()
                if other is not route
            ]
            assert [twin and twin.other for twin in twins] == [param.name]


def test_no_rule_of_a_family_file_is_lost() -> None:
    """A rule that names an unknown param would be kept nowhere."""
    for path in FAMILIES.glob("*.toml"):
        family = load_family(path)
        kept = {
            str(rule)
            for model in family.models
            for route in model.routes.values()
            for rule in route.rules
        }
        assert path.read_text(encoding="utf-8").count("[[rules]]") == len(kept)


def test_a_variant_is_known_by_its_plain_name() -> None:
    fast = bundled().find("imagen-4-fast").routes["service"].param("aspect_ratio")
    plain = bundled().find("imagen-4").routes["service"].param("aspect_ratio")
    assert fast
    assert plain
    assert set(fast.enum) - set(plain.enum) == {"auto"}


def test_a_rule_is_kept_only_where_a_route_has_its_params() -> None:
    kontext = bundled().find("flux-kontext-pro")
    assert kontext.routes["unified"].rules == ()
    assert len(kontext.routes["service"].rules) == 1


# ---- broken files

WHOLE = """
name = "F"
provider = "P"
service = "s"
[params.prompt]
kind = "text"
[[rules]]
required = ["prompt"]
[[models]]
slug = "m"
action = "a"
title = "M"
routes = { service = ["prompt"] }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "family.toml"


def refusal(file: Path) -> str:
    with pytest.raises(CatalogError) as caught:
        load_family(file)
    told = str(caught.value)
    assert told.startswith(f"{file}:")
    assert len(told) > len(f"{file}: ")
    return told


def test_the_whole_file_is_fine(file: Path) -> None:
    file.write_text(WHOLE)
    assert [model.slug for model in load_family(file).models] == ["m"]


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ('name = "F"', "name = [", ""),
        ('name = "F"', "", "name"),
        ('name = "F"', "name = 5", "name"),
        ('kind = "text"', 'kind = "prose"', "prose"),
        ('kind = "text"', "", "kind"),
        ('kind = "text"', 'kind = "text"\nmaximum = 5', "maximum"),
        ('kind = "text"', 'kind = "text"\nmin = "few"', "min"),
        ('"prompt"] }', '"promt"] }', "promt"),
        ("service = [", "direct = [", "direct"),
        ('slug = "m"', "", "slug"),
        ('required = ["prompt"]', 'needed = ["prompt"]', "needed"),
        ('required = ["prompt"]', "when = { prompt = 1.5 }", "when"),
        ('title = "M"', 'title = "M"\nprice = { by = "x" }', "cents"),
    ],
)
def test_a_broken_file_is_told_with_its_reason(
    file: Path, before: str, after: str, named: str
) -> None:
    assert before in WHOLE
    file.write_text(WHOLE.replace(before, after, 1))
    assert named in refusal(file)


def test_no_file_and_no_text(file: Path, tmp_path: Path) -> None:
    refusal(file)
    refusal(tmp_path)
    file.write_bytes(b"\xff\xfe\x00")
    refusal(file)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            'kind = "text"', 'kind = "line"\npattern = "["', id="a pattern that is none"
        ),
        pytest.param('kind = "text"', 'kind = "choice"', id="a choice of nothing"),
        pytest.param('{ service = ["prompt"] }', "{}", id="a model without a route"),
        pytest.param(
            'required = ["prompt"]',
            'required = ["promt"]',
            id="a rule on a param that is nowhere",
        ),
        pytest.param('["prompt"] }', '["prompt", "prompt"] }', id="a param twice"),
    ],
)
def test_a_file_that_would_fail_later_is_refused_at_once(
    file: Path, before: str, after: str
) -> None:
    assert before in WHOLE
    file.write_text(WHOLE.replace(before, after, 1))
    refusal(file)


# ---- finding a model


def family(*keys: tuple[str, str]) -> Family:
    models = tuple(
        Model(
            family="F",
            provider="P",
            service="s",
            action=action,
            slug=slug,
            title=slug,
            routes={"service": Route("service", ())},
        )
        for action, slug in keys
    )
    return Family(name="F", provider="P", service="s", about="", models=models)


TWINS = Catalog(
    (
        family(
            ("text_to_image", "flux-dev"),
            ("remix_image", "flux-dev"),
            ("text_to_image", "solo"),
        ),
    )
)


def test_a_slug_alone_finds_its_model() -> None:
    assert TWINS.find("solo").key == ("text_to_image", "solo")
    assert TWINS.find("solo", "text_to_image").slug == "solo"


def test_an_ambiguous_slug_asks_for_the_action() -> None:
    with pytest.raises(
        UnknownModel,
        match=r"--action \(text_to_image: .*, remix_image: price unknown\)",
    ):
        TWINS.find("flux-dev")
    assert TWINS.find("flux-dev", "remix_image").action == "remix_image"


def test_an_action_that_the_model_has_not_names_those_it_has() -> None:
    with pytest.raises(
        UnknownModel,
        match="flux-dev has no action upscale; it has text_to_image, remix_image",
    ):
        TWINS.find("flux-dev", "upscale")


def test_an_unknown_slug_names_near_ones() -> None:
    with pytest.raises(UnknownModel, match="Did you mean z-image"):
        bundled().find("zimage")
    with pytest.raises(UnknownModel, match=r"Did you mean .*imagen-4-ultra"):
        bundled().find("imagen4-ultra")


def test_a_slug_near_nothing_names_the_list() -> None:
    with pytest.raises(UnknownModel, match="runapi-tui models"):
        bundled().find("%%%%")


def test_get_takes_the_whole_key() -> None:
    assert TWINS.get("remix_image", "flux-dev")
    assert TWINS.get("upscale_image", "flux-dev") is None


def test_types_on_the_wire() -> None:
    types = {kind: Param(name="x", kind=kind).type for kind in Kind}
    assert types[Kind.TEXT] == types[Kind.IMAGE] == types[Kind.CHOICE] == "string"
    assert types[Kind.IMAGES] == types[Kind.INTEGERS] == "array"
    assert (types[Kind.INTEGER], types[Kind.NUMBER], types[Kind.BOOLEAN]) == (
        "integer",
        "number",
        "boolean",
    )
    assert Param(name="x", kind=Kind.CHOICE, enum=(1, 2)).type == "integer"
    assert Param(name="output_count", kind=Kind.INTEGER).title == "Output count"


def test_frozen() -> None:
    with pytest.raises(AttributeError):
        Price(cents=1).cents = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        Rule().why = "no"  # type: ignore[misc]
