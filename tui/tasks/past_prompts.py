"""Prompts that were sent once, as they are read from the queue file."""

from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from tui.catalog.request import LONGEST_TEXT
from tui.text import inert

AT_ONCE = 1000
"""Tasks whose prompts are read at once: some 25 ms, so that writes need not wait."""


class PromptPage(NamedTuple):
    """Prompts of some tasks, newest first, each once."""

    prompts: list[str]
    before: str
    """The id below which older tasks are; empty where there are none."""


class _Request(Struct):
    prompt: Any = ""


class _Prompted(Struct):
    """What of a task's data is decoded: all else is skipped, which is much quicker."""

    values: _Request
    typed: Any = ""


_decode = msgspec.json.Decoder(_Prompted).decode


def page(rows: list[tuple[str, bytes]]) -> PromptPage:
    """Returns the prompts of rows of ids and data, `AT_ONCE` at most.

    A row that can't be read has none; a prompt that no form takes is left out.
    """
    prompts: dict[str, None] = {}
    for _, data in rows:
        prompt = _prompt_of(data)
        if prompt.strip():
            prompts[prompt] = None
    before = rows[-1][0] if len(rows) == AT_ONCE else ""
    return PromptPage(list(prompts), before)


def _prompt_of(data: bytes) -> str:
    try:
        found = _decode(data)
        prompt = found.typed or found.values.prompt
    except (msgspec.MsgspecError, UnicodeError, TypeError):
        return ""
    if not isinstance(prompt, str) or len(prompt) > LONGEST_TEXT:
        return ""
    return inert(prompt)
