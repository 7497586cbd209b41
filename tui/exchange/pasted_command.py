"""Reads a pasted command, `curl` or `runapi-tui generate`, as a request for the form.

It may come from anywhere: nothing of it is run, none of its files is opened, and its
headers, which may hold keys, are dropped.
"""

import json
import re
from collections.abc import Container, Iterator
from contextlib import suppress
from typing import cast, get_args

from msgspec import Struct

from tui.catalog import request
from tui.catalog.extra import EXTRA, extra_of, extra_problem, from_body, unchecked
from tui.catalog.image_items import images_in, is_url
from tui.catalog.load import Catalog, UnknownModel
from tui.catalog.route import Api
from tui.catalog.spec import Kind, Model, Param, RouteName, Value, Values
from tui.catalog.typed_values import parse_settings
from tui.catalog.undescribed import NameProblem, undescribed
from tui.text import by_count, one_line, plain

MOST = 1_000_000
"""Characters of a pasted text that are read at most."""
_COMMAND = re.compile(
    r"\s*(?:\$ )?(?:curl(?:\.exe)?\s(?=.*?(?:://|/v1/))|runapi-tui\s+generate\s)",
    re.DOTALL,
)
_PIECE = re.compile(
    r"""(?P<join>\\[ \t]*\r?\n)
    | (?P<end>[\n;|&<>()])
    | (?P<space>[^\S\n]++)
    | \$'(?P<ansi>[^'\\]*+(?:\\.[^'\\]*+)*+)'
    | '(?P<single>[^']*+)'
    | \$?"(?P<double>[^"\\]*+(?:\\.[^"\\]*+)*+)"
    | \\(?P<escaped>.)
    | (?P<bare>[^\s'"\\;|&<>()$]++|\$(?!['"]))""",
    re.DOTALL | re.VERBOSE,
)
_ESCAPE = re.compile(
    r"(?P<bytes>(?:\\x[0-9A-Fa-f]{1,2}|\\[0-7]{1,3})+)"
    r"|\\u(?P<short>[0-9A-Fa-f]{1,4})|\\U(?P<long>[0-9A-Fa-f]{1,8})|\\(?P<one>.)",
    re.DOTALL,
)
_BYTE = re.compile(r"\\(?:x([0-9A-Fa-f]{1,2})|([0-7]{1,3}))")
_ONES = {
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "E": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}
_PATH = re.compile(r"(?:/api/v1/(?P<service>\w+)|(?<!/api)/v1)/(?P<action>\w+)/?$")
_DATA = {"-d", "--data", "--data-ascii", "--data-binary", "--data-raw", "--json"}
_LETTERS = "AbCcDdEeFHKmoPQrTtuUwXxYyz"
"""curl's options of one letter that take a value; of the long ones, those that matter.
"""
_NAMES = _DATA | {"--request", "--url", "--header"}
_LETTER_NAMES = {"p": "prompt", "f": "file", "s": "set", "n": "count"}
_WITH_VALUE = frozenset(
    (
        *("prompt", "file", "input", "key", "set", "count", "vary", "action"),
        *("service", "source", "after", "preset", "out", "concurrency", "timeout"),
        *("base-url", "profile", "api", "images"),
    )
)
"""`generate`'s options that take a value; any other is a switch."""
_USED = frozenset(("prompt", "action", "service", "api", "unchecked"))
_MEANINGLESS = frozenset(("json", "no-wait", "images", "demo"))
"""Options that say nothing about the request: they aren't named as left out."""


class PasteError(ValueError):
    """A command that can't be used; the text says why."""


class PastedCommand(Struct, frozen=True):
    """The request of a command; `unused` names what has no place in the form."""

    model: Model
    route: RouteName
    values: Values
    unused: tuple[str, ...]


def is_command(text: str) -> bool:
    """Return whether a text is a command, not a prompt that begins like one."""
    return bool(_COMMAND.match(text[:MOST]))


def read(text: str, catalog: Catalog, api: Api = "auto") -> PastedCommand:
    """Return the request of a command line. Raises PasteError."""
    if len(text) > MOST:
        raise PasteError("That is too long to be a request.")
    try:
        words = list(_words(text.strip().removeprefix("$ ")))
        if words[0].startswith("curl"):
            return _curl(words[1:], catalog)
        return _generate(words[2:], catalog, api)
    except UnknownModel as error:
        raise PasteError(one_line(error)) from error
    except RecursionError:
        raise PasteError("Its data is nested too deeply.") from None


def fitting(
    model: Model, route: RouteName, values: Values, *, files: bool = False
) -> tuple[Values, tuple[str, ...]]:
    """Return untrusted values that the form can show, and the names of the rest.

    Without `files`, images must be URLs: nobody else may name a file of this machine
    for upload. The URLs of a list stay; its name is with the rest, and says why.
    """
    values = {name: value for name, value in values.items() if not request.blank(value)}
    params = {param.name: param for param in model.routes[route].params}
    known = {name: value for name, value in values.items() if name in params}
    errors = request.check(model, model.routes[route], known)
    fit: Values = {}
    rest: list[str] = []
    for name, value in values.items():
        param = params.get(name)
        shown = one_line(name, 40)
        if param is None or not _is_shown(param, value) or _is_closed(param, errors):
            rest.append(shown)
        elif files or not request.needs_upload(param, value):
            fit[name] = _plain(value)
        else:
            urls = list(filter(is_url, images_in(value)))
            count = len(images_in(value)) - len(urls)
            why = by_count(
                count, "a file of this machine", "{count} files of this machine"
            )
            rest.append(f"{shown} ({why})")
            if urls:
                fit[name] = _plain(urls)
    return fit, tuple(rest)


def _is_closed(param: Param, errors: Container[str]) -> bool:
    """Return whether a field can't show its value, which is not allowed."""
    closed = (Kind.CHOICE, Kind.BOOLEAN, Kind.CONSTANT)
    return param.name in errors and param.kind in closed


def _is_shown(param: Param, value: Value) -> bool:
    """Return whether a field can show a value as it is."""
    if param.kind in (Kind.IMAGE, Kind.IMAGES):
        return not request.image_problem(param, value)
    depth = 6 if param.kind is Kind.JSON else 1
    return not isinstance(value, dict) and _is_flat(value, depth)


def _is_flat(value: Value, depth: int) -> bool:
    """Return whether lists and objects are nested at most `depth` levels."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list) or not value:
        return True
    return depth > 0 and all(_is_flat(item, depth - 1) for item in value)


def _plain(value: Value) -> Value:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {plain(name, MOST): _plain(item) for name, item in value.items()}
    if isinstance(value, str):
        return plain(value, MOST)
    return value


def _curl(words: list[str], catalog: Catalog) -> PastedCommand:
    method = ""
    data: list[str] = []
    places: list[str] = []
    for option, value in _options(words, _LETTERS, _NAMES):
        if option in _DATA:
            if value.startswith("@") and option != "--data-raw":
                raise PasteError(
                    "Its data is in a file, which isn't opened: paste the data itself."
                )
            data.append(value)
        elif option in ("-X", "--request"):
            method = value.upper()
        elif option in ("", "--url"):
            places.append(re.split("[?#]", value)[0])
    if method not in ("", "POST"):
        raise PasteError(
            f"It is a {one_line(method, 20)} request, which makes no image."
        )
    where = next((path for place in places if (path := _PATH.search(place))), None)
    if where is None:
        raise PasteError("Its address is not one at which RunAPI makes images.")
    try:
        body = json.loads("&".join(data))
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise PasteError(
            "Its data is not a JSON object." if data else "It has no data to fill in."
        )
    model = _model(catalog, where["service"], where["action"], body.pop("model", None))
    route: RouteName = "service" if where["service"] else "unified"
    given = {name: value for name, value in body.items() if value is not None}
    values = from_body(model.routes[route], given)
    values = unchecked(values, _closed(model, route, values))
    fit, rest = _fitting_with_extra(model, route, values, files=False)
    return PastedCommand(model, route, fit, rest)


def _closed(model: Model, route: RouteName, values: Values) -> list[str]:
    """Return the names of values that only the catalog refuses and no field shows."""
    refused = request.refused_by_catalog(model, model.routes[route], values)
    params = [param for param in model.routes[route].params if param.name in values]
    return [param.name for param in params if _is_closed(param, refused)]


def _model(catalog: Catalog, service: str | None, action: str, slug: object) -> Model:
    route = "service" if service else "unified"
    there = [
        model
        for model in catalog.models
        if model.action == action
        and service in (None, model.service)
        and route in model.routes
    ]
    found = [
        model
        for model in there
        if model.slug == slug or (slug is None and len(there) == 1)
    ]
    if not found and service and isinstance(slug, str):
        with suppress(NameProblem):
            return undescribed(service, action, slug)
    if not found:
        raise PasteError(
            f"The catalog has no model {one_line(slug or '', 60)} at that address."
        )
    return found[0]


def _generate(words: list[str], catalog: Catalog, api: Api) -> PastedCommand:
    names: list[str] = []
    settings: list[str] = []
    unused: dict[str, None] = {}
    used: dict[str, str] = {}
    letters = "".join(_LETTER_NAMES)
    with_value = {f"--{name}" for name in _WITH_VALUE}
    for option, value in _options(words, letters, with_value):
        name = _LETTER_NAMES.get(option[1:], option[2:])
        if not option:
            names.append(value)
        elif name == "set":
            settings.append(value)
        elif name in _USED:
            used[name] = value
        elif name not in _MEANINGLESS:
            unused[one_line(name, 40)] = None
    if "preset" in unused:
        raise PasteError(
            "Its model is in a preset, which isn't opened: choose it here."
        )
    if not names:
        raise PasteError("It names no model.")
    model = _generated(catalog, names[0][:100], used)
    prompt = used.get("prompt", names[1] if len(names) > 1 else None)
    if prompt == "-":
        prompt = None
        unused["file"] = None
    if used.get("api") in get_args(Api):
        api = cast(Api, used["api"])
    is_unchecked = "unchecked" in used
    try:
        route, values = parse_settings(
            model, settings, prompt, api, unchecked=is_unchecked
        )
    except ValueError as error:
        raise PasteError(str(error)) from error
    if is_unchecked:
        refused = request.refused_by_catalog(model, model.routes[route], values)
        values = unchecked(values, refused)
    fit, more = _fitting_with_extra(model, route, values, files=True)
    return PastedCommand(model, route, fit, (*unused, *more))


def _generated(catalog: Catalog, slug: str, used: dict[str, str]) -> Model:
    """Return the model that `generate` takes. Raises PasteError and UnknownModel."""
    action, service = used.get("action", ""), used.get("service")
    if not service:
        return catalog.named(slug, action)
    known = catalog.get(action, slug)
    if known and known.service == service:
        return known
    try:
        return undescribed(service, action, slug)
    except NameProblem as problem:
        raise PasteError(str(problem)) from problem


def _fitting_with_extra(
    model: Model, route: RouteName, values: Values, *, files: bool
) -> tuple[Values, tuple[str, ...]]:
    """Return what `fitting` does, with the extra parameters.

    A value that is sent without a check and that its field can't show is one of them.
    """
    checked = {name: value for name, value in values.items() if name != EXTRA}
    fit, rest = fitting(model, route, checked, files=files)
    extra = extra_of(values)
    moved = {
        name: checked[name]
        for name, value in extra.items()
        if value is None and name in checked and name not in fit
    }
    extra = {**extra, **moved}
    if not extra:
        return fit, rest
    rest = tuple(name for name in rest if name not in moved)
    if extra_problem(model.routes[route].params, extra):
        return fit, (*rest, "extra parameters")
    return {**fit, EXTRA: _plain(extra)}, rest


def _options(
    words: list[str], letters: str, names: set[str]
) -> Iterator[tuple[str, str]]:
    """Yield options with their values, and arguments under an empty name.

    Options in `letters` and `names` have a value; any other counts as a switch, and
    what follows it as an argument.
    """
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if word == "--":
            yield from (("", word) for word in rest)
        elif word.startswith("--"):
            if not equals and name in names:
                value = next(rest, "")
            yield name, value
        elif word.startswith("-") and len(word) > 1:
            at = next(
                (at for at, letter in enumerate(word) if at and letter in letters), 0
            )
            if at:
                yield f"-{word[at]}", word[at + 1 :] or next(rest, "")
        else:
            yield "", word


def _words(text: str) -> Iterator[str]:
    """Yield the words of the first command, as a POSIX shell or bash reads them.

    Variables stay as they are.
    """
    word: list[str] = []
    at = 0
    while at < len(text):
        piece = _PIECE.match(text, at)
        if piece is None:
            raise PasteError("It can't be read: its end is missing.")
        at = piece.end()
        kind = str(piece.lastgroup)
        part = piece[kind]
        if kind == "end" or (kind == "bare" and part.startswith("#") and not word):
            break
        if kind == "space":
            if word:
                yield "".join(word)
            word = []
        elif kind != "join":
            word.append(_READ[kind](part) if kind in _READ else part)
    if word:
        yield "".join(word)


def _quoted(text: str) -> str:
    r"""Unescapes double-quoted text: a backslash escapes five characters only."""
    return re.sub(r'\\([$`"\\\n])', lambda found: found[1].strip("\n"), text)


def _escaped(text: str) -> str:
    r"""Unescapes text between `$'` and `'`; joins emoji that are written in halves."""
    halves = _ESCAPE.sub(_unescaped, text)
    return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _unescaped(escape: re.Match[str]) -> str:
    if escape["bytes"]:
        encoded = bytes(
            int(hexa, 16) if hexa else int(octal, 8) & 255
            for hexa, octal in _BYTE.findall(escape[0])
        )
        try:
            return encoded.decode()
        except UnicodeDecodeError:
            return encoded.decode("latin-1")  # as browsers write them
    code = escape["short"] or escape["long"]
    if code:
        return chr(int(code, 16)) if int(code, 16) < 0x110000 else "\ufffd"
    return _ONES.get(escape["one"], escape["one"])


_READ = {"double": _quoted, "ansi": _escaped}
