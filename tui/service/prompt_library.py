"""The service's library of prompts: its pages, read tolerantly."""

from itertools import islice
from typing import Any

from msgspec import Struct

from tui.text import one_line, plain

_MOST_ENTRIES = 100
_MOST_COUNT = 1_000_000_000
_MOST_PARAMS = 64
_MOST_ITEMS = 64


class PromptEntry(Struct, frozen=True, kw_only=True):
    """A prompt of the library.

    Its text is safe to show; whether a model accepts `params` is unknown.
    """

    title: str
    prompt: str
    action: str = ""
    model: str = ""
    category: str = ""
    source: str = ""
    source_url: str = ""
    preview_url: str = ""
    params: dict[str, Any] = {}


class PromptPage(Struct, frozen=True):
    """One page of the entries that a search finds."""

    entries: tuple[PromptEntry, ...]
    total: int
    more: bool
    """True if there are further pages."""


def read_prompts(body: Any) -> PromptPage:
    """Reads a page of the library, without what is not an entry.

    Raises ValueError for anything but a page.
    """
    if not isinstance(body, dict) or not isinstance(body.get("prompts"), list):
        raise ValueError("not a page of prompts")
    items = body["prompts"][:_MOST_ENTRIES]
    entries = [_entry(item) for item in items if isinstance(item, dict)]
    pagination = body.get("pagination")
    if not isinstance(pagination, dict):
        pagination = {}
    return PromptPage(
        entries=tuple(entry for entry in entries if entry.prompt),
        total=max(_count(pagination.get("total")), len(entries)),
        more=_count(pagination.get("page")) < _count(pagination.get("pages")),
    )


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        return 0
    return min(max(value, 0), _MOST_COUNT)


def _entry(item: dict[str, Any]) -> PromptEntry:
    def text(name: str, most: int = 100) -> str:
        value = item.get(name)
        return one_line(value, most) if isinstance(value, str) else ""

    prompt = item.get("prompt")
    prompt = plain(prompt).strip() if isinstance(prompt, str) else ""
    params = item.get("params")
    if not isinstance(params, dict):
        params = {}
    return PromptEntry(
        title=text("title") or one_line(prompt, 60),
        prompt=prompt,
        action=text("action").replace("-", "_"),
        model=text("runapi_model"),
        category=text("category", 40),
        source=text("source"),
        source_url=text("source_url", 300),
        preview_url=text("preview_url", 2000),
        params=_flat(params),
    )


def _flat(params: dict[str, Any]) -> dict[str, Any]:
    """Returns the params that are a value or a list of values, with nothing nested."""
    found: dict[str, Any] = {}
    for name, value in islice(params.items(), _MOST_PARAMS):
        items = value if isinstance(value, list) else [value]
        is_flat = all(isinstance(item, str | int | float) for item in items)
        if not is_flat or len(items) > _MOST_ITEMS:
            continue
        cleaned = [plain(item) if isinstance(item, str) else item for item in items]
        found[one_line(name, 100)] = cleaned if isinstance(value, list) else cleaned[0]
    return found
