"""From an unsuccessful or unreadable HTTP response to the error that it stands for."""

import json
import time
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from tui.service.error_body import error_fields, error_message
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
from tui.service.raw_answer import kept
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
    422: (RefusedError, "The service refused the request"),
    429: (RateLimitError, "Too many requests"),
    455: (ServerError, "The service is unavailable for now"),
    501: (NotFoundError, "The service has no such route"),
}
_REDIRECT = (
    RefusedError,
    "The service answered with a redirect, which is not followed: check the base URL",
)
_MOST_FIELDS = 10
_MOST_WAIT = 3600.0


def response_error(response: httpx.Response) -> ServiceError:
    """Returns the error that an unsuccessful response stands for."""
    error_class, sentence = _default(response.status_code)
    body = parsed_json(response)
    fields = error_fields(body)
    reasons = [f"{name}: {text}" for name, text in list(fields.items())[:_MOST_FIELDS]]
    details = filter(None, (error_message(body), "; ".join(reasons)))
    detail = ": ".join(details)
    ending = f": {detail}" if detail else "."
    error = error_class(
        f"{sentence} (HTTP {response.status_code}){ending}",
        status=response.status_code,
        fields=fields,
        retry_after=retry_after(response),
        task_id=named_task(response),
        request_id=one_line(response.headers.get("X-Request-Id", "")),
        raw=kept(response.text),
    )
    error.in_words = bool(detail)
    return error


def garbled(response: httpx.Response) -> GarbledError:
    """Returns the error for a response that is not the JSON it should be."""
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    kind = one_line(kind or "nothing readable", 60)
    return GarbledError(
        f"The service answered {kind} instead of JSON (HTTP {response.status_code}).",
        status=response.status_code,
        task_id=named_task(response),
        raw=kept(response.text),
    )


def parsed_json(response: httpx.Response) -> Any:
    """Returns a response's JSON; None for an HTML page or plain text.

    Neither of those is ever shown raw.
    """
    try:
        return json.loads(response.text)
    except (ValueError, RecursionError):
        return None


def named_task(response: httpx.Response) -> str:
    """Returns the task id in a response's headers, or ""."""
    return one_line(response.headers.get("X-RunAPI-Task-Id", ""), 512)


def retry_after(response: httpx.Response) -> float | None:
    """Returns the seconds to wait by a `Retry-After` header: an hour at most.

    The header holds a number or a date; None where it holds neither.
    """
    text = response.headers.get("Retry-After", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return min(seconds, _MOST_WAIT) if seconds >= 0 else None


def _default(status: int) -> _Default:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return ServerError, "The service has an internal problem"
    if status < 400:
        return _REDIRECT
    return RefusedError, "The service refused the request"
