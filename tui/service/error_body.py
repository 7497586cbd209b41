"""The words in the body of an error, in every shape that the service has used.

The vendor's SDKs read different ones: together they know texts, lists, and objects in
objects. What any of them would find is found here.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from tui.text import one_line

_MESSAGE_KEYS = ("message", "detail", "errorMessage", "msg")
_CODE_KEYS = ("code", "type", "title")
"""Where a reason is named that nobody has put into words."""
_PARAM_KEYS = ("field", "param", "parameter", "name", "path", "pointer", "loc")
_NO_ERROR = ("none", "null", "nil", "ok", "success", "no error", "0", "false")
"""Words for the lack of an error."""
_MOST_FIELDS = 100
_MOST_REASONS = 10
_MOST_DEPTH = 6
_MOST_WORDS = 500
_PAGE = re.compile(r"<!doctype|<html|<head|<body", re.IGNORECASE)


def error_message(body: Any) -> str:
    """Returns the sentence in an error body, or "".

    A list or an object is searched in the order in which the SDKs do that: `error`,
    `errors`, then the other names.
    """
    return one_line(_message(body, 0), _MOST_WORDS)


def reason(body: Any) -> str:
    """Returns all that an error body says: its sentence, and what it says of params."""
    fields = list(error_fields(body).items())[:_MOST_REASONS]
    of_params = "; ".join(f"{name}: {text}" for name, text in fields)
    return ": ".join(filter(None, (error_message(body), of_params)))


def fault(answer: Any) -> str:
    """Returns what is wrong by an answer that may be of success, or "".

    There only `error` and `errors` count: `message` may be a kind word.
    """
    if not isinstance(answer, dict):
        return ""
    sentence = reason({name: answer.get(name) for name in ("error", "errors")})
    return "" if sentence.lower().strip(" .") in _NO_ERROR else sentence


def error_fields(body: Any) -> dict[str, str]:
    """Returns what an error body says about single params.

    `errors` is an object by param, or a list of objects that name theirs.
    """
    if not isinstance(body, dict):
        return {}
    errors = body.get("errors") or body.get("detail")
    if isinstance(errors, list):
        return _fields_of(errors)
    errors = body.get("errors")
    if not isinstance(errors, dict):
        return {}
    fields = {}
    for name, messages in islice(errors.items(), _MOST_FIELDS):
        items = messages if isinstance(messages, list) else [messages]
        # Neither lists nor objects: they may be nested without end.
        texts = [str(item) for item in items if isinstance(item, str | int | float)]
        fields[one_line(name, 80)] = one_line(", ".join(texts))
    return fields


def _fields_of(errors: list[Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in errors[:_MOST_FIELDS]:
        param, text = _param(item), one_line(_message(item, 1))
        if param and text:
            found[param] = f"{found[param]}, {text}" if param in found else text
    return {param: one_line(text) for param, text in found.items()}


def is_page(text: str) -> bool:
    """Tells whether a text is a web page, which is never shown as it is."""
    return bool(_PAGE.search(text[:2000]))


def _message(body: Any, depth: int) -> str:
    if depth > _MOST_DEPTH:
        return ""
    if isinstance(body, str):
        return "" if is_page(body) else body[: _MOST_WORDS * 4].strip()
    if isinstance(body, list):
        return _joined(body, depth)
    if not isinstance(body, dict):
        return ""
    return next(filter(None, _candidates(body, depth)), "")


def _candidates(body: dict[str, Any], depth: int) -> Iterator[str]:
    """Yields what could be the sentence in an object, the best first."""
    yield _message(body.get("error"), depth + 1)
    errors = body.get("errors")
    if isinstance(errors, str):
        yield _message(errors, depth + 1)
    elif isinstance(errors, list):
        yield _joined([item for item in errors if not _param(item)], depth)
    for name in _MESSAGE_KEYS:
        value = body.get(name)
        if isinstance(value, list):
            value = [item for item in value if isinstance(item, dict)]
            value = [item for item in value if depth or not _param(item)]
        yield _message(value, depth + 1)
    if depth:  # the body as a whole may have such names for other things
        for name in _CODE_KEYS:
            value = body.get(name)
            yield value.strip() if isinstance(value, str) else ""


def _joined(items: list[Any], depth: int) -> str:
    found = (_message(item, depth + 1) for item in items[:_MOST_REASONS])
    return "; ".join(dict.fromkeys(filter(None, found)))


def _param(item: Any) -> str:
    """Returns the param that an object in a list of errors is about, or ""."""
    if not isinstance(item, dict):
        return ""
    for name in _PARAM_KEYS:
        value = item.get(name)
        if isinstance(value, list):
            value = ".".join(str(part) for part in value[:8] if isinstance(part, str))
        if isinstance(value, str) and value.strip():
            return one_line(value.strip().lstrip("/#."), 80)
    return ""
