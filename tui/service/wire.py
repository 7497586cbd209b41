"""The two ways in which RunAPI is spoken to: paths, names, and one tolerant reading of
answers.

`unified` is `/v1/<action>` as the agent guides show it, `service` is
`/api/v1/<service>/<action>` as the vendor's SDKs use it. Nothing here sends anything.
"""

import ipaddress
import json
import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from msgspec import Struct

from tui.catalog.spec import RouteName
from tui.text import one_line, plain

DEFAULT_BASE_URL = "https://runapi.ai"

EngineState = Literal["pending", "processing", "completed", "failed", "unknown"]
_STATES: dict[EngineState, str] = {
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
_STATE_OF = {word: state for state, words in _STATES.items() for word in words.split()}

# Where results have been seen, in the order in which they are shown.
_RESULT_KEYS = (
    *("images", "base_image", "layers", "segments", "masks", "covers", "videos"),
    *("result_urls", "urls", "url", "output_url", "outputs", "output", "result"),
)
# What is a part of a picture says so, by the field that may hold its number.
_PARTS = {
    "base_image": ("base", ""),
    "layers": ("layer", "z_index"),
    "segments": ("segment", "index"),
}


_MOST_PROMPTS = 100
_MOST_NESTED = 1_000_000
"""Characters of JSON text within an answer that are read."""
_NO_RESULT = re.compile(
    "source|input|reference|mask|request|params|callback|webhook|docs|help|error|status|location"
)
"""Names of fields whose addresses are never results."""


class ImageLink(NamedTuple):
    """A result: its address and, where it isn't simply a picture, what it is: `layer
    2`, `segment 1: sky`.
    """

    url: str
    label: str = ""


class Answer(Struct, frozen=True, kw_only=True):
    """What the server said of a task, whichever route it came by. All text is harmless
    but `raw`.
    """

    task_id: str = ""
    word: str = ""
    """The status as the server put it."""
    state: EngineState = "unknown"
    results: tuple[ImageLink, ...] = ()
    error: str = ""
    cost_micro: int | None = None
    progress: str = ""
    location: str = ""
    """Same-origin URL of the task's status, where the server named one."""
    retry_after: float | None = None
    raw: str = ""
    elsewhere: tuple[str, ...] = ()
    """Public addresses in places where results have not been seen, for a finished task
    that has no others.
    """

    @property
    def urls(self) -> tuple[str, ...]:
        return tuple(result.url for result in self.results)


class PromptEntry(Struct, frozen=True, kw_only=True):
    """One of the service's library of prompts. Its text is harmless; whether a model
    takes `params` is unknown.
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
    """Some of the entries that a search finds, and whether there are more of them."""

    entries: tuple[PromptEntry, ...]
    total: int
    more: bool


class Account(Struct, frozen=True):
    """What the service says of the money, in micro-dollars; None for what it doesn't
    say.
    """

    balance: int | None
    spent_today: int | None
    spent_total: int | None


class StatusPath(Struct, frozen=True):
    """One place that may answer for a task's status; `form` is its shape, to remember
    which one did.
    """

    form: str
    path: str


def canonical(base_url: str) -> str:
    """The origin to append paths to: trimmed, without the `/v1` that agents' settings
    carry.

    Raises ValueError with a sentence for anything that a key must not be sent to.
    """
    text = base_url.strip().rstrip("/")
    if not (text.isascii() and text.isprintable()) or any(
        char in text for char in " ?#@\\"
    ):
        text = ""
    for ending in ("/api/v1", "/v1"):
        text = text.removesuffix(ending).rstrip("/")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    # A secret may stand there
    shown = one_line(re.sub(r"(?<=//)[^/@]*@|[?#].*", "…", base_url), 80)
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"{shown!r} is not a base URL such as {DEFAULT_BASE_URL}.")
    if parts.scheme == "http" and not _loopback(host):
        raise ValueError(
            f"{shown} is not encrypted: a key is sent over https, or to this machine"
            " only."
        )
    port = (
        ""
        if parts.port in (None, {"http": 80, "https": 443}[parts.scheme])
        else f":{parts.port}"
    )
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}{parts.path}"


def _loopback(host: str) -> bool:
    # `.demo` is not a domain of the Internet: the embedded service's own name, reached
    # in process.
    if host == "localhost" or host.endswith((".localhost", ".demo")):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def same_origin(url: str, base_url: str) -> bool:
    """Whether the key that belongs to `base_url` may be sent to `url`."""
    ports = {"http": 80, "https": 443}
    try:
        one, two = urlsplit(url), urlsplit(base_url)
        if "@" in one.netloc:
            return False
        return (one.scheme, one.hostname, one.port or ports.get(one.scheme)) == (
            two.scheme,
            two.hostname,
            two.port or ports.get(two.scheme),
        )
    except ValueError:
        return False


def submit_path(route: RouteName, service: str, action: str) -> str:
    return f"/v1/{action}" if route == "unified" else f"/api/v1/{service}/{action}"


def status_paths(
    route: RouteName,
    service: str,
    action: str,
    task_id: str,
    location: str = "",
    known: str = "",
) -> list[StatusPath]:
    """Where a task's status may be asked, best first. The guides never name the unified
    route's place.

    `known` is the form that has answered before at this base URL.
    """
    here = quote(task_id, safe="")
    own = StatusPath("service", f"/api/v1/{service}/{action}/{here}")
    if route == "service":
        return [StatusPath("location", location)] * bool(location) + [own]
    forms = [
        StatusPath("action", f"/v1/{action}/{here}"),
        StatusPath("tasks", f"/v1/tasks/{here}"),
        StatusPath("api-tasks", f"/api/v1/tasks/{here}"),
        own,
    ]
    forms.sort(key=lambda form: form.form != known)
    return [StatusPath("location", location)] * bool(location) + forms


def read_answer(
    raw: str, *, base_url: str, location: str = "", retry_after: float | None = None
) -> Answer:
    """Make one thing of every shape in which a task has been answered. Raises
    ValueError for anything else.
    """
    try:
        said = json.loads(raw.removeprefix("\ufeff"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(said, dict):
        raise ValueError("not a JSON object")
    inner = _object(said.get("data"))
    word = _first(inner, said, keys=("status", "state"))
    task_id = _first(said, inner, keys=("id", "task_id", "taskId"))
    labels: dict[str, str] = {}
    for url, label in _found(said):
        labels[url] = labels.get(url) or label
    folded = re.sub(r"[\s-]+", "_", word.lower().strip()).removeprefix("task_status_")
    state = _STATE_OF.get(folded, "unknown")
    if not word:
        state = "completed" if labels else "pending"
    try:
        absolute = urljoin(base_url + "/", location) if location else ""
    except ValueError:
        absolute = ""
    return Answer(
        task_id=one_line(task_id, 512),
        word=one_line(word, 60),
        state=state,
        results=tuple(ImageLink(url, label) for url, label in labels.items()),
        error=error_message(said) or error_message(inner) or error_message(_body(said)),
        cost_micro=next(
            (
                cost
                for cost in map(_cost, (said, inner, _body(said)))
                if cost is not None
            ),
            None,
        ),
        progress=one_line(_first(said, inner, keys=("progress",)), 20),
        location=absolute if absolute and same_origin(absolute, base_url) else "",
        retry_after=retry_after,
        raw=raw,
        elsewhere=(
            tuple(dict.fromkeys(_elsewhere(said)))
            if state == "completed" and not labels
            else ()
        ),
    )


def read_prompts(said: Any) -> PromptPage:
    """A page of the library; what is no entry is left out. Raises ValueError for
    anything else.
    """
    if not isinstance(said, dict) or not isinstance(said.get("prompts"), list):
        raise ValueError("not a page of prompts")
    entries = [
        _prompt(item)
        for item in said["prompts"][:_MOST_PROMPTS]
        if isinstance(item, dict)
    ]
    told = said.get("pagination")
    page, pages, total = (
        (
            found
            if isinstance(found := told.get(name) if isinstance(told, dict) else 0, int)
            else 0
        )
        for name in ("page", "pages", "total")
    )
    return PromptPage(
        tuple(entry for entry in entries if entry.prompt),
        max(total, len(entries)),
        page < pages,
    )


def _prompt(item: dict[str, Any]) -> PromptEntry:
    def line(name: str, most: int = 100) -> str:
        return one_line(item[name], most) if isinstance(item.get(name), str) else ""

    params = item["params"] if isinstance(item.get("params"), dict) else {}
    prompt = (
        plain(item["prompt"]).strip() if isinstance(item.get("prompt"), str) else ""
    )
    return PromptEntry(
        title=line("title") or one_line(prompt, 60),
        prompt=prompt,
        action=line("action").replace("-", "_"),
        model=line("runapi_model"),
        category=line("category", 40),
        source=line("source"),
        source_url=line("source_url", 300),
        preview_url=line("preview_url", 2000),
        params={name: value for name, value in params.items() if _simple(value)},
    )


def _simple(value: object) -> bool:
    """A value, or a list of them; nothing that is nested."""
    items = value if isinstance(value, list) else [value]
    return all(isinstance(item, str | int | float) for item in items)


def read_account(said: dict[str, Any]) -> Account:
    """The answer to a question for the balance, which counts in whole cents."""
    return Account(
        *(
            _cents(said.get(name))
            for name in ("balance_cents", "spent_cents_today", "spent_cents_total")
        )
    )


def read_quote(said: dict[str, Any]) -> int | None:
    """Micro-dollars that a quote names; None where it names no price."""
    match said:
        case {"price_quote": {"reservation_amount_cents": int() | float() as cents}}:
            return _micro(cents, 10_000)
    return None


def error_message(said: Any) -> str:
    """The sentence in an error body, in the order in which the vendor's SDKs look for
    one.
    """
    if not isinstance(said, dict):
        return ""
    error = said.get("error")
    found = (
        error.get("message") or error.get("code") if isinstance(error, dict) else error
    )
    for candidate in (
        found,
        *(said.get(key) for key in ("message", "detail", "errorMessage", "msg")),
    ):
        if isinstance(candidate, str) and candidate.strip():
            return one_line(candidate, 500)
    return ""


def error_fields(said: Any) -> dict[str, str]:
    """What an error body says of single params (`errors` as an object)."""
    errors = said.get("errors") if isinstance(said, dict) else None
    if not isinstance(errors, dict):
        return {}
    return {
        one_line(name, 80): one_line(
            ", ".join(map(str, told)) if isinstance(told, list) else told
        )
        for name, told in errors.items()
    }


def _first(*places: Any, keys: tuple[str, ...]) -> str:
    for place in places:
        for key in keys:
            value = place.get(key)
            if (
                isinstance(value, str | int | float)
                and not isinstance(value, bool)
                and str(value)
            ):
                return str(value)
    return ""


def _body(said: dict[str, Any]) -> Any:
    """The answer inside a task result's `response` envelope, which may be JSON text."""
    response = said.get("response")
    if not isinstance(response, dict):
        return None
    body = response.get("body")
    return _parsed(body) if isinstance(body, str) else body


def _object(value: Any) -> dict[str, Any]:
    """An object, which may come as JSON text; an empty one for anything else."""
    if isinstance(value, str):
        value = _parsed(value)
    return value if isinstance(value, dict) else {}


def _parsed(text: str) -> Any:
    """The object or list that a text holds as JSON; None for any other text."""
    if len(text) > _MOST_NESTED or not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_address(text: str) -> bool:
    """Whether a text is one address of the web, without anything that a terminal would
    obey.
    """
    return (
        text.startswith(("http://", "https://"))
        and plain(text) == text
        and not re.search(r"[\n\t]", text)
    )


def _elsewhere(place: Any, depth: int = 0) -> Iterator[str]:
    """Addresses anywhere in an answer, but for those that are said to be something else
    than results.
    """
    if depth > 8:
        return
    if isinstance(place, str):
        if _is_address(place):
            yield place
        else:
            yield from _elsewhere(_parsed(place), depth + 1)
    elif isinstance(place, list):
        for item in place[:1000]:
            yield from _elsewhere(item, depth + 1)
    elif isinstance(place, dict):
        for name, value in place.items():
            if not _NO_RESULT.search(name.lower()):
                yield from _elsewhere(value, depth + 1)


def _found(place: Any, label: str = "", depth: int = 0) -> Iterator[ImageLink]:
    if depth > 6:
        return
    if isinstance(place, str):
        if _is_address(place):
            yield ImageLink(place, label)
        else:
            yield from _found(_parsed(place), label, depth + 1)
    elif isinstance(place, list):
        for item in place[:1000]:
            yield from _found(item, label, depth + 1)
    elif isinstance(place, dict):
        for key in _RESULT_KEYS:
            if key in _PARTS and isinstance(place.get(key), list):
                for number, item in enumerate(place[key][:1000], 1):
                    yield from _found(item, _label(key, item, number), depth + 2)
            elif key in place:
                yield from _found(
                    place[key], _PARTS[key][0] if key in _PARTS else label, depth + 1
                )
        inner = place.get("data")
        if isinstance(inner, str):
            inner = _parsed(inner)
        yield from _found(
            inner if isinstance(inner, dict | list) else None, label, depth + 1
        )
        yield from _found(_body(place), label, depth + 1)


def _label(key: str, item: Any, place: int) -> str:
    """What one of the parts is: by the service's number, its name, or else by its place
    among them.
    """
    kind, numbered_by = _PARTS[key]
    told = item if isinstance(item, dict) else {}
    number = told.get(numbered_by)
    name = one_line(told["name"], 40) if isinstance(told.get("name"), str) else ""
    if (
        isinstance(number, bool)
        or not isinstance(number, int)
        or not 0 <= number <= 9999
    ):
        number = "" if name else place
    return ": ".join(part for part in (f"{kind} {number}".strip(), name) if part)


def _cost(place: Any) -> int | None:
    """Micro-dollars that were charged: `usage.cost` in dollars, or the older `billing`
    in cents.
    """
    match place:
        case {"usage": {"cost": int() | float() as dollars}}:
            return _micro(dollars, 1_000_000)
        case {
            "billing": {
                "settlement": {"charged_amount_cents": int() | float() as cents}
            }
        }:
            return _micro(cents, 10_000)
        case {"cost_cents": int() | float() as cents}:
            return _micro(cents, 10_000)
    return None


def _cents(said: Any) -> int | None:
    """Whole cents, of either sign, as micro-dollars."""
    known = isinstance(said, int) and not isinstance(said, bool) and abs(said) <= 10**12
    return said * 10_000 if known else None


def _micro(amount: float, unit: int) -> int | None:
    return (
        round(amount * unit)
        if not isinstance(amount, bool) and 0 <= amount < 1_000_000_000
        else None
    )
