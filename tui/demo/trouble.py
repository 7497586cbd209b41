"""Errors that a prompt can ask for, in demos and tests.

docs/design.md lists the words and what they do ("The embedded service").
"The first create" is the first with that Idempotency-Key; without one, the first with
that body. Several words may stand in one prompt.
"""

import re
from enum import StrEnum

from tui.demo.answers import Refusal


class Trouble(StrEnum):
    """The words that ask for an error."""

    FAIL = "demo:fail"
    """Ends `failed`, free of charge."""
    REFUSED = "demo:refused"
    """The create is answered 422 on `prompt`."""
    RATE_LIMITED = "demo:429"
    """The first create is answered 429 with `Retry-After: 1`."""
    SERVER_ERROR = "demo:500"
    """The first create is answered with a 500 HTML page; nothing is made."""
    LOST = "demo:lost"
    """Made, but the answer is a 504 HTML page."""
    ADOPT = "demo:adopt"
    """Made, told only by a header of a 500."""
    FLAKY = "demo:flaky"
    """The first poll is answered with a 503 HTML page."""
    SLOW = "demo:slow"
    """Takes ten times as long."""
    EMPTY = "demo:empty"
    """Completes with `images: []`."""
    BROKEN = "demo:broken"
    """The result file is cut off."""
    GONE = "demo:gone"
    """The result file answers 404, as after its seven days."""
    LATE = "demo:late"
    """The first polls that find it completed are told `images: []`."""
    JSON = "demo:json"
    """The finished answer is JSON text in `response.body`."""
    WORD = "demo:word"
    """Ends `create_task_failed` with a message, free of charge."""
    NSFW = "demo:nsfw"
    """Ends `nsfw` with a message, free of charge."""
    ODD = "demo:odd"
    """The status is ODD_STATUS for ever; the price stays reserved."""
    MISSING = "demo:missing"
    """Polls are answered 404 for the first MISSING_SECONDS."""
    NOT_YET = "demo:notyet"
    """The first downloads of each result file are answered 404."""
    FORBIDDEN = "demo:forbidden"
    """The first downloads of each result file are answered with a 403 page."""
    HTML = "demo:html"
    """The first downloads of each result file are answered 200 with a page."""
    DEAR = "demo:dear"
    """Charged DEAR_MICRO, whatever the price list says."""
    CONFLICT = "demo:conflict"
    """As LOST; the second create with that key is answered 409."""


FAILURES = {
    Trouble.FAIL: "failed",
    Trouble.WORD: "create_task_failed",
    Trouble.NSFW: "nsfw",
}
"""The status with which a task ends that makes no picture."""
ODD_STATUS = "percolating"
DEAR_MICRO = 5_000_000
"""$5."""
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
