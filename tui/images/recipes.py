"""What made an image, and the words for it that image tools write and read."""

import json
import re
import time
from itertools import islice
from typing import Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tui.catalog.spec import Values
from tui.images.files import ImageInfo
from tui.text import dollars, one_line, plain

OURS: Literal["runapi-tui"] = "runapi-tui"
PROMPTS = ("prompt", "negative_prompt")
_LABELS = {
    "steps": "Steps",
    "guidance_scale": "CFG scale",
    "seed": "Seed",
    "strength": "Denoising strength",
}
_MOST_ITEMS = 100_000  # commas and brackets of a JSON text, also those in its prompts
_SIZE = re.compile(r"\D{0,2}(\d{1,5})\s?[x×,]\s?(\d{1,5})\D{0,2}")
_MOST_PROMPT = 20_000  # characters, as `plain` keeps
_SHORTENED = "A prompt is longer than 20,000 characters: its end is left out."
_MOST_PAIRS = 200  # of what else a recipe tells

Source = Literal[
    "runapi-tui",
    "a1111",
    "comfyui",
    "drawthings",
    "fooocus",
    "invokeai",
    "midjourney",
    "novelai",
    "swarmui",
]


class EmbeddedRecipe(
    Struct, frozen=True, kw_only=True, tag_field="format", tag="runapi-tui 1"
):
    """What made an image, as its file tells it."""

    action: str
    model: str
    service: str = ""
    values: Values
    """As given, but of local files the names alone, of URLs no signatures, and nobody
    to call back.
    """
    cost_micro: int | None = None
    task_id: str = ""
    remote_id: str = ""
    created_at: float = 0


class Recipe(Struct, frozen=True, kw_only=True):
    """What an image says that made it. Its text is harmless; whether a model takes the
    values is not known.
    """

    source: Source
    action: str = ""
    model: str = ""
    """As the source calls it; empty when it doesn't say."""
    values: Values = {}
    other: dict[str, str] = {}
    """What else is told, in the words of the source."""
    note: str = ""
    """A sentence on what of it was understood in part only; empty if all was."""


def from_ours(texts: dict[str, str]) -> Recipe:
    """Returns the recipe that this program wrote. May raise anything for others."""
    check_items(texts[OURS])
    return recipe_of_facts(msgspec.json.decode(texts[OURS], type=EmbeddedRecipe))


def recipe_of_facts(facts: EmbeddedRecipe) -> Recipe:
    """Returns what an image with these facts tells."""
    cost = None if facts.cost_micro is None else dollars(facts.cost_micro)
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(facts.created_at))
    other = {"task": facts.task_id, "cost": cost, "made": made}
    values: dict[str, Any] = dict(facts.values)
    if "seed" in values:
        values["seed"] = seed_of(values["seed"])
    recipe = make_recipe(OURS, facts.model, values, other)
    return replace(recipe, action=one_line(facts.action))


def make_recipe(
    source: Source,
    model: object,
    values: dict[str, Any],
    other: dict[str, Any],
    note: str = "",
) -> Recipe:
    """Returns a recipe of harmless text; values that are None or empty are left out."""
    if any(len(str(values.get(name) or "")) > _MOST_PROMPT for name in PROMPTS):
        note = f"{note} {_SHORTENED}".strip()
    return Recipe(
        source=source,
        model=one_line(model),
        values=_plain(
            {name: value for name, value in values.items() if value not in (None, "")}
        ),
        other={
            one_line(name): plain(value).strip()
            for name, value in islice(other.items(), _MOST_PAIRS)
            if value not in (None, "") and value == value  # NaN isn't
        },
        note=note,
    )


def seed_of(value: object) -> int | None:
    """Returns a seed; None for what is none, such as -1, which asks for any."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip()
        is_number = text.isascii() and text.isdecimal() and len(text) < 20
        return int(text) if is_number else None
    if isinstance(value, int) and 0 <= value < 10**20:
        return value
    return None


def size_of(width: object, height: object) -> str:
    """Returns `832x1216`; nothing where one of the sides is unknown."""
    for side in (width, height):
        if not isinstance(side, int) or isinstance(side, bool) or side <= 0:
            return ""
    return f"{width}x{height}"


def size_of_text(text: object) -> str:
    """Returns `1152x896` for that, `1152 x 896` and `(1152, 896)`; else nothing."""
    sides = _SIZE.fullmatch(str(text)[:40])
    return size_of(int(sides[1]), int(sides[2])) if sides else ""


def check_items(text: str) -> None:
    """Raises ValueError for JSON that may have too many values to be looked at."""
    if sum(text.count(mark) for mark in ",[{") > _MOST_ITEMS:
        raise ValueError("too many values")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {one_line(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return plain(value) if isinstance(value, str) else value


def parameters(facts: EmbeddedRecipe, image: ImageInfo) -> str:
    """Returns the facts as A1111 writes them.

    Its readers want three pairs at least in the last line.
    """
    prompt = plain(facts.values.get("prompt", "")).strip()
    negative = plain(facts.values.get("negative_prompt", "")).strip()
    lines: list[str] = []
    if prompt:
        lines.append(prompt)
    if negative:
        lines.append(f"Negative prompt: {negative}")
    pairs: list[str] = []
    for label, value in _pairs(facts, image).items():
        pairs.append(f"{label}: {_quoted(one_line(value))}")
    lines.append(", ".join(pairs))
    return "\n".join(lines)


def _pairs(facts: EmbeddedRecipe, image: ImageInfo) -> dict[str, Any]:
    """Returns all facts but the prompts by their labels, in A1111's order."""
    pairs: dict[str, Any] = {}
    for name, label in _LABELS.items():
        if name in facts.values:
            pairs[label] = facts.values[name]
    pairs["Size"] = f"{image.width}x{image.height}"
    pairs["Model"] = facts.model
    for name, value in facts.values.items():
        if name in PROMPTS or name in _LABELS or name.endswith("_url"):
            continue
        if isinstance(value, str | int | float):
            label = name.replace("_", " ").capitalize()
            pairs.setdefault(label, value)
    pairs["Version"] = OURS
    return pairs


def _quoted(text: str) -> str:
    """Returns a text in quotes if A1111 would otherwise read several pairs."""
    if re.search('[,:"]', text):
        return json.dumps(text, ensure_ascii=False)
    return text
