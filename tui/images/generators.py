"""Reads what other generators write into their pictures, each in a form of its own.

Each function takes the texts of a file by their names, returns None where they are of
another kind, and may raise anything where they are damaged.
"""

import json
import re
from typing import Any

from tui.images.recipes import (
    Recipe,
    check_items,
    make_recipe,
    seed_of,
    size_of,
    size_of_text,
)

_JOB = re.compile(r"\s*Job ID:\s*([\w-]{1,60})\s*\Z")
_OPTION = re.compile(r"(?:^|(?<=\s))(?:--|—)([a-z]+)(?=\s|$)")
_MOST_LIST = 2_000  # characters
_MOST_DESCRIPTION = 20_000  # characters

_CHARACTERS = "The prompts of single characters are listed, but only the base prompt is filled in."
_SWITCHES = "Midjourney's own switches are listed, but not filled in."


def _object(text: str) -> dict[str, Any]:
    """Returns a JSON object. Raises ValueError where it is none."""
    check_items(text)
    found = json.loads(text.removeprefix("\ufeff"))
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found


def _is_object(text: str) -> bool:
    return text.lstrip("\ufeff \t\r\n")[:1] == "{"


def _rest(facts: dict[str, Any], used: set[str]) -> dict[str, Any]:
    """Returns the facts that were not used; lists, such as of LoRAs, as JSON."""
    rest: dict[str, Any] = {}
    for name, value in facts.items():
        if name in used:
            continue
        if isinstance(value, str | int | float):
            rest[name] = value
        elif value and isinstance(value, list | dict):
            rest[name] = json.dumps(value, ensure_ascii=False)[:_MOST_LIST]
    return rest


def from_invokeai(texts: dict[str, str]) -> Recipe | None:
    """Returns the recipe of InvokeAI."""
    if "invokeai_metadata" not in texts:
        return _from_old_invokeai(texts)
    facts = _object(texts["invokeai_metadata"])
    model = facts.get("model")
    if isinstance(model, dict):
        model = model.get("name") or model.get("model_name")
    values = {
        "prompt": facts.get("positive_prompt"),
        "negative_prompt": facts.get("negative_prompt"),
        "size": size_of(facts.get("width"), facts.get("height")),
        "seed": seed_of(facts.get("seed")),
    }
    used = {"positive_prompt", "negative_prompt", "width", "height", "seed", "model"}
    return make_recipe("invokeai", model or "", values, _rest(facts, used))


def _from_old_invokeai(texts: dict[str, str]) -> Recipe | None:
    """Returns the recipe of InvokeAI up to its version 2."""
    if "sd-metadata" not in texts:
        return None
    facts = _object(texts["sd-metadata"])
    image = facts["image"]
    prompt = image.get("prompt")
    if isinstance(prompt, list):
        prompt = ", ".join(str(part["prompt"]) for part in prompt)
    # A negative prompt stands in square brackets within the other one.
    pieces = re.split(r"\[([^\[\]]*)\]", prompt)
    kept = "".join(piece.rstrip() for piece in pieces[::2])
    values = {
        "prompt": kept.strip(),
        "negative_prompt": ", ".join(pieces[1::2]),
        "size": size_of(image.get("width"), image.get("height")),
        "seed": seed_of(image.get("seed")),
    }
    model = facts.get("model_weights") or ""
    rest = _rest(image, {"prompt", "width", "height", "seed"})
    return make_recipe("invokeai", model, values, rest)


def from_fooocus(texts: dict[str, str]) -> Recipe | None:
    """Returns the recipe of Fooocus in its own scheme; the other one is A1111's."""
    text = texts.get("parameters", "")
    if not _is_object(text):
        return None
    facts: dict[str, Any] = {}
    for name, value in _object(text).items():
        facts[name.lower().replace(" ", "_")] = value
    is_theirs = "base_model" in facts or "fooocus" in str(facts.get("version")).lower()
    if not is_theirs:
        return None
    values = {
        "prompt": facts.get("prompt"),
        "negative_prompt": facts.get("negative_prompt"),
        "size": size_of_text(facts.get("resolution")),
        "seed": seed_of(facts.get("seed")),
    }
    used = {"prompt", "negative_prompt", "resolution", "seed", "base_model"}
    model = facts.get("base_model") or ""
    return make_recipe("fooocus", model, values, _rest(facts, used))


def from_swarmui(texts: dict[str, str]) -> Recipe | None:
    """Returns the recipe of SwarmUI."""
    text = texts.get("parameters", "")
    if not _is_object(text):
        return None
    whole = _object(text)
    facts = whole.get("sui_image_params")
    if not isinstance(facts, dict):
        return None
    values = {
        "prompt": facts.get("prompt"),
        "negative_prompt": facts.get("negativeprompt"),
        "size": size_of(facts.get("width"), facts.get("height")),
        "seed": seed_of(facts.get("seed")),
    }
    used = {"prompt", "negativeprompt", "width", "height", "seed", "model"}
    model = facts.get("model") or ""
    extra = whole.get("sui_extra_data")
    rest = _rest(facts, used)
    if isinstance(extra, dict):
        rest |= _rest(extra, set(rest))
    return make_recipe("swarmui", model, values, rest)


def from_novelai(texts: dict[str, str]) -> Recipe | None:
    """Returns the recipe of NovelAI."""
    text = texts.get("Comment") or texts.get("parameters", "")
    if not _is_object(text):
        return None
    facts = _object(text)
    if isinstance(facts.get("Comment"), str):  # all texts of a PNG, in EXIF
        outer = {name: value for name, value in facts.items() if isinstance(value, str)}
        return from_novelai(outer) if not _is_nested(outer) else None
    is_theirs = "uc" in facts or "v4_prompt" in facts
    if not is_theirs or "prompt" not in facts:
        return None
    values = {
        "prompt": facts.get("prompt"),
        "negative_prompt": facts.get("uc"),
        "size": size_of(facts.get("width"), facts.get("height")),
        "seed": seed_of(facts.get("seed")),
    }
    used = {
        "prompt",
        "uc",
        "width",
        "height",
        "seed",
        "v4_prompt",
        "v4_negative_prompt",
    }
    other = _characters(facts) | _rest(facts, used)
    note = _CHARACTERS if any(name.startswith("character ") for name in other) else ""
    return make_recipe("novelai", texts.get("Source", ""), values, other, note)


def _is_nested(texts: dict[str, str]) -> bool:
    """Returns whether a comment holds a comment that holds a third one."""
    return isinstance(_object(texts["Comment"]).get("Comment"), str)


def _characters(facts: dict[str, Any]) -> dict[str, str]:
    """Returns the prompts that NovelAI has for single characters."""
    found: dict[str, str] = {}
    kinds = {"v4_prompt": "character", "v4_negative_prompt": "character's negative"}
    for name, label in kinds.items():
        if not isinstance(facts.get(name), dict):
            continue
        captions = facts[name].get("caption", {}).get("char_captions", [])
        for number, caption in enumerate(captions, 1):
            found[f"{label} {number}"] = caption.get("char_caption", "")
    return found


def from_drawthings(texts: dict[str, str]) -> Recipe | None:
    """Returns the recipe of Draw Things, which is JSON in a comment of XMP or EXIF."""
    text = texts.get("UserComment") or texts.get("parameters", "")
    if not _is_object(text):
        return None
    facts = _object(text)
    if "c" not in facts or not facts.keys() & {"uc", "sampler", "scale"}:
        return None
    values = {
        "prompt": facts.get("c"),
        "negative_prompt": facts.get("uc"),
        "size": size_of_text(facts.get("size")),
        "seed": seed_of(facts.get("seed")),
    }
    rest = _rest(facts, {"c", "uc", "size", "seed", "model"})
    return make_recipe("drawthings", facts.get("model") or "", values, rest)


def from_midjourney(texts: dict[str, str]) -> Recipe | None:
    """Returns the recipe of Midjourney: a prompt with switches, and the id of a job."""
    text = texts.get("Description", "")[:_MOST_DESCRIPTION]
    job = _JOB.search(text)
    if job is None:
        return None
    text = text[: job.start()]
    options = list(_OPTION.finditer(text))
    prompt = text[: options[0].start()] if options else text
    values: dict[str, Any] = {"prompt": prompt.strip()}
    negatives: list[str] = []
    model = ""
    other: dict[str, Any] = {}
    for at, option in enumerate(options):
        end = options[at + 1].start() if at + 1 < len(options) else len(text)
        name = option[1]
        value = text[option.end() : end].strip()
        if name in ("ar", "aspect"):
            values["aspect_ratio"] = value
        elif name == "no":
            negatives.append(value)
        elif name == "seed":
            values["seed"] = seed_of(value)
        elif name in ("v", "version"):
            model = f"Midjourney v{value}"
        elif name == "niji":
            model = f"Midjourney niji {value}"
        else:
            other[name] = value or "yes"
    values["negative_prompt"] = ", ".join(filter(None, negatives))
    note = _SWITCHES if other else ""
    other |= {"job": job[1], "author": texts.get("Author", "")}
    return make_recipe("midjourney", model, values, other, note)
