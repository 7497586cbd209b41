"""What made an image, and the words for it that image tools write and read."""

import json
import re
import time
from contextlib import suppress
from typing import Any, Literal

import msgspec
from msgspec import Struct

from tui.catalog.spec import Values
from tui.images.files import ImageInfo
from tui.text import money, one_line, plain

OURS: Literal["runapi-tui"] = "runapi-tui"
PROMPTS = ("prompt", "negative_prompt")
_LABELS = {
    "steps": "Steps",
    "guidance_scale": "CFG scale",
    "seed": "Seed",
    "strength": "Denoising strength",
}
_PAIR = re.compile(r'(\w[\w \-/]{0,60}):\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)')
_COMFY_TEXTS = ("text", "text_g", "t5xxl", "clip_l", "prompt", "value", "string")
_COMFY_OTHERS = ("steps", "cfg", "sampler_name", "scheduler", "denoise")

_Source = Literal["runapi-tui", "a1111", "comfyui"]


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

    source: _Source
    action: str = ""
    model: str = ""
    """As the source calls it; empty when it doesn't say."""
    values: Values = {}
    other: dict[str, str] = {}
    """What else is told, in the words of the source."""


def from_ours(texts: dict[str, str]) -> Recipe:
    facts = msgspec.json.decode(texts[OURS], type=EmbeddedRecipe)
    cost = None if facts.cost_micro is None else money(facts.cost_micro)
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(facts.created_at))
    other = {"task": facts.task_id, "cost": cost, "made": made}
    return _recipe(OURS, facts.model, facts.values, other, facts.action)


def _recipe(
    source: _Source,
    model: str,
    values: dict[str, Any],
    other: dict[str, Any],
    action: str = "",
) -> Recipe:
    return Recipe(
        source=source,
        action=one_line(action),
        model=one_line(model),
        values=_plain(
            {name: value for name, value in values.items() if value not in (None, "")}
        ),
        other={
            one_line(name): one_line(value)
            for name, value in other.items()
            if value not in (None, "")
        },
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {one_line(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return plain(value) if isinstance(value, str) else value


def parameters(facts: EmbeddedRecipe, image: ImageInfo) -> str:
    """The facts as A1111 writes them; its readers want three pairs at least in the last
    line.
    """
    prompt, negative = (plain(facts.values.get(name, "")).strip() for name in PROMPTS)
    pairs = {
        label: facts.values[name]
        for name, label in _LABELS.items()
        if name in facts.values
    }
    pairs |= {"Size": f"{image.width}x{image.height}", "Model": facts.model}
    for name, value in facts.values.items():
        if (
            name not in (*PROMPTS, *_LABELS)
            and not name.endswith("_url")
            and isinstance(value, str | int | float)
        ):
            pairs.setdefault(name.replace("_", " ").capitalize(), value)
    pairs["Version"] = OURS
    told = ", ".join(
        f"{label}: {_quoted(one_line(value))}" for label, value in pairs.items()
    )
    return "\n".join(
        [*filter(None, [prompt, negative and f"Negative prompt: {negative}"]), told]
    )


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False) if re.search('[,:"]', text) else text


def from_a1111(texts: dict[str, str]) -> Recipe | None:
    *lines, last = plain(texts["parameters"], 100_000).strip().split("\n")
    pairs = {name: _unquoted(text) for name, text in _PAIR.findall(last)}
    if len(pairs) < 3 and "Steps" not in pairs:
        lines, pairs = [*lines, last], {}
    prompt, negates, negative = "\n".join(["", *lines]).partition("\nNegative prompt:")
    if not negates and not pairs.keys() & {"Steps", "Seed", "Size", "Model"}:
        return None  # a comment of some other kind
    model, seed, size = (pairs.pop(name, "") for name in ("Model", "Seed", "Size"))
    values = {
        "prompt": prompt.strip(),
        "negative_prompt": negative.strip(),
        "size": size,
    }
    return _recipe(
        "a1111",
        model,
        values | {"seed": int(seed) if seed.isdecimal() and len(seed) < 20 else ""},
        pairs,
    )


def _unquoted(text: str) -> str:
    with suppress(ValueError):
        return str(json.loads(text)) if text.startswith('"') else text.strip()
    return text


def from_comfyui(texts: dict[str, str]) -> Recipe | None:
    """By the first sampler whose prompt is found."""
    nodes = json.loads(texts["prompt"])
    graph = {
        name: node["inputs"]
        for name, node in nodes.items()
        if isinstance(node.get("inputs"), dict)
    }
    for node in graph.values():
        guide = node.get("positive", node.get("guider"))
        prompt = (
            _upstream(graph, guide, _COMFY_TEXTS, str, "positive")
            if "latent_image" in node
            else None
        )
        if prompt is None:
            continue
        negative = _upstream(
            graph, node.get("negative", guide), _COMFY_TEXTS, str, "negative"
        )
        noise = next(
            (node[name] for name in ("seed", "noise_seed", "noise") if name in node),
            None,
        )
        width, height = (
            _upstream(graph, node["latent_image"], (side,), int)
            for side in ("width", "height")
        )
        values = {
            "prompt": prompt,
            # A guider may know only one
            "negative_prompt": negative if negative != prompt else "",
            "size": f"{width}x{height}" if width and height else "",
            "seed": _upstream(graph, noise, ("seed", "noise_seed", "value"), int),
        }
        model = _upstream(
            graph, node.get("model", guide), ("ckpt_name", "unet_name"), str
        )
        other = {
            name: node[name]
            for name in _COMFY_OTHERS
            if isinstance(node.get(name), str | int | float)
        }
        return _recipe("comfyui", model or "", values, other)
    return None


def _upstream(
    graph: dict[str, Any], start: Any, names: tuple[str, ...], kind: type, way: str = ""
) -> Any:
    """The nearest value of one of these names up the links from `start`, or `start`
    itself.

    Where both prompts pass through one node, only the `way` of the wanted one is gone
    on.
    """
    seen: set[str] = set()
    queue = [start]
    for value in queue:
        if type(value) is kind:
            return value
        link = value[0] if isinstance(value, list) and value else None
        if not isinstance(link, str) or link in seen or link not in graph:
            continue
        seen.add(link)
        inputs = graph[link]
        named = [inputs[name] for name in names if name in inputs]
        links = [item for item in inputs.values() if isinstance(item, list)]
        queue += [inputs[way]] if way in inputs else named + links
    return None
