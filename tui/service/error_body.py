"""The words in the body of an error, in every shape that the service has used."""

from itertools import islice
from typing import Any

from tui.text import one_line

_MESSAGE_KEYS = ("message", "detail", "errorMessage", "msg")
_MOST_FIELDS = 100


def error_message(body: Any) -> str:
    """Returns the sentence in an error body, or "".

    The order of the places is the one in which the vendor's SDKs search for it.
    """
    if not isinstance(body, dict):
        return ""
    error = body.get("error")
    if isinstance(error, dict):
        error = error.get("message") or error.get("code")
    for candidate in (error, *map(body.get, _MESSAGE_KEYS)):
        if isinstance(candidate, str) and candidate.strip():
            return one_line(candidate, 500)
    return ""


def error_fields(body: Any) -> dict[str, str]:
    """Returns what an error body says about single params (`errors` as an object)."""
    errors = body.get("errors") if isinstance(body, dict) else None
    if not isinstance(errors, dict):
        return {}
    fields = {}
    for name, messages in islice(errors.items(), _MOST_FIELDS):
        items = messages if isinstance(messages, list) else [messages]
        # Neither lists nor objects: they may be nested without end.
        texts = [str(item) for item in items if isinstance(item, str | int | float)]
        fields[one_line(name, 80)] = one_line(", ".join(texts))
    return fields
