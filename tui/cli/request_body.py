"""`generate --input`: parameters from a JSON object, which others may have written."""

import json
from contextlib import suppress
from io import BufferedIOBase
from typing import Any

from tui.catalog.extra import EXTRA, is_deep, with_extra
from tui.catalog.load import Catalog, UnknownModel
from tui.catalog.reach import texts_of
from tui.catalog.request import Request
from tui.catalog.spec import Model, Value, Values
from tui.cli.exit_codes import UsageError
from tui.exchange.consent import Consent, WantedJob
from tui.system.streams import print_message
from tui.text import file_size, one_line

MOST_BYTES = 4_000_000
_NOTHING = "Nothing was submitted."
_TOO_DEEP = f"--input is nested too deeply. {_NOTHING}"


def read(file: BufferedIOBase) -> Values:
    """Return the object that a file holds. Raises UsageError and OSError."""
    content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        most = file_size(MOST_BYTES)
        raise UsageError(f"--input is larger than {most}. {_NOTHING}")
    try:
        found = json.loads(
            content.decode("utf-8-sig"),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
        )
    except RecursionError:
        raise UsageError(_TOO_DEEP) from None
    except ValueError as error:
        reason = one_line(error).rstrip(".")
        raise UsageError(f"--input is not JSON: {reason}. {_NOTHING}") from None
    if not isinstance(found, dict):
        raise UsageError(f"--input is no JSON object of parameters. {_NOTHING}")
    if is_deep(found):
        raise UsageError(_TOO_DEEP)
    if EXTRA in found:  # what isn't checked, the user alone says
        raise UsageError(f"--input: {EXTRA} is no name of a parameter. {_NOTHING}")
    return found


def take_model(values: Values) -> str:
    """Remove the model from a body, and return its name, or "". Raises UsageError."""
    named: Value | None = values.pop("model", None)
    if named is None:
        return ""
    if not isinstance(named, str):
        raise UsageError(f"--input: model is no text. {_NOTHING}")
    return named


def check_model(named: str, model: Model, catalog: Catalog) -> None:
    """Raise UsageError where a body names another model than was chosen."""
    if named in ("", model.slug):
        return
    with suppress(UnknownModel):
        if catalog.named(named, model.action) == model:
            return
    raise UsageError(
        f"--input is for {one_line(named, 80)}, not for {model.slug}. {_NOTHING}"
    )


def placed(model: Model, values: Values, *, unchecked: bool) -> Values:
    """Return a body's values; those that no route knows as extra parameters, where
    nothing checks them.
    """
    if model.described and not unchecked:
        return values
    known = {param.name for route in model.routes.values() for param in route.params}
    extra = {name: value for name, value in values.items() if name not in known}
    rest = {name: value for name, value in values.items() if name in known}
    return with_extra(rest, extra) if extra else rest


def check_reach(model: Model, values: Values, *, allowed: bool) -> None:
    """Print which files a body would upload, and which addresses would be called.

    Raises UsageError unless the user has `allowed` that.
    """
    job = WantedJob([Request(model, values)], foreign=texts_of(values.values()))
    lines = [named.describe() for named in Consent().needed(job)]
    if not lines:
        return
    if not allowed:
        listed = "\n".join(lines)
        raise UsageError(
            f"--input asks for this:\n{listed}\n{_NOTHING} Add --allow-files if you"
            " want it."
        )
    for line in lines:
        print_message(f"{line}.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object. Raises ValueError where it has a name twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{one_line(twice, 80)} is there twice")
    return found


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is no number of JSON")
