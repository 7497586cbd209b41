"""What made an image, and the words for it that image tools write and read."""

import json
import re
import time
from itertools import islice
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Struct

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
_PAIR = re.compile(r'(\w[\w \-/]{0,60}):\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)')
_COMFY_TEXTS = ("text", "text_g", "t5xxl", "clip_l", "prompt", "value", "string")
_COMFY_OTHERS = ("steps", "cfg", "sampler_name", "scheduler", "denoise")


class _Search(NamedTuple):
    """A search for a value in a graph."""

    names: tuple[str, ...]
    """What the value is called."""
    kind: type
    """Its type."""
    way: str = ""
    """Where both prompts pass through one node, the only input that is followed."""


_POSITIVE = _Search(_COMFY_TEXTS, str, "positive")
_NEGATIVE = _Search(_COMFY_TEXTS, str, "negative")
_WIDTH = _Search(("width",), int)
_HEIGHT = _Search(("height",), int)
_SEED = _Search(("seed", "noise_seed", "value"), int)
_MODEL = _Search(("ckpt_name", "unet_name"), str)
_MOST_ITEMS = 100_000  # commas and brackets of a JSON text, also those in its prompts
_MOST_PAIRS = 200  # of what else a recipe tells

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
    """Returns the recipe that this program wrote. May raise anything for others."""
    _check_items(texts[OURS])
    facts = msgspec.json.decode(texts[OURS], type=EmbeddedRecipe)
    cost = None if facts.cost_micro is None else dollars(facts.cost_micro)
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
            for name, value in islice(other.items(), _MOST_PAIRS)
            if value not in (None, "")
        },
    )


def _check_items(text: str) -> None:
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


def from_a1111(texts: dict[str, str]) -> Recipe | None:
    """Returns the recipe in A1111's words; None where it is another kind of text.

    Raises KeyError where there is none.
    """
    lines = plain(texts["parameters"], 100_000).strip().split("\n")
    pairs: dict[str, str] = {}
    for name, text in _PAIR.findall(lines[-1]):
        pairs[name] = _unquoted(text)
    if len(pairs) >= 3 or "Steps" in pairs:
        lines.pop()
    else:
        pairs = {}
    text = "\n".join(["", *lines])
    prompt, negates, negative = text.partition("\nNegative prompt:")
    if not negates and not pairs.keys() & {"Steps", "Seed", "Size", "Model"}:
        return None  # a comment of some other kind
    model = pairs.pop("Model", "")
    seed = pairs.pop("Seed", "")
    is_number = seed.isdecimal() and len(seed) < 20
    values = {
        "prompt": prompt.strip(),
        "negative_prompt": negative.strip(),
        "size": pairs.pop("Size", ""),
        "seed": int(seed) if is_number else "",
    }
    return _recipe("a1111", model, values, pairs)


def _unquoted(text: str) -> str:
    """Returns a text without its quotes."""
    if not text.startswith('"'):
        return text.strip()
    try:
        return str(json.loads(text))
    except ValueError:
        return text


def from_comfyui(texts: dict[str, str]) -> Recipe | None:
    """Returns the recipe of the first sampler whose prompt is found in the graph.

    May raise anything for a graph that isn't ComfyUI's.
    """
    _check_items(texts["prompt"])
    nodes = json.loads(texts["prompt"])
    graph: dict[str, Any] = {}
    for name, node in nodes.items():
        if isinstance(node.get("inputs"), dict):
            graph[name] = node["inputs"]
    seen: set[str] = set()  # by all samplers: what gave no prompt to one gives none
    for node in graph.values():
        if "latent_image" not in node:
            continue
        guide = node.get("positive", node.get("guider"))
        prompt = _upstream(graph, guide, _POSITIVE, seen)
        if prompt is not None:
            return _from_sampler(graph, node, prompt)
    return None


def _from_sampler(graph: dict[str, Any], node: dict[str, Any], prompt: str) -> Recipe:
    """Returns the recipe of a sampler with this prompt."""
    guide = node.get("positive", node.get("guider"))
    negative_start = node.get("negative", guide)
    negative = _upstream(graph, negative_start, _NEGATIVE)
    if negative == prompt:
        negative = ""  # a guider may know only one
    size = ""
    width = _upstream(graph, node["latent_image"], _WIDTH)
    height = _upstream(graph, node["latent_image"], _HEIGHT)
    if width and height:
        size = f"{width}x{height}"
    noise = None
    for name in ("seed", "noise_seed", "noise"):
        if name in node:
            noise = node[name]
            break
    values = {
        "prompt": prompt,
        "negative_prompt": negative,
        "size": size,
        "seed": _upstream(graph, noise, _SEED),
    }
    model_start = node.get("model", guide)
    model = _upstream(graph, model_start, _MODEL)
    other: dict[str, Any] = {}
    for name in _COMFY_OTHERS:
        if isinstance(node.get(name), str | int | float):
            other[name] = node[name]
    return _recipe("comfyui", model or "", values, other)


def _upstream(
    graph: dict[str, Any], start: Any, search: _Search, seen: set[str] | None = None
) -> Any:
    """Returns the nearest value that is searched for, up the links from `start`.

    It may be `start` itself. None where there is no such value: then all nodes that
    were looked at are in `seen`, which are not looked at again. So many searches with
    the same `seen` take no more steps than there are links.
    """
    seen = set() if seen is None else seen
    queue = [start]
    for value in queue:
        if type(value) is search.kind:
            return value
        link = value[0] if isinstance(value, list) and value else None
        if not isinstance(link, str) or link in seen or link not in graph:
            continue
        seen.add(link)
        inputs = graph[link]
        if search.way in inputs:
            queue.append(inputs[search.way])
            continue
        queue += [inputs[name] for name in search.names if name in inputs]
        queue += [item for item in inputs.values() if isinstance(item, list)]
    return None
