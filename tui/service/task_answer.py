"""One tolerant reading of every shape in which the service has answered for a task."""

import re
from collections.abc import Collection, Iterator
from typing import Any, Literal
from urllib.parse import urljoin

from msgspec import Struct

from tui.service.account import read_cost
from tui.service.base_url import same_origin
from tui.service.error_body import fault, reason
from tui.service.inline_pictures import Pictures
from tui.service.json_text import read_json
from tui.service.raw_answer import kept
from tui.service.result_links import (
    MOST_RESULTS,
    MOST_URL,
    ImageLink,
    envelope_body,
    find,
    is_url,
    unpacked,
)
from tui.text import one_line

__all__ = ["MOST_RESULTS", "MOST_URL", "Answer", "ImageLink", "is_url", "read_answer"]

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

_MOST_LOCATION = 2048
_IDS = ("id", "task_id", "taskId")


class Answer(Struct, frozen=True, kw_only=True):
    """The service's answer for a task, from either route.

    All text but `raw` is safe to show.
    """

    task_id: str = ""
    other_ids: tuple[str, ...] = ()
    """Ids in further fields, one of which may be the task's."""
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
    doubtful: tuple[str, ...] = ()
    """The same, where the field or the URL is rather of something else."""
    pictures: Pictures = {}
    """The pictures that came with the answer, by the addresses of results."""

    @property
    def urls(self) -> tuple[str, ...]:
        return tuple(result.url for result in self.results)


def read_answer(
    raw: str,
    *,
    base_url: str,
    location: str = "",
    retry_after: float | None = None,
    sent: Collection[str] = (),
    pictures: Pictures | None = None,
) -> Answer:
    """Reads an answer for a task. Raises ValueError for anything but a JSON object.

    `sent` are the addresses of the task's request, and `pictures` what was taken out of
    the answer.
    """
    try:
        answer = read_json(raw.removeprefix("\ufeff"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(answer, dict):
        raise ValueError("not a JSON object")
    data = _object(answer.get("data"))
    body = envelope_body(answer)
    word = _first_text(data, answer, keys=("status", "state"))
    ids = [one_line(text, 512) for text in _texts(answer, data, keys=_IDS)]
    found = find(answer, base_url, sent=sent, pictures=pictures or ())
    state = _state(word, has_results=bool(found.named))
    # What is completed may have a warning, and a picture still come: polls will show.
    describe = _fault if state == "completed" else _reason
    error = describe(answer, data, body)
    is_silent = state == "completed" and not found.named
    costs = map(read_cost, (answer, data, body))
    return Answer(
        task_id=ids[0] if ids else "",
        other_ids=tuple(ids[1:]),
        word=one_line(word, 60),
        state=state,
        results=tuple(found.named[:MOST_RESULTS]),
        left_out=max(0, len(found.named) - MOST_RESULTS),
        error=error,
        cost_micro=next((cost for cost in costs if cost is not None), None),
        progress=one_line(_first_text(answer, data, keys=("progress",)), 20),
        location=_own_location(location, base_url),
        retry_after=retry_after,
        raw=kept(raw),
        elsewhere=found.elsewhere if is_silent else (),
        doubtful=found.doubtful if is_silent else (),
        pictures=dict(pictures or {}),
    )


def _reason(answer: dict[str, Any], data: dict[str, Any], body: Any) -> str:
    """Returns why a task failed, or ""."""
    if body is None:
        body = _envelope(answer).get("body")
    return next(filter(None, map(reason, (answer, data, body))), "")


def _fault(answer: dict[str, Any], data: dict[str, Any], body: Any) -> str:
    """Returns what is wrong with a task that the service calls completed, or ""."""
    status = _envelope(answer).get("status")
    if isinstance(status, int) and not isinstance(status, bool) and status >= 300:
        said = _reason(answer, data, body)
        return said or f"The service's result is an error (HTTP {status})."
    return next(filter(None, map(fault, (answer, data, body))), "")


def _envelope(answer: dict[str, Any]) -> dict[str, Any]:
    response = answer.get("response")
    return response if isinstance(response, dict) else {}


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
    return next(_texts(*objects, keys=keys), "")


def _texts(*objects: dict[str, Any], keys: tuple[str, ...]) -> Iterator[str]:
    for value in (each.get(key) for each in objects for key in keys):
        is_value = isinstance(value, str | int | float) and not isinstance(value, bool)
        if is_value and str(value):
            yield str(value)


def _object(value: Any) -> dict[str, Any]:
    """Returns an object, which may come as JSON text; {} for anything else."""
    value = unpacked(value)
    return value if isinstance(value, dict) else {}
