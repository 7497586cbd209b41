"""What the nodes of ComfyUI's graphs do with texts: hold, join, choose, change them.

What a node of unknown kind does can only be guessed: its text comes with a note, or not
at all where a language model may have written it.
"""

import re
from typing import Any, NamedTuple

from tui.images.node_graph import Graph

_MOST_TEXTS = 5_000  # that one graph's prompts are put together of
_MOST_DEPTH = 40  # nodes that a text passes through
_MOST_TEXT = 20_000  # characters of a prompt that is put together

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
AGAINST = {
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
SEVERAL = "The picture has several prompts: the first is filled in."
UNKNOWN = "The prompt comes from nodes that aren't known here: no prompt is filled in."
_SHOWN = "The prompt is what a node has shown, maybe in an earlier run: check it."


class Found(NamedTuple):
    """A text, the other texts beside it, and a sentence on what is unsure of it."""

    text: str
    others: dict[str, str] = {}
    note: str = ""


class Unreadable(Exception):
    """There is a text that the graph doesn't say. The message says why."""


def encoded(graph: Graph, inputs: dict[str, Any], way: str) -> Found | None:
    """Returns the text of an encoder; None for another node. Raises Unreadable."""
    if isinstance(inputs.get("populated_text"), str):
        return Found(inputs["populated_text"])
    texts: dict[str, Found] = {}
    for name in _ENCODED:
        if isinstance(inputs.get(name), str):
            texts[name] = Found(inputs[name])
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
        note = note or SEVERAL
    return Found(first.text, first.others | others, note)


def _written(graph: Graph, link: Any, way: str, depth: int) -> Found | None:
    """Returns the text that a link gives to the positive or the negative prompt.

    None where there is none. Raises Unreadable.
    """
    if isinstance(link, str):
        return Found(link)
    name = graph.node(link)
    if not name or depth > _MOST_DEPTH:
        return None
    graph.texts += 1
    if graph.texts > _MOST_TEXTS:
        raise Unreadable(UNKNOWN)
    inputs = graph.inputs(name)
    if isinstance(inputs.get("populated_text"), str):
        return Found(inputs["populated_text"])  # a template, filled in for this run
    shown = _shown(inputs)
    try:
        found = _computed(graph, name, way, depth)
    except Unreadable:
        if shown is None:
            raise
        found = None
    if shown is not None and (found is None or found.note):
        return Found(shown, note=_SHOWN)
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


def _computed(graph: Graph, name: str, way: str, depth: int) -> Found | None:
    """Returns the text that a node makes of its inputs. Raises Unreadable."""
    inputs = graph.inputs(name)
    kind = graph.kinds[name]
    if _LANGUAGE_MODEL.search(kind) or any(map(_MODEL_INPUTS.search, inputs)):
        raise Unreadable(_FROM_MODEL)
    pieces = sorted(filter(_PIECE.fullmatch, inputs), key=_in_order)
    if len(pieces) > 1 and _JOINS.search(kind):
        return _joined(graph, name, pieces, way, depth)
    chosen = chosen_link(inputs)
    if chosen is not None:
        return _written(graph, chosen, way, depth + 1)
    return _passed_on(graph, name, way, depth)


def _in_order(name: str) -> tuple[int, str]:
    """Returns what names of numbered inputs are sorted by: text2 is before text10."""
    return len(name), name


def _joined(graph: Graph, name: str, pieces: list[str], way: str, depth: int) -> Found:
    """Returns the text of a node that joins texts. Raises Unreadable."""
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
            found = Found("", note=_GUESSED)
        note = note or found.note
        if at and ((whole and found.text) or graph.kinds[name] == "StringConcatenate"):
            whole += between
        whole += found.text
        if len(whole) > _MOST_TEXT:
            return Found(whole[:_MOST_TEXT], note=_GUESSED)
    return Found(whole, note=note)


def chosen_link(inputs: dict[str, Any]) -> Any:
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


def _passed_on(graph: Graph, name: str, way: str, depth: int) -> Found | None:
    """Returns the text that a node holds or passes on, as far as can be told."""
    inputs = {
        each: value
        for each, value in graph.inputs(name).items()
        if not AGAINST[way].search(each)
    }
    has_two = len(inputs) < len(graph.nodes[name])
    named = [each for each in inputs if _FOR[way].search(each)]
    if has_two and way == "negative" and not named:
        return None  # what else there is belongs to the prompt
    links = [value for value in inputs.values() if graph.node(value)]
    is_unsure = has_two or bool(_changes(inputs))
    for each in (*named, *_WRITTEN):
        if isinstance(inputs.get(each), str):
            return Found(inputs[each], note=_GUESSED if links or is_unsure else "")
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
