"""What a person calls a model leads to that model, to a question, or nowhere; never to
another one that costs more.
"""

import math
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.catalog.load import Catalog, UnknownModel, bundled
from tui.catalog.model_names import meant_by, near, problem_with
from tui.catalog.price import estimate
from tui.catalog.spec import Model

CATALOG = bundled()
MODELS = CATALOG.models
ACTIONS = sorted({model.action for model in MODELS})
QUICK = settings(max_examples=300, deadline=None, derandomize=True, database=None)


def keys(models: list[Model]) -> list[tuple[str, str]]:
    return [model.key for model in models]


def cost(model: Model) -> float:
    micro = estimate(model, {}).micro
    return math.inf if micro is None else micro


# What is certain


@pytest.mark.parametrize("model", MODELS, ids=lambda model: " ".join(model.key))
def test_a_slug_and_a_title_are_their_model(model: Model) -> None:
    for name in (model.slug, model.slug.upper()):
        assert keys(meant_by(MODELS, name, model.action)) == [model.key]
    for name in (model.title, model.title.lower(), f" {model.title.upper()}\n"):
        assert CATALOG.named(name, model.action) is model
        meant = meant_by(MODELS, name)
        assert model in meant
        # Never one action of several, which the slug would ask about
        assert all(other.title.startswith(model.title) for other in meant)


@pytest.mark.parametrize(
    ("name", "action", "slug"),
    [
        ("Flux 2 Pro", "", "flux-2-pro-text-to-image"),
        ("Flux 2 Pro", "remix_image", "flux-2-pro-remix-image"),
        ("flux-2-pro", "text_to_image", "flux-2-pro-text-to-image"),
        ("topaz", "", "topaz-upscale-image"),
        ("GPT Image 2", "edit_image", "gpt-image-2"),
        ("gpt image 2.5 flare", "edit_image", "gpt-image-2.5-flare"),
        ("qwen-2", "text_to_image", "qwen-2-text-to-image"),
        ("Ideogram 3", "reframe_image", "ideogram-v3-reframe"),
    ],
)
def test_a_name_of_one_model_is_that_model(name: str, action: str, slug: str) -> None:
    assert CATALOG.named(name, action).slug == slug


@pytest.mark.parametrize(
    ("name", "first", "more"),
    [
        (
            "flux-2-pro",
            "flux-2-pro-text-to-image (text_to_image, $0.05)",
            "flux-2-pro-remix-image (remix_image, $0.05)",
        ),
        (
            "Seedream",
            "seedream-5-pro-text-to-image (text_to_image, $0.07)",
            "(decompose_layers, price unknown)",
        ),
        (
            "flux",
            "The first 9 are flux-2-pro-text-to-image",
            "flux matches 11 models with 13 actions",
        ),
        ("flux_2", "flux-2-pro-text-to-image (text_to_image, $0.05)", "flux_2 matches"),
        (
            "GPT Image 2.5 Flare",
            "choose one with --action",
            "edit_image: price unknown",
        ),
        ("grok imagine 2", "text_to_image:", "segment_map:"),
        ("gpt-image-2", "text_to_image: $0.06", "edit_image: $0.16"),
    ],
)
def test_a_name_of_several_asks_with_actions_and_prices(
    name: str, first: str, more: str
) -> None:
    with pytest.raises(UnknownModel) as refused:
        CATALOG.named(name)
    told = str(refused.value)
    assert first in told
    assert more in told
    assert "flux-pro " not in told


@pytest.mark.parametrize("name", ["gpt-image-1", "z", "flux-2-pr", "imagen-", "", " "])
def test_what_is_no_whole_word_is_not_taken(name: str) -> None:
    with pytest.raises(UnknownModel):
        CATALOG.named(name)


def test_a_model_that_is_not_described_is_taken_by_its_slug_alone() -> None:
    item = {"service": "flux_2", "action": "text_to_image", "model": "flux-2-pro-ultra"}
    z_image = {"service": "z_image", "action": "text_to_image", "model": "z-image"}
    newer = CATALOG.with_prices([item, z_image], "2026-11-28")
    assert newer.named("flux-2-pro-ultra").slug == "flux-2-pro-ultra"
    found = newer.named("flux-2-pro", "text_to_image")
    assert found.slug == "flux-2-pro-text-to-image"
    with pytest.raises(UnknownModel):
        newer.named("flux-2-pro-ul")


def test_the_beginning_of_what_is_not_described_is_a_question() -> None:
    nova = {"service": "nova_2", "action": "text_to_image", "model": "nova-2-pro"}
    old = nova | {"model": "nova-2-old", "catalog_status": "inactive"}
    z_image = {"service": "z_image", "action": "text_to_image", "model": "z-image"}
    newer = CATALOG.with_prices([nova, old, z_image], "2026-11-28")
    for name in ("nova", "nova_2", "Nova 2"):
        with pytest.raises(UnknownModel) as refused:
            newer.named(name)
        assert str(refused.value).endswith(
            "Write a name in full: nova-2-old (text_to_image, price unknown, not"
            " described, inactive), nova-2-pro (text_to_image, price unknown, not"
            " described)."
        )


@QUICK
@given(st.sampled_from(MODELS), st.sampled_from(["", *ACTIONS]), st.data())
def test_a_beginning_is_taken_only_where_no_other_model_has_it(
    model: Model, action: str, data: st.DataObject
) -> None:
    words = model.slug.split("-")
    count = data.draw(st.integers(1, len(words)))
    beginning = "-".join(words[:count])
    found = meant_by(MODELS, beginning, action)
    assert all(action in ("", one.action) for one in found)
    if len(found) != 1 or found[0].slug == beginning:
        return
    rivals = [
        other
        for other in MODELS
        if action in ("", other.action) and f"{other.slug}-".startswith(f"{beginning}-")
    ]
    assert keys(rivals) == keys(found)


# What may be meant


@pytest.mark.parametrize(
    ("name", "first", "never"),
    [
        ("flux-2-por", "flux-2-pro-text-to-image", "flux-pro"),
        ("zimage", "z-image", "imagen-4"),
        ("imagen4-ultra", "imagen-4-ultra", "imagen-4"),
        ("seedream-4", "seedream-v4-text-to-image", "seedream-4.5-text-to-image"),
        ("gpt-image-25-flare", "gpt-image-2.5-flare", "gpt-image-2"),
        ("kontext", "flux-kontext-pro", "flux-pro"),
        ("midjorney", "midjourney-v8.1", ""),
    ],
)
def test_a_typo_is_told_what_is_near(name: str, first: str, never: str) -> None:
    guesses = [model.slug for model in near(MODELS, name)]
    assert guesses[0] == first
    assert never not in guesses
    assert f"Did you mean {first} (" in problem_with(MODELS, name)


@pytest.mark.parametrize("name", ["imagen-5", "gpt-image-1", "a fox in the snow", "%%"])
def test_what_is_like_nothing_leads_to_the_list(name: str) -> None:
    assert not near(MODELS, name)
    told = problem_with(MODELS, name)
    assert "`runapi-tui models` lists them all; with --service and --action" in told


def typos(name: str) -> st.SearchStrategy[str]:
    """Names with one wrong letter; numbers are never guessed."""
    places = [at for at, letter in enumerate(name) if letter.isalpha()]
    letters = st.sampled_from(string.ascii_lowercase)

    def changed(at: int, letter: str, how: str) -> str:
        match how:
            case "left out":
                return name[:at] + name[at + 1 :]
            case "twice":
                return name[:at] + name[at] + name[at:]
            case "another":
                return name[:at] + letter + name[at + 1 :]
            case _:
                return name[:at] + name[at : at + 2][::-1] + name[at + 2 :]

    hows = st.sampled_from(["left out", "twice", "another", "swapped"])
    return st.builds(changed, st.sampled_from(places), letters, hows)


@QUICK
@given(st.sampled_from(MODELS), st.booleans(), st.data())
def test_one_wrong_letter_leads_to_the_model_and_to_nothing_dearer_before_it(
    model: Model, is_title: bool, data: st.DataObject
) -> None:
    name = data.draw(typos(model.title if is_title else model.slug))
    certain = meant_by(MODELS, name, model.action)
    if certain:
        assert model in certain
        return
    guesses = near(MODELS, name, model.action)
    assert model in guesses
    before = guesses[: guesses.index(model)]
    assert all(cost(other) <= cost(model) for other in before)
    assert model.slug in problem_with(MODELS, name, model.action)


@QUICK
@given(st.text(max_size=200), st.sampled_from(["", *ACTIONS, "none"]))
def test_whatever_is_written_has_an_answer(name: str, action: str) -> None:
    told = problem_with(MODELS, name, action)
    assert told
    assert "\n" not in told
    assert all(other in MODELS for other in meant_by(MODELS, name, action))


def test_an_empty_catalog_knows_nothing() -> None:
    with pytest.raises(UnknownModel, match="no model named z-image"):
        Catalog(()).named("z-image")
