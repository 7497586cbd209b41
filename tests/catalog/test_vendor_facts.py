"""What the vendor has changed since the first catalog, as facts: who edits a family file
by mistake is told which of them it breaks.
"""

from typing import Any

import pytest

from tui.catalog import request
from tui.catalog.load import bundled
from tui.catalog.price import estimate
from tui.catalog.spec import Kind, Model, Param, Route, Values

TEXT, EDIT, REMIX = "text_to_image", "edit_image", "remix_image"
FLARE, SUNBURST = "gpt-image-2.5-flare", "gpt-image-2.5-sunburst"
GROK = "grok-imagine-image-2-0"
URL = "https://files.example/a.png"
GPT_IMAGE = [
    (action, slug)
    for action in (TEXT, EDIT)
    for slug in ("gpt-image-2", FLARE, SUNBURST)
]
SHAPES = [
    "auto",
    "1:1",
    "3:2",
    "2:3",
    "4:3",
    "3:4",
    "5:4",
    "4:5",
    "16:9",
    "9:16",
    "2:1",
    "1:2",
    "3:1",
    "1:3",
    "21:9",
    "9:21",
]
WORDS: Values = {"prompt": "a fox in the snow"}


def model_of(action: str, slug: str) -> tuple[Model, Route]:
    model = bundled().get(action, slug)
    assert model, f"{slug} with {action} is missing"
    return model, model.routes["service"]


def param_of(action: str, slug: str, name: str) -> Param:
    param = model_of(action, slug)[1].param(name)
    assert param, f"{slug} with {action} has no {name}"
    return param


def wrong(action: str, slug: str, values: Values) -> dict[str, str]:
    return request.check(*model_of(action, slug), values)


# What each model takes, and nothing else; `callback_url` is everywhere.


@pytest.mark.parametrize(
    ("action", "slug", "names"),
    [
        *(
            (TEXT, slug, "prompt aspect_ratio output_resolution background")
            for slug in ("gpt-image-2", FLARE, SUNBURST)
        ),
        *(
            (
                EDIT,
                slug,
                "prompt source_image_urls aspect_ratio output_resolution background",
            )
            for slug in ("gpt-image-2", FLARE, SUNBURST)
        ),
        (
            TEXT,
            "qwen-2.1-text-to-image",
            "prompt aspect_ratio seed enable_safety_checker",
        ),
        (EDIT, "qwen-2.1-edit-image", "prompt source_image_urls seed"),
        (EDIT, GROK, "prompt source_image_urls aspect_ratio"),
        (
            EDIT,
            "grok-imagine-edit-image",
            "prompt source_image_url enable_safety_checker",
        ),
        ("segment_map", GROK, "image_url source_task_id"),
        (
            TEXT,
            "ideogram-v3-text-to-image",
            "prompt aspect_ratio rendering_speed style output_count negative_prompt seed"
            " enable_prompt_expansion",
        ),
        (
            EDIT,
            "ideogram-v3-edit",
            "prompt source_image_url mask_url rendering_speed output_count seed"
            " enable_prompt_expansion",
        ),
        (
            REMIX,
            "ideogram-v3-remix",
            "prompt source_image_url strength aspect_ratio rendering_speed style"
            " output_count negative_prompt seed enable_prompt_expansion",
        ),
    ],
)
def test_a_model_takes_these_params(action: str, slug: str, names: str) -> None:
    _, route = model_of(action, slug)
    assert {param.name for param in route.params} == {*names.split(), "callback_url"}


# How single params are bounded


SIZES = ("1k", "2k", "4k")
GROUNDS = ("transparent", "opaque", "auto")
FACTS: list[tuple[str, str, str, dict[str, Any]]] = [
    *((*key, "aspect_ratio", {"enum": tuple(SHAPES)}) for key in GPT_IMAGE),
    *((*key, "output_resolution", {"enum": SIZES}) for key in GPT_IMAGE),
    *(
        (*key, "background", {"enum": GROUNDS, "required": False, "default": None})
        for key in GPT_IMAGE
    ),
    *((*key, "prompt", {"required": True}) for key in GPT_IMAGE),
    *(
        (EDIT, slug, "source_image_urls", {"required": True, "max_items": 16})
        for action, slug in GPT_IMAGE
        if action == EDIT
    ),
    (EDIT, GROK, "source_image_urls", {"required": True, "min_items": 1}),
    (EDIT, GROK, "source_image_urls", {"max_items": 5}),
    (
        *(EDIT, GROK, "aspect_ratio"),
        {"required": True, "enum": ("1:1", "2:3", "3:2", "16:9", "9:16", "auto")},
    ),
    (EDIT, GROK, "prompt", {"required": False, "max": 390_000}),
    ("upscale_image", "topaz-upscale-image", "upscale_factor", {"enum": (1, 2, 4)}),
    (TEXT, "nano-banana-pro", "reference_image_urls", {"max_items": 8}),
    (TEXT, "nano-banana-2-lite", "reference_image_urls", {"max_items": 10}),
    (TEXT, "nano-banana-2", "reference_image_urls", {"max_items": None}),
    *(
        (TEXT, f"nano-banana-{name}", "output_resolution", {"default": "1k"})
        for name in ("2", "pro")
    ),
    (EDIT, "nano-banana-edit", "prompt", {"required": True}),
    (REMIX, "imagen-4-pro-remix-image", "prompt", {"required": True}),
    *(
        (action, f"seedream-{name}", "prompt", {"required": True, "min": low, "max": high})
        for action, end in ((TEXT, "text-to-image"), (EDIT, "edit"))
        for name, low, high in (
            (f"5-pro-{end}", 3, 5000),
            (f"5-lite-{end}", 3, 3000),
            (f"4.5-{end}", None, 3000),
            (f"v4-{end}", None, 5000),
        )
    ),
    *(
        (action, f"ideogram-v3-{name}", "prompt", {"required": True, "max": 5000})
        for action, name in (
            *((TEXT, "text-to-image"), (TEXT, "character")),
            *((EDIT, "edit"), (EDIT, "character-edit")),
            *((REMIX, "remix"), (REMIX, "character-remix")),
        )
    ),
    ("reframe_image", "ideogram-v3-reframe", "aspect_ratio", {"required": True}),
    (TEXT, "ideogram-v3-character", "reference_image_urls", {"required": True}),
    # Not published, so not bounded
    (TEXT, "qwen-2.1-text-to-image", "aspect_ratio", {"kind": Kind.LINE, "enum": ()}),
    (EDIT, "qwen-2.1-edit-image", "source_image_urls", {"max_items": None}),
]  # fmt: skip


@pytest.mark.parametrize(("action", "slug", "name", "facts"), FACTS)
def test_a_param_is_bounded_like_this(
    action: str, slug: str, name: str, facts: dict[str, Any]
) -> None:
    param = param_of(action, slug, name)
    assert {field: getattr(param, field) for field in facts} == facts


# What values demand of each other


@pytest.mark.parametrize(("action", "slug"), GPT_IMAGE)
def test_2k_and_4k_need_a_shape(action: str, slug: str) -> None:
    source: Values = {"source_image_urls": [URL]} if action == EDIT else {}
    refused: set[tuple[str, str]] = set()
    for size in ("", *SIZES):
        for shape in ("", *SHAPES):  # an empty value isn't sent
            chosen: Values = {"output_resolution": size, "aspect_ratio": shape}
            if wrong(action, slug, {**WORDS, **source, **chosen}):
                refused.add((size, shape))
    assert refused == {
        *(("4k", ""), ("4k", "auto"), ("4k", "1:1")),
        *(("2k", ""), ("2k", "auto")),
    }


def test_segments_are_of_a_picture_or_of_a_task() -> None:
    picture: Values = {"image_url": URL}
    task: Values = {"source_task_id": "tsk_1"}
    assert not wrong("segment_map", GROK, picture)
    assert not wrong("segment_map", GROK, task)
    assert set(wrong("segment_map", GROK, {})) == {"image_url"}
    assert set(wrong("segment_map", GROK, picture | task)) == {"source_task_id"}


def test_grok_2_edits_pictures_and_no_segments() -> None:
    good: Values = {"source_image_urls": [URL], "aspect_ratio": "auto"}
    assert not wrong(EDIT, GROK, good)
    old: Values = {"source_task_id": "tsk_1", "mask_indices": [1]}
    for name, value in old.items():
        assert set(wrong(EDIT, GROK, good | {name: value})) == {name}
    assert set(wrong(EDIT, GROK, good | {"source_image_urls": [URL] * 6})) == {
        "source_image_urls"
    }


# Prices


def test_what_the_vendor_has_not_priced_has_no_price() -> None:
    unpriced = {model.slug for model in bundled().models if model.price is None}
    new = {FLARE, SUNBURST, "qwen-2.1-text-to-image", "qwen-2.1-edit-image"}
    assert new | {GROK} <= unpriced


def test_topaz_has_a_price_for_each_factor_that_is_left() -> None:
    model, _ = model_of("upscale_image", "topaz-upscale-image")
    prices = [estimate(model, {"upscale_factor": factor}).micro for factor in (1, 2, 4)]
    assert prices == [100_000, 100_000, 200_000]
    assert model.price
    assert set(model.price.cases) == {"1", "2", "4"}
