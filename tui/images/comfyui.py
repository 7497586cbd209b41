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
from typing import Any, NamedTuple

from msgspec.structs import replace

from tui.images.node_graph import Graph
from tui.images.recipes import (
    Recipe,
    check_items,
    make_recipe,
    seed_of,
    size_of,
    size_of_text,
)

_MOST_TEXTS = 5_000  # that one graph's prompts are put together of
_MOST_PROMPTS = 20  # of one picture
_MOST_DEPTH = 40  # nodes that a text passes through
_MOST_TEXT = 20_000  # characters of a prompt that is put together
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

# Inputs of text encoders; of several in one node the first is the prompt.
_ENCODED = (
    "text",
    "text_g",
    "t5xxl",
    "prompt",
    "user_prompt",
    "positive_prompt",
    "clip_l",
    "clip_g",
    "text_l",
    "llama",
    "bert",
    "mt5xl",
    "caption",
    "tags",
)
# Inputs of nodes that give a text on
_WRITTEN = ("value", "string", "text", "prompt")
_WRITTEN_LINKS = (*_WRITTEN, "source", "anything", "any", "input", "")
_LANGUAGE_MODEL = re.compile(
    r"llm|gpt|ollama|gemini|claude|openai|anthropic|chat|llama|mistral|deepseek|grok"
    r"|qwen|florence|joy_?caption|caption|tagger|interrogat|describe|translat|rewrit"
    r"|enhanc|upsampl|magic|expan|generat|glm|kimi|moonshot|groq|gemma|mixtral|doubao"
    r"|minicpm|moondream|blip|superprompt|thinker|assistant|(?<![a-z])phi(?![a-z])",
    re.IGNORECASE,
)
# Inputs of nodes that write a text themselves: by such a model, or from a picture
_MODEL_INPUTS = re.compile(
    r"system|instruction|api_?key|temperature|top_[pk]$|max_(?:new_)?(?:tokens|length)"
    r"|penalty|query|question|llm|image|pixels|seed|^model(?:_name|_id)?$",
    re.IGNORECASE,
)
_JOINS = re.compile(r"concat|join|combine|append", re.IGNORECASE)
_PIECE = re.compile(r"(?:string|text|str|prompt)_?(?:[a-z]|\d{1,3})", re.IGNORECASE)
# What leads to no prompt, or to that of another picture
_ELSEWHERE = re.compile(
    r"clip|model|vae|image|pixels|mask|latent|samples|noise|sampler|sigmas|control_net"
    r"|style|lora|uncond",
    re.IGNORECASE,
)
_AGAINST = {
    "positive": re.compile(r"neg|cond2", re.IGNORECASE),
    "negative": re.compile(r"pos|cond1", re.IGNORECASE),
}
_FOR = {
    "positive": re.compile(r"pos", re.IGNORECASE),
    "negative": re.compile(r"neg", re.IGNORECASE),
}

_FROM_MODEL = (
    "A language model or another node wrote the prompt, and the file doesn't say what it"
    " wrote: no prompt is filled in."
)
_GUESSED = "The prompt was changed by nodes that aren't known here: check it."
_SEVERAL = "The picture has several prompts: the first is filled in."
_UNKNOWN = "The prompt comes from nodes that aren't known here: no prompt is filled in."
_STAGES = "The file has several samplers: the values are those of the first."
_SERVICE = "A node of a service made the picture: check the prompt."
_PICTURE = re.compile(
    r"image|latent|sample|pixel|video|frames|any|input|pipe|^$", re.IGNORECASE
)
_SHOWN = "The prompt is what a node has shown, maybe in an earlier run: check it."


class _Found(NamedTuple):
    """A text, the other texts beside it, and a sentence on what is unsure of it."""

    text: str
    others: dict[str, str] = {}
    note: str = ""


class _Unreadable(Exception):
    """There is a text that the graph doesn't say. The message says why."""


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
        except _Unreadable as reason:
            return _recipe(graph, inputs, _Found("", note=str(reason)))
        if found:
            return _recipe(graph, inputs, found)
    for inputs in samplers:
        if "positive" in inputs or "guider" in inputs:
            recipe = _recipe(graph, inputs, _Found("", note=_UNKNOWN))
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


def _prompt(graph: Graph, sampler: dict[str, Any], seen: set[str]) -> _Found | None:
    """Returns the prompt of a sampler; None where it has none. Raises _Unreadable."""
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
    except _Unreadable:
        return ""
    return found.text if found else ""


def _condition(
    graph: Graph, start: Any, way: str, seen: set[str], against: str = ""
) -> _Found | None:
    """Returns the first text up the links from a conditioning, and says if there are
    others. Of several texts, `against` is none: it is that of the other prompt.

    Nodes in `seen` are passed over; those that are looked at are added. Raises
    _Unreadable where the first text is.
    """
    if isinstance(start, str):
        return _Found(start)
    texts: list[_Found] = []
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
            found: _Found | None = _Found(inputs[way])
        elif way in inputs:
            links.append(inputs[way])
            continue
        else:
            chosen = _chosen(inputs)
            if chosen is not None:
                links.append(chosen)
                continue
            try:
                found = _encoded(graph, inputs, way)
            except _Unreadable:
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


def _together(texts: list[_Found]) -> _Found | None:
    """Returns the first of some texts that isn't empty, with the others beside it."""
    filled = [each for each in texts if each.text.strip()]
    if len(filled) < 2:
        return next(iter(filled or texts), None)
    first, *rest = filled
    others = {f"prompt {at}": each.text for at, each in enumerate(rest, 2)}
    return _Found(first.text, first.others | others, first.note or _SEVERAL)


def _conditions(inputs: dict[str, Any], way: str) -> Iterator[Any]:
    """Yields the links of a node that may lead to a prompt, the likeliest first."""
    likely: list[Any] = []
    others: list[Any] = []
    for name, value in inputs.items():
        if not isinstance(value, list) or _AGAINST[way].search(name):
            continue
        if name.startswith("cond"):
            likely.append(value)
        elif not _ELSEWHERE.search(name):
            others.append(value)
    # Averaging and joining nodes name first what is added: `conditioning_to` is before
    # `conditioning_from` in the picture.
    yield from likely
    yield from others


def _encoded(graph: Graph, inputs: dict[str, Any], way: str) -> _Found | None:
    """Returns the text of an encoder; None for another node. Raises _Unreadable."""
    if isinstance(inputs.get("populated_text"), str):
        return _Found(inputs["populated_text"])
    texts: dict[str, _Found] = {}
    for name in _ENCODED:
        if isinstance(inputs.get(name), str):
            texts[name] = _Found(inputs[name])
        elif name in inputs and graph.node(inputs[name]):
            found = _written(graph, inputs[name], way, 0)
            if found:
                texts[name] = found
    filled = {name: found for name, found in texts.items() if found.text.strip()}
    if not filled:
        return next(iter(texts.values()), None)
    name, first = next(iter(filled.items()))
    others = {
        other: found.text for other, found in filled.items() if found.text != first.text
    }
    note = first.note
    if others:
        note = note or _SEVERAL
    return _Found(first.text, first.others | others, note)


def _written(graph: Graph, link: Any, way: str, depth: int) -> _Found | None:
    """Returns the text that a link gives to the positive or the negative prompt.

    None where there is none. Raises _Unreadable.
    """
    if isinstance(link, str):
        return _Found(link)
    name = graph.node(link)
    if not name or depth > _MOST_DEPTH:
        return None
    graph.texts += 1
    if graph.texts > _MOST_TEXTS:
        raise _Unreadable(_UNKNOWN)
    inputs = graph.inputs(name)
    if isinstance(inputs.get("populated_text"), str):
        return _Found(inputs["populated_text"])  # a template, filled in for this run
    shown = _shown(inputs)
    try:
        found = _computed(graph, name, way, depth)
    except _Unreadable:
        if shown is None:
            raise
        found = None
    if shown is not None and (found is None or found.note):
        return _Found(shown, note=_SHOWN)
    return found


def _shown(inputs: dict[str, Any]) -> str | None:
    """Returns the text that a node like ShowText has shown; None for another node."""
    if isinstance(inputs.get("result"), str):
        return str(inputs["result"])
    if not any(isinstance(value, list) for value in inputs.values()):
        return None
    for name in ("text_0", "text2"):
        if isinstance(inputs.get(name), str):
            return str(inputs[name])
    return None


def _computed(graph: Graph, name: str, way: str, depth: int) -> _Found | None:
    """Returns the text that a node makes of its inputs. Raises _Unreadable."""
    inputs = graph.inputs(name)
    kind = graph.kinds[name]
    if _LANGUAGE_MODEL.search(kind) or any(map(_MODEL_INPUTS.search, inputs)):
        raise _Unreadable(_FROM_MODEL)
    pieces = sorted(filter(_PIECE.fullmatch, inputs), key=_in_order)
    if len(pieces) > 1 and _JOINS.search(kind):
        return _joined(graph, name, pieces, way, depth)
    chosen = _chosen(inputs)
    if chosen is not None:
        return _written(graph, chosen, way, depth + 1)
    return _passed_on(graph, name, way, depth)


def _in_order(name: str) -> tuple[int, str]:
    """Returns what names of numbered inputs are sorted by: text2 is before text10."""
    return len(name), name


def _joined(graph: Graph, name: str, pieces: list[str], way: str, depth: int) -> _Found:
    """Returns the text of a node that joins texts. Raises _Unreadable."""
    inputs = graph.inputs(name)
    between = inputs.get("delimiter", inputs.get("separator"))
    note = ""
    if not isinstance(between, str):
        between = " "
        note = _GUESSED
    whole = ""
    for at, piece in enumerate(pieces):
        found = _written(graph, inputs[piece], way, depth + 1)
        if found is None:
            found = _Found("", note=_GUESSED)
        note = note or found.note
        if at and ((whole and found.text) or graph.kinds[name] == "StringConcatenate"):
            whole += between
        whole += found.text
        if len(whole) > _MOST_TEXT:
            return _Found(whole[:_MOST_TEXT], note=_GUESSED)
    return _Found(whole, note=note)


def _chosen(inputs: dict[str, Any]) -> Any:
    """Returns the link that a switch passes on; None for another node."""
    select = inputs.get("select", inputs.get("Input"))
    if isinstance(select, int):
        for name in (f"input{select}", f"text{select}", f"text_{select}"):
            if name in inputs:
                return inputs[name]
    for name in ("switch", "boolean"):
        if isinstance(inputs.get(name), bool):
            return inputs.get("on_true" if inputs[name] else "on_false")
    return None


def _passed_on(graph: Graph, name: str, way: str, depth: int) -> _Found | None:
    """Returns the text that a node holds or passes on, as far as can be told."""
    inputs = {
        each: value
        for each, value in graph.inputs(name).items()
        if not _AGAINST[way].search(each)
    }
    has_two = len(inputs) < len(graph.nodes[name])
    named = [each for each in inputs if _FOR[way].search(each)]
    if has_two and way == "negative" and not named:
        return None  # what else there is belongs to the prompt
    links = [value for value in inputs.values() if graph.node(value)]
    is_unsure = has_two or bool(_changes(inputs))
    for each in (*named, *_WRITTEN):
        if isinstance(inputs.get(each), str):
            return _Found(inputs[each], note=_GUESSED if links or is_unsure else "")
    for each in (*named, *_WRITTEN_LINKS):
        if graph.node(inputs.get(each)):
            found = _written(graph, inputs[each], way, depth + 1)
            if found and (len(links) > 1 or is_unsure):
                return found._replace(note=found.note or _GUESSED)
            return found
    for link in links:
        found = _written(graph, link, way, depth + 1)
        if found:
            return found._replace(note=found.note or _GUESSED)
    return None


def _changes(inputs: dict[str, Any]) -> bool:
    """Returns whether a node has inputs by which it may change a text."""
    words = ("find", "replace", "pattern", "mode", "start", "end", "prefix", "suffix")
    return any(word in name for name in inputs for word in words)


def _recipe(graph: Graph, sampler: dict[str, Any], found: _Found) -> Recipe:
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
