"""Reads the text that A1111, Forge and tools like them write into their pictures.

It is the prompt, the negative prompt behind a mark, and then pairs of names and values:
from the last line that begins with `Steps:` to the end. Its own reader and writer are
`modules/infotext_utils.py` of stable-diffusion-webui.
"""

import json
import re

from tui.images.recipes import Recipe, Source, make_recipe, seed_of
from tui.text import plain

_MOST_TEXT = 100_000  # characters
_NEGATIVE = "Negative prompt:"
# Civitai writes the pairs into the line of a negative prompt that is empty.
_STEPS = re.compile(r"(?:Negative prompt:\s*)?(?P<pairs>Steps:\s*\d+\s*(?:,|$))")
_SURE = re.compile(r",\s*(?:Sampler|CFG scale|Seed|Size|Model)\s*:")
_KNOWN = r"Steps|Sampler|CFG scale|Seed|Size|Model hash|Model"
_NAME = r"\w[\w \-/]{0,60}"
_FIRST = re.compile(rf"\s{{0,20}}({_NAME}):")
# A comma or a line ends a value where a name follows it, and only there.
_NEXT = re.compile(
    rf",[ \t\n]{{0,20}}(?:({_NAME}):(?=\s|$)|({_KNOWN}):)|\n,?[ \t]{{0,20}}({_NAME}):"
)
_QUOTED = re.compile(r'"(?:\\.|[^\\"])*"', re.DOTALL)
_BRACKETS = re.compile(
    r"""(?P<text>"(?:\\.|[^\\"])*"|'(?:\\.|[^\\'])*')|(?P<open>[\[{])|(?P<close>[\]}])""",
    re.DOTALL,
)
_OPENING = ('"', "{", "[")
_MOST_UNCLOSED = 20  # quotes and brackets: each is searched for to the end of the text
_SPACE = re.compile(r"\s{0,20}")
_END = re.compile(r"[ \t]{0,20}(?:,|\n|$)")
_ENOUGH = {"Steps", "Seed", "Size", "Model"}  # one of these tells such pairs from words


def from_a1111(texts: dict[str, str]) -> Recipe | None:
    """Returns the recipe in A1111's words; None where it is another kind of text.

    Raises KeyError where there is none.
    """
    whole = texts["parameters"][: 2 * _MOST_TEXT]
    whole = whole.replace("\r\n", "\n").replace("\r", "\n")
    lines = plain(whole, _MOST_TEXT).strip().split("\n")
    lines, pairs = _without_pairs(lines)
    marks = [at for at, line in enumerate(lines) if line.startswith(_NEGATIVE)]
    if not marks and not pairs.keys() & _ENOUGH:
        return None  # a comment of some other kind
    note = ""
    if len(marks) > 1:
        note = (
            "The file has several lines that could begin the negative prompt: the last"
            " of them was used."
        )
    split = marks[-1] if marks else len(lines)
    prompt = "\n".join(lines[:split])
    negative = "\n".join(lines[split:]).removeprefix(_NEGATIVE)
    model = pairs.pop("Model", "")
    values = {
        "prompt": prompt.strip(),
        "negative_prompt": negative.strip(),
        "size": _first_word(pairs.pop("Size", "")),
        "seed": seed_of(_first_word(pairs.pop("Seed", ""))),
    }
    is_fooocus = pairs.get("Version", "").startswith("Fooocus")
    source: Source = "fooocus" if is_fooocus else "a1111"
    return make_recipe(source, model, values, pairs, note)


def _first_word(text: str) -> str:
    """Returns a number or a size without what some writer has put behind its comma."""
    return text.partition(",")[0].strip()


def _without_pairs(lines: list[str]) -> tuple[list[str], dict[str, str]]:
    """Returns the lines of the prompts, and the pairs behind them."""
    starts = [at for at, line in enumerate(lines) if _STEPS.match(line)]
    if starts:
        # A template behind the pairs may have such a line, too, but no pairs in it.
        sure = [at for at in starts if _SURE.search(lines[at])]
        at = (sure or starts)[-1]
        start = _STEPS.match(lines[at])
        rest = "\n".join(lines[at:])
        return lines[:at], _pairs(rest[start.start("pairs") if start else 0 :])
    pairs = _pairs(lines[-1])
    if pairs.keys() & _ENOUGH and (len(pairs) >= 3 or "Steps" in pairs):
        return lines[:-1], pairs
    return lines, {}


def _pairs(text: str) -> dict[str, str]:
    """Returns names with their values; of several values of a name, the first."""
    pairs: dict[str, str] = {}
    unclosed = 0
    found = _FIRST.match(text)
    while found:
        name = next(filter(None, found.groups()))
        space = _SPACE.match(text, found.end())
        start = space.end() if space else found.end()
        end = start
        if text[start : start + 1] in _OPENING and unclosed < _MOST_UNCLOSED:
            end = _end_of_group(text, start)
            if end == start:
                unclosed += 1
        following = _NEXT.search(text, end)
        end = following.start() if following else len(text)
        pairs.setdefault(name, _unquoted(text[start:end].strip(" \t\n,")))
        found = following
    return pairs


def _end_of_group(text: str, start: int) -> int:
    """Returns the end of a text in quotes or brackets; `start` where there is none."""
    if text[start] == '"':
        quoted = _QUOTED.match(text, start)
        end = quoted.end() if quoted else start
    else:
        end = _end_of_brackets(text, start)
    return end if _END.match(text, end) else start


def _end_of_brackets(text: str, start: int) -> int:
    """Returns the end of what stands in brackets; `start` where they aren't closed."""
    depth = 0
    for mark in _BRACKETS.finditer(text, start):
        if mark.lastgroup == "open":
            depth += 1
        elif mark.lastgroup == "close":
            depth -= 1
        if not depth:
            return mark.end()
    return start


def _unquoted(text: str) -> str:
    """Returns a text without its quotes."""
    if not text.startswith('"'):
        return text
    try:
        return str(json.loads(text, strict=False))
    except ValueError:
        return text
