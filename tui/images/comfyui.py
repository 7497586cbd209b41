"""Reads the graph of nodes that ComfyUI writes into its pictures.

A graph is JSON: for each node its class and its inputs, which are values or links,
`[node, output]`, to what they come from. From a sampler, the prompt is searched for up
the links; what a node of unknown kind does to a text can only be guessed, so a recipe
says where it has passed through one. Names of inputs are those of ComfyUI's own nodes
(`nodes.py` and `comfy_extras/`), and of node packs that many use.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from tui.images.node_graph import Graph
from tui.images.node_texts import (
    AGAINST,
    SEVERAL,
    UNKNOWN,
    Found,
    Unreadable,
    chosen_link,
    encoded,
)
from tui.images.recipes import (
    Recipe,
    check_items,
    make_recipe,
    seed_of,
    size_of,
    size_of_text,
)

_MOST_PROMPTS = 20  # of one picture
_GUIDES = ("guider", "text_embeds", "basic_pipe", "pipe")
"""Inputs of a sampler through which both prompts come."""
_TO_MODEL = ("model", "guider", "basic_pipe", "pipe", "positive")

# Settings by the types of their values, and by the inputs of a sampler that lead to them
_OTHERS: dict[str, tuple[tuple[type, ...], tuple[str, ...]]] = {
    "steps": ((int,), ("sigmas", "steps")),
    "cfg": ((float, int), ("guider", "cfg")),
    "sampler_name": ((str,), ("sampler", "sampler_name")),
    "scheduler": ((str,), ("sigmas", "scheduler")),
    "denoise": ((float, int), ("sigmas", "denoise")),
    "guidance": ((float, int), ("guider", "positive")),
}

# What leads to no prompt, or to that of another picture
_ELSEWHERE = re.compile(
    r"clip|model|vae|image|pixels|mask|latent|samples|noise|sampler|sigmas|control_net"
    r"|style|lora|uncond",
    re.IGNORECASE,
)
_STAGES = "The file has several samplers: the values are those of the first."
_SERVICE = "A node of a service made the picture: check the prompt."
_PICTURE = re.compile(
    r"image|latent|sample|pixel|video|frames|any|input|pipe|^$", re.IGNORECASE
)


def from_comfyui(texts: dict[str, str]) -> Recipe | None:
    """Returns the recipe of the first sampler whose prompt is found in the graph.

    May raise anything for a graph that isn't ComfyUI's.
    """
    text = texts.get("prompt") or texts["parameters"]
    check_items(text)
    nodes = json.loads(text.removeprefix("\ufeff"))
    inner = nodes.get("prompt")
    if isinstance(inner, dict) and "inputs" not in inner:
        nodes = inner  # beside a workflow, in a comment
    graph = Graph(nodes)
    samplers = [graph.nodes[name] for name in _samplers(graph)]
    found = _first_recipe(graph, samplers)
    if found and sum("positive" in each or "guider" in each for each in samplers) > 1:
        return replace(found, note=f"{found.note} {_STAGES}".strip())
    return found or _from_service(graph)


def _first_recipe(graph: Graph, samplers: list[dict[str, Any]]) -> Recipe | None:
    """Returns the recipe of the first sampler that has one."""
    seen: set[str] = set()  # by all samplers: what gave no prompt to one gives none
    for inputs in samplers:
        try:
            found = _prompt(graph, inputs, seen)
        except Unreadable as reason:
            return _recipe(graph, inputs, Found("", note=str(reason)))
        if found:
            return _recipe(graph, inputs, found)
    for inputs in samplers:
        if "positive" in inputs or "guider" in inputs:
            recipe = _recipe(graph, inputs, Found("", note=UNKNOWN))
            if recipe.model or recipe.values:
                return recipe
    return None


def _samplers(graph: Graph) -> list[str]:
    """Returns samplers, those first that surely are, in the order in which they ran.

    What is saved comes before what is shown alone.
    """
    sure: list[str] = []
    rest: list[str] = []
    saving = [name for name, kind in graph.kinds.items() if "save" in kind.lower()]
    for name in graph.in_order([*saving, *graph.nodes], _PICTURE):
        if "latent_image" in graph.nodes[name]:
            sure.append(name)
        elif "sampler" in graph.kinds[name].lower():
            rest.append(name)
    return sure + rest


def _from_service(graph: Graph) -> Recipe | None:
    """Returns the recipe of a node that has a service make the saved picture."""
    for name, kind in graph.kinds.items():
        if "save" not in kind.lower():
            continue
        maker = graph.node(graph.nodes[name].get("images"))
        inputs = graph.nodes.get(maker, {})
        if isinstance(inputs.get("prompt"), str):
            values = {
                "prompt": inputs["prompt"],
                "seed": seed_of(inputs.get("seed")),
                "size": size_of_text(inputs.get("size")),
            }
            model = inputs.get("model")
            shown = model if isinstance(model, str) else graph.kinds[maker]
            return make_recipe("comfyui", shown, values, {}, _SERVICE)
    return None


def _prompt(graph: Graph, sampler: dict[str, Any], seen: set[str]) -> Found | None:
    """Returns the prompt of a sampler; None where it has none. Raises Unreadable."""
    for name in ("positive", *_GUIDES):
        if name in sampler:
            negative = _negative(graph, sampler)
            return _condition(graph, sampler[name], "positive", seen, negative)
    return None


def _negative(graph: Graph, sampler: dict[str, Any]) -> str:
    """Returns the negative prompt of a sampler; nothing where none is readable."""
    start = sampler.get("negative")
    for name in _GUIDES:
        guide = graph.node(sampler.get(name))
        if guide and start is None:
            inputs = graph.inputs(guide)
            start = inputs.get("negative", inputs.get("negative_prompt"))
    try:
        found = _condition(graph, start, "negative", set())
    except Unreadable:
        return ""
    return found.text if found else ""


def _condition(
    graph: Graph, start: Any, way: str, seen: set[str], against: str = ""
) -> Found | None:
    """Returns the first text up the links from a conditioning, and says if there are
    others. Of several texts, `against` is none: it is that of the other prompt.

    Nodes in `seen` are passed over; those that are looked at are added. Raises
    Unreadable where the first text is.
    """
    if isinstance(start, str):
        return Found(start)
    texts: list[Found] = []
    links = [start]
    while links and len(texts) < _MOST_PROMPTS:
        name = graph.node(links.pop())
        if not name or name in seen:
            continue
        seen.add(name)
        inputs = graph.inputs(name)
        if "zeroout" in graph.kinds[name].lower():
            continue
        if isinstance(inputs.get(way), str):
            found: Found | None = Found(inputs[way])
        elif way in inputs:
            links.append(inputs[way])
            continue
        else:
            chosen = chosen_link(inputs)
            if chosen is not None:
                links.append(chosen)
                continue
            try:
                found = encoded(graph, inputs, way)
            except Unreadable:
                if not texts:
                    raise
                continue
        if found is None:
            links += reversed(list(_conditions(inputs, way)))
        elif found.text not in [each.text for each in texts]:
            texts.append(found)
    if len(texts) > 1:
        texts = [each for each in texts if each.text != against or not against]
    return _together(texts)


def _together(texts: list[Found]) -> Found | None:
    """Returns the first of some texts that isn't empty, with the others beside it."""
    filled = [each for each in texts if each.text.strip()]
    if len(filled) < 2:
        return next(iter(filled or texts), None)
    first, *rest = filled
    others = {f"prompt {at}": each.text for at, each in enumerate(rest, 2)}
    return Found(first.text, first.others | others, first.note or SEVERAL)


def _conditions(inputs: dict[str, Any], way: str) -> Iterator[Any]:
    """Yields the links of a node that may lead to a prompt, the likeliest first."""
    likely: list[Any] = []
    others: list[Any] = []
    for name, value in inputs.items():
        if not isinstance(value, list) or AGAINST[way].search(name):
            continue
        if name.startswith("cond"):
            likely.append(value)
        elif not _ELSEWHERE.search(name):
            others.append(value)
    # Averaging and joining nodes name first what is added: `conditioning_to` is before
    # `conditioning_from` in the picture.
    yield from likely
    yield from others


def _recipe(graph: Graph, sampler: dict[str, Any], found: Found) -> Recipe:
    """Returns the recipe of a sampler with this prompt."""
    guide = next((sampler[name] for name in _TO_MODEL if name in sampler), None)
    negative = _negative(graph, sampler)
    values = {
        "prompt": found.text,
        "negative_prompt": "" if negative == found.text else negative,
        "size": _size(graph, sampler),
        "seed": seed_of(_seed(graph, sampler)),
    }
    names = ("ckpt_name", "unet_name", "model_name", "model", "model_path")
    model = graph.nearest(guide, names, str) if isinstance(guide, list) else ""
    model = model or sampler.get("model")
    other = _settings(graph, sampler)
    return make_recipe(
        "comfyui",
        model if isinstance(model, str) else "",
        values,
        other | found.others,
        found.note,
    )


def _size(graph: Graph, sampler: dict[str, Any]) -> str:
    """Returns the size of the picture that a sampler began with; nothing if unknown."""
    names = ("latent_image", "image_embeds", "pipe", "basic_pipe")
    latent = next((sampler[name] for name in names if name in sampler), None)
    width = graph.nearest(latent, ("width", "empty_latent_width", "value"), int)
    height = graph.nearest(latent, ("height", "empty_latent_height", "value"), int)
    size = size_of(width, height)
    if size or not isinstance(latent, list):
        return size
    return size_of_text(graph.nearest(latent, ("resolution",), str))


def _settings(graph: Graph, sampler: dict[str, Any]) -> dict[str, Any]:
    """Returns steps, sampler and the like, also from nodes that give them."""
    found: dict[str, Any] = {}
    for name, (kinds, links) in _OTHERS.items():
        values = [sampler.get(name)]
        for link in links:
            if isinstance(sampler.get(link), list):
                values += [
                    graph.nearest(sampler[link], (name,), kind) for kind in kinds
                ]
        for value in values:
            if isinstance(value, str | int | float):
                found.setdefault(name, value)
    return found


def _seed(graph: Graph, sampler: dict[str, Any]) -> Any:
    """Returns the seed of a sampler, or what stands in its place."""
    for name in ("seed", "noise_seed", "noise"):
        if name in sampler:
            names = ("seed", "noise_seed", "value")
            return graph.nearest(sampler[name], names, int)
    return None
