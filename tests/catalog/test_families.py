"""Every family that ships: how many there are, how they read, and what their routes let
through.
"""

import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import date
from math import inf, nextafter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.catalog.validator import faults, ruled
from tui.catalog import request
from tui.catalog.load import FAMILIES, bundled
from tui.catalog.spec import Family, Kind, Model, Param, Route, Values

QUICK = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
FILES = sorted(FAMILIES.glob("*.toml"))
MODELS = [
    pytest.param(model, id=f"{model.slug}-{model.action}") for model in bundled().models
]
ROUTES = [
    pytest.param(model, route, id=f"{model.slug}-{model.action}-{route.name}")
    for model in bundled().models
    for route in model.routes.values()
]
NAMES = sorted(
    {
        param.name
        for model in bundled().models
        for route in model.routes.values()
        for param in route.params
    }
)
SOURCES = (Kind.IMAGE, Kind.IMAGES, Kind.TASK)
"""What nobody but the user can have a starting value for."""


# ---- how many


def test_all_models_are_there() -> None:
    assert len(bundled().families) == 21
    assert len(bundled().models) == 72
    assert len({model.key for model in bundled().models}) == 72
    assert len({model.slug for model in bundled().models}) == 63


def test_eight_slugs_need_their_action() -> None:
    counted = Counter(model.slug for model in bundled().models)
    assert {slug: count for slug, count in counted.items() if count > 1} == {
        "flux-dev": 2,
        "flux-pro": 2,
        "gpt-image-1.5": 2,
        "gpt-image-2": 2,
        "gpt-image-2.5-flare": 2,
        "gpt-image-2.5-sunburst": 2,
        "grok-imagine-image-2-0": 3,
        "nano-banana-2-lite": 2,
    }


def test_actions() -> None:
    assert Counter(model.action for model in bundled().models) == {
        "text_to_image": 37,
        "edit_image": 20,
        "remix_image": 9,
        "upscale_image": 2,
        "decompose_layers": 1,
        "reframe_image": 1,
        "remove_background": 1,
        "segment_map": 1,
    }


def test_every_model_has_the_service_route_and_four_families_the_other() -> None:
    assert all("service" in model.routes for model in bundled().models)
    unified = {model.service for model in bundled().models if "unified" in model.routes}
    assert unified == {"flux_2", "flux_kontext", "imagen_4", "z_image"}


def test_nineteen_models_have_no_listed_price() -> None:
    assert sum(model.price is None for model in bundled().models) == 19


# ---- how they read


@pytest.mark.parametrize(
    "family", [pytest.param(family, id=family.service) for family in bundled().families]
)
def test_a_family_is_told_in_one_line(family: Family) -> None:
    assert family.about.endswith(".")
    assert len(family.about) <= 60
    assert family.name
    assert family.provider
    assert family.models


def test_names_are_unique() -> None:
    families = [family.name.casefold() for family in bundled().families]
    titles = [model.title.casefold() for model in bundled().models]
    services = [family.service for family in bundled().families]
    for names in (families, titles, services):
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("model", MODELS)
def test_a_model_is_told_in_few_words(model: Model) -> None:
    assert model.about.endswith(".")
    assert len(model.about) <= 44
    assert 0 < len(model.title) <= 27


@pytest.mark.parametrize(("model", "route"), ROUTES)
def test_every_param_is_explained(model: Model, route: Route) -> None:
    for param in route.params:
        assert param.help.endswith("."), param.name
        assert len(param.help) <= 110, param.name
        assert param.kind not in SOURCES or param.label, f"{param.name} needs a label"


@pytest.mark.parametrize(("model", "route"), ROUTES)
def test_the_needed_come_first_and_the_rare_last(model: Model, route: Route) -> None:
    places = [2 if param.more else 0 if param.required else 1 for param in route.params]
    assert places == sorted(places)
    assert route.params[-1].name == "callback_url" or not any(
        param.more for param in route.params
    )


@pytest.mark.parametrize(("model", "route"), ROUTES)
def test_only_what_the_user_alone_has_must_be_filled_in(
    model: Model, route: Route
) -> None:
    errors = request.check(
        model, route, {"prompt": "a fox in the snow"} if route.param("prompt") else {}
    )
    needed = {
        param.name for param in route.params if param.required and param.kind in SOURCES
    }
    needed |= {rule.required_any[0] for rule in route.rules if rule.required_any}
    assert set(errors) == needed


@pytest.mark.parametrize("model", MODELS)
def test_a_price_covers_every_value_that_it_depends_on(model: Model) -> None:
    if model.price is None or not model.price.by:
        return
    for route in model.routes.values():
        by = route.param(model.price.by)
        assert by
        values = (
            {"true", "false"}
            if by.kind is Kind.BOOLEAN
            else {str(value) for value in by.enum}
        )
        assert set(model.price.cases) == values
        assert model.price.cents in model.price.cases.values()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_holds_what_is_used_and_no_more(path: Path) -> None:
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    used = {
        key
        for model in raw["models"]
        for keys in model["routes"].values()
        for key in keys
    }
    assert used == set(raw["params"])
    assert path.stem == raw["service"].replace("_", "-")
    assert ("prices_as_of" in raw) is any("price" in model for model in raw["models"])
    if "prices_as_of" in raw:
        date.fromisoformat(raw["prices_as_of"])


def test_one_input_has_one_name_and_one_wording_where_nothing_differs() -> None:
    for name in ("callback_url", "enable_safety_checker", "enable_prompt_expansion"):
        params = [
            param
            for model in bundled().models
            if (param := model.routes["service"].param(name))
        ]
        assert (
            len({(param.kind, param.title, param.help, param.more) for param in params})
            == 1
        )


# ---- what they let through


def good(param: Param) -> st.SearchStrategy[Any]:
    """Values that `param` allows, those at its bounds among them."""
    low, high = param.min, param.max
    match param.kind:
        case Kind.CHOICE | Kind.CONSTANT:
            return st.sampled_from(param.enum)
        case Kind.BOOLEAN:
            return st.booleans()
        case Kind.INTEGER:
            return st.integers(_whole(low), _whole(high))
        case Kind.NUMBER:
            return st.floats(low, high, allow_nan=False, allow_infinity=False)
        case Kind.IMAGE:
            return image()
        case Kind.IMAGES:
            fewest, most = param.min_items or 1, param.max_items
            some = st.lists(image(), min_size=fewest, max_size=min(most or 3, 3))
            return (
                some | st.just([f"{each}.png" for each in range(most)])
                if most
                else some
            )
        case Kind.INTEGERS:
            return st.lists(
                st.integers(_whole(low), _whole(high)),
                min_size=param.min_items or 1,
                max_size=4,
            )
        case Kind.JSON:
            entries = st.dictionaries(
                st.text(max_size=4), st.integers(), max_size=2
            ) | st.lists(st.integers())
            return st.lists(entries, min_size=1, max_size=3)
        case _ if param.pattern:
            return st.just(param.example)
        case _:
            return words(_whole(low) or 1, _whole(high))


def image() -> st.SearchStrategy[str]:
    return st.sampled_from(["https://files.example/a.png", "~/fox.webp", "./a b.jpg"])


def words(fewest: int, most: int | None) -> st.SearchStrategy[str]:
    some = st.text(min_size=fewest, max_size=fewest + 8).filter(
        lambda text: not request.blank(text)
    )
    return some | st.sampled_from(["x" * fewest, "x" * most]) if most else some


def bad(param: Param) -> Iterator[Any]:
    """Values that `param` refuses: of another type, or one step beyond its bounds."""
    low, high = _whole(param.min), _whole(param.max)
    match param.kind:
        case Kind.CHOICE | Kind.CONSTANT:
            yield from ("no such value", 2.5, True, [param.enum[0]])
            yield (
                str(param.enum[0])
                if isinstance(param.enum[0], int)
                else param.enum[0] + " "
            )
        case Kind.BOOLEAN:
            yield from ("yes", "true", 0, 1)
        case Kind.INTEGER:
            yield from ("1", 1.5, True, [1])
            yield from _beside(low, high)
        case Kind.NUMBER:
            yield from ("0.5", False, [0.5])
            if param.min is not None:
                yield nextafter(param.min, -inf)
            if param.max is not None:
                yield nextafter(param.max, inf)
        case Kind.IMAGE:
            yield from (1, True, ["https://files.example/a.png"])
        case Kind.IMAGES:
            yield from ("https://files.example/a.png", [1], [" "], ["a.png", None])
            few, many = param.min_items or 0, param.max_items
            if few > 1:
                yield ["a.png"] * (few - 1)
            if many is not None:
                yield ["a.png"] * (many + 1)
        case Kind.INTEGERS:
            yield from (1, "1 2", ["1"], [1.5], [True])
            yield from ([beside] for beside in _beside(low, high))
        case Kind.JSON:
            yield from ("[]", 1, True)
        case _:
            yield from (1, True, ["words"])
            if low is not None and low > 1:
                yield "x" * (low - 1)
            if high is not None:
                yield "x" * (high + 1)
            if param.pattern:
                yield f"{param.example}!"


def _whole(bound: float | None) -> int | None:
    return None if bound is None else int(bound)


def _beside(low: int | None, high: int | None) -> Iterator[int]:
    if low is not None:
        yield low - 1
    if high is not None:
        yield high + 1


def complete(model: Model, route: Route, values: Values) -> dict[str, Any]:
    """The body that should be sent: what was given, and what is sent without being
    asked for.
    """
    unasked = {
        param.name: param.default
        for param in route.params
        if param.default is not None and (param.required or param.kind is Kind.CONSTANT)
    }
    return {"model": model.slug, **unasked, **values}


@st.composite
def allowed(draw: st.DrawFn, model: Model, route: Route) -> Values:
    """Values that may be sent: the needed ones, and any of the others."""
    values: Values = {}
    for param in route.params:
        if (param.required and param.default is None) or draw(st.booleans()):
            values[param.name] = draw(good(param))
    # What the values demand of each other may ask for less, or for something else.
    for name in sorted(faults(route, complete(model, route, values))):
        values.pop(name, None)
        asked = ruled(route, complete(model, route, values))
        values |= {
            param.name: draw(good(param)) for param in asked if param.name == name
        }
    return values


@pytest.mark.parametrize(("model", "route"), ROUTES)
@QUICK
@given(data=st.data())
def test_what_is_allowed_is_sent_as_it_should(
    model: Model, route: Route, data: st.DataObject
) -> None:
    values = data.draw(allowed(model, route))
    assert request.check(model, route, values) == {}
    body = request.body(model, route, values)
    assert body == complete(model, route, values)
    assert faults(route, body) == set()


@pytest.mark.parametrize(("model", "route"), ROUTES)
@QUICK
@given(data=st.data())
def test_one_bad_value_is_refused_by_its_name(
    model: Model, route: Route, data: st.DataObject
) -> None:
    values = data.draw(allowed(model, route))
    params = {
        param.name: param for param in ruled(route, complete(model, route, values))
    }
    broken = [
        (name, {**values, name: value})
        for name, param in params.items()
        for value in bad(param)
    ]
    broken += [
        (name, {**values, name: "x"})
        for name in (*NAMES, "promt")
        if name not in params
    ]
    for name, param in params.items():
        if param.required and param.default is None:
            broken.append((name, {**values, name: " "}))
            broken.append(
                (
                    name,
                    {other: value for other, value in values.items() if other != name},
                )
            )
    for name, refused in broken:
        # Mostly that name alone; a value that starts a rule may put another one in the
        # wrong too.
        wrong = faults(route, complete(model, route, refused))
        assert name in wrong, refused
        assert set(request.check(model, route, refused)) == wrong, refused
