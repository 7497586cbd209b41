"""One tolerant reading of every shape in which the service has answered for a task."""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal, NamedTuple
from urllib.parse import urljoin

from msgspec import Struct

from tui.service.account import read_cost
from tui.service.base_url import same_origin
from tui.service.error_body import error_message
from tui.service.raw_answer import kept
from tui.text import is_inert_line, one_line

ServerState = Literal["pending", "processing", "completed", "failed", "unknown"]
_STATUS_WORDS: dict[ServerState, str] = {
    "pending": (
        "pending queued in_queue created submitted accepted waiting scheduled starting"
        " not_started"
    ),
    "processing": "processing running in_progress generating started",
    "completed": (
        "completed complete succeeded succeed success finished done ready"
        " partial_success"
    ),
    "failed": (
        "failed failure fail error errored canceled cancelled aborted timeout timed_out"
        " expired rejected refused moderated nsfw blocked generate_failed"
        " generation_failed create_task_failed create_failed task_failed"
        " content_filtered"
    ),
}
_STATE_OF = {
    word: state for state, words in _STATUS_WORDS.items() for word in words.split()
}

# Where results have been seen, in the order in which they are shown.
_RESULT_KEYS = (
    *("images", "base_image", "layers", "segments", "masks", "covers", "videos"),
    *("result_urls", "urls", "url", "output_url", "outputs", "output", "result"),
)
# Layers of an image are labelled: with this word, and the number in this field.
_LAYERS = {
    "base_image": ("base", ""),
    "layers": ("layer", "z_index"),
    "segments": ("segment", "index"),
}
_NO_RESULT = re.compile(
    "source|input|reference|mask|request|params|callback|webhook|docs|help|error"
    "|status|location"
)
"""Matches names of fields whose URLs are never results."""

_MOST_ITEMS = 1000
_MOST_DEPTH, _MOST_DEPTH_ELSEWHERE = 6, 8
_MOST_NESTED = 1_000_000
"""Characters of JSON text within an answer that are read."""
_MOST_LAYER_NUMBER = 9999
MOST_RESULTS = 128
"""Results of a task that are kept; the models make 15 at most, and some layers."""
MOST_URL = 8192
"""Characters; a longer URL is none."""
_MOST_FOUND = 100_000
"""URLs that are counted beyond those."""
_MOST_LOCATION = 2048


class ImageLink(NamedTuple):
    """The URL of a result."""

    url: str
    label: str = ""
    """Its place in the image, where it is only a layer: `layer 2`, `segment 1: sky`."""


class Answer(Struct, frozen=True, kw_only=True):
    """The service's answer for a task, from either route.

    All text but `raw` is safe to show.
    """

    task_id: str = ""
    word: str = ""
    """The status in the server's own word."""
    state: ServerState = "unknown"
    results: tuple[ImageLink, ...] = ()
    left_out: int = 0
    """How many results beyond `MOST_RESULTS` were named."""
    error: str = ""
    cost_micro: int | None = None
    progress: str = ""
    location: str = ""
    """Same-origin URL of the task's status, where the server named one."""
    retry_after: float | None = None
    """Seconds that the server asked to wait."""
    raw: str = ""
    """The answer as it came, cut after some thousand characters."""
    elsewhere: tuple[str, ...] = ()
    """URLs in fields where no results have been seen so far, for a completed task
    without results.
    """

    @property
    def urls(self) -> tuple[str, ...]:
        return tuple(result.url for result in self.results)


def read_answer(
    raw: str, *, base_url: str, location: str = "", retry_after: float | None = None
) -> Answer:
    """Reads an answer for a task. Raises ValueError for anything but a JSON object."""
    try:
        answer = json.loads(raw.removeprefix("\ufeff"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(answer, dict):
        raise ValueError("not a JSON object")
    data = _object(answer.get("data"))
    body = _envelope_body(answer)
    word = _first_text(data, answer, keys=("status", "state"))
    labels: dict[str, str] = {}
    for link in islice(_results(answer), _MOST_FOUND):
        labels[link.url] = labels.get(link.url) or link.label
    named = [ImageLink(url, label) for url, label in labels.items()]
    state = _state(word, has_results=bool(labels))
    elsewhere: Iterator[str] = iter(())
    if state == "completed" and not labels:
        elsewhere = _urls_elsewhere(answer)
    costs = map(read_cost, (answer, data, body))
    return Answer(
        task_id=one_line(
            _first_text(answer, data, keys=("id", "task_id", "taskId")), 512
        ),
        word=one_line(word, 60),
        state=state,
        results=tuple(named[:MOST_RESULTS]),
        left_out=max(0, len(named) - MOST_RESULTS),
        error=error_message(answer) or error_message(data) or error_message(body),
        cost_micro=next((cost for cost in costs if cost is not None), None),
        progress=one_line(_first_text(answer, data, keys=("progress",)), 20),
        location=_own_location(location, base_url),
        retry_after=retry_after,
        raw=kept(raw),
        elsewhere=tuple(dict.fromkeys(islice(elsewhere, MOST_RESULTS))),
    )


def _state(word: str, *, has_results: bool) -> ServerState:
    if word:
        folded = re.sub(r"[\s-]+", "_", word.lower().strip())
        return _STATE_OF.get(folded.removeprefix("task_status_"), "unknown")
    return "completed" if has_results else "pending"


def _own_location(location: str, base_url: str) -> str:
    """Returns the absolute URL of a location, or "" for one of another origin."""
    if not location or len(location) > _MOST_LOCATION:
        return ""
    try:
        absolute = urljoin(base_url + "/", location)
    except ValueError:
        return ""
    return absolute if same_origin(absolute, base_url) else ""


# ---- values of unknown shape


def _first_text(*objects: dict[str, Any], keys: tuple[str, ...]) -> str:
    for value in (each.get(key) for each in objects for key in keys):
        is_value = isinstance(value, str | int | float) and not isinstance(value, bool)
        if is_value and str(value):
            return str(value)
    return ""


def _envelope_body(answer: dict[str, Any]) -> Any:
    """Returns the answer in a result's `response` envelope, which may be JSON text."""
    response = answer.get("response")
    if not isinstance(response, dict):
        return None
    return _unpacked(response.get("body"))


def _object(value: Any) -> dict[str, Any]:
    """Returns an object, which may come as JSON text; {} for anything else."""
    value = _unpacked(value)
    return value if isinstance(value, dict) else {}


def _unpacked(value: Any) -> Any:
    return _parsed(value) if isinstance(value, str) else value


def _parsed(text: str) -> Any:
    """Returns the object or list that is in a text as JSON; None for other text."""
    if len(text) > _MOST_NESTED or not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


# ---- results


def is_url(text: str) -> bool:
    """Tells whether a text is one web URL, and nothing in it can control a terminal."""
    if len(text) > MOST_URL or not text.startswith(("http://", "https://")):
        return False
    return is_inert_line(text)


def _results(value: Any, label: str = "", depth: int = 0) -> Iterator[ImageLink]:
    if depth > _MOST_DEPTH:
        return
    if isinstance(value, str):
        if is_url(value):
            yield ImageLink(value, label)
        else:
            yield from _results(_parsed(value), label, depth + 1)
    elif isinstance(value, list):
        for item in value[:_MOST_ITEMS]:
            yield from _results(item, label, depth + 1)
    elif isinstance(value, dict):
        for key in _RESULT_KEYS:
            if key in value:
                yield from _results_in_field(key, value[key], label, depth + 1)
        data = _unpacked(value.get("data"))
        if isinstance(data, dict | list):
            yield from _results(data, label, depth + 1)
        yield from _results(_envelope_body(value), label, depth + 1)


def _results_in_field(
    key: str, value: Any, label: str, depth: int
) -> Iterator[ImageLink]:
    if key not in _LAYERS:
        yield from _results(value, label, depth)
    elif isinstance(value, list):
        for number, item in enumerate(value[:_MOST_ITEMS], 1):
            yield from _results(item, _layer_label(key, item, number), depth + 1)
    else:
        word, _ = _LAYERS[key]
        yield from _results(value, word, depth)


def _layer_label(key: str, item: Any, position: int) -> str:
    """Returns a layer's label: its number and name, or else its position."""
    word, number_field = _LAYERS[key]
    fields = item if isinstance(item, dict) else {}
    name = fields.get("name")
    name = one_line(name, 40) if isinstance(name, str) else ""
    number = fields.get(number_field)
    if _is_layer_number(number):
        word = f"{word} {number}"
    elif not name:
        word = f"{word} {position}"
    return f"{word}: {name}" if name else word


def _is_layer_number(value: object) -> bool:
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return 0 <= value <= _MOST_LAYER_NUMBER


def _urls_elsewhere(value: Any, depth: int = 0) -> Iterator[str]:
    """Yields every URL, except in fields whose names say that it is not a result."""
    if depth > _MOST_DEPTH_ELSEWHERE:
        return
    if isinstance(value, str):
        if is_url(value):
            yield value
        else:
            yield from _urls_elsewhere(_parsed(value), depth + 1)
    elif isinstance(value, list):
        for item in value[:_MOST_ITEMS]:
            yield from _urls_elsewhere(item, depth + 1)
    elif isinstance(value, dict):
        for name, item in value.items():
            if not _NO_RESULT.search(name.lower()):
                yield from _urls_elsewhere(item, depth + 1)
