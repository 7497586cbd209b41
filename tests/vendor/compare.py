"""Compares a vendor's contract with the catalog: actions, models, params, rules.

Contracts name only fields that are bounded in some way: one that a contract leaves out
may be sent, and is text, a list or a yes or no.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec.structs import replace

from tests.vendor.differences import Difference
from tests.vendor.rules import compare_rules
from tests.vendor.wheels import Contract, Wheel
from tui.catalog.spec import Family, Kind, Model, Param

_ACTION_KEYS = {"models", "fields_by_model", "rules"}
_FIELD_KEYS = {
    *("required", "type", "enum", "min", "max", "length", "min_items", "max_items"),
}
_NOT_PARAMS = ("model",)
_BOUNDS = ("min", "max", "min_items", "max_items")


def compare_family(
    family: Family, newest: Wheel, contract: Contract | None
) -> Iterator[Difference]:
    """Yields all differences of a family to its package.

    The newest version says which actions there are; the contract, which may be that of
    an older one, the rest.
    """
    yield from _compare_actions(family, newest, contract or {})
    known = {model.slug for model in family.models}
    for slug in newest.samples - known:
        yield Difference(f"{family.service} sample {slug}", "model", "yes", "no")
    if contract is None:
        yield Difference(family.service, "contract", "none", "described")
        return
    for key, described in contract.items():
        action = key.replace("-", "_")
        models = {
            model.slug: model for model in family.models if model.action == action
        }
        if models:
            yield from _compare_action(f"{family.service}/{action}", models, described)


def _compare_actions(
    family: Family, newest: Wheel, contract: Contract
) -> Iterator[Difference]:
    """Yields the actions that only one of both has."""
    service = family.service
    if not newest.endpoints:
        yield Difference(service, "addresses", "none in its package", "known")
    theirs = {action for name, action in newest.endpoints if name == service}
    described = {key.replace("-", "_") for key in contract}
    ours = {model.action for model in family.models}
    for action in (theirs | described) - ours:
        yield Difference(f"{service}/{action}", "action", "yes", "no")
    for action in ours - theirs:
        yield Difference(f"{service}/{action}", "action", "no", "yes")


def _compare_action(
    place: str, models: dict[str, Model], described: dict[str, Any]
) -> Iterator[Difference]:
    yield from _unknown_keys(place, described, _ACTION_KEYS)
    theirs = set(described.get("models", ()))
    for slug in theirs - set(models):
        yield Difference(f"{place}/{slug}", "model", "yes", "no")
    for slug, model in models.items():
        if slug not in theirs:
            yield Difference(f"{place}/{slug}", "model", "no", "yes")
            continue
        fields = described.get("fields_by_model", {}).get(slug, {})
        rules = described.get("rules", [])
        yield from _compare_model(f"{place}/{slug}", model, fields, rules)


def _compare_model(
    place: str,
    model: Model,
    fields: dict[str, dict[str, Any]],
    rules: list[dict[str, Any]],
) -> Iterator[Difference]:
    forbidden = set(_always_forbidden(model.slug, rules))
    params = {param.name: param for param in model.routes["service"].params}
    for name in forbidden & set(params):
        yield Difference(f"{place} {name}", "param", "forbidden", "yes")
    for name, field in fields.items():
        if name in _NOT_PARAMS:
            continue
        yield from _unknown_keys(f"{place} {name}", field, _FIELD_KEYS)
        if name not in params and name not in forbidden:
            yield Difference(f"{place} {name}", "param", "yes", "no")
    for name, param in params.items():
        if name not in forbidden:
            yield from _compare_param(f"{place} {name}", param, fields.get(name, {}))
    yield from compare_rules(place, model, rules)


def _always_forbidden(slug: str, rules: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yields what rules forbid a model whatever else is sent."""
    for rule in rules:
        if rule.get("when") == {"model": slug}:
            yield from rule.get("forbidden", ())


def _compare_param(
    place: str, param: Param, field: dict[str, Any]
) -> Iterator[Difference]:
    facts: dict[str, tuple[Any, Any]] = {
        "required": (field.get("required", False), param.required),
        "type": (
            field.get("type") == "integer",
            param.type == "integer" or param.kind is Kind.INTEGER,
        ),
        "enum": (_values(field.get("enum", ())), _values(param.enum)),
    }
    for bound in _BOUNDS:
        facts[bound] = (field.get(bound), getattr(param, bound))
    for bound in ("min", "min_items"):
        if _is_trivial(facts[bound], param):
            del facts[bound]
    for fact, (vendor, catalog) in facts.items():
        if vendor != catalog:
            yield Difference(place, fact, _shown(fact, vendor), _shown(fact, catalog))


def _is_trivial(bounds: tuple[Any, Any], param: Param) -> bool:
    """Returns whether both bounds allow whatever isn't empty, which is never sent."""
    is_number = param.kind in (Kind.INTEGER, Kind.NUMBER)
    return not is_number and all(bound in (None, 0, 1) for bound in bounds)


def _values(enum: Iterable[Any]) -> list[str]:
    """Returns values in an order of their own: that of the form is the catalog's."""
    return sorted(map(repr, enum))


def _shown(fact: str, value: Any) -> str:
    if fact == "type":
        return "integer" if value else "other"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(value).replace("'", "") or "any"
    return "any" if value is None else f"{value:g}"


def _unknown_keys(
    place: str, table: dict[str, Any], known: set[str]
) -> Iterator[Difference]:
    """Yields what a contract says in a way that is new."""
    for key in set(table) - known:
        yield Difference(place, f"contract key {key}", "yes", "not understood")


def by_service(families: Iterable[Family]) -> dict[str, Family]:
    """Returns the families by service: one may be in several files."""
    found: dict[str, Family] = {}
    for family in families:
        known = found.get(family.service)
        models = (*known.models, *family.models) if known else family.models
        found[family.service] = replace(family, models=models)
    return found
