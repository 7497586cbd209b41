"""What of an image's recipe the form can ask for, and what is said of the rest."""

from typing import Any

import pytest

from tui.catalog.load import bundled
from tui.catalog.spec import Model, Values
from tui.exchange.recipe_to_form import FormContent, Refill, refill
from tui.images.recipes import Recipe

FLUX = bundled().find("flux-2-pro-text-to-image")
IMAGEN = bundled().find("imagen-4")
KONTEXT = bundled().find("flux-kontext-pro")
Z_IMAGE = bundled().find("z-image")


def refilled(
    values: Any,
    model: str = "",
    action: str = "",
    shown: Model = FLUX,
    filled: Values | None = None,
    **more: Any,
) -> Refill:
    told: dict[str, Any] = {
        "source": "a1111",
        "model": model,
        "action": action,
        "values": values,
    }
    options = {
        name: more.pop(name, default)
        for name, default in (("api", "auto"), ("learnt", None))
    }
    form = FormContent(shown, filled or {})
    return refill(Recipe(**told | more), bundled(), form, **options)


def test_a_known_model_is_asked_for_with_the_recipes_values_alone() -> None:
    values: Values = {"prompt": "a fox", "seed": 7, "aspect_ratio": "16:9"}
    other = {"task": "01m", "cost": "$0.05", "made": "2026-11-21 16:33"}
    found = refilled(
        values,
        "imagen-4",
        "text_to_image",
        FLUX,
        {"prompt": "x"},
        source="runapi-tui",
        other=other,
    )
    assert (found.model, found.values) == (IMAGEN, values)
    assert (
        found.describe("fox.png") == "From fox.png: model, prompt, seed, aspect ratio."
    )


def test_a_slug_alone_is_enough_where_it_is_the_only_one() -> None:
    assert refilled({}, "imagen-4").model is IMAGEN
    twice = next(
        m
        for m in bundled().models
        if sum(m.slug == other.slug for other in bundled().models) > 1
    )
    assert refilled({}, twice.slug).model is FLUX


def test_an_unknown_model_leaves_the_one_that_is_shown_with_what_fits() -> None:
    other = {
        "Steps": "20",
        "Sampler": "Euler a",
        "Aspect ratio": "3:4",
        "Output resolution": "2k",
    }
    values: Values = {"prompt": "a fox", "seed": 7, "negative_prompt": "fog"}
    filled: Values = {"prompt": "x", "aspect_ratio": "1:1"}
    found = refilled(values, "juggernaut", filled=filled, other=other)
    assert found.model is FLUX
    assert found.values == {
        "prompt": "a fox",
        "aspect_ratio": "3:4",
        "output_resolution": "2k",
    }
    assert found.describe("a.png") == (
        "From a.png: prompt, aspect ratio, output resolution. "
        "Not used: model juggernaut, seed, negative prompt, Steps, Sampler."
    )


def test_values_of_two_pictures_are_never_mixed() -> None:
    filled: Values = {
        "prompt": "a cat",
        "negative_prompt": "fog",
        "seed": 5,
        "aspect_ratio": "1:1",
    }
    found = refilled({"prompt": "a fox"}, shown=IMAGEN, filled=filled)
    assert found.values == {"prompt": "a fox"}
    assert found.describe("a.png") == (
        "From a.png: prompt. Cleared: negative prompt, seed, aspect ratio."
    )


def test_what_is_no_part_of_a_picture_is_kept_and_said() -> None:
    filled: Values = {"prompt": "a cat", "output_resolution": "2k"}
    found = refilled({"prompt": "a fox"}, filled=filled)
    assert found.values == {"prompt": "a fox", "output_resolution": "2k"}
    assert found.describe("a.png") == "From a.png: prompt. Kept: output resolution."


def test_no_prompt_of_an_earlier_picture_stays_where_none_is_told() -> None:
    filled: Values = {"prompt": "a cat", "negative_prompt": "fog"}
    found = refilled({"seed": 7}, shown=IMAGEN, filled=filled, note="Check it.")
    assert found.values == {"seed": 7}
    assert found.describe("a.png") == (
        "From a.png: seed. Cleared: prompt, negative prompt. Check it."
    )


def test_nothing_that_fits_is_said() -> None:
    assert (
        refilled({"seed": 7}).describe("a.png")
        == "Nothing from a.png fits here. Not used: seed."
    )
    assert refilled({}).describe("a.png") == "Nothing from a.png fits here."


@pytest.mark.parametrize(
    ("size", "ratio"),
    [
        ("1024x1024", "1:1"),
        ("1344x768", "16:9"),
        ("832x1216", "2:3"),
        ("1000x1010", "1:1"),
        ("1152x896", None),
        ("4000x1", None),
        ("1x0", None),
        ("0x1", None),
        ("big", None),
        ([1, 2], None),
        ("9" * 5000 + "x1", None),
    ],
)
def test_a_size_stands_for_the_shape_that_it_comes_near_to(
    size: Any, ratio: str | None
) -> None:
    found = refilled({"prompt": "x", "size": size})
    assert found.values.get("aspect_ratio") == ratio
    assert ("size" in found.unused) is (ratio is None)


def test_a_size_stays_where_it_is_asked_for() -> None:
    assert refilled({"size": "1344x768"}, shown=Z_IMAGE).values == {"size": "1344x768"}
    learnt = refilled({"size": "1344x768"}, shown=Z_IMAGE, learnt="service")
    assert learnt.values in ({"size": "1344x768"}, {"aspect_ratio": "16:9"})
    assert refilled({"size": "1344x768"}, shown=Z_IMAGE, api="service").values == {
        "aspect_ratio": "16:9"
    }


def test_values_take_the_names_of_the_route() -> None:
    values: Values = {"prompt": "x", "source_image_url": "https://a.b/c.png"}
    assert refilled(values, "flux-kontext-pro").values == values
    unified = refilled(values, "flux-kontext-pro", api="unified")
    assert unified.values == {"prompt": "x", "image_url": "https://a.b/c.png"}


def test_nobodys_recipe_uploads_a_file_or_has_anybody_called() -> None:
    values: Values = {
        "prompt": "x",
        "image_url": "/home/me/.ssh/id_rsa",
        "callback_url": "https://evil.example",
    }
    found = refilled(values, "flux-kontext-pro")
    assert found.values == {"prompt": "x"}
    assert set(found.unused) == {"image_url", "callback_url"}
    for urls in (
        ["https://a.b/c.png", "fox.png"],
        "fox.png",
        ["~/x"],
        [{"https://": 1}],
    ):
        remix = refilled({"source_image_urls": urls}, "flux-2-pro-remix-image")
        assert (remix.values, remix.unused) == ({}, ["source_image_urls"])


@pytest.mark.parametrize(
    "value",
    ["", [], {}, {"a": [1]}, [[]], True, -1, 1e308, 10**30, "x" * 20_000, "[/]\x1b[2J"],
)
@pytest.mark.parametrize(
    "name",
    [
        "seed",
        "aspect_ratio",
        "output_count",
        "prompt",
        "enable_x",
        "\x1b]0;x\x07[/red]",
    ],
)
def test_whatever_is_told_only_what_fits_is_taken(name: str, value: Any) -> None:
    found = refilled(
        {name: value, "negative_prompt": "fog"}, shown=IMAGEN, other={name: str(value)}
    )
    assert found.values["negative_prompt"] == "fog"
    assert set(found.values) <= {"negative_prompt", name}
    assert name not in found.values or isinstance(found.values[name], str | int)
    assert found.describe("a.png").isprintable()


def test_a_prompt_that_is_too_long_is_the_users_to_shorten() -> None:
    assert refilled({"prompt": "x" * 1500}, "z-image").values == {"prompt": "x" * 1500}


def test_of_many_names_the_first_are_told() -> None:
    told = refilled({f"param_{number}": 1 for number in range(5000)}).describe("a.png")
    assert told.endswith("param 6, param 7 and 4,992 more.")
    assert len(told) < 200


def test_what_was_understood_in_part_only_is_said() -> None:
    found = refilled({"prompt": "a fox"}, note="Check it.")
    assert found.describe("a.png") == "From a.png: prompt. Check it."
