"""Reads family files (TOML) into the catalog."""

from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tui.catalog import compiled, model_names, own_file
from tui.catalog.pattern import PatternError, check_pattern
from tui.catalog.price import from_schedule
from tui.catalog.reasons import place_of, plain_reason
from tui.catalog.spec import (
    Family,
    Kind,
    Listing,
    Model,
    Param,
    Price,
    Route,
    RouteName,
    Rule,
)
from tui.catalog.undescribed import FAMILY, is_active, new_models
from tui.system.small_file import read_small_file
from tui.text import by_count, one_line

FAMILIES = Path(__file__).parent / "families"

_MOST_FILES = 100
"""Files of the user's own; the rest is left out, as is what has no room below."""
_MOST_BYTES = 250_000
"""Of all such files together: Python's parser takes a second for half a megabyte."""
_MOST_MODELS = 200
"""In all such files together."""
_NamedRules = list[tuple[Rule, set[str]]]
"""Rules, each with the params that it names."""


class CatalogError(Exception):
    """Why a family file can't be used; the text names the file and the reason."""


class UnknownModel(LookupError):
    """No such model, or more than one; the text suggests names that come near."""


class _ModelFile(Struct, forbid_unknown_fields=True, kw_only=True):
    slug: str
    action: str
    title: str
    about: str = ""
    routes: dict[RouteName, list[str]]
    price: Price | None = None


class _FamilyFile(Struct, forbid_unknown_fields=True, kw_only=True):
    name: str
    provider: str
    service: str
    about: str = ""
    prices_as_of: str = ""
    params: dict[str, Param]
    rules: list[Rule] = []
    models: list[_ModelFile]


class Catalog:
    """All families, models, routes and params."""

    def __init__(self, families: tuple[Family, ...]) -> None:
        self.families = families
        self.models = tuple(model for family in families for model in family.models)
        self._by_key = {model.key: model for model in self.models}

    def get(self, action: str, slug: str) -> Model | None:
        return self._by_key.get((action, slug))

    def known(self, action: str, slug: str) -> Model:
        """Returns the model of an earlier request. Raises UnknownModel if it has gone."""
        model = self.get(action, slug)
        if model is None:
            name = one_line(slug, 80)
            raise UnknownModel(f"The catalog no longer has this model: {name}")
        return model

    def with_prices(self, items: list[dict[str, Any]], as_of: str) -> "Catalog":
        """Returns this catalog with the prices of the service's live list.

        Models that the list leaves out are marked (`listing`), never hidden; those that
        it alone has are a family of their own, the last one.
        """
        priced: dict[_PriceKey, dict[str, Any]] = {}
        for item in items:
            key = (item.get("service"), item.get("action"), item.get("model"))
            if all(isinstance(name, str) for name in key):
                priced[key] = item
        described = [family for family in self.families if family.name != FAMILY]
        known = {_price_key(model) for family in described for model in family.models}
        if known.isdisjoint(priced):
            return self  # not a list of these models at all
        families: list[Family] = []
        for family in described:
            models: list[Model] = []
            for model in family.models:
                entry = priced.get(_price_key(model))
                models.append(_with_price(model, entry, as_of))
            families.append(replace(family, models=tuple(models)))
        new = new_models(list(priced.values()), known, as_of)
        return Catalog((*families, new) if new else tuple(families))

    def find(self, slug: str, action: str = "") -> Model:
        """Returns the one model of that slug. Raises UnknownModel.

        The action is needed only where several models have the slug.
        """
        found = [
            model
            for model in self.models
            if model.slug == slug and action in ("", model.action)
        ]
        if len(found) == 1:
            return found[0]
        raise UnknownModel(model_names.problem_with(self.models, slug, action))

    def named(self, name: str, action: str = "") -> Model:
        """Returns the one model that a person's words stand for. Raises UnknownModel.

        That may be its title, or a beginning of its slug or title that no other has.
        """
        found = model_names.meant_by(self.models, name, action)
        if len(found) == 1:
            return found[0]
        raise UnknownModel(model_names.problem_with(self.models, name, action))


_PriceKey = tuple[object, object, object]
"""Service, action and slug of an entry in the live price list."""


def _price_key(model: Model) -> _PriceKey:
    """Returns how the live price list names a model."""
    return model.service, model.action, model.slug


def _with_price(model: Model, item: dict[str, Any] | None, as_of: str) -> Model:
    """Returns a model with the price of its entry in the live list, if it has one."""
    if item is None:
        return replace(model, listing=Listing.MISSING)
    price = from_schedule(item, as_of) or model.price
    listing = Listing.ACTIVE if is_active(item) else Listing.INACTIVE
    return replace(model, price=price, listing=listing)


def bundled(cache_folder: Path | None = None) -> Catalog:
    """Returns the catalog that ships with the program.

    With a folder for caches, the next start reads it in a fraction of the time.
    """
    return _bundled(cache_folder)


@cache
def _bundled(cache_folder: Path | None) -> Catalog:
    # Trusted, and read at each start: neither cleaned nor measured
    texts = [path.read_text("utf-8") for path in sorted(FAMILIES.glob("*.toml"))]
    if cache_folder:
        content = compiled.as_json(texts, cache_folder)
        with suppress(msgspec.DecodeError):  # of a file that somebody has changed
            kept = msgspec.json.decode(content, type=list[_FamilyFile])
            return Catalog(tuple(map(_family, kept)))
    files = [msgspec.toml.decode(text, type=_FamilyFile) for text in texts]
    return Catalog(tuple(map(_family, files)))


def with_user_families(
    folder: Path, cache_folder: Path | None = None
) -> tuple[Catalog, tuple[str, ...]]:
    """Returns the bundled catalog with the families of a folder, and all problems.

    The problems are a sentence for each file that can't be used. A family of the same
    name as a bundled one takes its place; so does a model of the same action and slug.
    `cache_folder` is that of `bundled`.
    """
    own, problems = _own_families(folder)
    if not own:
        return bundled(cache_folder), tuple(problems)
    names = {family.name for family in own}
    keys = {model.key for family in own for model in family.models}
    families = list(own)
    for family in bundled(cache_folder).families:
        if family.name not in names:
            families.append(_without(family, keys))
    catalog = Catalog(tuple(family for family in families if family.models))
    return catalog, tuple(problems)


def _own_families(folder: Path) -> tuple[list[Family], list[str]]:
    """Returns the families of a folder, and a sentence for each file left out."""
    families: list[Family] = []
    problems: list[str] = []
    paths = sorted(folder.glob("*.toml"))
    room = _MOST_BYTES
    models = 0
    known: dict[tuple[str, str], Path] = {}
    for path in paths[:_MOST_FILES]:
        room -= _size(path)
        try:
            if room < 0:
                raise CatalogError(_left_out(path, "files", "bytes", _MOST_BYTES))
            family = load_family(path)
            models += len(family.models)
            if models > _MOST_MODELS:
                raise CatalogError(_left_out(path, "models", "models", _MOST_MODELS))
            family, problem = _without_known(path, family, known)
            if problem:
                problems.append(problem)
            if family.models:
                families.append(family)
        except CatalogError as error:
            problems.append(str(error))
    more = len(paths) - _MOST_FILES
    if more > 0:
        problems.append(
            by_count(
                more,
                "{folder}: only {most} files are read, 1 is left out.",
                "{folder}: only {most} files are read, {count} are left out.",
                folder=one_line(folder),
                most=_MOST_FILES,
            )
        )
    return families, problems


def _without_known(
    path: Path, family: Family, known: dict[tuple[str, str], Path]
) -> tuple[Family, str]:
    """Returns a family without the models of earlier files, and what to say of those.

    `known` has the files of all models until now; it gets those of this one.
    """
    fresh: list[Model] = []
    again: list[Model] = []
    for model in family.models:
        (again if model.key in known else fresh).append(model)
        known.setdefault(model.key, path)
    if not again:
        return family, ""
    first = again[0]
    sentence = by_count(
        len(again),
        "{path}: {slug} ({action}) is in {other} already, which counts: remove one.",
        "{path}: {count} models, such as {slug} ({action}), are in {other} already,"
        " which counts: remove one.",
        path=one_line(path),
        slug=first.slug,
        action=first.action,
        other=one_line(known[first.key]),
    )
    return replace(family, models=tuple(fresh)), sentence


def _size(path: Path) -> int:
    try:
        return min(path.stat().st_size, own_file.MOST_BYTES)
    except OSError:
        return 0


def _left_out(path: Path, what: str, unit: str, most: int) -> str:
    return (
        f"{one_line(path)}: left out: {what} of your own have at most {most:,} {unit}"
        " together"
    )


def _without(family: Family, keys: set[tuple[str, str]]) -> Family:
    """Returns a family without the models of these keys."""
    models = tuple(model for model in family.models if model.key not in keys)
    return replace(family, models=models)


def load_family(path: Path) -> Family:
    """Reads one family file. Raises CatalogError."""
    text = ""
    try:
        text = read_small_file(path, own_file.MOST_BYTES).decode()
        return _family(msgspec.convert(own_file.cleaned(text), _FamilyFile))
    except (OSError, ValueError, LookupError) as error:
        place = f"{one_line(path)}{place_of(error, text)}"
        raise CatalogError(f"{place}: {plain_reason(error)}") from error


def _family(raw: _FamilyFile) -> Family:
    """Returns the family of a decoded file. Raises LookupError and ValueError."""
    params = _params(raw)
    known = {param.name for param in params.values()}
    known.add("model")
    rules = [(rule, _named(rule)) for rule in raw.rules]
    unknown = set[str]().union(*(named for _, named in rules)) - known
    if unknown:
        raise LookupError(f"a rule names {min(unknown)}, which is no param")
    models = tuple(_model(raw, model, params, rules) for model in raw.models)
    return Family(
        name=raw.name,
        provider=raw.provider,
        service=raw.service,
        about=raw.about,
        models=models,
    )


def _params(raw: _FamilyFile) -> dict[str, Param]:
    """Returns the parameters of a file by their keys.

    Raises LookupError, and ValueError for a pattern that can't be used.

    The key `aspect_ratio.max` is a variant of the parameter `aspect_ratio`.
    """
    params: dict[str, Param] = {}
    for key, param in raw.params.items():
        name, _, _ = key.partition(".")
        try:
            check_pattern(param.pattern)
        except PatternError as error:
            raise ValueError(f"the pattern of {name} can't be used: {error}") from error
        if param.kind in (Kind.CHOICE, Kind.CONSTANT) and not param.enum:
            raise LookupError(f"{name} has nothing to choose from")
        if name == "prompt" and param.kind in (Kind.IMAGE, Kind.IMAGES):
            # Prompts come from files and other programs: none may name an upload.
            raise LookupError("prompt is text, never an image")
        params[key] = replace(param, name=name)
    return params


def _model(
    raw: _FamilyFile, model: _ModelFile, params: dict[str, Param], rules: _NamedRules
) -> Model:
    """Returns one model of a decoded file. Raises LookupError."""
    if not model.routes:
        raise LookupError(f"{model.slug} has no route")
    price = model.price
    if price:
        price = replace(price, as_of=raw.prices_as_of)
    routes: dict[RouteName, Route] = {}
    for name, keys in model.routes.items():
        routes[name] = _route(name, keys, params, rules)
    return Model(
        family=raw.name,
        provider=raw.provider,
        service=raw.service,
        action=model.action,
        slug=model.slug,
        title=model.title,
        about=model.about,
        routes=routes,
        price=price,
    )


def _route(
    name: RouteName, keys: list[str], params: dict[str, Param], rules: _NamedRules
) -> Route:
    """Returns a route with the parameters of these keys. Raises LookupError."""
    for key in keys:
        if key not in params:
            raise LookupError(f"no [params.{key}] is defined")
    own_params = tuple(params[key] for key in keys)
    names = {param.name for param in own_params}
    if len(names) < len(own_params):
        raise LookupError(f"a route names a param twice: {', '.join(keys)}")
    names.add("model")
    own_rules = tuple(rule for rule, named in rules if named <= names)
    return Route(name, own_params, own_rules)


def _named(rule: Rule) -> set[str]:
    """Returns all parameters of a rule; it applies to routes that have them all."""
    lists = (rule.forbidden, rule.required, rule.required_any)
    return set().union(rule.when, rule.enum, rule.min, rule.max, *lists)
