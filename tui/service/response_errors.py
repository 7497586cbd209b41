"""From an unsuccessful or unreadable HTTP response to the error that it stands for."""

import html
import re
from typing import Any

import httpx

from tui.service.error_body import error_fields, error_message, is_page, reason
from tui.service.errors import (
    AuthenticationError,
    ConflictError,
    CreditsError,
    GarbledError,
    NotFoundError,
    RateLimitError,
    RefusedError,
    ServerError,
    ServiceError,
)
from tui.service.json_text import read_json
from tui.service.raw_answer import kept
from tui.service.retry_after import seconds_of
from tui.text import one_line

_Default = tuple[type[ServiceError], str]
_BY_STATUS: dict[int, _Default] = {
    400: (RefusedError, "The service refused the request"),
    401: (AuthenticationError, "The service refused the API key"),
    402: (CreditsError, "The balance is too low; top up at the service's website"),
    403: (AuthenticationError, "The API key may not do this"),
    404: (NotFoundError, "The service doesn't know this"),
    405: (NotFoundError, "The service has no such route"),
    408: (ServerError, "The service took too long"),
    409: (ConflictError, "The service reports a conflict"),
    410: (NotFoundError, "The service no longer has this"),
    413: (RefusedError, "The request is too large"),
    415: (RefusedError, "The service doesn't accept this type of file"),
    421: (ServerError, "The request came to the wrong server of the service"),
    422: (RefusedError, "The service refused the request"),
    423: (ServerError, "The service is busy with this"),
    425: (ServerError, "The service was not ready for this"),
    429: (RateLimitError, "Too many requests"),
    455: (ServerError, "The service is unavailable for now"),
    499: (ServerError, "The service gave up on the request"),
    501: (NotFoundError, "The service has no such route"),
}
_REDIRECT = (
    RefusedError,
    "The service answered with a redirect, which is not followed: check the base URL",
)
_OF_A_MODEL: dict[int, str] = {
    400: "The service says that the parameters are invalid",
    410: "The service has retired this model or action",
}
"""What a status means where a model was asked for something. A retired model refuses
new tasks alone: those of before can still be asked about.
"""
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{1,500})</title>", re.IGNORECASE)
_MOST_OF_A_PAGE = 20_000
"""Characters in which the title of a page is searched for."""


def response_error(response: httpx.Response, *, of_model: bool = False) -> ServiceError:
    """Returns the error that an unsuccessful response stands for.

    `of_model` says that the request was for a model: to make something, or its price.
    """
    error_class, sentence = _default(response.status_code)
    if of_model:
        sentence = _OF_A_MODEL.get(response.status_code, sentence)
    body = parsed_json(response)
    in_words = reason(body)
    detail = in_words or _text_of(response, body)
    ending = f": {detail}" if detail else "."
    error = error_class(
        f"{sentence} (HTTP {response.status_code}){ending}",
        status=response.status_code,
        fields=error_fields(body),
        retry_after=retry_after(response),
        task_id=named_task(response),
        request_id=one_line(response.headers.get("X-Request-Id", "")),
        raw=kept(response.text),
    )
    # A plain text or a page is shown, but anything on the way may have written it.
    error.in_words = bool(in_words)
    return error


def _text_of(response: httpx.Response, body: Any) -> str:
    """Returns what a body that isn't JSON says: a plain text, or the title of a page."""
    if body is not None:
        return ""
    text = response.text[:_MOST_OF_A_PAGE]
    if not is_page(text):
        return error_message(text)
    title = _TITLE.search(text)
    return one_line(html.unescape(title[1]), 120).strip() if title else ""


def garbled(response: httpx.Response) -> GarbledError:
    """Returns the error for a response that is not the JSON it should be."""
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    kind = one_line(kind or "nothing readable", 60)
    instead = "JSON that can't be read" if "json" in kind else f"{kind} instead of JSON"
    return GarbledError(
        f"The service answered {instead} (HTTP {response.status_code}).",
        status=response.status_code,
        task_id=named_task(response),
        raw=kept(response.text),
    )


def parsed_json(response: httpx.Response) -> Any:
    """Returns a response's JSON; None for an HTML page or plain text."""
    try:
        return read_json(response.text)
    except (ValueError, RecursionError):
        return None


def named_task(response: httpx.Response) -> str:
    """Returns the task id in a response's headers, or ""."""
    return one_line(response.headers.get("X-RunAPI-Task-Id", ""), 512)


def retry_after(response: httpx.Response) -> float | None:
    """Returns the seconds that a response asks to wait: an hour at most; or None."""
    return seconds_of(response.headers.get("Retry-After", ""))


def _default(status: int) -> _Default:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return ServerError, "The service has an internal problem"
    if status < 400:
        return _REDIRECT
    return RefusedError, "The service refused the request"
