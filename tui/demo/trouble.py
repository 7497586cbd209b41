"""Trouble that a prompt can ask for, in demos and tests: the words, and what they do to
a task.

| word in the prompt | what happens
|
|--------------------|---------------------------------------------------------------------------------|
| `demo:fail`        | the task ends `failed` and costs nothing
|
| `demo:refused`     | the create is refused with 422 on `prompt`
|
| `demo:429`         | the first create is answered 429 with `Retry-After: 1`, the next
one works      |
| `demo:500`         | the first create is answered with a 500 HTML page and makes no
task             |
| `demo:lost`        | the task is made, but the answer is a 504 HTML page: send the
same key again    |
| `demo:adopt`       | the task is made, but the answer is a 500 that has its id only in
a header      |
| `demo:flaky`       | the first poll is answered with a 503 HTML page
|
| `demo:slow`        | the task takes ten times as long
|
| `demo:empty`       | the task completes with `images: []`
|
| `demo:broken`      | the result file is cut off in the middle
|
| `demo:gone`        | the result file answers 404, as after its seven days
|
| `demo:late`        | the first 3 polls that find it `completed` are told `images: []`
|
| `demo:json`        | the finished answer is JSON text in `response.body`; outside: id,
status, usage |
| `demo:word`        | ends with the status `create_task_failed` and a message, and
costs nothing      |
| `demo:nsfw`        | ends with the status `nsfw` and a message, and costs nothing
|
| `demo:odd`         | the status is `percolating`, for ever; its price stays reserved
|
| `demo:missing`     | polls are answered 404 for the first 90 seconds of the task
|
| `demo:notyet`      | the first 3 downloads of each result file are answered 404
|
| `demo:forbidden`   | the first 3 downloads of each result file are answered 403
|
| `demo:html`        | the first 3 downloads of each result file are answered 200 with
an HTML page    |
| `demo:conflict`    | as `demo:lost`; the next create with that key is answered 409,
the third works  |

"The first create" is the first with that Idempotency-Key; without one, the first with
that body. Several words may stand in one prompt.
"""

import re
from enum import StrEnum

from tui.demo.answers import Refusal


class Trouble(StrEnum):
    FAIL = "demo:fail"
    REFUSED = "demo:refused"
    RATE_LIMITED = "demo:429"
    SERVER_ERROR = "demo:500"
    LOST = "demo:lost"
    ADOPT = "demo:adopt"
    FLAKY = "demo:flaky"
    SLOW = "demo:slow"
    EMPTY = "demo:empty"
    BROKEN = "demo:broken"
    GONE = "demo:gone"
    LATE = "demo:late"
    JSON = "demo:json"
    WORD = "demo:word"
    NSFW = "demo:nsfw"
    ODD = "demo:odd"
    MISSING = "demo:missing"
    NOT_YET = "demo:notyet"
    FORBIDDEN = "demo:forbidden"
    HTML = "demo:html"
    CONFLICT = "demo:conflict"


FAILURES = {
    Trouble.FAIL: "failed",
    Trouble.WORD: "create_task_failed",
    Trouble.NSFW: "nsfw",
}
"""The status with which a task ends that makes no picture."""
ODD_WORD = "percolating"
LATE_POLLS = 3
EARLY_DOWNLOADS = 3
MISSING_SECONDS = 90.0


def failure(trouble: Trouble) -> str:
    """What people are told of a task that has failed."""
    return (
        "The model could not make this picture, because the prompt asked for"
        f" {trouble}."
    )


def troubles_in(prompt: object) -> frozenset[Trouble]:
    """The trouble that a prompt asks for."""
    words = set(re.findall(r"demo:\w+", str(prompt).lower()))
    return frozenset(trouble for trouble in Trouble if trouble in words)


def html_page(status: int, title: str) -> Refusal:
    """The HTML page of a proxy in front of the service."""
    return Refusal(
        status,
        "<!DOCTYPE"
        f" html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>",
    )


def before_create(trouble: Trouble) -> Refusal | None:
    """The answer to a first create that makes no task."""
    if trouble is Trouble.RATE_LIMITED:
        body = {"error": {"message": "Too many requests", "code": "rate_limit"}}
        return Refusal(429, body, {"Retry-After": "1"})
    if trouble is Trouble.SERVER_ERROR:
        return html_page(500, "Internal Server Error")
    return None


def after_create(trouble: Trouble, task_id: str) -> Refusal | None:
    """The answer to a create that did make a task, without saying so as it should."""
    if trouble in (Trouble.LOST, Trouble.CONFLICT):
        return html_page(504, "Gateway Time-out")
    if trouble is Trouble.ADOPT:
        return Refusal(
            500, {"error": "Something went wrong"}, {"X-RunAPI-Task-Id": task_id}
        )
    return None


def before_replay(trouble: Trouble) -> Refusal | None:
    """The answer to the second create with a key."""
    if trouble is Trouble.CONFLICT:
        message = "A request with this key is still being processed."
        return Refusal(409, {"error": {"code": "request_conflict", "message": message}})
    return None


def before_download(trouble: Trouble) -> Refusal | None:
    """The answer to an early download of a result."""
    match trouble:
        case Trouble.NOT_YET:
            return Refusal(404, {"error": "Not found", "code": "not_found"})
        case Trouble.FORBIDDEN:
            return html_page(403, "Forbidden")
        case Trouble.HTML:
            return html_page(200, "One moment, please")
    return None
