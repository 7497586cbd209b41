"""Reads the text that A1111, Forge and tools like them write into their pictures.

It is the prompt, the negative prompt behind a mark, and then pairs of names and values:
from the last line that begins with `Steps:` to the end. Its own reader and writer are
`modules/infotext_utils.py` of stable-diffusion-webui.
"""

import json
import re
from typing import NamedTuple

from tui.images.recipes import Recipe, Source, make_recipe, seed_of, size_of_text
from tui.text import plain

_MOST_TEXT = 100_000  # characters
_NEGATIVE = "Negative prompt:"
# As other tools and people write it, also behind signs that nobody sees
_MARK = re.compile(
    r"[\s\u200b-\u200d\u2060]{0,20}negative[ _\xa0]?prompt\s{0,5}[:\uff1a]",
    re.IGNORECASE,
)
_MARK_WITHIN = re.compile(r"negative[ _\xa0]?prompt\s{0,5}[:\uff1a]", re.IGNORECASE)
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# Civitai writes the pairs into the line of a negative prompt that is empty.
_STEPS = re.compile(r"(?:Negative prompt:\s*)?(?P<pairs>Steps:\s*\d+\s*(?:,|$))")
_STEPS_WITHIN = re.compile(
    r"Steps:\s{0,5}\d{1,9},\s{0,5}(?:Sampler|CFG|Seed|Size|Model)"
)
_SURE = re.compile(r",\s*(?:Sampler|CFG scale|Seed|Size|Model)\s*:")
_KNOWN = r"Steps|Sampler|CFG scale|Seed|Size|Model hash|Model"
_NAME = r"\w[\w \-/]{0,60}"
_FIRST = re.compile(rf"\s{{0,20}}({_NAME}):")
# A comma or a line ends a value where a name follows it, and only there.
_NEXT = re.compile(
    rf",[ \t\n]{{0,20}}(?:({_NAME}):(?=\s|$)|({_KNOWN}):)|\n,?[ \t]{{0,20}}({_NAME}):"
)
_QUOTED = re.compile(r'"(?:\\.|[^\\"])*"', re.DOTALL)
_QUOTED_VALUE = re.compile(
    r""":[ \t]?"(?:\\.|[^\\"])*+"[ \t]{0,20}(?=,|\n|$)""", re.DOTALL
)
_BRACKETS = re.compile(
    r"""(?P<text>"(?:\\.|[^\\"])*"|'(?:\\.|[^\\'])*')|(?P<open>[\[{])|(?P<close>[\]}])""",
    re.DOTALL,
)
_OPENING = ('"', "{", "[")
_MOST_UNCLOSED = 20  # quotes and brackets: each is searched for to the end of the text
_SPACE = re.compile(r"\s{0,20}")
_END = re.compile(r"[ \t]{0,20}(?:,|\n|$)")
_WHOLE_SIZE = re.compile(r"\d{1,6}\s?[x×]\s?\d{1,6}")
_ENOUGH = {"Steps", "Seed", "Size", "Model"}  # one of these tells such pairs from words

_SEVERAL = (
    "The file has several lines that could begin the negative prompt: the last of them"
    " was used."
)
_ODD = "The file marks its negative prompt in an unusual way: check both prompts."
_UNSPLIT = (
    "The file doesn't say clearly where its negative prompt begins: no prompt is filled"
    " in."
)


class _Prompts(NamedTuple):
    """Both prompts, what couldn't be split into them, and a note on what is unsure."""

    prompt: str
    negative: str = ""
    unsplit: str = ""
    note: str = ""


def from_a1111(texts: dict[str, str]) -> Recipe | None:
    """Returns the recipe in A1111's words; None where it is another kind of text.

    Raises KeyError where there is none.
    """
    whole = _LINE_ENDS.sub("\n", texts["parameters"][: 2 * _MOST_TEXT])
    lines = plain(whole, _MOST_TEXT).strip().split("\n")
    lines, pairs = _without_pairs(lines)
    is_drawthings = "Guidance Scale" in pairs
    found = _prompts(lines, "-" if is_drawthings else "")
    has_mark = bool(found.negative or found.note)
    if (found.unsplit or not has_mark) and not pairs.keys() & _ENOUGH:
        return None  # a comment of some other kind
    model = pairs.pop("Model", "")
    values = {
        "prompt": found.prompt.strip(),
        "negative_prompt": found.negative.strip(),
        "size": _joined_size(_first_word(pairs.pop("Size", ""))),
        "seed": seed_of(_first_word(pairs.pop("Seed", ""))),
    }
    is_fooocus = pairs.get("Version", "").startswith("Fooocus")
    source: Source = "fooocus" if is_fooocus else "a1111"
    if is_drawthings:
        source = "drawthings"
    other = pairs | {"unsplit text": found.unsplit}
    return make_recipe(source, model, values, other, found.note)


def _prompts(lines: list[str], sign: str) -> _Prompts:
    """Returns the prompts in some lines.

    `sign` is what else begins the negative prompt, in the words of some tools.
    """
    marks = [at for at, line in enumerate(lines) if _MARK.match(line)]
    is_signed = not marks and bool(sign)
    if is_signed:
        marks = [at for at, line in enumerate(lines) if line.startswith(sign)]
    whole = "\n".join(lines)
    is_unclear = is_signed and len(marks) > 1
    if is_unclear or (not marks and _MARK_WITHIN.search(whole)):
        return _Prompts("", unsplit=whole, note=_UNSPLIT)
    if not marks:
        return _Prompts(whole)
    split = marks[-1]
    prompt = "\n".join(lines[:split])
    behind = "\n".join(lines[split:])
    negative = behind.removeprefix(sign) if is_signed else _MARK.sub("", behind, 1)
    note = ""
    if not is_signed and not lines[split].strip().startswith(_NEGATIVE):
        note = _ODD
    if _MARK_WITHIN.search(prompt):
        note = _SEVERAL
    return _Prompts(prompt, negative, note=note)


def _joined_size(text: str) -> str:
    """Returns a size without spaces; other text as it is."""
    return size_of_text(text) or text


def _first_word(text: str) -> str:
    """Returns a number or a size without what some writer has put behind its comma."""
    return text.partition(",")[0].strip()


def _without_pairs(lines: list[str]) -> tuple[list[str], dict[str, str]]:
    """Returns the lines of the prompts, and the pairs behind them."""
    starts = [at for at, line in enumerate(lines) if _STEPS.match(line)]
    if starts:
        # A template behind the pairs may have such a line, too, but no pairs in it.
        sure = [at for at in starts if _SURE.search(lines[at])]
        at = _last_unquoted(lines, sure) if sure else starts[-1]
        start = _STEPS.match(lines[at])
        rest = "\n".join(lines[at:])
        return lines[:at], _pairs(rest[start.start("pairs") if start else 0 :])
    within = _STEPS_WITHIN.search(lines[-1])
    if within:  # all in one line
        before = lines[-1][: within.start()].rstrip(" ,")
        return [*lines[:-1], before], _pairs(lines[-1][within.start() :])
    pairs = _pairs(lines[-1])
    are_enough = pairs.keys() & _ENOUGH and (len(pairs) >= 3 or "Steps" in pairs)
    if are_enough and _are_settings(pairs):
        return lines[:-1], pairs
    return lines, {}


def _last_unquoted(lines: list[str], starts: list[int]) -> int:
    """Returns the last of these lines that doesn't stand in a quoted value."""
    text = "\n".join(lines[starts[0] :])
    quoted: set[int] = set()
    place = 0
    at = starts[0]
    for value in _QUOTED_VALUE.finditer(text):
        at += text.count("\n", place, value.start())
        end = at + text.count("\n", value.start(), value.end())
        quoted.update(range(at + 1, end + 1))
        at = end
        place = value.end()
    return [start for start in starts if start not in quoted][-1]


def _are_settings(pairs: dict[str, str]) -> bool:
    """Returns whether a seed and a size are such, and not the words of a prompt."""
    seed = _first_word(pairs.get("Seed", "0")).lstrip("-")
    size = _first_word(pairs.get("Size", "1x1"))
    return seed.isdecimal() and bool(_WHOLE_SIZE.fullmatch(size))


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
